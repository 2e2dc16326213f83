// Package background holds work that outlives whoever began it, and that somebody waits for at the end.
//
// A sync.WaitGroup alone does not do for that: what is begun at the moment when the wait is over goes on behind it, in a store that is closed, and
// an Add from zero must not meet a Wait. It must not know what the work is.
package background

import "sync"

// Group is work in the background. The zero value is ready; all methods may be called concurrently.
type Group struct {
	mu   sync.Mutex
	over bool
	all  sync.WaitGroup
}

// Begin counts one more piece of work, which ends with [Group.End]. It returns false when nobody waits for it any more: the work must not begin
// then.
func (g *Group) Begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.over {
		return false
	}
	g.all.Add(1)
	return true
}

// End ends a piece of work for which Begin has returned true.
func (g *Group) End() { g.all.Done() }

// Go does work beside its caller, and reports whether it does: not when nobody would wait for it any more.
func (g *Group) Go(work func()) bool {
	if !g.Begin() {
		return false
	}
	go func() {
		defer g.End()
		work()
	}()
	return true
}

// Do does work beside its caller, or within the call when nobody would wait for it any more.
func (g *Group) Do(work func()) {
	if !g.Go(work) {
		work()
	}
}

// Wait waits for what has begun. Nothing begins after it.
func (g *Group) Wait() {
	g.mu.Lock()
	g.over = true
	g.mu.Unlock()
	g.all.Wait()
}
