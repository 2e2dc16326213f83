package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"brygga/storage"
)

// TestStoreStepsAreMeasured by name, on both stores the same: how many, how long, and which have failed for want of the store.
func TestStoreStepsAreMeasured(t *testing.T) {
	s := newMeasured(t)
	now := s.now()
	if _, err := s.apps.Login(t.Context(), "unknown", now); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("an unknown login: %v", err)
	}
	ended, end := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer end()
	if err := s.apps.UseOnce(ended, [32]byte{1}, now.Add(time.Hour), now); err == nil {
		t.Error("a step without time was done")
	}
	for step, want := range map[string][2]float64{"login": {1, 0}, "use_once": {1, 1}, "redeem_code": {0, 0}} {
		count, faults := value(t, s, "brygga_store_step_seconds", "step="+step), value(t, s, "brygga_store_step_errors_total", "step="+step)
		if count != want[0] || faults != want[1] {
			t.Errorf("%s: %v steps, %v failed, want %v", step, count, faults, want)
		}
	}
	reused := fmt.Errorf("redeem: %w", &storage.CodeReusedError{GrantID: "g"})
	if isFault(reused) || isFault(&storage.TokenReusedError{}) || isFault(storage.ErrConflict) || !isFault(context.DeadlineExceeded) {
		t.Error("what is a failure of the store is another")
	}
	store := s.metrics.measured(s.store)
	if n := leastAllocs(func() { store.took(stepRedeemCode, now, nil) }); n != 0 {
		t.Errorf("measuring a step takes %v allocations", n)
	}
}

// leastAllocs returns how many allocations a call of f makes. They are counted in the whole process, whose server may work meanwhile:
// what f makes shows in every round, what another task makes does not.
func leastAllocs(f func()) float64 {
	least := math.Inf(1)
	for range 10 {
		least = min(least, testing.AllocsPerRun(20, f))
	}
	return least
}
