package op

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"brygga/storage"
)

// question takes the page apart that asks whether to log out.
func (b *tab) question(w *httptest.ResponseRecorder) (page string, fields url.Values) {
	b.t.Helper()
	page, query, ok := strings.Cut(html.UnescapeString(w.Body.String()), pathLogoutConfirm+"?")
	fields, err := url.ParseQuery(query)
	if w.Code != http.StatusOK || !ok || err != nil || fields.Get(logoutProofField) == "" {
		b.t.Fatalf("no question: %d %s", w.Code, w.Body)
	}
	return page, fields
}

func TestLogoutAsks(t *testing.T) {
	for name, tc := range map[string]struct {
		values   url.Values
		page     string
		location string
		leaves   string // the client whose session stays
	}{
		"nothing said": {url.Values{"ui_locales": {"en sv"}}, "ask for nobody in [en sv]: ", "", ""},
		"client": {
			url.Values{"client_id": {"hr-b"}, "post_logout_redirect_uri": {bye}, "state": {"a b"}, "ui_locales": {"en"}},
			"ask for hr-b in [en]: ", bye + "?state=a+b", "pay",
		},
		"client's own language": {url.Values{"client_id": {"pay"}}, "ask for pay in [fi]: ", "", "hr-a"},
	} {
		b := newHarness(t, nil).newTab(func(c *storage.Client) {
			if c.ID == "pay" {
				c.DefaultLocale = "fi"
			}
		})
		a, pay := b.logIn("hr-a"), b.logIn("pay")
		page, fields := b.question(b.afterBounce(b.post("/logout", tc.values)))
		if page != tc.page || !b.alive(t, a.AccessToken) || !b.signedIn("hr-a") || !b.signedIn("pay") {
			t.Errorf("%s: %q; something ended unasked", name, page)
		}
		w := b.post(pathLogoutConfirm, fields, "Origin", issuer)
		if tc.location != "" && (w.Code != http.StatusSeeOther || w.Header().Get("Location") != tc.location) ||
			tc.location == "" && !strings.HasPrefix(w.Body.String(), "logged out") {
			t.Errorf("%s: confirmed: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
		for _, id := range []string{"hr-a", "pay"} {
			if b.signedIn(id) != (id == tc.leaves) {
				t.Errorf("%s: %s is signed in: %t", name, id, b.signedIn(id))
			}
		}
		if len(b.cookies) != len(strings.Fields(tc.leaves)) || b.alive(t, a.AccessToken) != (tc.leaves == "hr-a") || b.alive(t, pay.AccessToken) != (tc.leaves == "pay") {
			t.Errorf("%s: cookies %v", name, b.cookies)
		}
		// The answer to a form that was sent twice, or reloaded.
		if again := b.post(pathLogoutConfirm, fields, "Origin", issuer); tc.leaves == "" && !strings.HasPrefix(again.Body.String(), "logged out") {
			t.Errorf("%s: again: %d %s", name, again.Code, again.Body)
		}
	}
}

// A client whose group has no session in this browser has nothing to ask about.
func TestLogoutAsksOnlyWhatEnds(t *testing.T) {
	b := newHarness(t, nil).newTab(nil)
	b.logIn("hr-a")
	for _, id := range []string{"pay", "web"} {
		if w := b.get("/logout", url.Values{"client_id": {id}}); w.Body.String() != "logged out of "+id || !b.signedIn("hr-a") {
			t.Errorf("%s: %s", id, w.Body)
		}
	}
	b.cookies["session-pay"] = b.cookies["session-hr"] // moved to another group's name
	if w := b.get("/logout", url.Values{"client_id": {"pay"}}); w.Body.String() != "logged out of pay" {
		t.Errorf("a moved cookie: %s", w.Body)
	}
	delete(b.cookies, "session-pay")
	b.move(2 * time.Hour)
	if w := b.get("/logout", nil); w.Body.String() != "logged out" {
		t.Errorf("a session that is over: %s", w.Body)
	}
}

func TestLogoutConfirmIsOurOwnForm(t *testing.T) {
	b := newHarness(t, nil).newTab(nil)
	answer := b.logIn("hr-a")
	_, fields := b.question(b.get("/logout", url.Values{"client_id": {"hr-a"}, "post_logout_redirect_uri": {bye}}))
	stranger := b.openTab()
	stranger.logIn("hr-a")
	_, foreign := stranger.question(stranger.get("/logout", nil))
	for name, tc := range map[string]struct {
		header, value string
		change        func(url.Values)
		status        int
		page          string
	}{
		"another site's":        {"Sec-Fetch-Site", "cross-site", nil, 403, "page: invalid_request"},
		"another host's":        {"Sec-Fetch-Site", "same-site", nil, 403, "page: invalid_request"},
		"old browser":           {"Origin", "https://evil.example", nil, 403, "page: invalid_request"},
		"no origin":             {"Origin", "null", nil, 403, "page: invalid_request"},
		"no proof":              {"Origin", issuer, func(v url.Values) { v.Del(logoutProofField) }, 200, "ask for hr-a"},
		"false proof":           {"Origin", issuer, func(v url.Values) { v.Set(logoutProofField, strings.Repeat("A", 43)) }, 200, "ask for hr-a"},
		"another browser's":     {"Origin", issuer, func(v url.Values) { v.Set(logoutProofField, foreign.Get(logoutProofField)) }, 200, "ask for hr-a"},
		"no origin at all":      {"X", "y", func(v url.Values) { v.Del(logoutProofField) }, 200, "ask for hr-a"},
		"unregistered URI":      {"Origin", issuer, func(v url.Values) { v.Set("post_logout_redirect_uri", "https://evil.example/") }, 200, "refused: post_logout_redirect_uri is not one that the client has registered; ask for hr-a"},
		"URI without client":    {"Origin", issuer, func(v url.Values) { v.Del("client_id") }, 200, "refused: post_logout_redirect_uri needs client_id"},
		"unknown client":        {"Origin", issuer, func(v url.Values) { v.Set("client_id", "nobody") }, 200, "refused: no client is registered"},
		"two states":            {"Origin", issuer, func(v url.Values) { v["state"] = []string{"a", "b"} }, 400, "page: invalid_request"},
		"an ID token for proof": {"Origin", issuer, func(v url.Values) { v.Del(logoutProofField); v.Set("id_token_hint", answer.IDToken) }, 200, "ask for hr-a"},
	} {
		values := url.Values{}
		for name, value := range fields {
			values[name] = value
		}
		if tc.change != nil {
			tc.change(values)
		}
		w := b.post(pathLogoutConfirm, values, tc.header, tc.value)
		if w.Code != tc.status || !strings.HasPrefix(w.Body.String(), tc.page) || w.Header().Get("Location") != "" || !b.signedIn("hr-a") || !b.alive(t, answer.AccessToken) {
			t.Errorf("%s: %d %v %s; signed in %t", name, w.Code, w.Header(), w.Body, b.signedIn("hr-a"))
		}
	}
	if w := b.get(pathLogoutConfirm, fields); w.Header().Get("Location") != pathLogout || !b.signedIn("hr-a") {
		t.Errorf("GET: %d %v", w.Code, w.Header())
	}
	if w := b.openTab().post(pathLogoutConfirm, fields, "Origin", issuer); w.Header().Get("Location") != bye || !b.signedIn("hr-a") {
		t.Errorf("a browser without a session: %d %v", w.Code, w.Header())
	}
	if w := b.post(pathLogoutConfirm, fields, "Sec-Fetch-Site", "same-origin"); w.Header().Get("Location") != bye || b.signedIn("hr-a") {
		t.Errorf("our own form: %d %v", w.Code, w.Header())
	}
}

// counting counts the looks at sessions.
type counting struct {
	Store
	looks atomic.Int64
}

func (c *counting) Session(ctx context.Context, hash [32]byte, now time.Time) (*storage.Session, error) {
	c.looks.Add(1)
	return c.Store.Session(ctx, hash, now)
}

// A browser that brings hundreds of cookies costs no more than one with a few.
func TestLogoutLooksAtFewCookies(t *testing.T) {
	store := new(counting)
	b := newHarness(t, func(o *Options) { store.Store, o.Store = o.Store, store }).openTab()
	for i := range 300 {
		b.cookies[fmt.Sprintf("session-g%d", i)] = strings.Repeat("a", 43)
	}
	if w := b.get("/logout", nil); w.Code != http.StatusOK || store.looks.Load() != maxGroups {
		t.Errorf("%d; %d looks into the store", w.Code, store.looks.Load())
	}
}

// A fault of the store ends in a page, tells nothing, and leaves the browser its cookie to try again with.
func TestLogoutFaults(t *testing.T) {
	store := new(marked)
	b := newHarness(t, func(o *Options) { store.Store, o.Store = o.Store, store }).newTab(nil)
	answer := b.logIn("hr-a")
	_, fields := b.question(b.get("/logout", nil))
	for name, do := range map[string]func() *httptest.ResponseRecorder{
		"Session": func() *httptest.ResponseRecorder { return b.get("/logout", nil) },
		"Session ": func() *httptest.ResponseRecorder {
			return b.get("/logout", url.Values{"id_token_hint": {answer.IDToken}})
		},
		"Session  ":  func() *httptest.ResponseRecorder { return b.post(pathLogoutConfirm, fields, "Origin", issuer) },
		"EndSession": func() *httptest.ResponseRecorder { return b.post(pathLogoutConfirm, fields, "Origin", issuer) },
		"EndSessionID": func() *httptest.ResponseRecorder {
			return b.get("/logout", url.Values{"id_token_hint": {answer.IDToken}})
		},
	} {
		store.fails = strings.TrimSpace(name)
		w := do()
		store.fails = ""
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), mark) || b.cookies["session-hr"] == "" || !b.signedIn("hr-a") {
			t.Errorf("%q fails: %d %s", name, w.Code, w.Body)
		}
	}
}
