package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"brygga/bankid/bankidsim"
	"brygga/storage/postgres/pgtest"
)

const monitoring = "../../deploy/monitoring/"

// TestMonitoring: what the alert rules and the dashboard ask for is what a server exports that people and apps have used, well and
// badly. Prometheus' own parser and engine judge it, in a program of its own.
func TestMonitoring(t *testing.T) {
	t.Parallel()
	check := buildCheck(t)
	metrics := []string{scrape(t, usedServer(t)), scrape(t, brokenServer(t)), scrape(t, newWithCards(t)), scrape(t, newOnDatabase(t, pgtest.Database(t)))}
	if out, ok := check(append([]string{monitoring + "alerts.yaml", monitoring + "alerts_test.yaml", monitoring + "dashboard.json"}, metrics...)...); !ok {
		t.Errorf("%s", out)
	}
	for _, wrong := range wrongMonitoring {
		t.Run(wrong.name, func(t *testing.T) {
			var files []string
			for _, name := range []string{"alerts.yaml", "alerts_test.yaml", "dashboard.json"} {
				files = append(files, copyChanged(t, monitoring+name, wrong.old, wrong.new))
			}
			if out, ok := check(append(files, metrics...)...); ok || !strings.Contains(out, wrong.fault) {
				t.Errorf("want a fault with %q, got %t:\n%s", wrong.fault, ok, out)
			}
		})
	}
}

// wrongMonitoring are changes that the check must notice, and what it then says.
var wrongMonitoring = []struct{ name, old, new, fault string }{
	{"no query", "> 20", "> >", "unexpected"},
	{"no such metric", "increase(brygga_panics_total", "increase(brygga_panic_total", `no metric "brygga_panic_total"`},
	{"no such label", "(job, client, endpoint)", "(job, app, endpoint)", "no series has the label app"},
	{"no such matcher", `{limit!="load"}`, `{kind!="load"}`, "no label kind"},
	{"no such value", `limit="load"`, `limit="lode"`, `limit is never "lode"`},
	{"no such value among several", "invalid_client|", "invalid_klient|", `outcome is never "invalid_klient"`},
	{"no value like it", `status="500"`, `status=~"6.."`, `status is never like "6.."`},
	{"no such label in a text", "{{ $labels.client }}", "{{ $labels.app }}", "shows the label app"},
	{"no runbook", "#bryggaappfails", "#bryggaappsfail", "leads nowhere"},
	{"no severity", "severity: critical", "severity: high", `severity is "high"`},
	{"no time", "for: 30m", "for: 0s", "lacks for"},
	{"too early", "for: 5m", "for: 55m", "half of the logins fail: ALERTS"},
	{"never", "brygga_panics_total[1h])) > 0", "brygga_panics_total[1h])) > 5", "BryggaFault: fires in a test: false"},
	{"always", `brygga_store_free_bytes >= 0`, `brygga_store_free_bytes >= -1`, "a quiet night, with one login: ALERTS"},
	{"no such metric in a panel", "rate(brygga_late_total", "rate(brygga_later_total", `Late work: there is no metric "brygga_later_total"`},
	{"a panel of all nodes", `job=\"$job\", instance=~\"$instance\"`, `job=\"$job\"`, "is not of the chosen nodes alone"},
	{"a panel's legend", `"legendFormat": "{{outcome}}"`, `"legendFormat": "{{outcom}}"`, "shows the label outcom,"},
	{"a list", `label_values(brygga_build_info`, `label_values(brygga_build`, `no metric "brygga_build"`},
}

// buildCheck builds the program and returns what runs it: what it said, and whether it found nothing wrong.
func buildCheck(t *testing.T) func(files ...string) (string, bool) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "check")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = monitoring + "testdata/check"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return func(files ...string) (string, bool) {
		out, err := exec.CommandContext(t.Context(), program, files...).CombinedOutput()
		return string(out), err == nil
	}
}

// copyChanged returns a copy of a file with one text in the place of another, where it has that. It lies as deep as the file, so that
// the pages are found from there.
func copyChanged(t *testing.T, file, old, changed string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	dir := filepath.Join(root, "deploy", "monitoring")
	pages, err := filepath.Abs("../../docs")
	if err == nil {
		err = os.Symlink(pages, filepath.Join(root, "docs"))
	}
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	copied := filepath.Join(dir, filepath.Base(file))
	if err == nil {
		err = os.WriteFile(copied, []byte(strings.ReplaceAll(string(text), old, changed)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

// usedServer returns a server after a login, one that was cancelled, one whose BankID did not answer, and requests of apps that were
// refused.
func usedServer(t *testing.T) *server {
	t.Helper()
	d := newDev(t, nil)
	v := newVisitor(t, d, computerAgent)
	loginByQR(v)
	login := v.begin("")
	v.post(login+"/start", "device", "other")
	v.post(login + "/cancel")
	if err := d.sim.SetChaos(bankidsim.Chaos{DropAnswer: 1}); err != nil {
		t.Fatal(err)
	}
	v.post(v.begin("")+"/start", "device", "other")
	misuse(v)
	return d.server
}

// brokenServer returns one with a certificate of its own, after a fault.
func brokenServer(t *testing.T) *server {
	t.Helper()
	s := newMeasured(t)
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	answer := httptest.NewRecorder()
	s.public(answer, httptest.NewRequest(http.MethodGet, s.config.Issuer+"/authorize?client_id=x", nil))
	if answer.Code != http.StatusInternalServerError {
		t.Errorf("a request to a broken server: %d", answer.Code)
	}
	return s
}

// scrape returns a file with what the server's /metrics answers.
func scrape(t *testing.T, s *server) string {
	t.Helper()
	answer := httptest.NewRecorder()
	s.operators(management{}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://localhost/metrics", nil))
	file := filepath.Join(t.TempDir(), "metrics.txt")
	if err := os.WriteFile(file, answer.Body.Bytes(), 0o600); err != nil || answer.Code != http.StatusOK {
		t.Fatal(answer.Code, err)
	}
	return file
}

// misuse sends what is refused.
func misuse(v *visitor) {
	token := func(pairs ...string) {
		v.post(v.dev.Issuer+"/token", append([]string{"client_id", demoPublicClient}, pairs...)...)
	}
	token("grant_type", "authorization_code", "code", "nobody's", "redirect_uri", v.dev.DemoURL+"/callback", "code_verifier", strings.Repeat("v", 43))
	token("grant_type", "authorization_code")
	v.post(v.dev.Issuer+"/token", "client_id", demoClient, "client_secret", "wrong", "grant_type", "authorization_code")
	v.get(v.dev.Issuer + "/authorize?" + url.Values{"client_id": {demoClient}, "redirect_uri": {v.dev.DemoURL + "/callback"}, "response_type": {"code"}, "scope": {"profile"}}.Encode())
}
