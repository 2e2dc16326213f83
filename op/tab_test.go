package op

import (
	"crypto/ecdsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"brygga/secret"
	"brygga/storage"
)

// The clients of the group hr share a session, that of the group pay has one of its own.
func groupClients() []storage.Client {
	client := storage.Client{
		AuthMethod: storage.AuthMethodNone, RedirectURIs: []string{callback}, PostLogoutRedirectURIs: []string{bye}, IDTokenAlg: storage.ES256,
		SubjectType: storage.SubjectPairwise, Scopes: []string{"offline_access"},
	}
	a, b, c := client, client, client
	a.ID, a.SessionGroup, a.CustomIdentifier = "hr-a", "hr", "tag-hr"
	b.ID, b.SessionGroup, b.IDTokenAlg = "hr-b", "hr", storage.RS256
	c.ID, c.SessionGroup, c.SubjectType = "pay", "pay", storage.SubjectPublic
	return []storage.Client{a, b, c}
}

// otherNumber is another person's than number.
var otherNumber = secret.New("199001012384")

const bye = "https://app.example.se/bye"

// tab is a browser with cookies at the provider.
type tab struct {
	*harness
	cookies map[string]string
}

// newTab adds the clients of groupClients, as change makes them, and opens a browser.
func (h *harness) newTab(change func(*storage.Client)) *tab {
	h.t.Helper()
	for _, c := range groupClients() {
		if change != nil {
			change(&c)
		}
		if err := h.store.CreateClient(h.t.Context(), c); err != nil {
			h.t.Fatal(err)
		}
	}
	return h.openTab()
}

// openTab opens another browser.
func (h *harness) openTab() *tab { return &tab{h, make(map[string]string)} }

// send serves a request with the browser's cookies, and keeps those of the answer.
func (b *tab) send(r *http.Request, serve http.HandlerFunc) *httptest.ResponseRecorder {
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	serve(w, r)
	for _, cookie := range w.Result().Cookies() {
		if b.cookies[cookie.Name] = cookie.Value; cookie.MaxAge < 0 {
			delete(b.cookies, cookie.Name)
		}
	}
	return w
}

func (b *tab) get(path string, values url.Values) *httptest.ResponseRecorder {
	return b.send(httptest.NewRequest(http.MethodGet, issuer+path+"?"+values.Encode(), nil), b.Handler().ServeHTTP)
}

func (b *tab) post(path string, values url.Values, header ...string) *httptest.ResponseRecorder {
	r := formRequest(path, values)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return b.send(r, b.Handler().ServeHTTP)
}

// logIn gets the client its tokens: out of the browser's session where there is one that serves, else by a login.
func (b *tab) logIn(clientID string, pairs ...string) tokens {
	b.t.Helper()
	w := b.get("/authorize", params(clientID, callback, append([]string{"scope", "openid"}, pairs...)...))
	if id, ok := strings.CutPrefix(w.Header().Get("Location"), "/login/"); ok {
		login, err := b.store.Login(b.t.Context(), id, b.now())
		if err != nil {
			b.t.Fatal(err)
		}
		login = b.complete(login, person)
		done := httptest.NewRequest(http.MethodPost, issuer+"/login/"+id+"/done", nil)
		w = b.send(done, func(w http.ResponseWriter, r *http.Request) { b.Answer(w, r, login) })
	}
	_, answer := redirected(b.t, w)
	w = b.do(formRequest("/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {clientID}, "code": {answer.Get("code")}, "redirect_uri": {callback},
		"code_verifier": {verifier},
	}))
	if w.Code != http.StatusOK {
		b.t.Fatalf("%s: no tokens: %d %s, after %v", clientID, w.Code, w.Body, answer)
	}
	return decode(b.t, w)
}

// signedIn reports whether the client gets an answer without a login.
func (b *tab) signedIn(clientID string) bool {
	b.t.Helper()
	_, answer := redirected(b.t, b.get("/authorize", params(clientID, callback, "scope", "openid", "prompt", "none")))
	return answer.Get("code") != ""
}

// alive reports whether an access token works.
func (h *harness) alive(t testing.TB, token string) bool {
	t.Helper()
	status, _ := h.userinfo(token)
	return status == http.StatusOK
}

// encryptedToUs returns the text as a client encrypts it to the key that it finds in our JWKS.
func encryptedToUs(t testing.TB, text string) string {
	t.Helper()
	document, err := ring.JWKS(t.Context())
	var set jose.JSONWebKeySet
	if err == nil {
		err = json.Unmarshal(document.JSON, &set)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range set.Keys {
		if _, ec := key.Key.(*ecdsa.PublicKey); key.Use != "enc" || !ec {
			continue
		}
		encrypter, err := jose.NewEncrypter(jose.A128GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: key.Key, KeyID: key.KeyID}, nil)
		if err != nil {
			t.Fatal(err)
		}
		jwe, err := encrypter.Encrypt([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if text, err = jwe.CompactSerialize(); err != nil {
			t.Fatal(err)
		}
		return text
	}
	t.Fatal("the JWKS has no key to encrypt to")
	return ""
}
