package tracing

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"brygga/secret"
)

// collector keeps what is posted to it.
type collector struct {
	*httptest.Server
	mu     sync.Mutex
	bodies [][]byte
	status int
	header http.Header
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{status: http.StatusOK}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bodies, c.header = append(c.bodies, body), r.Header
		w.WriteHeader(c.status)
	}))
	t.Cleanup(c.Close)
	return c
}

// read returns what the collector's own reader of OpenTelemetry says of what was posted.
func (c *collector) read(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "receiver")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = "testdata/receiver"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var said strings.Builder
	for _, body := range c.bodies {
		cmd := exec.CommandContext(t.Context(), program)
		cmd.Stdin = bytes.NewReader(body)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s\n%s", err, out, body)
		}
		said.Write(out)
	}
	return said.String()
}

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// TestSpans: what a collector of OpenTelemetry reads of a login that two servers know of.
func TestSpans(t *testing.T) {
	c := newCollector(t)
	open := func() *Tracer {
		tracer, err := New(Options{Endpoint: c.URL + "/v1/traces", Share: 1, Version: "1.2", Authorization: secret.New("Bearer x")})
		if err != nil {
			t.Fatal(err)
		}
		return tracer
	}
	one, other := open(), open()
	one.Record(&Span{Transaction: "t1", Name: "GET /authorize", Root: true, Server: true, Began: epoch, Took: 20 * time.Millisecond, Method: "GET", Route: "/authorize",
		Status: 303, ClientID: "portal", Reference: "7QX42MKD", Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
	other.Record(&Span{Transaction: "t1", Name: "collect", Client: true, Began: epoch.Add(time.Second), Took: time.Second, Failed: true, Outcome: "unavailable", Device: "other"})
	other.Record(&Span{Transaction: "t2", Name: "token", Server: true, Began: epoch, Took: -time.Second, Grant: "line\nbreak", Outcome: "åäö"})
	other.Record(&Span{Name: "nobody's", Began: epoch})
	parent := one.Traceparent("t1")
	if one.Close(t.Context()) != nil || other.Close(t.Context()) != nil {
		t.Error("the tracers do not close")
	}
	said := c.read(t)
	id, root := ids("t1")
	id2, root2 := ids("t2")
	for _, want := range []string{
		id.String() + " " + root.String() + " parent= Server GET /authorize Unset 20ms 2026-03-01T12:00:00.000 links: 1 map[brygga.client_id:portal brygga.reference:7QX42MKD " +
			"http.request.method:GET http.response.status_code:303 http.route:/authorize]\nlink 0af7651916cd43dd8448eb211c80319c b7ad6b7169203331\n",
		" parent=" + root.String() + " Client collect Error 1s 2026-03-01T12:00:01.000 links: 0 map[brygga.device:other brygga.outcome:unavailable]\n",
		" parent=" + root2.String() + " Server token Unset 0s 2026-03-01T12:00:00.000 links: 0 map[brygga.grant_type:other brygga.outcome:other]\n",
		"service.name:brygga service.version:1.2]",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the collector has read\n%swithout\n%s", said, want)
		}
	}
	if strings.Contains(said, "nobody's") || strings.Count(said, id2.String()) != 1 || parent != "00-"+id.String()+"-"+root.String()+"-01" {
		t.Errorf("the traceparent is %s, and the collector has read\n%s", parent, said)
	}
	if c.header.Get("Authorization") != "Bearer x" || c.header.Get("Content-Type") != "application/json" {
		t.Errorf("the header is %v", c.header)
	}
}

// TestShare: some logins are traced and others not, the same by all servers, and no stranger's traceparent changes that.
func TestShare(t *testing.T) {
	c := newCollector(t)
	var tracers [2]*Tracer
	for i := range tracers {
		var err error
		if tracers[i], err = New(Options{Endpoint: c.URL, Share: .25}); err != nil {
			t.Fatal(err)
		}
		defer tracers[i].Close(t.Context())
	}
	traced := 0
	for range 1000 {
		transaction := rand.Text()
		first := tracers[0].Traceparent(transaction)
		if first != tracers[1].Traceparent(transaction) {
			t.Fatal("two servers do not trace the same logins")
		}
		if first != "" {
			traced++
			continue
		}
		tracers[0].Record(&Span{Transaction: transaction, Name: "untraced", Began: epoch, Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
	}
	if traced < 150 || traced > 350 {
		t.Errorf("%d of a thousand are traced, want some 250", traced)
	}
	tracers[0].Close(t.Context())
	if len(c.bodies) > 0 {
		t.Errorf("sent %s", c.bodies)
	}
}

// TestCollectorAway: spans are dropped and counted, and nobody waits.
func TestCollectorAway(t *testing.T) {
	c := newCollector(t)
	c.status = http.StatusServiceUnavailable
	lost := 0
	tracer, err := New(Options{Endpoint: c.URL, Share: 1, Failed: func(spans int) { lost += spans }})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		tracer.Record(&Span{Transaction: "t1", Name: "collect", Began: epoch})
	}
	if err := tracer.Close(t.Context()); err != nil || lost != 3 {
		t.Errorf("%d spans are lost, %v", lost, err)
	}
}

// TestCollectorHangs: however many spans there are while the collector keeps its answer to itself, nobody waits, and each of them has been taken or is
// counted as lost.
func TestCollectorHangs(t *testing.T) {
	const all = 3 * mostWaiting
	asked, answer := make(chan struct{}), make(chan struct{})
	var taken atomic.Int64
	var first sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		first.Do(func() { close(asked) })
		<-answer
		taken.Add(int64(bytes.Count(body, []byte(`"spanId"`))))
	}))
	defer server.Close()
	var lost atomic.Int64
	tracer, err := New(Options{Endpoint: server.URL, Share: 1, Failed: func(spans int) { lost.Add(int64(spans)) }})
	if err != nil {
		t.Fatal(err)
	}
	record := func() { tracer.Record(&Span{Transaction: "t1", Name: "collect", Began: epoch}) }
	for range mostAtOnce {
		record()
	}
	<-asked
	for range all - mostAtOnce {
		record()
	}
	if n := lost.Load(); n != all-mostWaiting {
		t.Errorf("%d spans are lost while it hangs, want %d", n, all-mostWaiting)
	}
	close(answer)
	if err := tracer.Close(t.Context()); err != nil || taken.Load()+lost.Load() != all {
		t.Errorf("%d spans were taken and %d lost, of %d: %v", taken.Load(), lost.Load(), all, err)
	}
}

// TestOff: who traces nothing pays nothing.
func TestOff(t *testing.T) {
	var off *Tracer
	span := &Span{Transaction: "t1", Name: "collect", Began: epoch}
	if n := testing.AllocsPerRun(100, func() { off.Record(span); off.Traceparent("t1") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if err := off.Close(context.Background()); err != nil {
		t.Error(err)
	}
	for _, o := range []Options{{}, {Endpoint: "https://x/"}, {Endpoint: "https://x/", Share: 2}, {Share: 1}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v: a tracer", o)
		}
	}
}

// TestLinked: only what is a traceparent is linked to.
func TestLinked(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00": true, "00-00000000000000000000000000000000-b7ad6b7169203331-01": false,
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": false, "197001011234": false, strings.Repeat("0", 1000): false,
		"00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01": false,
	} {
		if got := linked(text).IsValid(); got != want {
			t.Errorf("%q is linked to: %t", text, got)
		}
	}
}
