package logins_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.etcd.io/bbolt"

	"brygga/logins"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/postgres"
	"brygga/storage/postgres/pgtest"
	"brygga/storage/storagetest"
)

// fillBatch is how many records share a transaction while a store is filled.
const fillBatch = 20_000

// filler fills a store with a log and with what a book makes of it, as a migration does: in the order of the keys, many records at a time. Both end
// up as they do by the steps of a server, which take hours for ten million events.
type filler struct {
	storage.Target
	m     storage.Migration
	batch []storage.Entry
	n     uint64
}

// fill fills an empty store, which was opened as one whose migration may be unfinished.
func (s *scaled) fill(ctx context.Context, to storage.Target, now time.Time) error {
	m, err := to.BeginMigration(ctx, "scale", now)
	if err != nil {
		return err
	}
	f := &filler{Target: to, m: m}
	for i := range s.n {
		e := s.event(i)
		if err := f.put(ctx, storage.AuditEntryOf(&e)); err != nil {
			return err
		}
	}
	l := &ledger{filler: f, rows: map[string][]byte{}}
	book, err := logins.New(logins.Options{Store: l, Log: s, Now: func() time.Time { return now }})
	if err != nil {
		return err
	}
	for more := true; more; {
		if more, err = book.Advance(ctx); err != nil {
			return err
		}
	}
	return errors.Join(l.end(ctx), f.flush(ctx), to.EndMigration(ctx))
}

func (f *filler) put(ctx context.Context, e storage.Entry) error {
	if f.batch = append(f.batch, e); len(f.batch) < fillBatch {
		return nil
	}
	return f.flush(ctx)
}

func (f *filler) flush(ctx context.Context) error {
	f.n++
	f.m.After = storage.Position{Kind: storage.NoteEntry, Key: binary.BigEndian.AppendUint64(nil, f.n)}
	err := f.Import(ctx, f.batch, f.m)
	f.batch = f.batch[:0]
	return err
}

// ledger is a store of notes for a book that reads a log in which all events of a login come together: nobody asks for the row of a login again,
// nor for those that lead to one. So the former are stored at once, and the latter kept until all are known.
type ledger struct {
	*filler
	rows map[string][]byte // counts, and the turn
	ways []way
}

// way is a row that leads to a login: its key and value, and a number that tells the later of two.
type way struct {
	row [17 + 31]byte
	n   uint32
}

func (l *ledger) NotesAt(_ context.Context, keys ...[]byte) (found []storage.Note, err error) {
	for _, key := range keys {
		if value, ok := l.rows[string(key)]; ok {
			found = append(found, storage.Note{Key: key, Value: value})
		}
	}
	return found, nil
}

// Notes returns none: the book looks for old ones.
func (l *ledger) Notes(context.Context, []byte, []byte, int, bool) ([]storage.Note, error) {
	return nil, nil
}

func (l *ledger) WriteNotes(ctx context.Context, change storage.NoteChange) error {
	if len(change.Remove)+len(change.Events)+len(change.Mail) > 0 {
		return errors.New("more than notes")
	}
	l.rows[string(change.Turn)] = change.After
	for i := range change.Put {
		note := &change.Put[i]
		switch note.Key[0] {
		case 'l':
			if err := l.put(ctx, storage.NoteEntryOf(note)); err != nil {
				return err
			}
		case 'c', 'n', 'p', 's':
			w := way{n: uint32(len(l.ways))}
			if copy(w.row[:17], note.Key)+copy(w.row[17:], note.Value) != len(note.Key)+len(note.Value) {
				return fmt.Errorf("a row of %d and %d bytes", len(note.Key), len(note.Value))
			}
			l.ways = append(l.ways, w)
		default:
			l.rows[string(note.Key)] = note.Value
		}
	}
	return nil
}

// end stores what was kept.
func (l *ledger) end(ctx context.Context) error {
	slices.SortFunc(l.ways, func(a, b way) int {
		if order := bytes.Compare(a.row[:17], b.row[:17]); order != 0 {
			return order
		}
		return int(a.n) - int(b.n)
	})
	for i := range l.ways {
		if i+1 < len(l.ways) && bytes.Equal(l.ways[i].row[:17], l.ways[i+1].row[:17]) {
			continue
		}
		row := l.ways[i].row[:]
		if err := l.put(ctx, storage.NoteEntryOf(&storage.Note{Key: row[:17], Value: row[17:]})); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(l.rows)) {
		if err := l.put(ctx, storage.NoteEntryOf(&storage.Note{Key: []byte(key), Value: l.rows[key]})); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) AuditEvents(context.Context, time.Time, time.Time, int) ([]storage.AuditEvent, error) {
	return nil, errors.ErrUnsupported
}

func (l *ledger) AuditEventsOf(context.Context, storage.Reference, time.Time, time.Time, int) ([]storage.AuditEvent, error) {
	return nil, errors.ErrUnsupported
}

func (l *ledger) Login(context.Context, string, time.Time) (*storage.Login, error) {
	return nil, errors.ErrUnsupported
}

// fillable is a store that can be filled.
type fillable interface {
	storage.Store
	storage.Target
}

// openFile opens a new store file, and returns with it what closes it and tells what lies in the file, by bucket.
func openFile(t testing.TB, path string) (store fillable, rows func() map[string][]string) {
	t.Helper()
	file, err := bolt.Open(path, storagetest.FixedSealer("scale"), bolt.Options{Unfinished: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file, func() map[string][]string {
		t.Helper()
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		db, err := bbolt.Open(path, 0, &bbolt.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		found := map[string][]string{}
		db.View(func(tx *bbolt.Tx) error {
			return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
				return b.ForEach(func(key, value []byte) error {
					if string(name) != "meta" { // which has the name of the store
						found[string(name)] = append(found[string(name)], fmt.Sprintf("%q %q", key, value))
					}
					return nil
				})
			})
		})
		return found
	}
}

// openDatabase opens a database, and returns with it what tells what lies in its tables.
func openDatabase(t testing.TB, dsn string) (store fillable, rows func() map[string][]string) {
	t.Helper()
	db, err := postgres.Open(t.Context(), dsn, storagetest.FixedSealer("scale"), postgres.Options{Unfinished: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, func() map[string][]string {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		found := map[string][]string{}
		for _, table := range []string{"audit_events", "notes"} {
			rows, _ := conn.Query(t.Context(), "SELECT t::text FROM "+table+" t ORDER BY t")
			if found[table], err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
				t.Fatal(err)
			}
		}
		return found
	}
}

// TestFill: a store that is filled for the benchmark is, row by row, as one that a server fills in its steps.
func TestFill(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	log := newScaled(3000, now)
	for name, open := range map[string]func() (fillable, func() map[string][]string){
		"bolt": func() (fillable, func() map[string][]string) {
			return openFile(t, filepath.Join(t.TempDir(), "brygga.db"))
		},
		"postgres": func() (fillable, func() map[string][]string) { return openDatabase(t, pgtest.Database(t)) },
	} {
		filled, filledRows := open()
		if err := log.fill(t.Context(), filled, now); err != nil {
			t.Fatal(err)
		}
		stepped, steppedRows := open()
		log.step(t, stepped, now)
		got, want := filledRows(), steppedRows()
		for table := range want {
			if !slices.Equal(got[table], want[table]) {
				t.Errorf("%s, %s: %d rows, want %d, or others", name, table, len(got[table]), len(want[table]))
			}
		}
		if len(got) != len(want) || len(want) == 0 {
			t.Errorf("%s: rows in %d tables, want %d", name, len(got), len(want))
		}
	}
}

// step fills the store as a server does.
func (s *scaled) step(t *testing.T, store fillable, now time.Time) {
	t.Helper()
	const some = 128
	for i := 0; i < s.n; i += some {
		var events []storage.AuditEvent
		for j := i; j < min(i+some, s.n); j++ {
			events = append(events, s.event(j))
		}
		if err := store.AppendAudit(t.Context(), events...); err != nil {
			t.Fatal(err)
		}
	}
	book, err := logins.New(logins.Options{Store: store, Log: s, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for more := true; more; {
		if more, err = book.Advance(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
