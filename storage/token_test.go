package storage_test

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// TestTokensOfOneTimeLieTogether: the stored form of a later token comes later, also within a second, and those of one moment begin alike.
func TestTokensOfOneTimeLieTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]bool{}
		var before []byte
		for range 300 {
			var moment []byte
			for range 3 {
				token := storage.NewToken()
				if len(token) != storage.TokenLength || !storage.IsToken(token) || seen[token] {
					t.Fatalf("a token of %d characters, seen before: %t", len(token), seen[token])
				}
				seen[token] = true
				hash := storage.TokenHash(secret.New(token))
				if moment == nil {
					moment = hash[:6]
				}
				if !bytes.Equal(hash[:6], moment) {
					t.Fatal("tokens of one moment lie apart")
				}
				jti := storage.TokenHashFor("jti ", secret.New(token))
				if !bytes.Equal(jti[:6], moment) || jti == hash {
					t.Fatal("for another purpose a token has the same time and another hash")
				}
			}
			if bytes.Compare(before, moment) >= 0 {
				t.Fatal("a later token lies before an earlier one")
			}
			before = moment
			time.Sleep(20 * time.Millisecond)
		}
	})
}

// TestTokenHashOfEarlierTokens: what was given when tokens began with the second alone is still found.
func TestTokenHashOfEarlierTokens(t *testing.T) {
	earlier := "awikl" + strings.Repeat("A", 43)
	plain := sha256.Sum256([]byte(earlier))
	hash := storage.TokenHash(secret.New(earlier))
	if !bytes.Equal(hash[4:], plain[4:]) || !bytes.Equal(hash[:4], []byte{0x6b, 0x08, 0xa4, 0x94}) || !storage.IsToken(earlier) {
		t.Errorf("%x, of SHA-256 %x", hash, plain)
	}
}

// TestTokenHash: what is stored must not tell the token, whatever its time.
func TestTokenHash(t *testing.T) {
	token := storage.NewToken()
	one := storage.TokenHash(secret.New(token))
	plain := sha256.Sum256([]byte(token))
	if !bytes.Equal(one[6:], plain[6:]) {
		t.Error("the stored form is not the hash of the token")
	}
	changed := []byte(token)
	changed[len(changed)-1] ^= 1
	other := storage.TokenHash(secret.New(string(changed)))
	if bytes.Equal(one[6:], other[6:]) {
		t.Error("two tokens of one time have the same hash")
	}
	for _, text := range []string{"", "x", token[1:], token + "A", strings.Repeat("!", storage.TokenLength), "\x00\xff"} {
		if got := storage.TokenHash(secret.New(text)); got != sha256.Sum256([]byte(text)) {
			t.Errorf("%q: %x is not its SHA-256", text, got)
		}
	}
}

func TestNewID(t *testing.T) {
	one, two := storage.NewID(), storage.NewID()
	if one == two || len(one) != 30 || len(two) != 30 {
		t.Errorf("IDs %q and %q", one, two)
	}
}
