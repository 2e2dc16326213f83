package login

import "sync"

// The alarm goes off when alarmAfter of the last alarmOf results did not verify, and is over when calmAfter in a row did. One
// result may be an attack; several are a change at the service, a wrong root or a wrong clock.
const (
	alarmOf    = 20
	alarmAfter = 5
	calmAfter  = 10
)

// alarm watches whether results verify. It is safe for concurrent use.
type alarm struct {
	mu     sync.Mutex
	recent [alarmOf]bool // true for one that did not verify
	next   int
	bad    int // of the recent ones
	good   int // in a row
	on     bool
}

// change is what a result does to the alarm.
type alarmChange int

const (
	alarmStays alarmChange = iota
	alarmGoesOff
	alarmIsOver
)

// note counts a result and returns what it changes.
func (a *alarm) note(verified bool) alarmChange {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.recent[a.next] {
		a.bad--
	}
	a.recent[a.next] = !verified
	a.next = (a.next + 1) % alarmOf
	a.good++
	if !verified {
		a.bad++
		a.good = 0
	}
	switch {
	case !a.on && a.bad >= alarmAfter:
		a.on = true
		return alarmGoesOff
	case a.on && a.good >= calmAfter:
		a.on, a.recent, a.bad = false, [alarmOf]bool{}, 0
		return alarmIsOver
	}
	return alarmStays
}

// ResultsUnverified reports whether results of the eID of that name have stopped verifying: many of the last ones were refused, or would have been.
func (e *Engine) ResultsUnverified(method string) bool {
	a := &e.named(method).alarm
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.on
}
