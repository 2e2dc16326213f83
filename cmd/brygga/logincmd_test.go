package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"brygga/logins"
	"brygga/secret"
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
		"on another device, Chrome, Windows, from 127.0.0.1", "Chose BankID on another device", "security code", "tell them", "Get a new one from your bank",
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
	for _, flags := range [][]string{{"--client", "demo"}, {"--outcome", "completed", "--device", "other"}, {"--network", "127.0.0.1"}} {
		if said, code := inServer(d, append([]string{"login", "find"}, flags...)...); code != exitOK || !strings.Contains(said, shown) {
			t.Errorf("login find %q = %d: %s", flags, code, said)
		}
	}
	for _, flags := range [][]string{{"--outcome", "well"}, {"--network", "nowhere"}, {"--since", "once"}, {"--person"}} {
		if said, code := inServer(d, append([]string{"login", "find"}, flags...)...); code != exitUsage {
			t.Errorf("login find %q = %d: %s", flags, code, said)
		}
	}
	var typed bytes.Buffer
	h := &host{out: &typed, err: &typed, args: []string{"login", "find", "--person"}, typed: secret.New(person)}
	if err := runInServer(t.Context(), h, d.data); err != nil || !strings.Contains(typed.String(), shown) || strings.Contains(typed.String(), person) {
		t.Errorf("login find --person: %v: %s", err, typed.String())
	}
	if said, code := inServer(d, "statistics", "-o", "csv"); code != exitOK || !strings.HasPrefix(said, "month,client_id,name,identified") {
		t.Errorf("statistics = %d: %s", code, said)
	}
	if said, code := inServer(d, "statistics", "--month", "May"); code != exitUsage {
		t.Errorf("statistics of no month = %d: %s", code, said)
	}
	for reference, want := range map[string]int{"0000-0000": exitNotFound, "no reference": exitUsage, "": exitUsage} {
		if said, code := inServer(d, "login", "show", reference); code != want || !strings.Contains(said, "→") {
			t.Errorf("login show %q = %d: %s", reference, code, said)
		}
	}
}
