package console

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/admin"
	"brygga/storage"
)

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)

// carriedOn are the hidden fields of a page, name and value in turn.
func (p shown) carriedOn() (pairs []string) {
	for _, found := range hiddenField.FindAllStringSubmatch(p.body, -1) {
		pairs = append(pairs, found[1], found[2])
	}
	return pairs
}

// says fails unless the page has all of the texts.
func (s *site) says(p shown, texts ...string) {
	s.Helper()
	for _, text := range texts {
		if !strings.Contains(p.body, text) {
			s.Errorf("%s has no %q: %s", p.Request.URL.Path, text, p.body)
		}
	}
}

// TestNewClient: three steps and a summary lead to a client, and until the last press nothing is stored.
func TestNewClient(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleAdmin)
	p := b.post("clients/+new", "step", "what", "preset", "web", "name", "Åsas journal", "app", "journal.example.se", "go", "on")
	s.is(p, http.StatusOK, "New app")
	s.says(p, "https://journal.example.se/callback", `aria-current="step">2.`)

	wild := append(p.carriedOn(), "redirect_uris", "https://journal.example.se/callback\njavascript:alert(1)", "auth_method", "client_secret", "go", "on")
	p = b.post("clients/+new", wild...)
	s.is(p, http.StatusUnprocessableEntity, "New app")
	s.says(p, "is a script", `href="#field-redirect_uris"`, "javascript:alert(1)", "One thing needs to be put right", "autofocus")

	p = b.post("clients/+new", append(p.carriedOn(), "redirect_uris", "https://journal.example.se/callback", "auth_method", "client_secret", "go", "on")...)
	s.says(p, `aria-current="step">3.`)
	p = b.post("clients/+new", append(p.carriedOn(), "scopes", "profile", "policy.minimum_age", "18", "go", "on")...)
	s.says(p, "Nothing is stored yet", "brygga client add asas-journal", "--personal-number=false")
	if _, err := s.store.Client(t.Context(), "asas-journal"); err == nil {
		t.Error("it is stored before it was pressed")
	}
	p = b.post("clients/+new", append(p.carriedOn(), "go", "on")...)
	s.is(p, http.StatusOK, "Åsas journal")
	s.says(p, "The secret is shown now alone", "I have saved it", "CLIENT_ID=asas-journal")
	c, err := s.store.Client(t.Context(), "asas-journal")
	s.ok(err)
	if c.PersonalNumber || c.Policy.MinimumAge != 18 || !c.RequirePKCE || len(c.Secrets) != 1 || c.RedirectURIs[0] != "https://journal.example.se/callback" {
		t.Errorf("the client is %+v", c)
	}
	secret := regexp.MustCompile(`readonly value="([^"]+)"`).FindStringSubmatch(p.body)[1]
	for _, path := range []string{"clients/asas-journal", "clients/asas-journal/secrets", "clients/asas-journal/connection", "clients/asas-journal/history"} {
		if strings.Contains(b.get(path).body, secret) {
			t.Errorf("%s shows the secret again", path)
		}
	}
	s.is(b.post("clients/+new", append(p.carriedOn(), "step", "what", "preset", "web", "name", "x", "id", "asas-journal", "app", "https://x.example.se", "go", "on")...), http.StatusUnprocessableEntity, "New app")
}

// TestNewMachine: a machine is asked for scopes of the API and for no address, gets a line that fetches a token, and is offered to those alone who may
// make a key for the API.
func TestNewMachine(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	s.says(b.get("clients/+new"), `value="machine"`)
	p := b.post("clients/+new", "step", "what", "preset", "machine", "name", "Terraform", "go", "on")
	s.is(p, http.StatusOK, "New app")
	s.says(p, `name="api_scopes"`, `value="clients:write"`, `aria-current="step">2.`)
	if strings.Contains(p.body, `<textarea id="field-redirect_uris"`) {
		t.Error("a machine is asked for a redirect URI")
	}
	none := b.post("clients/+new", append(p.carriedOn(), "go", "on")...)
	s.is(none, http.StatusUnprocessableEntity, "New app")
	s.says(none, `id="fault-api_scopes"`, "Choose at least one scope", "One thing needs to be put right")

	p = b.post("clients/+new", append(p.carriedOn(), "api_scopes", "clients:read", "api_scopes", "clients:write", "go", "on")...)
	s.says(p, "Nothing is stored yet", "clients:read")
	p = b.post("clients/+new", append(p.carriedOn(), "go", "on")...)
	s.is(p, http.StatusOK, "Terraform")
	s.says(p, "The secret is shown now alone", "curl -u", "grant_type=client_credentials", "/token")
	c, err := s.store.Client(t.Context(), "terraform")
	s.ok(err)
	if len(c.APIScopes) != 2 || len(c.RedirectURIs) != 0 || c.PersonalNumber || len(c.Secrets) != 1 {
		t.Errorf("the client is %+v", c)
	}
	s.says(b.get("clients/terraform"), "Machine")

	b = s.as(storage.RoleAdmin)
	if strings.Contains(b.get("clients/+new").body, `value="machine"`) {
		t.Error("an admin is offered what is refused")
	}
	s.is(b.post("clients/+new", "step", "what", "preset", "machine", "name", "Mine", "go", "on"), http.StatusForbidden, "You may not do this")
}

// TestNewClientKeepsWhatWasTyped: whatever is wrong, on whichever step, all that was typed is still there, also after going back.
func TestNewClientKeepsWhatWasTyped(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleAdmin)
	p := b.post("clients/+new", "step", "what", "preset", "web", "product", "keycloak", "name", "", "id", "no id", "app", "https://sso.example.se", "go", "on")
	s.is(p, http.StatusUnprocessableEntity, "New app")
	s.says(p, `value="no id"`, `value="https://sso.example.se"`, `<option value="keycloak" selected>`, `href="#field-name"`)
	p = b.post("clients/+new", "step", "what", "preset", "web", "product", "keycloak", "name", "The City", "id", "city", "app", "https://sso.example.se", "go", "on")
	s.says(p, "/realms/{realm}/broker/bankid/endpoint")
	p = b.post("clients/+new", append(p.carriedOn(), "redirect_uris", "https://sso.example.se/realms/{realm}/broker/bankid/endpoint", "auth_method", "client_secret", "go", "on")...)
	s.is(p, http.StatusUnprocessableEntity, "New app")
	p = b.post("clients/+new", append(p.carriedOn(), "redirect_uris", "https://sso.example.se/typed", "auth_method", "client_secret", "go", "back")...)
	s.says(p, `value="The City"`, `value="https://sso.example.se/typed"`)
	p = b.post("clients/+new", append(p.carriedOn(), "preset", "web", "product", "keycloak", "name", "The City", "id", "city", "app", "https://sso.example.se", "go", "on")...)
	s.says(p, "https://sso.example.se/typed")
}

// fields are what a page's form has in its fields, hidden ones too, but for check boxes and lists.
func (p shown) fields() (pairs []string) {
	pairs = p.carriedOn()
	for _, found := range regexp.MustCompile(`<input id="field-[^"]*" name="([^"]*)" type="text" value="([^"]*)"`).FindAllStringSubmatch(p.body, -1) {
		pairs = append(pairs, found[1], html.UnescapeString(found[2]))
	}
	for _, found := range regexp.MustCompile(`<textarea id="field-[^"]*" name="([^"]*)"[^>]*>([^<]*)</textarea>`).FindAllStringSubmatch(p.body, -1) {
		pairs = append(pairs, found[1], html.UnescapeString(found[2]))
	}
	for _, found := range regexp.MustCompile(`<input type="radio" name="([^"]*)" value="([^"]*)" checked`).FindAllStringSubmatch(p.body, -1) {
		pairs = append(pairs, found[1], found[2])
	}
	return pairs
}

// with returns the pairs with other values of some.
func with(pairs []string, other ...string) []string {
	all := slices.Clone(pairs)
	for i := 0; i < len(other); i += 2 {
		for at := 0; at < len(all); at += 2 {
			if all[at] == other[i] {
				all = slices.Delete(all, at, at+2)
				at -= 2
			}
		}
		all = append(all, other[i], other[i+1])
	}
	return all
}

// TestConcurrentEdits: of two operators who edit an app at the same time the second sees both versions field by field, loses nothing, overwrites nothing
// that it has not touched, and takes over whichever it chooses.
func TestConcurrentEdits(t *testing.T) {
	s := newSite(t)
	b, other := s.as(storage.RoleAdmin), s.as(storage.RoleOwner)
	mine, theirs := b.get("clients/app/look").fields(), other.get("clients/app/look").fields()
	s.is(other.post("clients/app/look", with(theirs, "name", "Theirs", "admin_group", "north", "custom_identifier", "T1")...), http.StatusOK, "Theirs")

	p := b.post("clients/app/look", with(mine, "name", "Mine", "contacts", "it@example.se", "custom_identifier", "M1")...)
	s.is(p, http.StatusUnprocessableEntity, "Theirs")
	s.says(p, "Somebody else has changed the app", "Theirs", "Mine", "it@example.se",
		`name="take.name" value="yours" checked`, `name="take.admin_group" value="theirs" checked`, `name="take.custom_identifier" value="theirs" aria`)
	if strings.Contains(p.body, `name="take.contacts"`) {
		t.Error("what one of the two alone has changed is asked about")
	}
	s.is(b.post("clients/app/look", with(p.fields(), "take.custom_identifier", "theirs")...), http.StatusOK, "Mine")
	c, err := s.store.Client(t.Context(), "app")
	s.ok(err)
	if c.Name != "Mine" || c.AdminGroup != "north" || c.CustomIdentifier != "T1" || len(c.Contacts) != 1 {
		t.Errorf("after both edits the client is %+v", c)
	}
}

// TestEditsShowFaultsBesideTheField: a setting that is wrong is told beside its field, with what was typed.
func TestEditsShowFaultsBesideTheField(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleAdmin)
	before := b.get("clients/app/connection")
	p := b.post("clients/app/connection", append(before.carriedOn(), "redirect_uris", "http://app.example.se/", "auth_method", "client_secret", "origins", "https://x/y")...)
	s.is(p, http.StatusUnprocessableEntity, "Appen")
	s.says(p, `id="fault-redirect_uris"`, "is http on a host", `>http://app.example.se/</textarea>`, `id="fault-origins"`, "2 things need to be put right")
	if c, _ := s.store.Client(t.Context(), "app"); c.RedirectURIs[0] != "https://app.example.se/cb" {
		t.Error("it was stored all the same")
	}
}

// TestEverySettingHasItsField: what a tab shows is what is stored when it is saved as it is.
func TestEverySettingHasItsField(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleAdmin)
	_, err := s.admin.UpdateClient(t.Context(), root, "app", admin.Demand{}, func(c *storage.Client) error {
		c.LocalNames, c.Scopes, c.Claims = map[string]string{"sv": "Appen", "en": "The App"}, []string{"profile", "offline_access"}, map[string]string{"preferred_username": "sub"}
		c.Policy.CertificatePolicies, c.Policy.PinCode, c.Contacts, c.DefaultLocale = []string{"1.2.752.78.1.5", "1.2.752.78.1.1"}, "yes", []string{"a@example.se", "b@example.se"}, "sv"
		c.Policy.VisibleText, c.RequirePKCE = map[string]string{"sv": "Logga in"}, true
		return nil
	})
	s.ok(err)
	c, err := s.store.Client(t.Context(), "app")
	s.ok(err)
	for tab, parts := range sections {
		names := fieldsOf(parts)
		f := settingsForm(c, names)
		pairs := []string{}
		for name, values := range f.values {
			for _, value := range values {
				pairs = append(pairs, name, value)
			}
		}
		if p := b.post("clients/app/"+tab, pairs...); !strings.Contains(p.body, "Nothing was changed.") {
			t.Errorf("%s is a change: %s", tab, p.body)
		}
		for _, name := range names {
			if !hasText("setting." + name) {
				t.Errorf("%s has no name", name)
			}
		}
	}
}

// TestSecretsAndState: a secret is made with an overlap to a date and ended; the app is switched off with a reason, on, and removed by its ID.
func TestSecretsAndState(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleAdmin)
	later := func() { s.now = s.now.Add(time.Second) }
	later()
	s.is(b.post("clients/app/secrets", append(b.get("clients/app/secrets").carriedOn(), "keep", "date", "until", "2031-05-16")...), http.StatusUnprocessableEntity, "Appen")
	p := b.post("clients/app/secrets", append(b.get("clients/app/secrets").carriedOn(), "keep", "date", "until", "2031-06-01")...)
	s.says(p, "The secret is shown now alone")
	c, err := s.store.Client(t.Context(), "app")
	s.ok(err)
	if len(c.Secrets) != 2 || c.Secrets[1].Expires.IsZero() {
		t.Fatalf("the secrets are %+v", c.Secrets)
	}
	later()
	s.uses.Used(c, c.Secrets[1].Created)
	s.now = s.now.Add(3 * time.Minute)
	s.says(b.get("clients/app/secrets"), "3 minutes ago", "by Kim admin", "root", "Never")
	made := c.Secrets[1].Created.Format(time.RFC3339Nano)
	p = b.post("clients/app/secrets/end", "made", made)
	s.is(p, http.StatusUnprocessableEntity, "Appen")
	s.says(p, "The secret is in use: the app used it 3 minutes ago", "End it all the same")
	if c, _ := s.store.Client(t.Context(), "app"); len(c.Secrets) != 2 {
		t.Error("a secret in use has ended unasked")
	}
	s.says(b.post("clients/app/secrets/end", "made", made, "sure", made), "The secret works no more.")
	s.is(b.post("clients/app/secrets/end", "made", c.Secrets[0].Created.Format(time.RFC3339Nano)), http.StatusUnprocessableEntity, "Appen")
	later()
	s.is(b.post("clients/app/state", append(b.get("clients/app").carriedOn(), "reason", " ")...), http.StatusUnprocessableEntity, "Appen")
	p = b.post("clients/app/state", append(b.get("clients/app").carriedOn(), "reason", "moves to another host")...)
	s.says(p, "Logins with tokens that stand", "Switch it off, and end this", `value="moves to another host"`)
	if c, _ := s.store.Client(t.Context(), "app"); c.Disabled {
		t.Error("it is off before it was shown what that ends")
	}
	s.says(b.post("clients/app/state", append(p.carriedOn(), "reason", "moves to another host")...), "The app is off", "moves to another host")
	s.says(b.get("clients/app/history"), "Kim admin", "moves to another host", "New secret")
	s.says(b.post("clients/app/state", b.get("clients/app").carriedOn()...), "The app is on.")
	s.says(b.get("clients/app/remove"), "Logins with tokens that stand", "Last login")
	s.is(b.post("clients/app/remove", append(b.get("clients/app/remove").carriedOn(), "id", "ap")...), http.StatusUnprocessableEntity, "Appen")
	s.says(b.post("clients/app/remove", append(b.get("clients/app/remove").carriedOn(), "id", "app")...), "app is removed.")
}

// TestClientList: the filter stands in the address, a page follows the other, and the download has what the filter has, and no formula.
func TestClientList(t *testing.T) {
	s := newSite(t)
	for _, id := range []string{"alpha", "beta"} {
		_, err := s.admin.PutClient(t.Context(), root, id, admin.Demand{}, func(c *storage.Client) error {
			c.Name, c.RedirectURIs = "=cmd() "+id, []string{"https://" + id + ".example.se/cb"}
			return nil
		})
		s.ok(err)
	}
	b := s.as(storage.RoleHelpdesk)
	p := b.get("clients?q=beta")
	s.says(p, `href="/admin/clients/beta"`, `href="/admin/clients.csv?q=beta"`)
	if strings.Contains(p.body, "clients/alpha") || strings.Contains(p.body, "New app") {
		t.Error("the list has what it should not")
	}
	csv := b.get("clients.csv?q=example.se&sort=id")
	if lines := strings.Split(strings.TrimSpace(csv.body), "\n"); len(lines) != 4 || !strings.HasPrefix(lines[1], "alpha,'=cmd() alpha,web,") || csv.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("%q", lines)
	}
}

// TestClientCare: the list says how each app is used and what it needs, can be narrowed to that and ordered by it, a page at a time.
func TestClientCare(t *testing.T) {
	s := newSite(t)
	put := func(id string, change func(*storage.Client)) {
		_, err := s.admin.PutClient(t.Context(), root, id, admin.Demand{}, func(c *storage.Client) error {
			c.Name, c.RedirectURIs = id, []string{"https://" + id + ".example.se/cb"}
			change(c)
			return nil
		})
		s.ok(err)
	}
	s.now = s.now.AddDate(0, 0, -40)
	put("forgotten", func(*storage.Client) {})
	s.now = s.now.AddDate(0, 0, 40)
	put("breaker", func(c *storage.Client) {
		c.Profile = storage.ProfileSwedenConnect
		c.AuthMethod = storage.AuthMethodSecret
	})
	put("closed", func(*storage.Client) {})
	_, err := s.admin.SwitchClient(t.Context(), root, "closed", admin.Demand{}, true, "for good")
	s.ok(err)
	put("rotated", func(*storage.Client) {})
	s.storeLogins()
	b := s.as(storage.RoleAdmin)
	p := b.get("clients")
	s.says(p, `<td>12</td>`, "33%", "Unused", "Breaks rules", "None in 30 days", `class="still">2031-05-`)
	ids := regexp.MustCompile(`<small class="code">([a-z]+)</small>`)
	listed := func(query string) (all []string) {
		for _, found := range ids.FindAllStringSubmatch(b.get("clients?"+query).body, -1) {
			all = append(all, found[1])
		}
		return all
	}
	for query, want := range map[string]string{
		"care=unused": "forgotten", "care=rules": "breaker", "care=off": "closed", "care=secret": "", "care=failing": "", "sort=failed&q=app": "app",
		"care=any": "breaker closed forgotten", "care=nonsense&q=app": "app",
	} {
		if got := strings.Join(listed(query), " "); got != want {
			t.Errorf("%s lists %q, want %q", query, got, want)
		}
	}
	if got := listed("sort=logins"); len(got) != 5 || got[0] != "app" {
		t.Errorf("by logins: %q", got)
	}
	if got := listed("sort=last"); len(got) != 5 || got[4] != "app" {
		t.Errorf("by the last login: %q", got)
	}
	s.says(b.get("clients.csv?care=unused"), "failed_percent", "\nforgotten,forgotten,web,")
}
