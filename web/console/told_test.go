package console

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/notice"
	"brygga/storage"
)

// TestRequestsAreTold: each request is logged and observed by its route, its status and nothing of what was asked: no path, query, form or name.
func TestRequestsAreTold(t *testing.T) {
	s := newSite(t)
	var log bytes.Buffer
	var seen []string
	s.console.Log = slog.New(slog.NewJSONHandler(&log, nil))
	s.console.Observe = func(route string, status int, _ time.Duration) { seen = append(seen, fmt.Sprint(route, " ", status)) }
	b := s.as(storage.RoleOwner)
	seen = nil
	log.Reset()
	b.get("clients/canary-path")
	b.get("logins?sub=canary-query&client=canary-query")
	b.post("logins/person", "number", "198001012387")
	b.get("canary-nothing/" + url.PathEscape("canary path"))
	b.do("BREW", "clients/canary-path", nil)
	want := []string{"GET /admin/clients/{id} 404", "GET /admin/logins 200", "POST /admin/logins/person 303", "GET /admin/logins 200", "none 404", "none 404"}
	if !slices.Equal(seen, want) {
		t.Errorf("observed %q, want %q", seen, want)
	}
	for _, line := range strings.Split(strings.TrimSpace(log.String()), "\n") {
		if !strings.Contains(line, `"msg":"request"`) || !strings.Contains(line, `"request_id":"`) || !strings.Contains(line, `"took_ms":`) {
			t.Errorf("the log has %s", line)
		}
	}
	for _, canary := range []string{"canary", "198001012387", "BREW", "Kim", "127.0.0.1"} {
		if strings.Contains(log.String(), canary) || strings.Contains(fmt.Sprint(seen), canary) {
			t.Errorf("%s is told: %s", canary, log.String())
		}
	}
}

// TestOverviewOfAlarms: all is well when no alarm stands, and never above one that does.
func TestOverviewOfAlarms(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	s.says(b.get(""), "All is well.")
	alarms := &notice.Alarms{Store: s.store, Process: "p", Now: s.console.Now, Tell: func(notice.Standing, bool) ([]storage.AuditEvent, func()) { return nil, func() {} }}
	s.ok(alarms.Look(t.Context(), []notice.Condition{{Kind: notice.NetID, Name: "Net iD Access"}}, nil))
	p := b.get("")
	s.says(p, "Something needs somebody.", "Net iD does not answer")
	if strings.Contains(p.body, "All is well") {
		t.Error("all is well above an alarm")
	}
}
