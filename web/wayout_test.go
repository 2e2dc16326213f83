package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"brygga/storage"
)

// TestOfferWay: who is sent into an app gets a link to press, on a page that says what has come before; a web site is nothing to press
// for. The page keeps the answer that stands in it to itself.
func TestOfferWay(t *testing.T) {
	t.Parallel()
	native := &storage.Client{ID: "phone", Name: "Mobilappen", Native: true}
	var h *house
	h = newHouse(t, shared, func(set *settings) {
		set.web.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			locales := strings.Fields(r.FormValue("ui_locales"))
			if !h.OfferWay(w, r, native, locales, r.FormValue("to"), r.FormValue("code")) {
				http.Error(w, "not offered", http.StatusTeapot)
			}
		})
	})
	b := h.browser(iPhone)
	const app, claimed = "se.example.app:/cb?code=c&state=%22%3E", "https://app.example/cb?code=c"
	for _, tt := range []struct{ path, to, code, title string }{
		{"/authorize", app, "", "You are already logged in"},
		{"/authorize", claimed, "", "You are already logged in"},
		{"/authorize", app, "invalid_scope", "The login could not start"},
		{"/logout", app, "", "You are logged out"},
	} {
		p := b.get(tt.path + "?" + url.Values{"ui_locales": {"en"}, "to": {tt.to}, "code": {tt.code}}.Encode())
		link := `<a class="button" href="` + strings.ReplaceAll(tt.to, "&", "&amp;") + `">Continue to Mobilappen</a>`
		if p.status != http.StatusOK || !p.has(`lang="en"`, `data-view="way-out"`, ">"+tt.title+"</h1>", link, tt.code) {
			t.Errorf("%s to %s after %q: %d\n%s", tt.path, tt.to, tt.code, p.status, p.body)
		}
		if p.has("?lang=") || p.has("Reference for support") != (tt.code != "") {
			t.Errorf("%s after %q leads elsewhere, too:\n%s", tt.path, tt.code, p.body)
		}
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY", "Content-Encoding": "",
		} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %s is %q", tt.path, name, got)
			}
		}
	}
	for _, to := range []string{"http://127.0.0.1:4711/cb?code=c", "https://localhost/cb?code=c"} {
		if p := b.get("/authorize?to=" + url.QueryEscape(to)); p.status != http.StatusTeapot {
			t.Errorf("the way to %s is offered: %s", to, p.body)
		}
	}
}
