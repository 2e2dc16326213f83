package op

import (
	"context"
	"testing"
	"time"
)

// restored is a store that was restored from a backup at a time.
type restored struct {
	Store
	at time.Time
}

func (r *restored) ForgottenBefore(context.Context) (time.Time, error) { return r.at, nil }

// TestAssertionsOfBeforeARestore: which of them were used, the store cannot know.
func TestAssertionsOfBeforeARestore(t *testing.T) {
	store := new(restored)
	h := newHarness(t, func(o *Options) { store.Store, o.Store = o.Store, store })
	h.addClients(keyClient("P-256", jwk("P-256", "k1", "sig")))
	now := h.now()
	for _, test := range []struct {
		name     string
		restored time.Time
		iat, exp any
		want     bool
	}{
		{"never restored", time.Time{}, now.Unix(), now.Add(time.Minute).Unix(), true},
		{"made before", now.Add(-10 * time.Second), now.Add(-20 * time.Second).Unix(), now.Add(time.Minute).Unix(), false},
		{"made at that time by a clock that is fast", now.Add(-clockSkew), now.Unix(), now.Add(time.Minute).Unix(), false},
		{"made afterwards", now.Add(-clockSkew - time.Second), now.Unix(), now.Add(time.Minute).Unix(), true},
		{"nobody knows when", now.Add(-time.Minute), nil, now.Add(time.Minute).Unix(), false},
		{"nobody knows when, and it ends too late for before", now.Add(-time.Hour), nil, now.Add(clockSkew + time.Second).Unix(), true},
		{"nobody knows when, and it ends just in time for before", now.Add(-time.Hour), nil, now.Add(clockSkew).Unix(), false},
	} {
		store.at = test.restored.Truncate(time.Second)
		token := signJWS(t, "ES256", "P-256", "k1", h.assertionClaims("P-256", "iat", test.iat, "exp", test.exp))
		if got := h.proves(asserted("/token", token)); got != test.want {
			t.Errorf("%s: proves %t, want %t", test.name, got, test.want)
		}
	}
}
