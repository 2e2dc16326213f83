// Package logins tells what became of logins: it finds them, tells the story of one, and counts them.
//
// All it knows comes from the audit log. An [Index] reads the log once, in the order of its tree and behind those who log people in, and keeps
// notes in the store: a row for each login by the minute in which it was begun, rows that lead there from a person, a subject or a network, and
// counts for hours, days and months. Losing the notes loses nothing but time. The package must not know who may see what (package admin
// does), HTTP or HTML. It never has a personal number: people are pseudonyms.
package logins

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"brygga/audit/tree"
	"brygga/storage"
)

// Store is what the package keeps and reads.
type Store interface {
	storage.Notes
	AuditEvents(ctx context.Context, from, to time.Time, limit int) ([]storage.AuditEvent, error)
	AuditEventsOf(ctx context.Context, reference storage.Reference, from, to time.Time, limit int) ([]storage.AuditEvent, error)
	Login(ctx context.Context, id string, now time.Time) (*storage.Login, error)
}

// Log is the audit log in the order of its tree; see tree.Tree.Follow.
type Log interface {
	Follow(ctx context.Context, from int64, limit int) (tree.Leaves, error)
}

// Options are the parts of a Book. Store is required.
type Options struct {
	Store Store
	// Log is what Advance reads; nil where nobody calls that.
	Log Log
	// Shown returns what the login page says about a reason why a login by an eID failed, in a language, for a client of that name; nil for nothing. The eID
	// is empty for BankID.
	Shown func(language, eid, reason, device, client string) string
	// Logger gets what is no fault of who asks; nil discards it.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Book is what is known of logins. Its methods may be called concurrently, but for Advance.
type Book struct {
	o Options
	// rest is until when another process is left to it, pruned when old rows were looked for last.
	rest, pruned time.Time
}

// New returns a Book over the options.
func New(o Options) (*Book, error) {
	if o.Store == nil {
		return nil, errors.New("logins: no store")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Book{o: o}, nil
}
