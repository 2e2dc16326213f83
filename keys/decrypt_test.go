package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"brygga/storage"
)

const secretText = `{"login_hint":"x"}`

// encrypt returns the text as a client makes it. kid is left out when it is empty.
func encrypt(t testing.TB, public any, kid string, alg jose.KeyAlgorithm, enc jose.ContentEncryption, o *jose.EncrypterOptions) string {
	t.Helper()
	return encryptText(t, secretText, public, kid, alg, enc, o)
}

func encryptText(t testing.TB, plain string, public any, kid string, alg jose.KeyAlgorithm, enc jose.ContentEncryption, o *jose.EncrypterOptions) string {
	t.Helper()
	encrypter, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: public, KeyID: kid}, o)
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := encrypter.Encrypt([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwe.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// encryptionKeys returns the keys that a client finds in the JWKS to encrypt to.
func encryptionKeys(t testing.TB, r *Ring) (rsaKey, ecKey jose.JSONWebKey) {
	t.Helper()
	for _, k := range published(t, r).Keys {
		switch k.Key.(type) {
		case *rsa.PublicKey:
			if k.Use == "enc" {
				rsaKey = k
			}
		case *ecdsa.PublicKey:
			if k.Use == "enc" {
				ecKey = k
			}
		}
	}
	if rsaKey.KeyID == "" || ecKey.KeyID == "" {
		t.Fatal("no encryption keys in the JWKS")
	}
	return rsaKey, ecKey
}

func TestDecrypt(t *testing.T) {
	r := newRing(t, openStocked(t), newClock(), nil)
	settle(t, r)
	rsaKey, ecKey := encryptionKeys(t, r)
	for _, alg := range wrapping {
		key := ecKey
		if familyOf(string(alg)) == rsaOAEP {
			key = rsaKey
		}
		for _, enc := range contents {
			for _, kid := range []string{key.KeyID, ""} {
				text := encrypt(t, key.Key, kid, alg, enc, nil)
				if got, err := r.Decrypt(text); err != nil || string(got) != secretText {
					t.Errorf("%s, %s, kid %q: %q, %v", alg, enc, kid, got, err)
				}
			}
		}
	}
}

// What is made with nothing but the standard library.
func TestDecryptAgainstTheStandardLibrary(t *testing.T) {
	r := newRing(t, openStocked(t), newClock(), nil)
	settle(t, r)
	rsaKey, ecKey := encryptionKeys(t, r)
	b64 := base64.RawURLEncoding.EncodeToString
	seal := func(header string, wrapped, key []byte) string {
		block, _ := aes.NewCipher(key)
		gcm, _ := cipher.NewGCM(block)
		iv := make([]byte, gcm.NonceSize())
		rand.Read(iv)
		sealed := gcm.Seal(nil, iv, []byte(secretText), []byte(b64([]byte(header))))
		cut := len(sealed) - gcm.Overhead()
		return strings.Join([]string{b64([]byte(header)), b64(wrapped), b64(iv), b64(sealed[:cut]), b64(sealed[cut:])}, ".")
	}

	key := make([]byte, 32)
	rand.Read(key)
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, rsaKey.Key.(*rsa.PublicKey), key, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := seal(fmt.Sprintf(`{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":%q}`, rsaKey.KeyID), wrapped, key)
	if got, err := r.Decrypt(text); err != nil || string(got) != secretText {
		t.Errorf("RSA-OAEP-256: %q, %v", got, err)
	}

	ephemeral, _ := ecdh.P256().GenerateKey(rand.Reader)
	public, _ := ecKey.Key.(*ecdsa.PublicKey).ECDH()
	shared, err := ephemeral.ECDH(public)
	if err != nil {
		t.Fatal(err)
	}
	info := binary.BigEndian.AppendUint32(nil, 1) // Concat KDF, RFC 7518 §4.6.2
	info = append(info, shared...)
	info = append(binary.BigEndian.AppendUint32(info, 7), "A128GCM"...)
	info = append(binary.BigEndian.AppendUint32(info, 2), "me"...)
	info = append(binary.BigEndian.AppendUint32(info, 3), "you"...)
	derived := sha256.Sum256(binary.BigEndian.AppendUint32(info, 128))
	point := ephemeral.PublicKey().Bytes()
	text = seal(fmt.Sprintf(`{"alg":"ECDH-ES","enc":"A128GCM","apu":%q,"apv":%q,"epk":{"kty":"EC","crv":"P-256","x":%q,"y":%q}}`,
		b64([]byte("me")), b64([]byte("you")), b64(point[1:33]), b64(point[33:])), nil, derived[:16])
	if got, err := r.Decrypt(text); err != nil || string(got) != secretText {
		t.Errorf("ECDH-ES: %q, %v", got, err)
	}
}

// refused returns texts that must not decrypt, by what is wrong with them.
func refused(t testing.TB, r *Ring) map[string]string {
	rsaKey, ecKey := encryptionKeys(t, r)
	signer := active(t, r, storage.RS256).ID
	signing := r.set.Load().verifying(signer, storage.RS256).public()
	signerEC := active(t, r, storage.ES256).ID
	signingEC := r.set.Load().verifying(signerEC, storage.ES256).public()
	stranger, _ := rsa.GenerateKey(rand.Reader, 2048)
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	zip := &jose.EncrypterOptions{Compression: jose.DEFLATE}
	critical := (&jose.EncrypterOptions{}).WithHeader("crit", []string{"exp"}).WithHeader("exp", 1)
	long := (&jose.EncrypterOptions{}).WithHeader("x", strings.Repeat("x", maxEncryptedHeader))
	oaep := encrypt(t, rsaKey.Key, rsaKey.KeyID, jose.RSA_OAEP, jose.A128CBC_HS256, nil)
	direct := encrypt(t, ecKey.Key, ecKey.KeyID, jose.ECDH_ES, jose.A128GCM, nil)
	wrapped := encrypt(t, ecKey.Key, ecKey.KeyID, jose.ECDH_ES_A128KW, jose.A128GCM, nil)
	change := func(text string, part int, to func(string) string) string {
		parts := strings.Split(text, ".")
		parts[part] = to(parts[part])
		return strings.Join(parts, ".")
	}
	flip := func(part string) string {
		raw, _ := base64.RawURLEncoding.DecodeString(part)
		raw[len(raw)/2] ^= 1
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	shorten := func(part string) string { return part[:len(part)-4] }
	none := func(string) string { return "" }
	header := func(from, to string) func(string) string {
		return func(part string) string {
			raw, _ := base64.RawURLEncoding.DecodeString(part)
			if !strings.Contains(string(raw), from) {
				t.Fatalf("no %s in %s", from, raw)
			}
			return base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(raw), from, to, 1)))
		}
	}
	return map[string]string{
		"RSA1_5":                          encrypt(t, rsaKey.Key, rsaKey.KeyID, jose.RSA1_5, jose.A128GCM, nil),
		"ECDH-ES+A192KW":                  encrypt(t, ecKey.Key, ecKey.KeyID, jose.ECDH_ES_A192KW, jose.A128GCM, nil),
		"A192GCM":                         encrypt(t, rsaKey.Key, rsaKey.KeyID, jose.RSA_OAEP, jose.A192GCM, nil),
		"compressed":                      encrypt(t, rsaKey.Key, rsaKey.KeyID, jose.RSA_OAEP, jose.A128GCM, zip),
		"a critical header":               encrypt(t, rsaKey.Key, rsaKey.KeyID, jose.RSA_OAEP, jose.A128GCM, critical),
		"a long header":                   encrypt(t, rsaKey.Key, rsaKey.KeyID, jose.RSA_OAEP, jose.A128GCM, long),
		"shared secret":                   encrypt(t, make([]byte, 16), rsaKey.KeyID, jose.A128KW, jose.A128GCM, nil),
		"password":                        encrypt(t, "password", rsaKey.KeyID, jose.PBES2_HS256_A128KW, jose.A128GCM, nil),
		"to our signing key":              encrypt(t, signing, signer, jose.RSA_OAEP, jose.A128GCM, nil),
		"to our signing key, without kid": encrypt(t, signing, "", jose.RSA_OAEP, jose.A128GCM, nil),
		"to our EC signing key":           encrypt(t, signingEC, signerEC, jose.ECDH_ES, jose.A128GCM, nil),
		"to our EC signing key, no kid":   encrypt(t, signingEC, "", jose.ECDH_ES_A128KW, jose.A128GCM, nil),
		"to a stranger":                   encrypt(t, &stranger.PublicKey, "", jose.RSA_OAEP_256, jose.A256GCM, nil),
		"to a stranger under our kid":     encrypt(t, &stranger.PublicKey, rsaKey.KeyID, jose.RSA_OAEP, jose.A128CBC_HS256, nil),
		"to a strange curve key":          encrypt(t, &other.PublicKey, ecKey.KeyID, jose.ECDH_ES, jose.A128CBC_HS256, nil),
		"unknown kid":                     encrypt(t, rsaKey.Key, "other", jose.RSA_OAEP, jose.A128GCM, nil),
		"the kid of the other kind":       encrypt(t, rsaKey.Key, ecKey.KeyID, jose.RSA_OAEP, jose.A128GCM, nil),
		"changed header":                  change(oaep, 0, header("A128CBC-HS256", "A256GCM")),
		"changed content key":             change(oaep, 1, flip),
		"short content key":               change(oaep, 1, shorten),
		"no content key":                  change(wrapped, 1, none),
		"changed wrapped key":             change(wrapped, 1, flip),
		"a wrapped key without wrapping":  change(direct, 1, func(string) string { return "AAAAAAAAAAAAAAAA" }),
		"changed iv":                      change(oaep, 2, flip),
		"short iv":                        change(direct, 2, shorten),
		"changed ciphertext":              change(oaep, 3, flip),
		"no ciphertext":                   change(oaep, 3, none),
		"changed tag":                     change(oaep, 4, flip),
		"short tag":                       change(direct, 4, shorten),
		"a point off the curve":           change(direct, 0, header(`"x":"`, `"x":"AAAA`)),
		"no ephemeral key":                change(direct, 0, header(`"epk"`, `"kpe"`)),
		"long":                            encryptText(t, strings.Repeat("x", maxEncrypted), rsaKey.Key, rsaKey.KeyID, jose.RSA_OAEP, jose.A128GCM, nil),
		"four parts":                      oaep[:strings.LastIndexByte(oaep, '.')],
		"six parts":                       oaep + ".",
		"a token":                         sign(t, r, storage.ES256),
		"empty":                           "",
		"dots":                            "....",
		"JSON form":                       `{"protected":"","ciphertext":""}`,
	}
}

func TestDecryptRefuses(t *testing.T) {
	r := newRing(t, openStocked(t), newClock(), nil)
	settle(t, r)
	for name, text := range refused(t, r) {
		if got, err := r.Decrypt(text); err != ErrDecryption || got != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// A content key that does not open must fail no sooner than a content that was changed.
func TestWrongContentKeysBecomeRandom(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	short, _ := rsa.EncryptOAEP(sha256.New(), rand.Reader, &private.PublicKey, make([]byte, 16), nil)
	header := jose.Header{Algorithm: string(jose.RSA_OAEP_256)}
	seen := make(map[string]bool)
	for _, wrapped := range [][]byte{nil, make([]byte, 256), make([]byte, 300), short} {
		key, err := oaep{private: private, size: 32}.DecryptKey(wrapped, header)
		if err != nil || len(key) != 32 || seen[string(key)] || slices.Max(key) == 0 {
			t.Errorf("%d bytes, %v", len(key), err)
		}
		seen[string(key)] = true
	}
}

func TestEncryptionKeysRotate(t *testing.T) {
	store, c := openStocked(t), newClock()
	r := newRing(t, store, c, nil)
	settle(t, r)
	other := newRing(t, store, c, nil) // another process, which is slow to notice
	settle(t, other)
	oldRSA, oldEC := encryptionKeys(t, r)
	both := func(rsaKey, ecKey jose.JSONWebKey, kid bool) []string {
		if !kid {
			rsaKey.KeyID, ecKey.KeyID = "", ""
		}
		return []string{
			encrypt(t, rsaKey.Key, rsaKey.KeyID, jose.RSA_OAEP, jose.A128GCM, nil),
			encrypt(t, ecKey.Key, ecKey.KeyID, jose.ECDH_ES_A256KW, jose.A256CBC_HS512, nil),
		}
	}
	before := append(both(oldRSA, oldEC, true), both(oldRSA, oldEC, false)...)

	c.move(DefaultRotateEvery)
	maintain(t, r)
	newRSA, newEC := encryptionKeys(t, r)
	set := published(t, r)
	if newRSA.KeyID == oldRSA.KeyID || newEC.KeyID == oldEC.KeyID || len(set.Key(oldRSA.KeyID))+len(set.Key(oldEC.KeyID)) > 0 {
		t.Error("the retired keys are still published")
	}
	after := append(both(newRSA, newEC, true), both(newRSA, newEC, false)...)
	for i, text := range slices.Concat(before, after) {
		for name, ring := range map[string]*Ring{"the process that rotated": r, "the other": other} {
			if got, err := ring.Decrypt(text); err != nil || string(got) != secretText {
				t.Errorf("%s cannot decrypt text %d: %v", name, i, err)
			}
		}
	}
	for _, k := range r.Keys() {
		if k.Use == Encryption && (k.Published != k.Activated || k.State == Retired && !k.Removed.Equal(c.now().Add(DefaultTokenLife))) {
			t.Errorf("%s %s key: published %s, removed %s", k.Algorithm, k.State, k.Published, k.Removed)
		}
	}

	c.move(DefaultTokenLife)
	maintain(t, r)
	for i, text := range before {
		if _, err := r.Decrypt(text); !errors.Is(err, ErrDecryption) {
			t.Errorf("text %d opens with a removed key: %v", i, err)
		}
	}
	if err := r.Rotate(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Decrypt(after[0]); !errors.Is(err, ErrDecryption) {
		t.Errorf("a key in wrong hands still decrypts: %v", err)
	}
}

func FuzzDecrypt(f *testing.F) {
	r := newRing(f, openStocked(f), newClock(), nil)
	settle(f, r)
	for _, seed := range refused(f, r) {
		f.Add(seed)
	}
	rsaKey, ecKey := encryptionKeys(f, r)
	f.Add(encrypt(f, rsaKey.Key, rsaKey.KeyID, jose.RSA_OAEP, jose.A128GCM, nil))
	for _, alg := range []jose.KeyAlgorithm{jose.ECDH_ES, jose.ECDH_ES_A128KW, jose.ECDH_ES_A256KW} {
		f.Add(encrypt(f, ecKey.Key, "", alg, jose.A128CBC_HS256, nil))
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := r.Decrypt(text)
		if err != nil && (err != ErrDecryption || got != nil) {
			t.Errorf("%q and error %v", got, err)
		}
		if err == nil && len(got) > len(text) {
			t.Errorf("%d bytes became %d", len(text), len(got))
		}
	})
}
