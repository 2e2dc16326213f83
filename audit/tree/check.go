package tree

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"brygga/storage"
)

// Result is what came of checking the log of a store.
type Result struct {
	// Leaves is how many events were signed, and Expired of how many of them only the hash is left, as their retention has ended.
	Leaves, Expired int64
	// Missing is how many events are gone, or are not what was signed, although their retention has not ended.
	Missing int64
	// Late is how many events are no leaves although others of their time are.
	Late int64
	// From and To are the times of the first and the last leaf that is not Expired.
	From, To time.Time
}

// chunk is how many tiles are compared with their events at a time: it bounds the memory that a check takes, at some 100 MB.
const chunk = 4096

// checker compares leaves with events.
type checker struct {
	*Tree
	Result
	// late are events of which no leaf was found yet, and handled is until when events were looked at.
	late    map[tlog.Hash]leaf
	handled time.Time
}

// Check compares the leaves of events since that time with the events, and the root with all hashes it is made of; since the zero time, all. It
// changes nothing and may run beside everything else. It returns ErrTampered when the hashes do not lead to the signed root; that events
// are Missing stands in the result.
func (t *Tree) Check(ctx context.Context, since time.Time) (Result, error) {
	c, err := t.check(ctx, since)
	if err != nil {
		return Result{}, err
	}
	return c.Result, nil
}

func (t *Tree) check(ctx context.Context, since time.Time) (*checker, error) {
	tree, err := t.stored(ctx)
	if err != nil {
		return nil, err
	}
	c := &checker{Tree: t, late: map[tlog.Hash]leaf{}, handled: since}
	if tree.Size == 0 {
		return c, nil
	}
	tiles := (tree.Size-1)/storage.TileHashes + 1
	first, err := t.firstTile(ctx, tiles, since)
	if err != nil {
		return nil, err
	}
	c.Leaves = tree.Size - first*storage.TileHashes
	if err := tree.Check(first*storage.TileHashes, t.readTiles(ctx)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	for index := first; index < tiles; index += chunk {
		tiles, err := t.store.AuditTiles(ctx, 0, index, int(min(chunk, tiles-index)))
		if err != nil {
			return nil, fmt.Errorf("read the audit tree: %w", err)
		}
		if err := c.compare(ctx, tiles); err != nil {
			return nil, err
		}
	}
	for hash, leaf := range c.late {
		if leaf.time.After(c.handled.Add(-longLook)) { // its time comes
			delete(c.late, hash)
		}
	}
	c.Late = int64(len(c.late))
	return c, nil
}

// firstTile returns the index of the first of so many tiles that has an event of that time, or the number when all are from before.
func (t *Tree) firstTile(ctx context.Context, tiles int64, since time.Time) (int64, error) {
	var failed error
	first := sort.Search(int(tiles), func(index int) bool {
		tile, err := t.store.AuditTiles(ctx, 0, int64(index), 1)
		if err != nil || len(tile) == 0 {
			failed = cmp.Or(failed, err, fmt.Errorf("%w: tile %d of level 0 is missing", ErrTampered, index))
			return false
		}
		return !tile[0].To.Before(since)
	})
	return int64(first), failed
}

// compare compares the leaves of some tiles with their events.
func (c *checker) compare(ctx context.Context, tiles []storage.AuditTile) error {
	leaves := map[tlog.Hash]time.Time{} // when the first of their tile may be gone
	var from, to time.Time
	for i := range tiles {
		tile := &tiles[i]
		for _, hash := range hashesOf(tile) {
			if _, late := c.late[hash]; late {
				delete(c.late, hash)
			} else {
				leaves[hash] = tile.Expires
			}
		}
		if from.IsZero() || tile.From.Before(from) {
			from = tile.From
		}
		if tile.To.After(to) {
			to = tile.To
		}
	}
	err := c.events(ctx, from, to, func(hash tlog.Hash, event *storage.AuditEvent, _ []byte) error {
		if _, is := leaves[hash]; is {
			delete(leaves, hash)
			c.stands(event.Time)
		} else if event.Time.After(c.handled) {
			c.late[hash] = leaf{hash, event.Time, event.Expires}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if to.After(c.handled) {
		c.handled = to
	}
	for _, expires := range leaves {
		if c.now().Before(expires) {
			c.Missing++
		} else {
			c.Expired++
		}
	}
	return nil
}

// stands notes the time of an event that is as it was signed.
func (c *checker) stands(at time.Time) {
	if c.From.IsZero() || at.Before(c.From) {
		c.From = at
	}
	if at.After(c.To) {
		c.To = at
	}
}

// repair makes leaves of the events of the last day that were stored too late to be found by a look.
func (t *Tree) repair(ctx context.Context) (added int, err error) {
	c, err := t.check(ctx, t.now().Add(-repairEvery-time.Hour))
	if err != nil {
		return 0, err
	}
	t.repaired = t.now()
	if c.Missing > 0 {
		t.log.ErrorContext(ctx, "audit events are gone, or are not what was signed", "events", c.Missing)
	}
	late := slices.SortedFunc(maps.Values(c.late), func(a, b leaf) int {
		return cmp.Or(a.time.Compare(b.time), bytes.Compare(a.hash[:], b.hash[:]))
	})
	for part := range slices.Chunk(late, maxLeaves) {
		if err := t.append(ctx, part); err != nil {
			return added, err
		}
		added += len(part)
	}
	return added, nil
}
