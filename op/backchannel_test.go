package op

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/audit"
	"brygga/outbound"
	"brygga/storage"
	"brygga/storage/bolt"
)

// inbox is the app behind the clients: it takes logout tokens by path, and answers as it is told.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	tokens map[string][]string
	answer func(w http.ResponseWriter, r *http.Request) // nil for 200
}

func newInbox(t *testing.T) *inbox {
	in := &inbox{tokens: make(map[string][]string)}
	in.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in.mu.Lock()
		if r.Method == http.MethodPost && isForm(r) && r.URL.RawQuery == "" && r.ParseForm() == nil && len(r.PostForm) == 1 {
			in.tokens[r.URL.Path] = append(in.tokens[r.URL.Path], r.PostForm.Get("logout_token"))
		} else {
			t.Errorf("not a logout notice: %s %s", r.Method, r.URL)
		}
		answer := in.answer
		in.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(in.Close)
	return in
}

// outbound reaches the inboxes.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// reach lets the provider call the boxes, each for at most timeout; 0 means the default.
func reach(o *Options, timeout time.Duration, boxes ...*inbox) {
	roots := x509.NewCertPool()
	for _, in := range boxes {
		roots.AddCert(in.Certificate())
	}
	o.Outbound = outbound.New(outbound.Options{Allow: loopback, Roots: roots, Timeout: timeout})
}

func (in *inbox) say(status int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// got returns the tokens of a path.
func (in *inbox) got(path string) []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.tokens[path])
}

// told is a browser whose clients have the inbox told at /client_id.
func told(t *testing.T, in *inbox) *tab {
	return newHarness(t, func(o *Options) { reach(o, 0, in) }).newTab(func(c *storage.Client) { c.BackchannelLogoutURI = in.URL + "/" + c.ID })
}

// deliver does what Run does once.
func (h *harness) deliver() {
	c := &courier{p: h.Provider, hosts: make(map[string]*noticeHost)}
	c.collect(h.t.Context())
	c.work.Wait()
}

// waiting returns the notices that are in the store, whenever they are due.
func (h *harness) waiting() (all []storage.Notice) {
	h.t.Helper()
	later := h.now().Add(noticeRetryMost * 2)
	all, err := h.store.ClaimNotices(h.t.Context(), later, 1000, func(int) time.Duration { return 0 })
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

func (h *harness) audited(t audit.Type) (all []storage.AuditEvent) {
	h.t.Helper()
	events, err := h.store.AuditEvents(h.t.Context(), time.Now().Add(-time.Hour), time.Now().Add(storage.NoticeLife*2), 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	return slices.DeleteFunc(events, func(e storage.AuditEvent) bool { return e.Type != string(t) })
}

// Each client of the session is told in its own words: its subject, its sid, its algorithm.
func TestBackchannelLogout(t *testing.T) {
	in := newInbox(t)
	b := told(t, in)
	answers := map[string]tokens{"hr-a": b.logIn("hr-a"), "hr-b": b.logIn("hr-b", "scope", "openid offline_access")}
	pay := b.logIn("pay")
	b.get("/logout", url.Values{"id_token_hint": {answers["hr-a"].IDToken}})
	if len(b.notices) != 1 {
		t.Error("nobody wakes Run")
	}
	b.deliver()
	var ids []string
	for id, answer := range answers {
		got := in.got("/" + id)
		if len(got) != 1 {
			t.Fatalf("%s was told %d times", id, len(got))
		}
		known, header := payload(t, answer.IDToken), headerOf(t, got[0])
		if want := map[string]string{"hr-a": "ES256", "hr-b": "RS256"}[id]; header["alg"] != want || header["typ"] != "logout+jwt" {
			t.Errorf("%s: header %v", id, header)
		}
		if _, err := ring.Verify(got[0], "logout+jwt"); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		claims := payload(t, got[0])
		names := slices.Sorted(maps.Keys(claims))
		if want := []string{"aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"}; !slices.Equal(names, want) {
			t.Errorf("%s: claims %v, want %v", id, names, want)
		}
		events, _ := claims["events"].(map[string]any)
		about, isObject := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
		if claims["iss"] != issuer || claims["aud"] != id || claims["sub"] != known["sub"] || claims["sid"] != known["sid"] ||
			len(events) != 1 || !isObject || len(about) != 0 {
			t.Errorf("%s: %v, the ID token had %v", id, claims, known)
		}
		iat, exp := claims["iat"].(float64), claims["exp"].(float64)
		if exp-iat != 120 || iat > float64(b.now().Unix()) {
			t.Errorf("%s: from %f to %f", id, iat, exp)
		}
		ids = append(ids, claims["jti"].(string))
	}
	if ids[0] == ids[1] || len(ids[0]) < 20 {
		t.Errorf("jti %v", ids)
	}
	if payload(t, answers["hr-a"].IDToken)["sid"] == payload(t, answers["hr-b"].IDToken)["sid"] {
		t.Error("two clients can compare their sid")
	}
	if len(in.got("/pay")) != 0 || len(b.waiting()) != 0 || !b.alive(t, pay.AccessToken) {
		t.Errorf("another group was told, or something waits: %v", b.waiting())
	}
	if events := b.audited(audit.LogoutDelivered); len(events) != 2 || events[0].Fields["CLIENT_ID"] == "" || events[0].Fields["OBJECT"] == "" {
		t.Errorf("audited as %v", events)
	}
	if n := count(b.observed, "backchannel_logout ok"); n != 2 {
		t.Errorf("observed %v", b.observed)
	}
	for _, token := range []string{in.got("/hr-a")[0], in.URL} {
		if strings.Contains(b.logs.String(), token) {
			t.Error("the log holds a token or an address")
		}
	}
}

func headerOf(t *testing.T, token string) (header map[string]any) {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err == nil {
		err = json.Unmarshal(text, &header)
	}
	if err != nil {
		t.Fatal(err)
	}
	return header
}

func count(all []string, one string) (n int) {
	for _, text := range all {
		if text == one {
			n++
		}
	}
	return n
}

// What the client answers decides whether it is told again, with the same jti.
func TestBackchannelAnswers(t *testing.T) {
	for status, tc := range map[int]struct {
		outcome string
		ends    audit.Type
	}{
		200: {"ok", audit.LogoutDelivered}, 204: {"ok", audit.LogoutDelivered}, 400: {"refused", audit.LogoutFailed},
		202: {"bad_status", ""}, 302: {"bad_status", ""}, 404: {"bad_status", ""}, 429: {"bad_status", ""}, 500: {"bad_status", ""}, 503: {"bad_status", ""},
	} {
		in := newInbox(t)
		b := told(t, in)
		b.logIn("hr-a")
		in.say(status)
		_, fields := b.question(b.get("/logout", nil))
		b.post(pathLogoutConfirm, fields, "Origin", issuer)
		b.deliver()
		if count(b.observed, "backchannel_logout "+tc.outcome) != 1 || len(in.got("/hr-a")) != 1 {
			t.Errorf("%d: observed %v", status, b.observed)
		}
		lost := 0
		if tc.ends == audit.LogoutFailed {
			lost = 1
		}
		if n := count(b.observed, EndpointUndelivered+" "+tc.outcome); n != lost {
			t.Errorf("%d: %d notices are lost, want %d", status, n, lost)
		}
		if tc.ends != "" {
			if len(b.waiting()) != 0 || len(b.audited(tc.ends)) != 1 {
				t.Errorf("%d: waiting %v", status, b.waiting())
			}
			continue
		}
		b.deliver() // it is not due
		if len(in.got("/hr-a")) != 1 || !strings.Contains(b.logs.String(), "client_id=hr-a outcome="+tc.outcome) {
			t.Errorf("%d: told %d times; log %s", status, len(in.got("/hr-a")), b.logs)
		}
		in.say(http.StatusOK)
		b.move(noticeRetry * 2)
		b.deliver()
		got := in.got("/hr-a")
		if len(got) != 2 || payload(t, got[0])["jti"] != payload(t, got[1])["jti"] || len(b.waiting()) != 0 {
			t.Errorf("%d, then 200: told %d times, waiting %v", status, len(got), b.waiting())
		}
	}
}

// An address that cannot be called is retried too, as the network or the configuration may be put right, but not for ever.
func TestBackchannelIsGivenUp(t *testing.T) {
	for name, tc := range map[string]struct {
		change  func(*inbox, *Options)
		outcome string
	}{
		"nobody there": {func(in *inbox, _ *Options) { in.Server.Close() }, "unreachable"},
		"our network":  {func(_ *inbox, o *Options) { o.Outbound = outbound.New(outbound.Options{}) }, "forbidden_address"},
		"too slow": {func(in *inbox, o *Options) {
			over := make(chan struct{})
			t.Cleanup(func() { close(over) })
			in.answer = func(http.ResponseWriter, *http.Request) { <-over }
			reach(o, 200*time.Millisecond, in)
		}, "timeout"},
	} {
		in := newInbox(t)
		b := newHarness(t, func(o *Options) { reach(o, 0, in); tc.change(in, o) }).newTab(func(c *storage.Client) {
			c.BackchannelLogoutURI = in.URL + "/" + c.ID
		})
		b.get("/logout", url.Values{"id_token_hint": {b.logIn("hr-a").IDToken}})
		b.deliver()
		if count(b.observed, "backchannel_logout "+tc.outcome) != 1 || len(b.audited(audit.LogoutFailed)) != 0 {
			t.Errorf("%s: observed %v", name, b.observed)
		}
		b.move(storage.NoticeLife - time.Minute)
		for range 2 { // the second time it has been put off beyond its end
			b.deliver()
			b.move(45 * time.Second)
		}
		if failed := b.audited(audit.LogoutFailed); len(failed) != 1 || failed[0].Fields["MESSAGE"] != tc.outcome || len(b.waiting()) != 0 {
			t.Errorf("%s: at its end: audited %v, waiting %v", name, failed, b.waiting())
		}
		if count(b.observed, EndpointUndelivered+" "+tc.outcome) != 1 {
			t.Errorf("%s: at its end: observed %v", name, b.observed)
		}
	}
}

// Who has gone, or wants no notices any more, is not told.
func TestBackchannelToNobody(t *testing.T) {
	for name, change := range map[string]func(b *tab) error{
		"client removed": func(b *tab) error { return b.store.RemoveClient(b.t.Context(), "hr-a", b.now()) },
		"address removed": func(b *tab) error {
			c, err := b.store.Client(b.t.Context(), "hr-a")
			if err != nil {
				return err
			}
			changed := *c
			changed.BackchannelLogoutURI = ""
			return b.store.UpdateClient(b.t.Context(), changed)
		},
	} {
		in := newInbox(t)
		b := told(t, in)
		b.get("/logout", url.Values{"id_token_hint": {b.logIn("hr-a").IDToken}})
		if err := change(b); err != nil {
			t.Fatal(err)
		}
		b.deliver()
		if len(in.tokens) != 0 || len(b.waiting()) != 0 || len(b.audited(audit.LogoutFailed)) != 1 || count(b.observed, "backchannel_logout dropped") != 1 ||
			count(b.observed, EndpointUndelivered+" dropped") != 0 {
			t.Errorf("%s: told %v, waiting %v", name, in.tokens, b.waiting())
		}
	}
}

// A client that asks for no notices gets none.
func TestBackchannelIsAskedFor(t *testing.T) {
	b := newHarness(t, nil).newTab(nil)
	b.get("/logout", url.Values{"id_token_hint": {b.logIn("hr-a").IDToken}})
	if len(b.waiting()) != 0 || len(b.Provider.notices) != 0 {
		t.Errorf("waiting %v", b.waiting())
	}
}

// Notices are in the store before the browser has its answer: a restart loses none.
func TestBackchannelAfterRestart(t *testing.T) {
	in := newInbox(t)
	b := told(t, in)
	b.get("/logout", url.Values{"id_token_hint": {b.logIn("hr-a").IDToken}})
	if err := b.store.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.store, err = bolt.Open(b.file, b.sealer, bolt.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.store.Close() })
	o := b.options
	o.Store = b.store
	if b.Provider, err = New(o); err != nil {
		t.Fatal(err)
	}
	b.deliver()
	if len(in.got("/hr-a")) != 1 {
		t.Errorf("told %v", in.tokens)
	}
}

// When another person logs in on the same browser, the clients of the one before are told.
func TestBackchannelWhenPersonChanges(t *testing.T) {
	in := newInbox(t)
	b := told(t, in)
	before := b.logIn("hr-a")
	login := b.begin(params("hr-b", callback, "scope", "openid", "prompt", "login"))
	other := person
	other.PersonalNumber = otherNumber
	login = b.complete(login, other)
	b.send(httptest.NewRequest(http.MethodPost, issuer+"/login/x/done", nil), func(w http.ResponseWriter, r *http.Request) { b.Answer(w, r, login) })
	if len(b.Provider.notices) != 1 || b.alive(t, before.AccessToken) {
		t.Error("the session of the person before goes on, or nobody wakes Run")
	}
	b.deliver()
	if len(in.got("/hr-a")) != 1 || len(in.got("/hr-b")) != 0 {
		t.Errorf("told %v", in.tokens)
	}
}
