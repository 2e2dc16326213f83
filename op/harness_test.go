package op

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/audit"
	"brygga/keys"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
)

// ring signs for all tests: RSA keys are dear.
var ring *keys.Ring

func TestMain(m *testing.M) {
	os.Exit(runWithRing(m))
}

func runWithRing(m *testing.M) int {
	dir, err := os.MkdirTemp("", "brygga-op")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	store, err := bolt.Open(filepath.Join(dir, "keys.db"), newSealer(), bolt.Options{})
	if err != nil {
		panic(err)
	}
	defer store.Close()
	if ring, err = keys.New(context.Background(), keys.Options{Store: store}); err != nil {
		panic(err)
	}
	defer ring.Close()
	if _, err := ring.Provide(context.Background(), encryptionAlgs...); err != nil {
		panic(err)
	}
	return m.Run()
}

func newSealer() *keys.Sealer {
	key, err := keys.ParseMasterKey(keys.NewMasterKey().Reveal())
	if err != nil {
		panic(err)
	}
	sealer, err := keys.NewSealer(key)
	if err != nil {
		panic(err)
	}
	return sealer
}

const (
	issuer      = "https://login.example.se"
	callback    = "https://app.example.se/callback"
	webSecret   = "web-secret"
	verifier    = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	challenge43 = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	number      = "189001019802"
	unfit       = "a message that does not fit"
)

var person = storage.Identity{
	Method: "bankid", PersonalNumber: secret.New(number), Name: secret.New("Åsa Öberg"), GivenName: secret.New("Åsa"),
	Surname: secret.New("Öberg"), DeviceIP: "192.0.2.1", IssueDate: "2024-02-03",
}

// harness is a provider on a real store. It plays the part of package web in the simplest way.
type harness struct {
	*Provider
	t     testing.TB
	store *bolt.Store
	// file and sealer are what the store was opened with, options what the provider was made from.
	file    string
	sealer  *keys.Sealer
	options Options
	logs    *bytes.Buffer
	log     *slog.Logger

	mu       sync.Mutex
	clock    time.Time
	flows    bool // in benchmarks: rows that all are of one moment lie otherwise in the store than those of a server
	observed []string
	parties  []string // the clients of those
}

// now is the harness's own time, which stands still but for move and set: a test can stand exactly on a boundary.
func (h *harness) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.flows {
		h.clock = h.clock.Add(10 * time.Microsecond)
	}
	return h.clock
}

// move lets time pass for the provider.
func (h *harness) move(by time.Duration) { h.set(h.now().Add(by)) }

// set sets the provider's clock.
func (h *harness) set(at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = at.UTC()
}

// lockedWriter lets concurrent requests log.
type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(line)
}

// newHarness returns a provider whose clients are those of testClients. change may alter the options; nil leaves them.
func newHarness(t testing.TB, change func(*Options)) *harness {
	t.Helper()
	h := &harness{t: t, logs: new(bytes.Buffer), file: filepath.Join(t.TempDir(), "brygga.db"), sealer: newSealer()}
	h.set(time.Now().Truncate(time.Second)) // the keys of the ring are of now
	_, h.flows = t.(*testing.B)
	var err error
	if h.store, err = bolt.Open(h.file, h.sealer, bolt.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.store.Close() })
	for _, c := range testClients() {
		if err := h.store.CreateClient(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	h.log = slog.New(slog.NewTextHandler(&lockedWriter{w: h.logs}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	log, err := audit.New(audit.Options{Store: h.store, PseudonymKey: make([]byte, 32), Logger: h.log})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Issuer: issuer, Store: h.store, Keys: ring, Audit: log, Pages: h, SubjectKey: bytes.Repeat([]byte{7}, 32), Logger: h.log, Now: h.now,
		Methods:      []Method{{Name: "bankid", Demands: true}},
		RefreshGrace: -1, // tokens work once, but in the tests of the grace
		SignatureOf:  func(_ context.Context, id string) (string, error) { return "signature of " + id, nil },
		MessageFits:  func(_ *storage.Client, m *storage.UserMessage) bool { return m.In("sv") != unfit },
		Observe: func(endpoint, outcome, client string) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.observed = append(h.observed, endpoint+" "+outcome)
			h.parties = append(h.parties, client)
		},
	}
	o.Call, o.CallSilence = h.call, 36*time.Second
	if change != nil {
		change(&o)
	}
	if h.Provider, err = New(o); err != nil {
		t.Fatal(err)
	}
	h.options = o
	return h
}

func secrets(text string) []storage.ClientSecret {
	return []storage.ClientSecret{{Hash: secret.New(text).Hash()}}
}

func testClients() []storage.Client {
	return []storage.Client{
		{
			ID: "web", Name: "Web", AuthMethod: storage.AuthMethodBasic, Secrets: secrets(webSecret), RedirectURIs: []string{
				callback, callback + "?tenant=a%2Fb+c", "https://app.example.se/cb%20x",
			},
			PostLogoutRedirectURIs: []string{"https://app.example.se/bye"}, Scopes: []string{"profile"}, IDTokenAlg: storage.ES256,
			SubjectType: storage.SubjectPairwise, PersonalNumber: true, CustomIdentifier: "tag-7",
		},
		{
			ID: "post", AuthMethod: storage.AuthMethodPost, Secrets: secrets("post-secret"), RedirectURIs: []string{callback},
			IDTokenAlg: storage.RS256, SubjectType: storage.SubjectPublic, RequirePKCE: true,
		},
		{
			ID: "app", AuthMethod: storage.AuthMethodNone, Native: true, RedirectURIs: []string{
				"http://127.0.0.1/callback", "http://[::1]:4000/callback?x=1", "se.example.app:/callback",
			},
			PostLogoutRedirectURIs: []string{"http://127.0.0.1/bye"}, Scopes: []string{"profile"}, IDTokenAlg: storage.ES256,
			SubjectType: storage.SubjectPublic,
		},
	}
}

// BeginLogin stores a login, as package web does.
func (h *harness) BeginLogin(w http.ResponseWriter, r *http.Request, _ *storage.Client, request storage.AuthRequest, id string) {
	now := h.now()
	login := storage.Login{
		ID: cmp.Or(id, storage.NewID()), State: storage.LoginOpen, Revision: 1, Request: &request, Created: now, Expires: now.Add(10 * time.Minute),
	}
	if err := h.store.CreateLogin(r.Context(), login); err != nil {
		h.t.Error(err)
	}
	http.Redirect(w, r, "/login/"+login.ID, http.StatusSeeOther)
}

// ResumeLogin leads a browser back that says which login it has begun.
func (h *harness) ResumeLogin(w http.ResponseWriter, r *http.Request, client *storage.Client, id string) bool {
	login, err := h.store.Login(r.Context(), id, h.now())
	if err != nil || login.Request.ClientID != client.ID || r.Header.Get("X-Begun") != id {
		return false
	}
	http.Redirect(w, r, "/login/"+id, http.StatusSeeOther)
	return true
}

// ShowError writes the code, the description and the client's home, so that tests can search them.
func (h *harness) ShowError(w http.ResponseWriter, _ *http.Request, status int, code, description string, client *storage.Client) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "page: %s: %s", code, description)
	if client != nil {
		fmt.Fprintf(w, " (back to %s)", client.ID)
	}
}

// SendForm writes what would be posted.
func (h *harness) SendForm(w http.ResponseWriter, _ *http.Request, action string, values url.Values) {
	fmt.Fprintf(w, "form: %s?%s", action, values.Encode())
}

// OfferWay writes the link of a way into an app, which here is one with a scheme of the app's own.
func (h *harness) OfferWay(w http.ResponseWriter, _ *http.Request, client *storage.Client, locales []string, uri, code string) bool {
	if strings.HasPrefix(uri, "http") {
		return false
	}
	fmt.Fprintf(w, "way for %s in %s after %q: %s", client.ID, locales, code, uri)
	return true
}

// ShowLoggedOut names the client and the languages that it asks for.
func (h *harness) ShowLoggedOut(w http.ResponseWriter, _ *http.Request, client *storage.Client, locales []string, refused string) {
	fmt.Fprint(w, "logged out")
	if client != nil {
		fmt.Fprintf(w, " of %s", client.ID)
	}
	if len(locales) > 0 {
		fmt.Fprintf(w, " in %s", locales)
	}
	if refused != "" {
		fmt.Fprintf(w, "; refused: %s", refused)
	}
}

// AskLogOut writes what the form would post, and where.
func (h *harness) AskLogOut(w http.ResponseWriter, _ *http.Request, client *storage.Client, locales []string, refused, action string, values url.Values) {
	name := "nobody"
	if client != nil {
		name = client.ID
	}
	if refused != "" {
		refused = "refused: " + refused + "; "
	}
	fmt.Fprintf(w, "%sask for %s in %s: %s?%s", refused, name, locales, action, values.Encode())
}

// do serves one request of the provider's.
func (h *harness) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.Handler().ServeHTTP(w, r)
	return w
}

func (h *harness) get(path string, values url.Values) *httptest.ResponseRecorder {
	return h.do(httptest.NewRequest(http.MethodGet, issuer+path+"?"+values.Encode(), nil))
}

func formRequest(path string, values url.Values) *http.Request {
	r := httptest.NewRequest(http.MethodPost, issuer+path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// params returns an auth request that is in order, with pairs of names and values put over it; an empty value removes.
func params(clientID, redirectURI string, pairs ...string) url.Values {
	v := url.Values{
		"client_id": {clientID}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid profile"},
		"state": {"st å&te"}, "nonce": {"n-1"}, "code_challenge": {challenge43}, "code_challenge_method": {"S256"},
	}
	return with(v, pairs...)
}

func with(v url.Values, pairs ...string) url.Values {
	for i := 0; i < len(pairs); i += 2 {
		if v.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
			v.Del(pairs[i])
		}
	}
	return v
}

// begin sends an auth request and returns the login that it made.
func (h *harness) begin(values url.Values) *storage.Login {
	h.t.Helper()
	w := h.get("/authorize", values)
	id, ok := strings.CutPrefix(w.Header().Get("Location"), "/login/")
	if !ok {
		h.t.Fatalf("no login: %d %s %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	login, err := h.store.Login(h.t.Context(), id, h.now())
	if err != nil {
		h.t.Fatal(err)
	}
	return login
}

// demands returns what is demanded of the client's logins now.
func (h *harness) demands(login *storage.Login) storage.Policy {
	client, err := h.store.Client(h.t.Context(), login.Request.ClientID)
	if err != nil {
		h.t.Fatal(err)
	}
	wanted, _ := client.Policy.Over(h.o.Policy).And(login.Request.StepUp)
	return wanted.Demands()
}

// complete lets the person log in.
func (h *harness) complete(login *storage.Login, identity storage.Identity) *storage.Login {
	h.t.Helper()
	ctx, now := h.t.Context(), h.now()
	_, err := h.store.BeginOrder(ctx, login.ID, storage.Claim{ID: "claim", At: now, WindowEnds: now.Add(time.Minute), Collector: "c"})
	if err == nil {
		login, err = h.store.PutOrder(ctx, login.ID, "claim", storage.Order{ID: "order", Method: "bankid", Started: now, Collector: "c", Policy: h.demands(login)})
	}
	if err == nil {
		login, err = h.store.CompleteLogin(ctx, login.ID, "order", storage.Result{Identity: identity, Met: login.Order.Policy}, now)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return login
}

// answer asks for the code as package web does, once the binding is proven.
func (h *harness) answer(login *storage.Login) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.Answer(w, httptest.NewRequest(http.MethodGet, issuer+"/login/x/done", nil), login)
	return w
}

// redirected returns where a response leads and the parameters that were added.
func redirected(t testing.TB, w *httptest.ResponseRecorder) (base string, values url.Values) {
	t.Helper()
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil || u.Host == "" {
		t.Fatalf("no redirect: %d %q %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	values = u.Query()
	u.RawQuery = ""
	return u.String(), values
}

// code takes a client's auth request all the way to its code.
func (h *harness) code(values url.Values) string {
	h.t.Helper()
	_, answer := redirected(h.t, h.answer(h.complete(h.begin(values), person)))
	if answer.Get("code") == "" {
		h.t.Fatalf("no code: %v", answer)
	}
	return answer.Get("code")
}

// exchange returns a token request of client web that is in order.
func exchange(code string, pairs ...string) *http.Request {
	r := formRequest("/token", with(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier},
	}, pairs...))
	r.SetBasicAuth("web", webSecret)
	return r
}

type tokens struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	IDToken      string `json:"id_token"`
	Scope        string `json:"scope"`
	Error        string `json:"error"`
	Description  string `json:"error_description"`
}

func decode(t testing.TB, w *httptest.ResponseRecorder) tokens {
	t.Helper()
	var answer tokens
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return answer
}

// tokensOf redeems a code for client web.
func (h *harness) tokensOf(values url.Values) tokens {
	h.t.Helper()
	w := h.do(exchange(h.code(values)))
	if w.Code != http.StatusOK {
		h.t.Fatalf("token: %d %s", w.Code, w.Body)
	}
	return decode(h.t, w)
}

// payload returns the claims of a token without looking at its signature.
func payload(t testing.TB, token string) map[string]any {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token+"..", ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return claims
}

// userinfo asks with the token in the header and returns the status and the claims.
func (h *harness) userinfo(token string) (int, map[string]any) {
	h.t.Helper()
	r := httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := h.do(r)
	var claims map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &claims); err != nil {
		h.t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return w.Code, claims
}

func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
