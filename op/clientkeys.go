package op

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"brygga/keys"
	"brygga/storage"
)

// Bounds of what clients publish and sign.
const (
	maxJWKS       = 64 << 10 // bytes of a JWKS
	maxClientKeys = 32       // keys that are kept of one
	maxTriedKeys  = 8        // keys that one signature is tried with
)

// clientAlgs are the algorithms in which clients may sign assertions and request objects. There is no MAC among them: secrets
// are stored as hashes, and a public key must never serve as a secret (RFC 8725 §2.1).
var clientAlgs = keys.JOSE(storage.SigningAlgs())

// The reasons why a client's signature is not believed. They are for the log, not for the client.
var (
	errNotSigned   = errors.New("op: not a JWS in one of the allowed algorithms")
	errNoClientKey = errors.New("op: no key of the client made the signature")
	errNoKeys      = errors.New("op: the client has no keys, or they cannot be had")
)

// clientKeys returns the public keys of a client, those it uses for other things than signatures too. When none has the key
// ID kid, which may be empty, keys behind a jwks_uri are fetched anew, once a minute at most. It returns an error that wraps
// errNoKeys when there are none.
func (p *Provider) clientKeys(ctx context.Context, client *storage.Client, kid string) ([]jose.JSONWebKey, error) {
	keys, err := p.keySets.get(ctx, client, false)
	if err == nil && kid != "" && !hasKey(keys, kid) {
		keys, err = p.keySets.get(ctx, client, true)
	}
	return keys, err
}

func hasKey(keys []jose.JSONWebKey, kid string) bool {
	for i := range keys {
		if keys[i].KeyID == kid {
			return true
		}
	}
	return false
}

// verifyFromClient returns the payload and the header of a JWS in compact form that one of the client's keys has signed, in the
// algorithm only, or in one of clientAlgs when that is empty. The error says what is missing, in words that hold nothing of
// the token.
func (p *Provider) verifyFromClient(ctx context.Context, client *storage.Client, token, only string) (payload []byte, header jose.Header, err error) {
	jws, err := parseSigned(token, only)
	if err != nil {
		return nil, jose.Header{}, err
	}
	payload, err = p.verifySigned(ctx, client, jws)
	return payload, jws.Signatures[0].Protected, err
}

// parseSigned parses a JWS in compact form whose algorithm is allowed; see verifyFromClient. Nothing in it is proven.
func parseSigned(token, only string) (*jose.JSONWebSignature, error) {
	algs := clientAlgs
	if only != "" {
		if !slices.Contains(storage.SigningAlgs(), only) {
			return nil, errNotSigned
		}
		algs = []jose.SignatureAlgorithm{jose.SignatureAlgorithm(only)}
	}
	if len(token) > maxSigning {
		return nil, errNotSigned
	}
	jws, err := jose.ParseSignedCompact(token, algs)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errNotSigned
	}
	return jws, nil
}

// verifySigned returns the payload of a JWS that one of the client's keys has signed. When none of the keys at hand has, the
// client may have changed them since: then they are fetched anew, as for clientKeys.
func (p *Provider) verifySigned(ctx context.Context, client *storage.Client, jws *jose.JSONWebSignature) ([]byte, error) {
	keys, err := p.keySets.get(ctx, client, false)
	if err != nil {
		return nil, err
	}
	if payload, ok := verifyWith(jws, keys); ok {
		return payload, nil
	}
	if client.JWKSURI == "" {
		return nil, errNoClientKey
	}
	fresh, err := p.keySets.get(ctx, client, true)
	if err != nil {
		return nil, err
	}
	if len(fresh) > 0 && &fresh[0] != &keys[0] {
		if payload, ok := verifyWith(jws, fresh); ok {
			return payload, nil
		}
	}
	return nil, errNoClientKey
}

// verifyWith tries the keys that can have made the signature. A key ID in the header chooses among them (RFC 7515 §4.1.4);
// keys without one stay candidates, as a single key needs none.
func verifyWith(jws *jose.JSONWebSignature, keys []jose.JSONWebKey) ([]byte, bool) {
	header := &jws.Signatures[0].Protected
	tried := 0
	for i := range keys {
		k := &keys[i]
		if header.KeyID != "" && k.KeyID != "" && k.KeyID != header.KeyID || !fitsSignature(k, header.Algorithm) {
			continue
		}
		if payload, err := jws.Verify(k.Key); err == nil {
			return payload, true
		}
		if tried++; tried == maxTriedKeys {
			break
		}
	}
	return nil, false
}

// fitsSignature reports whether a key may verify signatures in alg: it is meant for them, for this algorithm if it names one
// (RFC 7517 §4.2, §4.4), and of the type and curve that the algorithm has (RFC 7518 §3).
func fitsSignature(k *jose.JSONWebKey, alg string) bool {
	if k.Use == "enc" || k.Algorithm != "" && k.Algorithm != alg {
		return false
	}
	switch key := k.Key.(type) {
	case *ecdsa.PublicKey:
		return alg == storage.ES256 && key.Curve == elliptic.P256() || alg == storage.ES384 && key.Curve == elliptic.P384() ||
			alg == storage.ES512 && key.Curve == elliptic.P521()
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")
	case ed25519.PublicKey:
		return alg == storage.EdDSA
	}
	return false
}

// encryptionKey returns the key of a client to encrypt to it with in alg (RFC 7518 §4.1), or false when it has none. A key that
// says it is for encryption goes before one that does not say.
func encryptionKey(keys []jose.JSONWebKey, alg string) (best jose.JSONWebKey, ok bool) {
	for i := range keys {
		k := &keys[i]
		if k.Use == "sig" || k.Algorithm != "" && k.Algorithm != alg {
			continue
		}
		_, isRSA := k.Key.(*rsa.PublicKey)
		_, isEC := k.Key.(*ecdsa.PublicKey)
		if fits := isRSA && strings.HasPrefix(alg, "RSA-OAEP") || isEC && strings.HasPrefix(alg, "ECDH-ES"); !fits {
			continue
		}
		if !ok || k.Use == "enc" && best.Use != "enc" {
			best, ok = *k, true
		}
	}
	return best, ok
}

// parseJWKS returns the keys of a JWKS that can be used. Others in it, of unknown types or too weak, are left out as RFC 7517 §5
// wants; so is a private or symmetric key, which nobody should have published.
func parseJWKS(text []byte) ([]jose.JSONWebKey, error) {
	if len(text) > maxJWKS {
		return nil, errors.New("op: the JWKS is too large")
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(text, &set) != nil {
		return nil, errors.New("op: the JWKS cannot be read")
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if bytes.Equal(raw, []byte("null")) || k.UnmarshalJSON(raw) != nil || !isStrong(&k) {
			continue
		}
		keys = append(keys, jose.JSONWebKey{Key: k.Key, KeyID: k.KeyID, Algorithm: k.Algorithm, Use: k.Use})
		if len(keys) == maxClientKeys {
			break
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("op: no key of the JWKS can be used")
	}
	return keys, nil
}

// isStrong reports whether a key is public and of a type and size that is used here. Longer RSA keys would let a client make us
// work (RFC 8725 §3.5 for the shortest).
func isStrong(k *jose.JSONWebKey) bool {
	switch key := k.Key.(type) {
	case *ecdsa.PublicKey:
		return key.Curve == elliptic.P256() || key.Curve == elliptic.P384() || key.Curve == elliptic.P521()
	case *rsa.PublicKey:
		bits := key.N.BitLen()
		return bits >= 2048 && bits <= 4096 && key.E >= 3 && key.E%2 == 1
	case ed25519.PublicKey:
		return len(key) == ed25519.PublicKeySize
	}
	return false
}
