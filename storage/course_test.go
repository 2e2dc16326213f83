package storage_test

import (
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

// TestCourse holds that a login remembers what happened to its orders, in bounds and without what could forge a line.
func TestCourse(t *testing.T) {
	l := &storage.Login{ID: "l1", State: storage.LoginOpen, Created: t0}
	sec := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Second) }
	order := func(claim storage.Claim, id string, started time.Time) {
		t.Helper()
		claim.ID, claim.At = "c"+id, started
		if err := l.BeginOrder(claim); err != nil {
			t.Fatal(err)
		}
		if err := l.PutOrder(claim.ID, storage.Order{ID: id, Started: started, ReturnNonceHash: nonce}); err != nil {
			t.Fatal(err)
		}
	}
	hint := func(phase storage.Phase, code string, at time.Time) {
		t.Helper()
		if err := l.RecordHint(l.Order.ID, phase, code, at); err != nil {
			t.Fatal(err)
		}
	}
	order(storage.Claim{Starter: storage.Starter{Device: storage.DeviceOther}, WindowEnds: sec(300)}, "o1", sec(3))
	hint(storage.PhaseWaiting, "outstandingTransaction", sec(5))
	order(storage.Claim{Replaces: "o1"}, "o2", sec(31))
	hint(storage.PhaseInApp, "a code with spaces", sec(35))
	order(storage.Claim{Starter: storage.Starter{Device: storage.DeviceThis}, WindowEnds: sec(300)}, "o3", sec(62))
	hint(storage.PhaseWorking, "userSign", sec(66))
	if err := l.RecordReturn(nonce, sec(71)); err != nil {
		t.Fatal(err)
	}
	const want = "other@3 outstandingTransaction@5 renewed@31 unknown@35 this@62 userSign@66 returned@71"
	if l.Course != want {
		t.Errorf("the course is %q, want %q", l.Course, want)
	}
	for range 100 {
		hint(storage.PhaseInApp, strings.Repeat("x", 40), sec(80))
	}
	if len(l.Course) > 400 || !strings.HasPrefix(l.Course, want) {
		t.Errorf("the course of many hints has %d bytes: %s", len(l.Course), l.Course)
	}
	if strings.Contains(l.Course, strings.Repeat("x", 41)) {
		t.Error("a word has no bounds")
	}
}
