package tree

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"brygga/storage"
)

// log is an audit log in memory, into which a test can reach.
type log struct {
	mu    sync.Mutex
	all   []storage.AuditEvent
	tree  storage.AuditTree
	tiles map[string]storage.AuditTile
	read  int // events, by AuditEvents
}

func (l *log) AppendAudit(_ context.Context, events ...storage.AuditEvent) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, events...)
	slices.SortFunc(l.all, func(a, b storage.AuditEvent) int {
		return bytes.Compare(storage.AuditKey(a.Time, a.ID), storage.AuditKey(b.Time, b.ID))
	})
	return nil
}

func (l *log) AuditEvents(_ context.Context, from, to time.Time, limit int) (found []storage.AuditEvent, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.all {
		if !e.Time.Before(from) && e.Time.Before(to) && len(found) < limit {
			found = append(found, e)
		}
	}
	l.read += len(found)
	return found, nil
}

func (l *log) AuditEventsOf(ctx context.Context, reference storage.Reference, from, to time.Time, limit int) ([]storage.AuditEvent, error) {
	found, err := l.AuditEvents(ctx, from, to, len(l.all))
	found = slices.DeleteFunc(found, func(e storage.AuditEvent) bool { return e.Reference != reference })
	return found[:min(limit, len(found))], err
}

func (l *log) AuditTree(context.Context) (storage.AuditTree, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tree, nil
}

func (l *log) AuditTiles(_ context.Context, level int, from int64, limit int) (tiles []storage.AuditTile, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for index := from; len(tiles) < limit; index++ {
		tile, ok := l.tiles[string(storage.AuditTileKey(level, index))]
		if !ok {
			break
		}
		tiles = append(tiles, tile)
	}
	return tiles, nil
}

func (l *log) GrowAuditTree(_ context.Context, size int64, tree storage.AuditTree, tiles []storage.AuditTile) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tree.Size != size {
		return storage.ErrConflict
	}
	l.tree = tree
	for _, tile := range tiles {
		l.tiles[string(storage.AuditTileKey(tile.Level, tile.Index))] = tile
	}
	return nil
}

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture is a log with a tree, at a time that the test sets.
type fixture struct {
	*testing.T
	*log
	key *Key
	at  time.Duration // since the epoch
	n   int
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	text, err := NewKey("https://login.example.se")
	if err != nil {
		t.Fatal(err)
	}
	key, err := ReadKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{T: t, log: &log{tiles: map[string]storage.AuditTile{}}, key: key}
}

func (f *fixture) open() *Tree {
	f.Helper()
	tree, err := New(Options{Store: f.log, Key: f.key, Now: func() time.Time { return epoch.Add(f.at) }})
	if err != nil {
		f.Fatal(err)
	}
	return tree
}

// happen stores n events a millisecond apart from the time on, which expire after a day.
func (f *fixture) happen(n int, from time.Duration) {
	f.Helper()
	events := make([]storage.AuditEvent, n)
	for i := range events {
		f.n++
		at := epoch.Add(from + time.Duration(i)*time.Millisecond)
		events[i] = storage.AuditEvent{
			ID: fmt.Sprintf("e%06d", f.n), Time: at, Type: "WEB_100001", Reference: storage.Reference(fmt.Sprint("R", f.n%7)),
			Fields: map[string]string{"CLIENT_ID": "app", "MESSAGE": "å <b>"}, Expires: at.Add(24 * time.Hour),
		}
	}
	if err := f.AppendAudit(f.Context(), events...); err != nil {
		f.Fatal(err)
	}
}

// grow lets the tree grow at that time and says by how much.
func (f *fixture) grow(t *Tree, at time.Duration) int {
	f.Helper()
	f.at = at
	n, err := t.Grow(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	return n
}

func (f *fixture) export(t *Tree, since time.Duration) []byte {
	f.Helper()
	var out bytes.Buffer
	if _, err := t.Export(f.Context(), &out, epoch.Add(since)); err != nil {
		f.Fatal(err)
	}
	return out.Bytes()
}
