package op

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/storage"
)

// logoutParams are the parameters of a logout request that are read; each may stand once.
var logoutParams = [...]string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales"}

// hintClaims are the claims of an ID token that comes back as a hint. The library's own audience type panics on an array
// that holds something other than strings; jwt.Audience returns an error.
type hintClaims struct {
	Issuer    string       `json:"iss"`
	Audience  jwt.Audience `json:"aud"`
	SessionID string       `json:"sid"`
}

// serveLogout is the logout endpoint (OpenID Connect RP-Initiated Logout §2). An ID token of ours, expired or not, is the
// proof that its holder may end the session it names; without one nothing is revoked. There is no session in the browser
// that would have to end.
func (p *Provider) serveLogout(w http.ResponseWriter, r *http.Request) {
	values, err := readParams(w, r)
	if err != nil {
		p.showError(w, r, http.StatusBadRequest, "the parameters cannot be read")
		return
	}
	for _, name := range logoutParams {
		if value, once := single(values, name); !once || !isText(value) {
			p.showError(w, r, http.StatusBadRequest, name+" is given more than once or has characters that are not allowed")
			return
		}
	}
	hint, ok := p.readHint(values.Get("id_token_hint"))
	if !ok {
		p.showError(w, r, http.StatusBadRequest, "id_token_hint is not an ID token of this provider")
		return
	}
	client, ok := p.logoutClient(w, r, values.Get("client_id"), hint)
	if !ok {
		return
	}
	uri := values.Get("post_logout_redirect_uri")
	if uri != "" && (client == nil || !matchURI(client.PostLogoutRedirectURIs, uri, client.Native)) {
		p.showError(w, r, http.StatusBadRequest, "post_logout_redirect_uri is not one that the client has registered")
		return
	}
	if hint.SessionID != "" {
		if _, err := p.o.Store.EndSessionID(r.Context(), hint.SessionID, p.now()); err != nil {
			p.showFault(w, r, "end session", err)
			return
		}
	}
	if uri == "" {
		p.o.Pages.ShowLoggedOut(w, r, client)
		return
	}
	answer := url.Values{}
	if state := values.Get("state"); state != "" {
		answer.Set("state", state)
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	redirect(w, r, uri, answer)
}

// readHint returns the claims of an ID token hint; no hint is fine and has none. It returns false for a text that is not an
// ID token which we signed for exactly one client.
func (p *Provider) readHint(hint string) (claims hintClaims, ok bool) {
	if hint == "" {
		return hintClaims{}, true
	}
	payload, err := p.o.Keys.Verify(hint)
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return hintClaims{}, false
	}
	return claims, claims.Issuer == p.o.Issuer && len(claims.Audience) == 1
}

// logoutClient returns the client that a logout request names, nil if it names none. When it cannot be, or when the hint was
// made for another, it shows an error page and returns false.
func (p *Provider) logoutClient(w http.ResponseWriter, r *http.Request, id string, hint hintClaims) (*storage.Client, bool) {
	if len(hint.Audience) == 1 {
		if id != "" && id != hint.Audience[0] {
			p.showError(w, r, http.StatusBadRequest, "id_token_hint was made for another client than client_id")
			return nil, false
		}
		id = hint.Audience[0]
	}
	if id == "" {
		return nil, true
	}
	client, err := p.o.Store.Client(r.Context(), id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		setOutcome(w, string(oidc.InvalidClient))
		p.o.Pages.ShowError(w, r, http.StatusBadRequest, string(oidc.InvalidClient), "no client is registered with this client_id")
		return nil, false
	case err != nil:
		p.showFault(w, r, "read client", err)
		return nil, false
	}
	return client, true
}
