package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"brygga/logins"
)

// TestLoginShow: the reference that the person's page shows leads to the story of the login, which names nobody.
func TestLoginShow(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	v := newVisitor(t, d, computerAgent)
	path := v.begin("")
	v.post(path+"/start", "device", "other")
	order := v.phone("scan", map[string]string{"qr": v.frame(path), "personalNumber": person})
	v.await(path, "confirm")
	v.phone("orders/"+order.OrderRef+"/fail", map[string]string{"hintCode": "certificateErr"})
	v.await(path, "failed-certificateErr")
	shown := regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}`).FindString(v.get(path).body)
	v.post(path+"/start", "device", "other")
	order = v.phone("scan", map[string]string{"qr": v.frame(path), "personalNumber": person})
	v.phone("orders/"+order.OrderRef+"/sign", nil)
	v.await(path, "complete")
	v.post(path + "/done")

	said, code := inServer(d, "login", "show", strings.ToLower(shown))
	if code != exitOK {
		t.Fatalf("login show %s = %d: %s", shown, code, said)
	}
	for _, want := range []string{
		shown, "demo", "answered", "BankID login started", "BankID login failed: certificateErr", "blocked, revoked or invalid", "BankID login completed",
		"BankID on other device, Chrome, Windows, from 127.0.0.1", "Chose BankID on another device", "security code", "tell them", "Get a new one from your bank",
		"Your BankID cannot be used",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the story lacks %q:\n%s", want, said)
		}
	}
	if strings.Contains(said, person) {
		t.Errorf("the story names the person:\n%s", said)
	}
	said, code = inServer(d, "login", "show", shown, "-o", "json")
	var stories []logins.Story
	if err := json.Unmarshal([]byte(said), &stories); err != nil || code != exitOK || len(stories) != 1 || len(stories[0].Steps) < 8 || stories[0].ClientID != "demo" {
		t.Errorf("as JSON = %d, %v: %s", code, err, said)
	}
	for reference, want := range map[string]int{"0000-0000": exitNotFound, "no reference": exitUsage, "": exitUsage} {
		if said, code := inServer(d, "login", "show", reference); code != want || !strings.Contains(said, "→") {
			t.Errorf("login show %q = %d: %s", reference, code, said)
		}
	}
}
