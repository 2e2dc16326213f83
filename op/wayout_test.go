package op

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"brygga/storage"
)

const (
	appCallback = "se.example.app:/callback"
	appBye      = "se.example.app:/bye"
)

// addApp stores a native client that shares sessions with others.
func (h *harness) addApp() {
	h.t.Helper()
	h.add("native", func(c *storage.Client) {
		c.Native, c.SessionGroup = true, "hr"
		c.RedirectURIs, c.PostLogoutRedirectURIs = []string{appCallback, callback}, []string{appBye, callback}
	})
}

// TestWayIntoAnApp: many browsers do not follow a redirect into an app that no press has led to. Where the person has pressed nothing
// in this navigation they get a link to press; where the client forbids pages, or the person has pressed, a redirect it is.
func TestWayIntoAnApp(t *testing.T) {
	h := newHarness(t, nil)
	h.addApp()
	b := h.browser()
	answer := func(pairs ...string) *httptest.ResponseRecorder {
		pairs = append([]string{"ui_locales", "fi sv"}, pairs...)
		return b.get("/authorize", params("native", appCallback, pairs...))
	}
	b.logIn(params("native", callback), person)
	for _, tt := range []struct {
		name     string
		pairs    []string
		link     string // what the link brings, empty for a redirect
		redirect string
	}{
		{"out of the session", nil, "code", ""},
		{"out of the session, where the person may be asked", []string{"prompt", "strange"}, "code", ""},
		{"out of the session, silently", []string{"prompt", "none"}, "", "code"},
		{"to a page of a web site", []string{"redirect_uri", callback}, "", "code"},
		{"refused", []string{"scope", "profile"}, "invalid_scope", ""},
		{"refused, silently", []string{"scope", "profile", "prompt", "none"}, "", "invalid_scope"},
		{"refused before the prompt is checked, silently", []string{"response_type", "token", "prompt", "none"}, "", "unsupported_response_type"},
		{"refused for its prompt", []string{"prompt", "none login"}, "", "invalid_request"},
		{"nobody there, silently", []string{"prompt", "none", "max_age", "0"}, "", "login_required"},
		{"an object that cannot be read", []string{"request", "x.y.z"}, "invalid_request_object", ""},
		{"an object that cannot be read, silently", []string{"request", "x.y.z", "prompt", "none"}, "", "invalid_request_object"},
	} {
		w := answer(tt.pairs...)
		_, link, offered := strings.Cut(w.Body.String(), ": ")
		target := link
		if !offered {
			target = w.Header().Get("Location")
		}
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		got := u.Query().Get("error")
		if u.Query().Get("code") != "" {
			got = "code"
		}
		if offered != (tt.link != "") || got != tt.link+tt.redirect {
			t.Errorf("%s: %d %q, a link: %t", tt.name, w.Code, target, offered)
		}
		if u.Query().Get("iss") != issuer || u.Query().Get("state") != "st å&te" {
			t.Errorf("%s: an answer without iss or state: %s", tt.name, target)
		}
	}
	if w := answer(); !strings.HasPrefix(w.Body.String(), `way for native in [fi sv] after "": `) {
		t.Errorf("the page is told %s", w.Body)
	}
	if w := answer("nonce", strings.Repeat("n", 2000)); !strings.HasPrefix(w.Body.String(), `way for native in [] after "invalid_request": `) {
		t.Errorf("the page is told %s", w.Body)
	}
}

// TestPressLeadsIntoAnApp: the answer to a login that the person has pressed a button for is a redirect, into an app too.
func TestPressLeadsIntoAnApp(t *testing.T) {
	h := newHarness(t, nil)
	h.addApp()
	w := h.answer(h.complete(h.begin(params("native", appCallback)), person))
	if got := w.Header().Get("Location"); !strings.HasPrefix(got, appCallback+"?code=") {
		t.Errorf("answered by %d %q %s", w.Code, got, w.Body)
	}
}

// TestWayIntoAnAppAfterLogOut: so with the way back from a log-out that nobody has been asked about.
func TestWayIntoAnAppAfterLogOut(t *testing.T) {
	h := newHarness(t, nil)
	h.addApp()
	b := h.browser()
	code := b.logIn(params("native", callback, "scope", "openid"), person)
	hint := b.redeem("native", code).IDToken
	out := func(uri string, more ...string) *httptest.ResponseRecorder {
		return b.get("/logout", with(url.Values{"post_logout_redirect_uri": {uri}, "state": {"s"}, "ui_locales": {"fi"}}, more...))
	}
	const want = `way for native in [fi] after "": ` + appBye + "?state=s"
	asked := out(appBye, "client_id", "native")
	_, form, _ := strings.Cut(asked.Body.String(), "?")
	values, err := url.ParseQuery(form)
	if err != nil || values.Get(logoutProofField) == "" {
		t.Fatalf("the person is not asked: %s", asked.Body)
	}
	if w := out(appBye, "id_token_hint", hint); w.Body.String() != want {
		t.Errorf("with a hint: %d %q %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	if w := out(appBye, "client_id", "native"); w.Body.String() != want {
		t.Errorf("where nobody is logged in: %d %q %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	if w := out(callback, "client_id", "native"); w.Header().Get("Location") != callback+"?state=s" {
		t.Errorf("to a web page: %d %q %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	if w := b.visit(formRequest("/logout/confirm", values), b.Handler().ServeHTTP); w.Header().Get("Location") != appBye+"?state=s" {
		t.Errorf("pressed: %d %q %s", w.Code, w.Header().Get("Location"), w.Body)
	}
}
