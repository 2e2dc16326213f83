package login_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/login"
	"brygga/storage"
)

// logged collects what is logged from many goroutines.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// count returns how many lines of that level say text.
func (l *logged) count(level, text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, "level="+level) && strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// TestAlarm lets results stop verifying and verify again, and looks at what an operator is told.
func TestAlarm(t *testing.T) {
	const stopped, again = "no longer verify", "verify again"
	for name, steps := range map[string][]struct {
		results string // g for a good one, b for a bad one, x for one that an excepted check refuses
		on      bool
		alarms  int
		calms   int
	}{
		"five in a row":       {{"bbbb", false, 0, 0}, {"b", true, 1, 0}, {"bbbbbb", true, 1, 0}, {"ggggggggg", true, 1, 0}, {"g", false, 1, 1}, {"bbbb", false, 1, 1}, {"b", true, 2, 1}},
		"one of four":         {{"bgggbgggbgggbggg", false, 0, 0}, {"b", true, 1, 0}, {"ggggg", true, 1, 0}},
		"few and far between": {{"bggggggbggggggbggggggbggggggbggggggbgggggg", false, 0, 0}},
		"an attack":           {{"gggbggggggggggggggggggggbgg", false, 0, 0}},
		"excepted":            {{"xxxxxxxxxxxxxxxxxxxx", false, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &logged{}
				h := newHouse(t, func(o *login.Options) { o.Logger = slog.New(slog.NewTextHandler(log, nil)) })
				defer h.close()
				n := 0
				for _, step := range steps {
					for _, result := range step.results {
						n++
						progress := complete(tolvan())
						switch result {
						case 'b':
							progress.Verify = func(storage.Sent) error { return &eid.UnverifiedError{Check: "chain", Err: errors.New("forged")} }
						case 'x':
							progress.Verify = func(storage.Sent) error {
								return &eid.UnverifiedError{Check: "relying_party", Err: errors.New("other form"), Excepted: true}
							}
						}
						h.service.set(n, progress, nil)
						l := h.after(3*time.Second, h.started(other))
						if want := map[rune]storage.LoginState{'b': storage.LoginFailed, 'g': storage.LoginComplete, 'x': storage.LoginComplete}[result]; l.State != want {
							t.Fatalf("after %q a login is %s, want %s", result, l.State, want)
						}
					}
					if on, alarms, calms := h.ResultsUnverified(""), log.count("ERROR", stopped), log.count("INFO", again); on != step.on || alarms != step.alarms || calms != step.calms {
						t.Errorf("after %d results, the last %q: on %v, %d alarms, %d calms", n, step.results, on, alarms, calms)
					}
				}
				told := h.events(audit.ResultUnverified)
				if excepted := strings.Count(name, "excepted") * n; excepted > 0 && (len(told) != excepted || log.count("WARN", "excepted=true") != n) {
					t.Errorf("%d events and %d warnings of %d results that failed an excepted check", len(told), log.count("WARN", "excepted=true"), n)
				}
			})
		})
	}
}

// TestAlarmIsOfOneEID: an eID whose results stop verifying says nothing of another's, and its orders are observed under its name.
func TestAlarmIsOfOneEID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &logged{}
		var mu sync.Mutex
		seen := map[string]int{}
		h, tag := newTagHouse(t, func(o *login.Options) {
			o.Logger = slog.New(slog.NewTextHandler(log, nil))
			o.Observe = func(seenNow login.Observation) {
				mu.Lock()
				defer mu.Unlock()
				seen[seenNow.Event+" "+seenNow.Method]++
			}
		})
		defer h.close()
		for n := 1; n <= 5; n++ {
			progress := complete(tolvan())
			progress.Verify = func(storage.Sent) error { return &eid.UnverifiedError{Check: "chain", Err: errors.New("forged")} }
			tag.set(n, progress, nil)
			h.after(4*time.Second, h.started(byTag))
			h.service.set(n, complete(tolvan()), nil)
			h.after(4*time.Second, h.started(other))
		}
		if !h.ResultsUnverified("tag") || h.ResultsUnverified("fake") || log.count("ERROR", "method=tag") == 0 {
			t.Errorf("of the tag %v, of the other %v", h.ResultsUnverified("tag"), h.ResultsUnverified("fake"))
		}
		mu.Lock()
		defer mu.Unlock()
		for event, want := range map[string]int{"login_failed tag": 5, "login_completed fake": 5, "login_failed fake": 0, "order_started tag": 5} {
			if seen[event] != want {
				t.Errorf("%s was observed %d times, want %d", event, seen[event], want)
			}
		}
	})
}
