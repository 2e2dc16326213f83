package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/bankid/bankidsim"
	"brygga/login"
	"brygga/op"
)

// spanCollector keeps what is posted to it.
type spanCollector struct {
	*httptest.Server
	mu  sync.Mutex
	got strings.Builder
}

func newSpanCollector(t *testing.T) *spanCollector {
	t.Helper()
	c := &spanCollector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.got.Write(append(body, '\n'))
	}))
	t.Cleanup(c.Close)
	return c
}

// newTraced is a development installation that sends traces to the collector, and its BankID.
func newTraced(t *testing.T, c *spanCollector) *devInstance {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dev.yaml")
	if err := os.WriteFile(file, []byte("tracing: {endpoint: '"+c.URL+"/v1/traces'}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return newDev(t, func(o *devOptions) { o.config, o.chaos = file, bankidsim.MildChaos() })
}

// TestTracesTellNothingOfPersons runs whole flows, and searches all that is sent for what must not be there. Each login is one trace that begins with
// the browser's request, and has all that a login goes through.
func TestTracesTellNothingOfPersons(t *testing.T) {
	t.Parallel()
	c := newSpanCollector(t)
	d := newTraced(t, c)
	found := canaries{}
	canaryFlows(t, d, found)
	for _, p := range d.sim.People() {
		if p.PersonalNumber == person {
			found.add("name", p.Name(), p.GivenName, p.Surname)
		}
	}
	found.add("personal number", person, person[2:8]+"-"+person[8:], person[:8]+"-"+person[8:])
	for _, o := range d.sim.Orders("") {
		found.add("order reference", o.OrderRef)
		found.add("autostart token", o.AutoStartToken)
	}
	found.add("client secret", "demo-secret")
	found.add("address", "127.0.0.1")
	if err := d.server.tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	sent := c.got.String()
	found.search(t, "a trace", sent)
	for key := range keysOf(sent) {
		if !allowedKeys[key] {
			t.Errorf("a trace has the attribute %s", key)
		}
	}
	names := map[string]map[string]bool{} // by trace
	roots := map[string]int{}
	for _, span := range regexp.MustCompile(`"traceId":"([0-9a-f]{32})","spanId":"[0-9a-f]{16}"(,"parentSpanId":"[0-9a-f]{16}")?,"name":"([^"]*)"`).FindAllStringSubmatch(sent, -1) {
		if names[span[1]] == nil {
			names[span[1]] = map[string]bool{}
		}
		names[span[1]][span[3]] = true
		if span[2] == "" {
			roots[span[1]]++
		}
	}
	whole, asked := 0, 0
	for trace, has := range names {
		if roots[trace] != 1 {
			t.Errorf("a trace has %d beginnings: %v", roots[trace], has)
		}
		if has["asked"] && has["order"] {
			asked++
		}
		complete := true
		for _, name := range []string{"GET /authorize", "GET /login/{id}", "POST /login/{id}/start", "page", "order", "collect", "app", "sign", "result", "POST /login/{id}/done", "answer", "token"} {
			complete = complete && has[name]
		}
		if complete {
			whole++
		}
	}
	if asked == 0 {
		t.Error("no trace of what a program asked for")
	}
	if whole < 2 || len(names) < 4 {
		t.Errorf("%d of %d traces are whole, want two logins: %v", whole, len(names), names)
	}
}

// allowedKeys are all attributes that there may be.
var allowedKeys = map[string]bool{
	"service.name": true, "service.version": true, "service.instance.id": true, "http.request.method": true, "http.route": true, "http.response.status_code": true,
	"brygga.client_id": true, "brygga.reference": true, "brygga.device": true, "brygga.outcome": true, "brygga.grant_type": true,
}

// keysOf returns the keys of all attributes.
func keysOf(sent string) map[string]bool {
	keys := map[string]bool{}
	for _, key := range regexp.MustCompile(`"key":"([^"]*)"`).FindAllStringSubmatch(sent, -1) {
		keys[key[1]] = true
	}
	return keys
}

// TestTracingOffCostsNothing: steps are measured without an allocation where nothing is traced.
func TestTracingOffCostsNothing(t *testing.T) {
	s := newMeasured(t)
	now := time.Now()
	if n := leastAllocs(func() {
		s.loginStep(login.Step{Name: login.StepSign, Login: "l", Client: "c", Began: now, Took: time.Second})
		s.loginStep(login.Step{Name: login.StepCollect, Login: "l", Client: "c", Began: now, Took: time.Second})
		s.providerStep(op.Step{Name: op.StepToken, Grant: op.GrantCode, Client: "c", Began: now})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestPhasesAreMeasured: a login by QR code goes through each phase once, and its tokens are counted by their grant.
func TestPhasesAreMeasured(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	loginByQR(newVisitor(t, d, computerAgent))
	for _, phase := range phases {
		if got := value(t, d.server, "brygga_login_phase_seconds", "phase="+phase); got != 1 {
			t.Errorf("the phase %s was measured %v times", phase, got)
		}
	}
	for _, want := range []struct {
		name   string
		labels []string
	}{
		{"brygga_grants_total", []string{"grant=authorization_code", "outcome=ok"}},
		{"brygga_audit_events_total", []string{"event=WEB_100002"}},
	} {
		if got := value(t, d.server, want.name, want.labels...); got != 1 {
			t.Errorf("%s%v = %v, want 1", want.name, want.labels, got)
		}
	}
	if got := value(t, d.server, "brygga_mail_waiting"); got != 0 {
		t.Errorf("%v mails wait", got)
	}
	if age := fmt.Sprint(value(t, d.server, "brygga_signing_key_activated_timestamp_seconds", "algorithm=ES256")); age == "-1" || age == "0" {
		t.Errorf("the key has signed since %s", age)
	}
}
