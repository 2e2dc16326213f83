package logins_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"brygga/audit"
	"brygga/logins"
	"brygga/secret"
	"brygga/storage"
)

const (
	anna  = "198001019876"
	berit = "198202023456"
)

// TestSearch: each way to a login leads to it, before the book has read it and after.
func TestSearch(t *testing.T) {
	h := newHarness(t)
	first := h.login(happened{"journal", anna, "sub-anna", "other", "192.0.2.7", audit.LoginCompleted, ""})
	h.now = h.now.Add(10 * time.Minute)
	failed := h.login(happened{"journal", "", "", "this", "192.0.2.99", audit.LoginFailed, "certificateErr"})
	h.now = h.now.Add(time.Hour)
	third := h.login(happened{"archive", anna, "sub-other", "other", "2001:db8::7", audit.LoginCompleted, ""})
	h.now = h.now.Add(2 * time.Minute)
	fourth := h.login(happened{"archive", berit, "sub-berit", "other", "198.51.100.3", audit.LoginCompleted, ""})
	person := h.audit.Pseudonym(secret.New(anna))
	for _, when := range []string{"before", "after"} {
		t.Run(when, func(t *testing.T) {
			h.T = t
			all := when == "after"
			only := func(recent ...storage.Reference) func(...storage.Reference) []storage.Reference {
				return func(every ...storage.Reference) []storage.Reference {
					if all {
						return every
					}
					return recent
				}
			}
			h.finds("nothing", logins.Query{}, only(fourth)(fourth, third, failed, first)...)
			h.finds("reference", logins.Query{Reference: fourth}, fourth)
			h.finds("client", logins.Query{ClientID: "archive"}, only(fourth)(fourth, third)...)
			h.finds("outcome", logins.Query{Outcome: logins.Completed, Limit: 2}, only(fourth)(fourth, third)...)
			h.finds("device", logins.Query{Device: "other", ClientID: "archive"}, only(fourth)(fourth, third)...)
			h.finds("sub", logins.Query{Subject: "sub-berit"}, fourth)
			h.finds("network", logins.Query{Network: netip.MustParsePrefix("198.51.100.0/24")}, fourth)
			if !all {
				h.read()
				return
			}
			h.finds("reference", logins.Query{Reference: first}, first)
			h.finds("cause", logins.Query{Cause: "certificateErr"}, failed)
			h.finds("unknown cause", logins.Query{Cause: "userCancel"})
			h.finds("person", logins.Query{Person: person}, third, first)
			h.finds("person at a client", logins.Query{Person: person, ClientID: "journal"}, first)
			h.finds("sub", logins.Query{Subject: "sub-anna"}, first)
			h.finds("network", logins.Query{Network: netip.MustParsePrefix("192.0.2.0/24")}, failed, first)
			h.finds("address", logins.Query{Network: netip.MustParsePrefix("192.0.2.7/32")}, first)
			h.finds("wide network", logins.Query{Network: netip.MustParsePrefix("192.0.0.0/16")}, failed, first)
			h.finds("IPv6", logins.Query{Network: netip.MustParsePrefix("2001:db8::/48")}, third)
			h.finds("time", logins.Query{From: start.Add(5 * time.Minute), To: start.Add(30 * time.Minute)}, failed)
			h.finds("time with an outcome", logins.Query{From: start, To: start.Add(30 * time.Minute), Outcome: logins.Failed}, failed)
			h.finds("what may be seen", logins.Query{Visible: func(l *logins.Login) bool { return l.ClientID == "journal" }}, failed, first)
			h.finds("reference that is not to be seen", logins.Query{Reference: first, Visible: func(*logins.Login) bool { return false }})
		})
	}
	h.T = t
	if _, err := h.Search(t.Context(), logins.Query{Before: "zz"}); !errors.Is(err, logins.ErrCursor) {
		t.Errorf("a cursor of nobody: %v", err)
	}
}

// TestSearchInPages: pages follow each other without a gap, whichever way they are found, and what comes meanwhile moves none.
func TestSearchInPages(t *testing.T) {
	h := newHarness(t)
	var want []storage.Reference
	for i := range 23 {
		want = append(want, h.login(happened{"journal", anna, "sub", "other", "192.0.2.7", audit.LoginCompleted, ""}))
		h.now = h.now.Add(time.Duration(i) * 7 * time.Minute)
	}
	slices.Reverse(want)
	h.read()
	h.now = h.now.Add(time.Hour)
	for name, q := range map[string]logins.Query{"time": {}, "client": {ClientID: "journal"}, "sub": {Subject: "sub"}} {
		var got []storage.Reference
		for q.Limit = 5; ; {
			found, err := h.Search(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range found.Logins {
				got = append(got, l.Reference)
			}
			if q.Before = found.Next; q.Before == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %s: %v, want %v", name, got, want)
		}
	}
}

// TestSearchAcrossMidnight: a login is found by what came of it on the next day, whenever it was begun and however long it took.
func TestSearchAcrossMidnight(t *testing.T) {
	for _, begun := range []time.Duration{10*time.Hour + 59*time.Minute + 50*time.Second, 11*time.Hour + 30*time.Minute, 12 * time.Hour, 13 * time.Hour} {
		for _, took := range []time.Duration{20 * time.Second, time.Hour, 13 * time.Hour, 23*time.Hour + 59*time.Minute} {
			h := newHarness(t)
			h.now = start.Add(begun)
			record := storage.Login{ID: "late", Created: h.now}
			h.now = h.now.Add(took)
			h.audit.Record(t.Context(), audit.Event{Type: audit.LoginFailed, Identifier: "late", Reference: record.Reference(), ClientID: "journal", Message: "certificateErr"})
			h.read()
			h.now = h.now.Add(10 * 24 * time.Hour)
			h.finds(fmt.Sprintf("cause, begun at %s, after %s", record.Created, took), logins.Query{Cause: "certificateErr", ClientID: "journal"}, record.Reference())
		}
	}
}

// TestStandsAsTheLastOrder: a login that failed and was begun again stands as it stands now.
func TestStandsAsTheLastOrder(t *testing.T) {
	h := newHarness(t)
	record := storage.Login{ID: "again", Created: h.now}
	for _, e := range []audit.Event{
		{Type: audit.BindingRefused, SourceAddress: "203.0.113.1", Message: "GET /login/{id}"}, // a link that was passed on
		{Type: audit.LoginStarted}, {Type: audit.LoginFailed, Message: "riskTooHigh: high"}, {Type: audit.LoginStarted}, {Type: audit.LoginCompleted, Person: secret.New(anna)},
		{Type: audit.BindingRefused, SourceAddress: "203.0.113.1", Message: "GET /login/{id}"},
	} {
		h.now = h.now.Add(time.Second)
		if e.Identifier, e.Reference, e.ClientID = record.ID, record.Reference(), "journal"; e.SourceAddress == "" {
			e.SourceAddress = "192.0.2.7"
		}
		h.audit.Record(t.Context(), e)
		if e.Type == audit.LoginFailed {
			h.read()
			if l := h.find(logins.Query{})[0]; l.Outcome != logins.Failed || l.Cause != "riskTooHigh" {
				t.Errorf("when it had failed: %+v", l)
			}
		}
	}
	h.read()
	l := h.find(logins.Query{Reference: record.Reference()})[0]
	if l.Outcome != logins.Completed || l.Cause != "" || l.Orders != 2 || l.Address != "192.0.2.7" || fmt.Sprint(l.Alerts) != "[SEC_200002]" {
		t.Errorf("in the end: %+v", l)
	}
	stories, err := h.Stories(t.Context(), record.Reference(), "en", nil)
	if err != nil || len(stories[0].Steps) != 6 || stories[0].Steps[5].Word != string(audit.BindingRefused) {
		t.Errorf("the story: %+v, %v", stories, err)
	}
}

// TestOldLoginsGo: with the last event of a login all rows that lead there go, and counts of hours; those of months stay.
func TestOldLoginsGo(t *testing.T) {
	h := newHarness(t)
	h.login(happened{"journal", anna, "sub", "other", "192.0.2.7", audit.LoginCompleted, ""})
	h.audit.Record(t.Context(), audit.Event{Type: audit.BackupMade, Actor: "root"})
	h.read()
	h.now = h.now.Add(audit.DefaultRetention + time.Hour)
	h.read()
	rows, err := h.store.Notes(t.Context(), []byte{0}, []byte{0xff}, 100, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if kind := row.Key[0]; kind != 'i' && kind != 'd' && kind != 'm' {
			t.Errorf("a row of kind %c is left", kind)
		}
	}
	if all, err := h.Month(t.Context(), start, 10); err != nil || len(all) != 1 || all[0].Completed != 1 {
		t.Errorf("the month: %+v, %v", all, err)
	}
}
