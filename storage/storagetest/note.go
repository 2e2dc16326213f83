package storagetest

import (
	"slices"
	"strings"

	"brygga/storage"
)

// notes returns notes of the keys and values.
func notes(pairs ...string) (all []storage.Note) {
	for pair := range slices.Chunk(pairs, 2) {
		all = append(all, storage.Note{Key: []byte(pair[0]), Value: []byte(pair[1])})
	}
	return all
}

// turn returns a change that puts notes when the turn is before, "" for none.
func turn(before, after string, put ...storage.Note) storage.NoteChange {
	change := storage.NoteChange{Turn: []byte("turn"), After: []byte(after), Put: put}
	if before != "" {
		change.Before = []byte(before)
	}
	return change
}

// noted returns the keys and values of the notes between the keys, as text.
func (f *fixture) noted(from, to string, limit int, backwards bool) string {
	f.Helper()
	found, err := f.Store.Notes(f.Context(), []byte(from), []byte(to), limit, backwards)
	f.ok(err)
	return textOf(found)
}

func textOf(found []storage.Note) string {
	var all []string
	for _, note := range found {
		all = append(all, string(note.Key)+"="+string(note.Value))
	}
	return strings.Join(all, " ")
}

var noteTests = map[string]func(*fixture){
	"notes come in the order of their keys, and against it": func(f *fixture) {
		f.ok(f.Store.WriteNotes(f.Context(), turn("", "1", notes("b", "two", "a", "one", "d", "", "c\x00\xff", "three")...)))
		for range 2 {
			f.same(f.noted("a", "e", 10, false), "a=one b=two c\x00\xff=three d=")
			f.same(f.noted("a", "e", 2, false), "a=one b=two")
			f.same(f.noted("a", "e", 2, true), "d= c\x00\xff=three")
			f.same(f.noted("b", "d", 10, true), "c\x00\xff=three b=two")
			f.same(f.noted("b", "b\x00", 10, false), "b=two")
			f.same(f.noted("b", "\xff", 10, true), "turn=1 d= c\x00\xff=three b=two")
			f.same(f.noted("x", "z", 10, true)+f.noted("x", "z", 10, false)+f.noted("c", "b", 10, true)+f.noted("a", "e", 0, false), "")
			f.restart()
		}
		found, err := f.Store.NotesAt(f.Context(), []byte("d"), []byte("nothing"), []byte("a"))
		f.ok(err)
		slices.SortFunc(found, func(a, b storage.Note) int { return strings.Compare(string(a.Key), string(b.Key)) })
		f.same(textOf(found), "a=one d=")
		found, err = f.Store.NotesAt(f.Context())
		f.ok(err)
		f.same(len(found), 0)
	},
	"notes are replaced and removed": func(f *fixture) {
		f.ok(f.Store.WriteNotes(f.Context(), turn("", "1", notes("a", "one", "b", "two")...)))
		change := turn("1", "2", notes("a", "other")...)
		change.Remove = [][]byte{[]byte("b"), []byte("nothing")}
		f.ok(f.Store.WriteNotes(f.Context(), change))
		f.same(f.noted("a", "z", 10, false), "a=other turn=2")
	},
	"who comes when it is not its turn changes nothing": func(f *fixture) {
		stale := func(before string) storage.NoteChange {
			change := turn(before, "3", notes("a", "stale")...)
			change.Events = []storage.AuditEvent{newEvent("e", 1)}
			change.Mail = []storage.Mail{newMail("m", 1)}
			return change
		}
		f.is(f.Store.WriteNotes(f.Context(), stale("1")), storage.ErrConflict)
		f.ok(f.Store.WriteNotes(f.Context(), turn("", "1", notes("a", "one")...)))
		f.ok(f.Store.WriteNotes(f.Context(), turn("1", "2", notes("a", "two")...)))
		f.is(f.Store.WriteNotes(f.Context(), stale("1")), storage.ErrConflict)
		f.is(f.Store.WriteNotes(f.Context(), stale("")), storage.ErrConflict)
		f.same(f.noted("a", "z", 10, false), "a=two turn=2")
		f.same(f.pendingMail(), 0)
		f.ok(f.Store.AppendAudit(f.Context(), newEvent("e", 1)))
	},
	"events and mail are stored with the notes": func(f *fixture) {
		change := turn("", "1")
		change.Events = []storage.AuditEvent{newEvent("e", 1)}
		change.Mail = []storage.Mail{newMail("m1", 1), newMail("m2", 1)}
		f.ok(f.Store.WriteNotes(f.Context(), change))
		f.same(f.pendingMail(), 2)
		f.is(f.Store.AppendAudit(f.Context(), newEvent("e", 1)), storage.ErrExists)
		change.Before, change.After = []byte("1"), []byte("2")
		f.is(f.Store.WriteNotes(f.Context(), change), storage.ErrExists) // the event is there
		f.same(f.noted("a", "z", 10, false), "turn=1")
	},
	"of those who take a turn at once one does": func(f *fixture) {
		before := ""
		for round := range 4 {
			won := f.race(racers, func(i int) error {
				return f.Store.WriteNotes(f.Context(), turn(before, name(name("round", round), i), notes("a", name("by", i))...))
			}, storage.ErrConflict)
			f.same(won, 1)
			found, err := f.Store.NotesAt(f.Context(), []byte("turn"))
			f.ok(err)
			before = string(found[0].Value)
			f.same(f.noted("a", "b", 1, false), "a=by"+before[strings.LastIndexByte(before, '-'):])
		}
	},
}

func (f *fixture) pendingMail() int {
	f.Helper()
	n, err := f.Store.PendingMail(f.Context())
	f.ok(err)
	return n
}
