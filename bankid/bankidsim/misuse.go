package bankidsim

import (
	"sync"
	"time"
)

// Kinds of misuse by a relying party.
const (
	MisuseCollectTooOften = "collectTooOften" // two collects of an order less than a second apart
	MisuseAfterEnd        = "collectAfterEnd" // a collect after the result was delivered or dropped
	MisuseForeignOrder    = "foreignOrder"    // a call on another relying party's order
	MisuseUnknownOrder    = "unknownOrder"    // a call on an order that does not exist
	MisuseInvalidRequest  = "invalidRequest"  // a request that was refused for its content
	maxMisuseEntries      = 100               // newest entries kept
)

// Misuse is one fault of a relying party.
type Misuse struct {
	Kind     string    `json:"kind"`
	Time     time.Time `json:"time"`
	RP       string    `json:"rp"`
	Endpoint string    `json:"endpoint"`
	OrderRef string    `json:"orderRef,omitempty"`
	Details  string    `json:"details,omitempty"`
}

// MisuseReport counts the faults of relying parties since the start, by kind, and lists the newest.
type MisuseReport struct {
	Counts  map[string]int `json:"counts"`
	Entries []Misuse       `json:"entries"`
}

// misuseLog collects faults; the zero value is ready.
type misuseLog struct {
	mu      sync.Mutex
	counts  map[string]int
	entries []Misuse
}

func (l *misuseLog) add(m Misuse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = make(map[string]int)
	}
	l.counts[m.Kind]++
	if len(l.entries) == maxMisuseEntries {
		l.entries = append(l.entries[:0], l.entries[1:]...)
	}
	l.entries = append(l.entries, m)
}

// Misuse reports the faults of relying parties: collecting too often or after the end, foreign and unknown orders,
// requests refused for their content. A clean run of a relying party's tests leaves all counts at zero. Times are the
// simulator's, so a clock that stands still makes every second collect one too many.
func (s *Simulator) Misuse() MisuseReport {
	s.misuse.mu.Lock()
	defer s.misuse.mu.Unlock()
	r := MisuseReport{Counts: make(map[string]int), Entries: append([]Misuse{}, s.misuse.entries...)}
	for _, kind := range []string{MisuseCollectTooOften, MisuseAfterEnd, MisuseForeignOrder, MisuseUnknownOrder, MisuseInvalidRequest} {
		r.Counts[kind] = s.misuse.counts[kind]
	}
	return r
}
