package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"brygga/storage"
)

// rsaBits is the size of RSA keys: what RFC 7518 §3.3 demands at least. A signature with 3072 bits costs three times as much.
const rsaBits = 2048

// State is a key's place in the rotation.
type State string

// The states of a key, in the order in which it passes them.
const (
	// Next: in the JWKS, does not sign yet.
	Next State = "next"
	// Active: signs.
	Active State = "active"
	// Retired: signs no more, stays in the JWKS while its tokens live.
	Retired State = "retired"
)

// Info describes a key without its private part.
type Info struct {
	ID        string
	Algorithm string
	State     State
	// Published, Activated, Retired and Removed are when the key enters the JWKS, begins to sign, stops signing and leaves
	// the JWKS; zero while unknown.
	Published, Activated, Retired, Removed time.Time
}

func stateOf(k storage.SigningKey) State {
	switch {
	case !k.Retired.IsZero():
		return Retired
	case !k.Activated.IsZero():
		return Active
	default:
		return Next
	}
}

// generate returns a new key that is published at now and not yet active. An RSA key takes 0.1 to 1 s of one core.
func generate(algorithm string, now time.Time) (storage.SigningKey, error) {
	var private crypto.Signer
	var err error
	switch algorithm {
	case storage.ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case storage.RS256:
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	default:
		return storage.SigningKey{}, fmt.Errorf("%w: %q", ErrAlgorithm, algorithm)
	}
	if err != nil {
		return storage.SigningKey{}, fmt.Errorf("generate %s key: %w", algorithm, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return storage.SigningKey{}, fmt.Errorf("encode %s key: %w", algorithm, err)
	}
	id, err := (&jose.JSONWebKey{Key: private.Public()}).Thumbprint(crypto.SHA256) // RFC 7638
	if err != nil {
		return storage.SigningKey{}, fmt.Errorf("name %s key: %w", algorithm, err)
	}
	return storage.SigningKey{
		ID: base64.RawURLEncoding.EncodeToString(id), Algorithm: algorithm, Private: der, Published: now,
	}, nil
}

// key is a stored key made ready to sign.
type key struct {
	record storage.SigningKey
	ec     *ecdsa.PrivateKey // for ES256
	rsa    *rsa.PrivateKey   // for RS256
	// jwtHeader is the encoded JWS header with typ JWT, and the dot after it.
	jwtHeader []byte
}

// newKey returns the record made ready. A record that cannot be read is an error: the caller must not replace it.
func newKey(record storage.SigningKey) (*key, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(record.Private)
	if err != nil {
		return nil, fmt.Errorf("keys: signing key %s cannot be read: %w", record.ID, err)
	}
	k := &key{record: record}
	switch private := parsed.(type) {
	case *ecdsa.PrivateKey:
		if record.Algorithm == storage.ES256 && private.Curve == elliptic.P256() {
			k.ec = private
		}
	case *rsa.PrivateKey:
		if record.Algorithm == storage.RS256 && private.N.BitLen() >= rsaBits {
			k.rsa = private
		}
	}
	if k.ec == nil && k.rsa == nil {
		return nil, fmt.Errorf("keys: signing key %s is no key for algorithm %q", record.ID, record.Algorithm)
	}
	k.jwtHeader = k.header("JWT")
	return k, nil
}

func (k *key) public() crypto.PublicKey {
	if k.ec != nil {
		return k.ec.Public()
	}
	return k.rsa.Public()
}

// header returns the encoded JWS header (RFC 7515 §4) and the dot after it.
func (k *key) header(typ string) []byte {
	if typ == "JWT" && k.jwtHeader != nil {
		return k.jwtHeader
	}
	text, err := json.Marshal(struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		Typ string `json:"typ,omitempty"`
	}{k.record.Algorithm, k.record.ID, typ})
	if err != nil {
		panic("keys: a struct of strings does not marshal")
	}
	return append(base64.RawURLEncoding.AppendEncode(nil, text), '.')
}

// sign returns the JWS of claims in compact form (RFC 7515 §7.1, RFC 7518 §3.3 and §3.4).
func (k *key) sign(typ string, claims []byte) (string, error) {
	b64 := base64.RawURLEncoding
	header := k.header(typ)
	out := make([]byte, 0, len(header)+b64.EncodedLen(len(claims))+1+b64.EncodedLen(rsaBits/8))
	out = append(out, header...)
	out = b64.AppendEncode(out, claims)
	digest := sha256.Sum256(out)
	out = append(out, '.')
	if k.ec != nil {
		signature, err := k.signEC(digest[:])
		if err != nil {
			return "", fmt.Errorf("sign with %s: %w", k.record.ID, err)
		}
		return string(b64.AppendEncode(out, signature[:])), nil
	}
	signature, err := rsa.SignPKCS1v15(nil, k.rsa, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", k.record.ID, err)
	}
	return string(b64.AppendEncode(out, signature)), nil
}

// signEC returns r and s at their full length, one after the other (RFC 7518 §3.4). The signature is deterministic (RFC 6979),
// which takes no fresh randomness and half the memory.
func (k *key) signEC(digest []byte) (signature [64]byte, err error) {
	der, err := k.ec.Sign(nil, digest, crypto.SHA256)
	if err != nil {
		return signature, err
	}
	var sequence cryptobyte.String
	var r, s []byte
	input := cryptobyte.String(der)
	if !input.ReadASN1(&sequence, asn1.SEQUENCE) || !sequence.ReadASN1Integer(&r) || !sequence.ReadASN1Integer(&s) ||
		len(r) > 32 || len(s) > 32 {
		return signature, errors.New("keys: an ECDSA signature of another form")
	}
	copy(signature[32-len(r):32], r)
	copy(signature[64-len(s):], s)
	return signature, nil
}

// keySet is the stored set made ready. It never changes; the Ring swaps it whole.
type keySet struct {
	revision uint64
	keys     []*key // oldest first
	active   map[string]*key
	jwks     Document
}

// Document is a JSON document made once, with its entity tag.
type Document struct {
	JSON []byte
	// ETag is a strong validator with its quotes (RFC 9110 §8.8.3).
	ETag string
}

func newKeySet(records []storage.SigningKey, revision uint64) (*keySet, error) {
	s := &keySet{revision: revision, active: make(map[string]*key, 2)}
	public := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, 0, len(records))}
	for _, record := range records {
		k, err := newKey(record)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, k)
		if stateOf(record) == Active {
			if s.active[record.Algorithm] != nil {
				return nil, fmt.Errorf("keys: two active %s keys", record.Algorithm)
			}
			s.active[record.Algorithm] = k
		}
		public.Keys = append(public.Keys, jose.JSONWebKey{Key: k.public(), KeyID: record.ID, Algorithm: record.Algorithm, Use: "sig"})
	}
	text, err := json.Marshal(public)
	if err != nil {
		return nil, errors.New("keys: the JWKS cannot be encoded")
	}
	sum := sha256.Sum256(text)
	s.jwks = Document{JSON: text, ETag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	return s, nil
}

func (s *keySet) byID(id string) *key {
	for _, k := range s.keys {
		if k.record.ID == id {
			return k
		}
	}
	return nil
}
