package keys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"brygga/storage"
)

// CacheTime is how long clients may keep the JWKS: what its Cache-Control header says.
const CacheTime = 10 * time.Minute

// Defaults of Options.
const (
	DefaultRotateEvery  = 90 * 24 * time.Hour
	DefaultPublishAhead = 24 * time.Hour
	DefaultTokenLife    = 24 * time.Hour
)

// maxToken bounds what Verify parses, in bytes.
const maxToken = 16 << 10

// Errors that callers branch on.
var (
	// ErrAlgorithm means that there are no keys for the algorithm: it is neither ES256 nor RS256.
	ErrAlgorithm = errors.New("keys: no such signing algorithm")
	// ErrSignature means that a token was not signed by a key of the set, or is no token at all.
	ErrSignature = errors.New("keys: not signed by one of our keys")
)

// TooSoonError says that the next key has not stood in the JWKS for long enough to be used: clients that keep the JWKS
// might not know it. Wait until At, or rotate at once and accept that.
type TooSoonError struct {
	Algorithm string
	At        time.Time
}

// Error names the algorithm and the time.
func (e *TooSoonError) Error() string {
	return fmt.Sprintf("keys: the next %s key may be used from %s on, when every client has seen it; an emergency rotation replaces it at once",
		e.Algorithm, e.At.Format(time.RFC3339))
}

// Change is what happened to a key.
type Change string

// The changes of a key.
const (
	Created   Change = "created"
	Activated Change = "activated"
	Stopped   Change = "retired"
	Removed   Change = "removed"
)

// Event tells of one change that is stored already.
type Event struct {
	Change    Change
	KeyID     string
	Algorithm string
}

// Options are the parts of a Ring. Store is required.
type Options struct {
	Store storage.SigningKeys
	// RotateEvery is how long a key signs; 0 means DefaultRotateEvery.
	RotateEvery time.Duration
	// PublishAhead is how long a key stands in the JWKS before it signs, at least CacheTime; 0 means DefaultPublishAhead.
	PublishAhead time.Duration
	// TokenLife is how long a key stays in the JWKS after it has stopped signing: the longest life of a token and some
	// more for clocks that differ; 0 means DefaultTokenLife.
	TokenLife time.Duration
	// OnChange is told of every change that this Ring has stored, in order; nil for nobody. It must not call the Ring.
	OnChange func(ctx context.Context, e Event)
	// Logger gets the faults of background work; nil discards them.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Ring signs with the active keys, and rotates them. Its methods may be called concurrently. Close it before its store.
type Ring struct {
	store    storage.SigningKeys
	o        Options
	log      *slog.Logger
	set      atomic.Pointer[keySet]
	mu       sync.Mutex // held while the stored set is being changed
	complete chan struct{}
	work     sync.WaitGroup
}

// algorithms are those that every Ring has keys for. The first is made before New returns.
var algorithms = [...]string{storage.ES256, storage.RS256}

// New returns a Ring over the stored keys and makes those that are missing: ES256 keys before it returns, RS256 keys, which
// take up to a second, in the background. It returns an error, and leaves the store alone, when the options cannot be used
// or a stored key cannot be read; the error then wraps the store's, such as storage.ErrWrongKey. ctx bounds the call only.
func New(ctx context.Context, o Options) (*Ring, error) {
	o.RotateEvery = cmp.Or(o.RotateEvery, DefaultRotateEvery)
	o.PublishAhead = cmp.Or(o.PublishAhead, DefaultPublishAhead)
	o.TokenLife = cmp.Or(o.TokenLife, DefaultTokenLife)
	switch {
	case o.Store == nil:
		return nil, errors.New("keys: no store")
	case o.PublishAhead < CacheTime:
		return nil, fmt.Errorf("keys: publishing %s ahead is less than the %s for which clients keep the JWKS", o.PublishAhead, CacheTime)
	case o.RotateEvery <= o.PublishAhead:
		return nil, fmt.Errorf("keys: rotating every %s leaves no time to publish a key %s ahead", o.RotateEvery, o.PublishAhead)
	case o.TokenLife < CacheTime:
		return nil, fmt.Errorf("keys: retired keys are kept for %s only; want at least %s", o.TokenLife, CacheTime)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Ring{store: o.Store, o: o, log: o.Logger, complete: make(chan struct{})}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if err := r.Reload(ctx); err != nil {
		return nil, err
	}
	if err := r.update(ctx, r.fill(algorithms[:1])); err != nil {
		return nil, err
	}
	if r.set.Load().active[storage.RS256] != nil {
		close(r.complete)
		return r, nil
	}
	background := context.WithoutCancel(ctx)
	r.work.Go(func() {
		defer close(r.complete)
		if err := r.update(background, r.fill(algorithms[:])); err != nil {
			r.log.ErrorContext(background, "storage failed", "doing", "make signing keys", "err", err)
		}
	})
	return r, nil
}

// Close waits for background work. Call it before the store is closed.
func (r *Ring) Close() { r.work.Wait() }

// Sign returns claims as a JWS in compact form, signed by the active key of the algorithm. typ is the header parameter of
// that name (RFC 7515 §4.1.9), "JWT" for ID tokens. On a first start it waits for the RS256 key, as long as ctx allows. It
// returns ErrAlgorithm for an algorithm without keys.
func (r *Ring) Sign(ctx context.Context, algorithm, typ string, claims []byte) (string, error) {
	k := r.set.Load().active[algorithm]
	if k == nil {
		if err := r.await(ctx); err != nil {
			return "", err
		}
		if k = r.set.Load().active[algorithm]; k == nil {
			return "", fmt.Errorf("%w: %q", ErrAlgorithm, algorithm)
		}
	}
	return k.sign(typ, claims)
}

// JWKS returns the public keys (RFC 7517 §5): next, active and retired ones. Do not change the bytes. On a first start it
// waits for the RS256 keys, as a client may keep what it gets for CacheTime.
func (r *Ring) JWKS(ctx context.Context) (Document, error) {
	select {
	case <-r.complete:
		if len(r.set.Load().active) == len(algorithms) {
			return r.set.Load().jwks, nil
		}
	default:
	}
	if err := r.await(ctx); err != nil {
		return Document{}, err
	}
	return r.set.Load().jwks, nil
}

// await waits until the background work of New is over, and does it again if it has failed.
func (r *Ring) await(ctx context.Context) error {
	select {
	case <-r.complete:
	case <-ctx.Done():
		return fmt.Errorf("wait for signing keys: %w", context.Cause(ctx))
	}
	return r.update(ctx, r.fill(algorithms[:]))
}

// Verify returns the payload of a token that one of the keys signed, retired ones included, and ErrSignature for every
// other text, however odd. It looks at nothing but the signature: expiry, issuer and audience are the caller's to check.
func (r *Ring) Verify(token string) ([]byte, error) {
	if len(token) > maxToken {
		return nil, ErrSignature
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil || len(jws.Signatures) != 1 {
		return nil, ErrSignature
	}
	header := jws.Signatures[0].Protected
	k := r.set.Load().byID(header.KeyID)
	if k == nil {
		return nil, ErrSignature
	}
	payload, err := jws.Verify(k.public()) // a key of the other algorithm's type is an error there
	if err != nil {
		return nil, ErrSignature
	}
	return payload, nil
}

// Keys returns all keys of the set, oldest first.
func (r *Ring) Keys() []Info {
	set := r.set.Load()
	infos := make([]Info, len(set.keys))
	for i, k := range set.keys {
		infos[i] = Info{
			ID: k.record.ID, Algorithm: k.record.Algorithm, State: stateOf(k.record), Published: k.record.Published,
			Activated: k.record.Activated, Retired: k.record.Retired, Removed: k.record.Removed,
		}
	}
	return infos
}
