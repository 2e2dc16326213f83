package keys

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"brygga/storage"
	"brygga/storage/bolt"
)

// clock is a clock that stands until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(by)
}

func openStore(t testing.TB) *bolt.Store {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "brygga.db"), newSealer(t), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// stock are the keys of a store whose clients encrypt, made once: RSA keys are dear.
var stock = sync.OnceValues(func() ([]storage.SigningKey, error) {
	d := &draft{now: newClock().now(), spare: make(map[string][]storage.SigningKey), made: make(map[string]int)}
	err := new(Ring).fill(append(always[:], rsaOAEP, ecdhES)...)(d)
	return d.records(), err
})

// openStocked returns a store of an earlier start at the time of newClock.
func openStocked(t testing.TB) *bolt.Store {
	t.Helper()
	records, err := stock()
	if err != nil {
		t.Fatal(err)
	}
	store := openStore(t)
	if err := store.ReplaceSigningKeys(t.Context(), records, 0); err != nil {
		t.Fatal(err)
	}
	return store
}

func newRing(t testing.TB, store storage.SigningKeys, c *clock, events *[]Event) *Ring {
	t.Helper()
	o := Options{Store: store, Now: c.now}
	if events != nil {
		o.Tell = func(_ context.Context, changes []Event) ([]storage.AuditEvent, func()) {
			return nil, func() { *events = append(*events, changes...) }
		}
	}
	r, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// settle waits for the keys that are made in the background.
func settle(t testing.TB, r *Ring) {
	t.Helper()
	if _, err := r.JWKS(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// states counts the keys by algorithm and state.
func states(r *Ring) map[string]int {
	count := make(map[string]int)
	for _, k := range r.Keys() {
		count[k.Algorithm+" "+string(k.State)]++
	}
	return count
}

func active(t testing.TB, r *Ring, algorithm string) Info {
	t.Helper()
	for _, k := range r.Keys() {
		if k.Algorithm == algorithm && k.State == Active {
			return k
		}
	}
	t.Fatalf("no active %s key", algorithm)
	return Info{}
}

func sign(t testing.TB, r *Ring, algorithm string) string {
	t.Helper()
	token, err := r.Sign(t.Context(), algorithm, "JWT", []byte(`{"sub":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// published fetches the JWKS as a client reads it.
func published(t testing.TB, r *Ring) jose.JSONWebKeySet {
	t.Helper()
	document, err := r.JWKS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(document.JSON, &set); err != nil {
		t.Fatal(err)
	}
	return set
}

// checkSigned verifies a token as a client does, with nothing but the JWKS.
func checkSigned(t testing.TB, set jose.JSONWebKeySet, token, algorithm string) error {
	t.Helper()
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
	if err != nil {
		return err
	}
	var claims jwt.Claims
	if err := parsed.Claims(set, &claims); err != nil {
		return err
	}
	if claims.Subject != "x" {
		return fmt.Errorf("subject %q", claims.Subject)
	}
	return nil
}

func TestFirstStart(t *testing.T) {
	store, c := openStore(t), newClock()
	var events []Event
	r := newRing(t, store, c, &events)
	for _, algorithm := range []string{storage.ES256, storage.RS256} { // RS256 straight away: it waits for its key
		token := sign(t, r, algorithm)
		if err := checkSigned(t, published(t, r), token, algorithm); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
		header, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
		want := fmt.Sprintf(`{"alg":%q,"kid":%q,"typ":"JWT"}`, algorithm, active(t, r, algorithm).ID)
		if string(header) != want {
			t.Errorf("header %s, want %s", header, want)
		}
	}
	want := map[string]int{
		"ES256 active": 1, "ES256 next": 1, "RS256 active": 1, "RS256 next": 1,
	}
	if got := states(r); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("keys %v, want %v", got, want)
	}
	set := published(t, r)
	if len(set.Keys) != 4 {
		t.Errorf("%d keys in the JWKS, want 4", len(set.Keys))
	}
	for _, k := range set.Keys {
		if !k.IsPublic() || k.KeyID == "" || k.Algorithm == "" || k.Use != "sig" {
			t.Errorf("key %q: public %t, use %q, alg %q", k.KeyID, k.IsPublic(), k.Use, k.Algorithm)
		}
	}
	r.Close()
	if len(events) != 6 { // four created, two activated
		t.Errorf("events %v", events)
	}
	before, _ := r.JWKS(t.Context())

	again := newRing(t, store, c, &events)
	after, err := again.JWKS(t.Context())
	if err != nil || after.ETag != before.ETag || string(after.JSON) != string(before.JSON) {
		t.Errorf("another JWKS after a restart: %v", err)
	}
	if len(events) != 6 {
		t.Errorf("a restart changed keys: %v", events[6:])
	}
}

func TestSignKeepsTheOrderOfClaims(t *testing.T) {
	r := newRing(t, openStocked(t), newClock(), nil)
	claims := []byte(`{"b":1,"a":"å"}`)
	token, err := r.Sign(t.Context(), storage.ES256, "logout+jwt", claims)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	header, _ := base64.RawURLEncoding.DecodeString(parts[0])
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	if string(payload) != string(claims) || len(signature) != 64 || !strings.Contains(string(header), `"typ":"logout+jwt"`) {
		t.Errorf("header %s, payload %s, %d bytes of signature", header, payload, len(signature))
	}
	for _, algorithm := range []string{"HS256", "none", "", "PS384", rsaOAEP, ecdhES} {
		if _, err := r.Sign(t.Context(), algorithm, "JWT", claims); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

// Short integers in a signature must be padded: one in 128 signatures has one.
func TestSignaturesHaveTheirFullLength(t *testing.T) {
	r := newRing(t, openStocked(t), newClock(), nil)
	for i := range 600 {
		token, err := r.Sign(t.Context(), storage.ES256, "JWT", fmt.Appendf(nil, `{"sub":"x","n":%d}`, i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Verify(token, "JWT"); err != nil {
			t.Fatalf("signature %d: %v", i, err)
		}
	}
}

func TestSignWaitsNoLongerThanAllowed(t *testing.T) {
	r := &Ring{complete: make(chan struct{})}
	r.set.Store(&keySet{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Sign(ctx, storage.RS256, "JWT", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Sign: %v", err)
	}
	if _, err := r.JWKS(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("JWKS: %v", err)
	}
}

func TestNewRefusesKeysThatCannotBeRead(t *testing.T) {
	good, err := generate(storage.ES256, newClock().now())
	if err != nil {
		t.Fatal(err)
	}
	good.Activated = good.Published
	tests := map[string]func(*storage.SigningKey){
		"garbage":           func(k *storage.SigningKey) { k.Private = []byte("garbage") },
		"empty":             func(k *storage.SigningKey) { k.Private = nil },
		"another algorithm": func(k *storage.SigningKey) { k.Algorithm = storage.RS256 },
		"unknown algorithm": func(k *storage.SigningKey) { k.Algorithm = "ML-DSA-65" },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			store, bad := openStore(t), good
			spoil(&bad)
			if err := store.ReplaceSigningKeys(t.Context(), []storage.SigningKey{bad}, 0); err != nil {
				t.Fatal(err)
			}
			if _, err := New(t.Context(), Options{Store: store}); err == nil {
				t.Error("started")
			}
			kept, _, err := store.SigningKeys(t.Context())
			if err != nil || len(kept) != 1 || string(kept[0].Private) != string(bad.Private) {
				t.Errorf("the stored key was replaced: %v", err)
			}
		})
	}
}

func TestNewRefusesOptions(t *testing.T) {
	store := openStore(t)
	for name, o := range map[string]Options{
		"no store":                 {},
		"published too late":       {Store: store, PublishAhead: time.Minute},
		"rotated before published": {Store: store, RotateEvery: time.Hour},
		"retired keys dropped":     {Store: store, TokenLife: time.Second},
	} {
		if _, err := New(t.Context(), o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// marked fails where it is told to.
type marked struct {
	store       storage.SigningKeys
	read, write error
}

func (m *marked) SigningKeys(ctx context.Context) ([]storage.SigningKey, uint64, error) {
	if m.read != nil {
		return nil, 0, m.read
	}
	return m.store.SigningKeys(ctx)
}

func (m *marked) ReplaceSigningKeys(ctx context.Context, keys []storage.SigningKey, revision uint64, events ...storage.AuditEvent) error {
	if m.write != nil {
		return m.write
	}
	return m.store.ReplaceSigningKeys(ctx, keys, revision, events...)
}

func TestStoreFaults(t *testing.T) {
	store := &marked{store: openStocked(t), read: storage.ErrWrongKey}
	if _, err := New(t.Context(), Options{Store: store}); !errors.Is(err, storage.ErrWrongKey) {
		t.Errorf("a store of another master key: %v", err)
	}
	store.read = nil
	r := newRing(t, store, newClock(), nil)
	settle(t, r)
	before := active(t, r, storage.ES256)
	store.write = errors.New("disk full")
	if err := r.Rotate(t.Context(), true); !errors.Is(err, store.write) {
		t.Errorf("Rotate: %v", err)
	}
	store.write = storage.ErrConflict
	if err := r.Rotate(t.Context(), true); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("Rotate: %v", err)
	}
	if got := active(t, r, storage.ES256); got.ID != before.ID {
		t.Error("signs with a key that was not stored")
	}
}

func TestVerifyRefuses(t *testing.T) {
	r := newRing(t, openStocked(t), newClock(), nil)
	settle(t, r)
	id := active(t, r, storage.RS256).ID
	own := r.set.Load().verifying(id, storage.RS256).rsa
	encryption := r.set.Load().active[rsaOAEP]
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	make := func(algorithm jose.SignatureAlgorithm, key any, kid string) string {
		o := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", kid)
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, o)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := signer.Sign([]byte(`{"sub":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		token, err := jws.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := sign(t, r, storage.RS256)
	if payload, err := r.Verify(good, "JWT"); err != nil || string(payload) != `{"sub":"x"}` {
		t.Fatalf("our own token: %s, %v", payload, err)
	}
	for _, typ := range []string{"", "jwt", "at+jwt", "logout+jwt", "JWT "} {
		if payload, err := r.Verify(good, typ); !errors.Is(err, ErrSignature) || payload != nil {
			t.Errorf("taken for a %q: %s, %v", typ, payload, err)
		}
	}
	parts := strings.Split(good, ".")
	encode := base64.RawURLEncoding.EncodeToString
	for name, token := range map[string]string{
		"a stranger's key under our kid": make(jose.RS256, stranger, id),
		"unknown kid":                    make(jose.RS256, stranger, "other"),
		"HMAC with the public key":       make(jose.HS256, own.N.Bytes(), id),
		"another RSA algorithm":          make(jose.PS256, own, id),
		"another hash":                   make(jose.RS512, own, id),
		"an encryption key":              make(jose.RS256, encryption.rsa, encryption.record.ID),
		"alg none":                       encode([]byte(`{"alg":"none","kid":"`+id+`"}`)) + "." + parts[1] + ".",
		"no kid":                         encode([]byte(`{"alg":"RS256"}`)) + "." + parts[1] + "." + parts[2],
		"EC algorithm with the RSA kid":  encode([]byte(`{"alg":"ES256","kid":"`+id+`"}`)) + "." + parts[1] + "." + parts[2],
		"changed payload":                parts[0] + "." + encode([]byte(`{"sub":"y"}`)) + "." + parts[2],
		"no signature":                   parts[0] + "." + parts[1] + ".",
		"empty":                          "",
		"dots":                           "..",
		"JSON form":                      `{"payload":"` + parts[1] + `","signatures":[]}`,
		"huge":                           strings.Repeat("a", maxToken+1),
	} {
		if payload, err := r.Verify(token, "JWT"); !errors.Is(err, ErrSignature) || payload != nil {
			t.Errorf("%s: %s, %v", name, payload, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	r := newRing(f, openStocked(f), newClock(), nil)
	settle(f, r)
	for _, seed := range []string{"", ".", "..", "a.b.c", "eyJhbGciOiJub25lIn0.e30."} {
		f.Add(seed)
	}
	for _, algorithm := range signing() {
		good := sign(f, r, algorithm)
		f.Add(good)
		f.Add(good[:len(good)-1])
		f.Add(good + "A")
	}
	f.Fuzz(func(t *testing.T, token string) {
		if payload, err := r.Verify(token, "JWT"); err == nil && string(payload) != `{"sub":"x"}` {
			t.Errorf("verified %q with payload %s", token, payload)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	r := newRing(b, openStocked(b), newClock(), nil)
	settle(b, r)
	claims := []byte(strings.Repeat("x", 600))
	for _, algorithm := range signing() {
		b.Run(algorithm, func(b *testing.B) {
			sign(b, r, algorithm)
			b.ReportAllocs()
			for b.Loop() {
				r.Sign(b.Context(), algorithm, "JWT", claims)
			}
		})
	}
}
