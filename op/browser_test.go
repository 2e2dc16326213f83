package op

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"brygga/secret"
	"brygga/storage"
)

// Two levels of assurance.
const (
	level2 = "http://id.swedenconnect.se/loa/1.0/uncertified-loa2"
	level3 = DefaultACR
)

// other is a second person.
var other = storage.Identity{
	Method: "bankid", PersonalNumber: secret.New("198502039822"), Name: secret.New("Kim Ek"), GivenName: secret.New("Kim"), Surname: secret.New("Ek"),
}

// add stores a client that differs from client web in what change does.
func (h *harness) add(id string, change func(*storage.Client)) *storage.Client {
	h.t.Helper()
	c := testClients()[0]
	c.ID = id
	if change != nil {
		change(&c)
	}
	if err := h.store.CreateClient(h.t.Context(), c); err != nil {
		h.t.Fatal(err)
	}
	return &c
}

// browser sends what it has of cookies with every request.
type browser struct {
	*harness
	jar map[string]*http.Cookie
}

func (h *harness) browser() *browser { return &browser{h, make(map[string]*http.Cookie)} }

// visit serves a request as the browser would send it.
func (b *browser) visit(r *http.Request, serve func(http.ResponseWriter, *http.Request)) *httptest.ResponseRecorder {
	b.t.Helper()
	for _, cookie := range b.jar {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	serve(w, r)
	for _, cookie := range w.Result().Cookies() {
		if b.jar[cookie.Name] = cookie; cookie.MaxAge < 0 {
			delete(b.jar, cookie.Name)
		}
	}
	return w
}

func (b *browser) get(path string, values url.Values) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.visit(httptest.NewRequest(http.MethodGet, issuer+path+"?"+values.Encode(), nil), b.Handler().ServeHTTP)
}

// outcome sends an auth request and says what came of it: "code", "login", or the code of the error.
func (b *browser) outcome(values url.Values) (outcome, code string) {
	b.t.Helper()
	return outcomeOf(b.t, b.get("/authorize", values))
}

func outcomeOf(t testing.TB, w *httptest.ResponseRecorder) (outcome, code string) {
	t.Helper()
	if strings.HasPrefix(w.Header().Get("Location"), "/login/") {
		return "login", ""
	}
	if w.Header().Get("Location") == "" {
		kind, rest, _ := strings.Cut(w.Body.String(), ": ")
		code, _, _ := strings.Cut(rest, ":")
		return kind + " " + code, ""
	}
	_, answer := redirected(t, w)
	if answer.Get("iss") != issuer {
		t.Errorf("an answer without iss: %v", answer)
	}
	if code = answer.Get("code"); code != "" {
		return "code", code
	}
	return answer.Get("error"), ""
}

// logIn takes an auth request through a login and returns the code.
func (b *browser) logIn(values url.Values, who storage.Identity) string {
	b.t.Helper()
	w := b.get("/authorize", values)
	id, ok := strings.CutPrefix(w.Header().Get("Location"), "/login/")
	if !ok {
		b.t.Fatalf("no login: %d %s %s", w.Code, w.Header().Get("Location"), w.Body)
	}
	login, err := b.store.Login(b.t.Context(), id, b.now())
	if err != nil {
		b.t.Fatal(err)
	}
	login = b.complete(login, who)
	_, code := outcomeOf(b.t, b.visit(httptest.NewRequest(http.MethodPost, issuer+"/login/x/done", nil), func(w http.ResponseWriter, r *http.Request) {
		b.Answer(w, r, login)
	}))
	return code
}

// redeem exchanges a code of a client that add has made.
func (b *browser) redeem(client, code string) tokens {
	b.t.Helper()
	r := exchange(code)
	r.SetBasicAuth(client, webSecret)
	w := b.do(r)
	if w.Code != http.StatusOK {
		b.t.Fatalf("token: %d %s", w.Code, w.Body)
	}
	return decode(b.t, w)
}
