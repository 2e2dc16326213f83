package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// bankID identifies whoever the query names, for a browser that has kept what Begin gave it.
type bankID struct{}

func (bankID) Begin(string) (string, secret.String, error) {
	return "/admin/login/bankid/return?state=s", secret.New("kept"), nil
}

func (bankID) Finish(_ context.Context, kept secret.String, query url.Values) (storage.Identity, error) {
	if kept.Reveal() != "kept" || query.Get("person") == "" {
		return storage.Identity{}, ErrNotIdentified
	}
	return storage.Identity{PersonalNumber: secret.New(query.Get("person"))}, nil
}

// TestBankID: an operator whose number an owner has entered is logged in, in the browser that began it, once; nobody else is. In a session it is a
// proof of the same person.
func TestBankID(t *testing.T) {
	s := newSite(t)
	s.operator(storage.RoleOwner)
	s.operator(storage.RoleAdmin)
	finish := func(b *browser, role storage.Role) shown {
		return b.get("login/bankid/finish?state=s&person=" + personalNumbers[role])
	}
	b := s.browser()
	s.is(finish(b, storage.RoleOwner), http.StatusOK, "Log in")
	p := b.post("login/bankid", "next", "/admin/settings")
	s.is(p, http.StatusOK, "One moment")
	if !strings.HasPrefix(p.Header.Get("Refresh"), "0;url=/admin/login/bankid/finish?") {
		t.Errorf("the page asks for %q", p.Header.Get("Refresh"))
	}
	s.is(finish(b, storage.RoleHelpdesk), http.StatusOK, "Log in") // whose number nobody has entered
	s.is(finish(b, storage.RoleOwner), http.StatusOK, "Log in")    // what was kept is spent
	b.post("login/bankid", "next", "/admin/settings")
	s.is(finish(b, storage.RoleOwner), http.StatusOK, "Settings")

	s.now = s.now.Add(storage.StepUpLife + time.Second)
	b.post("login/bankid", "next", "/admin/operators/new")
	s.is(finish(b, storage.RoleAdmin), http.StatusOK, "Show that it is you")
	s.is(b.get("operators/new"), http.StatusOK, "Show that it is you")
	b.post("login/bankid", "next", "/admin/operators/new")
	s.is(finish(b, storage.RoleOwner), http.StatusOK, "Invite")
	p = b.post("login/bankid", "next", "/admin/account/password", "own", "1")
	s.is(p, http.StatusOK, "Show that it is you")
}

// TestMailbox: a development installation shows its mail to everybody, and follows no link but its own; others have none.
func TestMailbox(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	p := b.get("mailbox")
	s.is(p, http.StatusOK, "Mailbox")
	if !strings.Contains(p.body, `<a href="`+s.server.URL+`/admin/account/invite?token=x">`) || strings.Contains(p.body, `href="https://evil.example`) {
		t.Errorf("the links are not as they should be: %s", p.body)
	}
	s.console.Mailbox = nil
	s.is(b.get("mailbox"), http.StatusNotFound, "There is no such page")
}

// letters are the mail of a site under test.
type letters struct{ *site }

func (l letters) Letters() []Letter {
	return []Letter{{At: l.now, To: "bo@example.se", Subject: "Inbjudan", Text: "Hej!\n\n" + l.server.URL + "/admin/account/invite?token=x\n\nhttps://evil.example/ <b>"}}
}
