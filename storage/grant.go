package storage

import (
	"crypto/subtle"
	"slices"
	"time"
)

// Grant is what a client got from one login: the claims it may have, and the codes and tokens that stand for them.
type Grant struct {
	ID       string
	ClientID string
	// SessionID is the sid of its ID tokens (OpenID Connect Front-Channel Logout §3).
	SessionID string
	// TransactionID is the txn claim: the client's own name of the login. The audit log says which login it is.
	TransactionID string
	Subject       string
	Scopes        []string
	Nonce         string
	ACR           string
	AMR           []string
	AuthTime      time.Time
	Identity      Identity
	// EvidenceID names the record of the signature that the grant hands out, empty for none.
	EvidenceID string
	// Session is the ID of the browser's session that the grant belongs to, empty for none.
	Session string
	// Claims are the claims that were asked for one by one.
	Claims ClaimsRequest
	// Resources are the resource indicators that were granted (RFC 8707 §2), empty for none.
	Resources []string
	// Offline says that refresh tokens stand for the grant, and that it outlives the session (OIDC Core §11).
	Offline bool
	// Backchannel says that the client is to be told when its session ends.
	Backchannel bool
	Created     time.Time
	// Expires is when the grant ends, and with it all that stands for it.
	Expires time.Time
	// Revoked is when the grant was withdrawn; the zero time means that it stands.
	Revoked time.Time
}

// Live reports whether the grant stands at now.
func (g *Grant) Live(now time.Time) bool { return g.Revoked.IsZero() && now.Before(g.Expires) }

// Code is what is stored of an authorization code: the hash of 256 random bits and all that it is bound to.
type Code struct {
	Hash     [32]byte  `json:"hash"`
	GrantID  string    `json:"grant_id"`
	ClientID string    `json:"client_id"`
	Redirect string    `json:"redirect_uri"`
	Expires  time.Time `json:"expires"`
	// Challenge is the PKCE S256 code challenge (RFC 7636 §4.2), empty if none was sent.
	Challenge string `json:"challenge,omitempty"`
	// Resources are the grant's.
	Resources []string `json:"resources,omitempty"`
	// Spent is when the code was redeemed. A spent code is kept as long as its grant, so that a replay is known as one.
	Spent time.Time `json:"spent,omitzero"`
}

// Redemption is what a client presents to redeem a code, and the access token that it shall get.
type Redemption struct {
	CodeHash    [32]byte
	ClientID    string
	RedirectURI string
	// Challenge is the S256 challenge made from the presented code verifier, empty if none was presented.
	Challenge string
	// Resources are those that the access token is wanted for; empty means all that were granted.
	Resources []string
	Token     AccessToken
	// Refresh is stored too when the grant is an offline one.
	Refresh RefreshToken
	Now     time.Time
}

// Redeem returns the code as it is once spent. It is a rule, not a step: backends call it inside RedeemCode and return its
// errors, which are those of [Grants]. A client that is not the code's learns nothing but ErrNotFound, spent or not.
func (c Code) Redeem(r Redemption) (Code, error) {
	if c.ClientID != r.ClientID {
		return c, ErrNotFound
	}
	if !c.Spent.IsZero() {
		return c, &CodeReusedError{GrantID: c.GrantID}
	}
	if !r.Now.Before(c.Expires) {
		return c, ErrNotFound
	}
	if c.Redirect != r.RedirectURI || subtle.ConstantTimeCompare([]byte(c.Challenge), []byte(r.Challenge)) != 1 {
		return c, ErrMismatch
	}
	for _, resource := range r.Resources {
		if !slices.Contains(c.Resources, resource) {
			return c, ErrTarget
		}
	}
	c.Spent = r.Now
	return c, nil
}

// Live reports whether the code can be redeemed at now, as far as the code is concerned.
func (c Code) Live(now time.Time) bool { return c.Spent.IsZero() && now.Before(c.Expires) }

// Replaced returns the code that takes the place of c, which then is none any more: bound to the same in everything, with a hash and an
// end of its own. It returns ErrConflict when c has been redeemed or has expired.
func (c Code) Replaced(hash [32]byte, expires, now time.Time) (Code, error) {
	if !c.Live(now) {
		return c, ErrConflict
	}
	c.Hash, c.Expires = hash, expires
	return c, nil
}

// AccessToken is what is stored of an access token: the hash of 256 random bits, which are the token itself or the jti of a
// JWT (RFC 9068 §2.2).
type AccessToken struct {
	Hash    [32]byte  `json:"hash"`
	GrantID string    `json:"grant_id"`
	Issued  time.Time `json:"issued,omitzero"`
	Expires time.Time `json:"expires"`
	// Scopes are those of the token, nil for the grant's.
	Scopes []string `json:"scopes,omitempty"`
	// Resources are those that it is meant for (RFC 8707 §2.2), nil for the grant's.
	Resources []string `json:"resources,omitempty"`
}

// SigningKey is one key of the provider, for signing tokens or for decrypting what clients encrypt to it, with its place in
// the rotation. Times are zero while they lie in an unknown future.
type SigningKey struct {
	// ID is the kid of the JWKS.
	ID string `json:"id"`
	// Algorithm is one of the JWS algorithms named in this package, or RSA-OAEP or ECDH-ES for a decryption key, which serves
	// the variants of that algorithm too (RFC 7518 §4.3, §4.6).
	Algorithm string `json:"algorithm"`
	// Private is the PKCS #8 DER of the key. Stores keep it sealed.
	Private []byte `json:"private"`
	// Published is when a signing key first stood in the JWKS, and when a decryption key was made.
	Published time.Time `json:"published"`
	// Activated is when it began to sign, Retired when it stopped, Removed when it leaves the JWKS. A decryption key stands in
	// the JWKS from Activated to Retired, and decrypts until Removed.
	Activated time.Time `json:"activated,omitzero"`
	Retired   time.Time `json:"retired,omitzero"`
	Removed   time.Time `json:"removed,omitzero"`
}

// AuditEvent is one line of the audit log. It holds no personal number and no name: people appear as keyed pseudonyms.
type AuditEvent struct {
	// ID is unique and sorts by time.
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	// Type is the event's ID in the catalogue of package audit, such as WEB_100001.
	Type string `json:"type"`
	// Reference is that of the login the event belongs to; empty for events of no login.
	Reference Reference `json:"reference,omitempty"`
	// Fields holds the event's fields by their catalogue names.
	Fields map[string]string `json:"fields,omitempty"`
	// Expires is when the event may be swept.
	Expires time.Time `json:"expires"`
}
