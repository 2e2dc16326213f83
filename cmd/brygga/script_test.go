package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"
	"software.sslmate.com/src/go-pkcs12"

	"brygga/docs"
	"brygga/freeport"
	"brygga/storage/postgres/pgtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"brygga": main})
}

// TestScripts runs the command as an operator meets it.
func TestScripts(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts, %v", len(scripts), err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txtar"), func(t *testing.T) {
			t.Parallel()
			testscript.RunT(oneScript{t}, testscript.Params{
				Files:    []string{script},
				Deadline: time.Now().Add(2 * time.Minute), // for a command that should have been refused and runs on
				Setup: func(env *testscript.Env) error {
					for i := range 5 {
						env.Setenv(fmt.Sprintf("PORT%d", i), freePort(t))
					}
					port := freePorts(t, 5)
					env.Setenv("DEVPORT", port)
					first, err := strconv.Atoi(port)
					verifier, err2 := filepath.Abs("../../audit/tree/testdata/verify.mjs")
					sample, err3 := filepath.Abs("../../evidence/testdata/signature-1.evidence")
					env.Setenv("VERIFIER", verifier)
					env.Setenv("SAMPLE", sample)
					env.Setenv("CARDSAMPLE", filepath.Join(filepath.Dir(sample), "netid-1.evidence"))
					env.Setenv("BARESAMPLE", filepath.Join(filepath.Dir(sample), "netid-bare-1.evidence"))
					err = errors.Join(err, err2, err3)
					env.Setenv("DEVADMIN", strconv.Itoa(first+4)) // the operators' listener of it
					return err
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"await": awaitFile, "answers": answers, "certificate": writeCertificate, "mode": checkMode, "cut": cutFile, "setting": setting, "code": exitsWith,
					"term": sendSignal(syscall.SIGTERM), "hup": sendSignal(syscall.SIGHUP), "holds": holds, "shows": showsPage, "pkcs12": writePKCS12, "pipe": makePipe, "evidence": writeEvidence,
					"database": func(ts *testscript.TestScript, _ bool, args []string) { ts.Setenv(args[0], pgtest.Database(t)) }, "sql": runSQL,
					"signed": awaitSigned, "lines": cutLines, "root": writeRoot, "replace": replaceText, "page": writeShell, "without": dropLines, "picture": writePicture,
				},
			})
		})
	}
}

// writePicture writes a PNG of noise, square with the side in pixels: picture FILE SIDE.
func writePicture(ts *testscript.TestScript, _ bool, args []string) {
	side, err := strconv.Atoi(args[1])
	ts.Check(err)
	noise := image.NewRGBA(image.Rect(0, 0, side, side))
	rand.Read(noise.Pix)
	var b bytes.Buffer
	ts.Check(png.Encode(&b, noise))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}

// writeShell writes the shell commands of a page of docs to a file: page PAGE FILE.
func writeShell(ts *testscript.TestScript, _ bool, args []string) {
	text, err := docs.Pages.ReadFile(args[0])
	ts.Check(err)
	var lines strings.Builder
	for i, block := range strings.Split(string(text), "```sh\n") {
		if commands, _, _ := strings.Cut(block, "```"); i > 0 {
			lines.WriteString(commands)
		}
	}
	if lines.Len() == 0 {
		ts.Fatalf("%s has no shell commands", args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(lines.String()), 0o600))
}

// oneScript is a test that runs its only script itself, and at once: the time of a script begins with it, and not while others have their turn.
type oneScript struct{ *testing.T }

func (s oneScript) Run(_ string, script func(testscript.T)) { script(s) }
func (oneScript) Parallel()                                 {}
func (oneScript) Verbose() bool                             { return testing.Verbose() }

func freePort(t *testing.T) string { return freePorts(t, 1) }

// freePorts returns the first of n free ports that follow each other.
func freePorts(t *testing.T, n int) string {
	t.Helper()
	port, err := freeport.Row(n)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}

// patience is how long a script waits for what a process does.
const patience = 20 * time.Second

// await FILE waits until the file is there.
func awaitFile(ts *testscript.TestScript, neg bool, args []string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); (err != nil) == neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("waited in vain for %s", args[0])
		}
	}
}

// answers URL STATUS [NAME] waits until the address answers so, and with a certificate of that name.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	client := &http.Client{Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
	last := ""
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		response, err := client.Get(args[0])
		if err != nil {
			last = err.Error()
			if neg {
				return
			}
		} else {
			response.Body.Close()
			last = fmt.Sprint(response.StatusCode)
			if len(args) > 2 {
				last += " " + response.TLS.PeerCertificates[0].Subject.CommonName
			}
			if !neg && last == strings.Join(args[1:], " ") {
				return
			}
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: %s", args[0], last)
		}
	}
}

// shows URL PATTERN gets the page once and wants it to hold what the pattern describes.
func showsPage(ts *testscript.TestScript, _ bool, args []string) {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	response, err := client.Get(args[0])
	ts.Check(err)
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	ts.Check(err)
	if !regexp.MustCompile(args[1]).Match(page) {
		ts.Fatalf("%s shows nothing like %s: %s", args[0], args[1], page)
	}
}

// certificate NAME CERTFILE KEYFILE [FROM TO [HOST]] writes a self-signed certificate, valid from and to durations from now, for
// localhost unless another host is given.
func writeCertificate(ts *testscript.TestScript, _ bool, args []string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotAfter: time.Now().Add(90 * 24 * time.Hour), DNSNames: []string{"localhost"}}
	if len(args) > 4 {
		from, err := time.ParseDuration(args[3])
		ts.Check(err)
		to, err := time.ParseDuration(args[4])
		ts.Check(err)
		template.NotBefore, template.NotAfter = time.Now().Add(from), time.Now().Add(to)
	}
	if len(args) > 5 {
		template.DNSNames = args[5:]
	}
	template.Subject.CommonName = args[0]
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
}

// pkcs12 CERTFILE KEYFILE FILE PASSPHRASE writes both into one file.
func writePKCS12(ts *testscript.TestScript, _ bool, args []string) {
	pair, err := tls.LoadX509KeyPair(ts.MkAbs(args[0]), ts.MkAbs(args[1]))
	ts.Check(err)
	content, err := pkcs12.Modern2023.Encode(pair.PrivateKey, pair.Leaf, nil, args[3])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), content, 0o600))
}

// pipe FILE makes a named pipe that nobody writes to.
func makePipe(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(syscall.Mkfifo(ts.MkAbs(args[0]), 0o600))
}

// sql DSN STATEMENT runs a statement in a database.
func runSQL(ts *testscript.TestScript, _ bool, args []string) {
	conn, err := pgx.Connect(context.Background(), args[0])
	ts.Check(err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(context.Background(), args[1])
	ts.Check(err)
}

// cut FILE leaves the first five pages of a file.
func cutFile(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), 5*int64(os.Getpagesize())))
	if info.Size() <= 5*int64(os.Getpagesize()) {
		ts.Fatalf("%s is too short to be cut", args[0])
	}
}

// signed DATA TEXT waits until an export of the audit log has the text; DATA is - for the server or store that commands ask by themselves.
func awaitSigned(ts *testscript.TestScript, _ bool, args []string) {
	export := []string{"audit", "export"}
	if args[0] != "-" {
		export = append(export, "--data", args[0])
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		ts.Exec("brygga", export...) // fails before the first checkpoint
		if strings.Contains(ts.ReadFile("stdout"), args[1]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("waited in vain for %s in the signed log", args[1])
		}
	}
}

// lines NAME FILE FIRST [LAST] sets the variable to these lines of the file, or of an output.
func cutLines(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.SplitAfter(ts.ReadFile(args[1]), "\n")
	first, err := strconv.Atoi(args[2])
	ts.Check(err)
	last := len(lines)
	if len(args) > 3 {
		last, err = strconv.Atoi(args[3])
		ts.Check(err)
	}
	if first > last || last > len(lines) {
		ts.Fatalf("%s has %d lines", args[1], len(lines))
	}
	text := strings.Join(lines[first-1:last], "")
	if first == last {
		text = strings.TrimSuffix(text, "\n")
	}
	ts.Setenv(args[0], text)
}

// without FILE FIRST LAST OTHER writes the lines of a file but for those from FIRST to LAST, which -1 makes the end, to another.
func dropLines(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.SplitAfter(ts.ReadFile(args[0]), "\n")
	first, err := strconv.Atoi(args[1])
	ts.Check(err)
	last, err := strconv.Atoi(args[2])
	ts.Check(err)
	if last < 0 {
		last = len(lines)
	}
	if first < 1 || first > last || last > len(lines) {
		ts.Fatalf("%s has %d lines", args[0], len(lines))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(strings.Join(slices.Concat(lines[:first-1], lines[last:]), "")), 0o600))
}

// replace FILE BEFORE AFTER replaces a text in the file, which has it.
func replaceText(ts *testscript.TestScript, _ bool, args []string) {
	before := ts.ReadFile(args[0])
	after := strings.ReplaceAll(before, args[1], args[2])
	if after == before {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(after), 0o600))
}

// mode FILE MODE checks the permissions of a file, in octal.
func checkMode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

// setting FILE writes a configuration for the ports of this script and the simulator in sim/; further words are its last
// lines.
func setting(ts *testscript.TestScript, _ bool, args []string) {
	text := fmt.Sprintf(`issuer: http://localhost:%[1]s
listen: 127.0.0.1:%[1]s
admin_listen: 127.0.0.1:%[2]s
data: data
master_key_file: master.key
bankid:
  environment: custom
  url: https://localhost:%[3]s/rp/v6.0
  root_ca_file: sim/ca.pem
  signature_root_file: sim/signature-root.pem
  certificate_file: sim/client.pem
  key_file: sim/client-key.pem
`, ts.Getenv("PORT0"), ts.Getenv("PORT1"), ts.Getenv("PORT2"))
	for _, line := range args[1:] {
		text += line + "\n"
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// code N ARGUMENTS runs brygga and wants that exit code, with something on standard error and nothing like a panic.
func exitsWith(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("brygga", args[1:]...)
	var exit *exec.ExitError
	code := 0
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("brygga %s ended with %d, want %s", strings.Join(args[1:], " "), code, args[0])
	}
	if said := ts.ReadFile("stderr"); said == "" || strings.Contains(said, "goroutine ") {
		ts.Fatalf("brygga %s said on standard error: %q", strings.Join(args[1:], " "), said)
	}
}

// term WORD sends SIGTERM, and hup WORD SIGHUP, to the background process whose arguments hold the word.
func sendSignal(signal syscall.Signal) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		for _, cmd := range ts.BackgroundCmds() {
			if slices.Contains(cmd.Args, args[0]) {
				ts.Check(cmd.Process.Signal(signal))
				return
			}
		}
		ts.Fatalf("no process with %s", args[0])
	}
}

// holds FILE PATTERN waits until the file holds what the pattern describes.
func holds(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[1])
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		content, _ := os.ReadFile(ts.MkAbs(args[0]))
		if pattern.Match(content) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("waited in vain for %s in %s: %s", args[1], args[0], content)
		}
	}
}
