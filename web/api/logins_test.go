package api_test

import (
	"strings"
	"testing"
	"time"

	"brygga/audit"
	"brygga/storage"
)

// TestExportsAndStatistics: the log comes whole in each form, and a month as a table.
func TestExportsAndStatistics(t *testing.T) {
	h := newHarness(t)
	h.prepare()
	for i := range 3 {
		h.ok(h.store.AppendAudit(t.Context(), storage.AuditEvent{
			ID: string(rune('a' + i)), Time: h.now.Add(-time.Duration(i) * time.Second), Type: string(audit.KeyCreated), Fields: map[string]string{"OBJECT": "=key"}, Expires: h.now.Add(time.Hour),
		}))
	}
	for form, want := range map[string]struct {
		kind, text string
		lines      int
	}{
		"":     {"application/jsonl", `"OBJECT":"=key"`, 3},
		"json": {"application/jsonl", `"type":"KEY_400001"`, 3},
		"csv":  {"text/csv; charset=utf-8", "'=key", 4},
		"cef":  {"text/plain; charset=utf-8", `fname=\=key`, 3},
	} {
		r := h.ask(h.key, "GET", "/audit/export?kind=KEY_400001&format="+form, "")
		h.want(r, 200)
		if r.Header.Get("Content-Type") != want.kind || !strings.Contains(r.text, want.text) || strings.Count(r.text, "\n") != want.lines {
			t.Errorf("as %q: %s, %s", form, r.Header.Get("Content-Type"), r.text)
		}
	}
	r := h.ask(h.key, "GET", "/statistics?format=csv", "")
	h.want(r, 200)
	if !strings.HasPrefix(r.text, "month,client_id,name,identified,") {
		t.Errorf("the month: %s", r.text)
	}
	for _, path := range []string{"/audit/events?cursor=eA", "/logins?cursor=eA"} {
		h.want(h.ask(h.key, "GET", path, ""), 422)
	}
}

// TestNothingSignedYet: who is too early for the signed log is told so, and gets it some seconds later.
func TestNothingSignedYet(t *testing.T) {
	h := newHarness(t)
	r := h.ask(h.key, "GET", "/audit/log", "")
	h.want(r, 409)
	if r.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(r.text, "try again in some seconds") {
		t.Errorf("%s: %s", r.Header.Get("Content-Type"), r.text)
	}
	h.prepare()
	h.now = h.now.Add(time.Minute)
	h.grow()
	h.want(h.ask(h.key, "GET", "/audit/log", ""), 200)
}
