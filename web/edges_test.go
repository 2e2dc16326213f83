package web

import (
	"strings"
	"testing"
	"time"

	"brygga/login"
	"brygga/storage"
	"brygga/templates"
)

// TestWellFormed stands on the ends of base64url's alphabet.
func TestWellFormed(t *testing.T) {
	for _, good := range strings.Split("a z A Z 0 9 - _", " ") {
		if !wellFormed(good, 1) {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{"`", "{", "@", "[", "/", ":", ",", ".", "~", "\x00", "\xff", " ", "aa", ""} {
		if wellFormed(bad, 1) {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestFailedViewWaits asks how many seconds a page tells to wait.
func TestFailedViewWaits(t *testing.T) {
	now := time.Date(2031, 5, 17, 9, 30, 15, 0, time.UTC)
	for name, tt := range map[string]struct {
		retry time.Time
		want  int
	}{
		"no time":       {time.Time{}, 0},
		"now":           {now, 0},
		"a second ago":  {now.Add(-time.Second), 0},
		"an hour ago":   {now.Add(-time.Hour), 0},
		"a millisecond": {now.Add(time.Millisecond), 1},
		"ten seconds":   {now.Add(10 * time.Second), 10},
		"a bit more":    {now.Add(10*time.Second + 1), 11},
	} {
		l := &storage.Login{Request: new(storage.AuthRequest), State: storage.LoginFailed, Failure: storage.Failure{Reason: login.ReasonUnavailable, Retry: tt.retry}}
		view, ok := failedView(situation{login: l, now: now}, templates.Device(""), templates.Platform("")).(templates.Failed)
		if !ok || view.Wait != tt.want {
			t.Errorf("%s: %+v, want %d s", name, view, tt.want)
		}
	}
}
