package op

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

// change alters a client of the harness.
func (h *harness) change(id string, alter func(*storage.Client)) {
	h.t.Helper()
	client, err := h.store.Client(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	changed := *client
	alter(&changed)
	if err := h.store.UpdateClient(h.t.Context(), changed); err != nil {
		h.t.Fatal(err)
	}
}

// offline lets a client have refresh tokens.
func (h *harness) offline(id string) {
	h.t.Helper()
	h.change(id, func(c *storage.Client) { c.Scopes = append(slices.Clone(c.Scopes), "offline_access") })
}

// codeFor returns the code of client web for a request and a person. It begins after the authorization endpoint, so that a
// test may choose what that has let pass.
func (h *harness) codeFor(identity storage.Identity, scopes []string, alter func(*storage.AuthRequest)) string {
	h.t.Helper()
	now := h.now()
	login := storage.Login{
		ID: storage.NewID(), State: storage.LoginOpen, Revision: 1, Created: now, Expires: now.Add(time.Hour), Request: &storage.AuthRequest{
			ClientID: "web", RedirectURI: callback, ResponseMode: modeQuery, Scopes: scopes, CodeChallenge: challenge43, Nonce: "n-1",
		},
	}
	if alter != nil {
		alter(login.Request)
	}
	if err := h.store.CreateLogin(h.t.Context(), login); err != nil {
		h.t.Fatal(err)
	}
	_, answer := redirected(h.t, h.answer(h.complete(&login, identity)))
	return answer.Get("code")
}

// grantTokens redeems such a code.
func (h *harness) grantTokens(scopes []string, alter func(*storage.AuthRequest)) tokens {
	h.t.Helper()
	return h.ok(exchange(h.codeFor(person, scopes, alter)))
}

// ok returns the tokens of a request that succeeds.
func (h *harness) ok(r *http.Request) tokens {
	h.t.Helper()
	w := h.do(r)
	if w.Code != http.StatusOK {
		h.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return decode(h.t, w)
}

// refused demands that a request fails with the error.
func (h *harness) refused(what string, r *http.Request, status int, code string) {
	h.t.Helper()
	w := h.do(r)
	answer := decode(h.t, w)
	if w.Code != status || answer.Error != code || answer.AccessToken != "" || w.Header().Get("Cache-Control") != "no-store" {
		h.t.Errorf("%s: %d %s, want %d %s", what, w.Code, w.Body, status, code)
	}
}

// asWeb returns a posted form of client web.
func asWeb(path string, values url.Values) *http.Request {
	r := formRequest(path, values)
	r.SetBasicAuth("web", webSecret)
	return r
}

// asPost returns a posted form of client post.
func asPost(path string, values url.Values) *http.Request {
	return formRequest(path, with(maps.Clone(values), "client_id", "post", "client_secret", "post-secret"))
}

// refreshing returns a request of client web for the tokens that follow a refresh token.
func refreshing(token string, pairs ...string) *http.Request {
	return asWeb("/token", with(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, pairs...))
}

// header returns the header of a JWS without looking at its signature.
func header(t testing.TB, token string) (h struct{ Alg, Typ, Kid string }) {
	t.Helper()
	first, _, _ := strings.Cut(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil || json.Unmarshal(text, &h) != nil {
		t.Fatalf("no header: %s", first)
	}
	return h
}
