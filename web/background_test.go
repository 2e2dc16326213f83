package web

import (
	"sync/atomic"
	"testing"
)

// TestNothingBeginsBehindTheWaiting: work that comes while the site closes is waited for or done at once, and none goes on behind it.
func TestNothingBeginsBehindTheWaiting(t *testing.T) {
	var b background
	var under, done atomic.Int64
	began := make(chan struct{})
	go func() {
		defer close(began)
		for range 1000 {
			b.do(func() { under.Add(1); under.Add(-1); done.Add(1) })
		}
	}()
	b.wait()
	<-began
	if under.Load() != 0 || done.Load() != 1000 {
		t.Errorf("%d under way, %d done", under.Load(), done.Load())
	}
	if b.begin() {
		t.Error("work begins that nobody waits for")
	}
}
