package keys

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"hash"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// What Decrypt looks at, at most, in bytes.
const (
	maxEncrypted       = 1 << 20
	maxEncryptedHeader = 4 << 10
)

// ErrDecryption means that a text is no JWE that one of the keys opens. It never says why, as that would help who probes.
var ErrDecryption = errors.New("keys: not encrypted to one of our keys")

// wrapping are the algorithms that wrap content keys. RSA1_5 is missing, as it cannot be implemented safely (RFC 8725 §3.2).
var wrapping = []jose.KeyAlgorithm{jose.RSA_OAEP, jose.RSA_OAEP_256, jose.ECDH_ES, jose.ECDH_ES_A128KW, jose.ECDH_ES_A256KW}

// familyOf returns the kind of keys that serves one of them, by the name of its first member. A key names one algorithm and opens what
// is encrypted to it by any of its family: so keys of before they named one do what they did.
func familyOf(wrapping string) string {
	switch jose.KeyAlgorithm(wrapping) {
	case jose.RSA_OAEP, jose.RSA_OAEP_256:
		return rsaOAEP
	default:
		return ecdhES
	}
}

// contents are the algorithms that encrypt the content.
var contents = []jose.ContentEncryption{jose.A128GCM, jose.A256GCM, jose.A128CBC_HS256, jose.A256CBC_HS512}

// contentKeyBytes returns the length of a key for one of them (RFC 7518 §5.2 and §5.3).
func contentKeyBytes(content any) int {
	switch content {
	case string(jose.A128GCM):
		return 16
	case string(jose.A256CBC_HS512):
		return 64
	default:
		return 32
	}
}

// Decrypt returns the plaintext of a JWE in compact form that is encrypted to one of the keys, retired ones included, and
// ErrDecryption for every other text, however odd. It takes RSA-OAEP, RSA-OAEP-256, ECDH-ES, ECDH-ES+A128KW and
// ECDH-ES+A256KW with A128GCM, A256GCM, A128CBC-HS256 and A256CBC-HS512 (RFC 7518 §4, §5), and no compression, which would
// let a short text become a long one (RFC 8725 §3.6). Without a kid it tries each key of the right kind.
//
// Everybody can encrypt to us: who sent a text is for the signature in the plaintext to say.
func (r *Ring) Decrypt(jwe string) ([]byte, error) {
	parts := strings.Split(jwe, ".")
	if len(jwe) > maxEncrypted || len(parts) != 5 || len(parts[0]) > maxEncryptedHeader {
		return nil, ErrDecryption
	}
	parsed, err := jose.ParseEncryptedCompact(jwe, wrapping, contents)
	if err != nil {
		return nil, ErrDecryption
	}
	header := parsed.Header
	if _, compressed := header.ExtraHeaders["zip"]; compressed {
		return nil, ErrDecryption
	}
	if header.Algorithm == string(jose.ECDH_ES) && parts[1] != "" { // RFC 7516 §5.2, step 10
		return nil, ErrDecryption
	}
	for _, k := range r.set.Load().decrypting(familyOf(header.Algorithm), header.KeyID) {
		var private any = k.ec
		if k.rsa != nil {
			private = oaep{private: k.rsa, size: contentKeyBytes(header.ExtraHeaders["enc"])}
		}
		if plaintext, err := parsed.Decrypt(private); err == nil {
			return plaintext, nil
		}
	}
	return nil, ErrDecryption
}

// decrypting returns the encryption keys of a family: that with the ID, or all if it is empty, likely ones first.
func (s *keySet) decrypting(family, id string) []*key {
	var found []*key
	for _, state := range [...]State{Active, Retired, Next} { // Next, because another process may have promoted it already
		for i := len(s.keys) - 1; i >= 0; i-- {
			k := s.keys[i]
			if k.use == Encryption && familyOf(k.name) == family && stateOf(k.record) == state && (id == "" || k.record.ID == id) {
				found = append(found, k)
			}
		}
	}
	return found
}

// oaep opens content keys with an RSA key. For one that does not open it returns random bytes, so that the failure shows where
// that of a changed content shows, and as late (RFC 7516 §11.5).
type oaep struct {
	private *rsa.PrivateKey
	size    int // of the content key, in bytes
}

// DecryptKey implements jose.OpaqueKeyDecrypter.
func (o oaep) DecryptKey(encrypted []byte, header jose.Header) ([]byte, error) {
	var h hash.Hash = sha1.New() // as RFC 7518 §4.3 has it; OAEP needs no collision resistance
	if header.Algorithm == string(jose.RSA_OAEP_256) {
		h = sha256.New()
	}
	random := make([]byte, o.size)
	rand.Read(random)
	key, err := rsa.DecryptOAEP(h, nil, o.private, encrypted, nil)
	if err != nil || len(key) != o.size {
		return random, nil
	}
	return key, nil
}
