package admin_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"brygga/admin"
	"brygga/audit"
	"brygga/logins"
	"brygga/secret"
	"brygga/storage"
)

// someone is a personal number of the right form that belongs to nobody.
const someone = "198001012395"

// logged puts a login down that began now and failed.
func (h *harness) logged(t *testing.T, log *audit.Log, id, client string) storage.Reference {
	t.Helper()
	record := storage.Login{ID: id, Created: h.now}
	for _, kind := range []audit.Type{audit.LoginStarted, audit.LoginFailed} {
		h.now = h.now.Add(time.Second)
		log.Record(t.Context(), audit.Event{
			Type: kind, Identifier: id, Reference: record.Reference(), ClientID: client, Message: map[audit.Type]string{audit.LoginFailed: "certificateErr"}[kind], Took: time.Second,
		})
	}
	return record.Reference()
}

// TestLoginsOfAPredecessor: who adds a client with the ID of one that was removed from another group sees nothing of what people did there, and who is for
// all does.
func TestLoginsOfAPredecessor(t *testing.T) {
	h := newHarness(t)
	h.put(t, "app", "culture")
	log, err := audit.New(audit.Options{Store: h.store, PseudonymKey: make([]byte, 32), Now: func() time.Time { return h.now }})
	if err != nil {
		t.Fatal(err)
	}
	before := h.logged(t, log, "1", "app")
	if err := h.RemoveClient(t.Context(), root, "app", admin.Demand{}); err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Second)
	h.put(t, "app", "schools")
	after := h.logged(t, log, "2", "app")
	actor := operator(storage.RoleAdmin, false, "schools")
	if found, err := h.SearchLogins(t.Context(), actor, logins.Query{}); err != nil || len(found.Logins) != 1 || found.Logins[0].Reference != after {
		t.Errorf("found %+v, %v", found, err)
	}
	if _, err := h.Stories(t.Context(), actor, before, "sv"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("told what was before: %v", err)
	}
	if stories, err := h.Stories(t.Context(), actor, after, "sv"); err != nil || len(stories) != 1 {
		t.Errorf("not told of its own: %v", err)
	}
	if found, err := h.SearchLogins(t.Context(), root, logins.Query{}); err != nil || len(found.Logins) != 2 {
		t.Errorf("who is for all finds %+v, %v", found, err)
	}
}

// TestLoginsWithinReach: who is for a group of clients finds their logins and no others, by whichever way.
func TestLoginsWithinReach(t *testing.T) {
	h := newHarness(t)
	h.put(t, "school", "schools")
	h.put(t, "bath", "culture")
	log, err := audit.New(audit.Options{Store: h.store, PseudonymKey: make([]byte, 32), Now: func() time.Time { return h.now }})
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := h.logged(t, log, "1", "school"), h.logged(t, log, "2", "bath")
	for name, actor := range map[string]admin.Actor{
		"admin": operator(storage.RoleAdmin, false, "schools"), "help desk": operator(storage.RoleHelpdesk, false, "schools"),
	} {
		found, err := h.SearchLogins(t.Context(), actor, logins.Query{Visible: func(*logins.Login) bool { return true }})
		if err != nil || len(found.Logins) != 1 || found.Logins[0].Reference != ours {
			t.Errorf("the %s finds %+v, %v", name, found, err)
		}
		if stories, err := h.Stories(t.Context(), actor, ours, "sv"); err != nil || len(stories) != 1 || stories[0].Tell == "" {
			t.Errorf("the %s is told %+v, %v", name, stories, err)
		}
		if _, err := h.Stories(t.Context(), actor, theirs, "sv"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("the %s is told of another's login: %v", name, err)
		}
		if _, _, err := h.ClientUse(t.Context(), actor, "bath", 7); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("the %s is told what another's client does: %v", name, err)
		}
	}
	if found, err := h.SearchLogins(t.Context(), root, logins.Query{}); err != nil || len(found.Logins) != 2 {
		t.Errorf("all: %+v, %v", found, err)
	}
	auditor := operator(storage.RoleAuditor, false)
	if _, err := h.Stories(t.Context(), auditor, ours, "sv"); !errors.Is(err, storage.ErrForbidden) {
		t.Errorf("an auditor asks for a story: %v", err)
	}
	if _, err := h.SearchAudit(t.Context(), operator(storage.RoleHelpdesk, false), logins.EventQuery{}); !errors.Is(err, storage.ErrForbidden) {
		t.Errorf("the help desk reads the audit log: %v", err)
	}
	if found, err := h.SearchAudit(t.Context(), auditor, logins.EventQuery{Kind: "ADM_300001"}); err != nil || len(found.Events) != 2 {
		t.Errorf("an auditor reads the audit log: %+v, %v", found, err)
	}
}

// TestFindPerson: who looks for a person leaves a trace, with the pseudonym and not the number.
func TestFindPerson(t *testing.T) {
	h := newHarness(t)
	desk := operator(storage.RoleHelpdesk, false)
	pseudonym, err := h.FindPerson(t.Context(), desk, secret.New(someone))
	if err != nil || pseudonym == "" {
		t.Fatalf("%q, %v", pseudonym, err)
	}
	kim := storage.PersonKey{Name: storage.KeyHSAID, Value: secret.New("SE1-KIM")}
	byKey, err := h.FindPerson(t.Context(), desk, kim.Value)
	if identity := (storage.Identity{Keys: []storage.PersonKey{kim}}); err != nil || byKey == pseudonym || byKey != h.options.Audit.Pseudonym(identity.Person()) {
		t.Errorf("somebody without a number: %q, %v", byKey, err)
	}
	for _, wrong := range []string{"", "19800101", "198001012396", "anna"} {
		if _, err := h.FindPerson(t.Context(), desk, secret.New(wrong)); !errors.Is(err, admin.ErrPersonalNumber) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	events, err := h.store.AuditEvents(t.Context(), time.Time{}, h.now.Add(time.Hour), 10)
	if err != nil || len(events) != 2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	sought := map[string]bool{}
	for _, e := range events { // of one moment: they come in any order
		sought[e.Fields["SOURCE_USER_NAME"]] = true
		text, _ := json.Marshal(e)
		if audit.Type(e.Type) != audit.PersonSought || e.Fields["ACTOR"] != "helpdesk" || strings.Contains(string(text), someone) || strings.Contains(string(text), "KIM") {
			t.Errorf("the audit log has %s", text)
		}
	}
	if !sought[pseudonym] || !sought[byKey] {
		t.Errorf("the audit log says who was sought: %v", sought)
	}
}
