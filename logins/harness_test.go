package logins_test

import (
	"cmp"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/logins"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
)

// start is noon in Sweden, on a day in winter.
var start = time.Date(2026, 11, 26, 11, 0, 0, 0, time.UTC)

type harness struct {
	*testing.T
	*logins.Book
	store *bolt.Store
	audit *audit.Log
	tree  *tree.Tree
	now   time.Time
	n     int
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "brygga.db"), storagetest.NewSealer(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	h := &harness{T: t, store: store, now: start}
	now := func() time.Time { return h.now }
	if h.audit, err = audit.New(audit.Options{Store: store, PseudonymKey: make([]byte, 32), Now: now}); err != nil {
		t.Fatal(err)
	}
	text, err := tree.NewKey("test")
	if err != nil {
		t.Fatal(err)
	}
	key, err := tree.ReadKey(text)
	if err != nil {
		t.Fatal(err)
	}
	if h.tree, err = tree.New(tree.Options{Store: store, Key: key, Now: now}); err != nil {
		t.Fatal(err)
	}
	h.Book = h.book()
	return h
}

// book returns the book as another process has it.
func (h *harness) book() *logins.Book {
	h.Helper()
	b, err := logins.New(logins.Options{Store: h.store, Log: h.tree, Now: func() time.Time { return h.now }, Shown: func(language, eid, reason, device, client string) string {
		return fmt.Sprintf("%s: %s%s on %s for %s", language, eid, reason, device, client)
	}})
	if err != nil {
		h.Fatal(err)
	}
	return b
}

// read signs what is in the log and takes it into the book.
func (h *harness) read() {
	h.Helper()
	h.now = h.now.Add(5 * time.Second)
	if _, err := h.tree.Grow(h.Context()); err != nil {
		h.Fatal(err)
	}
	for more := true; more; {
		var err error
		if more, err = h.Advance(h.Context()); err != nil {
			h.Fatal(err)
		}
	}
}

// happened is one login.
type happened struct {
	client, person, sub, device, address string
	// outcome is how it ends, at once; cause is why.
	outcome audit.Type
	cause   string
}

// beginnings are the events by which logins begin whose outcome is not BankID's.
var beginnings = map[audit.Type]audit.Type{audit.NetIDCompleted: audit.NetIDStarted, audit.NetIDFailed: audit.NetIDStarted, audit.NetIDEnded: audit.NetIDStarted}

// login lets a login happen now, which takes ten seconds, and returns its reference.
func (h *harness) login(l happened) storage.Reference { h.Helper(); return h.of("", l) }

// of is login for something else that the person was asked for.
func (h *harness) of(kind storage.Kind, l happened) storage.Reference {
	h.Helper()
	h.n++
	record := storage.Login{ID: fmt.Sprintf("login-%d", h.n), Created: h.now}
	e := audit.Event{
		Type: cmp.Or(beginnings[l.outcome], audit.LoginStarted), Identifier: record.ID, Reference: record.Reference(), SourceAddress: l.address, ClientID: l.client, Device: l.device,
		Browser: "Firefox, Linux", Took: time.Second, Kind: string(kind),
	}
	h.now = h.now.Add(time.Second)
	h.audit.Record(h.Context(), e)
	if l.outcome == "" {
		return record.Reference()
	}
	h.now = h.now.Add(9 * time.Second)
	e.Type, e.Message, e.Took, e.Course = l.outcome, l.cause, 10*time.Second, l.device+"@1 userSign@4"
	if l.outcome.Common() == audit.LoginCompleted {
		e.Person, e.Subject = secret.New(l.person), l.sub
	}
	h.audit.Record(h.Context(), e)
	return record.Reference()
}

func (h *harness) find(q logins.Query) []logins.Login {
	h.Helper()
	found, err := h.Search(h.Context(), q)
	if err != nil {
		h.Fatal(err)
	}
	return found.Logins
}

// finds fails the test unless the query finds those logins, in that order.
func (h *harness) finds(what string, q logins.Query, want ...storage.Reference) {
	h.Helper()
	var got []storage.Reference
	for _, l := range h.find(q) {
		got = append(got, l.Reference)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		h.Errorf("by %s: %v, want %v", what, got, want)
	}
}
