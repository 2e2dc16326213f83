package keys

import (
	"errors"
	"slices"
	"testing"
	"time"

	"brygga/storage"
)

// TestKeysFitTheirAlgorithm stores the key of each kind under the name of every algorithm.
func TestKeysFitTheirAlgorithm(t *testing.T) {
	records, err := stock()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]storage.SigningKey{}
	for _, record := range records {
		kinds[record.Algorithm] = record
	}
	for _, name := range []string{storage.EdDSA, storage.ES384, storage.ES512} {
		if kinds[name], err = generate(name, newClock().now()); err != nil {
			t.Fatal(err)
		}
	}
	kind := func(a algorithm) string {
		switch {
		case a.isRSA:
			return storage.RS256
		case a.use == Encryption:
			return storage.ES256
		}
		return a.name
	}
	for of, record := range kinds {
		for _, as := range algorithms {
			record.Algorithm = as.name
			_, err := newKey(record)
			if fits := kind(*lookup(of)) == kind(as); fits != (err == nil) {
				t.Errorf("a key for %s under the name of %s: %v", of, as.name, err)
			}
		}
	}
}

// TestNoKeySignsUnpublished starts with a set whose next key was lost while the rotation was due.
func TestNoKeySignsUnpublished(t *testing.T) {
	records, err := stock()
	if err != nil {
		t.Fatal(err)
	}
	old := slices.DeleteFunc(slices.Clone(records), func(k storage.SigningKey) bool {
		return k.Algorithm == storage.ES256 && stateOf(k) == Next
	})
	store, c := openStore(t), newClock()
	if err := store.ReplaceSigningKeys(t.Context(), old, 0); err != nil {
		t.Fatal(err)
	}
	c.move(DefaultRotateEvery + time.Hour)
	r := newRing(t, store, c, nil)
	settle(t, r)
	first := active(t, r, storage.ES256)
	maintain(t, r)
	c.move(DefaultPublishAhead - time.Second)
	maintain(t, r)
	if active(t, r, storage.ES256).ID != first.ID {
		t.Error("a key signs that clients cannot know yet")
	}
	c.move(time.Second)
	maintain(t, r)
	if active(t, r, storage.ES256).ID == first.ID {
		t.Error("a key that was published long enough does not sign")
	}
}

func TestTwoActiveKeysAreRefused(t *testing.T) {
	records, err := stock()
	if err != nil {
		t.Fatal(err)
	}
	both := slices.Clone(records)
	for i := range both {
		both[i].Activated = both[i].Published
	}
	if _, err := newKeySet(both, 1); err == nil {
		t.Error("a set in which two keys of an algorithm sign was taken")
	}
}

func TestEncryptionKeysDoNotSign(t *testing.T) {
	r := newRing(t, openStocked(t), newClock(), nil)
	settle(t, r)
	for _, algorithm := range []string{rsaOAEP, ecdhES} {
		if token, err := r.Sign(t.Context(), algorithm, "JWT", []byte("{}")); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s signed %q, error %v", algorithm, token, err)
		}
	}
}

// TestSealerForgetsEpochs opens what as many processes have sealed as nobody starts.
func TestSealerForgetsEpochs(t *testing.T) {
	s := newSealer(t)
	sealed := s.Seal("x", []byte("text"))
	for i := range maxEpochs + 10 {
		other := slices.Clone(sealed)
		other[1+idBytes], other[2+idBytes] = byte(i), byte(i>>8) // of the salt, behind the name of the key
		if _, err := s.Open("x", other); !errors.Is(err, ErrSealed) && !slices.Equal(other, sealed) {
			t.Fatal(err)
		}
	}
	if n := len(s.epochs); n > maxEpochs {
		t.Errorf("%d derived keys are remembered", n)
	}
	if got, err := s.Open("x", sealed); err != nil || string(got) != "text" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestRetiredKeysAreKeptForTheirTokens(t *testing.T) {
	c := newClock()
	r := newRing(t, openStocked(t), c, nil)
	settle(t, r)
	token := sign(t, r, storage.ES256)
	c.move(DefaultRotateEvery)
	maintain(t, r)
	c.move(DefaultTokenLife - time.Second)
	maintain(t, r)
	if _, err := r.Verify(token, "JWT"); err != nil {
		t.Errorf("a token that is younger than a day: %v", err)
	}
}
