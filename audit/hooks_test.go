package audit_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/audit"
	"brygga/storage"
)

// TestSelect: events are named by hooks, by numbers and by how numbers begin, and a name that stands for none is told.
func TestSelect(t *testing.T) {
	for names, want := range map[string][]audit.Type{
		"after_login":          {audit.LoginCompleted, audit.NetIDCompleted},
		"after_confirm KEY_":   {audit.KeyCreated, audit.KeyActivated, audit.KeyRetired, audit.KeyRemoved, audit.MasterKeyReplaced, audit.OperatorActivated, audit.OperatorEmailConfirmed},
		"WEB_100001 SEC_20000": nil,
		"after_lunch":          nil,
		"WEB":                  nil,
		"_":                    nil,
		"WEB_100002 WEB_":      {audit.LoginStarted, audit.LoginCompleted, audit.LoginFailed, audit.LoginEnded, audit.NetIDStarted, audit.NetIDCompleted, audit.NetIDFailed, audit.NetIDEnded, audit.SessionUsed, audit.SessionEnded, audit.LogoutDelivered, audit.LogoutFailed, audit.TextRefused, audit.OrderTold, audit.OrderUntold},
	} {
		wants, unknown := audit.Select(strings.Fields(names))
		if want == nil {
			if unknown == "" || !strings.Contains(names, unknown) {
				t.Errorf("%s: %q is unknown", names, unknown)
			}
			continue
		}
		var got []audit.Type
		for _, typ := range audit.Types() {
			if wants(typ) {
				got = append(got, typ)
			}
		}
		if unknown != "" || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v, %q unknown", names, got, want, unknown)
		}
	}
	if wants, unknown := audit.Select(nil); !wants(audit.KeyCreated) || !wants("NEW_1") || unknown != "" {
		t.Error("no name does not stand for all")
	}
}

// TestHooksAreWhole: each event has one hook at most, and each hook has events of the catalogue.
func TestHooksAreWhole(t *testing.T) {
	seen := map[audit.Type]string{}
	for _, h := range audit.Hooks() {
		if !strings.HasPrefix(h.Name, "after_") || h.When == "" || len(h.Types) == 0 {
			t.Errorf("the hook %+v lacks something", h)
		}
		for _, typ := range h.Types {
			if seen[typ] != "" || !slices.Contains(audit.Types(), typ) || audit.HookOf(typ) != h.Name {
				t.Errorf("%s: %s is another hook's (%s), or none's", h.Name, typ, seen[typ])
			}
			seen[typ] = h.Name
		}
	}
}

// TestOutlinesTellNothingOfPersons: whatever fields an event has, its outline has what is listed here and no more.
func TestOutlinesTellNothingOfPersons(t *testing.T) {
	for _, typ := range audit.Types() {
		e := storage.AuditEvent{ID: "e1", Time: time.Unix(0, 0), Type: string(typ), Reference: "7QX42MKD", Fields: map[string]string{"BEFORE.name": "canary", "AFTER.name": "canary"}}
		for _, name := range audit.FieldNames() {
			e.Fields[name] = "canary " + name
		}
		for _, open := range []string{"CLIENT_ID", "TXN", "DEVICE", "SECONDS", "CHANGED"} {
			e.Fields[open] = "open"
		}
		if family := typ[:3]; family == "OPR" || family == "KEY" {
			e.Fields["OBJECT"] = "open"
		}
		text, err := json.Marshal(audit.OutlineOf(&e))
		if err != nil || strings.Contains(string(text), "canary") || !strings.Contains(string(text), "open") {
			t.Errorf("%s, %v", text, err)
		}
	}
	e := storage.AuditEvent{Type: "WEB_100003", Fields: map[string]string{"MESSAGE": "userCancel"}}
	if got := audit.OutlineOf(&e).Reason; got != "userCancel" {
		t.Errorf("the reason is %q", got)
	}
	if e.Fields["MESSAGE"] = "EXPIRED_TRANSACTION: UNKNOWN_USER"; audit.OutlineOf(&e).Reason != "EXPIRED_TRANSACTION" {
		t.Errorf("the reason is %q", audit.OutlineOf(&e).Reason)
	}
	for _, text := range []string{"197001011234", "Anna Andersson", "anna@example.se", strings.Repeat("x", 65)} {
		e.Fields["MESSAGE"] = text
		if got := audit.OutlineOf(&e).Reason; got != "" {
			t.Errorf("the reason %q is no word", got)
		}
	}
}
