package op

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/secret"
	"brygga/storage"
)

// The errors of protected resources (RFC 6750 §3.1) that the library has no names for.
const (
	errInvalidToken      = "invalid_token"
	errInsufficientScope = "insufficient_scope"
)

// userClaims is the answer of userinfo (OIDC Core §5.3.2).
type userClaims struct {
	Subject string `json:"sub"`
	personClaims
}

// serveUserinfo is the userinfo endpoint (OIDC Core §5.3). It knows opaque tokens by their hash, so an ID token, or any
// other text, is no access token.
func (p *Provider) serveUserinfo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	token, fault := bearerToken(w, r)
	switch {
	case fault != "":
		challenge(w, http.StatusBadRequest, string(oidc.InvalidRequest), fault)
		return
	case token.IsZero():
		challenge(w, http.StatusUnauthorized, "", "an access token is needed")
		return
	}
	_, grant, err := p.o.Store.AccessToken(r.Context(), token.Hash(), p.now())
	if errors.Is(err, storage.ErrNotFound) {
		challenge(w, http.StatusUnauthorized, errInvalidToken, "the access token is unknown, expired or revoked")
		return
	} else if err != nil {
		writeError(w, http.StatusInternalServerError, p.fault(r.Context(), "read access token", err))
		return
	}
	if !hasScope(grant.Scopes, oidc.ScopeOpenID) {
		challenge(w, http.StatusForbidden, errInsufficientScope, "scope openid was not granted")
		return
	}
	client, err := p.o.Store.Client(r.Context(), grant.ClientID)
	if errors.Is(err, storage.ErrNotFound) {
		challenge(w, http.StatusUnauthorized, errInvalidToken, "the access token is unknown, expired or revoked")
		return
	} else if err != nil {
		writeError(w, http.StatusInternalServerError, p.fault(r.Context(), "read client", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(&userClaims{Subject: grant.Subject, personClaims: personOf(client, grant)})
}

// bearerToken returns the access token of a request, from the header or from a posted form (RFC 6750 §2.1, §2.2), or what is
// wrong with the request. A token in the URL is refused (RFC 9700 §4.3.2), and so are two at once.
func bearerToken(w http.ResponseWriter, r *http.Request) (token secret.String, fault string) {
	var tokens []string
	for _, value := range r.Header.Values("Authorization") {
		scheme, rest, _ := strings.Cut(value, " ")
		if !strings.EqualFold(scheme, oidc.BearerToken) {
			return secret.String{}, "the Authorization header must be of scheme Bearer"
		}
		tokens = append(tokens, strings.TrimSpace(rest))
	}
	if strings.Contains(r.URL.RawQuery, "access_token") {
		return secret.String{}, "an access token must not stand in the URL"
	}
	if r.Method == http.MethodPost && isForm(r) {
		values, err := readParams(w, r)
		if err != nil {
			return secret.String{}, "the form cannot be read"
		}
		tokens = append(tokens, values["access_token"]...)
	}
	switch {
	case len(tokens) == 0:
		return secret.String{}, ""
	case len(tokens) > 1:
		return secret.String{}, "more than one access token"
	case tokens[0] == "":
		return secret.String{}, "the access token is empty"
	}
	return secret.New(tokens[0]), ""
}

// challenge writes an error of a protected resource: in the WWW-Authenticate header, and as JSON for those who read that
// (RFC 6750 §3). A request without a token is told no error code.
func challenge(w http.ResponseWriter, status int, code, description string) {
	header := `Bearer realm="brygga"`
	if code != "" {
		header += `, error="` + code + `", error_description="` + description + `"`
	} else {
		code = errInvalidToken
	}
	w.Header().Set("WWW-Authenticate", header)
	e := &oidc.Error{Description: description}
	switch code {
	case errInvalidToken:
		e.ErrorType = errInvalidToken
	case errInsufficientScope:
		e.ErrorType = errInsufficientScope
	default:
		e.ErrorType = oidc.InvalidRequest
	}
	writeError(w, status, e)
}
