package op

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"brygga/limit"
	"brygga/secret"
	"brygga/storage"
)

const (
	// pushedPrefix begins the request_uri of a pushed request (RFC 9126 §2.2).
	pushedPrefix = "urn:ietf:params:oauth:request_uri:"
	// pushedLife is how long a pushed request waits for its browser.
	pushedLife = time.Minute
)

// pushedResponse is the answer of the pushed authorization request endpoint (RFC 9126 §2.2).
type pushedResponse struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int64  `json:"expires_in"`
}

// servePAR is the pushed authorization request endpoint (RFC 9126 §2). It makes all checks that the authorization endpoint makes,
// so that whatever is wrong is told to the client and not to its users. guardForm has read the form.
func (p *Provider) servePAR(w http.ResponseWriter, r *http.Request) {
	client, failed := p.authenticate(r)
	noteClient(w, client)
	if failed != nil {
		writeError(w, failed)
		return
	}
	if err := p.countPublic(client, addressOf(r.Context()), r.PostForm); err != nil {
		writeError(w, tooMany(err))
		return
	}
	values, err := p.readPushed(r.Context(), client, r.PostForm)
	var refusal *oauthError
	if errors.As(err, &refusal) {
		writeError(w, refusal)
		return
	} else if err != nil {
		writeError(w, p.fault(r.Context(), "read pushed request", err))
		return
	}
	stranger := ""
	if client.Public() {
		stranger = addressOf(r.Context())
	}
	uri, err := p.push(r.Context(), client, stranger, values)
	var over *limit.Error
	switch {
	case errors.As(err, &over):
		writeError(w, tooMany(over))
		return
	case err != nil:
		writeError(w, p.fault(r.Context(), "store pushed request", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(pushedResponse{RequestURI: uri, ExpiresIn: int64(pushedLife / time.Second)})
}

// readPushed returns the parameters of a pushed request, checked. Beside a request object nothing counts (RFC 9126 §3).
func (p *Provider) readPushed(ctx context.Context, client *storage.Client, form url.Values) (url.Values, error) {
	if form.Get("request_uri") != "" {
		return nil, invalid("request_uri must not be pushed")
	}
	values, err := p.withObject(ctx, client, form, true)
	if err != nil {
		return nil, err
	}
	if _, refusal := proveRedirect(client, values); refusal != nil {
		return nil, refusal
	}
	if _, refusal := p.checkRequest(client, values); refusal != nil {
		return nil, refusal
	}
	return values, nil
}

// countPublic counts what must be decrypted to read what was pushed in the name of a public client: anybody may have done so.
func (p *Provider) countPublic(client *storage.Client, address string, form url.Values) error {
	if !client.Public() {
		return nil
	}
	return p.countDecryption(address, form.Get("request"), form.Get("id_token_hint"), form.Get(paramSignRequest))
}

// push stores checked parameters and returns the request_uri that stands for them once. What has not been proven to be the client's is
// counted for the address that it came from; it returns a *limit.Error when that has too much in the store.
func (p *Provider) push(ctx context.Context, client *storage.Client, stranger string, values url.Values) (string, error) {
	kept := map[string][]string{paramResource: values[paramResource]}
	for _, known := range authorizeLimits {
		if value := values.Get(known.name); value != "" && known.name != "client_id" {
			kept[known.name] = []string{value}
		}
	}
	reference := storage.NewToken()
	request := storage.PushedRequest{
		Hash: storage.TokenHash(secret.New(reference)), ClientID: client.ID, Values: kept, Expires: p.now().Add(pushedLife),
	}
	if stranger != "" {
		if err := p.countStored(stranger, request.Size()); err != nil {
			return "", err
		}
	}
	err := p.o.Store.PushRequest(ctx, request)
	return pushedPrefix + reference, err
}

// takePushed returns the parameters that a request_uri stands for. They were checked when they were stored; a client can name
// nothing that it has not pushed itself, as other addresses are never fetched.
func (p *Provider) takePushed(ctx context.Context, client *storage.Client, uri string) (url.Values, error) {
	reference, ok := strings.CutPrefix(uri, pushedPrefix)
	if !ok {
		return nil, newError("request_uri_not_supported", "request_uri must come from a pushed request")
	}
	pushed, err := p.o.Store.TakePushedRequest(ctx, storage.TokenHash(secret.New(reference)), client.ID, p.now())
	if errors.Is(err, storage.ErrNotFound) {
		return nil, errUsedReference
	}
	if err != nil {
		return nil, err
	}
	return pushed.Values, nil
}

// errUsedReference answers a request_uri that stands for nothing, or for nothing any more.
var errUsedReference = newError("invalid_request_uri", "request_uri is unknown, used, expired, or another client's")

// pushedLogin returns the ID of the login that a pushed request begins, empty for a request of another kind. So the browser that has used the
// request_uri finds back to it when it loads the address again, which RFC 9126 §4 asks to allow for, and nobody else does.
func pushedLogin(sent url.Values) string {
	uri, _ := single(sent, "request_uri")
	reference, ok := strings.CutPrefix(uri, pushedPrefix)
	if !ok {
		return ""
	}
	hash := sha256.Sum256([]byte("login of a pushed request\x00" + reference))
	return base64.RawURLEncoding.EncodeToString(hash[:16])
}
