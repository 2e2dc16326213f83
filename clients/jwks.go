package clients

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-jose/go-jose/v4"
)

// MaxJWKS is how many bytes a client's set of keys may have, and maxKeys how many keys.
const (
	MaxJWKS = 64 << 10
	maxKeys = 32
)

// jwks checks the client's inline keys.
func (p *problems) jwks(text json.RawMessage) {
	const remedy = `write public keys as {"keys":[{"kty":"EC","crv":"P-256","kid":"…","x":"…","y":"…"}]}`
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(text) > MaxJWKS || json.Unmarshal(text, &set) != nil {
		p.add("jwks", "is no JSON Web Key Set", remedy)
		return
	}
	if len(set.Keys) == 0 || len(set.Keys) > maxKeys {
		p.add("jwks", fmt.Sprintf("holds %d keys", len(set.Keys)), fmt.Sprintf("give 1 to %d", maxKeys))
		return
	}
	for i, raw := range set.Keys {
		name := "number " + strconv.Itoa(i+1)
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) != nil {
			p.add("jwks", "key "+name+" is of a kind or size that is not used here", remedy)
			continue
		}
		if key.KeyID != "" {
			name = quote(key.KeyID)
		}
		if err := checkKey(key); err != nil {
			p.add("jwks", "key "+name+" "+err.Error(), remedy)
		}
		if key.KeyID == "" && len(set.Keys) > 1 {
			p.add("jwks", "key "+name+" has no kid", "give each of several keys a kid")
		}
	}
}

// checkKey says what keeps a public key from being used.
func checkKey(key jose.JSONWebKey) error {
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < 2048 || bits > 4096 {
			return fmt.Errorf("has %d bits; RSA keys have 2048 to 4096", bits)
		}
	case *ecdsa.PublicKey, ed25519.PublicKey:
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		return errors.New("is a private key, which must stay with the app")
	default:
		return errors.New("is of a kind that is not used here")
	}
	if !key.Valid() {
		return errors.New("is not valid")
	}
	return nil
}
