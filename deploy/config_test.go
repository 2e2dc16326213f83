package deploy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"brygga/cmd/brygga/config"
	"brygga/keys"
)

// mounted are the files that a deployment puts where its configuration names them, by path.
type mounted []string

// compose is what the tests read of compose.yaml.
type compose struct {
	Services map[string]struct {
		Configs, Secrets []any
		Ports            []string
		Healthcheck      struct{ Test []string }
	}
	Configs, Secrets map[string]struct{ File string }
	Networks         map[string]struct {
		IPAM struct{ Config []struct{ Subnet string } }
	}
}

// deployment is what they read of deployment.yaml.
type deployment struct {
	Spec struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Args  []string
					Ports []struct {
						Name          string
						ContainerPort int `yaml:"containerPort"`
					}
					LivenessProbe  probe `yaml:"livenessProbe"`
					ReadinessProbe probe `yaml:"readinessProbe"`
					StartupProbe   probe `yaml:"startupProbe"`
					VolumeMounts   []struct {
						Name      string
						MountPath string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				}
			}
		}
	}
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
}

// TestConfigurations: the program takes each configuration as it stands here, with the files that its deployment puts beside it and no
// other, and has nothing to complain of that the deployment does not mean.
func TestConfigurations(t *testing.T) {
	for name, files := range map[string]mounted{
		"debian/config.yaml":     {"master.key", "bankid.p12", "bankid.passphrase", "bankid-root.pem", "bankid-signature-root.pem"},
		"compose/config.yaml":    composeFiles(t, "brygga-1"),
		"kubernetes/config.yaml": secretFiles(t),
	} {
		t.Run(name, func(t *testing.T) {
			c := loadConfig(t, name, files)
			if len(c.TrustedProxies) == 0 || c.Data != "/var/lib/brygga" || c.BankID.Environment != config.Production {
				t.Errorf("proxies %v, data %s, BankID's %s", c.TrustedProxies, c.Data, c.BankID.Environment)
			}
			for _, warning := range c.Warnings() {
				key, _, _ := strings.Cut(warning, ": ")
				if !slices.Contains([]string{"listen", "insecure_admin_listen", "console", "bankid.root_ca_file", "bankid.signature_root_file"}, key) {
					t.Errorf("warning: %s", warning)
				}
			}
			for i := range files {
				if strings.HasSuffix(files[i], "config.yaml") {
					continue
				}
				if _, err := config.Load(layConfig(t, name, slices.Delete(slices.Clone(files), i, i+1), contents(t)), nil); err == nil {
					t.Errorf("it does without %s, which the deployment puts there", files[i])
				}
			}
		})
	}
}

// loadConfig returns the configuration of that name, in a directory with the files.
func loadConfig(t *testing.T, name string, files mounted) *config.Config {
	t.Helper()
	c, err := config.Load(layConfig(t, name, files, contents(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// contents returns what the files of an operator could hold, by their names.
func contents(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"master.key": keys.NewMasterKey().Reveal(), "postgres.dsn": "postgres://brygga:password@db.example.se/brygga?sslmode=verify-full",
		"bankid.p12": "p12", "bankid.passphrase": "passphrase",
		"bankid-root.pem": rootPEM(t), "bankid-signature-root.pem": rootPEM(t), "postgres-root.pem": rootPEM(t),
	}
}

// layConfig writes the configuration and the files into a directory. Where it names them by their absolute paths, those begin there.
func layConfig(t *testing.T, name string, files mounted, content map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, file := range files {
		if text, known := content[path.Base(file)]; known {
			write(t, filepath.Join(root, file), text)
		}
	}
	placed := filepath.Join(root, "etc/brygga/config.yaml")
	if !path.IsAbs(files[0]) {
		placed = filepath.Join(root, "config.yaml")
	}
	write(t, placed, strings.ReplaceAll(read(t, name), " /run/secrets/", " "+root+"/run/secrets/"))
	return placed
}

func rootPEM(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func readYAML[T any](t *testing.T, name string) (value T) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, name)), &value); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}

// composeFiles returns where compose.yaml mounts files for the service, each of which it declares.
func composeFiles(t *testing.T, service string) (files mounted) {
	t.Helper()
	c := readYAML[compose](t, "compose/compose.yaml")
	for kind, used := range map[string][]any{"configs": c.Services[service].Configs, "secrets": c.Services[service].Secrets} {
		declared := map[string]map[string]struct{ File string }{"configs": c.Configs, "secrets": c.Secrets}[kind]
		for _, use := range used {
			source, target := fileUse(kind, use)
			if declared[source].File == "" {
				t.Errorf("%s uses %s, which is not among the %s", service, source, kind)
			}
			files = append(files, target)
		}
	}
	return files
}

// fileUse reads how a service names a config or secret: by its name alone, or with where it goes.
func fileUse(kind string, use any) (source, target string) {
	switch u := use.(type) {
	case string:
		return u, "/run/" + kind + "/" + u
	case map[string]any:
		source, _ = u["source"].(string)
		target, _ = u["target"].(string)
	}
	return source, target
}

// secretFiles returns where deployment.yaml mounts what is in secret.example.yaml.
func secretFiles(t *testing.T) (files mounted) {
	t.Helper()
	secret := readYAML[struct {
		StringData map[string]string `yaml:"stringData"`
		Data       map[string]string
	}](t, "kubernetes/secret.example.yaml")
	for _, mount := range readYAML[deployment](t, "kubernetes/deployment.yaml").Spec.Template.Spec.Containers[0].VolumeMounts {
		if mount.Name != "secrets" {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(secret.StringData)) {
			files = append(files, mount.MountPath+"/"+name)
		}
		for name := range secret.Data {
			files = append(files, mount.MountPath+"/"+name)
		}
	}
	return files
}

// portOf returns the port of an address to listen on.
func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
