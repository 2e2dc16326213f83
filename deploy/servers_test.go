package deploy_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"brygga/bankid/bankidsim"
	"brygga/storage/postgres/pgtest"
)

// patience is how long a test waits for what a process does.
const patience = time.Minute

// TestComposeServers: the two servers of compose.yaml, with their configuration, the database's role and files as an operator has them,
// become ready, and what is told the one holds for the other.
func TestComposeServers(t *testing.T) {
	database, err := pgtest.Start(pgtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { database.Close() })
	files := contents(t)
	files["postgres.dsn"] = makeRole(t, database.DSN("postgres"), "password")
	issueCertificates(t, files)
	configuration := layConfig(t, "compose/config.yaml", composeFiles(t, "brygga-1"), files)
	program := build(t)
	first, second := serve(t, program, configuration), serve(t, program, configuration)

	add := exec.CommandContext(t.Context(), program, "client", "add", "shop", "--redirect-uri", "https://shop.example.se/callback")
	add.Env = first.environ
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("client add: %v\n%s", err, out)
	}
	login := "/authorize?client_id=shop&redirect_uri=https://shop.example.se/callback&response_type=code&scope=openid"
	await(t, second.listen+login, func(status int, _ string) bool { return status == http.StatusSeeOther })
	for _, server := range []*server{first, second} {
		server.stop(t)
	}
}

// issueCertificates puts what a bank and BankID hand out into the files.
func issueCertificates(t *testing.T, files map[string]string) {
	t.Helper()
	sim, err := bankidsim.New(bankidsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	signatures, err := sim.SignatureRootPEM()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(sim.ClientCertificate().CertPEM, sim.ClientCertificate().KeyPEM)
	if err != nil {
		t.Fatal(err)
	}
	p12, err := pkcs12.Modern2023.Encode(pair.PrivateKey, pair.Leaf, nil, files["bankid.passphrase"])
	if err != nil {
		t.Fatal(err)
	}
	files["bankid.p12"], files["bankid-root.pem"], files["bankid-signature-root.pem"] = string(p12), string(sim.ServerRootPEM()), string(signatures)
}

// build returns the program as the image has it.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "brygga")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", program, "brygga/cmd/brygga")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// server is a running brygga.
type server struct {
	cmd     *exec.Cmd
	environ []string
	listen  string
	log     *strings.Builder
}

// serve starts a server and returns when it is ready. What is a machine of its own in compose is a port and a directory here.
func serve(t *testing.T, program, configuration string) *server {
	t.Helper()
	listen, admin := freeAddress(t), freeAddress(t)
	s := &server{log: new(strings.Builder), listen: "http://" + listen, cmd: exec.CommandContext(t.Context(), program, "serve")}
	s.environ = append(os.Environ(), "BRYGGA_CONFIG="+configuration, "BRYGGA_LISTEN="+listen, "BRYGGA_ADMIN_LISTEN="+admin, "BRYGGA_DATA="+t.TempDir())
	s.cmd.Env, s.cmd.Stderr = s.environ, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			s.cmd.Process.Kill()
			s.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("a server said:\n%s", s.log)
		}
	})
	await(t, "http://"+admin+"/readyz", func(status int, body string) bool { return status == http.StatusOK && body == "ok\n" })
	return s
}

// stop ends the server as a container is ended.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// await asks for the address until the answer is good.
func await(t *testing.T, address string, good func(status int, body string) bool) {
	t.Helper()
	client := &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	last := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		response, err := client.Get(address)
		if err != nil {
			last = err.Error()
			continue
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err == nil && good(response.StatusCode, string(body)) {
			return
		}
		last = fmt.Sprint(response.StatusCode, " ", string(body))
	}
	t.Fatalf("%s: %s", address, last)
}
