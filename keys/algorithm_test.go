package keys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"

	"brygga/storage"
)

// signing returns the names of all signature algorithms.
func signing() []string {
	var names []string
	for _, a := range algorithms {
		if a.use == Signature {
			names = append(names, a.name)
		}
	}
	return names
}

func TestEveryAlgorithmSigns(t *testing.T) {
	store, c := openStocked(t), newClock()
	r := newRing(t, store, c, nil)
	want := []string{"ES256", "RS256", "ES384", "ES512", "RS384", "RS512", "PS256", "EdDSA"}
	if got := signing(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("algorithms %v, want %v", got, want)
	}
	owner := make(map[string]string)
	for _, algorithm := range want {
		token := sign(t, r, algorithm)
		set := published(t, r)
		if err := checkSigned(t, set, token, algorithm); err != nil {
			t.Errorf("%s by go-jose: %v", algorithm, err)
		}
		if err := checkWithStandardLibrary(publishedText(t, r), token, algorithm); err != nil {
			t.Errorf("%s by the standard library: %v", algorithm, err)
		}
		if payload, err := r.Verify(token, "JWT"); err != nil || string(payload) != `{"sub":"x"}` {
			t.Errorf("%s by Verify: %s, %v", algorithm, payload, err)
		}
		for _, k := range set.Key(active(t, r, algorithm).ID) {
			if k.Algorithm != algorithm || k.Use != "sig" || !k.IsPublic() {
				t.Errorf("%s key with alg %q, use %q", algorithm, k.Algorithm, k.Use)
			}
		}
		for _, k := range r.Keys() {
			if other := owner[k.ID]; other != "" && other != k.Algorithm {
				t.Errorf("%s and %s share a key", k.Algorithm, other)
			}
			owner[k.ID] = k.Algorithm
		}
	}
	if again := newRing(t, store, c, nil); fmt.Sprint(again.Keys()) != fmt.Sprint(r.Keys()) {
		t.Error("a restart changed the keys")
	}

	// They rotate with the others.
	first := make(map[string]string)
	for _, algorithm := range want {
		first[algorithm] = sign(t, r, algorithm)
	}
	document := publishedText(t, r)
	c.move(DefaultRotateEvery)
	maintain(t, r)
	for _, algorithm := range want {
		token := sign(t, r, algorithm)
		if token[:strings.IndexByte(token, '.')] == first[algorithm][:strings.IndexByte(token, '.')] {
			t.Errorf("%s did not rotate", algorithm)
		}
		if err := checkWithStandardLibrary(document, token, algorithm); err != nil {
			t.Errorf("%s: the new key was not published before its use: %v", algorithm, err)
		}
		if _, err := r.Verify(first[algorithm], "JWT"); err != nil {
			t.Errorf("%s with a retired key: %v", algorithm, err)
		}
	}
	if err := r.Rotate(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range want {
		if got := states(r); got[algorithm+" active"] != 1 || got[algorithm+" next"] != 1 || got[algorithm+" retired"] != 0 {
			t.Errorf("%s keys after an emergency: %v", algorithm, got)
		}
		if _, err := r.Verify(first[algorithm], "JWT"); !errors.Is(err, ErrSignature) {
			t.Errorf("%s with a removed key: %v", algorithm, err)
		}
	}
}

func publishedText(t testing.TB, r *Ring) []byte {
	t.Helper()
	document, err := r.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return document.JSON
}

type plainJWK struct{ Kty, Use, Alg, Kid, Crv, X, Y, N, E string }

// checkWithStandardLibrary verifies a token by nothing but its text, the JWKS and the standard library.
func checkWithStandardLibrary(jwks []byte, token, algorithm string) error {
	parts := strings.Split(token, ".")
	decode := func(text string) []byte {
		decoded, _ := base64.RawURLEncoding.DecodeString(text)
		return decoded
	}
	var header struct{ Alg, Kid, Typ string }
	var set struct{ Keys []plainJWK }
	if err := errors.Join(json.Unmarshal(decode(parts[0]), &header), json.Unmarshal(jwks, &set)); err != nil {
		return err
	}
	for _, k := range set.Keys {
		if k.Kid == header.Kid && k.Alg == header.Alg && k.Alg == algorithm && k.Use == "sig" {
			if !checkPlain(k, parts[0]+"."+parts[1], decode(parts[2]), decode) {
				return errors.New("wrong signature")
			}
			return nil
		}
	}
	return errors.New("no such key")
}

func checkPlain(k plainJWK, input string, signature []byte, decode func(string) []byte) bool {
	hash := map[string]crypto.Hash{
		"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512, "DSA": crypto.SHA512,
	}[k.Alg[len(k.Alg)-3:]]
	h := hash.New()
	h.Write([]byte(input))
	number := func(text []byte) *big.Int { return new(big.Int).SetBytes(text) }
	public := &rsa.PublicKey{N: number(decode(k.N)), E: int(number(decode(k.E)).Int64())}
	switch k.Alg[:2] {
	case "ES":
		curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Crv]
		half := map[string]int{"ES256": 32, "ES384": 48, "ES512": 66}[k.Alg]
		point, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, decode(k.X), decode(k.Y)))
		return err == nil && k.Kty == "EC" && (curve.Params().BitSize+7)/8 == half && len(signature) == 2*half &&
			ecdsa.Verify(point, h.Sum(nil), number(signature[:half]), number(signature[half:]))
	case "RS":
		return k.Kty == "RSA" && rsa.VerifyPKCS1v15(public, hash, h.Sum(nil), signature) == nil
	case "PS":
		return k.Kty == "RSA" && rsa.VerifyPSS(public, hash, h.Sum(nil), signature, &rsa.PSSOptions{SaltLength: 32}) == nil
	default:
		return k.Kty == "OKP" && k.Crv == "Ed25519" && ed25519.Verify(decode(k.X), []byte(input), signature)
	}
}

func TestOnlyWhatIsAskedForIsMade(t *testing.T) {
	var events []Event
	r := newRing(t, openStocked(t), newClock(), &events)
	settle(t, r)
	before, _ := r.JWKS(t.Context())
	made := len(events)
	for _, names := range [][]string{nil, {storage.ES256, storage.RS256}} {
		if got, err := r.Provide(t.Context(), names...); err != nil || got != nil || len(events) != made {
			t.Errorf("Provide(%v): %v, %v, %v", names, got, err, events[made:])
		}
	}
	for _, name := range []string{"HS256", "", "RSA1_5", "dir"} {
		if _, err := r.Provide(t.Context(), storage.ES384, name); !errors.Is(err, ErrAlgorithm) || len(events) != made {
			t.Errorf("Provide(%q): %v, %v", name, err, events[made:])
		}
	}
	for _, want := range []string{"[ES384 EdDSA]", "[]"} {
		if got, err := r.Provide(t.Context(), storage.ES384, storage.EdDSA, storage.ES384); err != nil || fmt.Sprint(got) != want {
			t.Fatalf("made %v, want %s: %v", got, want, err)
		}
	}
	if got := len(events) - made; got != 6 { // for each algorithm two created, one activated
		t.Errorf("events %v", events[made:])
	}
	after, _ := r.JWKS(t.Context())
	if after.ETag == before.ETag || len(published(t, r).Keys) != 10 {
		t.Errorf("the new keys are not published: %s", after.JSON)
	}
	token := sign(t, r, storage.ES384)
	if err := checkWithStandardLibrary(after.JSON, token, storage.ES384); err != nil {
		t.Errorf("signed with a key that was not provided: %v", err)
	}
}

func TestMakingKeysOutlivesWhoAsked(t *testing.T) {
	r := newRing(t, openStocked(t), newClock(), nil)
	settle(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	r.turn <- struct{}{} // somebody is making keys
	cancel()
	_, provideErr := r.Provide(ctx, storage.ES512)
	for doing, err := range map[string]error{
		"Provide": provideErr, "Reload": r.Reload(ctx), "Maintain": r.Maintain(ctx), "Rotate": r.Rotate(ctx, false),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s waited longer than allowed: %v", doing, err)
		}
	}
	<-r.turn
	gone := &cancelled{marked: marked{store: r.store}}
	r.store = gone
	ctx, gone.cancel = context.WithCancel(t.Context())
	if _, err := r.Provide(ctx, storage.ES512); err != nil || ctx.Err() == nil {
		t.Errorf("Provide: %v", err)
	}
}

// cancelled is a store during whose use the caller goes away.
type cancelled struct {
	marked
	cancel func()
}

func (c *cancelled) ReplaceSigningKeys(ctx context.Context, keys []storage.SigningKey, revision uint64, events ...storage.AuditEvent) error {
	c.cancel()
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.marked.ReplaceSigningKeys(ctx, keys, revision, events...)
}

func TestProcessesMakeAnAlgorithmOnce(t *testing.T) {
	store, c := openStocked(t), newClock()
	settle(t, newRing(t, store, c, nil))
	var rings [4]*Ring
	for i := range rings {
		rings[i] = newRing(t, store, c, nil)
	}
	var mu sync.Mutex
	var tokens []string
	var work sync.WaitGroup
	for _, r := range rings {
		for _, algorithm := range []string{storage.ES512, storage.PS256, storage.ES512} {
			work.Go(func() {
				token, err := r.Sign(t.Context(), algorithm, "JWT", []byte(`{"sub":"x"}`))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				tokens = append(tokens, token)
			})
		}
	}
	work.Wait()
	for _, r := range rings {
		maintain(t, r)
		if got := states(r); len(r.Keys()) != 12 || got["ES512 active"] != 1 || got["ES512 next"] != 1 || got["PS256 active"] != 1 {
			t.Errorf("keys %v", got)
		}
		for _, token := range tokens {
			if _, err := r.Verify(token, "JWT"); err != nil {
				t.Errorf("a token of another process: %v", err)
			}
		}
	}
}

func TestPreparedHeaders(t *testing.T) {
	r := newRing(t, openStocked(t), newClock(), nil)
	k := r.set.Load().signing(storage.ES256)
	for _, typ := range []string{"JWT", "at+jwt", "logout+jwt", "token-introspection+jwt", ""} {
		if !bytes.Equal(k.header(typ), k.newHeader(typ)) {
			t.Errorf("typ %q has the header %s", typ, k.header(typ))
		}
	}
	for i, typ := range types {
		if &k.header(typ)[0] != &k.headers[i][0] {
			t.Errorf("the header for typ %q is made anew each time", typ)
		}
	}
}

func TestHalfHash(t *testing.T) {
	// Made with: printf %s TEXT | openssl dgst -sha256 -binary | head -c 16 | basenc --base64url, and so on.
	const text = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
	sha256, sha384, sha512 := "77QmUPtjPfzWtF2AnpK9RQ", "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs", "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM"
	for algorithm, want := range map[string]string{
		storage.ES256: sha256, storage.RS256: sha256, storage.PS256: sha256, storage.ES384: sha384, storage.RS384: sha384,
		storage.ES512: sha512, storage.RS512: sha512, storage.EdDSA: sha512, "HS256": "", "none": "", rsaOAEP: "", "": "",
	} {
		if got := HalfHash(algorithm, text); got != want {
			t.Errorf("%s: %q, want %q", algorithm, got, want)
		}
	}
}
