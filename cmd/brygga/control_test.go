package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brygga/audit"
	"brygga/login"
	"brygga/storage"
)

// inServer runs a command in the server of d, as the command line would, and returns what it said and its exit code.
func inServer(d *devInstance, args ...string) (said string, code int) {
	var out bytes.Buffer
	h := &host{out: &out, err: &out, args: args}
	if err := runInServer(context.Background(), h, d.data); err != nil {
		code = report(&out, err)
	}
	return out.String(), code
}

// TestControlSocket: the server runs client and key commands, and no others.
func TestControlSocket(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	target := filepath.Join(t.TempDir(), "x.yaml")
	for _, args := range [][]string{{"version"}, {"serve"}, {"dev"}, {"simulator"}, {"config", "init", target}, {"nothing"}} {
		if said, code := inServer(d, args...); code != exitUsage || !strings.Contains(said, "unknown command") {
			t.Fatalf("%v in the server ended with %d: %s", args, code, said)
		}
	}
	if said, code := inServer(d, "client", "add", strings.Repeat("x", maxArguments)); code != exitUnavailable {
		t.Errorf("arguments without end were accepted with %d: %.100s", code, said)
	}
	if said, code := inServer(d, "client", "add", "app", "--redirect-uri", "https://app.example.se/cb"); code != exitOK {
		t.Fatalf("add = %d: %s", code, said)
	}
	client, err := d.server.clients.Client(t.Context(), "app")
	if err != nil || client.Public() {
		t.Fatalf("client = %+v, %v", client, err)
	}
	if said, code := inServer(d, "client", "show", "nobody"); code != exitNotFound || !strings.Contains(said, "client list") {
		t.Errorf("show = %d: %s", code, said)
	}
	if _, code := inServer(d, "client", "remove", "app"); code != exitOK {
		t.Errorf("remove = %d", code)
	}
	if _, err := d.server.clients.Client(t.Context(), "app"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the client is still there: %v", err)
	}
	checkActors(t, d)
}

// checkActors: the audit log names who gave the commands.
func checkActors(t *testing.T, d *devInstance) {
	t.Helper()
	events, err := d.server.store.AuditEvents(t.Context(), d.server.now().Add(-1<<40), d.server.now().Add(1<<40), 100)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range events {
		if e.Type == string(audit.ClientAdded) || e.Type == string(audit.ClientRemoved) {
			found++
			if e.Fields["ACTOR"] != currentUser(&host{}) || e.Fields["CLIENT_ID"] != "app" {
				t.Errorf("event %s = %v", e.Type, e.Fields)
			}
		}
	}
	if found != 2 {
		t.Errorf("%d events of clients, want 2", found)
	}
}

// TestCurrentUser: root is whoever called sudo, and nobody else can say so.
func TestCurrentUser(t *testing.T) {
	nobody, got := currentUser(&host{}), currentUser(&host{environ: []string{"SUDO_USER=anna"}})
	if want := map[bool]string{true: "anna", false: nobody}[os.Geteuid() == 0]; got != want || nobody == "" {
		t.Errorf("under sudo the actor is %q, want %q; without it %q", got, want, nobody)
	}
}

// TestShutdownEndsStreams: an event stream that is open is ended when the shutdown begins, and not broken off when its time is up: the
// browser reads it to its end.
func TestShutdownEndsStreams(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	d, err := startDev(ctx, devOptions{data: t.TempDir(), log: discard, now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	v := newVisitor(t, d, computerAgent)
	login := v.begin("")
	v.post(login+"/start", "device", "other")
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, login+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := v.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	stop()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Errorf("the stream was broken off: %v", err)
	}
	if err := d.wait(); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

// TestMetricLabels: what BankID may send without end does not become a label.
func TestMetricLabels(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	for _, reason := range []string{"userCancel", "neverHeardOf1", "neverHeardOf2"} {
		d.server.metrics.login(login.Observation{Method: login.MethodBankID, Event: login.LoginFailed, Device: storage.DeviceThis, Reason: reason, Took: time.Second})
	}
	text := fetch(t, d.AdminURL+"/metrics")
	if strings.Contains(text, "neverHeardOf") || !strings.Contains(text, `brygga_login_events_total{device="this",eid="bankid",event="login_failed",reason="unknown"} 2`) || !strings.Contains(text, `brygga_login_events_total{device="this",eid="bankid",event="login_failed",reason="userCancel"} 1`) {
		t.Error("labels are not bounded")
	}
	for _, name := range []string{
		"brygga_build_info{", "brygga_login_events_total{", "brygga_http_request_seconds_bucket{", "brygga_signing_keys{", "brygga_orders_pending 0",
		"brygga_store_bytes ", "brygga_store_swept_total", "brygga_bankid_certificate_not_after_timestamp_seconds{certificate=\"default\"} ",
		`brygga_login_seconds_bucket{device="this",eid="bankid",outcome="failed",le="2"} 3`, `brygga_http_request_seconds_bucket{route="/healthz",`, `brygga_results_unverified{eid="bankid"} 0`, "go_goroutines ", "process_resident_memory_bytes ",
	} {
		if name == "brygga_http_request_seconds_bucket{" {
			fetch(t, d.Issuer+"/healthz")
			text = fetch(t, d.AdminURL+"/metrics")
		}
		if !strings.Contains(text, name) {
			t.Errorf("no metric %s", name)
		}
	}
}

func TestVisibleText_U15(t *testing.T) {
	t.Parallel()
	client := &storage.Client{ID: "app", Name: "The Journal", LocalNames: map[string]string{"sv": "Journalen"}}
	for language, want := range map[string]string{"sv": "Journalen", "sv-SE": "Journalen", "en": "The Journal", "fr": "Journalen", "": "Journalen"} {
		if got := appText(nil, client, language); !strings.Contains(got, want) || strings.Contains(got, "{") {
			t.Errorf("text in %q = %q", language, got)
		}
	}
}
