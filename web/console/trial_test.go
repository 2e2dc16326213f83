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

// pretended are trials whose login is answered at once.
type pretended struct{}

func (pretended) Begin(c *storage.Client, _ string) (string, secret.String, error) {
	return "/admin/clients/+try/return?state=s", secret.New(c.ID), nil
}

func (pretended) Finish(_ context.Context, kept secret.String, query url.Values) (*Trial, error) {
	at := time.Date(2031, 5, 17, 9, 30, 0, 0, time.UTC)
	switch query.Get("state") {
	case "s":
		claims := map[string]any{"sub": "abc", "acr": "http://id.elegnamnden.se/loa/1.0/loa3", "auth_time": 1936949400.0, "amr": []any{"bankid"}, "name": "Anna Andersson"}
		return &Trial{ClientID: kept.Reveal(), Began: at, Ended: at.Add(9 * time.Second), Claims: claims, Algorithm: "RS256", Userinfo: map[string]any{"sub": "abc"}}, nil
	case "cancelled":
		return &Trial{ClientID: kept.Reveal(), Began: at, Ended: at, Error: "access_denied", Description: "cancelled by the user"}, nil
	}
	return nil, ErrNotIdentified
}

// tried is the page of a trial that came back with the state.
func tried(state string) func(*browser) shown {
	return func(b *browser) shown {
		b.post("clients/app/try")
		b.setCookie("brygga-console-try", "app")
		return b.get("clients/+try/finish?state=" + state)
	}
}

// TestTrial: what the app would have got is shown once, to the operator who began it and may see the app, and lets nobody in.
func TestTrial(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleAdmin)
	session := b.cookie("brygga-console")
	s.says(b.get("clients/app"), "Try a login")
	p := tried("s")(b)
	s.says(p, "Anna Andersson", "loa3", "9 seconds", `[&#34;bankid&#34;]`)
	if b.cookie("brygga-console") != session {
		t.Error("the trial has changed the session")
	}
	s.is(b.get("clients/+try/finish?state=s"), http.StatusOK, "The trial is over")
	s.says(tried("cancelled")(b), "access_denied", "cancelled by the user")
	s.is(tried("another")(b), http.StatusOK, "The trial is over")

	stranger := s.browser()
	stranger.setCookie("brygga-console-try", "app")
	if p := stranger.get("clients/+try/finish?state=s"); p.heading() != "Log in" || strings.Contains(p.body, "Anna") {
		t.Errorf("somebody who is not logged in sees %s", p.body)
	}
	other := s.as(storage.RoleHelpdesk)
	other.setCookie("brygga-console-try", "app")
	s.is(other.get("clients/+try/finish?state=s"), http.StatusForbidden, "You may not do this")
}
