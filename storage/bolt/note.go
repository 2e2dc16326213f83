package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"brygga/storage"
)

// firstNote returns where Notes begins, and what leads on from there.
func firstNote(cursor *bbolt.Cursor, from, to []byte, backwards bool) (key, row []byte, next func() (key, row []byte)) {
	if !backwards {
		key, row = cursor.Seek(from)
		return key, row, cursor.Next
	}
	if beyond, _ := cursor.Seek(to); beyond == nil {
		key, row = cursor.Last()
	} else {
		key, row = cursor.Prev()
	}
	return key, row, cursor.Prev
}

// Notes returns notes in the order of their keys, or against it; see storage.Notes.
func (s *Store) Notes(_ context.Context, from, to []byte, limit int, backwards bool) (found []storage.Note, err error) {
	err = s.view(func(t *tx) error {
		cursor := t.bucket(notesBucket).Cursor()
		key, row, next := firstNote(cursor, from, to, backwards)
		for ; key != nil && len(found) < limit && bytes.Compare(key, from) >= 0 && bytes.Compare(key, to) < 0; key, row = next() {
			note, err := noteOf(key, row)
			if err != nil {
				return err
			}
			found = append(found, *note)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// noteOf returns the note of a row of the bucket.
func noteOf(key, row []byte) (*storage.Note, error) {
	value, err := plain(notesBucket, key, row)
	return &storage.Note{Key: bytes.Clone(key), Value: bytes.Clone(value)}, err
}

// NotesAt returns the notes of those keys that are there; see storage.Notes.
func (s *Store) NotesAt(_ context.Context, keys ...[]byte) (found []storage.Note, err error) {
	err = s.view(func(t *tx) error {
		for _, key := range keys {
			if value := t.get(notesBucket, key); value != nil {
				found = append(found, storage.Note{Key: bytes.Clone(key), Value: bytes.Clone(value)})
			}
		}
		return t.damaged
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// WriteNotes does all that the change says, or nothing; see storage.Notes.
func (s *Store) WriteNotes(ctx context.Context, change storage.NoteChange) error {
	if len(change.Turn) == 0 || change.After == nil {
		return errors.New("write notes: no turn")
	}
	return s.updateAnd(ctx, change.Events, func(t *tx) error {
		stored := t.get(notesBucket, change.Turn)
		if (stored == nil) != (change.Before == nil) || !bytes.Equal(stored, change.Before) {
			return storage.ErrConflict
		}
		if err := t.put(notesBucket, change.Turn, change.After); err != nil {
			return err
		}
		for _, note := range change.Put {
			if err := t.put(notesBucket, note.Key, note.Value); err != nil {
				return fmt.Errorf("write note: %w", err)
			}
		}
		for _, key := range change.Remove {
			if err := t.remove(notesBucket, key); err != nil {
				return fmt.Errorf("remove note: %w", err)
			}
		}
		for i := range change.Mail {
			if err := s.putNewMail(t, &change.Mail[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) noteEntry(_ *tx, key, row []byte) (storage.Entry, error) {
	return storage.NoteEntryOf(&storage.Note{Key: bytes.Clone(key), Value: bytes.Clone(row)}), nil
}
