package console

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/notice"
	"brygga/secret"
	"brygga/storage"
)

// looked are the pages that are looked at in a browser. Every pattern with GET stands here, and what only a POST shows. Who adds a page adds a line.
func looked() []look {
	return []look{
		{name: "login", of: "GET /login", open: get("login"), out: true},
		{name: "login refused", open: post("login", "user", "nobody", "password", "x"), out: true},
		{name: "code", of: "GET /login/code", open: openCode, out: true},
		{name: "back from BankID", of: "GET /login/bankid/return", open: get("login/bankid/return?state=s"), out: true},
		{name: "mailbox", of: "GET /mailbox", open: get("mailbox"), out: true},
		{name: "overview", of: "GET /{$}", open: get("")},
		{name: "help", of: "GET /help", open: get("help")},
		{name: "help for who is not logged in", open: get("help/login"), out: true},
		{name: "help on apps", of: "GET /help/{topic}", open: get("help/clients")},
		{name: "documentation", of: "GET /help/docs/{page}", open: get("help/docs/operators")},
		{name: "settings", of: "GET /settings", open: get("settings")},
		{name: "nothing found", open: post("search", "q", "nothing of that name")},
		{name: "not found", open: get("nothing")},
		{name: "step-up", of: "GET /step-up", open: get("step-up?own=1")},
		{name: "step-up refused", open: post("step-up", "password", "x")},
		{name: "step-up done", open: post("step-up", "password", password, "next", "/admin/search", "again", "q=app")},
		{name: "forgotten", of: "GET /forgotten", open: get("forgotten"), out: true},
		{name: "forgotten name", of: "GET /forgotten/name", open: get("forgotten/name"), out: true},
		{name: "dead link", of: "GET /account/reset", open: get("account/reset?token=x"), out: true},
		{name: "bootstrap", of: "GET /account/bootstrap", open: openBootstrap, out: true},
		{name: "invite", of: "GET /account/invite", open: get("account/invite?token=x"), out: true},
		{name: "confirm", of: "GET /account/confirm", open: get("account/confirm?token=x"), out: true},
		{name: "email change", of: "GET /account/email-change", open: get("account/email-change?token=x"), out: true},
		{name: "account", of: "GET /account", open: get("account")},
		{name: "email", of: "GET /account/email", open: get("account/email")},
		{name: "password", of: "GET /account/password", open: get("account/password")},
		{name: "password refused", open: post("account/password", "before", "x", "password", "short", "again", "other")},
		{name: "app", open: post("account/app")},
		{name: "passkey", of: "GET /account/passkeys/new", open: get("account/passkeys/new")},
		{name: "logins", of: "GET /logins", open: withLogins(get("logins"))},
		{name: "logins refused", open: get("logins?reference=x&around=y&network=z&outcome=w&kind=v&eid=u")},
		{name: "logins of nobody", open: post("logins/person", "number", "19121212")},
		{name: "login failed", of: "GET /logins/{reference}", open: withLogins(get(failedLogin))},
		{name: "events", of: "GET /events", open: withLogins(get("events"))},
		{name: "events refused", open: get("events?from=x")},
		{name: "evidence", of: "GET /evidence", open: withEvidence(get("evidence"))},
		{name: "evidence refused", open: get("evidence?reference=x&from=y")},
		{name: "a signature", of: "GET /evidence/{id}", open: withEvidence(get("evidence/txn-kept"))},
		{name: "an erased signature", open: withEvidence(get("evidence/txn-erased"))},
		{name: "what a signature says", open: withEvidence(post("evidence/txn-kept/read"))},
		{name: "a changed signature", open: withEvidence(post("evidence/txn-altered/read"))},
		{name: "erasure", of: "GET /evidence/{id}/erase", open: withEvidence(get("evidence/txn-kept/erase"))},
		{name: "erasure refused", open: withEvidence(post("evidence/txn-kept/erase", "reason", ""))},
		{name: "keys", of: "GET /keys", open: get("keys")},
		{name: "rotation", of: "GET /keys/rotate", open: get("keys/rotate")},
		{name: "statistics", of: "GET /statistics", open: withLogins(get("statistics"))},
		{name: "configuration", of: "GET /configuration", open: get("configuration")},
		{name: "banner", of: "GET /banner", open: get("banner")},
		{name: "banner refused", open: post("banner", "sv", "", "from", "x", "to", "y")},
		{name: "alarms", of: "GET /alarms", open: get("alarms")},
		{name: "alarms refused", open: post("alarms", "recipients", "kim", "days", "x")},
		{name: "services", of: "GET /services", open: get("services")},
		{name: "services refused", open: serviceRefused},
		{name: "busy overview", open: withLogins(get(""))},
		{name: "ailing overview", open: ailing(get(""))},
		{name: "alarms that stand", open: ailing(get("alarms"))},
		{name: "events of many", open: withActors(get("events"))},
		{name: "app refused", open: post("clients/app/connection", "redirect_uris", "http://app.example.se/#x\nftp://app.example.se/\nhttps://a..b/", "auth_method", "private_key_jwt", "home_uri", "javascript:x")},
		{name: "app with rules", open: withRules(get("clients/strict"))},
		{name: "app with rules refused", open: withRules(post("clients/strict/rights", "scopes", "profil", "claims", "email=x", "policy.minimum_age", "999", "default_max_age", "soon"))},
		{name: "app settings with rules", open: withRules(get("clients/strict/connection"))},
		{name: "people", of: "GET /operators", open: get("operators")},
		{name: "invitation", of: "GET /operators/new", open: get("operators/new")},
		{name: "invitation refused", open: post("operators/new", "user_name", "b", "email", "bo")},
		{name: "person", of: "GET /operators/{id}", open: person("")},
		{name: "API keys", of: "GET /apikeys", open: openAPIKey(true)},
		{name: "API key", of: "GET /apikeys/{id}", open: openAPIKey(false)},
		{name: "new API key", of: "GET /apikeys/new", open: get("apikeys/new")},
		{name: "new API key refused", open: post("apikeys/new", "networks", "nowhere", "days", "x")},
		{name: "API key made", open: post("apikeys/new", "name", "ci", "scopes", "clients:read")},
		{name: "person of two minds", open: conflict},
		{name: "removal", of: "GET /operators/{id}/remove", open: person("/remove")},
		{name: "apps", of: "GET /clients", open: get("clients?q=app")},
		{name: "new app", of: "GET /clients/+new", open: get("clients/+new")},
		{name: "new app refused", open: post("clients/+new", "step", "what", "preset", "web", "app", "x")},
		{name: "new app addresses", open: newApp(2)},
		{name: "new app rights", open: newApp(3)},
		{name: "new app summary", open: newApp(4)},
		{name: "new app done", open: newApp(5)},
		{name: "app overview", of: "GET /clients/{id}", open: get("clients/app")},
		{name: "app settings", of: "GET /clients/{id}/{tab}", open: get("clients/app/connection")},
		{name: "app rights", open: get("clients/app/rights")},
		{name: "app overtaken", open: post("clients/app/look", "revision", "99", "name", "Another")},
		{name: "app look", open: get("clients/app/look")},
		{name: "app look refused", open: post("clients/app/look", "name", "", "brand.accent", "white")},
		{name: "machine", open: machine("")},
		{name: "machine settings", open: machine("/connection")},
		{name: "machine rights", open: machine("/rights")},
		{name: "new machine", open: post("clients/+new", "step", "what", "preset", "machine", "name", "CI", "id", "new-ci", "go", "on")},
		{name: "app secrets", of: "GET /clients/{id}/secrets", open: get("clients/app/secrets")},
		{name: "app history", of: "GET /clients/{id}/history", open: get("clients/app/history")},
		{name: "try app", of: "GET /clients/{id}/try", open: get("clients/app/try")},
		{name: "back from a trial", of: "GET /clients/+try/return", open: get("clients/+try/return?state=s"), out: true},
		{name: "trial over", of: "GET /clients/+try/finish", open: get("clients/+try/finish")},
		{name: "tried", open: tried("s")},
		{name: "tried in vain", open: tried("cancelled")},
		{name: "app removal", of: "GET /clients/{id}/remove", open: get("clients/app/remove")},
	}
}

// withoutLook are patterns with GET that show no page.
var withoutLook = []string{"GET /language", "GET /clients.csv", "GET /clients/{id}/look/picture", "GET /login/bankid/finish", "GET /statistics/file", "GET /events/file"}

// look is a page that is looked at.
type look struct {
	name string
	// of is the pattern of a page that is asked for by GET.
	of   string
	open func(*browser) shown
	// out is for pages of who is not logged in.
	out bool
}

func get(path string) func(*browser) shown { return func(b *browser) shown { return b.get(path) } }

func post(path string, pairs ...string) func(*browser) shown {
	return func(b *browser) shown { return b.post(path, pairs...) }
}

// newApp is a step of the form for a new app, counted from 1; the last shows the secret.
func newApp(step int) func(*browser) shown {
	return func(b *browser) shown {
		id := "new-" + strings.ToLower(storage.NewID()[:6])
		id = strings.NewReplacer("_", "x").Replace(id)
		p := b.post("clients/+new", "step", "what", "preset", "web", "product", "spring", "name", "Nya appen", "id", id, "app", "https://new.example.se", "go", "on")
		for n := 2; n < step; n++ {
			switch n {
			case 2:
				p = b.post("clients/+new", append(p.carriedOn(), "redirect_uris", "https://new.example.se/callback", "auth_method", "client_secret", "go", "on")...)
			case 3:
				p = b.post("clients/+new", append(p.carriedOn(), "scopes", "profile", "go", "on")...)
			default:
				p = b.post("clients/+new", append(p.carriedOn(), "go", "on")...)
			}
		}
		return p
	}
}

// machine is a page about one.
func machine(tab string) func(*browser) shown {
	return func(b *browser) shown {
		_, err := b.admin.PutClient(b.Context(), root, "ci", admin.Demand{}, func(c *storage.Client) error {
			c.APIScopes, c.PersonalNumber = []string{"clients:read"}, false
			return nil
		})
		b.ok(err)
		return b.get("clients/ci" + tab)
	}
}

// openCode is the page of half a login.
func openCode(b *browser) shown {
	if _, err := b.accounts.Find(b.Context(), "helpdesk"); err != nil {
		b.operator(storage.RoleHelpdesk)
		c := b.browser()
		c.post("login", "user", "helpdesk", "password", password)
		key := keyShown.FindStringSubmatch(c.post("account/app").body)
		c.post("account/app/confirm", "code", codeAt(b.TB, strings.ReplaceAll(key[1], " ", ""), b.now))
	}
	return b.post("login", "user", "helpdesk", "password", password)
}

func openBootstrap(b *browser) shown {
	_, link, err := b.accounts.Bootstrap(b.Context(), account.Command("root"), account.Invitation{
		UserName: secret.New("new-" + strings.ToLower(storage.NewID()[:8])), Rights: storage.Rights{Roles: []storage.Role{storage.RoleAuditor}, AllClients: true},
	})
	b.ok(err)
	return b.get("account/bootstrap?token=" + tokenOf(link.Address.Reveal()).Reveal())
}

// conflict is a form that somebody else was faster than.
func conflict(b *browser) shown {
	o, err := b.accounts.Find(b.Context(), "owner")
	b.ok(err)
	return b.post("operators/"+o.ID, "name", "Kim", "roles", "owner", "language", "en", "revision", "1")
}

// openAPIKey is the page of a key, or of all.
func openAPIKey(all bool) func(*browser) shown {
	return func(b *browser) shown {
		keys, err := b.admin.APIKeys(b.Context(), root)
		b.ok(err)
		if len(keys) == 0 {
			key, _, err := b.admin.CreateAPIKey(b.Context(), root, admin.NewAPIKey{Name: "deploy", Scopes: admin.Scopes()[:3], Networks: []string{"192.0.2.0/24"}, Expires: b.now.AddDate(1, 0, 0)})
			b.ok(err)
			keys = append(keys, key)
		}
		if all {
			return b.get("apikeys")
		}
		return b.get("apikeys/" + keys[0].ID)
	}
}

func person(rest string) func(*browser) shown {
	return func(b *browser) shown {
		o, err := b.accounts.Find(b.Context(), "owner")
		b.ok(err)
		return b.get("operators/" + o.ID + rest)
	}
}

// ailing is an installation of which every part has something.
func ailing(open func(*browser) shown) func(*browser) shown {
	return func(b *browser) shown {
		well, at := b.health, b.now.AddDate(0, 0, 3)
		b.health, b.ill = nil, errors.New("shutting down")
		defer func() { b.health, b.ill = well, nil }()
		for _, state := range []string{"well", "unasked", "silent", "answers", "early", "ended", "lasts", "no-mail", "waiting", "behind", "idle", "quiet", ""} {
			b.health = append(b.health, admin.Detail{Name: "bankid", Text: "connection refused", Part: "bankid", State: state, At: at, N: 1, Values: map[string]string{"took": "120ms", "ahead": "0s"}})
		}
		alarms := &notice.Alarms{Store: b.store, Process: "p", Now: func() time.Time { return b.now }, Tell: func(notice.Standing, bool) ([]storage.AuditEvent, func()) { return nil, func() {} }}
		b.ok(alarms.Look(b.Context(), []notice.Condition{
			{Kind: notice.BankID, Name: "BankID", Detail: "2031-05-17 09:00Z"}, {Kind: notice.Secrets, Name: "client_secret app", Detail: "2031-05-20 09:00Z"},
			{Kind: notice.Certificates, Name: "bankid_certificate default", Detail: "2031-05-20 09:00Z"}, {Kind: notice.Failures, Detail: "40 % (5 %)"}, {Kind: notice.Disk, Name: "/var/lib/brygga", Detail: "90 MiB"},
		}, nil))
		return open(b)
	}
}

// withActors has events of everybody who can be behind one.
func withActors(open func(*browser) shown) func(*browser) shown {
	return func(b *browser) shown {
		actOut(b.site)
		return open(b)
	}
}

// withRules has an app of a profile whose rules it does not keep.
func withRules(open func(*browser) shown) func(*browser) shown {
	return func(b *browser) shown {
		_, err := b.admin.PutClient(b.Context(), root, "strict", admin.Demand{}, func(c *storage.Client) error {
			c.Name, c.Profile, c.RedirectURIs, c.AuthMethod = "Den stränga", storage.ProfileSwedenConnect, []string{"https://strict.example.se/cb"}, storage.AuthMethodSecret
			return nil
		})
		b.ok(err)
		return open(b)
	}
}

// TestEveryPageIsLookedAt: no page is forgotten in the table.
func TestEveryPageIsLookedAt(t *testing.T) {
	var known []string
	for _, l := range looked() {
		known = append(known, l.of)
	}
	for _, p := range pages() {
		if strings.HasPrefix(p.pattern, "GET ") && !slices.Contains(known, p.pattern) && !slices.Contains(withoutLook, p.pattern) {
			t.Errorf("nobody looks at %s: add it to looked, or to withoutLook if it shows no page", p.pattern)
		}
	}
}
