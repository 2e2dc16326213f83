package storage_test

import (
	"testing"
	"time"

	"brygga/secret"
	"brygga/storage"
)

var oldNonce = secret.New("return nonce of the order before").Hash()

// renewed makes the pending order a silent renewal of "o0".
func renewed(l *storage.Login) {
	l.Previous = &storage.Order{
		ID: "o0", Collector: "a", Started: t0.Add(-28 * time.Second), Starter: person, WindowEnds: t0.Add(5 * time.Minute), ReturnNonceHash: oldNonce,
	}
}

func cameBackBefore(l *storage.Login) { l.PreviousReturned = t0.Add(time.Second) }

func forgotten(l *storage.Login) { l.Previous, l.PreviousReturned = nil, time.Time{} }

func TestTakeBack(t *testing.T) {
	take := func(l *storage.Login) error { return l.TakeBack("o0", t0.Add(2*time.Second)) }
	another := func(l *storage.Login) error { return l.TakeBack("o1", t0.Add(2*time.Second)) }
	late := func(l *storage.Login) error { return l.TakeBack("o0", t0.Add(storage.ClaimLife)) }
	is := func(l *storage.Login) { l.Order, l.Claim = l.Previous, storage.Claim{}; forgotten(l) }
	runRules(t, []ruleCase{
		{"nobody has the current order", pending(renewed), take, nil, is},
		{"the service says so", pending(renewed, hint(storage.PhaseWaiting, "outstandingTransaction")), take, nil, is},
		{"after the return", pending(renewed, cameBackBefore), take, nil, func(l *storage.Login) { is(l); returned(l) }},
		{"ends the next renewal", pending(renewed, claimed("o1")), take, nil, is},
		{"after a person's claim that died", pending(renewed, claimed("")), late, nil, is},
		{"a person wants another order", pending(renewed, claimed("")), take, storage.ErrConflict, nil},
		{"the current order", pending(renewed), another, storage.ErrConflict, nil},
		{"none before", pending(), take, storage.ErrConflict, nil},
		{"an app has the current order", pending(renewed, hint(storage.PhaseWorking, "userSign")), take, storage.ErrConflict, nil},
		{"the person came back with the current order", pending(renewed, returned), take, storage.ErrConflict, nil},
		{"failed", pending(renewed, failed), take, storage.ErrConflict, nil},
		{"complete", pending(renewed, complete), take, storage.ErrConflict, nil},
		{"answered", pending(renewed, answered), take, storage.ErrConflict, nil},
	})
}

// TestPreviousIsKept: as long as an app may come with the order that was silently replaced, and no longer.
func TestPreviousIsKept(t *testing.T) {
	now := t0.Add(2 * time.Second)
	put := func(l *storage.Login) error { return l.PutOrder("c1", storage.Order{ID: "o2", Started: now}) }
	hints := func(phase storage.Phase, code string) func(*storage.Login) error {
		return func(l *storage.Login) error { return l.RecordHint("o1", phase, code, now) }
	}
	for _, test := range []struct {
		name  string
		login *storage.Login
		rule  func(*storage.Login) error
		want  string // the previous order
	}{
		{"a renewal", pending(claimed("o1")), put, "o1"},
		{"a renewal of a renewal", pending(renewed, cameBackBefore, claimed("o1")), put, "o1"},
		{"an order that a person wanted", pending(renewed, cameBackBefore, claimed("")), put, ""},
		{"nobody has the order", pending(renewed), hints(storage.PhaseWaiting, "outstandingTransaction"), "o0"},
		{"an app has the order", pending(renewed, cameBackBefore), hints(storage.PhaseWorking, "started"), ""},
		{"the look of a page", pending(renewed), func(l *storage.Login) error { return l.RecordSeen(now) }, "o0"},
		{"another collector", pending(renewed), func(l *storage.Login) error { return l.AdoptOrder("b") }, "o0.8"},
		{"a failure", pending(renewed, cameBackBefore), func(l *storage.Login) error { return l.FailOrder("o1", failure) }, ""},
		{"a result", pending(renewed, cameBackBefore), func(l *storage.Login) error {
			return l.CompleteLogin("o1", storage.Result{Identity: identity}, now)
		}, ""},
		{"a cancellation", pending(renewed, cameBackBefore), func(l *storage.Login) error { return l.CancelOrder(failure) }, ""},
		{"a refusal", pending(renewed, cameBackBefore), func(l *storage.Login) error { return l.RefuseLogin() }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.rule(test.login); err != nil {
				t.Fatal(err)
			}
			kept := ""
			if test.login.Previous != nil {
				kept = test.login.Previous.ID
			}
			if kept != test.want || !test.login.PreviousReturned.IsZero() {
				t.Errorf("previous is %q, came back %v; want %q", kept, test.login.PreviousReturned, test.want)
			}
		})
	}
	l := pending(withNonce, returned, claimed("o1"))
	if err := put(l); err != nil || !l.PreviousReturned.Equal(t0.Add(time.Second)) || !l.Returned.IsZero() {
		t.Errorf("after the renewal of an order that came back: %v, came back with it %v, with the new one %v", err, l.PreviousReturned, l.Returned)
	}
}

// TestReturnWithPrevious: the nonce of the order before proves nothing of the current one, and is no stranger's.
func TestReturnWithPrevious(t *testing.T) {
	comes := func(l *storage.Login) error { return l.RecordReturn(oldNonce, t0.Add(time.Second)) }
	stranger := func(l *storage.Login) error { return l.RecordReturn(secret.New("another").Hash(), t0) }
	none := func(l *storage.Login) error { return l.RecordReturn([32]byte{}, t0) }
	qr := func(l *storage.Login) { l.Previous.ReturnNonceHash = [32]byte{} }
	runRules(t, []ruleCase{
		{"once", pending(withNonce, renewed), comes, nil, cameBackBefore},
		{"after the current one's", pending(withNonce, renewed, returned), comes, nil, cameBackBefore},
		{"twice", pending(withNonce, renewed, cameBackBefore), comes, storage.ErrConflict, nil},
		{"forgotten", pending(withNonce), comes, storage.ErrMismatch, nil},
		{"a stranger's", pending(withNonce, renewed), stranger, storage.ErrMismatch, nil},
		{"none presented", pending(renewed, qr), none, storage.ErrMismatch, nil},
		{"failed", pending(renewed, failed), comes, storage.ErrConflict, nil},
	})
}
