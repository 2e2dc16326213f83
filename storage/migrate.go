package storage

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// Errors of migrations.
var (
	// ErrUnfinished means that a migration into the store was begun and not finished: half of the records are there. Run it again.
	ErrUnfinished = errors.New("storage: a migration into it was not finished")
	// ErrHolds means that a store which should be filled holds something already. It was not touched.
	ErrHolds = errors.New("storage: it holds records already")
	// ErrOtherSource means that a store holds part of what another migration has brought there: from another store, or from this one as it
	// was before it was used again. Empty it and begin anew.
	ErrOtherSource = errors.New("storage: it holds part of another migration")
	// ErrInUse means that another process uses the store. Stop it.
	ErrInUse = errors.New("storage: another process uses it")
	// ErrUnreadable means that a record cannot be unsealed or read: it was changed, or sealed with another key.
	ErrUnreadable = errors.New("storage: a record cannot be unsealed or read")
	// ErrDiffers means that a store does not hold what was brought there.
	ErrDiffers = errors.New("storage: records differ")
)

// Migration is how far a store has come that is being filled from another. It stands in that store until all is there.
type Migration struct {
	// Source names the store that the records come from, and its state where that can be told.
	Source string `json:"source"`
	// Now is when the migration began. What does not exist any more at that time stays behind.
	Now time.Time `json:"now"`
	// After is where the last record lies that is there.
	After Position `json:"after"`
	// Done says that all is there: the store may have been used since.
	Done bool `json:"-"`
}

// Source is a store that records are read from. No other process may use it meanwhile.
type Source interface {
	// Origin names the store. Two stores never have the same name; one that is changed may get another.
	Origin(ctx context.Context) (string, error)
	// InUse returns ErrInUse, naming the process, when another than this one has the store.
	InUse(ctx context.Context) error
	// Export returns at most limit entries that follow after and exist at now, in their order. Fewer than limit means that none follow. It
	// returns ErrUnreadable for a record that cannot be opened.
	Export(ctx context.Context, after Position, now time.Time, limit int) ([]Entry, error)
}

// Target is a store that is filled. It was opened as one whose migration may be unfinished.
type Target interface {
	Source
	// BeginMigration returns the migration to go on with, as Begin says, and notes it in the store in the same step. It returns ErrInUse
	// when another process has the store.
	BeginMigration(ctx context.Context, source string, now time.Time) (Migration, error)
	// Import stores new entries and notes how far the migration has come, in one step. Doing it twice is no error.
	Import(ctx context.Context, entries []Entry, reached Migration) error
	// EndMigration notes that all is there: the store can be used from now on, and knows from where it was filled.
	EndMigration(ctx context.Context) error
}

// Begin returns the migration from that source that a store goes on with: the one that it has noted, nil for none, or a new one. One that is
// done says so, so that who was killed before he could tell learns of it. It is a rule, not a step: backends call it inside BeginMigration, and
// return its errors.
func (m *Migration) Begin(holds bool, source string, now time.Time) (Migration, error) {
	switch {
	case holds && (m == nil || m.Done && m.Source != source):
		return Migration{}, ErrHolds
	case m == nil || m.Done && !holds:
		return Migration{Source: source, Now: micro(now)}, nil
	case m.Source != source:
		return Migration{}, ErrOtherSource
	}
	return *m, nil
}

// Progress is how many records have been copied, by this call and by broken ones before as far as it is known, and compared.
type Progress struct {
	Copied, Compared int
	// Before is when the migration began that has done all of it before; zero when this call has.
	Before time.Time
}

// migrateBatch is how many records are written in one step.
const migrateBatch = 500

// Migrate brings all records from one store into another, compares all of both, and then lets the other be used. The target may hold nothing
// but an unfinished migration from the same source, with which it goes on: it can be broken off at any point. The source stays as it is. Report
// is called with each batch. A migration that was done before is left as it is: Progress says so.
func Migrate(ctx context.Context, from Source, to Target, now time.Time, report func(Progress)) (done Progress, err error) {
	if err := from.InUse(ctx); err != nil {
		return done, err
	}
	source, err := from.Origin(ctx)
	if err != nil {
		return done, err
	}
	m, err := to.BeginMigration(ctx, source, now)
	if err != nil {
		return done, err
	}
	if m.Done {
		return Progress{Before: m.Now}, nil
	}
	for more := true; more; {
		entries, err := from.Export(ctx, m.After, m.Now, migrateBatch)
		if err != nil {
			return done, err
		}
		if more = len(entries) == migrateBatch; len(entries) > 0 {
			m.After = entries[len(entries)-1].Position()
			if err := to.Import(ctx, entries, m); err != nil {
				return done, err
			}
		}
		done.Copied += len(entries)
		report(done)
		if err := from.InUse(ctx); err != nil {
			return done, err
		}
	}
	if done.Compared, err = compareStores(ctx, from, to, m.Now, func(n int) { report(Progress{Copied: done.Copied, Compared: n}) }); err != nil {
		return done, err
	}
	return done, to.EndMigration(ctx)
}

// compareStores goes through both stores at once and returns how many records they have, or ErrDiffers when one has what the other has not.
func compareStores(ctx context.Context, from, to Source, now time.Time, report func(int)) (n int, err error) {
	ours, theirs := reader{source: from, now: now}, reader{source: to, now: now}
	for {
		a, err := ours.next(ctx)
		if err != nil {
			return n, err
		}
		b, err := theirs.next(ctx)
		if err != nil {
			return n, err
		}
		switch {
		case a == nil && b == nil:
			return n, from.InUse(ctx)
		case b == nil || a != nil && a.compare(b) < 0:
			return n, fmt.Errorf("%w: %s is missing", ErrDiffers, a.name())
		case a == nil || a.compare(b) > 0:
			return n, fmt.Errorf("%w: %s is there and not in the source", ErrDiffers, b.name())
		}
		same, err := a.same(b)
		if err != nil {
			return n, err
		}
		if !same {
			return n, fmt.Errorf("%w: %s says something else", ErrDiffers, a.name())
		}
		if n++; n%migrateBatch == 0 {
			report(n)
			if err := from.InUse(ctx); err != nil {
				return n, err
			}
		}
	}
}

// name names the entry without saying its key: some stand for a person.
func (e *Entry) name() string {
	return EntryName(e.Kind, e.Key)
}

// EntryName names a record by its kind and a hash of its key, which may stand for a person.
func EntryName(kind EntryKind, key []byte) string {
	sum := sha256.Sum256(key)
	return fmt.Sprintf("%s %x", kind, sum[:6])
}

// reader reads the entries of a store one by one.
type reader struct {
	source Source
	now    time.Time
	batch  []Entry
	at     Position
	ended  bool
}

// next returns the next entry, nil when there is none.
func (r *reader) next(ctx context.Context) (*Entry, error) {
	if len(r.batch) == 0 && !r.ended {
		batch, err := r.source.Export(ctx, r.at, r.now, migrateBatch)
		if err != nil {
			return nil, err
		}
		r.batch, r.ended = batch, len(batch) < migrateBatch
	}
	if len(r.batch) == 0 {
		return nil, nil
	}
	next := &r.batch[0]
	r.batch, r.at = r.batch[1:], next.Position()
	return next, nil
}
