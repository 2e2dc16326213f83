// Package interop shows that OpenID Connect clients which we did not write log in unchanged: those of package.json and of
// go.mod against "brygga dev", a process of its own. It holds tests alone.
package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// provider is a running "brygga dev".
type provider struct {
	binary, data  string
	issuer, phone string
	demo          string // the demo app
	operators     string // what is for operators: the API and the console
	people        atomic.Int64
}

// startProvider builds brygga and starts it on free ports. With the test it is asked to end, and must end well.
func startProvider(t *testing.T) *provider {
	t.Helper()
	noteSources(t)
	dir := t.TempDir()
	p := &provider{binary: filepath.Join(dir, "brygga"), data: filepath.Join(dir, "data")}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", p.binary, "brygga/cmd/brygga").CombinedOutput(); err != nil {
		t.Fatalf("build brygga: %v\n%s", err, out)
	}
	// Not with the context of the test, which would kill it before the clean-up asks.
	cmd := exec.Command(p.binary, "dev", "--port", "0", "--data", p.data, "--no-chaos")
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-read
		if err := cmd.Wait(); err != nil {
			t.Errorf("brygga ended with %v", err)
		}
		if log.Len() > 0 {
			t.Logf("brygga logged:\n%s", &log)
		}
	})
	banner := make(chan string, 1)
	go func() {
		defer close(read)
		banner <- readBanner(out)
		io.Copy(io.Discard, out)
	}()
	text := ""
	select {
	case text = <-banner:
	case <-time.After(patience):
		t.Fatal("brygga has not said that all runs")
	}
	p.issuer, p.phone = address(t, text, "issuer"), address(t, text, "Virtual phone")
	p.demo, p.operators = address(t, text, "Demo app"), address(t, text, "Console")
	return p
}

// noteSources opens the folders of this repository. What a test opens, "go test" compares before it takes an old result for a new
// one; of what goes into a program that the test builds it knows nothing else.
func noteSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join("..", ".."), func(_ string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules") {
			return filepath.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readBanner reads what "brygga dev" prints until everything runs.
func readBanner(out io.Reader) string {
	var text strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Fprintln(&text, lines.Text())
		if strings.Contains(lines.Text(), "Ctrl-C") {
			break
		}
	}
	return text.String()
}

func address(t *testing.T, banner, name string) string {
	t.Helper()
	found := regexp.MustCompile(name + ` +(http://localhost:[0-9]+)`).FindStringSubmatch(banner)
	if found == nil {
		t.Fatalf("brygga says nothing of its %s:\n%s", name, banner)
	}
	return found[1]
}

// register runs "brygga client add" with the flags, as the pages in docs/integrations have them, and returns the secret.
func (p *provider) register(t *testing.T, id string, flags ...string) (secret string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.binary, append([]string{"client", "add", id, "--data", p.data, "--output", "json"}, flags...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("register %s: %v", id, err)
	}
	var added struct {
		Secret string `json:"client_secret"`
	}
	if err := json.Unmarshal(out, &added); err != nil {
		t.Fatalf("register %s: %v in %s", id, err, out)
	}
	return added.Secret
}

// tell calls the control API of the virtual phone.
func (p *provider) tell(t *testing.T, call string, body, answer any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(p.phone+"/api/"+call, "application/json", bytes.NewReader(text))
	decode(t, response, err, answer)
}

func decode(t *testing.T, response *http.Response, err error, answer any) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s = %s, %v", response.Request.URL, response.Status, err)
	}
}

// newPerson returns the personal number of somebody whom no other test logs in: BankID allows each one order at a time.
func (p *provider) newPerson(t *testing.T) string {
	t.Helper()
	i := p.people.Add(1)
	body := fmt.Sprintf("%02d%02d01980", 40+i/12%60, 1+i%12)
	sum := 0
	for k, r := range body {
		d := int(r-'0') * (2 - k%2)
		sum += d/10 + d%10
	}
	number := "19" + body + strconv.Itoa((10-sum%10)%10)
	p.tell(t, "people", map[string]string{"personalNumber": number, "givenName": "Bo", "surname": "Prov " + strconv.Itoa(int(i))}, new(any))
	return number
}

// patience is how long a step of a login may take on a busy machine.
const patience = 30 * time.Second
