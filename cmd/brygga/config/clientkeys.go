package config

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"brygga/storage"
)

// maxKeys bounds a client's set of keys, and maxJWKS its text in bytes.
const (
	maxKeys = 32
	maxJWKS = 64 << 10
)

// recordKeys takes the client's public keys over, or reports why it cannot.
func (c *Client) recordKeys(r *reader, section string, record *storage.Client) bool {
	text := c.JWKS
	switch {
	case c.JWKS != "" && c.JWKSFile != "":
		r.fault(section+".jwks_file", "set together with jwks", "keep one of them")
		return false
	case c.JWKSFile != "":
		content, err := ReadJWKS(c.JWKSFile)
		if err != nil {
			r.fault(section+".jwks_file", "cannot be read: "+reason(err), "name a file with a JSON Web Key Set of public keys")
			return false
		}
		text = content
	}
	if text != "" {
		record.JWKS = json.RawMessage(text)
	}
	return true
}

// ReadJWKS returns the text of a file with a client's public keys. What it says is checked with the client.
func ReadJWKS(path string) (string, error) {
	text, err := ReadFile(path, maxJWKS)
	return strings.TrimSpace(string(text)), err
}

// jwks checks the client's inline keys.
func (p *problems) jwks(text json.RawMessage) {
	const remedy = `write public keys as {"keys":[{"kty":"EC","crv":"P-256","kid":"…","x":"…","y":"…"}]}`
	var set jose.JSONWebKeySet
	if len(text) > maxJWKS || json.Unmarshal(text, &set) != nil {
		p.add("jwks", "is no JSON Web Key Set", remedy)
		return
	}
	if len(set.Keys) == 0 || len(set.Keys) > maxKeys {
		p.add("jwks", fmt.Sprintf("holds %d keys", len(set.Keys)), fmt.Sprintf("give 1 to %d", maxKeys))
		return
	}
	for i, key := range set.Keys {
		name := key.KeyID
		if name == "" {
			name = "number " + itoa(i+1)
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
