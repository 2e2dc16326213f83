package op

import (
	"encoding/json"

	"github.com/go-jose/go-jose/v4/jwt"

	"brygga/storage"
)

// hintClaims are the claims of an ID token that comes back as a hint. The library's own audience type panics on an array
// that holds something other than strings; jwt.Audience returns an error.
type hintClaims struct {
	Issuer     string          `json:"iss"`
	Subject    string          `json:"sub"`
	Audience   jwt.Audience    `json:"aud"`
	Authorized string          `json:"azp"`
	SessionID  string          `json:"sid"`
	Events     json.RawMessage `json:"events"`
	// The person, in a token of a client that had the right to the number and asked for it.
	PersonalNumber     string `json:"personalNumber"`
	IdentityNumber     string `json:"https://id.oidc.se/claim/personalIdentityNumber"`
	CoordinationNumber string `json:"https://id.oidc.se/claim/coordinationNumber"`
}

// readHint returns the claims of an ID token hint, expired or not; no hint is fine and has none. It returns false for a text
// that is not an ID token which we signed for exactly one client. What else we sign is no hint: an access token is seen by
// others than the client, and a logout token (OpenID Connect Back-Channel Logout §2.4) proves no login. A client whose ID tokens
// are encrypted may send one encrypted to us (OIDC Core §3.1.2.1).
func (p *Provider) readHint(hint string) (claims hintClaims, ok bool) {
	if hint == "" {
		return hintClaims{}, true
	}
	if isEncrypted(hint) {
		signed, err := p.o.Keys.Decrypt(hint)
		if err != nil {
			return hintClaims{}, false
		}
		hint = string(signed)
	}
	payload, err := p.o.Keys.Verify(hint, typIDToken)
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return hintClaims{}, false
	}
	ok = claims.Issuer == p.o.Issuer && len(claims.Audience) == 1 && claims.SessionID != "" && claims.Events == nil &&
		(claims.Authorized == "" || claims.Authorized == claims.Audience[0])
	return claims, ok
}

// hintedSubject returns the subject of an ID token that we made for the client (OIDC Core §3.1.2.1).
func (p *Provider) hintedSubject(client *storage.Client, hint string) (subject string, ok bool) {
	claims, ok := p.readHint(hint)
	return claims.Subject, ok && claims.Subject != "" && claims.Audience.Contains(client.ID)
}
