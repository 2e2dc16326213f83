package console

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/audit"
	"brygga/audit/tree"
	"brygga/clients"
	"brygga/keys"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

// site is a console that is served, with what is below it.
type site struct {
	testing.TB
	store    storage.Store
	accounts *account.Accounts
	admin    *admin.Service
	options  admin.Options // of it
	uses     *clients.Uses
	server   *httptest.Server
	console  *Console
	now      time.Time
	// health is what the installation says of itself, and ill why it is not ready.
	health []admin.Detail
	ill    error
	// registered are what was registered at the service of an eID, and registering is what it says to that.
	registered  []admin.Registration
	registering error
}

// newSite serves a console with one client, "app".
func newSite(t testing.TB) *site {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "brygga.db"), storagetest.NewSealer(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s := &site{TB: t, store: store, now: time.Date(2031, 5, 17, 9, 30, 0, 0, time.UTC), health: []admin.Detail{{Name: "store", Text: "ok", Part: "store", State: "well"}}}
	now := func() time.Time { return s.now }
	log, err := audit.New(audit.Options{Store: store, PseudonymKey: make([]byte, 32), Now: now})
	s.ok(err)
	served := http.NewServeMux()
	s.server = httptest.NewServer(served)
	t.Cleanup(s.server.Close)
	s.accounts, err = account.New(account.Options{
		Store: store, Audit: log, Key: []byte(strings.Repeat("k", 32)), Console: s.server.URL + "/admin", Hasher: account.NewHasher(8 << 20), Mail: true, Now: now,
	})
	s.ok(err)
	s.uses = clients.NewUses(store, now)
	s.options = admin.Options{
		Uses:  s.uses,
		Store: store, Audit: log, Accounts: s.accounts, Now: now,
		Keys: func(ctx context.Context) (*keys.Ring, error) {
			ring, err := keys.New(ctx, keys.Options{Store: store})
			if err == nil {
				t.Cleanup(ring.Close)
			}
			return ring, err
		},
		Registrars: map[string]admin.Registrar{"netid": {Certificates: []string{"journal"}, Register: s.register}},
		Anchors:    rootOfTests,
		CheckBrand: pretendedBrand,
		Tree:       func(context.Context) (*tree.Tree, error) { return nil, storage.ErrNotFound },
		Health:     func(context.Context) ([]admin.Detail, error) { return s.health, s.ill },
	}
	s.admin, err = admin.New(s.options)
	s.ok(err)
	s.console, err = newConsole(Options{Mailbox: letters{s}, BankID: bankID{}, Trials: pretended{}, Looks: pretendedLooks{}, Admin: s.admin, Accounts: s.accounts, URL: s.server.URL + "/admin", Service: "Testkommunen", Mail: true, Version: "test", Now: now})
	s.ok(err)
	served.Handle(Path, s.console.mux())
	_, err = s.admin.PutClient(t.Context(), root, "app", admin.Demand{}, func(c *storage.Client) error {
		c.Name, c.RedirectURIs, c.WebhookURI = "Appen", []string{"https://app.example.se/cb"}, "https://app.example.se/webhook"
		return nil
	})
	s.ok(err)
	return s
}

var root = admin.Command("root")

func (s *site) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// password is that of every operator of the tests.
const password = "tre lax i en låda"

// personalNumbers are those of the operators of each role, by which they log in quickly.
var personalNumbers = map[storage.Role]string{
	storage.RoleOwner: "198001012387", storage.RoleAdmin: "198001022386", storage.RoleHelpdesk: "198001032385", storage.RoleAuditor: "198001042384",
}

// operator makes an active one whose user name is the role.
func (s *site) operator(role storage.Role, groups ...string) *storage.Operator {
	s.Helper()
	ctx, by := s.Context(), account.Command("root")
	o, link, err := s.accounts.Bootstrap(ctx, by, account.Invitation{
		UserName: secret.New(string(role)), Email: secret.New(string(role) + "@example.se"), Name: secret.New("Kim " + string(role)), Language: "en",
		Rights: storage.Rights{Roles: []storage.Role{role}, AllClients: len(groups) == 0, Groups: groups},
	})
	s.ok(err)
	_, err = s.accounts.Accept(ctx, storage.LinkBootstrap, tokenOf(link.Address.Reveal()), secret.New(password))
	s.ok(err)
	person := secret.New(personalNumbers[role])
	o, err = s.accounts.Change(ctx, by, o.ID, account.Change{PersonalNumber: &person})
	s.ok(err)
	return o
}

func tokenOf(link string) secret.String {
	u, _ := url.Parse(link)
	return secret.New(u.Query().Get("token"))
}

// browser is one that follows redirects and keeps cookies.
type browser struct {
	*site
	client *http.Client
	// origin is the Sec-Fetch-Site of forms, from that of other requests, empty for a browser that sends none.
	origin, from string
	// language is what it asks for.
	language string
}

func (s *site) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{s, &http.Client{Jar: jar}, "same-origin", "", "en"}
}

// as is a browser in which an operator of the role is logged in, freshly.
func (s *site) as(role storage.Role, groups ...string) *browser {
	s.Helper()
	s.operator(role, groups...)
	return s.logIn(role)
}

func (s *site) logIn(role storage.Role) *browser {
	s.Helper()
	session, err := s.accounts.LogInByBankID(s.Context(), storage.Identity{PersonalNumber: secret.New(personalNumbers[role])}, account.From{})
	s.ok(err)
	b := s.browser()
	b.setCookie("brygga-console", session.Token.Reveal())
	return b
}

func (b *browser) setCookie(name, value string) {
	u, _ := url.Parse(b.server.URL)
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.server.URL)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// shown is a page as it came.
type shown struct {
	*http.Response
	body string
}

// get asks for a page, with its redirects.
func (b *browser) get(path string) shown {
	b.Helper()
	return b.do(http.MethodGet, path, nil)
}

// post sends a form, name and value in turn.
func (b *browser) post(path string, pairs ...string) shown {
	b.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Add(pairs[i], pairs[i+1])
	}
	return b.do(http.MethodPost, path, values)
}

func (b *browser) do(method, path string, values url.Values) shown {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), method, b.server.URL+"/admin/"+path, strings.NewReader(values.Encode()))
	b.ok(err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", b.origin)
	}
	if b.from != "" {
		r.Header.Set("Sec-Fetch-Site", b.from)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
	}
	r.Header.Set("Accept-Language", b.language)
	return b.sendRequest(r)
}

func (b *browser) sendRequest(r *http.Request) shown {
	b.Helper()
	answer, err := b.client.Do(r)
	b.ok(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	b.ok(err)
	return shown{answer, string(body)}
}

var heading = regexp.MustCompile(`<h1>([^<]*)</h1>`)

// heading is that of the page.
func (p shown) heading() string {
	if found := heading.FindStringSubmatch(p.body); found != nil {
		return found[1]
	}
	return ""
}

// is fails unless the page has the status and heading.
func (s *site) is(p shown, status int, heading string) {
	s.Helper()
	if p.StatusCode != status || p.heading() != heading {
		s.Errorf("%s: status %d and heading %q, want %d and %q", p.Request.URL.Path, p.StatusCode, p.heading(), status, heading)
	}
}

// codeAt is what an authenticator app with the key shows (RFC 6238, written anew).
func codeAt(t testing.TB, key string, now time.Time) string {
	t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, secret)
	binary.Write(mac, binary.BigEndian, now.Unix()/30)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}
