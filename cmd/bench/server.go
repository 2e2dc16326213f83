package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"brygga/bankid/bankidsim"
)

// clientSecret is that of the apps the bench plays, masterKey brygga's.
const (
	clientSecret = "the-secret-of-the-bench-app-0123456789"
	masterKey    = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
)

// bench holds what is common to all runs.
type bench struct {
	settings
	dir, binary   string
	issuer, admin string
	sim           *bankidsim.Simulator
	simAPI        *http.Server
	simURL        string
	bankID        *countCalls
	people        chan string
	browser       *http.Client
	// wrap is the command that the server is started by, empty for none.
	wrap []string
	// requests counts those of all visits.
	requests atomic.Int64
	// es256 is brygga as the app that all log in for sees it.
	es256 *provider
	// signer is the app that has texts signed.
	signer *signer
	// database is what the servers share, nil where one has a file. addresses are those of the servers.
	database  *database
	addresses []string
}

// server is the running server process, the first of several, and the others.
type server struct {
	*exec.Cmd
	stderr *bytes.Buffer
	others []*server
}

func newBench(ctx context.Context, s settings) (*bench, error) {
	dir, err := os.MkdirTemp("", "brygga-bench")
	if err != nil {
		return nil, err
	}
	b := &bench{settings: s, dir: dir, binary: filepath.Join(dir, "brygga")}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.binary, "brygga/cmd/brygga")
	build.Stderr, build.Env = os.Stderr, append(os.Environ(), "CGO_ENABLED=0") // as it is released
	if err := build.Run(); err != nil {
		b.close()
		return nil, fmt.Errorf("build brygga: %w", err)
	}
	if err := b.startSimulator(); err != nil {
		b.close()
		return nil, err
	}
	if s.nodes > 0 {
		if b.database, err = startDatabase(); err != nil {
			b.close()
			return nil, err
		}
	}
	return b, b.writeConfig()
}

func (b *bench) close() {
	if b.database != nil {
		b.database.close()
	}
	if b.simAPI != nil {
		b.simAPI.Close()
	}
	os.RemoveAll(b.dir)
}

func (b *bench) startSimulator() error {
	sim, err := bankidsim.New(bankidsim.Options{})
	if err != nil {
		return err
	}
	b.sim = sim
	b.people = make(chan string, b.browsers)
	for i := range b.browsers {
		number := personalNumber(i)
		if _, err := sim.AddPerson(bankidsim.Person{PersonalNumber: number, GivenName: "Bo", Surname: "Bänk " + strconv.Itoa(i)}); err != nil {
			return err
		}
		b.people <- number
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.simURL = "https://" + listener.Addr().String() + "/rp/v6.0"
	b.simAPI = sim.APIServer()
	b.bankID = &countCalls{next: b.simAPI.Handler}
	b.simAPI.Handler = b.bankID
	go b.simAPI.ServeTLS(listener, "", "")
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

func (b *bench) writeConfig() error {
	rp := b.sim.ClientCertificate()
	store := ""
	if b.database != nil {
		store = fmt.Sprintf("postgres: {dsn: '%s'}\n", b.database.dsn)
	}
	var admins []string
	for range max(1, b.nodes) {
		public, err := freePort()
		if err != nil {
			return err
		}
		admin, err := freePort()
		if err != nil {
			return err
		}
		b.addresses, admins = append(b.addresses, public), append(admins, admin)
	}
	b.issuer, b.admin = "http://"+b.addresses[0], "http://"+admins[0]
	b.es256 = &provider{name: "brygga", id: "bench", secret: clientSecret}
	b.es256.metadata.Authorization, b.es256.metadata.Token = b.issuer+"/authorize", b.issuer+"/token"
	b.browser = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 2 * b.browsers, DisableCompression: true, DialContext: b.inTurn()},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	b.es256.browser = b.browser
	signing, err := newSigner(b.es256)
	if err != nil {
		return err
	}
	b.signer = signing
	jwks, err := b.signer.jwks()
	if err != nil {
		return err
	}
	text := func(i int) []byte {
		return fmt.Appendf(nil, `issuer: %[1]s
listen: %[2]s
admin_listen: %[3]s
data: data
%[4]smaster_key: %[6]s
log: {level: warn}
bankid:
  environment: custom
  url: %[5]s
  certificate_file: rp.pem
  key_file: rp.key
  root_ca_file: ca.pem
  signature_root_file: signature-root.pem
login: {logins_per_address: 1000000, orders_per_address: 1000000, orders_per_client: 1000000, calls_per_person: 1000000}
limits: {requests_per_address: 10000000, requests_per_client: 10000000}
clients:
  - id: bench
    scopes: [offline_access]
    secret: %[7]s
    redirect_uris: [%[8]s]
    id_token_alg: ES256
  - id: bench-sessions
    scopes: [offline_access]
    secret: %[7]s
    redirect_uris: [%[8]s]
    id_token_alg: ES256
    session_group: bench
  - id: bench-rs256
    scopes: [offline_access]
    secret: %[7]s
    redirect_uris: [%[8]s]
    id_token_alg: RS256
    session_group: bench
  - id: bench-signer
    scopes: [https://id.oidc.se/scope/sign]
    secret: %[7]s
    redirect_uris: [%[8]s]
    id_token_alg: ES256
    jwks: '%[9]s'
  - id: bench-telephone
    secret: %[7]s
    redirect_uris: [%[8]s]
    id_token_alg: ES256
    ciba: poll
`, b.issuer, b.addresses[i], admins[i], store, b.simURL, masterKey, clientSecret, redirectURI, jwks)
	}
	signatures, err := b.sim.SignatureRootPEM()
	if err != nil {
		return err
	}
	for i := range b.addresses {
		if err := os.WriteFile(b.config(i), text(i), 0o600); err != nil {
			return err
		}
	}
	for name, content := range map[string][]byte{
		"rp.pem": rp.CertPEM, "rp.key": rp.KeyPEM, "ca.pem": b.sim.ServerRootPEM(), "signature-root.pem": signatures,
	} {
		if err := os.WriteFile(filepath.Join(b.dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// config returns the name of the configuration of a server.
func (b *bench) config(i int) string { return filepath.Join(b.dir, fmt.Sprintf("brygga%d.yaml", i)) }

// inTurn returns a dialer that leads from the first server to the next one each time; from other addresses to themselves.
func (b *bench) inTurn() func(ctx context.Context, network, address string) (net.Conn, error) {
	var next atomic.Int64
	var dialer net.Dialer
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == b.addresses[0] {
			address = b.addresses[int(next.Add(1))%len(b.addresses)]
		}
		return dialer.DialContext(ctx, network, address)
	}
}

// start starts the servers and returns them with the seconds until the first answer.
func (b *bench) start(ctx context.Context) (*server, float64, error) {
	s, took, err := b.startOne(ctx, 0)
	for i := 1; i < len(b.addresses) && err == nil; i++ {
		var other *server
		if other, _, err = b.startOne(ctx, i); err == nil {
			s.others = append(s.others, other)
		}
	}
	if err != nil && s != nil {
		s.stop()
	}
	return s, took, err
}

func (b *bench) startOne(ctx context.Context, i int) (*server, float64, error) {
	command := append(slices.Clone(b.wrap), b.binary, "serve", "--config", b.config(i))
	s := &server{Cmd: exec.CommandContext(ctx, command[0], command[1:]...), stderr: new(bytes.Buffer)}
	s.Stderr, s.Stdout = s.stderr, io.Discard
	begin := time.Now()
	if err := s.Start(); err != nil {
		return nil, 0, err
	}
	for time.Since(begin) < 20*time.Second {
		if status, _ := b.get(ctx, "http://"+b.addresses[i]+"/.well-known/openid-configuration"); status == http.StatusOK {
			return s, time.Since(begin).Seconds(), nil
		}
		time.Sleep(time.Millisecond)
	}
	s.stop()
	return nil, 0, fmt.Errorf("the server does not answer: %s", s.stderr)
}

func (s *server) stop() error {
	err := s.Process.Signal(syscall.SIGTERM)
	if err == nil {
		err = s.Wait()
	}
	for _, other := range s.others {
		err = errors.Join(err, other.stop())
	}
	return err
}

func (b *bench) get(ctx context.Context, url string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := b.browser.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// timeStarts starts the server on a fresh store, and then again and again, and returns the seconds to each first answer.
func (b *bench) timeStarts(ctx context.Context) (seconds []float64, err error) {
	for range b.starts {
		s, took, err := b.start(ctx)
		if err != nil {
			return nil, err
		}
		seconds = append(seconds, took)
		if err := s.stop(); err != nil {
			return nil, fmt.Errorf("stop: %w: %s", err, s.stderr)
		}
	}
	return seconds, nil
}

// cpu returns the CPU seconds that the processes have used, to the nanosecond (clock_getcpuclockid(3)).
func (s *server) cpu() (seconds float64, err error) {
	for _, one := range append(s.others[:len(s.others):len(s.others)], s) {
		var used unix.Timespec
		if err := unix.ClockGettime(int32(^one.Process.Pid<<3|2), &used); err != nil {
			return 0, fmt.Errorf("CPU clock of process %d: %w", one.Process.Pid, err)
		}
		seconds += float64(used.Nano()) / 1e9
	}
	return seconds, nil
}

// process is what the kernel says of one (proc(5): stat): its parent, and the CPU seconds that it and its children that have ended have used.
type process struct {
	parent        int
	own, children float64
}

func readProcess(pid int) (p process, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p, err
	}
	_, rest, found := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 15 {
		return p, errors.New("unreadable /proc stat")
	}
	var ticks [4]float64 // utime, stime, cutime, cstime
	for i := range ticks {
		if ticks[i], err = strconv.ParseFloat(fields[11+i], 64); err != nil {
			return p, err
		}
	}
	const ticksPerSecond = 100
	p.own, p.children = (ticks[0]+ticks[1])/ticksPerSecond, (ticks[2]+ticks[3])/ticksPerSecond
	p.parent, err = strconv.Atoi(fields[1])
	return p, err
}

// using returns the CPU seconds that the process uses while do runs.
func (s *server) using(do func() error) (float64, error) {
	before, err := s.cpu()
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := s.cpu()
	return after - before, err
}

// memory returns the resident memory of the process in MiB.
func (s *server) memory() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kib); n == 1 {
			return kib / 1024, nil
		}
	}
	return 0, errors.New("no VmRSS in /proc status")
}
