package op

import (
	"encoding/json"
	"strings"

	"github.com/go-jose/go-jose/v4/jwt"

	"brygga/storage"
)

// hintedSubject returns the subject of an ID token that we made for the client, expired or not (OIDC Core §3.1.2.1). A client
// whose ID tokens are encrypted may send one encrypted to us.
func (p *Provider) hintedSubject(client *storage.Client, hint string) (subject string, ok bool) {
	if strings.Count(hint, ".") == 4 {
		signed, err := p.o.Keys.Decrypt(hint)
		if err != nil {
			return "", false
		}
		hint = string(signed)
	}
	payload, err := p.o.Keys.Verify(hint)
	if err != nil {
		return "", false
	}
	var claims struct {
		Issuer   string       `json:"iss"`
		Audience jwt.Audience `json:"aud"`
		Subject  string       `json:"sub"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return "", false
	}
	return claims.Subject, claims.Issuer == p.o.Issuer && claims.Subject != "" && claims.Audience.Contains(client.ID)
}
