package web_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"brygga/audit"
	"brygga/bankid"
	"brygga/bankid/bankidsim"
	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/web"
)

const (
	callback  = "https://app.example/callback"
	iPhone    = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
	windowsPC = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)

// peer is a simulator behind its API.
type peer struct {
	*bankidsim.Simulator
	base  string
	close func()
}

func newPeer() *peer {
	sim, err := bankidsim.New(bankidsim.Options{})
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server := sim.APIServer()
	done := make(chan struct{})
	go func() { defer close(done); server.ServeTLS(listener, "", "") }()
	stop := func() { server.Close(); <-done; sim.Close() }
	return &peer{sim, "https://" + listener.Addr().String() + "/rp/v6.0", sync.OnceFunc(stop)}
}

// shared is a peer that behaves, for all tests that need no more: making the keys of people's signatures takes a while.
var shared *peer

func TestMain(m *testing.M) {
	shared = newPeer()
	defer shared.close()
	m.Run()
}

// ownPeer returns a peer that a test may spoil.
func ownPeer(t *testing.T) *peer {
	p := newPeer()
	t.Cleanup(p.close)
	return p
}

var people atomic.Int64

// person returns the number of a person that no other test uses: their orders would end each other.
func (p *peer) person(t *testing.T) string {
	t.Helper()
	digits, sum := fmt.Sprintf("900101%03d", people.Add(1)), 0
	for i, digit := range digits {
		n := int(digit-'0') * (2 - i%2) // Luhn
		sum += n/10 + n%10
	}
	added, err := p.AddPerson(bankidsim.Person{
		PersonalNumber: fmt.Sprintf("19%s%d", digits, (10-sum%10)%10),
		GivenName:      "Test", Surname: "Person", BankIDs: []bankidsim.BankID{{Policy: bankidsim.PolicyMobile}},
	})
	must(t, err)
	return added.PersonalNumber
}

// buffer is a log that may be written concurrently.
type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

type sealer struct{ cipher.AEAD }

func (s sealer) Seal(label string, text []byte) []byte {
	return s.AEAD.Seal(nil, nil, text, []byte(label))
}

func (s sealer) Open(label string, sealed []byte) ([]byte, error) {
	return s.AEAD.Open(nil, nil, sealed, []byte(label))
}

func (s sealer) Current([]byte) bool { return true }

// house is a site over a real engine, a real store and the simulator. Its provider begins a login at /authorize, and its
// answers spend the login in the store as the real ones do.
type house struct {
	*web.Site
	t      *testing.T
	peer   *peer
	store  *bolt.Store
	engine *login.Engine
	server *httptest.Server
	url    string
	log    buffer
	routes sync.Map // of routes observed

	path   string // of the store
	change func(*settings)
	method eid.Method
	// ahead is how far the clock of the process is before that of the machine, in nanoseconds.
	ahead   atomic.Int64
	handler atomic.Pointer[http.Handler]
	kill    func() // keeps the process from beginning anything more
	stop    func() // ends it and waits for it
}

// settings are what a test may change of a house.
type settings struct {
	web    web.Options
	engine login.Options
	server http.Server
}

func newHouse(t *testing.T, p *peer, change func(*settings)) *house {
	t.Helper()
	h := &house{t: t, peer: p, change: change, path: filepath.Join(t.TempDir(), "store")}
	h.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*h.handler.Load()).ServeHTTP(w, r) }))
	h.url = "http://" + h.server.Listener.Addr().String()
	api := h.connect()
	set := h.run()
	for _, c := range []storage.Client{
		{ID: "app", Name: "Appen", LocalNames: map[string]string{"en": "The App"}, HomeURI: "https://app.example/", CustomIdentifier: "tag"},
		{ID: "other", Name: "Andra"},
	} {
		must(t, h.store.CreateClient(t.Context(), c))
	}
	h.server.Config.ReadTimeout, h.server.Config.WriteTimeout = set.server.ReadTimeout, set.server.WriteTimeout
	h.server.Config.RegisterOnShutdown(func() { h.EndStreams() })
	h.server.Start()
	t.Cleanup(func() {
		h.EndStreams()
		h.server.Close()
		h.stop()
		api.Close()
		must(t, h.store.Close())
	})
	return h
}

// connect makes the method that speaks to the simulator.
func (h *house) connect() *bankid.API {
	t, p := h.t, h.peer
	t.Helper()
	certificate := p.ClientCertificate().TLS
	api, err := bankid.New(bankid.Options{
		BaseURL: p.base, Certificate: bankid.CertificateSource{TLS: &certificate}, RootCAsPEM: p.ServerRootPEM(), Logger: h.logger(),
	})
	must(t, err)
	h.method, err = login.BankID(login.BankIDOptions{
		APIs: map[string]*bankid.API{"": api}, MobilePolicy: bankid.PolicyTestMobile,
		Verifier: sync.OnceValues(func() (*bankid.Verifier, error) {
			root, err := p.SignatureRootPEM()
			if err != nil {
				return nil, err
			}
			return bankid.NewVerifier(bankid.VerifierOptions{RootsPEM: root, CertificatePolicies: bankid.TestPolicies()})
		}),
	})
	must(t, err)
	return api
}

func (h *house) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (h *house) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

// run opens the store and lets a process work on it.
func (h *house) run() *settings {
	t := h.t
	t.Helper()
	block, err := aes.NewCipher(make([]byte, 32))
	must(t, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	must(t, err)
	h.store, err = bolt.Open(h.path, sealer{aead}, bolt.Options{})
	must(t, err)
	logger := h.logger()
	log, err := audit.New(audit.Options{Store: h.store, PseudonymKey: bytes.Repeat([]byte{1}, 32), Logger: logger})
	must(t, err)
	set := settings{
		engine: login.Options{
			Store: h.store, Methods: []eid.Method{h.method}, Audit: log, Logger: logger, CollectEvery: time.Second, Now: h.now,
			ReferringDomain: "brygga.example",
			ReturnURL:       func(id string, nonce secret.String) secret.String { return web.ReturnURL(h.url, id, nonce) },
		},
		web: web.Options{
			Issuer: h.url, Store: h.store, Audit: log, Logger: logger, Provider: http.HandlerFunc(h.authorize), Answer: h.answer,
			Refuse: h.refuse, Now: h.now, Observe: func(route string, _ int, _ time.Duration) { h.routes.Store(route, true) },
		},
	}
	if h.change != nil {
		h.change(&set)
	}
	h.engine, err = login.New(set.engine)
	must(t, err)
	set.web.Engine = h.engine
	h.Site, err = web.New(set.web)
	must(t, err)
	handler := h.Handler()
	h.handler.Store(&handler)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	engine, site := h.engine, h.Site
	running.Go(func() { engine.Run(ctx) })
	h.kill, h.stop = cancel, func() { site.Close(); cancel(); running.Wait() }
	return &set
}

// crash takes the store away from the process, so that nothing it has begun counts, and starts another on the same file.
func (h *house) crash() {
	h.t.Helper()
	h.kill()
	must(h.t, h.store.Close())
	h.t.Cleanup(h.stop)
	h.run()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) authorize(w http.ResponseWriter, r *http.Request) {
	client, err := h.store.Client(r.Context(), r.FormValue("client_id"))
	id := r.FormValue("login")
	if err == nil && id != "" && h.ResumeLogin(w, r, client, id) {
		return
	}
	if err != nil {
		h.ShowError(w, r, http.StatusBadRequest, "invalid_client", "no client is registered with this client_id", nil)
		return
	}
	h.BeginLogin(w, r, client, storage.AuthRequest{
		ClientID: client.ID, RedirectURI: callback + "/" + client.ID, ResponseMode: "query", Scopes: []string{"openid"},
		State: r.FormValue("state"), UILocales: strings.Fields(r.FormValue("ui_locales")), LoginHint: secret.New(r.FormValue("login_hint")),
	}, id)
}

// answer gives the client "code-" and the state, and again as long as the code of the last answer has not been redeemed.
func (h *house) answer(w http.ResponseWriter, r *http.Request, l *storage.Login) {
	now := time.Now().UTC()
	if l.Repeatable() {
		again := secret.New(rand.Text()).Hash()
		if _, err := h.store.RepeatAnswer(r.Context(), l.ID, again, now.Add(time.Minute), now); err != nil {
			h.ShowError(w, r, http.StatusConflict, "login_over", "the login has expired or has been answered", nil)
			return
		}
		http.Redirect(w, r, l.Request.RedirectURI+"?code=code-"+l.Request.State, http.StatusSeeOther)
		return
	}
	code := storage.Code{Hash: secret.New("code" + l.ID).Hash(), GrantID: "grant" + l.ID, ClientID: l.Request.ClientID, Expires: now.Add(time.Minute)}
	grant := storage.Grant{ID: code.GrantID, ClientID: code.ClientID, SessionID: "s" + l.ID, Identity: *l.Identity, Created: now, Expires: now.Add(time.Minute)}
	if _, err := h.store.AnswerLogin(r.Context(), l.ID, storage.Answer{Code: code, Grant: grant}, now); err != nil {
		h.ShowError(w, r, http.StatusConflict, "login_over", "the login has expired or has been answered", nil)
		return
	}
	http.Redirect(w, r, l.Request.RedirectURI+"?code=code-"+l.Request.State, http.StatusSeeOther)
}

func (h *house) refuse(w http.ResponseWriter, r *http.Request, l *storage.Login, code, description string) {
	if _, err := h.store.RefuseLogin(r.Context(), l.ID, time.Now()); err != nil {
		h.ShowError(w, r, http.StatusConflict, "login_over", "the login has expired or has been answered", nil)
		return
	}
	http.Redirect(w, r, l.Request.RedirectURI+"?"+url.Values{"error": {code}, "error_description": {description}}.Encode(), http.StatusSeeOther)
}

// redeem redeems the code that the login was answered with, as its client does.
func (h *house) redeem(path string) {
	h.t.Helper()
	l := h.login(path)
	_, err := h.store.RedeemCode(h.t.Context(), storage.Redemption{
		CodeHash: l.Code, ClientID: l.Request.ClientID, Token: storage.AccessToken{Hash: secret.New(rand.Text()).Hash(), Expires: time.Now().Add(time.Minute)}, Now: time.Now(),
	})
	must(h.t, err)
}

// login returns the stored login behind the path of its page.
func (h *house) login(path string) *storage.Login {
	h.t.Helper()
	l, err := h.engine.Login(h.t.Context(), strings.TrimPrefix(path, "/login/"))
	must(h.t, err)
	return l
}

// audits returns how many events of the type there are. It waits a little for one.
func (h *house) audits(event audit.Type) (n int) {
	h.t.Helper()
	for range 100 {
		events, err := h.store.AuditEvents(h.t.Context(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), 1000)
		must(h.t, err)
		for _, e := range events {
			if e.Type == string(event) {
				n++
			}
		}
		if n > 0 {
			return n
		}
		time.Sleep(20 * time.Millisecond)
	}
	return 0
}
