package console

import (
	"strings"
	"testing"

	"brygga/account"
	"brygga/admin"
	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// actOut has the audit log hold somebody of each kind: an operator, one who was removed, a key, an app, a command on the server and the server itself.
func actOut(s *site) (ids map[admin.WhoKind]string) {
	s.Helper()
	ctx := s.Context()
	owner, err := s.accounts.Find(ctx, "owner")
	s.ok(err)
	gone, _, err := s.accounts.Bootstrap(ctx, account.Command("root"), account.Invitation{
		UserName: secret.New("gone-" + strings.ToLower(storage.NewID()[:8])), Name: secret.New("Borta Borg"), Rights: storage.Rights{Roles: []storage.Role{storage.RoleAuditor}, AllClients: true},
	})
	s.ok(err)
	s.ok(s.accounts.Remove(ctx, account.Command("root"), gone.ID))
	key, _, err := s.admin.CreateAPIKey(ctx, root, admin.NewAPIKey{Name: "terraform", Scopes: admin.Scopes()[:1]})
	s.ok(err)
	ids = map[admin.WhoKind]string{
		admin.WhoOperator: owner.ID, admin.WhoGone: gone.ID, admin.WhoKey: "key:" + key.ID, admin.WhoClient: "client:batch", admin.WhoCommand: "anna", admin.WhoServer: "SIGHUP",
	}
	log, err := audit.New(audit.Options{Store: s.store, PseudonymKey: make([]byte, 32), Now: s.console.Now})
	s.ok(err)
	for _, id := range ids {
		log.Record(ctx, audit.Event{Type: audit.BackupMade, Actor: id})
	}
	log.Record(ctx, audit.Event{Type: audit.OperatorUnlocked, Actor: "anna", Object: owner.ID})
	return ids
}

// TestEventsNamePeople: an event says who was behind it as people call them, and the log's own name stands in its details.
func TestEventsNamePeople(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	ids := actOut(s)
	page := b.get("events").body
	for kind, want := range map[admin.WhoKind]string{
		admin.WhoOperator: ">Kim owner</a>", admin.WhoGone: ">somebody who was removed</a>", admin.WhoKey: ">the API key terraform</a>",
		admin.WhoClient: ">the app batch</a>", admin.WhoCommand: ">anna, on the server</a>", admin.WhoServer: ">the server itself</a>",
	} {
		if !strings.Contains(page, want) || !strings.Contains(page, `<dd lang="en">`+ids[kind]+"</dd>") {
			t.Errorf("%s: the page has no %q, or not %s in the details", kind, want, ids[kind])
		}
	}
	if !strings.Contains(page, "Concerns") {
		t.Error("nothing says whom an event concerns")
	}
	if found := b.get("events?actor=owner").body; !strings.Contains(found, ">Kim owner</a>") || strings.Contains(found, ">anna, on the server</a>") {
		t.Error("events are not found by the user name of who was behind them")
	}
}
