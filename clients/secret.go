package clients

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// ErrNoSecret means that the client proves itself by something else than a secret.
var ErrNoSecret = errors.New("clients: the client has no secret")

// ErrLastSecret means that the client would have no secret that works.
var ErrLastSecret = errors.New("clients: the only secret that works")

// SecretsError means that as many secrets of a client work as there may be. FirstEnd is when the first of them ends.
type SecretsError struct {
	Working  int
	FirstEnd time.Time
}

// Error says how many there are.
func (e *SecretsError) Error() string {
	return fmt.Sprintf("clients: %d secrets work, which is the most", e.Working)
}

// maxSecrets is how many secrets of a client may work at once.
const maxSecrets = 8

// UsesSecret reports whether the client proves itself by a secret.
func UsesSecret(c *storage.Client) bool {
	return c.AuthenticatesBy(storage.AuthMethodBasic) || c.AuthenticatesBy(storage.AuthMethodPost)
}

// newSecret returns 256 random bits in base64url.
func newSecret() secret.String {
	var random [32]byte
	rand.Read(random[:])
	return secret.New(base64.RawURLEncoding.EncodeToString(random[:]))
}

// fitSecret drops secrets that the client does not use, and makes the one that it lacks.
func fitSecret(c *storage.Client, now time.Time) (made secret.String) {
	switch {
	case !UsesSecret(c):
		c.Secrets = nil
	case len(c.Secrets) == 0:
		made = newSecret()
		c.Secrets = []storage.ClientSecret{{Hash: made.Hash(), Created: now}}
	}
	return made
}

// keptSecrets returns those of a client's secrets that go on working after a rotation at now. One without an end gets it after
// keep; one that has an end keeps it, as somebody was promised it, unless keep is 0, which ends them all.
func keptSecrets(secrets []storage.ClientSecret, keep time.Duration, now time.Time) (kept []storage.ClientSecret) {
	if keep == 0 {
		return nil
	}
	for _, s := range secrets {
		if s.Expires.IsZero() {
			s.Expires = now.Add(keep)
		}
		if now.Before(s.Expires) {
			kept = append(kept, s)
		}
	}
	return kept
}

func firstEnd(secrets []storage.ClientSecret) time.Time {
	return slices.MinFunc(secrets, func(a, b storage.ClientSecret) int { return a.Expires.Compare(b.Expires) }).Expires
}
