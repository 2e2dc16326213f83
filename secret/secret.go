// Package secret holds strings that must never be seen by accident: codes, tokens, personal numbers, order references.
//
// It owns nothing but the type [String]. It must not know what the string is for. It keeps a value out of logs, error
// texts and JSON; it does not wipe memory, which Go's garbage collector makes impossible to promise.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// redacted stands wherever a secret would have been printed.
const redacted = "[redacted]"

// String is a string that prints as "[redacted]" under every fmt verb, in JSON, in text encodings and in slog. The zero
// value holds the empty string. It is immutable and safe for concurrent use.
//
// The text hides behind a pointer because fmt never calls the methods of an unexported field: printing a struct around a
// String then shows an address and not the text.
type String struct{ text *string }

// New returns a String that holds text.
func New(text string) String {
	if text == "" {
		return String{}
	}
	return String{text: &text}
}

// Reveal returns the text. Call it only where the text leaves for its one destination: a store, a response, a request.
func (s String) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether s holds the empty string.
func (s String) IsZero() bool { return s.text == nil }

// Equal reports whether s and other hold the same text, in a time that does not tell where they differ. Package go-cmp
// compares with it too.
func (s String) Equal(other String) bool {
	a, b := s.Hash(), other.Hash()
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// Hash returns the SHA-256 of the text: what is stored of tokens and codes with at least 128 bits of entropy.
func (s String) Hash() [sha256.Size]byte {
	var room [128]byte // for what is as short as secrets are
	return sha256.Sum256(append(room[:0], s.Reveal()...))
}

// Format writes "[redacted]" for every verb and flag.
func (String) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// MarshalText returns "[redacted]", which is what encoding/json and friends then write. A store writes Reveal instead.
func (String) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue makes slog write "[redacted]" whatever the handler does with values.
func (String) LogValue() slog.Value { return slog.StringValue(redacted) }
