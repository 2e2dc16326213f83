package storage

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"brygga/secret"
)

// A token that NewToken made, and an ID that NewID made, begins with the time at which it was made, in seconds and 65536ths of one. What
// is made at about the same time, and is then used, lies side by side in a store that way: however much it holds, it reads and
// writes the same few pages, and steps that share a commit share the page that new records go to. Nothing else hangs on that time, and
// nobody is to read it.
const (
	timeSize = 6
	// TokenLength is the length of a token that NewToken made.
	TokenLength = 51
	// secondSize and secondLength are those of tokens that were made when they began with the second alone.
	secondSize   = 4
	secondLength = 48
)

// NewToken returns a new token, code, reference or cookie: the time and 256 random bits, in base64url.
func NewToken() string { return stamped(32) }

// NewID returns a new name of a record, which proves nothing: the time and 128 random bits, in base64url.
func NewID() string { return stamped(16) }

// IsID reports whether the text has the form of what NewID returns.
func IsID(text string) bool {
	b, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && len(b) == timeSize+16
}

// TokenOf returns the token that NewToken would return at that time if it drew the random bits.
func TokenOf(at time.Time, random [32]byte) string {
	return base64.RawURLEncoding.EncodeToString(append(appendStamp(make([]byte, 0, timeSize+len(random)), at), random[:]...))
}

func stamped(random int) string {
	text := appendStamp(make([]byte, 0, timeSize+random), time.Now())[:timeSize+random]
	rand.Read(text[timeSize:])
	return base64.RawURLEncoding.EncodeToString(text)
}

func appendStamp(text []byte, at time.Time) []byte {
	text = binary.BigEndian.AppendUint32(text, uint32(at.Unix()))
	return binary.BigEndian.AppendUint16(text, uint16(int64(at.Nanosecond())<<16/int64(time.Second)))
}

// IsToken reports whether text has the length of a token that NewToken made.
func IsToken(text string) bool { return stampOf(text) > 0 }

// stampOf returns how many bytes of time text begins with, if it is a token; 0 if it can be none.
func stampOf(text string) int {
	switch len(text) {
	case TokenLength:
		return timeSize
	case secondLength:
		return secondSize
	}
	return 0
}

// TokenHash returns what is stored of a token: its SHA-256, the first bytes of which give way to its time. Of a text that
// cannot be from NewToken it is all SHA-256.
func TokenHash(token secret.String) [32]byte { return TokenHashFor("", token) }

// TokenHashFor returns what is stored of a token whose text is known to those for whom it is none, such as the jti of a JWT:
// another hash than without the purpose.
func TokenHashFor(purpose string, token secret.String) [32]byte {
	text := token.Reveal()
	hash := sha256.Sum256([]byte(purpose + text))
	if size := stampOf(text); size > 0 {
		var start [timeSize]byte // eight characters
		if _, err := base64.RawURLEncoding.Decode(start[:], []byte(text[:8])); err == nil {
			copy(hash[:size], start[:])
		}
	}
	return hash
}
