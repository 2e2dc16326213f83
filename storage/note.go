package storage

import (
	"bytes"
	"context"
)

// Notes keeps small records that the store does not look into: what is worked out of the audit log, and what operators have set. What is in
// them, and which of them belong together, their owners know: packages logins and notice. Keys begin with a byte for each owner.
type Notes interface {
	// Notes returns at most limit notes with keys from inclusive, to exclusive, in the order of their keys, or against it. The notes are
	// the caller's.
	Notes(ctx context.Context, from, to []byte, limit int, backwards bool) ([]Note, error)
	// NotesAt returns the notes of those keys that are there, in no order.
	NotesAt(ctx context.Context, keys ...[]byte) ([]Note, error)
	// WriteNotes does all that the change says, or nothing and returns ErrConflict when Turn is not what it was.
	WriteNotes(ctx context.Context, change NoteChange) error
}

// Note is a key with a value. One whose value is empty may be there all the same.
type Note struct {
	Key   []byte `json:"key"`
	Value []byte `json:"value"`
}

// NoteChange is one step. Of several that begin with the same Before, and go on to different values, exactly one is done.
type NoteChange struct {
	// Turn is the note that says whose turn it is: what it must be Before, nil for not there, and what it is After, which is never nil.
	Turn          []byte
	Before, After []byte
	// Put are written, over what they were; Remove are keys. No key may be named twice, nor be that of Turn.
	Put    []Note
	Remove [][]byte
	Events []AuditEvent
	Mail   []Mail
}

// NoteEntryOf returns the entry of a note.
func NoteEntryOf(note *Note) Entry {
	return Entry{Kind: NoteEntry, Key: bytes.Clone(note.Key), Record: note}
}
