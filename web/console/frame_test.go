package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"brygga/account"
	"brygga/storage"
)

// TestFormsOfOtherSites: no page of another site, nor of another port of this machine, makes the browser do anything here.
func TestFormsOfOtherSites(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	for _, origin := range []string{"cross-site", "same-site"} {
		b.origin = origin
		s.is(b.post("logout"), http.StatusForbidden, "The form came from another site")
	}
	s.is(b.get(""), http.StatusOK, "Overview")
	b.origin = "same-origin"
	s.is(b.post("logout"), http.StatusOK, "Log in")
}

// TestEveryFormIsOurOwn: no address takes a form of another site, whoever is logged in.
func TestEveryFormIsOurOwn(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	b.origin = "cross-site"
	for _, p := range pages() {
		if pattern, ok := strings.CutPrefix(p.pattern, "POST /"); ok {
			s.is(b.post(filledIn(pattern)), http.StatusForbidden, "The form came from another site")
		}
	}
}

// TestCameFromElsewhere: a link in mail to a page of ours leads there, though the browser leaves out the session's cookie at first; and to the login
// where there is none.
func TestCameFromElsewhere(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.from = "cross-site"
	p := b.get("settings?a=b")
	s.is(p, http.StatusOK, "One moment")
	if got := p.Header.Get("Refresh"); got != "0;url=/admin/settings?a=b" {
		t.Errorf("the page asks for %q", got)
	}
	b.from = "same-origin"
	s.is(b.get("settings"), http.StatusOK, "Log in")
}

// TestReloadedForms: who reloads the address that a form was sent to sees the page that it stands on.
func TestReloadedForms(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	for path, heading := range map[string]string{
		"account/sessions/end": "Your account", "step-up/passkey": "Show that it is you", "search": "Overview", "operators/nobody/person": "There is no such page", "logout": "Overview",
	} {
		if got := b.get(path).heading(); got != heading {
			t.Errorf("%s shows %q, want %q", path, got, heading)
		}
	}
}

// TestLockOut: after some wrong passwords the right one is refused too, for a while, and the operator is told by mail.
func TestLockOut(t *testing.T) {
	s := newSite(t)
	s.operator(storage.RoleOwner)
	s.mails()
	b := s.browser()
	for range 6 {
		b.post("login", "user", "Owner", "password", "wrong")
	}
	s.is(b.post("login", "user", "owner@example.se", "password", password), http.StatusUnprocessableEntity, "Log in")
	if got := s.mails(); len(got) != 1 || got[0].Kind != account.MailLocked {
		t.Errorf("the operator was not told once: %v", got)
	}
	s.now = s.now.Add(2 * time.Minute)
	s.is(b.post("login", "user", "owner", "password", password), http.StatusOK, "Overview")
}

// TestLoginBefore: who logs in is told of the login before.
func TestLoginBefore(t *testing.T) {
	s := newSite(t)
	s.operator(storage.RoleOwner)
	if p := s.browser().post("login", "user", "owner", "password", password); strings.Contains(p.body, "You last logged in") {
		t.Error("a first login tells of one before")
	}
	s.now = s.now.Add(time.Hour)
	if p := s.browser().post("login", "user", "owner", "password", password); !strings.Contains(p.body, "You last logged in 2031-05-17 11:30 by password from 127.0.0.1") {
		t.Errorf("the login before is not told of: %s", p.body)
	}
	b := s.browser()
	b.language = "sv" // the operator's own is English
	if p := b.post("login", "user", "owner", "password", password); !strings.Contains(p.body, "You last logged in 2031-05-17 12:30 by password") {
		t.Errorf("of the login before one is told in another language: %s", p.body)
	}
}

// TestFormsKeepTheLanguage: a form that comes back with its faults is in the operator's own language, as it was.
func TestFormsKeepTheLanguage(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	b.language = "sv" // the operator's own is English
	if got, back := b.get("operators/new").heading(), b.post("operators/new", "user_name", "").heading(); got != back {
		t.Errorf("%q came back as %q", got, back)
	}
}

// TestHeaders: nothing is kept, nothing inline runs, nobody frames us, and cookies come back to our own pages alone.
func TestHeaders(t *testing.T) {
	s := newSite(t)
	s.operator(storage.RoleOwner)
	b := s.browser()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, p := range []shown{b.get("login"), b.get(""), b.get("nothing"), b.post("login", "user", "nobody", "password", "x"), b.post("login", "user", "owner", "password", password)} {
		h := p.Header
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", p.Request.URL.Path, h)
		}
		if policy := h.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "form-action 'self'") {
			t.Errorf("%s: policy %q", p.Request.URL.Path, policy)
		}
		for _, bad := range []string{" style=", "<style", " onclick=", "javascript:"} {
			if strings.Contains(p.body, bad) {
				t.Errorf("%s: has %q", p.Request.URL.Path, bad)
			}
		}
		for _, c := range p.Cookies() {
			if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Domain != "" || c.Path != "/" {
				t.Errorf("%s: cookie %v", p.Request.URL.Path, c)
			}
		}
	}
}

// TestSecureCookies: under https, cookies are sent by https alone, and no other host can set them.
func TestSecureCookies(t *testing.T) {
	c := &Console{secure: true}
	if got := c.cookieName(cookieSession); got != "__Host-brygga-console" {
		t.Errorf("the cookie is called %q", got)
	}
}

// TestLogIn: whoever logs in gets a new session, is led to where it wanted to go, and logs out again.
func TestLogIn(t *testing.T) {
	s := newSite(t)
	s.operator(storage.RoleOwner)
	b := s.browser()
	b.setCookie("brygga-console", "planted")
	s.is(b.get("settings"), http.StatusOK, "Log in")
	p := b.post("login", "user", "OWNER@example.se", "password", "mistyped", "next", "/admin/settings")
	s.is(p, http.StatusUnprocessableEntity, "Log in")
	if !strings.Contains(p.body, `value="OWNER@example.se"`) || strings.Contains(p.body, "mistyped") || !strings.Contains(p.body, "autofocus") {
		t.Errorf("the form does not show what was typed, or the password: %s", p.body)
	}
	s.is(b.post("login", "user", "OWNER@example.se", "password", password, "next", "/admin/settings"), http.StatusOK, "Settings")
	first := b.cookie("brygga-console")
	if first == "planted" || first == "" {
		t.Errorf("the session is %q, which stood there before the login", first)
	}
	s.is(b.post("login", "user", "owner", "password", password), http.StatusOK, "Overview")
	if b.cookie("brygga-console") == first {
		t.Error("another login has not made another session")
	}
	old := s.browser()
	old.setCookie("brygga-console", first)
	s.is(old.get(""), http.StatusOK, "Log in")
	s.is(b.post("logout"), http.StatusOK, "Log in")
	s.is(b.get(""), http.StatusOK, "Log in")
}

// TestRefusedAlike: nobody learns from the answer who has an account.
func TestRefusedAlike(t *testing.T) {
	s := newSite(t)
	s.operator(storage.RoleOwner)
	known := s.browser().post("login", "user", "owner", "password", "wrong")
	unknown := s.browser().post("login", "user", "nobody", "password", "wrong")
	if got := strings.ReplaceAll(known.body, `value="owner"`, `value="nobody"`); got != unknown.body || known.StatusCode != unknown.StatusCode {
		t.Errorf("the answers differ: %s, %s", known.body, unknown.body)
	}
}

// TestNextIsOurs: a link to us leads nowhere else.
func TestNextIsOurs(t *testing.T) {
	for _, address := range []string{
		"https://evil.example/admin/", "//evil.example/admin/", "/\\evil.example", "/admin/\\..", "javascript:alert(1)", "/elsewhere", "", "admin/", "/admin/\r\nSet-Cookie: a=b",
	} {
		if got := ours(address); got != Path {
			t.Errorf("%q leads to %q", address, got)
		}
	}
	if got := ours("/admin/clients?q=a"); got != "/admin/clients?q=a" {
		t.Errorf("our own address leads to %q", got)
	}
}

// TestFormWithoutSession: a form that comes too late does nothing and says so, without losing what was typed.
func TestFormWithoutSession(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	s.now = s.now.Add(13 * time.Hour)
	s.is(b.post("search", "q", "app"), http.StatusForbidden, "You are no longer logged in")
}

// TestStepUp: what is dangerous asks for a proof, which leads back with what was filled in.
func TestStepUp(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	s.now = s.now.Add(11 * time.Minute)
	before := b.cookie("brygga-console")
	s.is(b.post("step-up", "password", "wrong", "next", "/admin/settings"), http.StatusUnprocessableEntity, "Show that it is you")
	s.is(b.post("step-up", "password", password, "next", "/admin/settings"), http.StatusOK, "Settings")
	if b.cookie("brygga-console") == before {
		t.Error("the session goes on under the same cookie")
	}
	kept := url.Values{"name": {"a & b"}, "again": {"x"}}
	p := b.post("step-up", "password", password, "next", "/admin/search", "again", kept.Encode())
	s.is(p, http.StatusOK, "Thank you, it is you")
	for _, want := range []string{`action="/admin/search"`, `name="name" value="a &amp; b"`, `name="again" value="x"`} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page to go on has no %s: %s", want, p.body)
		}
	}
}

// TestNoSecretWaitsForAProof: a form that is kept until the operator has proven who it is stands in a page; passwords and personal numbers do not.
func TestNoSecretWaitsForAProof(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	s.now = s.now.Add(storage.StepUpLife + time.Second)
	for path, sent := range map[string][]string{
		"account/password":        {"before", "secret-1", "password", "secret-2", "again", "secret-2"},
		"operators/nobody/person": {"personal_number", "198001012387"},
		"account/app/confirm":     {"code", "123456"},
		"account/passkeys":        {"label", "key", "response", "{}"},
	} {
		p := b.post(path, sent...)
		s.is(p, http.StatusOK, "Show that it is you")
		for i := 1; i < len(sent); i += 2 {
			if strings.Contains(p.body, sent[i]+"\"") || strings.Contains(p.body, sent[i]+"&") {
				t.Errorf("%s: the page holds %q", path, sent[i])
			}
		}
	}
	if p := b.post("operators/new", "name", "Åsa Öberg"); !strings.Contains(p.body, "name=%C3%85sa") {
		t.Errorf("a form without secrets is not kept: %s", p.body)
	}
}

// TestMessageIsShownOnce: what was done is said on the next page, and of cookies nothing but our own texts is shown.
func TestMessageIsShownOnce(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	p := b.post("logout")
	if !strings.Contains(p.body, "You are logged out.") {
		t.Errorf("the page does not say it: %s", p.body)
	}
	if strings.Contains(b.get("login").body, "You are logged out.") {
		t.Error("it is said twice")
	}
	b.setCookie("brygga-console-flash", "WyJjbGljayBldmlsLmV4YW1wbGUiXQ") // ["click evil.example"]
	if strings.Contains(b.get("login").body, "evil.example") {
		t.Error("a text of another is shown")
	}
}

// TestOwnLanguage: an operator's choice is kept in the account, and counts in every browser; one for a browser alone gives way to it.
func TestOwnLanguage(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleHelpdesk)
	s.is(b.get("language?tag=en&next=/admin/account"), http.StatusOK, "Your account")
	s.is(b.post("account/language", "language", "fi"), http.StatusUnprocessableEntity, "Your account")
	p := b.post("account/language", "language", "sv")
	s.is(p, http.StatusOK, "Ditt konto")
	if !strings.Contains(p.body, "Språket är sparat.") {
		t.Errorf("nothing says that it was done: %s", p.body)
	}
	other := s.browser() // which asks for English
	s.is(other.post("login", "user", "helpdesk", "password", password), http.StatusOK, "Översikt")
}

// TestLanguages: pages are in the browser's language, the operator's own, or the one that was chosen.
func TestLanguages(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	s.is(b.get("login"), http.StatusOK, "Log in")
	s.is(b.get("language?tag=sv&next=/admin/login"), http.StatusOK, "Logga in")
	s.is(b.get("language?tag=xx&next=https://evil.example/"), http.StatusOK, "Logga in")
	if p := b.get("login"); !strings.Contains(p.body, `<html lang="sv"`) || p.Header.Get("Content-Language") != "sv" {
		t.Error("the page does not say its language")
	}
}
