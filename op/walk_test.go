package op

import (
	"testing"

	"brygga/storage"
)

// TestWithoutAPersonalNumber walks with somebody who has none through what comes after a login: the sessions of several apps, and a hint of who it was.
func TestWithoutAPersonalNumber(t *testing.T) {
	h := newHarness(t, nil)
	keys := map[string][]string{
		"first": {storage.KeyHSAID}, "second": {storage.KeyPersonalNumber, storage.KeyHSAID}, "account": {storage.KeyPrincipalName}, "number": nil,
	}
	for id, known := range keys {
		h.add(id, func(c *storage.Client) {
			c.SessionGroup, c.Scopes, c.Policy.PersonKeys = "group", []string{orgScope, "offline_access"}, known
		})
	}
	kim := employee()
	b := h.browser()
	answer := b.redeem("first", b.logIn(params("first", callback, "scope", "openid offline_access "+orgScope), kim))
	claims := payload(t, answer.IDToken)
	if answer.RefreshToken == "" || claims["sub"] == "" || claims[ourPrefix+"hsaId"] != "SE2321000016-KIM1" {
		t.Fatalf("the login gives %v", claims)
	}
	for id, want := range map[string]string{"first": "code", "second": "code", "account": "code", "number": "login"} {
		if got, _ := b.outcome(params(id, callback)); got != want {
			t.Errorf("the session, for an app that knows people by %q: %s, want %s", keys[id], got, want)
		}
	}
	if got, _ := b.outcome(params("first", callback, "prompt", "none", "id_token_hint", answer.IDToken)); got != "code" {
		t.Errorf("the session, with a hint of the same person: %s", got)
	}
	other := employee()
	other.Keys = other.Keys[2:] // the same account, name and address, and another human for all that is known
	hinted := h.complete(h.begin(params("first", callback, "id_token_hint", answer.IDToken)), other)
	if _, values := redirected(t, h.answer(hinted)); values.Get("error") != "login_required" {
		t.Errorf("another login, with the hint: %v", values)
	}
	card := kim
	card.PersonalNumber, card.Keys = person.PersonalNumber, nil
	c := h.browser()
	withNumber := payload(t, c.redeem("second", c.logIn(params("second", callback), card)).IDToken)
	if bank := payload(t, h.browser().redeem("second", h.browser().logIn(params("second", callback), person)).IDToken); bank["sub"] != withNumber["sub"] || bank["sub"] == claims["sub"] {
		t.Errorf("by card %v, by another eID %v", withNumber["sub"], bank["sub"])
	}
}
