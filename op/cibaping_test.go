package op

import (
	"context"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/outbound"
	"brygga/storage"
)

const notificationToken = "8d67dc78-7faa-4d41-aabd-67707b374255" // OpenID CIBA Core §7.1

// pinged is an app that is told of the ends of logins. It answers with the statuses in turn, and 204 afterwards.
type pinged struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int
	got      []string
}

func newPinged(t *testing.T, statuses ...int) *pinged {
	p := &pinged{statuses: statuses}
	p.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.URL.RawQuery != "" {
			t.Errorf("no ping: %s %s %v", r.Method, r.URL, err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.got = append(p.got, r.Header.Get("Authorization")+" "+string(body))
		if len(p.statuses) > 0 {
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(p.statuses[0])
			p.statuses = p.statuses[1:]
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(p.Close)
	return p
}

// await waits for as many pings, and returns them.
func (p *pinged) await(t *testing.T, n int) []string {
	t.Helper()
	for range 1000 {
		p.mu.Lock()
		got := p.got
		p.mu.Unlock()
		if len(got) >= n {
			return got
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("told %d times, want %d", len(p.got), n)
	return nil
}

// newPinging returns a provider that tells client told of the ends of its logins.
func newPinging(t *testing.T, app *pinged) *harness {
	h := newHarness(t, func(o *Options) {
		roots := x509.NewCertPool()
		roots.AddCert(app.Certificate())
		o.Outbound = outbound.New(outbound.Options{Allow: loopback, Roots: roots})
	})
	h.addCaller("told", func(c *storage.Client) { c.CIBA, c.NotificationEndpoint = storage.CIBAPing, app.URL+"/ciba" })
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { h.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return h
}

func (h *harness) asksToBeTold() (string, *storage.Login) {
	h.t.Helper()
	return h.begun(h.postAs("told", "/bc-authorize", url.Values{
		"scope": {"openid"}, "login_hint": {spelled}, "client_notification_token": {notificationToken},
	}))
}

// TestCIBAPing: the client is told by its own token which request may be asked for, and nothing else; and it gets the tokens then.
func TestCIBAPing(t *testing.T) {
	app := newPinged(t)
	h := newPinging(t, app)
	id, login := h.asksToBeTold()
	h.Notify(h.complete(login, person))
	if got, want := app.await(t, 1)[0], "Bearer "+notificationToken+` {"auth_req_id":"`+id+`"}`; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
	w := h.do(h.postAs("told", "/token", url.Values{"grant_type": {GrantCIBA}, "auth_req_id": {id}}))
	if w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if logs := h.logs.String(); strings.Contains(logs, notificationToken) || strings.Contains(logs, id) || strings.Contains(logs, number) {
		t.Errorf("the log has what it must not have:\n%s", logs)
	}
}

// TestCIBAPingIsTriedAgain: a client that does not answer well is told again, one that refuses is not, and a redirect is not followed.
func TestCIBAPingIsTriedAgain(t *testing.T) {
	app := newPinged(t, http.StatusInternalServerError, http.StatusFound, http.StatusBadRequest)
	h := newPinging(t, app)
	_, login := h.asksToBeTold()
	login = h.complete(login, person)
	h.Notify(login)
	app.await(t, 3)
	h.Notify(login)
	if got := app.await(t, 4); len(got) != 4 {
		t.Errorf("told %d times, want 3 for the first and one for the second", len(got))
	}
}

// TestCIBAPingsNobodyElse: who is not registered to be told any more is not, nor is any owner of another kind.
func TestCIBAPingsNobodyElse(t *testing.T) {
	h := newHarness(t, nil)
	h.addCaller("call", nil)
	h.addCaller("told", func(c *storage.Client) { c.CIBA, c.NotificationEndpoint = storage.CIBAPing, "https://192.0.2.7/ciba" })
	_, polls := h.begun(h.names("client_notification_token", notificationToken))
	_, login := h.asksToBeTold()
	foreign, browser := *login, *login
	asked, program := *login.Request, *login.Request.Program
	asked.Program, program.Owner = &program, "key"
	foreign.Request, browser.Request = &asked, &storage.AuthRequest{ClientID: asked.ClientID}
	for name, other := range map[string]*storage.Login{"one that asks": polls, "another program": &foreign, "a browser": &browser} {
		if h.Notify(other); len(h.pings) != 0 {
			t.Errorf("%s is told", name)
		}
	}
	if h.Notify(login); len(h.pings) != 1 {
		t.Error("nobody is told")
	}
	if outcome := h.ping(t.Context(), login); outcome != noticeForbidden {
		t.Errorf("an address in a network of others: %s", outcome)
	}
	client, err := h.store.Client(t.Context(), "told")
	if err != nil {
		t.Fatal(err)
	}
	changed := *client
	changed.CIBA = storage.CIBAPoll
	if err := h.store.UpdateClient(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if outcome := h.ping(t.Context(), login); outcome != noticeMoot {
		t.Errorf("one that wants to be told no more: %s", outcome)
	}
}
