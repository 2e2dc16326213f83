package op

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// errNoToken answers a request without an access token.
var errNoToken = newError(errInvalidToken, "an access token is needed")

// userClaims is the answer of userinfo (OIDC Core §5.3.2). A signed one names issuer and audience.
type userClaims struct {
	Issuer        string   `json:"iss,omitempty"`
	Subject       string   `json:"sub"`
	Audience      string   `json:"aud,omitempty"`
	AuthTime      int64    `json:"auth_time,omitempty"`
	ACR           string   `json:"acr,omitempty"`
	AMR           []string `json:"amr,omitempty"`
	TransactionID string   `json:"txn,omitempty"`
	personClaims
}

// serveUserinfo is the userinfo endpoint (OIDC Core §5.3).
func (p *Provider) serveUserinfo(w http.ResponseWriter, r *http.Request) {
	text, fault := bearerToken(w, r)
	switch {
	case fault != "":
		p.refuseToken(w, r, invalid(fault))
		return
	case text.IsZero():
		p.refuseToken(w, r, errNoToken)
		return
	}
	token, grant, err := p.findAccessToken(r.Context(), text.Reveal())
	var client *storage.Client
	if err == nil {
		client, err = p.o.Store.Client(r.Context(), grant.ClientID)
	}
	noteClient(w, client)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		p.refuseToken(w, r, newError(errInvalidToken, "the access token is unknown, expired or revoked"))
	case err != nil:
		writeError(w, p.fault(r.Context(), "read access token", err))
	case !p.isForUs(token.Resources):
		p.refuseToken(w, r, newError(errInvalidToken, "the access token is meant for another resource"))
	case !hasScope(token.Scopes, oidc.ScopeOpenID):
		p.refuseToken(w, r, newError(errInsufficientScope, "scope openid was not granted"))
	default:
		if refusal := p.spend(client, p.o.ClientIP(r)); refusal != nil {
			writeError(w, refusal)
			return
		}
		p.sendClaims(w, r, client, p.userClaims(client, grant, token.Scopes))
	}
}

// refuseToken answers a request whose access token does not do, or is missing, and counts it for the address. Who has had too many
// refused is not told why.
func (p *Provider) refuseToken(w http.ResponseWriter, r *http.Request, e *oauthError) {
	p.limits.addresses.Charge(p.o.ClientIP(r), 1)
	if w, ok := w.(*response); ok && w.over != nil {
		e = tooMany(w.over)
	}
	writeError(w, e)
}

// userClaims returns what the client may know of the person.
func (p *Provider) userClaims(client *storage.Client, grant *storage.Grant, scopes []string) *userClaims {
	_, set := claimsFor(client, grant, scopes)
	c := &userClaims{Subject: grant.Subject, personClaims: p.claimsOf(client, grant, set)}
	if set&claimAuthTime != 0 {
		c.AuthTime = grant.AuthTime.Unix()
	}
	if set&claimACR != 0 {
		c.ACR = grant.ACR
	}
	if set&claimAMR != 0 {
		c.AMR = grant.AMR
	}
	if set&claimTransactionID != 0 {
		c.TransactionID = grant.TransactionID
	}
	return c
}

// sendClaims sends the claims in the form that the client is registered for, whatever it says it accepts (OIDC Core §5.3.2): as
// JSON, signed, encrypted, or both.
func (p *Provider) sendClaims(w http.ResponseWriter, r *http.Request, client *storage.Client, claims *userClaims) {
	signed, encrypted := client.UserinfoAlg != "", client.UserinfoEncryption.Alg != ""
	if !signed && !encrypted {
		w.Header()["Content-Type"] = headerJSON
		json.NewEncoder(w).Encode(claims)
		return
	}
	if signed {
		claims.Issuer, claims.Audience = p.o.Issuer, client.ID
	}
	body, err := p.encloseClaims(r.Context(), client, claims)
	if err != nil {
		writeError(w, p.fault(r.Context(), "sign or encrypt userinfo", err))
		return
	}
	w.Header().Set("Content-Type", "application/jwt")
	io.WriteString(w, body)
}

func (p *Provider) encloseClaims(ctx context.Context, client *storage.Client, claims *userClaims) (string, error) {
	body, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	if client.UserinfoAlg == "" {
		return p.encrypt(ctx, client, client.UserinfoEncryption, body, "")
	}
	signed, err := p.o.Keys.Sign(ctx, client.UserinfoAlg, "JWT", body)
	if err != nil || client.UserinfoEncryption.Alg == "" {
		return signed, err
	}
	return p.encryptTo(ctx, client, client.UserinfoEncryption, signed)
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
