package op

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	zop "github.com/zitadel/oidc/v3/pkg/op"

	"brygga/secret"
	"brygga/storage"
)

// challengeBasic goes with every 401 of the token endpoint (RFC 6749 §5.2).
const challengeBasic = `Basic realm="brygga", charset="UTF-8"`

// addressKey is the context key of the address that a token request came from: zop.Request has none.
type addressKey struct{}

// guardToken lets only clean requests pass to the library, which would take every method, parameters from the query, and
// repeated ones: a POST of one form, each parameter once (RFC 6749 §3.2).
func (p *Provider) guardToken(library http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Pragma", "no-cache")
		if w, ok := w.(*response); ok {
			w.challenge = challengeBasic
		}
		if description := p.readTokenForm(w, r); description != "" {
			writeError(w, http.StatusBadRequest, oidc.ErrInvalidRequest().WithDescription("%s", description))
			return
		}
		switch grantType := r.PostForm.Get("grant_type"); {
		case grantType != "" && grantType != string(oidc.GrantTypeCode):
			writeError(w, http.StatusBadRequest, oidc.ErrUnsupportedGrantType().WithDescription("grant_type must be authorization_code"))
			return
		case !readableBasic(r):
			writeError(w, http.StatusUnauthorized, oidc.ErrInvalidClient().WithDescription("client authentication failed"))
			return
		case r.PostForm.Get("client_assertion") != "" || r.PostForm.Get("client_assertion_type") != "":
			writeError(w, http.StatusUnauthorized, oidc.ErrInvalidClient().WithDescription("client assertions are not supported"))
			return
		}
		ctx := context.WithValue(r.Context(), addressKey{}, p.o.ClientIP(r))
		library.ServeHTTP(w, r.WithContext(ctx))
	}
}

// readTokenForm parses the body into r.Form and r.PostForm, drops the query, and returns what is wrong with it.
func (p *Provider) readTokenForm(w http.ResponseWriter, r *http.Request) (fault string) {
	if !isForm(r) {
		return "the content type must be application/x-www-form-urlencoded"
	}
	if r.URL.RawQuery != "" {
		bare := *r.URL
		bare.RawQuery = ""
		r.URL = &bare
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		return "the form cannot be read"
	}
	for _, all := range r.PostForm {
		if len(all) > 1 {
			return "a parameter is given more than once"
		}
	}
	if len(r.Header.Values("Authorization")) > 1 {
		return "more than one Authorization header"
	}
	return ""
}

// readableBasic reports whether client credentials in the header, if there are any, are form-encoded as RFC 6749 §2.3.1 has
// it. The library would answer 400 for those that are not.
func readableBasic(r *http.Request) bool {
	id, password, ok := r.BasicAuth()
	if !ok {
		return true
	}
	_, idFault := url.QueryUnescape(id)
	_, passwordFault := url.QueryUnescape(password)
	return idFault == nil && passwordFault == nil
}

// refuseClient is the answer to every failed client authentication. It does not tell an unknown client from a wrong secret.
func refuseClient() error {
	return zop.NewStatusError(oidc.ErrInvalidClient().WithDescription("client authentication failed"), http.StatusUnauthorized)
}

// nobody stands in for a client that does not exist, so that looking for it takes the time of comparing a secret too. It
// cannot authenticate: no known text has the hash zero.
var nobody = &storage.Client{AuthMethod: storage.AuthMethodBasic, Secrets: []storage.ClientSecret{{}}}

// VerifyClient authenticates the client by exactly the method that it is registered for (OIDC Core §9). The library calls
// it, before anything is looked up for the request.
func (p *Provider) VerifyClient(ctx context.Context, r *zop.Request[zop.ClientCredentials]) (zop.Client, error) {
	method, ok := authMethod(r)
	if !ok {
		return nil, oidc.ErrInvalidRequest().WithDescription("client authentication must use one method")
	}
	record, err := p.o.Store.Client(ctx, r.Data.ClientID)
	if errors.Is(err, storage.ErrNotFound) {
		record = nobody
	} else if err != nil {
		return nil, p.fault(ctx, "read client", err)
	}
	proven := record.Authenticate(secret.New(r.Data.ClientSecret), p.now())
	if record.AuthMethod != method || !proven && method != storage.AuthMethodNone {
		return nil, refuseClient()
	}
	return client{record, p.o.IDTokenLife}, nil
}

// authMethod returns how the request authenticates. It returns false for two methods at once (RFC 6749 §2.3), which
// includes a body that names another client than the header, and for a header of another scheme.
func authMethod(r *zop.Request[zop.ClientCredentials]) (method string, ok bool) {
	inBody := r.Form.Get("client_secret") != ""
	if r.Header.Get("Authorization") != "" {
		_, _, basic := (&http.Request{Header: r.Header}).BasicAuth()
		id := r.Form.Get("client_id")
		return storage.AuthMethodBasic, basic && !inBody && (id == "" || id == r.Data.ClientID)
	}
	if inBody {
		return storage.AuthMethodPost, true
	}
	return storage.AuthMethodNone, true
}
