package bankidapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"brygga/admin"
	"brygga/audit"
	"brygga/bankid"
	"brygga/bankid/bankidsim"
	"brygga/eid"
	"brygga/keys"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
	"brygga/web/bankidapi"
)

const (
	person    = "198502039822"
	otherOne  = "197807159814"
	phoneOne  = "195006262546"
	endUserIP = "203.0.113.7"
)

// house is the API over a real engine, a real store and the simulator.
type house struct {
	t        *testing.T
	sim      *bankidsim.Simulator
	store    *bolt.Store
	admin    *admin.Service
	engine   *login.Engine
	url      string
	contract *contract
	log      lockedBuffer
	ahead    atomic.Int64 // of the clock, in nanoseconds
}

type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

func newHouse(t *testing.T, change func(*bankidapi.Options, *login.Options)) *house {
	t.Helper()
	return newHouseThatWaits(t, bankid.DefaultTimeout, change)
}

// newHouseThatWaits is newHouse with calls to BankID that take so long at most.
func newHouseThatWaits(t *testing.T, longest time.Duration, change func(*bankidapi.Options, *login.Options)) *house {
	t.Helper()
	h := &house{t: t}
	var err error
	h.store, err = bolt.Open(filepath.Join(t.TempDir(), "store"), storagetest.NewSealer(), bolt.Options{})
	must(t, err)
	t.Cleanup(func() { h.store.Close() })
	logger := slog.New(slog.NewJSONHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	log, err := audit.New(audit.Options{Store: h.store, PseudonymKey: bytes.Repeat([]byte{1}, 32), Logger: logger, Now: h.now})
	must(t, err)
	h.admin, err = admin.New(admin.Options{Store: h.store, Audit: log, Now: h.now, Keys: func(ctx context.Context) (*keys.Ring, error) {
		ring, err := keys.New(ctx, keys.Options{Store: h.store})
		if err == nil {
			t.Cleanup(ring.Close)
		}
		return ring, err
	}})
	must(t, err)
	engine := login.Options{
		Store: h.store, Methods: []eid.Method{h.connect(longest)}, Audit: log, Logger: logger, CollectEvery: time.Second, Issuer: "https://id.example.se", Now: h.now,
		ReturnURL:   func(string, secret.String) secret.String { return secret.String{} },
		VisibleText: func(c *storage.Client, _ string) string { return "Logga in hos " + c.Name },
	}
	options := bankidapi.Options{Keys: h.admin, Issuer: "https://id.example.se", Log: logger, Now: h.now, Trace: func(context.Context) string { return "TRACE-ID" }}
	if change != nil {
		change(&options, &engine)
	}
	h.engine, err = login.New(engine)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.engine.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	options.Orders = h.engine
	handler, err := bankidapi.New(options)
	must(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	h.url = server.URL
	h.contract, err = contractOf(h.url)
	must(t, err)
	for _, id := range []string{"app", "other"} {
		must(t, h.store.CreateClient(t.Context(), storage.Client{ID: id, Name: "Appen", PersonalNumber: true, LoginDetails: storage.LoginDetails()}))
	}
	return h
}

// connect returns the method BankID against a simulator of the test's own.
func (h *house) connect(longest time.Duration) eid.Method {
	t := h.t
	t.Helper()
	sim, err := bankidsim.New(bankidsim.Options{})
	must(t, err)
	h.sim = sim
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server, served := sim.APIServer(), make(chan struct{})
	go func() { defer close(served); server.ServeTLS(l, "", "") }()
	t.Cleanup(func() { server.Close(); <-served })
	certificate := sim.ClientCertificate().TLS
	api, err := bankid.New(bankid.Options{BaseURL: "https://" + l.Addr().String() + "/rp/v6.0", Certificate: bankid.CertificateSource{TLS: &certificate}, RootCAsPEM: sim.ServerRootPEM(), Timeout: longest})
	must(t, err)
	t.Cleanup(api.Close)
	method, err := login.BankID(login.BankIDOptions{APIs: map[string]*bankid.API{"": api}, MobilePolicy: bankid.PolicyTestMobile, Verifier: sync.OnceValues(func() (*bankid.Verifier, error) {
		root, err := sim.SignatureRootPEM()
		if err != nil {
			return nil, err
		}
		return bankid.NewVerifier(bankid.VerifierOptions{RootsPEM: root, CertificatePolicies: bankid.TestPolicies()})
	})})
	must(t, err)
	return method
}

// key makes a key of the client.
func (h *house) key(client string, scopes ...string) secret.String {
	h.t.Helper()
	_, value, err := h.admin.CreateAPIKey(h.t.Context(), admin.Command("test"), admin.NewAPIKey{Name: "n", ClientID: client, Scopes: scopes})
	must(h.t, err)
	return value
}

// asking is a request of a back end.
type asking struct {
	key    secret.String
	method string // POST when empty
	path   string
	body   string
	header map[string]string
}

// answered is what came back.
type answered struct {
	status int
	header http.Header
	text   string
	json   map[string]any
}

func (h *house) ask(a asking) answered {
	h.t.Helper()
	if a.method == "" {
		a.method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(h.t.Context(), a.method, h.url+bankidapi.Path+a.path, strings.NewReader(a.body))
	must(h.t, err)
	if a.body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if !a.key.IsZero() {
		request.Header.Set("x-api-key", a.key.Reveal())
	}
	for name, value := range a.header {
		if request.Header.Set(name, value); value == "" {
			request.Header.Del(name)
		}
	}
	response, err := http.DefaultClient.Do(request)
	must(h.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(h.t, err)
	if what := h.contract.answer(request, response, text); what != "" {
		h.t.Errorf("%s %s = %d %s is not as the document says: %s", a.method, a.path, response.StatusCode, text, what)
	}
	if what := h.contract.request(request, a.body); what != "" && response.StatusCode < 300 {
		h.t.Errorf("%s %s %s succeeds and is not as the document says: %s", a.method, a.path, a.body, what)
	}
	got := answered{status: response.StatusCode, header: response.Header, text: string(text)}
	json.Unmarshal(text, &got.json)
	return got
}

// at returns what stands at the path of members.
func (a answered) at(path ...any) any {
	var v any = a.json
	for _, name := range path {
		switch at := name.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[at]
		case int:
			list, _ := v.([]any)
			if at >= len(list) {
				return nil
			}
			v = list[at]
		}
	}
	return v
}

func (a answered) word(path ...any) string { text, _ := a.at(path...).(string); return text }

// ok fails the test unless the answer has the status.
func (h *house) ok(a answered, status int) answered {
	h.t.Helper()
	if a.status != status {
		h.t.Fatalf("%d %s, want %d", a.status, a.text, status)
	}
	return a
}

// approve has a person come with the order's code and approve.
func (h *house) approve(ref, number string) {
	h.t.Helper()
	own := h.orderOf(ref)
	_, err := h.sim.Scan(bankidsim.Pickup{OrderRef: own, PersonalNumber: number})
	must(h.t, err)
	_, err = h.sim.Sign(own, bankidsim.Approval{Risk: "low"})
	must(h.t, err)
}

// orderOf returns BankID's reference of an order.
func (h *house) orderOf(ref string) string {
	h.t.Helper()
	for range 500 {
		l, err := h.engine.Login(h.t.Context(), loginID(h.t, ref))
		must(h.t, err)
		if l.State == storage.LoginPending {
			return l.Order.Ref.Reveal()
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Fatal("the order is not made")
	return ""
}

// ended collects until the order is pending no more.
func (h *house) ended(key secret.String, ref string) answered {
	h.t.Helper()
	for range 1500 {
		got := h.ok(h.ask(asking{key: key, path: "/collect", body: fmt.Sprintf(`{"orderRef":%q}`, ref)}), http.StatusOK)
		if got.word("data", "attributes", "status") != "pending" {
			return got
		}
		time.Sleep(20 * time.Millisecond)
	}
	h.t.Fatal("the order is pending still")
	return answered{}
}
