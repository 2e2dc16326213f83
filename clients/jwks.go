package clients

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
)

// MaxJWKS is how many bytes a client's set of keys may have, and maxKeys how many keys.
const (
	MaxJWKS = 64 << 10
	maxKeys = 32
)

// jwks checks the client's inline keys.
func (p *problems) jwks(text json.RawMessage) {
	const example = `{"keys":[{"kty":"EC","crv":"P-256","kid":"…","x":"…","y":"…"}]}`
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(text) > MaxJWKS || json.Unmarshal(text, &set) != nil {
		p.add("jwks", "jwks.invalid", example)
		return
	}
	if len(set.Keys) == 0 || len(set.Keys) > maxKeys {
		p.add("jwks", "jwks.count", number(len(set.Keys)), number(maxKeys))
		return
	}
	for i, raw := range set.Keys {
		name := number(i + 1)
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) != nil {
			p.add("jwks", "jwks.unreadable", name, example)
			continue
		}
		if key.KeyID != "" {
			name = quote(key.KeyID)
		}
		if problem := checkKey(key); problem != "" {
			p.add("jwks", problem, name, example, bitsOf(key))
		}
		if key.KeyID == "" && len(set.Keys) > 1 {
			p.add("jwks", "jwks.no-kid", name)
		}
	}
}

// bitsOf is how long an RSA key is, 0 for others.
func bitsOf(key jose.JSONWebKey) string {
	if public, ok := key.Key.(*rsa.PublicKey); ok {
		return number(public.N.BitLen())
	}
	return number(0)
}

// checkKey says what keeps a public key from being used, empty for nothing.
func checkKey(key jose.JSONWebKey) code {
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < 2048 || bits > 4096 {
			return "jwks.bits"
		}
	case *ecdsa.PublicKey, ed25519.PublicKey:
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		return "jwks.private"
	default:
		return "jwks.kind"
	}
	if !key.Valid() {
		return "jwks.broken"
	}
	return ""
}
