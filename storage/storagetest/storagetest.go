// Package storagetest holds the one conformance suite that every implementation of storage.Store passes.
//
// It owns what the contract of package storage means in practice: every method and error, exact expiry, survival of a
// restart, races between real goroutines, sweeping, and that nothing personal lies readable in what was stored. It must not
// know any backend.
package storagetest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brygga/storage"
)

// Instance is one store that a backend opened for one test. The backend removes it with t.Cleanup; the suite closes no store
// but through Reopen.
type Instance struct {
	Store storage.Store
	// Reopen closes the store and opens what it has stored again, as a restart does, with the given sealer. After an error it
	// can be called again.
	Reopen func(sealer storage.Sealer) (storage.Store, error)
	// Restored takes what is stored for a copy from earlier, at now, and opens it again.
	Restored func(now time.Time) (storage.Store, error)
	// Raw returns all bytes that the backend has stored, as they lie on disk.
	Raw func() []byte
}

// Run runs the whole suite. Open opens an empty store, once for each test.
func Run(t *testing.T, open func(t *testing.T, sealer storage.Sealer) Instance) {
	groups := []struct {
		name  string
		tests map[string]func(*fixture)
	}{
		{"Clients", clientTests},
		{"Logins", loginTests},
		{"Previous orders", previousTests},
		{"Collectors", collectorTests},
		{"Grants", grantTests},
		{"Refresh tokens", refreshTests},
		{"Sessions", sessionTests},
		{"Logout", logoutTests},
		{"Notices", noticeTests},
		{"Requests", requestTests},
		{"Keys", keyTests},
		{"Master keys", resealTests},
		{"Audit", auditTests},
		{"Operators", operatorTests},
		{"Links of operators", operatorLinkTests},
		{"Logins of operators", operatorLoginTests},
		{"Audit tree", treeTests},
		{"API keys", apiKeyTests},
		{"Notes", noteTests},
		{"Documents", documentTests},
		{"Evidence", evidenceTests},
		{"Told", tellTests},
		{"Sweep", sweepTests},
		{"Races", raceTests},
		{"Session races", sessionRaceTests},
		{"Whole", wholeTests},
	}
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			for name, test := range group.tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					sealer := NewSealer()
					instance := open(t, sealer)
					test(&fixture{T: t, Instance: instance, sealer: sealer, another: open})
				})
			}
		})
	}
}

// fixture is one test with its store.
type fixture struct {
	*testing.T
	Instance
	sealer storage.Sealer
	// another opens another empty store.
	another func(t *testing.T, sealer storage.Sealer) Instance
}

// Epoch is the time at which the suite's records are made.
var epoch = time.Date(2031, 5, 17, 9, 30, 15, 123456000, time.UTC)

// at returns a time so many seconds after the epoch.
func at(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

// justBefore returns the last microsecond before t.
func justBefore(t time.Time) time.Time { return t.Add(-time.Microsecond) }

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatalf("unexpected error: %v", err)
	}
}

func (f *fixture) is(err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Fatalf("got error %v, want %v", err, want)
	}
}

// reused demands a *storage.CodeReusedError that names the grant.
func (f *fixture) reused(err error, grantID string) {
	f.Helper()
	var reused *storage.CodeReusedError
	if !errors.As(err, &reused) || reused.GrantID != grantID {
		f.Fatalf("got error %v, want a CodeReusedError naming grant %s", err, grantID)
	}
}

// tokenReused demands a *storage.TokenReusedError that names the grant.
func (f *fixture) tokenReused(err error, grantID string) {
	f.Helper()
	var reused *storage.TokenReusedError
	if !errors.As(err, &reused) || reused.GrantID != grantID {
		f.Fatalf("got error %v, want a TokenReusedError naming grant %s", err, grantID)
	}
}

func (f *fixture) same(got, want any) {
	f.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		f.Fatalf("records differ (-want +got):\n%s", diff)
	}
}

// restart reopens the store with the right key.
func (f *fixture) restart() {
	f.Helper()
	store, err := f.Reopen(f.sealer)
	f.ok(err)
	f.Store = store
}

// must returns the login of a step that may not fail.
func (f *fixture) must(login *storage.Login, err error) *storage.Login {
	f.Helper()
	f.ok(err)
	return login
}

// race calls attempt from n goroutines at the same moment and returns how many returned nil. Every other error must be one of
// allowed, or match a type that other accepts.
func (f *fixture) race(n int, attempt func(i int) error, allowed ...error) int {
	f.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	results := make([]error, n)
	for i := range n {
		wg.Go(func() {
			<-start
			results[i] = attempt(i)
		})
	}
	close(start)
	wg.Wait()
	won := 0
next:
	for _, err := range results {
		if err == nil {
			won++
			continue
		}
		for _, a := range allowed {
			if errors.Is(err, a) {
				continue next
			}
		}
		f.Errorf("a loser got %v, want one of %v", err, allowed)
	}
	return won
}

// hash returns the SHA-256 of the text, as tokens and codes are stored.
func hash(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// sealer is AES-256-GCM under one random key, bound to the label. What it seals begins with a name of the key.
type sealer struct {
	name [8]byte
	aead cipher.AEAD
}

// NewSealer returns a sealer with a new random key: AES-256-GCM with the label as additional data. It is safe for concurrent
// use. Tests use it in place of the one of package keys.
func NewSealer() storage.Sealer {
	key := make([]byte, 32)
	rand.Read(key)
	return sealerOf(key)
}

// FixedSealer returns a sealer whose key is derived from the passphrase, for two processes of one test.
func FixedSealer(passphrase string) storage.Sealer {
	key := sha256.Sum256([]byte(passphrase))
	return sealerOf(key[:])
}

// Replacing returns a sealer that seals as next does, and opens what that or before has sealed.
func Replacing(next, before storage.Sealer) storage.Sealer { return &replacing{next, before} }

type replacing struct {
	storage.Sealer
	before storage.Sealer
}

func (r *replacing) Open(label string, sealed []byte) ([]byte, error) {
	if text, err := r.Sealer.Open(label, sealed); err == nil {
		return text, nil
	}
	return r.before.Open(label, sealed)
}

func sealerOf(key []byte) storage.Sealer {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(key)
	return &sealer{[8]byte(sum[:]), aead}
}

func (s *sealer) Seal(label string, plaintext []byte) []byte {
	out := append(make([]byte, 0, len(s.name)+len(plaintext)+s.aead.Overhead()), s.name[:]...)
	return s.aead.Seal(out, nil, plaintext, []byte(label))
}

func (s *sealer) Open(label string, sealed []byte) ([]byte, error) {
	if !s.Current(sealed) {
		return nil, errors.New("unseal: made with another key")
	}
	text, err := s.aead.Open(nil, nil, sealed[len(s.name):], []byte(label))
	if err != nil {
		return nil, fmt.Errorf("unseal: %w", err)
	}
	return text, nil
}

func (s *sealer) Current(sealed []byte) bool { return bytes.HasPrefix(sealed, s.name[:]) }
