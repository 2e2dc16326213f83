package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"brygga/storage"
)

// rsaBits is the size of RSA keys: what RFC 7518 §3.3 and §4.3 demand at least. A signature with 3072 bits costs three times as
// much.
const rsaBits = 2048

// Use is what a key is for: the use parameter of its JWK (RFC 7517 §4.2).
type Use string

// The uses of a key.
const (
	// Signature: we sign with it.
	Signature Use = "sig"
	// Encryption: clients encrypt to it.
	Encryption Use = "enc"
)

// The algorithms of encryption keys. The first of each family names the family.
const (
	rsaOAEP      = string(jose.RSA_OAEP)
	rsaOAEP256   = string(jose.RSA_OAEP_256)
	ecdhES       = string(jose.ECDH_ES)
	ecdhESA128KW = string(jose.ECDH_ES_A128KW)
	ecdhESA256KW = string(jose.ECDH_ES_A256KW)
)

// algorithm is what there is to know of one kind of keys.
type algorithm struct {
	name string
	use  Use
	// hash is the one within the signature, which at_hash is made with too (OpenID Connect Core §3.1.3.6).
	hash crypto.Hash
	// curve is that of an EC key; its signature is r and s, each of half bytes (RFC 7518 §3.4).
	curve elliptic.Curve
	half  int
	// isRSA says that the key is an RSA key, isPSS that it signs by RSASSA-PSS. What is neither EC nor RSA is Ed25519.
	isRSA, isPSS bool
}

// algorithms are all that a Ring can have keys for. Algorithms never share a key, although RSA keys would fit several: a
// key is for the one algorithm that its JWK names (RFC 8725 §3.1).
var algorithms = [...]algorithm{
	{name: storage.ES256, use: Signature, hash: crypto.SHA256, curve: elliptic.P256(), half: 32},
	{name: storage.RS256, use: Signature, hash: crypto.SHA256, isRSA: true},
	{name: storage.ES384, use: Signature, hash: crypto.SHA384, curve: elliptic.P384(), half: 48},
	{name: storage.ES512, use: Signature, hash: crypto.SHA512, curve: elliptic.P521(), half: 66},
	{name: storage.RS384, use: Signature, hash: crypto.SHA384, isRSA: true},
	{name: storage.RS512, use: Signature, hash: crypto.SHA512, isRSA: true},
	{name: storage.PS256, use: Signature, hash: crypto.SHA256, isRSA: true, isPSS: true},
	{name: storage.EdDSA, use: Signature, hash: crypto.SHA512}, // RFC 8032 §5.1
	{name: rsaOAEP, use: Encryption, isRSA: true},
	{name: rsaOAEP256, use: Encryption, isRSA: true},
	{name: ecdhES, use: Encryption, curve: elliptic.P256()},
	{name: ecdhESA128KW, use: Encryption, curve: elliptic.P256()},
	{name: ecdhESA256KW, use: Encryption, curve: elliptic.P256()},
}

// always are those that every Ring has keys for, which every library can read. The first is made before New returns.
var always = [...]string{storage.ES256, storage.RS256}

// isOptional reports whether a Ring has keys for the algorithm only while somebody needs them.
func isOptional(name string) bool { return !slices.Contains(always[:], name) }

// lookup returns the algorithm of that name, or nil.
func lookup(name string) *algorithm {
	for i := range algorithms {
		if algorithms[i].name == name {
			return &algorithms[i]
		}
	}
	return nil
}

// signs says whether the name is that of a signature algorithm.
func signs(name string) bool {
	a := lookup(name)
	return a != nil && a.use == Signature
}

// generate returns a new private key. An RSA key takes 0.1 to 1 s of one core.
func (a *algorithm) generate() (private crypto.Signer, err error) {
	switch {
	case a.curve != nil:
		private, err = ecdsa.GenerateKey(a.curve, rand.Reader)
	case a.isRSA:
		private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	default:
		_, private, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		return nil, fmt.Errorf("generate %s key: %w", a.name, err)
	}
	return private, nil
}

// sum returns the hash of text, in the space given.
func (a *algorithm) sum(space *[sha512.Size]byte, text []byte) []byte {
	switch a.hash {
	case crypto.SHA384:
		sum := sha512.Sum384(text)
		return append(space[:0], sum[:]...)
	case crypto.SHA512:
		sum := sha512.Sum512(text)
		return append(space[:0], sum[:]...)
	default:
		sum := sha256.Sum256(text)
		return append(space[:0], sum[:]...)
	}
}

// HalfHash returns the at_hash of an access token, or the c_hash of a code, in an ID token that is signed with the algorithm:
// the left half of the text's hash, in base64url (OpenID Connect Core §3.1.3.6). The hash is that within the signature,
// SHA-512 for EdDSA. For an algorithm that Sign refuses it returns "".
func HalfHash(algorithm, text string) string {
	if !signs(algorithm) {
		return ""
	}
	var space [sha512.Size]byte
	sum := lookup(algorithm).sum(&space, []byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
