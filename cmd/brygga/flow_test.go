package main

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/audit"
	"brygga/bankid/bankidsim"
	"brygga/storage"
)

const person = "198502039822"

// claims returns the verified claims that the demo app shows.
func claims(t *testing.T, s sight) map[string]any {
	t.Helper()
	found := regexp.MustCompile(`(?s)<pre id="json"[^>]*>(.*?)</pre>`).FindStringSubmatch(s.body)
	if s.status != http.StatusOK || found == nil {
		t.Fatalf("the demo app shows %d:\n%s", s.status, s.body)
	}
	var shown map[string]any
	if err := json.Unmarshal([]byte(html.UnescapeString(found[1])), &shown); err != nil {
		t.Fatal(err)
	}
	return shown
}

func checkClaims(t *testing.T, d *devInstance, got map[string]any) {
	t.Helper()
	for name, want := range map[string]any{"iss": d.Issuer, "personalNumber": person} {
		if got[name] != want {
			t.Errorf("claim %s = %v, want %v", name, got[name], want)
		}
	}
	for _, name := range []string{"sub", "name", "givenName", "surname", "auth_time", "acr", "amr", "txn", "sid", "nonce", "exp"} {
		if got[name] == nil {
			t.Errorf("claim %s is missing", name)
		}
	}
	if sub, _ := got["sub"].(string); strings.Contains(sub, person) || len(sub) < 20 {
		t.Errorf("sub = %q", sub)
	}
}

// loginByQR logs in from the demo app to its page of claims.
func loginByQR(v *visitor) sight {
	v.t.Helper()
	login := v.begin("?profile=1")
	v.post(login+"/start", "device", "other")
	order := v.phone("scan", map[string]string{"qr": v.frame(login), "personalNumber": person})
	v.await(login, "confirm")
	v.phone("orders/"+order.OrderRef+"/sign", nil)
	v.await(login, "complete")
	return v.post(login + "/done")
}

func TestLoginByQR(t *testing.T) {
	t.Parallel()
	d := newDev(t, func(o *devOptions) { o.chaos = bankidsim.MildChaos() })
	v := newVisitor(t, d, computerAgent)
	shown := loginByQR(v)
	if shown.url.String() != d.DemoURL+"/" {
		t.Errorf("the login ended at %s", shown.url)
	}
	got := claims(t, shown)
	checkClaims(t, d, got)
	if got["given_name"] == nil || got["birthdate"] == nil {
		t.Errorf("scope profile brought no standard claims: %v", got)
	}
	events, err := d.server.store.AuditEvents(t.Context(), d.server.now().Add(-time.Hour), d.server.now().Add(time.Hour), 100)
	if err != nil || !slices.ContainsFunc(events, func(e storage.AuditEvent) bool {
		return e.Type == string(audit.LoginCompleted) && e.Fields["TXN"] == got["txn"] && e.Fields["IDENTIFIER"] != ""
	}) {
		t.Errorf("no completed login %v in the audit log: %v, %v", got["txn"], events, err)
	}
	if again := claims(t, loginByQR(newVisitor(t, d, computerAgent))); again["sub"] != got["sub"] {
		t.Error("the same person has another sub the second time")
	}
	logOut(t, v, shown)
	for kind, n := range d.sim.Misuse().Counts {
		if n != 0 {
			t.Errorf("%d times BankID was misused: %s", n, kind)
		}
	}
}

// logOut presses the log-out button and follows to wherever the provider leads.
func logOut(t *testing.T, v *visitor, shown sight) {
	t.Helper()
	form := url.Values{}
	for _, field := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`).FindAllStringSubmatch(shown.body, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	after := v.do(http.MethodPost, v.dev.DemoURL+"/logout", form)
	if after.status != http.StatusOK {
		t.Errorf("logging out = %d at %s:\n%s", after.status, after.url, after.body)
	}
	if home := v.get(v.dev.DemoURL + "/"); !strings.Contains(home.body, `id="login"`) {
		t.Errorf("after logging out the demo app shows:\n%s", home.body)
	}
}

func TestLoginOnSameDevice(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	v := newVisitor(t, d, phoneAgent)
	login := v.begin("?language=en")
	v.post(login+"/start", "device", "this")
	link := v.launch(login)
	if !strings.HasPrefix(link, d.PhoneURL+"/?autostarttoken=") {
		t.Fatalf("the launch link does not lead to the simulator's phone")
	}
	order := v.phone("open", map[string]string{"url": link, "personalNumber": person})
	v.await(login, "confirm")
	// What the page draws of the app is what the app shows.
	page := html.UnescapeString(v.get(login).body)
	for _, want := range []string{">" + order.RPName + "<", `<q dir="auto">` + order.VisibleText + "</q>"} {
		if order.RPName == "" || order.VisibleText == "" || !strings.Contains(page, want) {
			t.Errorf("the app shows %q, which the page does not draw", want)
		}
	}
	order = v.phone("orders/"+order.OrderRef+"/sign", nil)
	if order.ReturnURL == nil {
		t.Fatal("the app has nowhere to return to")
	}
	v.get(*order.ReturnURL)
	v.await(login, "complete")
	checkClaims(t, d, claims(t, v.post(login+"/done")))
}

func TestCancelledLogin(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	v := newVisitor(t, d, computerAgent)
	login := v.begin("")
	if !strings.Contains(v.get(login).body, "Test mode – virtual phone") {
		t.Error("the page does not say that it is no real one")
	}
	shown := v.post(login + "/leave")
	if !strings.HasPrefix(shown.url.String(), d.DemoURL+"/callback?") || !strings.Contains(shown.body, `<code id="error">access_denied</code>`) {
		t.Errorf("after leaving the page: %s\n%s", shown.url.Path, shown.body)
	}
	if !strings.Contains(shown.body, "Try again") {
		t.Error("the demo app offers no second try")
	}
}
