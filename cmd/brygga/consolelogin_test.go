package main

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"brygga/secret"
	"brygga/web/console"
)

// TestConsoleBankIDIsItsOwn: what comes back is looked at before it is believed: the login that this browser began, with a code of ours.
func TestConsoleBankIDIsItsOwn(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	b := d.server.consoleBankID
	address, kept, err := b.Begin("sv")
	if err != nil {
		t.Fatal(err)
	}
	sent, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	state := sent.Query().Get("state")
	for name, query := range map[string]url.Values{
		"another state":        {"state": {state + "x"}, "code": {"code"}},
		"no state":             {"code": {"code"}},
		"a code of nobody":     {"state": {state}, "code": {"code"}},
		"an error":             {"state": {state}, "error": {"access_denied"}},
		"a code of another OP": {"state": {state}, "code": {"code"}, "iss": {"https://evil.example"}},
	} {
		if _, err := b.Finish(t.Context(), kept, query); !errors.Is(err, console.ErrNotIdentified) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.Finish(t.Context(), secret.String{}, url.Values{"state": {""}, "code": {"code"}}); !errors.Is(err, console.ErrNotIdentified) {
		t.Errorf("nothing was kept: %v", err)
	}
	for _, want := range []string{"prompt=login", "code_challenge_method=S256", "nonce="} {
		if query := sent.RawQuery; !strings.Contains(query, want) {
			t.Errorf("the request has no %s: %s", want, query)
		}
	}
}
