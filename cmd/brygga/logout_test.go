package main

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A person who logs out at the provider is asked first; then the running server tells the client.
func TestClientIsToldOfLogout(t *testing.T) {
	t.Parallel()
	told := make(chan string, 1)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told <- r.FormValue("logout_token") }))
	t.Cleanup(app.Close)
	d := newDev(t, nil)
	client, err := d.server.store.Client(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	changed := *client
	changed.SessionGroup, changed.BackchannelLogoutURI = "demo", app.URL
	if err := d.server.store.UpdateClient(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	v := newVisitor(t, d, computerAgent)
	sid := claims(t, loginByQR(v))["sid"]
	ask := v.get(d.Issuer + "/logout?client_id=demo&ui_locales=en&post_logout_redirect_uri=" + url.QueryEscape(d.DemoURL+"/"))
	if !strings.Contains(ask.body, "Do you want to log out?") {
		t.Fatalf("nobody asks: %s", ask.body)
	}
	form := url.Values{}
	for _, field := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`).FindAllStringSubmatch(ask.body, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	if after := v.do(http.MethodPost, d.Issuer+"/logout/confirm", form); after.url.String() != d.DemoURL+"/" {
		t.Errorf("after the logout: %s %s", after.url, after.body)
	}
	select {
	case token := <-told:
		payload, err := d.server.ring.Verify(token, "logout+jwt")
		if text, _ := sid.(string); err != nil || text == "" || !strings.Contains(string(payload), text) {
			t.Errorf("the client was told %s, error %v", payload, err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the client was never told")
	}
}
