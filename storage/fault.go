package storage

import (
	"crypto/sha256"
	"fmt"
)

// Fault is something wrong with what a store holds.
type Fault struct {
	Kind string // the kind of record, as the store calls it
	Key  string // see KeyHash; empty when it is no single record's
	// Problem says what is wrong, and nothing of what the record holds.
	Problem string
}

// String returns all of it, for people.
func (f Fault) String() string {
	if f.Key == "" {
		return f.Kind + ": " + f.Problem
	}
	return f.Kind + " " + f.Key + ": " + f.Problem
}

// KeyHash names a key without saying it, for some stand for a person: the beginning of its SHA-256, in hexadecimal.
func KeyHash(key []byte) string {
	sum := sha256.Sum256(key)
	return fmt.Sprintf("%x", sum[:6])
}
