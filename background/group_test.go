package background

import (
	"sync/atomic"
	"testing"
)

// TestNothingBeginsBehindTheWaiting: work that comes while somebody waits is waited for or refused, and none goes on behind the wait. Under the
// race detector a single read of what the waiter writes afterwards is enough to be found.
func TestNothingBeginsBehindTheWaiting(t *testing.T) {
	for range 50 {
		var g Group
		open := true // as a store is, until those who use it are waited for
		begun, refused := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(refused)
			for i := range 1000 {
				if i == 3 {
					close(begun)
				}
				g.Go(func() {
					if !open {
						t.Error("work goes on behind the waiting")
					}
				})
			}
		}()
		<-begun
		g.Wait()
		open = false
		<-refused
	}
}

// TestDo does what comes too late at once, so that nothing is lost.
func TestDo(t *testing.T) {
	var g Group
	var done atomic.Int64
	g.Do(func() { done.Add(1) })
	g.Wait()
	g.Do(func() { done.Add(1) })
	if done.Load() != 2 || g.Begin() || g.Go(func() { done.Add(1) }) {
		t.Errorf("%d pieces of work are done", done.Load())
	}
}
