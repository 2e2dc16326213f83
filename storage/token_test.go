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

// TestTokensOfOneTimeLieTogether: the stored form of a later token comes later, and those of one second begin alike.
func TestTokensOfOneTimeLieTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]bool{}
		var before []byte
		for range 300 {
			var second []byte
			for range 3 {
				token := storage.NewToken()
				if len(token) != storage.TokenLength || seen[token] {
					t.Fatalf("a token of %d characters, seen before: %t", len(token), seen[token])
				}
				seen[token] = true
				hash := storage.TokenHash(secret.New(token))
				if second == nil {
					second = hash[:4]
				}
				if !bytes.Equal(hash[:4], second) {
					t.Fatal("tokens of one second lie apart")
				}
				jti := storage.TokenHashFor("jti ", secret.New(token))
				if !bytes.Equal(jti[:4], second) || jti == hash {
					t.Fatal("for another purpose a token has the same time and another hash")
				}
			}
			if bytes.Compare(before, second) >= 0 {
				t.Fatal("a later token lies before an earlier one")
			}
			before = second
			time.Sleep(time.Second)
		}
	})
}

// TestTokenHash: what is stored must not tell the token, whatever its time.
func TestTokenHash(t *testing.T) {
	token := storage.NewToken()
	one := storage.TokenHash(secret.New(token))
	plain := sha256.Sum256([]byte(token))
	if !bytes.Equal(one[4:], plain[4:]) {
		t.Error("the stored form is not the hash of the token")
	}
	changed := []byte(token)
	changed[len(changed)-1] ^= 1
	other := storage.TokenHash(secret.New(string(changed)))
	if bytes.Equal(one[4:], other[4:]) {
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
	if one == two || len(one) != 27 || len(two) != 27 {
		t.Errorf("IDs %q and %q", one, two)
	}
}
