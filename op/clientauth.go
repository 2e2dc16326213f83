package op

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/limit"
	"brygga/secret"
	"brygga/storage"
)

// challengeBasic goes with every 401 of an endpoint that authenticates clients: a 401 must have a challenge (RFC 9110 §15.5.2),
// and this is the one scheme for clients (RFC 6749 §5.2).
const challengeBasic = `Basic realm="brygga", charset="UTF-8"`

// maxClientID is the most bytes that a client_id has.
const maxClientID = 128

// failure is why a client could not be authenticated: a fixed text for the log, which the client never gets.
type failure string

// mistake is a failure that can be seen from the request alone. The client gets it, as it tells nothing of any client.
type mistake string

// Error returns the reason.
func (f failure) Error() string { return string(f) }

// Error returns what is wrong with the request.
func (m mistake) Error() string { return string(m) }

// refuseClient is the answer to a client authentication that failed for that reason, which stays in the log. It does not tell an
// unknown client from a wrong secret.
func refuseClient(why failure) *oauthError {
	e := newError(oidc.InvalidClient, "client authentication failed")
	e.cause = string(why)
	return e
}

// misplaced is the answer to a client that has proven itself by its secret, but sent that where it is not registered to. Only who has
// the secret learns of it.
func misplaced(registered string) *oauthError {
	sent := map[string]string{storage.AuthMethodBasic: "in the form", storage.AuthMethodPost: "in the Authorization header"}[registered]
	return newError(oidc.InvalidClient, "the client is registered for "+registered+", and its secret was sent "+sent)
}

// nobody stands in for a client that does not exist, so that looking for it takes the time of comparing a secret too.
var nobody = &storage.Client{Secrets: []storage.ClientSecret{{}}}

// credentials are what a request brings to prove which client sends it.
type credentials struct {
	method    string
	clientID  string
	secrets   [2]secret.String // the secret, and how else it may be meant
	assertion assertion
}

// authenticate returns the client that sent a POSTed form, by exactly the method that it is registered for (OIDC Core §9). A
// public client only says who it is, which is not enough for introspection (RFC 7662 §2.1). The form has passed guardForm.
// Errors are for writeError: invalid_client for all that fails, invalid_request for two methods at once (RFC 6749 §5.2), and
// one with status 429 beyond a limit. What the client has proven counts for it, all else for the network address: whoever proves
// to be a client passes the limits of the address that it comes from. A client that is refused is returned for the log, if it exists.
func (p *Provider) authenticate(r *http.Request) (*storage.Client, *oauthError) {
	ctx := r.Context()
	origin := originOf(ctx)
	c, err := readCredentials(r)
	who := attempt{limit.Network(origin.address), c.clientID}
	over := cmp.Or(origin.over, p.limits.failures.Check(who))
	if err != nil {
		return nil, p.deny(ctx, who, over, nil, err)
	}
	client, err := p.prove(ctx, &c, r.URL.Path)
	if err != nil {
		return client, p.deny(ctx, who, over, client, err)
	}
	if client.Public() {
		if origin.over != nil {
			return client, tooMany(origin.over)
		}
		p.limits.addresses.Charge(origin.address, 1)
	}
	if refusal := p.spend(client, origin.address); refusal != nil {
		return client, refusal
	}
	if !client.AuthenticatesBy(c.method) {
		return client, misplaced(client.AuthMethod)
	}
	return client, nil
}

// deny counts and records that somebody has not proven to be a client, which is nil when it is unknown, and returns what they may
// know of err: a failure, a mistake, an *oauthError, or a fault of ours, which counts for nobody. Who is over a limit is told no more than
// that.
func (p *Provider) deny(ctx context.Context, who attempt, over error, client *storage.Client, err error) *oauthError {
	var (
		why     failure
		what    mistake
		refusal *oauthError
	)
	switch {
	case errors.As(err, &why):
		p.noteFailure(ctx, who, client, string(why))
		refusal = refuseClient(why)
	case errors.As(err, &what):
		p.noteFailure(ctx, who, client, string(what))
		refusal = newError(oidc.InvalidClient, string(what))
	case errors.As(err, &refusal):
		p.limits.addresses.Charge(addressOf(ctx), 1)
	default:
		return p.fault(ctx, "authenticate client", err)
	}
	if over != nil {
		return tooMany(over)
	}
	return refusal
}

// readCredentials returns what the request brings. It brings one method at most (RFC 6749 §2.3), and the client_id in the body,
// if there is one, names the same client.
func readCredentials(r *http.Request) (c credentials, err error) {
	form := r.PostForm
	header := r.Header.Get("Authorization")
	asserted := form.Get("client_assertion") != "" || form.Get("client_assertion_type") != ""
	posted := form.Get("client_secret") != ""
	if header != "" && (asserted || posted) || asserted && posted {
		return c, invalid("client authentication must use one method")
	}
	c.method, c.clientID = storage.AuthMethodNone, form.Get("client_id")
	switch named := c.clientID; {
	case header != "":
		if err = c.readBasic(r); err == nil && named != "" && named != c.clientID {
			err = invalid("client_id is not the authenticated client")
		}
	case asserted:
		c.method = storage.AuthMethodPrivateKey
		c.assertion, c.clientID, err = readAssertion(form.Get("client_assertion"), form.Get("client_assertion_type"))
		if err == nil && named != "" && named != c.clientID {
			err = mistake("client_assertion: made by another client than client_id")
		}
	case posted:
		c.method, c.secrets[0] = storage.AuthMethodPost, secret.New(form.Get("client_secret"))
	}
	if len(c.clientID) > maxClientID {
		c.clientID = ""
	}
	if err == nil && c.clientID == "" {
		err = mistake("the request names no client: client_id is missing or too long")
	}
	return c, err
}

// readBasic reads the Authorization header. ID and secret stand there form-encoded (RFC 6749 §2.3.1), which many clients do not
// know: the secret may stand there as it is, too. An empty secret is none: who has none may leave it out or send that (§2.3.1).
func (c *credentials) readBasic(r *http.Request) error {
	id, password, ok := basicAuth(r.Header.Get("Authorization"))
	if !ok {
		return mistake("the Authorization header is not Basic with client_id and client_secret")
	}
	if c.clientID = id; password == "" {
		c.method = storage.AuthMethodNone
	} else {
		c.method, c.secrets[0] = storage.AuthMethodBasic, secret.New(password)
	}
	if decoded, err := url.QueryUnescape(id); err == nil {
		c.clientID = decoded // no ID has a character that would be encoded
	}
	if decoded, err := url.QueryUnescape(password); err == nil && decoded != password {
		c.secrets[1] = secret.New(decoded)
	}
	return nil
}

// basicAuth returns the user-id and the password of Basic credentials (RFC 7617 §2). Unlike net/http it takes several spaces behind the
// scheme (RFC 9110 §11.4) and base64 without its padding, which some libraries send.
func basicAuth(header string) (id, password string, ok bool) {
	scheme, encoded, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimLeft(encoded, " "), "="))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(text), ":")
}

// prove returns nil if the credentials prove the client, by a method that it is registered for or by its secret in the wrong place. Else
// the error is a failure, a mistake, or a fault of ours. The client is returned if it exists, proven or not.
func (p *Provider) prove(ctx context.Context, c *credentials, endpoint string) (*storage.Client, error) {
	now := p.now()
	if c.method == storage.AuthMethodPrivateKey {
		if err := p.checkAssertion(&c.assertion.claims, endpoint, now); err != nil {
			return nil, err
		}
	}
	client, err := p.o.Store.Client(ctx, c.clientID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		nobody.Authenticate(c.secrets[0], now)
		return nil, failure("unknown client")
	case err != nil:
		return nil, fmt.Errorf("read client: %w", err)
	case !client.AuthenticatesBy(c.method) && (c.secrets[0].IsZero() || !client.AuthenticatesBySecret()):
		return client, failure("another method than the registered one: " + c.method + " instead of " + client.AuthMethod)
	case client.Public() && endpoint == pathIntrospect:
		return client, failure("a public client has no credentials")
	case client.Public():
		return client, nil
	case c.method == storage.AuthMethodPrivateKey:
		return client, p.proveAssertion(ctx, client, c.assertion)
	}
	used := client.SecretOf(c.secrets[0], now)
	if used == nil && !c.secrets[1].IsZero() {
		used = client.SecretOf(c.secrets[1], now)
	}
	if used == nil {
		return client, failure("wrong secret")
	}
	if p.o.SecretUsed != nil {
		p.o.SecretUsed(client, used.Created)
	}
	return client, nil
}
