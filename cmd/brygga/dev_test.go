package main

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

var discard = slog.New(slog.DiscardHandler)

// newDev starts everything that "brygga dev" starts, on free ports, and ends it with the test. It fails the test when
// something could not be closed.
func newDev(t *testing.T, change func(*devOptions)) *devInstance {
	t.Helper()
	o := devOptions{data: t.TempDir(), log: discard, now: time.Now}
	if change != nil {
		change(&o)
	}
	ctx, stop := context.WithCancel(context.Background())
	d, err := startDev(ctx, o)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := d.wait(); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return d
}
