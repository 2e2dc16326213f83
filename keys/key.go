package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
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

// State is a key's place in the rotation.
type State string

// The states of a key, in the order in which it passes them.
const (
	// Next: does not sign yet, but stands in the JWKS. An encryption key does not stand there yet: every process only knows it.
	Next State = "next"
	// Active: signs, or is encrypted to. It stands in the JWKS.
	Active State = "active"
	// Retired: signs no more, but stays in the JWKS while its tokens live. An encryption key has left the JWKS, and still
	// decrypts what was on its way.
	Retired State = "retired"
)

// Info describes a key without its private part.
type Info struct {
	ID string
	// Algorithm is the only one that the key is for.
	Algorithm string
	Use       Use
	State     State
	// Published, Activated, Retired and Removed are when the key enters the JWKS, begins to sign, stops signing and is
	// deleted; zero while unknown. An encryption key is in the JWKS from Activated, which is its Published, to Retired.
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

// generate returns a new key that is published at now and not yet active.
func generate(name string, now time.Time) (storage.SigningKey, error) {
	a := lookup(name)
	if a == nil {
		return storage.SigningKey{}, fmt.Errorf("%w: %q", ErrAlgorithm, name)
	}
	private, err := a.generate()
	if err != nil {
		return storage.SigningKey{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return storage.SigningKey{}, fmt.Errorf("encode %s key: %w", name, err)
	}
	id, err := (&jose.JSONWebKey{Key: private.Public()}).Thumbprint(crypto.SHA256) // RFC 7638
	if err != nil {
		return storage.SigningKey{}, fmt.Errorf("name %s key: %w", name, err)
	}
	return storage.SigningKey{ID: base64.RawURLEncoding.EncodeToString(id), Algorithm: name, Private: der, Published: now}, nil
}

// key is a stored key made ready. One of ec, rsa and ed is set.
type key struct {
	*algorithm
	record storage.SigningKey
	ec     *ecdsa.PrivateKey
	rsa    *rsa.PrivateKey
	ed     ed25519.PrivateKey
	// headers are the encoded JWS headers, each with the dot after it, for the types of that index; for a key that signs.
	headers [len(types)][]byte
}

// types are the values of typ that tokens have in numbers: ID tokens and answers of userinfo, access tokens (RFC 9068 §2.1),
// logout tokens (OpenID Connect Back-Channel Logout §2.4).
var types = [...]string{"JWT", "at+jwt", "logout+jwt"}

// newKey returns the record made ready. A record that cannot be read is an error: the caller must not replace it.
func newKey(record storage.SigningKey) (*key, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(record.Private)
	if err != nil {
		return nil, fmt.Errorf("keys: %s key %s cannot be read: %w", record.Algorithm, record.ID, err)
	}
	k := &key{algorithm: lookup(record.Algorithm), record: record}
	if !k.take(parsed) {
		return nil, fmt.Errorf("keys: key %s is no key for algorithm %q", record.ID, record.Algorithm)
	}
	if k.use == Signature && stateOf(record) == Active {
		for i, typ := range types {
			k.headers[i] = k.newHeader(typ)
		}
	}
	return k, nil
}

// take takes the private key over if it is one for k's algorithm.
func (k *key) take(parsed any) bool {
	switch private := parsed.(type) {
	case *ecdsa.PrivateKey:
		k.ec = private
		return k.algorithm != nil && k.curve == private.Curve
	case *rsa.PrivateKey:
		k.rsa = private
		return k.algorithm != nil && k.isRSA && private.N.BitLen() >= rsaBits
	case ed25519.PrivateKey:
		k.ed = private
		return k.algorithm != nil && k.name == storage.EdDSA
	}
	return false
}

func (k *key) public() crypto.PublicKey {
	switch {
	case k.ec != nil:
		return k.ec.Public()
	case k.rsa != nil:
		return k.rsa.Public()
	default:
		return k.ed.Public()
	}
}

// jwk returns the public key as the JWKS has it. Every key names its algorithm (RFC 7517 §4.4): there are libraries that refuse a
// whole set for one key without.
func (k *key) jwk() jose.JSONWebKey {
	return jose.JSONWebKey{Key: k.public(), KeyID: k.record.ID, Use: string(k.use), Algorithm: k.name}
}

// published says whether the key stands in the JWKS.
func (k *key) published() bool { return k.use == Signature || stateOf(k.record) == Active }

func (k *key) header(typ string) []byte {
	for i, known := range types {
		if typ == known && k.headers[i] != nil {
			return k.headers[i]
		}
	}
	return k.newHeader(typ)
}

// newHeader returns the encoded JWS header (RFC 7515 §4) and the dot after it.
func (k *key) newHeader(typ string) []byte {
	text, err := json.Marshal(struct {
		Alg string `json:"alg"`
		Kid string `json:"kid"`
		Typ string `json:"typ,omitempty"`
	}{k.name, k.record.ID, typ})
	if err != nil {
		panic("keys: a struct of strings does not marshal")
	}
	return append(base64.RawURLEncoding.AppendEncode(nil, text), '.')
}

// sign returns the JWS of claims in compact form (RFC 7515 §7.1).
func (k *key) sign(typ string, claims []byte) (string, error) {
	b64 := base64.RawURLEncoding
	header := k.header(typ)
	out := make([]byte, 0, len(header)+b64.EncodedLen(len(claims))+1+b64.EncodedLen(k.signatureBytes()))
	out = append(out, header...)
	out = b64.AppendEncode(out, claims)
	var space [2 * maxHalf]byte
	signature, err := k.signature(&space, out)
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", k.record.ID, err)
	}
	return string(b64.AppendEncode(append(out, '.'), signature)), nil
}

func (k *key) signatureBytes() int {
	switch {
	case k.ec != nil:
		return 2 * k.half
	case k.rsa != nil:
		return k.rsa.Size()
	default:
		return ed25519.SignatureSize
	}
}

// signature returns the signature of the input (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1), in the space given where it fits.
func (k *key) signature(space *[2 * maxHalf]byte, input []byte) ([]byte, error) {
	if k.ed != nil {
		return ed25519.Sign(k.ed, input), nil
	}
	var sum [sha512.Size]byte
	digest := k.sum(&sum, input)
	switch {
	case k.ec != nil:
		return k.signEC(space[:2*k.half], digest)
	case k.isPSS:
		copied := bytes.Clone(digest) // SignPSS would move sum to the heap, for the others too
		return rsa.SignPSS(rand.Reader, k.rsa, k.hash, copied, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	default:
		return rsa.SignPKCS1v15(nil, k.rsa, k.hash, digest)
	}
}

// maxHalf is the length of r and of s on the largest curve.
const maxHalf = 66

// signEC fills signature, which is all zeros, with r and s at their full length, one after the other (RFC 7518 §3.4). It is
// deterministic (RFC 6979), which takes no fresh randomness and half the memory.
func (k *key) signEC(signature, digest []byte) ([]byte, error) {
	der, err := k.ec.Sign(nil, digest, k.hash)
	if err != nil {
		return nil, err
	}
	var sequence cryptobyte.String
	var r, s []byte
	input := cryptobyte.String(der)
	if !input.ReadASN1(&sequence, asn1.SEQUENCE) || !sequence.ReadASN1Integer(&r) || !sequence.ReadASN1Integer(&s) ||
		len(r) > k.half || len(s) > k.half {
		return nil, errors.New("keys: an ECDSA signature of another form")
	}
	copy(signature[k.half-len(r):], r)
	copy(signature[2*k.half-len(s):], s)
	return signature, nil
}
