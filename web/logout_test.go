package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"brygga/storage"
)

// loggingOut is a house whose provider asks at /logout and says good-bye at /logout/confirm.
func loggingOut(t *testing.T) *house {
	var h *house
	h = newHouse(t, shared, func(set *settings) {
		set.web.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var client *storage.Client
			if id := r.FormValue("client_id"); id != "" {
				client, _ = h.store.Client(r.Context(), id)
			}
			locales := strings.Fields(r.FormValue("ui_locales"))
			switch r.URL.Path {
			case "/logout":
				h.AskLogOut(w, r, client, locales, r.FormValue("refused"), "/logout/confirm", url.Values{"state": {`"><script>`}, "session": {"proof"}})
			case "/logout/confirm":
				h.ShowLoggedOut(w, r, client, locales, r.FormValue("refused"))
			default:
				t.Errorf("the provider got %s", r.URL.Path)
			}
		})
	})
	return h
}

// The question is a plain form, in the language that the client asks for unless the person has chosen another.
func TestAskLogOut(t *testing.T) {
	t.Parallel()
	b := loggingOut(t).browser(windowsPC)
	b.header.Set("Accept-Language", "sv")
	ask := b.get("/logout?client_id=app&ui_locales=fi+en")
	if ask.status != http.StatusOK || !ask.has(`lang="en"`, "Do you want to log out? – The App", `<form method="post" action="/logout/confirm">`,
		`name="session" value="proof"`, `name="state" value="&#34;&gt;&lt;script&gt;"`, `href="https://app.example/"`) {
		t.Errorf("%d %s", ask.status, ask.body)
	}
	policy := ask.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "form-action") || ask.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", ask.header) // the form's answer may lead to the client
	}
	if got := ask.header.Get("Cross-Origin-Opener-Policy"); got != "same-origin" {
		t.Errorf("the page that opened it has a hold on it: %q", got)
	}
	if alone := b.get("/logout"); !alone.has(`lang="sv"`, "Vill du logga ut?", "Vill du vara kvar? Stäng sidan.") || alone.has("The App") {
		t.Errorf("without a client: %s", alone.body)
	}
	b.header.Set("Cookie", "brygga-lang=sv")
	if chosen := b.get("/logout?client_id=app&ui_locales=en"); !chosen.has(`lang="sv"`, "Vill du logga ut? – Appen") {
		t.Errorf("the person's own language: %s", chosen.body)
	}
}

func TestShowLoggedOut(t *testing.T) {
	t.Parallel()
	b := loggingOut(t).browser(windowsPC)
	out := b.post("/logout/confirm", "client_id", "app", "ui_locales", "en")
	if out.status != http.StatusOK || !out.has(`lang="en"`, "You are logged out", `href="https://app.example/"`) ||
		!strings.Contains(out.header.Get("Content-Security-Policy"), "form-action 'none'") {
		t.Errorf("%d %v %s", out.status, out.header, out.body)
	}
	if alone := b.get("/logout/confirm"); !alone.has("Du är utloggad") || alone.has("app.example") {
		t.Errorf("without a client: %s", alone.body)
	}
}

// Who cannot be sent back is told so, and the developer of the app why; a logout that cannot be read is not called a login.
func TestLogOutAstray(t *testing.T) {
	t.Parallel()
	b := loggingOut(t).browser(windowsPC)
	const why = "post_logout_redirect_uri is not one that the client has registered"
	if ask := b.get("/logout?client_id=app&ui_locales=en&refused=" + url.QueryEscape(why)); ask.status != http.StatusOK || !ask.has("You stay here afterwards", `lang="en">`+why, `<form method="post" action="/logout/confirm">`) {
		t.Errorf("asked: %d %s", ask.status, ask.body)
	}
	if out := b.post("/logout/confirm", "ui_locales", "sv", "refused", why); !out.has("Du är utloggad", "Du stannar här", why) {
		t.Errorf("logged out: %s", out.body)
	}
	h := newHouse(t, shared, nil)
	for path, title := range map[string]string{"/logout": "You could not be logged out", "/logout/confirm": "You could not be logged out", "/authorize": "The login could not start"} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept-Language", "en")
		if h.ShowError(w, r, http.StatusBadRequest, "invalid_request", "the parameters cannot be read", nil); !strings.Contains(strings.ReplaceAll(w.Body.String(), "\u00ad", ""), "<h1 tabindex=\"-1\">"+title) {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
}
