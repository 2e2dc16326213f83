package audit_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

const number = "197001011234"

// memory is the one method that package audit needs of a store.
type memory struct {
	storage.AuditLog
	events []storage.AuditEvent
	err    error
}

func (m *memory) AppendAudit(_ context.Context, events ...storage.AuditEvent) error {
	m.events = append(m.events, events...)
	return m.err
}

func newLog(t *testing.T, store *memory, out *bytes.Buffer) *audit.Log {
	t.Helper()
	l, err := audit.New(audit.Options{
		Store: store, PseudonymKey: bytes.Repeat([]byte{7}, 32), Logger: slog.New(slog.NewJSONHandler(out, nil)),
		Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 1234567, time.UTC) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestRecord_RowA11_RowA24(t *testing.T) {
	var store memory
	var out bytes.Buffer
	l := newLog(t, &store, &out)
	l.Record(t.Context(), audit.Event{
		Type: audit.LoginCompleted, Identifier: "login1", Reference: "7QX4-2MKD", SourceAddress: "192.0.2.1", CustomerIdentifier: "tag",
		Device: "other", Browser: "Chrome, Windows", Course: "other@3", Took: 4150 * time.Millisecond, ClientID: "app", Person: secret.New(number), Message: "line\nWEB_100002 forged\x00" + strings.Repeat("å", 400),
	})
	if len(store.events) != 1 {
		t.Fatalf("stored %d events, want 1", len(store.events))
	}
	event := store.events[0]
	message := event.Fields["MESSAGE"]
	delete(event.Fields, "MESSAGE")
	want := map[string]string{
		"IDENTIFIER": "login1", "SOURCE_ADDRESS": "192.0.2.1", "CUSTOMER_IDENTIFIER": "tag", "CLIENT_ID": "app", "DEVICE": "other",
		"BROWSER": "Chrome, Windows", "COURSE": "other@3", "SECONDS": "4.2",
		"SOURCE_USER_NAME": l.Pseudonym(secret.New(number)),
	}
	if !maps.Equal(event.Fields, want) {
		t.Errorf("fields = %v, want %v", event.Fields, want)
	}
	if strings.ContainsAny(message, "\n\x00") || len(message) > 500 || !strings.HasPrefix(message, "lineWEB_100002 forgedå") {
		t.Errorf("message %q is not cleaned and cut", message)
	}
	if event.Reference != "7QX4-2MKD" || !strings.Contains(out.String(), `"reference":"7QX4-2MKD"`) {
		t.Errorf("the event has the reference %q, and its line is %s", event.Reference, out.String())
	}
	if event.Type != "WEB_100002" || event.Expires.Sub(event.Time) != audit.DefaultRetention {
		t.Errorf("event = %+v, want type and retention of the catalogue", event)
	}
	if strings.Contains(out.String(), number) || !strings.Contains(out.String(), "WEB_100002") {
		t.Errorf("log line shows the person or not the event: %s", out.String())
	}
}

// TestLinesDoNotDependOnTheLevel: a log that shows warnings alone shows every event all the same.
func TestLinesDoNotDependOnTheLevel(t *testing.T) {
	var lines, faults bytes.Buffer
	failed := 0
	l, err := audit.New(audit.Options{
		Store: &memory{err: errors.New("disk full")}, PseudonymKey: make([]byte, 32), Lines: slog.New(slog.NewJSONHandler(&lines, nil)),
		Logger: slog.New(slog.NewJSONHandler(&faults, &slog.HandlerOptions{Level: slog.LevelError})), Failed: func(n int) { failed += n },
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Record(t.Context(), audit.Event{Type: audit.LoginFailed}, audit.Event{Type: audit.ClientRemoved})
	if !strings.Contains(lines.String(), "WEB_100003") || !strings.Contains(lines.String(), "ADM_300004") {
		t.Errorf("lines = %s, want both events", lines.String())
	}
	if strings.Contains(lines.String(), "disk full") || !strings.Contains(faults.String(), "disk full") || failed != 2 {
		t.Errorf("faults = %s, %d events told of", faults.String(), failed)
	}
}

func TestChangesAreTold(t *testing.T) {
	var store memory
	var out bytes.Buffer
	l := newLog(t, &store, &out)
	changes := audit.Diff([][2]string{{"name", "A"}, {"scopes", "profile"}, {"sector", "x"}}, [][2]string{{"name", "B\n"}, {"scopes", "profile"}, {"native", "true"}})
	l.Record(t.Context(), audit.Event{Type: audit.ClientChanged, ClientID: "app", Changes: changes})
	want := map[string]string{
		"CLIENT_ID": "app", "CHANGED": "name native sector", "BEFORE.name": "A", "AFTER.name": "B", "AFTER.native": "true", "BEFORE.sector": "x",
	}
	if !maps.Equal(store.events[0].Fields, want) {
		t.Errorf("fields = %v, want %v", store.events[0].Fields, want)
	}
	for _, part := range []string{`"client_id":"app"`, `"changed":"name native sector"`, `"before.name":"A","after.name":"B"`, `"after.sector":""`} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the line lacks %s: %s", part, out.String())
		}
	}
}

func TestPseudonymDependsOnKeyAndPerson(t *testing.T) {
	var out bytes.Buffer
	a := newLog(t, &memory{}, &out)
	b, err := audit.New(audit.Options{Store: &memory{}, PseudonymKey: bytes.Repeat([]byte{8}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	p := a.Pseudonym(secret.New(number))
	if p != a.Pseudonym(secret.New(number)) {
		t.Error("the same person has two pseudonyms")
	}
	if p == b.Pseudonym(secret.New(number)) || p == a.Pseudonym(secret.New("197001011235")) {
		t.Error("another key or person gives the same pseudonym")
	}
}

func TestRecordLogsStoreFault(t *testing.T) {
	var out bytes.Buffer
	l := newLog(t, &memory{err: errors.New("disk full")}, &out)
	l.Record(t.Context(), audit.Event{Type: audit.KeyCreated, Object: "key1"})
	if !strings.Contains(out.String(), "disk full") || !strings.Contains(out.String(), "KEY_400001") {
		t.Errorf("log = %s, want the fault and the event", out.String())
	}
}

func TestNewRefuses(t *testing.T) {
	key := make([]byte, 32)
	for name, o := range map[string]audit.Options{
		"no store":           {PseudonymKey: key},
		"short key":          {Store: &memory{}, PseudonymKey: key[:31]},
		"negative retention": {Store: &memory{}, PseudonymKey: key, Retention: -1},
	} {
		if _, err := audit.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestOf: a step that may be run more than once stores and logs the events of its last run, and none if it is not done.
func TestOf(t *testing.T) {
	var store memory
	var out bytes.Buffer
	l := newLog(t, &store, &out)
	tell, told := l.OfLogin(func(after *storage.Login) []audit.Event {
		return []audit.Event{{Type: audit.LoginStarted, Identifier: after.ID}}
	})
	told(t.Context())
	if out.Len() > 0 {
		t.Errorf("a step that was not done is logged: %s", &out)
	}
	first, last := tell(&storage.Login{ID: "first"}), tell(&storage.Login{ID: "last"})
	if len(first) != 1 || len(last) != 1 || first[0].ID == last[0].ID || last[0].Fields["IDENTIFIER"] != "last" || last[0].Type != string(audit.LoginStarted) {
		t.Errorf("records: %+v, %+v", first, last)
	}
	told(t.Context())
	if lines := out.String(); strings.Contains(lines, "first") || strings.Count(lines, "last") != 1 {
		t.Errorf("logged:\n%s", lines)
	}
	if len(store.events) != 0 {
		t.Error("the log has stored what the step stores")
	}
	ended, toldEnd := l.OfEnd(func(ended storage.Ended) []audit.Event {
		return []audit.Event{{Type: audit.SessionEnded, Object: ended.Session}}
	})
	if records := ended(storage.Ended{Session: "s1"}); len(records) != 1 || records[0].Fields["OBJECT"] != "s1" {
		t.Errorf("records of an end: %+v", records)
	}
	toldEnd(t.Context())
	if !strings.Contains(out.String(), "s1") {
		t.Error("the end is not logged")
	}
}
