package keys

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
	// ErrAlgorithm means that nothing can be signed with the algorithm: storage does not name it among the signature algorithms.
	ErrAlgorithm = errors.New("keys: no such signing algorithm")
	// ErrSignature means that a token was not signed by a key of the set, or is no token at all.
	ErrSignature = errors.New("keys: not signed by one of our keys")
)

// TooSoonError says that the next key has not been there for long enough to be used: clients that keep the JWKS, or other
// processes, might not know it. Wait until At, or rotate at once and accept that.
type TooSoonError struct {
	Algorithm string
	At        time.Time
}

// Error names the algorithm and the time.
func (e *TooSoonError) Error() string {
	return fmt.Sprintf("keys: the next %s key may be used from %s on, when it is known everywhere; an emergency rotation replaces it at once",
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

// Event tells of one change.
type Event struct {
	Change    Change
	KeyID     string
	Algorithm string
}

// Options are the parts of a Ring. Store is required.
type Options struct {
	Store storage.SigningKeys
	// RotateEvery is how long a key signs, or is encrypted to; 0 means DefaultRotateEvery.
	RotateEvery time.Duration
	// PublishAhead is how long a key stands in the JWKS before it signs, at least CacheTime; 0 means DefaultPublishAhead.
	PublishAhead time.Duration
	// TokenLife is how long a key stays in the JWKS after it has stopped signing: the longest life of a token and some
	// more for clocks that differ. An encryption key decrypts for as long after it has left the JWKS. 0 means
	// DefaultTokenLife.
	TokenLife time.Duration
	// Needed are the algorithms that there shall be keys for from the start, beside those that every Ring has.
	Needed []string
	// Used returns those of the algorithms that somebody needs keys for; nil stands for all of them. It is asked about sets that not
	// every Ring has: one that nobody needs retires. It must not call the Ring.
	Used func(ctx context.Context, algorithms []string) (used []string, err error)
	// Tell returns the audit events of changes, in order, which are stored with them, and what is called once they are; nil for no events. It
	// may be asked again, and must not call the Ring.
	Tell func(ctx context.Context, changes []Event) (events []storage.AuditEvent, told func())
	// Logger gets the faults of background work; nil discards them.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Ring signs with the active keys, decrypts what is encrypted to them, and rotates them. Its methods may be called concurrently. Close it before its store.
type Ring struct {
	store storage.SigningKeys
	o     Options
	log   *slog.Logger
	set   atomic.Pointer[keySet]
	// turn holds one value while the stored set is being changed: a lock that a context bounds the wait for.
	turn     chan struct{}
	complete chan struct{}
	work     sync.WaitGroup
	// looked is when Maintain last asked which sets are used, in nanoseconds.
	looked atomic.Int64
}

// New returns a Ring over the stored keys and makes those that are missing: ES256 keys before it returns, RS256 keys, which take
// up to a second, and those that are Needed in the background. Keys for the other algorithms are made when Sign or Provide first
// names them. New returns an error, and leaves the store alone, when the options cannot be used
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
	if i := slices.IndexFunc(o.Needed, func(name string) bool { return lookup(name) == nil }); i >= 0 {
		return nil, fmt.Errorf("%w: %q", ErrAlgorithm, o.Needed[i])
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Ring{store: o.Store, o: o, log: o.Logger, turn: make(chan struct{}, 1), complete: make(chan struct{})}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if err := r.Reload(ctx); err != nil {
		return nil, err
	}
	if err := r.update(ctx, r.fill(always[:1]...)); err != nil {
		return nil, err
	}
	r.complement(context.WithoutCancel(ctx), append(always[:], o.Needed...))
	return r, nil
}

// complement makes the keys that the algorithms lack, in the background, and then closes complete.
func (r *Ring) complement(ctx context.Context, algorithms []string) {
	if r.set.Load().has(algorithms...) {
		close(r.complete)
		return
	}
	r.work.Go(func() {
		defer close(r.complete)
		if err := r.update(ctx, r.fill(algorithms...)); err != nil {
			r.log.ErrorContext(ctx, "could not make keys", "doing", "make keys", "err", err)
		}
	})
}

// Close waits for background work. Call it before the store is closed.
func (r *Ring) Close() { r.work.Wait() }

// Sign returns claims as a JWS in compact form, signed by the active key of the algorithm, which is one of the signature
// algorithms that storage names. typ is the header parameter of that name (RFC 7515 §4.1.9), "JWT" for ID tokens. On a first
// start it waits for the RS256 key, as long as ctx allows. It returns ErrAlgorithm for other algorithms.
//
// The first call for an algorithm that Provide did not name makes its keys, and stores and publishes them before it signs. A
// client that still keeps the JWKS of before then meets a kid that it does not know, and fetches the JWKS again (OpenID
// Connect Core §10.1.1).
func (r *Ring) Sign(ctx context.Context, algorithm, typ string, claims []byte) (string, error) {
	k := r.set.Load().signing(algorithm)
	if k == nil {
		if err := r.obtain(ctx, algorithm); err != nil {
			return "", err
		}
		if k = r.set.Load().signing(algorithm); k == nil {
			return "", fmt.Errorf("%w: %q", ErrAlgorithm, algorithm)
		}
	}
	return k.sign(typ, claims)
}

// Provide makes, stores and publishes the keys of those of the algorithms that have none, so that the JWKS has them before
// the first signature, or before somebody encrypts to us, and returns which those were. RSA keys take up to a second for each
// algorithm; ctx bounds the wait for keys that are being made already, not the making. It returns ErrAlgorithm, and does nothing,
// if one of the algorithms is neither one that Sign takes nor one that Decrypt takes.
func (r *Ring) Provide(ctx context.Context, algorithms ...string) (made []string, err error) {
	var missing []string
	for _, name := range algorithms {
		if lookup(name) == nil {
			return nil, fmt.Errorf("%w: %q", ErrAlgorithm, name)
		}
		if isOptional(name) && !r.set.Load().has(name) && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.end()
	if r.set.Load().has(missing...) { // the caller before us made them
		return nil, nil
	}
	// Who asked may be gone by now; the keys are for all.
	if err := r.change(context.WithoutCancel(ctx), r.fill(missing...)); err != nil {
		return nil, err
	}
	return missing, nil
}

// obtain gets keys for a signature algorithm that seems to have none.
func (r *Ring) obtain(ctx context.Context, algorithm string) error {
	switch {
	case !signs(algorithm):
		return fmt.Errorf("%w: %q", ErrAlgorithm, algorithm)
	case !isOptional(algorithm):
		return r.await(ctx)
	}
	_, err := r.Provide(ctx, algorithm)
	return err
}

// JWKS returns the public keys (RFC 7517 §5): signing keys that are next, active or retired, and active encryption keys. Do
// not change the bytes. On a first start it waits for the keys that are made in the background, as a client may keep what it
// gets for CacheTime.
func (r *Ring) JWKS(ctx context.Context) (Document, error) {
	select {
	case <-r.complete:
		if set := r.set.Load(); set.has(always[:]...) {
			return set.jwks, nil
		}
	default:
	}
	if err := r.await(ctx); err != nil {
		return Document{}, err
	}
	return r.set.Load().jwks, nil
}

// EncryptionAlgorithms returns those that there are published keys for. Do not change them. On a first start it waits as JWKS does.
func (r *Ring) EncryptionAlgorithms(ctx context.Context) ([]string, error) {
	_, err := r.JWKS(ctx)
	return r.set.Load().encryption, err
}

// await waits until the background work of New is over, and does it again if it has failed.
func (r *Ring) await(ctx context.Context) error {
	select {
	case <-r.complete:
	case <-ctx.Done():
		return fmt.Errorf("wait for signing keys: %w", context.Cause(ctx))
	}
	return r.update(ctx, r.fill(always[:]...))
}

// verifiable are the signature algorithms of tokens that Verify looks at.
var verifiable = JOSE(storage.SigningAlgs())

// JOSE returns the algorithms as go-jose names them.
func JOSE(algorithms []string) []jose.SignatureAlgorithm {
	named := make([]jose.SignatureAlgorithm, len(algorithms))
	for i, algorithm := range algorithms {
		named[i] = jose.SignatureAlgorithm(algorithm)
	}
	return named
}

// Verify returns the payload of a token with that typ in its header, which one of the signing keys signed with its own algorithm,
// retired ones included, and ErrSignature for every other text, however odd. What we sign for one purpose is nothing for another
// (RFC 8725 §3.11). Expiry, issuer and audience are the caller's to check.
func (r *Ring) Verify(token, typ string) ([]byte, error) {
	if len(token) > maxToken {
		return nil, ErrSignature
	}
	jws, err := jose.ParseSignedCompact(token, verifiable)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, ErrSignature
	}
	header := jws.Signatures[0].Protected
	k := r.set.Load().verifying(header.KeyID, header.Algorithm)
	if k == nil {
		return nil, ErrSignature
	}
	payload, err := jws.Verify(k.public())
	if err != nil || header.ExtraHeaders[jose.HeaderType] != typ {
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
			ID: k.record.ID, Algorithm: k.name, Use: k.use, State: stateOf(k.record), Published: k.record.Published,
			Activated: k.record.Activated, Retired: k.record.Retired, Removed: k.record.Removed,
		}
		if k.use == Encryption {
			infos[i].Published = k.record.Activated
		}
	}
	return infos
}
