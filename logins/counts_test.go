package logins_test

import (
	"testing"
	"time"

	"brygga/audit"
	"brygga/logins"
	"brygga/storage"
)

// TestCounts: hours, days and months count each event once, also when a process died in between or two are at it.
func TestCounts(t *testing.T) {
	h := newHarness(t)
	other := h.book()
	for i := range 40 {
		h.login(happened{"journal", anna, "sub", "other", "192.0.2.7", audit.LoginCompleted, ""})
		h.login(happened{"archive", "", "", "this", "192.0.2.8", audit.LoginFailed, "certificateErr"})
		h.login(happened{"archive", "", "", "this", "192.0.2.8", audit.LoginFailed, "riskTooHigh: high"})
		h.login(happened{"archive", "", "", "this", "192.0.2.8", audit.LoginEnded, "windowExpired"})
		h.audit.Record(t.Context(), audit.Event{Type: audit.SessionUsed, ClientID: "journal", Identifier: "x"})
		if i%10 == 3 {
			h.read()
			h.Book = h.book() // another process, or one that was started again
			if _, err := other.Advance(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.read()
	hours, err := h.Hours(t.Context(), "", h.now, 24)
	if err != nil || len(hours) != 24 {
		t.Fatalf("%d hours, %v", len(hours), err)
	}
	var sum logins.Counts
	for _, hour := range hours {
		sum.Add(hour.Counts)
	}
	if sum.Logins != 160 || sum.Orders != 160 || sum.Completed != 40 || sum.Failed != 80 || sum.Ended != 40 || sum.Refused != 40 || sum.Sessions != 40 {
		t.Errorf("a day: %+v", sum)
	}
	if sum.Identified() != 80 || sum.Causes["certificateErr"] != 40 || sum.Causes["riskTooHigh"] != 40 || sum.Devices["other"] != 40 || sum.Median() != 10*time.Second {
		t.Errorf("identified %d, causes %v, devices %v, median %s", sum.Identified(), sum.Causes, sum.Devices, sum.Median())
	}
	for what, read := range map[string]func() ([]logins.Client, error){
		"day":   func() ([]logins.Client, error) { return h.Day(t.Context(), start, 10) },
		"month": func() ([]logins.Client, error) { return h.Month(t.Context(), start, 10) },
	} {
		all, err := read()
		if err != nil || len(all) != 2 || all[0].ID != "archive" || all[0].Logins != 120 || all[1].Identified() != 40 {
			t.Errorf("the %s: %+v, %v", what, all, err)
		}
	}
	last, days, err := h.Last(t.Context(), "journal", 7)
	if err != nil || !last.Equal(logins.Day(start)) || days.Completed != 40 {
		t.Errorf("last %s, %+v, %v", last, days, err)
	}
	uses, err := h.UseOf(t.Context(), []string{"journal", "archive", "nobody"}, 30)
	if err != nil || !uses["journal"].Last.Equal(logins.Day(start)) || uses["journal"].Week.Completed != 40 || uses["archive"].Week.Logins != 120 || uses["nobody"].Week.Logins != 0 ||
		uses["archive"].Day.Logins+uses["journal"].Day.Logins != sum.Logins || !uses["nobody"].Last.IsZero() {
		t.Errorf("uses %+v, %+v, %+v, %v", uses["journal"], uses["archive"], uses["nobody"], err)
	}
	if n, err := h.Behind(t.Context(), h.store); n != 0 || err != nil {
		t.Errorf("%d events behind, %v", n, err)
	}
}

// TestSwedishCalendar: days and months begin at midnight in Sweden, in summer and winter.
func TestSwedishCalendar(t *testing.T) {
	at := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct{ at, day, month, name string }{
		{"2026-11-26T22:59:59Z", "2026-11-25T23:00:00Z", "2026-10-31T23:00:00Z", "2026-11"},
		{"2026-11-30T22:59:59Z", "2026-11-29T23:00:00Z", "2026-10-31T23:00:00Z", "2026-11"},
		{"2026-11-30T23:00:00Z", "2026-11-30T23:00:00Z", "2026-11-30T23:00:00Z", "2026-12"},
		{"2026-07-31T21:59:59Z", "2026-07-30T22:00:00Z", "2026-06-30T22:00:00Z", "2026-07"},
		{"2026-07-31T22:00:00Z", "2026-07-31T22:00:00Z", "2026-07-31T22:00:00Z", "2026-08"},
		{"2026-03-29T00:59:59Z", "2026-03-28T23:00:00Z", "2026-02-28T23:00:00Z", "2026-03"}, // clocks are put forward at 01:00Z
		{"2026-03-29T01:00:00Z", "2026-03-28T23:00:00Z", "2026-02-28T23:00:00Z", "2026-03"},
		{"2026-03-29T22:00:00Z", "2026-03-29T22:00:00Z", "2026-02-28T23:00:00Z", "2026-03"},
		{"2026-10-25T00:59:59Z", "2026-10-24T22:00:00Z", "2026-09-30T22:00:00Z", "2026-10"}, // and back
		{"2026-10-25T22:59:59Z", "2026-10-24T22:00:00Z", "2026-09-30T22:00:00Z", "2026-10"},
		{"2026-10-25T23:00:00Z", "2026-10-25T23:00:00Z", "2026-09-30T22:00:00Z", "2026-10"},
		{"2026-12-31T23:00:00Z", "2026-12-31T23:00:00Z", "2026-12-31T23:00:00Z", "2027-01"},
	} {
		when := at(c.at)
		if day := logins.Day(when); !day.Equal(at(c.day)) {
			t.Errorf("the day of %s begins at %s, want %s", c.at, day.Format(time.RFC3339), c.day)
		}
		if month := logins.Month(when); !month.Equal(at(c.month)) || logins.MonthName(when) != c.name {
			t.Errorf("the month of %s is %s and begins at %s, want %s", c.at, logins.MonthName(when), month.Format(time.RFC3339), c.month)
		}
	}
}

// TestParseClock: what a clock in Sweden shows is read back as that time, but for the hour that is there twice.
func TestParseClock(t *testing.T) {
	const layout = "2006-01-02T15:04"
	for at := time.Date(2026, time.March, 28, 0, 0, 0, 0, time.UTC); at.Month() < time.November; at = at.Add(30 * time.Minute) {
		back, err := logins.ParseClock(layout, logins.Clock(at).Format(layout))
		if err != nil || !back.Equal(at) && !back.Add(time.Hour).Equal(at) || !back.Equal(at) && at.Month() != time.October {
			t.Fatalf("%s was read as %s, %v", at, back, err)
		}
	}
	if _, err := logins.ParseClock(layout, "2026-13-01T00:00"); err == nil {
		t.Error("a thirteenth month is read")
	}
}

// TestAuditEvents: each filter finds its events, forwards and backwards, in pages, before the book has read them and after.
func TestAuditEvents(t *testing.T) {
	h := newHarness(t)
	for i := range 6 {
		h.login(happened{"journal", anna, "sub", "other", "192.0.2.7", audit.LoginCompleted, ""})
		h.audit.Record(t.Context(), audit.Event{Type: audit.ClientChanged, Actor: []string{"anna", "bo"}[i%2], ClientID: "journal"},
			audit.Event{Type: audit.KeyCreated, Actor: "brygga", Object: "key-1"})
		h.now = h.now.Add(time.Hour)
	}
	all := func(q logins.EventQuery) (found []storage.AuditEvent) {
		t.Helper()
		for q.Limit = 2; ; {
			page, err := h.AuditEvents(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, page.Events...)
			if q.After = page.Next; q.After == "" {
				return found
			}
		}
	}
	for _, when := range []string{"before", "after"} {
		for _, backwards := range []bool{false, true} {
			for what, want := range map[*logins.EventQuery]int{
				{}: 24, {Kind: "ADM_"}: 6, {Kind: "ADM_300002"}: 6, {Kind: "WEB_100002"}: 6, {Actor: "bo"}: 3, {ClientID: "journal"}: 18, {Object: "key-1"}: 6,
				{Kind: "KEY_", From: start.Add(90 * time.Minute)}: 4, {Kind: "SEC_"}: 0, {Actor: "bo", Kind: "KEY_"}: 0,
			} {
				q := *what
				q.Backwards = backwards
				found := all(q)
				if len(found) != want {
					t.Errorf("%s, backwards %v: %d events by %+v, want %d", when, backwards, len(found), q, want)
				}
				for i := 1; i < len(found); i++ {
					if found[i].Time.Before(found[i-1].Time) != backwards && !found[i].Time.Equal(found[i-1].Time) {
						t.Errorf("%s, backwards %v: events by %+v are not in order", when, backwards, q)
					}
				}
			}
		}
		h.read()
	}
}
