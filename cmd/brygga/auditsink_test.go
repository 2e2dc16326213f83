package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brygga/audit/sink"
	"brygga/cmd/brygga/config"
	"brygga/storage"
)

// TestAuditSink: what a server signs reaches the sink of its configuration, and what waits shows on the way.
func TestAuditSink(t *testing.T) {
	s := newMeasured(t)
	at := s.now().UTC().Add(-time.Minute).Truncate(time.Microsecond)
	if err := s.store.AppendAudit(t.Context(), storage.AuditEvent{ID: "one", Time: at, Type: "WEB_100001", Expires: at.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	s.signAudit(t.Context())
	views, err := (sinks{s.operator()}).Sinks(t.Context())
	if err != nil || len(views) != 1 || views[0].Name != "archive" || views[0].Kind != "file" || views[0].Behind < 1 {
		t.Fatalf("the sinks are %+v, %v", views, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { s.sinks[0].Run(ctx); close(done) }()
	var text []byte
	for deadline := time.Now().Add(30 * time.Second); len(text) == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if text, err = os.ReadFile(s.config.Audit.Sinks[0].Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(30 * time.Second); views[0].Behind > 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if views, err = (sinks{s.operator()}).Sinks(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	<-done
	if !strings.Contains(string(text), `{"id":"one"`) || views[0].Behind != 0 {
		t.Errorf("the file has %q, and the sink is %d behind", text, views[0].Behind)
	}
	var said string
	for _, line := range s.detailLines(t.Context()) {
		said += line[0] + ": " + line[1] + "\n"
	}
	if !strings.Contains(said, "audit sink archive: ok, nothing waits") {
		t.Errorf("the details are\n%s", said)
	}
}

// TestSinkRoots: roots that are none are refused at the start, and are no reason to believe all that the system does.
func TestSinkRoots(t *testing.T) {
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := config.Sink{Name: "siem", Kind: config.KindSyslog, Address: "localhost:1", Protocol: "tls", RootCAFile: file}
	if _, err := newReceiver(c, nil, nil); err == nil || !strings.Contains(err.Error(), "root_ca_file") {
		t.Errorf("a file without roots: %v", err)
	}
	c.RootCAFile = ""
	for protocol, secured := range map[string]bool{"tls": true, "tcp": false} {
		c.Protocol = protocol
		made, err := newReceiver(c, nil, nil)
		if s, ok := made.(*sink.Syslog); err != nil || !ok || (s.TLS != nil) != secured {
			t.Errorf("%s: %+v, %v", protocol, made, err)
		}
	}
}
