package storage_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"brygga/secret"
	"brygga/storage"
)

func TestRedeem(t *testing.T) {
	code := storage.Code{
		Hash: [32]byte{1}, GrantID: "g1", ClientID: "app", Redirect: "https://app.example/cb", Expires: t0.Add(time.Minute), Challenge: "challenge",
		Resources: []string{"https://api.example", "https://more.example"},
	}
	right := storage.Redemption{CodeHash: code.Hash, ClientID: "app", RedirectURI: code.Redirect, Challenge: "challenge", Now: t0}
	plain := func(c *storage.Code, r *storage.Redemption) { c.Challenge, r.Challenge = "", "" }
	spent := func(c *storage.Code, _ *storage.Redemption) { c.Spent = t0 }
	all := func(edits ...func(*storage.Code, *storage.Redemption)) func(*storage.Code, *storage.Redemption) {
		return func(c *storage.Code, r *storage.Redemption) {
			for _, e := range edits {
				e(c, r)
			}
		}
	}
	alien := func(_ *storage.Code, r *storage.Redemption) { r.ClientID = "other" }
	for _, test := range []struct {
		name   string
		edit   func(*storage.Code, *storage.Redemption)
		want   error
		reused bool
	}{
		{"right", all(), nil, false},
		{"without PKCE", plain, nil, false},
		{"last moment", func(c *storage.Code, r *storage.Redemption) { r.Now = c.Expires.Add(-1) }, nil, false},
		{"expired", func(c *storage.Code, r *storage.Redemption) { r.Now = c.Expires }, storage.ErrNotFound, false},
		{"another client", alien, storage.ErrNotFound, false},
		{"another client learns nothing of a spent code", all(spent, alien), storage.ErrNotFound, false},
		{"another redirect URI", func(_ *storage.Code, r *storage.Redemption) { r.RedirectURI += "/" }, storage.ErrMismatch, false},
		{"no redirect URI", func(_ *storage.Code, r *storage.Redemption) { r.RedirectURI = "" }, storage.ErrMismatch, false},
		{"another challenge", func(_ *storage.Code, r *storage.Redemption) { r.Challenge = "Challenge" }, storage.ErrMismatch, false},
		{"no verifier", func(_ *storage.Code, r *storage.Redemption) { r.Challenge = "" }, storage.ErrMismatch, false},
		{"verifier without a challenge", func(c *storage.Code, _ *storage.Redemption) { c.Challenge = "" }, storage.ErrMismatch, false},
		{"a resource that was granted", func(_ *storage.Code, r *storage.Redemption) { r.Resources = []string{"https://more.example"} }, nil, false},
		{"one that was not", func(_ *storage.Code, r *storage.Redemption) {
			r.Resources = []string{"https://api.example", "https://api.example/"}
		}, storage.ErrTarget, false},
		{"spent", spent, nil, true},
		{"spent, with another redirect URI", all(spent, func(_ *storage.Code, r *storage.Redemption) { r.RedirectURI = "" }), nil, true},
		{"spent, after its expiry", all(spent, func(c *storage.Code, r *storage.Redemption) { r.Now = c.Expires }), nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, r := code, right
			test.edit(&c, &r)
			got, err := c.Redeem(r)
			var reused *storage.CodeReusedError
			if errors.As(err, &reused) != test.reused || (!test.reused && !errors.Is(err, test.want)) {
				t.Fatalf("got error %v, want %v, reused %t", err, test.want, test.reused)
			}
			if test.reused && reused.GrantID != "g1" {
				t.Errorf("reuse names grant %q", reused.GrantID)
			}
			want := c
			if err == nil {
				want.Spent = r.Now
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got code %+v, want %+v", got, want)
			}
		})
	}
}

func TestGrantLive(t *testing.T) {
	grant := storage.Grant{Expires: t0}
	if !grant.Live(t0.Add(-1)) || grant.Live(t0) {
		t.Error("a grant must end exactly at Expires")
	}
	grant.Revoked = t0.Add(-time.Hour)
	if grant.Live(t0.Add(-time.Minute)) {
		t.Error("a revoked grant is live")
	}
}

func TestClientAuthenticate(t *testing.T) {
	client := storage.Client{Secrets: []storage.ClientSecret{
		{Hash: secret.New("old").Hash(), Expires: t0},
		{Hash: secret.New("new").Hash()},
		{Hash: secret.String{}.Hash()},
	}}
	for _, test := range []struct {
		name, presented string
		now             time.Time
		want            bool
	}{
		{"without end", "new", t0.AddDate(10, 0, 0), true},
		{"before its end", "old", t0.Add(-1), true},
		{"at its end", "old", t0, false},
		{"wrong", "news", t0, false},
		{"empty, even if one was stored", "", t0, false},
	} {
		if got := client.Authenticate(secret.New(test.presented), test.now); got != test.want {
			t.Errorf("%s: got %t", test.name, got)
		}
	}
	if none := (&storage.Client{}); none.Authenticate(secret.New("new"), t0) || none.Authenticate(secret.String{}, t0) {
		t.Error("a client without secrets was authenticated")
	}
}

func TestClientWords(t *testing.T) {
	client := storage.Client{ID: "app", Scopes: []string{"profile"}, AuthMethod: storage.AuthMethodNone}
	for got, want := range map[string]string{
		client.NameIn("sv"): "app",
		(&storage.Client{ID: "app", Name: "App", LocalNames: map[string]string{"sv": "Appen", "en": ""}}).NameIn("sv"): "Appen",
		(&storage.Client{ID: "app", Name: "App", LocalNames: map[string]string{"sv": "Appen", "en": ""}}).NameIn("en"): "App",
		client.SectorID(): "client:app",
		(&storage.Client{ID: "app", Sector: "app"}).SectorID(): "sector:app",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if !client.MayAsk("openid") || !client.MayAsk("profile") || client.MayAsk("email") || client.MayAsk("") {
		t.Error("MayAsk must allow openid and the registered scopes only")
	}
	if !client.Public() || (&storage.Client{AuthMethod: storage.AuthMethodPost}).Public() || (&storage.Client{}).Public() {
		t.Error("only authentication method none makes a client public")
	}
}

// TestReplaced: a code that was redeemed, or is over, has no successor.
func TestReplaced(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	code := storage.Code{Hash: [32]byte{1}, GrantID: "grant", Expires: now.Add(time.Second)}
	next, err := code.Replaced([32]byte{2}, now.Add(time.Minute), now)
	want := code
	want.Hash, want.Expires = [32]byte{2}, now.Add(time.Minute)
	if err != nil || !reflect.DeepEqual(next, want) {
		t.Errorf("Replaced = %+v, %v; want %+v", next, err, want)
	}
	if _, err := code.Replaced([32]byte{2}, now.Add(time.Minute), code.Expires); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("a code that is over: %v", err)
	}
	code.Spent = now
	if _, err := code.Replaced([32]byte{2}, now.Add(time.Minute), now); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("a code that was redeemed: %v", err)
	}
}
