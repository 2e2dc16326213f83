package logins_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"brygga/audit"
	"brygga/logins"
	"brygga/secret"
	"brygga/storage"
)

// ways returns the rows by client, outcome and cause.
func (h *harness) ways() []storage.Note {
	h.Helper()
	rows, err := h.store.Notes(h.Context(), []byte{'c'}, []byte{'d'}, 1000, false)
	if err != nil {
		h.Fatal(err)
	}
	return rows
}

// TestFilters: client, outcome and cause lead to logins in every combination, and to no others, in pages too.
func TestFilters(t *testing.T) {
	h := newHarness(t)
	causes := map[audit.Type][]string{
		audit.LoginCompleted: {""}, audit.LoginFailed: {"certificateErr", "startFailed"}, audit.LoginEnded: {"userCancel", "certificateErr"}, "": {""},
	}
	for range 3 {
		for _, client := range []string{"journal", "archive", ""} {
			for _, outcome := range []audit.Type{audit.LoginCompleted, audit.LoginFailed, audit.LoginEnded, ""} {
				for _, cause := range causes[outcome] {
					h.login(happened{client, anna, "sub", "other", "192.0.2.7", outcome, cause})
					h.now = h.now.Add(time.Minute)
				}
			}
		}
	}
	h.read()
	h.now = h.now.Add(time.Hour)
	all := h.find(logins.Query{Limit: 1000})
	if len(all) != 3*3*6 {
		t.Fatalf("%d logins", len(all))
	}
	for _, client := range []string{"", "journal", "archive", "nobody"} {
		for _, outcome := range append(logins.Outcomes(), "") {
			for _, cause := range []string{"", "certificateErr", "startFailed", "userCancel", "unheard"} {
				var want []storage.Reference
				for _, l := range all {
					if (client == "" || client == l.ClientID) && (outcome == "" || outcome == l.Outcome) && (cause == "" || cause == l.Cause) {
						want = append(want, l.Reference)
					}
				}
				q := logins.Query{ClientID: client, Outcome: outcome, Cause: cause, Limit: 2}
				if got := h.pages(q); !slices.Equal(got, want) {
					t.Errorf("%q, %q, %q: %v, want %v", client, outcome, cause, got, want)
				}
			}
		}
	}
}

// pages returns what a search finds, page after page.
func (h *harness) pages(q logins.Query) (all []storage.Reference) {
	h.Helper()
	for {
		found, err := h.Search(h.Context(), q)
		if err != nil {
			h.Fatal(err)
		}
		for _, l := range found.Logins {
			all = append(all, l.Reference)
		}
		if q.Before = found.Next; q.Before == "" {
			return all
		}
	}
}

// TestWaysOfBefore: no row leads to a login as it was before its last order.
func TestWaysOfBefore(t *testing.T) {
	h := newHarness(t)
	record := storage.Login{ID: "again", Created: h.now}
	for _, e := range []audit.Event{
		{Type: audit.LoginStarted}, {Type: audit.LoginFailed, Message: "startFailed"}, {Type: audit.LoginStarted}, {Type: audit.LoginEnded, Message: "userCancel"},
		{Type: audit.LoginStarted}, {Type: audit.LoginCompleted, Person: secret.New(anna)},
	} {
		h.now = h.now.Add(time.Second)
		e.Identifier, e.Reference, e.ClientID = record.ID, record.Reference(), "journal"
		h.audit.Record(t.Context(), e)
		h.read()
		want := 1
		if e.Message != "" {
			want = 5
		}
		if rows := h.ways(); len(rows) != want {
			t.Errorf("after %s: %d rows, want %d", e.Type, len(rows), want)
		}
	}
}

// TestBookOfBefore: a book that was made when there were no rows by client, outcome and cause gets them, and is as good meanwhile. So does one into which
// a program of before writes again.
func TestBookOfBefore(t *testing.T) {
	h := newHarness(t)
	for range 20 {
		h.login(happened{"journal", anna, "sub", "other", "192.0.2.7", audit.LoginCompleted, ""})
		h.login(happened{"journal", "", "", "other", "192.0.2.7", audit.LoginFailed, "startFailed"})
	}
	h.read()
	rows := h.ways()
	h.now = h.now.Add(time.Hour)
	q := logins.Query{ClientID: "journal", Cause: "startFailed", Limit: 7}
	want := h.pages(q)
	h.forget(rows)
	if got := h.pages(q); !slices.Equal(got, want) {
		t.Errorf("before: %v, want %v", got, want)
	}
	h.read()
	if got := h.ways(); len(want) != 20 || len(rows) != 20+5*20 || fmt.Sprint(got) != fmt.Sprint(rows) {
		t.Errorf("%d rows were made, want %d", len(got), len(rows))
	}
	if got := h.pages(q); !slices.Equal(got, want) {
		t.Errorf("afterwards: %v, want %v", got, want)
	}
}

// forget makes the book one of a program of before, which has not those rows.
func (h *harness) forget(rows []storage.Note) {
	h.Helper()
	turn, err := h.store.NotesAt(h.Context(), []byte("i"))
	if err != nil {
		h.Fatal(err)
	}
	var at map[string]any
	if err := json.Unmarshal(turn[0].Value, &at); err != nil {
		h.Fatal(err)
	}
	delete(at, "ways")
	change := storage.NoteChange{Turn: []byte("i"), Before: turn[0].Value}
	if change.After, err = json.Marshal(at); err != nil {
		h.Fatal(err)
	}
	for _, row := range rows {
		change.Remove = append(change.Remove, row.Key)
	}
	if err := h.store.WriteNotes(h.Context(), change); err != nil {
		h.Fatal(err)
	}
}

// TestSearchesEnd: a search among many logins of which few or none are wanted goes on from page to page, and finds in the end what is there.
func TestSearchesEnd(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	log := newScaled(24_000, now)
	store, _ := openFile(t, filepath.Join(t.TempDir(), "brygga.db"))
	if err := log.fill(t.Context(), store, now); err != nil {
		t.Fatal(err)
	}
	book, err := logins.New(logins.Options{Store: store, Log: log, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	h := &harness{T: t, Book: book}
	wide, few, all := netip.MustParsePrefix("10.7.0.0/16"), "client-77", 0
	var near, failed int
	for i := 1; i < log.n; i += 2 {
		e := log.event(i)
		if address := netip.MustParseAddr(e.Fields["SOURCE_ADDRESS"]); wide.Contains(address) {
			near++
		}
		if e.Type == string(audit.LoginFailed) && e.Fields["CLIENT_ID"] == few {
			failed++
		}
		all++
	}
	for name, of := range map[string]struct {
		query logins.Query
		want  int
	}{
		"nothing":       {logins.Query{Browser: "Firefox, Linux"}, 0},
		"wide network":  {logins.Query{Network: wide}, near},
		"of few":        {logins.Query{Outcome: logins.Failed, Visible: func(l *logins.Login) bool { return l.ClientID == few }}, failed},
		"client's none": {logins.Query{ClientID: few, Browser: "Firefox, Linux"}, 0},
		"all":           {logins.Query{Limit: 5000}, all},
	} {
		if got := h.pages(of.query); len(got) != of.want {
			t.Errorf("%s: %d logins, want %d", name, len(got), of.want)
		}
	}
	events, q := 0, logins.EventQuery{ClientID: few, Backwards: true}
	for {
		found, err := book.AuditEvents(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		events += len(found.Events)
		if q.After = found.Next; q.After == "" {
			break
		}
	}
	if want := 2 * len(h.pages(logins.Query{ClientID: few})); events != want || want == 0 {
		t.Errorf("%d events of a client, want %d", events, want)
	}
}
