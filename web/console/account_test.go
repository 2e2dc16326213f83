package console

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"brygga/account"
	"brygga/storage"
)

// mails returns the messages that wait, newest last, and takes them out.
func (s *site) mails() []storage.Mail {
	s.Helper()
	all, err := s.store.ClaimMail(s.Context(), s.now, 100, func(int) time.Duration { return time.Hour })
	s.ok(err)
	for _, m := range all {
		s.ok(s.store.DropMail(s.Context(), m.ID))
	}
	return all
}

// linkIn returns what stands behind /admin/ in the link of the only mail of that kind.
func (s *site) linkIn(kind string) string {
	s.Helper()
	for _, m := range s.mails() {
		if m.Kind == kind {
			_, path, _ := strings.Cut(m.Values["link"].Reveal(), "/admin/")
			return path
		}
	}
	s.Fatalf("no mail of the kind %s", kind)
	return ""
}

// TestInvitation: from the form to a login. A GET of the link changes nothing, the form keeps what was typed, and the link works once.
func TestInvitation(t *testing.T) {
	s := newSite(t)
	owner := s.as(storage.RoleOwner)
	s.mails()
	p := owner.post("operators/new", "user_name", "b", "email", "bo", "name", "Bo <b>", "language", "en", "groups", "schools")
	s.is(p, http.StatusUnprocessableEntity, "Invite")
	for _, want := range []string{"3 things need to be put right", `value="bo"`, `value="Bo &lt;b&gt;"`, `value="schools"`, `href="#field-roles"`, `id="fault-email"`} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the form that was refused has no %s", want)
		}
	}
	s.is(owner.post("operators/new", "user_name", "bo", "email", "bo@example.se", "name", "Bo", "language", "en", "roles", "admin", "groups", "schools, health"), http.StatusOK, "Bo")
	link := s.linkIn(account.MailInvite)
	b := s.browser()
	for range 3 {
		s.is(b.get(link), http.StatusOK, "Accept the invitation")
	}
	path, token := "account/invite", tokenOf("/"+link).Reveal()
	s.is(b.post(path, "token", token, "password", "short", "again", "short"), http.StatusUnprocessableEntity, "Accept the invitation")
	s.is(b.post(path, "token", token, "password", password, "again", "other"), http.StatusUnprocessableEntity, "Accept the invitation")
	s.is(b.post(path, "token", token, "password", password, "again", password), http.StatusOK, "Log in")
	s.is(b.post(path, "token", token, "password", password, "again", password), http.StatusGone, "The link does not work")
	s.is(b.get(link), http.StatusGone, "The link does not work")
	p = b.post("login", "user", "bo", "password", password)
	s.is(p, http.StatusOK, "Overview")
	if strings.Contains(b.get("settings").body, "operators") {
		t.Error("an admin is offered the people")
	}
}

// TestForgotten: the link for another password is sent to a confirmed address, and the answer is the same for nobody.
func TestForgotten(t *testing.T) {
	s := newSite(t)
	o := s.operator(storage.RoleOwner)
	known, unknown := s.browser().post("forgotten", "user", "owner"), s.browser().post("forgotten", "user", "nobody")
	if known.body != unknown.body || known.StatusCode != http.StatusOK {
		t.Errorf("the answers differ, or are none: %d", known.StatusCode)
	}
	if got := s.mails(); len(got) != 0 {
		t.Errorf("mail was sent to an address that is not confirmed: %v", got[0].Kind)
	}
	b := s.logIn(storage.RoleOwner)
	b.post("account/send-confirmation")
	link := s.linkIn(account.MailConfirm)
	s.is(b.get(link), http.StatusOK, "Confirm the address")
	if o, _ = s.store.Operator(t.Context(), o.ID); !o.EmailConfirmed.IsZero() {
		t.Fatal("a GET has confirmed the address")
	}
	s.is(b.post("account/confirm", "token", tokenOf("/"+link).Reveal()), http.StatusOK, "Your account")
	s.browser().post("forgotten", "user", "Owner@Example.se")
	link = s.linkIn(account.MailReset)
	token := tokenOf("/" + link).Reveal()
	stranger := s.browser()
	s.is(stranger.get(link), http.StatusOK, "Choose another password")
	s.is(stranger.post("account/reset", "token", token, "password", "fyra laxar i lådan", "again", "fyra laxar i lådan"), http.StatusOK, "Log in")
	s.is(b.get(""), http.StatusOK, "Log in")
	s.is(stranger.post("login", "user", "owner", "password", password), http.StatusUnprocessableEntity, "Log in")
	s.is(stranger.post("login", "user", "owner", "password", "fyra laxar i lådan"), http.StatusOK, "Overview")
	s.mails()
	s.now = s.now.Add(time.Hour) // as not much mail is sent to an account in a short time
	s.browser().post("forgotten/name", "email", "owner@example.se")
	if got := s.mails(); len(got) != 1 || got[0].Kind != account.MailUserName {
		t.Errorf("the user name was not sent: %v", got)
	}
}

// TestSessions: each can be ended by itself, all others, or all.
func TestSessions(t *testing.T) {
	s := newSite(t)
	s.operator(storage.RoleOwner)
	one, two, three := s.logIn(storage.RoleOwner), s.logIn(storage.RoleOwner), s.logIn(storage.RoleOwner)
	ids := regexp.MustCompile(`name="id" value="([^"]+)"`).FindAllStringSubmatch(one.get("account").body, -1)
	if len(ids) != 2 {
		t.Fatalf("%d other sessions are shown, want 2", len(ids))
	}
	s.is(one.post("account/sessions/end", "id", ids[0][1]), http.StatusOK, "Your account")
	s.is(two.get("account"), http.StatusOK, "Log in")
	s.is(three.get("account"), http.StatusOK, "Your account")
	s.is(one.post("account/sessions/end-others"), http.StatusOK, "Your account")
	s.is(three.get("account"), http.StatusOK, "Log in")
	s.is(one.post("account/sessions/end-all"), http.StatusOK, "Log in")
	s.is(one.get(""), http.StatusOK, "Log in")
}

// byPassword is a browser in which the owner is logged in by password.
func (s *site) byPassword() *browser {
	s.Helper()
	s.operator(storage.RoleOwner)
	b := s.browser()
	s.is(b.post("login", "user", "owner", "password", password), http.StatusOK, "Overview")
	return b
}

var keyShown = regexp.MustCompile(`<code class="whole">([^<]+)</code>`)

// TestAuthenticatorApp: a wrong code asks for another of the same secret; from the right one on, a password alone logs nobody in, and a recovery code does once.
func TestAuthenticatorApp(t *testing.T) {
	s := newSite(t)
	b := s.byPassword()
	p := b.post("account/app")
	key := keyShown.FindStringSubmatch(p.body)
	if key == nil || !strings.Contains(p.body, "<svg class=\"qr\"") {
		t.Fatalf("no key is shown: %s", p.body)
	}
	p = b.post("account/app/confirm", "code", "000000")
	if again := keyShown.FindStringSubmatch(p.body); p.StatusCode != http.StatusUnprocessableEntity || again == nil || again[1] != key[1] {
		t.Errorf("a wrong code is answered with %d and the key %v, want %s", p.StatusCode, again, key[1])
	}
	p = b.post("account/app/confirm", "code", codeAt(t, strings.ReplaceAll(key[1], " ", ""), s.now))
	s.is(p, http.StatusOK, "Your recovery codes")
	codes := regexp.MustCompile(`<li><code>([^<]+)</code>`).FindAllStringSubmatch(p.body, -1)
	if len(codes) != 10 {
		t.Fatalf("%d recovery codes, want 10", len(codes))
	}
	c := s.browser()
	s.is(c.post("login", "user", "owner", "password", password, "next", "/admin/settings"), http.StatusOK, "Enter the code")
	s.is(c.get("settings"), http.StatusOK, "Log in")
	s.is(c.post("login/code", "code", "000000"), http.StatusUnprocessableEntity, "Enter the code")
	before := c.cookie("brygga-console")
	s.is(c.post("login/code", "code", html.UnescapeString(codes[0][1]), "next", "/admin/settings"), http.StatusOK, "Settings")
	if c.cookie("brygga-console") == before {
		t.Error("the session goes on under the cookie of half a login")
	}
	d := s.browser()
	d.post("login", "user", "owner", "password", password)
	s.is(d.post("login/code", "code", codes[0][1]), http.StatusUnprocessableEntity, "Enter the code")
	s.is(d.post("login/code", "code", codes[1][1]), http.StatusOK, "Overview")
	s.is(d.post("account/app/remove"), http.StatusOK, "Your account")
}

// TestChangePassword: it asks for the present one, ends the other sessions, and goes on under another cookie.
func TestChangePassword(t *testing.T) {
	s := newSite(t)
	b := s.byPassword()
	other := s.logIn(storage.RoleOwner)
	const next = "fyra laxar i lådan"
	s.is(b.post("account/password", "before", "wrong", "password", next, "again", next), http.StatusUnprocessableEntity, "Change the password")
	before := b.cookie("brygga-console")
	s.is(b.post("account/password", "before", password, "password", next, "again", next), http.StatusOK, "Your account")
	if b.cookie("brygga-console") == before {
		t.Error("the session goes on under the same cookie")
	}
	s.is(other.get(""), http.StatusOK, "Log in")
}

// TestBankIDChangesNoCredential: in a session by BankID, each page on what one logs in by asks for another proof, whatever is sent there.
func TestBankIDChangesNoCredential(t *testing.T) {
	s := newSite(t)
	o := s.operator(storage.RoleOwner)
	b := s.logIn(storage.RoleOwner)
	n := 0
	for _, p := range pages() {
		if !p.own {
			continue
		}
		n++
		method, pattern, _ := strings.Cut(p.pattern, " ")
		s.is(b.do(method, strings.TrimPrefix(pattern, "/"), map[string][]string{
			"before": {password}, "password": {"fyra laxar i lådan"}, "again": {"fyra laxar i lådan"}, "email": {"new@example.se"}, "label": {"key"},
		}), http.StatusOK, "Show that it is you")
	}
	if n < 8 {
		t.Errorf("only %d pages change what one logs in by", n)
	}
	after, err := s.store.Operator(t.Context(), o.ID)
	s.ok(err)
	if !after.PasswordHash.Equal(o.PasswordHash) || len(after.Links) > 0 || !after.TOTP.Secret.IsZero() || len(after.Passkeys) > 0 {
		t.Error("a login by BankID has changed what is logged in by")
	}
}

// TestOperators: rights change, the last owner stays, a personal number is never shown, and who is removed is logged out.
func TestOperators(t *testing.T) {
	s := newSite(t)
	owner := s.as(storage.RoleOwner)
	admin := s.operator(storage.RoleAdmin)
	there := s.logIn(storage.RoleAdmin)
	me, err := s.accounts.Find(t.Context(), "owner")
	s.ok(err)
	p := owner.post("operators/"+me.ID, "roles", "auditor", "language", "en", "revision", revisionOf(me))
	s.is(p, http.StatusUnprocessableEntity, "Kim owner")
	s.is(owner.post("operators/"+me.ID+"/remove"), http.StatusConflict, "It cannot be removed")
	if o, _ := s.accounts.Find(t.Context(), admin.ID); o != nil {
		admin = o
	}
	s.is(owner.post("operators/"+admin.ID, "name", "Al", "roles", "helpdesk", "groups", "schools", "language", "sv", "revision", revisionOf(admin)), http.StatusOK, "Al")
	p = owner.post("operators/"+admin.ID, "name", "Bo", "roles", "auditor", "language", "sv", "revision", revisionOf(admin))
	s.is(p, http.StatusConflict, "Al")
	for _, want := range []string{"name “Al”, help desk for schools, Svenska", `value="Bo"`, `value="auditor" checked`} {
		if !strings.Contains(p.body, want) {
			t.Errorf("not both versions are shown: no %s", want)
		}
	}
	admin, err = s.accounts.Find(t.Context(), admin.ID)
	s.ok(err)
	p = owner.post("operators/"+admin.ID+"/person", "personal_number", "19800101", "revision", revisionOf(admin))
	s.is(p, http.StatusUnprocessableEntity, "Al")
	if strings.Contains(p.body, "19800101") {
		t.Error("a personal number is shown again")
	}
	p = owner.post("operators/"+admin.ID+"/person", "personal_number", personalNumbers[storage.RoleOwner], "revision", revisionOf(admin))
	s.is(p, http.StatusUnprocessableEntity, "Al")
	s.is(owner.get("operators/"+admin.ID+"/remove"), http.StatusOK, "Remove Al?")
	s.is(owner.post("operators/"+admin.ID+"/remove"), http.StatusOK, "People")
	s.is(there.get(""), http.StatusOK, "Log in")
	s.is(owner.get("operators/"+admin.ID), http.StatusNotFound, "There is no such page")
}
