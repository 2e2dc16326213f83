package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"brygga/secret"
)

// Params are how much work a hash is (RFC 9106): Memory in KiB, and how often it is gone through. One lane is used, as several log-ins at once
// use the processors as well.
type Params struct{ Memory, Time uint32 }

// work is what params are compared by.
func (p Params) work() uint64 { return uint64(p.Memory) * uint64(p.Time) }

// ladder are the params that a machine may use, cheapest first. The first is the least that OWASP's password storage cheat sheet names; no machine
// is too slow for it.
var ladder = []Params{{19 << 10, 2}, {32 << 10, 2}, {46 << 10, 2}, {64 << 10, 2}, {64 << 10, 3}, {64 << 10, 4}, {64 << 10, 6}}

// hashTime is how long one hash should take at most, where the machine is not slower than the ladder's first step.
const hashTime = 250 * time.Millisecond

// tune returns the costliest params that take no longer than hashTime, by measure.
func tune(measure func(Params) time.Duration) Params {
	chosen := ladder[0]
	for _, p := range ladder {
		if measure(p) > hashTime {
			break
		}
		chosen = p
	}
	return chosen
}

func measureHash(p Params) time.Duration {
	began := time.Now()
	argon2.IDKey([]byte("measure"), make([]byte, saltSize), p.Time, p.Memory, 1, keySize)
	return time.Since(began)
}

const (
	saltSize = 16
	keySize  = 32
)

// DefaultHashMemory is how much memory all hashes that are made at a time may take, in bytes.
const DefaultHashMemory = 256 << 20

// Hasher makes and checks hashes of passwords with argon2id. It chooses their params by what this machine can do when it is first used, and lets no more be
// made at a time than memory and processors allow: who comes later waits. It is safe for concurrent use.
type Hasher struct {
	memory  int
	measure func(Params) time.Duration
	once    sync.Once
	params  Params
	slots   chan struct{}
	dummy   string
	made    atomic.Uint64 // hashes, for tests and metrics
	waiting atomic.Int64  // those that wait for their turn
}

// NewHasher returns a hasher that takes at most that much memory, in bytes; 0 means DefaultHashMemory.
func NewHasher(memory int) *Hasher {
	if memory <= 0 {
		memory = DefaultHashMemory
	}
	return &Hasher{memory: memory, measure: measureHash}
}

// begin chooses the params, and makes the hash that stands in for one that is not there.
func (h *Hasher) begin() {
	h.once.Do(func() {
		h.params = tune(h.measure)
		h.slots = make(chan struct{}, max(1, min(runtime.GOMAXPROCS(0), h.memory/int(h.params.Memory<<10))))
		h.dummy = encodeHash(h.params, make([]byte, saltSize), make([]byte, keySize))
	})
}

// Made returns how many hashes were made.
func (h *Hasher) Made() uint64 { return h.made.Load() }

// Waiting returns how many wait for their turn.
func (h *Hasher) Waiting() int64 { return h.waiting.Load() }

// key returns the hash of the password. It waits until it is its turn, or ctx ends.
func (h *Hasher) key(ctx context.Context, password secret.String, salt []byte, p Params) ([]byte, error) {
	h.waiting.Add(1)
	select {
	case h.slots <- struct{}{}:
		h.waiting.Add(-1)
		defer func() { <-h.slots }()
	case <-ctx.Done():
		h.waiting.Add(-1)
		return nil, ctx.Err()
	}
	h.made.Add(1)
	return argon2.IDKey([]byte(password.Reveal()), salt, p.Time, p.Memory, 1, keySize), nil
}

// Hash returns what is stored of the password, which is as Prepare has left it.
func (h *Hasher) Hash(ctx context.Context, password secret.String) (secret.String, error) {
	h.begin()
	salt := make([]byte, saltSize)
	rand.Read(salt)
	key, err := h.key(ctx, password, salt, h.params)
	if err != nil {
		return secret.String{}, err
	}
	return secret.New(encodeHash(h.params, salt, key)), nil
}

// Verify reports whether the password is that of the stored hash, and whether it should be hashed anew, as it was less work than is usual now. An empty
// hash fits no password, and is the same work.
func (h *Hasher) Verify(ctx context.Context, password, stored secret.String) (fits, weak bool, err error) {
	h.begin()
	text := stored.Reveal()
	if text == "" {
		text = h.dummy
	}
	p, salt, want, err := parseHash(text)
	if err != nil {
		return false, false, err
	}
	got, err := h.key(ctx, password, salt, p)
	if err != nil {
		return false, false, err
	}
	fits = subtle.ConstantTimeCompare(got, want) == 1 && !stored.IsZero()
	return fits, p.work() < h.params.work(), nil
}

// encodeHash writes the hash in the form that the reference implementation of argon2 made common.
func encodeHash(p Params, salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, p.Memory, p.Time, base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// maxWork bounds what a stored hash may make us do.
var maxWork = Params{1 << 20, 32}

// parseHash reads what encodeHash has written.
func parseHash(text string) (p Params, salt, key []byte, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=1", &p.Memory, &p.Time); err != nil || p.Time < 1 || p.Memory < 8 || p.Memory > maxWork.Memory || p.Time > maxWork.Time {
		return p, nil, nil, errHash
	}
	salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return p, nil, nil, errHash
	}
	if key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(key) != keySize {
		return p, nil, nil, errHash
	}
	return p, salt, key, nil
}

var errHash = fmt.Errorf("account: a stored hash of a password cannot be read")
