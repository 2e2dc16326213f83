package keys

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"brygga/storage"
)

func TestRotationByTime(t *testing.T) {
	store, c := openStocked(t), newClock()
	r := newRing(t, store, c, nil)
	settle(t, r)
	first := active(t, r, storage.ES256)
	token := sign(t, r, storage.ES256)

	c.move(DefaultRotateEvery - time.Second)
	maintain(t, r)
	if got := active(t, r, storage.ES256); got.ID != first.ID {
		t.Fatal("rotated before its time")
	}
	wasPublished := published(t, r)

	c.move(time.Second)
	maintain(t, r)
	second := active(t, r, storage.ES256)
	if second.ID == first.ID {
		t.Fatal("did not rotate in time")
	}
	if err := checkSigned(t, wasPublished, sign(t, r, storage.ES256), storage.ES256); err != nil {
		t.Errorf("the new key was not published before its use: %v", err)
	}
	if err := checkSigned(t, published(t, r), token, storage.ES256); err != nil {
		t.Errorf("a token of the retired key: %v", err)
	}
	if _, err := r.Verify(token, "JWT"); err != nil {
		t.Errorf("Verify with a retired key: %v", err)
	}
	want := map[string]int{
		"ES256 active": 1, "ES256 next": 1, "ES256 retired": 1, "RS256 active": 1, "RS256 next": 1, "RS256 retired": 1,
		"RSA-OAEP active": 1, "RSA-OAEP next": 1, "RSA-OAEP retired": 1, "ECDH-ES active": 1, "ECDH-ES next": 1, "ECDH-ES retired": 1,
	}
	if got := states(r); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("keys %v, want %v", got, want)
	}

	c.move(DefaultTokenLife)
	maintain(t, r)
	if _, err := r.Verify(token, "JWT"); !errors.Is(err, ErrSignature) {
		t.Errorf("Verify with a removed key: %v", err)
	}
	if n := len(published(t, r).Keys); n != 6 {
		t.Errorf("%d keys in the JWKS, want 6", n)
	}
}

func maintain(t *testing.T, r *Ring) {
	t.Helper()
	if err := r.Maintain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestRotateByCommand(t *testing.T) {
	c := newClock()
	var events []Event
	r := newRing(t, openStocked(t), c, &events)
	settle(t, r)
	first := active(t, r, storage.ES256)
	if err := r.Rotate(t.Context(), false); err != nil {
		t.Fatalf("first rotation: %v", err) // both keys were published together
	}
	second := active(t, r, storage.ES256)
	if second.ID == first.ID {
		t.Error("the same key goes on signing")
	}
	var tooSoon *TooSoonError
	if err := r.Rotate(t.Context(), false); !errors.As(err, &tooSoon) || !tooSoon.At.Equal(c.now().Add(DefaultPublishAhead)) {
		t.Errorf("a rotation to a key that nobody has seen: %v", err)
	}
	if got := active(t, r, storage.ES256); got.ID != second.ID {
		t.Error("a refused rotation changed the keys")
	}
	c.move(DefaultPublishAhead)
	if err := r.Rotate(t.Context(), false); err != nil {
		t.Errorf("rotation in time: %v", err)
	}
	for _, change := range []Change{Created, Activated, Stopped} {
		if !slices.ContainsFunc(events, func(e Event) bool { return e.Change == change }) {
			t.Errorf("nobody was told of a key that was %s", change)
		}
	}
}

func TestEveryKeyIsMadeForOnePlace(t *testing.T) {
	r, spare := &Ring{}, make(map[string][]storage.SigningKey)
	var tries [2][]storage.SigningKey
	for i := range tries { // the second try stands for one after a conflict
		d := &draft{now: newClock().now(), spare: spare, made: make(map[string]int)}
		if err := r.fill(storage.ES256)(d); err != nil {
			t.Fatal(err)
		}
		if err := d.promote(storage.ES256, time.Hour); err != nil {
			t.Fatal(err)
		}
		tries[i] = d.records()
	}
	seen := make(map[string]bool)
	for i, k := range tries[0] {
		if seen[k.ID] {
			t.Errorf("key %s stands twice in the set", k.ID)
		}
		if seen[k.ID] = true; tries[1][i].ID != k.ID {
			t.Error("a second try does not use the keys that the first has made")
		}
	}
	if len(seen) != 3 || len(spare[storage.ES256]) != 3 {
		t.Errorf("%d keys, %d made", len(seen), len(spare[storage.ES256]))
	}
}

func TestEmergencyRotation(t *testing.T) {
	r := newRing(t, openStocked(t), newClock(), nil)
	settle(t, r)
	token, before := sign(t, r, storage.RS256), r.Keys()
	if err := r.Rotate(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	for _, old := range before {
		if slices.ContainsFunc(r.Keys(), func(k Info) bool { return k.ID == old.ID }) {
			t.Errorf("%s key %s is still there", old.State, old.ID)
		}
	}
	if _, err := r.Verify(token, "JWT"); !errors.Is(err, ErrSignature) {
		t.Errorf("a token of a key in wrong hands: %v", err)
	}
	for _, algorithm := range []string{storage.ES256, storage.RS256} {
		if err := checkSigned(t, published(t, r), sign(t, r, algorithm), algorithm); err != nil {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

func TestProcessesShareOneSet(t *testing.T) {
	store, c := openStore(t), newClock()
	rings := make([]*Ring, 4)
	var work sync.WaitGroup
	for i := range rings {
		work.Go(func() {
			r, err := New(t.Context(), Options{Store: store, Now: c.now})
			if err != nil {
				t.Error(err)
				return
			}
			rings[i] = r
			if _, err := r.JWKS(t.Context()); err != nil {
				t.Error(err)
			}
			r.Close()
		})
	}
	work.Wait()
	if t.Failed() {
		return
	}
	for _, r := range rings {
		if err := r.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, _ := r.JWKS(t.Context()); got.ETag != rings[0].set.Load().jwks.ETag || len(r.Keys()) != 4 {
			t.Errorf("%d keys, ETag %s", len(r.Keys()), got.ETag)
		}
	}
	old := active(t, rings[1], storage.ES256)
	if err := rings[0].Rotate(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if got := active(t, rings[1], storage.ES256); got.ID != old.ID {
		t.Error("a change was known before it could be")
	}
	maintain(t, rings[1])
	if got, want := active(t, rings[1], storage.ES256), active(t, rings[0], storage.ES256); got.ID != want.ID {
		t.Error("another process's rotation was not noticed")
	}
}

// TestRotationWaitsForANewKeyToBeSeen: a rotation that is long due waits until the next key has been in the JWKS for long enough, though
// it was made only now.
func TestRotationWaitsForANewKeyToBeSeen(t *testing.T) {
	store, c := openStocked(t), newClock()
	settle(t, newRing(t, store, c, nil))
	records, revision, err := store.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	records = slices.DeleteFunc(records, func(k storage.SigningKey) bool { return k.Algorithm == storage.ES256 && k.Activated.IsZero() })
	if err := store.ReplaceSigningKeys(t.Context(), records, revision); err != nil {
		t.Fatal(err)
	}
	c.move(DefaultRotateEvery + time.Hour) // nothing ran for a while
	r := newRing(t, store, c, nil)
	settle(t, r)
	first := active(t, r, storage.ES256)
	maintain(t, r)
	c.move(DefaultPublishAhead - time.Second)
	maintain(t, r)
	if got := active(t, r, storage.ES256); got.ID != first.ID {
		t.Fatal("a key signs that nobody can have seen")
	}
	c.move(time.Second)
	maintain(t, r)
	if got := active(t, r, storage.ES256); got.ID == first.ID {
		t.Error("the rotation never came")
	}
}
