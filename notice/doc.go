// Package notice tells people of what concerns them all: a banner on the login page, and alarms to those who run the service.
//
// What operators set, and which alarms stand, are notes in the store, so that every process knows the same and one of them alone sends. It must not
// know who may set what (package admin does), HTTP or HTML.
package notice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"brygga/storage"
)

// Store is what the package keeps its notes in.
type Store interface {
	NotesAt(ctx context.Context, keys ...[]byte) ([]storage.Note, error)
	WriteNotes(ctx context.Context, change storage.NoteChange) error
}

// The keys of the notes.
var (
	bannerNote = []byte("b")
	rulesNote  = []byte("a")
	stateNote  = []byte("A")
)

// read reads a note into to, which stays as it is when there is none, and returns it as stored.
func read(ctx context.Context, store Store, key []byte, to any) (stored []byte, err error) {
	found, err := store.NotesAt(ctx, key)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	if err := json.Unmarshal(found[0].Value, to); err != nil {
		return nil, fmt.Errorf("read note %s: %w", key, err)
	}
	return found[0].Value, nil
}

// Problem is what is wrong with what an operator wants to set, in the words of a field.
type Problem struct {
	// Field is the member's name, Problem what is wrong, in English.
	Field, Problem string
}

// Problems are several.
type Problems []Problem

// Error says the first.
func (p Problems) Error() string { return "notice: " + p[0].Field + " " + p[0].Problem }

func (p *Problems) add(field, problem string) { *p = append(*p, Problem{field, problem}) }

func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// ErrConflict means that somebody else has changed it meanwhile.
var ErrConflict = errors.New("notice: changed by somebody else meanwhile")
