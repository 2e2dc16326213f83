package login

import (
	"fmt"
	"sync"
	"time"
)

// OverloadError says that an order was not made because the process has all it can do, and when to try again: those who have an
// order already must not suffer from more.
type OverloadError struct {
	RetryAfter time.Duration
	// Cause is one of the Overload constants.
	Cause string
}

// The causes of an OverloadError.
const (
	OverloadLate     = "late"     // the process does not get to its work in time
	OverloadCollects = "collects" // there are as many orders as the service can be asked about in time
	OverloadMemory   = "memory"   // the process has little memory left
)

// Error names the cause.
func (e *OverloadError) Error() string { return fmt.Sprintf("login: overloaded: %s", e.Cause) }

const (
	// loadWindow is how long what was late is looked at: this window and the one before.
	loadWindow = 5 * time.Second
	// lateBy is how late a frame or a collect counts as late: a quarter of the life of a frame, which nobody notices yet.
	lateBy = 250 * time.Millisecond
	// lateShare is how many of a hundred may be late before new orders are refused, fewWork how many there must be to tell: with fewer
	// than some twenty people on the page it is the machine that stalls, and one more or less of them changes nothing.
	lateShare = 10
	fewWork   = 200
	// overloadWait is when those who were refused are to try again.
	overloadWait = 10 * time.Second
)

// load counts how much of the work that has its time was late.
type load struct {
	mu          sync.Mutex
	began       time.Time
	now, before counted
}

type counted struct{ all, late int }

// note counts a piece of work that was begun so long after its time.
func (l *load) note(now time.Time, behind time.Duration) (late bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	l.now.all++
	if late = behind >= lateBy; late {
		l.now.late++
	}
	return late
}

// over reports whether so much is late that there must not be more.
func (l *load) over(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := l.sum(now)
	return sum.all >= fewWork && sum.late*100 > sum.all*lateShare
}

// sum returns what was counted in this window and the one before. The caller holds mu.
func (l *load) sum(now time.Time) counted {
	l.turn(now)
	return counted{l.now.all + l.before.all, l.now.late + l.before.late}
}

func (l *load) turn(now time.Time) {
	passed := now.Sub(l.began)
	if passed >= 0 && passed < loadWindow {
		return
	}
	if l.before = l.now; passed >= 2*loadWindow || passed < 0 {
		l.before = counted{}
	}
	l.now, l.began = counted{}, now
}

// The kinds of work that [Engine.Behind] is told of.
const (
	WorkFrame   = "frame"
	WorkCollect = "collect"
)

// Behind tells the engine that a piece of work was begun so long after its time. While too much is late, it makes no new orders.
func (e *Engine) Behind(work string, by time.Duration) {
	if e.load.note(time.Now(), by) {
		e.Observe(Observation{Event: Late, Reason: work})
	}
}

// Work returns how many pieces of work Behind was told of in the last five to ten seconds, and how many of them were late.
func (e *Engine) Work() (all, late int) {
	e.load.mu.Lock()
	defer e.load.mu.Unlock()
	sum := e.load.sum(time.Now())
	return sum.all, sum.late
}

// capable is a [Method] that knows how many orders it can collect once in each interval; 0 while it does not know.
type capable interface {
	Capacity(interval time.Duration) int
}

// hasRoom returns an *[OverloadError] when those who have an order would suffer from one more.
func (e *Engine) hasRoom(m *method) error {
	cause := ""
	if e.load.over(time.Now()) {
		cause = OverloadLate
	}
	if cause == "" && e.MemoryShort != nil && e.MemoryShort() {
		cause = OverloadMemory
	}
	if c, ok := m.Method.(capable); ok && cause == "" {
		e.mu.Lock()
		collecting := m.collecting
		e.mu.Unlock()
		if most := c.Capacity(m.CollectEvery); most > 0 && collecting >= most {
			cause = OverloadCollects
		}
	}
	if cause == "" {
		return nil
	}
	e.Observe(Observation{Event: Overloaded, Reason: cause})
	return &OverloadError{RetryAfter: overloadWait, Cause: cause}
}
