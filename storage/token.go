package storage

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"brygga/secret"
)

// A token that NewToken made, and an ID that NewID made, begins with the second in which it was made. What is made at about
// the same time, and is then used, lies side by side in a store that way: however much it holds, it reads and writes the same
// few pages. Nothing else hangs on that time, and nobody is to read it.
const (
	timeSize = 4
	// TokenLength is the length of a token that NewToken made.
	TokenLength = 48
)

// NewToken returns a new token, code, reference or cookie: the second and 256 random bits, in base64url.
func NewToken() string { return stamped(32) }

// NewID returns a new name of a record, which proves nothing: the second and 128 random bits, in base64url.
func NewID() string { return stamped(16) }

// TokenOf returns the token that NewToken would return at that time if it drew the random bits.
func TokenOf(at time.Time, random [32]byte) string {
	text := binary.BigEndian.AppendUint32(make([]byte, 0, timeSize+len(random)), uint32(at.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(text, random[:]...))
}

func stamped(random int) string {
	text := make([]byte, timeSize+random)
	binary.BigEndian.PutUint32(text, uint32(time.Now().Unix()))
	rand.Read(text[timeSize:])
	return base64.RawURLEncoding.EncodeToString(text)
}

// TokenHash returns what is stored of a token: its SHA-256, the first four bytes of which give way to its time. Of a text that
// cannot be from NewToken it is all SHA-256.
func TokenHash(token secret.String) [32]byte { return TokenHashFor("", token) }

// TokenHashFor returns what is stored of a token whose text is known to those for whom it is none, such as the jti of a JWT:
// another hash than without the purpose.
func TokenHashFor(purpose string, token secret.String) [32]byte {
	text := token.Reveal()
	hash := sha256.Sum256([]byte(purpose + text))
	if len(text) == TokenLength {
		var start [6]byte // eight characters
		if _, err := base64.RawURLEncoding.Decode(start[:], []byte(text[:8])); err == nil {
			copy(hash[:timeSize], start[:])
		}
	}
	return hash
}
