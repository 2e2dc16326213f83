package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// Notes returns notes in the order of their keys, or against it; see storage.Notes.
func (s *Store) Notes(ctx context.Context, from, to []byte, limit int, backwards bool) ([]storage.Note, error) {
	order := ""
	if backwards {
		order = " DESC"
	}
	return s.notes(ctx, `SELECT key, body FROM notes WHERE key >= $1 AND key < $2 ORDER BY key`+order+` LIMIT $3`, orEmpty(from), orEmpty(to), max(limit, 0))
}

// NotesAt returns the notes of those keys that are there; see storage.Notes.
func (s *Store) NotesAt(ctx context.Context, keys ...[]byte) ([]storage.Note, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return s.notes(ctx, `SELECT key, body FROM notes WHERE key = ANY($1::bytea[])`, keys)
}

func (s *Store) notes(ctx context.Context, query string, arguments ...any) (found []storage.Note, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		rows, err := db.Query(ctx, query, arguments...)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[storage.Note])
		return err
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found, nil
}

// orEmpty returns the bytes, and none in place of nil: no column of notes may be null.
func orEmpty(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return value
}

// WriteNotes does all that the change says, or nothing; see storage.Notes. That it was done already, when the answer of the database was lost,
// it knows by what Turn is.
func (s *Store) WriteNotes(ctx context.Context, change storage.NoteChange) error {
	if len(change.Turn) == 0 || change.After == nil {
		return errors.New("write notes: no turn")
	}
	told, err := eventRows(change.Events)
	if err != nil {
		return err
	}
	batch := new(pgx.Batch)
	for i := range change.Mail {
		if err := s.queueMail(batch, &change.Mail[i]); err != nil {
			return err
		}
	}
	queueNotes(batch, change.Put)
	if len(change.Remove) > 0 {
		batch.Queue(`DELETE FROM notes WHERE key = ANY($1::bytea[])`, change.Remove)
	}
	tried := false
	err = s.transact(ctx, func(ctx context.Context, db executor) error {
		again := tried
		tried = true
		if err := takeTurn(ctx, db, change, again); err != nil {
			return err
		}
		if err := told.store(ctx, db); err != nil {
			return err
		}
		return db.SendBatch(ctx, batch).Close()
	})
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}

// queueNotes queues what writes the notes, over what they were.
func queueNotes(batch *pgx.Batch, notes []storage.Note) {
	if len(notes) == 0 {
		return
	}
	keys, bodies := make([][]byte, len(notes)), make([][]byte, len(notes))
	for i, note := range notes {
		keys[i], bodies[i] = note.Key, orEmpty(note.Value)
	}
	batch.Queue(`INSERT INTO notes (key, body) SELECT n.key, n.body FROM unnest($1::bytea[], $2::bytea[]) AS n (key, body)
		ON CONFLICT (key) DO UPDATE SET body = excluded.body`, keys, bodies)
}

// errDone means that the step was done by a try whose outcome was lost.
var errDone = errors.New("done before")

// takeTurn makes the turn what it is after the change. It returns storage.ErrConflict when it is not what it was before, and errDone when an earlier
// try has done so.
func takeTurn(ctx context.Context, db executor, change storage.NoteChange, again bool) error {
	var ours bool
	err := db.QueryRow(ctx, `
		WITH made AS (
			INSERT INTO notes (key, body) SELECT $1::bytea, $3::bytea WHERE $2::bytea IS NULL ON CONFLICT (key) DO NOTHING RETURNING true
		), changed AS (
			UPDATE notes SET body = $3 WHERE key = $1 AND body = $2 RETURNING true
		)
		SELECT EXISTS (SELECT 1 FROM made) OR EXISTS (SELECT 1 FROM changed)`, change.Turn, change.Before, change.After).Scan(&ours)
	if err != nil || ours {
		return err
	}
	if again {
		err := db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM notes WHERE key = $1 AND body = $2)`, change.Turn, change.After).Scan(&ours)
		if err != nil {
			return err
		}
		if ours {
			return errDone
		}
	}
	return storage.ErrConflict
}

func (s *Store) noteEntry(row pgx.Rows) (storage.Entry, error) {
	var note storage.Note
	if err := row.Scan(&note.Key, &note.Value); err != nil {
		return storage.Entry{}, err
	}
	return storage.NoteEntryOf(&note), nil
}
