package conformance

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Lives of the second installation, in seconds, and how many requests a client may make there in a minute.
const (
	shortLife   = 4
	fewRequests = 300
)

// peopleCount is how many checks can log somebody in at once.
const peopleCount = 64

// Brygga is a simulator and two installations of brygga, each a process of its own.
type Brygga struct {
	// Config is what a Runner needs to check them; ConfigFile has the same.
	Config     *Config
	ConfigFile string

	processes []*process
}

// site is what the configuration of the installations needs to know.
type site struct{ dir, bankID, phone, netID, cards string }

// process is a program that runs.
type process struct {
	*exec.Cmd
	output bytes.Buffer
	ended  chan struct{}
}

// StartBrygga starts the simulator and two installations of brygga on free loopback ports, with all they need in dir, and returns how
// to check them. binary is the program; when it is empty, it is built from the module that the process works in. The caller stops
// what was started; ctx ends it too.
func StartBrygga(ctx context.Context, dir, binary string) (_ *Brygga, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if binary == "" {
		binary = filepath.Join(dir, "brygga")
		build := exec.CommandContext(ctx, "go", "build", "-o", binary, "brygga/cmd/brygga")
		if output, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build brygga: %w: %s", err, output)
		}
	}
	b := &Brygga{ConfigFile: filepath.Join(dir, "conformance.json")}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Stop())
		}
	}()
	addresses, err := freeAddresses(9)
	if err != nil {
		return nil, err
	}
	s := &site{dir: dir, bankID: "https://" + addresses[0] + "/rp/v6.0", phone: "http://" + addresses[1], netID: "https://" + addresses[7] + "/nias/ServiceServer.asmx", cards: "http://" + addresses[8]}
	if err := writeCertificate(dir); err != nil {
		return nil, err
	}
	b.Config = &Config{
		Issuer: "http://" + addresses[2], Short: &Short{"http://" + addresses[4], shortLife, shortLife, shortLife, fewRequests},
		Login:  Login{Kind: "bankid", Phone: s.phone},
		Cards:  s.cards,
		Listen: Listen{addresses[6], "https://" + addresses[6], filepath.Join(dir, "own.pem"), filepath.Join(dir, "own-key.pem")},
	}
	if err := b.start(ctx, binary, s, addresses); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(b.Config, "", "\t")
	if err != nil {
		return nil, err
	}
	return b, os.WriteFile(b.ConfigFile, text, 0o600)
}

func (b *Brygga) start(ctx context.Context, binary string, s *site, addresses []string) error {
	clients, registered, err := newClients(b.Config.Listen.BaseURL)
	if err != nil {
		return err
	}
	b.Config.Clients = clients
	if err := os.WriteFile(filepath.Join(s.dir, "logo.svg"), []byte(logo), 0o600); err != nil {
		return err
	}
	if err := b.run(ctx, s.phone+"/api/clock", binary, "simulator", "--no-chaos", "--listen", addresses[0], "--phone-listen", addresses[1],
		"--netid", "--netid-listen", addresses[7], "--netid-app-listen", addresses[8], "--out", filepath.Join(s.dir, "sim")); err != nil {
		return err
	}
	// A provider may look at jwks_uri and sector_identifier_uri before it answers anything.
	own, err := listen(b.Config)
	if err != nil {
		return err
	}
	defer own.close()
	brief := settings{
		"limits":   settings{"requests_per_address": 1000000, "requests_per_client": fewRequests},
		"sessions": settings{"life": fmt.Sprintf("%ds", shortLife), "idle": fmt.Sprintf("%ds", shortLife)},
		"tokens": settings{
			"id_token_life": fmt.Sprintf("%ds", shortLife), "access_token_life": fmt.Sprintf("%ds", shortLife), "refresh_token_idle": fmt.Sprintf("%ds", shortLife), "refresh_token_life": fmt.Sprintf("%ds", 2*shortLife),
		},
	}
	for i, more := range []settings{{}, brief} {
		listen, name := addresses[2+2*i], "data-"+strconv.Itoa(i)
		text, err := json.Marshal(s.installation("http://"+listen, listen, addresses[3+2*i], name, registered, more))
		if err != nil {
			return err
		}
		path := filepath.Join(s.dir, name+".yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
		if err := b.run(ctx, "http://"+listen+"/.well-known/openid-configuration", binary, "serve", "--config", path); err != nil {
			return err
		}
	}
	if err := b.makeKeys(ctx, binary, filepath.Join(s.dir, "data-0.yaml")); err != nil {
		return err
	}
	return b.addPeople(ctx, s.phone)
}

// makeKeys makes the keys of a back end.
func (b *Brygga) makeKeys(ctx context.Context, binary, configFile string) error {
	b.Config.BackEnd = &BackEnd{URL: b.Config.Issuer + "/api/bankid/v1"}
	for range 2 {
		create := exec.CommandContext(ctx, binary, "apikey", "create", "conformance", "--client", b.Config.Clients["basic"].ID, "--scope", "orders:auth,orders:sign,orders:payment,orders:evidence", "--config", configFile, "-o", "json")
		out, err := create.Output()
		if err != nil {
			return fmt.Errorf("make a key of a back end: %w: %s", err, out)
		}
		var made struct{ Key string }
		if err := json.Unmarshal(out, &made); err != nil {
			return err
		}
		b.Config.BackEnd.Keys = append(b.Config.BackEnd.Keys, made.Key)
	}
	return nil
}

const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8"/></svg>`

// startTime bounds how long a process may take to its first answer.
const startTime = 20 * time.Second

// run starts a program and returns when it answers at the address.
func (b *Brygga) run(ctx context.Context, address, binary string, arguments ...string) error {
	p := &process{Cmd: exec.CommandContext(ctx, binary, arguments...), ended: make(chan struct{})}
	p.Stdout, p.Stderr, p.WaitDelay = io.Discard, &p.output, 5*time.Second
	p.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "BRYGGA_") })
	p.Cancel = func() error { return p.Process.Signal(syscall.SIGTERM) }
	if err := p.Start(); err != nil {
		return err
	}
	go func() {
		p.Wait() // its output says why it ended
		close(p.ended)
	}()
	b.processes = append(b.processes, p)
	for limit := time.Now().Add(startTime); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		select {
		case <-p.ended:
			return fmt.Errorf("brygga %s ended", arguments[0])
		default:
		}
		if response, err := http.Get(address); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
	}
	return fmt.Errorf("brygga %s does not answer at %s", arguments[0], address)
}

// Stop ends the processes, the last first, and returns when they have ended. Its error has what they complained about.
func (b *Brygga) Stop() error {
	var complaints []error
	for _, p := range slices.Backward(b.processes) {
		p.Process.Signal(syscall.SIGTERM) // one that has ended needs no more
		<-p.ended
		if said := withoutAudit(p.output.String()); said != "" {
			complaints = append(complaints, fmt.Errorf("brygga %s: %s", p.Args[1], said))
		}
	}
	return errors.Join(complaints...)
}

// withoutAudit leaves the lines of audit events and of checkpoints out, which come whatever the log level is and are no complaints.
func withoutAudit(output string) string {
	var rest strings.Builder
	for line := range strings.Lines(output) {
		if !strings.Contains(line, " level=INFO ") || !strings.Contains(line, " event=") && !strings.Contains(line, ` msg="audit checkpoint" `) {
			rest.WriteString(line)
		}
	}
	return rest.String()
}

// addPeople makes people known to the simulator, one for each check that runs at once.
func (b *Brygga) addPeople(ctx context.Context, phone string) error {
	d := &bankID{phone: phone}
	b.Config.People = []Person{{
		Name: "199104839833", Special: "coordination",
		Claims: map[string]string{"given_name": "Amina", "family_name": "Yusuf", "name": "Amina Yusuf", claimCoordination: "199104839833"},
	}}
	for i := range peopleCount {
		number, given, family := personalNumber(i), "Bo", "Prov "+strconv.Itoa(i)
		body, err := json.Marshal(map[string]string{"personalNumber": number, "givenName": given, "surname": family})
		if err != nil {
			return err
		}
		if err := d.call(ctx, "people", "application/json", body, nil); err != nil {
			return err
		}
		b.Config.People = append(b.Config.People, Person{Name: number, Claims: map[string]string{
			"given_name": given, "family_name": family, "name": given + " " + family, claimNumber: number,
			"birthdate": number[:4] + "-" + number[4:6] + "-" + number[6:8],
		}})
	}
	return nil
}

// personalNumber returns a made-up number with the right check digit.
func personalNumber(i int) string {
	body := fmt.Sprintf("%02d%02d%02d98%d", 40+i/2800%60, 1+i/280%10, 1+i/10%28, i%10)
	sum := 0
	for k, r := range body {
		d := int(r-'0') * (2 - k%2)
		sum += d/10 + d%10
	}
	return "19" + body + strconv.Itoa((10-sum%10)%10)
}

// freeAddresses returns so many loopback addresses that nobody listens on.
func freeAddresses(n int) ([]string, error) {
	var addresses []string
	for range n {
		on, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer on.Close()
		addresses = append(addresses, on.Addr().String())
	}
	return addresses, nil
}

// writeCertificate writes a certificate for the suite's listener, which is its own root.
func writeCertificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "conformance"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	for name, block := range map[string]*pem.Block{"own.pem": {Type: "CERTIFICATE", Bytes: der}, "own-key.pem": {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return err
		}
	}
	return nil
}
