package keys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

// users tells a Ring which algorithms are used.
type users struct {
	algorithms []string
	asked      int
	err        error
	// then is called after each answer, as for a client that comes a moment later.
	then func()
}

func (u *users) used(_ context.Context, among []string) (used []string, err error) {
	u.asked++
	for _, name := range among {
		if slices.Contains(u.algorithms, name) {
			used = append(used, name)
		}
	}
	if u.then != nil {
		u.then()
	}
	return used, u.err
}

func newUsedRing(t *testing.T, c *clock, u *users) *Ring {
	t.Helper()
	r, err := New(t.Context(), Options{Store: openStocked(t), Now: c.now, Used: u.used})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// kinds returns the kinds of published keys, as a library that knows few of them meets them.
func kinds(t *testing.T, r *Ring) string {
	t.Helper()
	var set struct{ Keys []plainJWK }
	if err := json.Unmarshal(publishedText(t, r), &set); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, k := range set.Keys {
		all = append(all, strings.TrimSpace(k.Kty+" "+k.Crv+" "+k.Alg))
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}

const stockKinds = "EC P-256 ES256, RSA  RS256"

// TestEveryPublishedKeyNamesItsAlgorithm: firebase/php-jwt and others refuse a whole key set for one key without alg.
func TestEveryPublishedKeyNamesItsAlgorithm(t *testing.T) {
	r := newRing(t, openStore(t), newClock(), nil)
	settle(t, r)
	if got := kinds(t, r); got != stockKinds {
		t.Errorf("a new Ring publishes %q, want %q", got, stockKinds)
	}
	if _, err := r.Provide(t.Context(), rsaOAEP, rsaOAEP256, ecdhES, ecdhESA128KW, ecdhESA256KW); err != nil {
		t.Fatal(err)
	}
	const want = "EC P-256 ECDH-ES, EC P-256 ECDH-ES+A128KW, EC P-256 ECDH-ES+A256KW, EC P-256 ES256, RSA  RS256, RSA  RSA-OAEP, RSA  RSA-OAEP-256"
	if got := kinds(t, r); got != want {
		t.Errorf("published %q, want %q", got, want)
	}
}

// TestSetsThatNobodyUsesEnd: what one client wanted for a day is no burden of the others for ever.
func TestSetsThatNobodyUsesEnd(t *testing.T) {
	c, u := newClock(), &users{algorithms: []string{rsaOAEP, storage.ES512}}
	r := newUsedRing(t, c, u)
	if _, err := r.Provide(t.Context(), storage.ES512, storage.EdDSA); err != nil {
		t.Fatal(err)
	}
	maintain(t, r)
	token, encrypted := sign(t, r, storage.ES512), states(r)
	if encrypted["RSA-OAEP active"] != 1 || encrypted["RSA-OAEP retired"] != 0 || encrypted["ECDH-ES active"] != 0 || encrypted["ECDH-ES next"] != 0 {
		t.Errorf("encryption keys: %v", encrypted)
	}
	u.algorithms = nil
	maintain(t, r)
	if u.asked != 2 {
		t.Errorf("asked %d times within the hour, want twice: before and after sets ended", u.asked)
	}
	c.move(lookEvery)
	maintain(t, r)
	if _, err := r.Verify(token, "JWT"); err != nil {
		t.Errorf("a token of a set that has just ended: %v", err)
	}
	for state, n := range states(r) {
		if name, _, _ := strings.Cut(state, " "); isOptional(name) && !strings.HasSuffix(state, "retired") {
			t.Errorf("%d keys are still %s", n, state)
		}
	}
	c.move(DefaultTokenLife)
	maintain(t, r)
	if got := kinds(t, r); got != stockKinds {
		t.Errorf("published when the last token has ended: %q, want %q", got, stockKinds)
	}
	c.move(DefaultRotateEvery)
	maintain(t, r)
	if got := kinds(t, r); got != stockKinds {
		t.Errorf("published after a rotation: %q", got)
	}
}

func TestRotationGivesNoSuccessorToWhatNobodyUses(t *testing.T) {
	for _, now := range []bool{false, true} {
		c, u := newClock(), &users{algorithms: []string{storage.EdDSA}}
		r := newUsedRing(t, c, u)
		if _, err := r.Provide(t.Context(), storage.ES512, storage.EdDSA); err != nil {
			t.Fatal(err)
		}
		if err := r.Rotate(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		got := states(r)
		if got["ES512 active"]+got["ES512 next"] != 0 || got["EdDSA active"] != 1 || got["EdDSA next"] != 1 {
			t.Errorf("now %t: %v", now, got)
		}
		again := sign(t, r, storage.ES512) // a client that comes after all
		if err := checkSigned(t, published(t, r), again, storage.ES512); err != nil {
			t.Errorf("now %t: a client that came later: %v", now, err)
		}
	}
}

// TestSigningByEncryptionMakesNoKeys: who asks for a signature by an algorithm of encryption gets an error, and the set is as it was.
func TestSigningByEncryptionMakesNoKeys(t *testing.T) {
	r := newUsedRing(t, newClock(), &users{})
	before := fmt.Sprint(states(r))
	if _, err := r.Sign(t.Context(), rsaOAEP256, "JWT", []byte("{}")); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("Sign: %v", err)
	}
	if got := fmt.Sprint(states(r)); got != before {
		t.Errorf("keys %s, want %s", got, before)
	}
}

// TestWhoComesWhileASetEndsIsServed: a client is stored after the look and has found its keys before.
func TestWhoComesWhileASetEndsIsServed(t *testing.T) {
	u := &users{}
	r := newUsedRing(t, newClock(), u)
	u.then = func() { u.algorithms = []string{rsaOAEP} }
	maintain(t, r)
	if got := states(r); got["RSA-OAEP active"] != 1 || got["RSA-OAEP next"] != 1 || got["RSA-OAEP retired"] != 1 || got["ECDH-ES active"] != 0 {
		t.Errorf("keys %v", got)
	}
}

// TestKeysRotateThoughNobodyKnowsWhoUsesThem: a fault among the clients must not stop rotation, nor end a set.
func TestKeysRotateThoughNobodyKnowsWhoUsesThem(t *testing.T) {
	c, u := newClock(), &users{err: errors.New("a client cannot be read")}
	r := newUsedRing(t, c, u)
	first, before := active(t, r, storage.ES256), fmt.Sprint(states(r))
	if err := r.Maintain(t.Context()); !errors.Is(err, u.err) {
		t.Errorf("Maintain: %v", err)
	}
	if got := fmt.Sprint(states(r)); got != before {
		t.Errorf("keys %s, want %s", got, before)
	}
	c.move(DefaultRotateEvery + time.Second)
	if err := r.Maintain(t.Context()); !errors.Is(err, u.err) || active(t, r, storage.ES256).ID == first.ID {
		t.Errorf("no rotation: %v", err)
	}
}
