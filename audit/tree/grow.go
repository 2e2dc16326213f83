package tree

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"brygga/storage"
)

// An event has its time before the step that stores it, which may be tried again for a while, and by one of several processes whose clocks
// differ. So events become leaves when they have settled, and each look for new ones begins before the last leaf: how long before, depends.
// What comes later still, Check finds.
const (
	settled   = 2 * time.Second
	shortLook = 3 * time.Second
	longLook  = time.Minute
	longEvery = time.Minute
	// repairEvery is how often the events of the last day are compared with the leaves.
	repairEvery = 24 * time.Hour
	maxLeaves   = 4096 // in one step
	restOthers  = 30 * time.Second
)

// grower is what the one who grows the tree knows of it.
type grower struct {
	loaded bool
	tree   storage.AuditTree
	edge   storage.AuditTile // the last tile of level 0, if it is not full
	// recent are the leaves whose events a look may find again, with their times; last is the latest of all times.
	recent map[tlog.Hash]time.Time
	last   time.Time
	// looked is when the last long look was, repaired when the last repair; rest is until when another process is left to it.
	looked, repaired, rest time.Time
}

// Grow makes leaves of the events that are none yet, and returns how many. It is called every few seconds, by each process of an
// installation: of several, one does it, and another goes on when that one has not for as long as Options.Rest. It returns ErrTampered when the stored
// tree is not what was signed; it then grows no further.
func (t *Tree) Grow(ctx context.Context) (added int, err error) {
	if t.now().Before(t.rest) {
		return 0, nil
	}
	tree, err := t.stored(ctx)
	if err != nil {
		return 0, err
	}
	switch {
	case !t.loaded:
		err = t.load(ctx, tree)
	case tree.Size != t.tree.Size: // somebody else is at it
		t.rest = t.now().Add(t.pause)
		return 0, t.load(ctx, tree)
	}
	if err == nil {
		added, err = t.look(ctx)
	}
	if err == nil && t.now().Sub(t.repaired) >= repairEvery {
		var late int
		late, err = t.repair(ctx)
		added += late
	}
	if errors.Is(err, storage.ErrConflict) {
		t.loaded, t.rest = false, t.now().Add(t.pause)
		return added, nil
	}
	return added, err
}

// load learns the leaves that a look may find again.
func (t *Tree) load(ctx context.Context, tree storage.AuditTree) error {
	t.grower = grower{tree: tree, recent: map[tlog.Hash]time.Time{}, rest: t.rest, repaired: t.repaired}
	if t.repaired.IsZero() {
		t.repaired = t.now()
	}
	for index := (tree.Size - 1) / storage.TileHashes; index >= 0 && tree.Size > 0; index-- {
		tiles, err := t.store.AuditTiles(ctx, 0, index, 1)
		if err != nil {
			return fmt.Errorf("read the audit tree: %w", err)
		}
		if len(tiles) == 0 || tiles[0].Index != index {
			return fmt.Errorf("%w: tile %d of level 0 is missing", ErrTampered, index)
		}
		tile := tiles[0]
		if tile.To.After(t.last) {
			t.last = tile.To
		}
		if tile.To.Before(t.last.Add(-2 * longLook)) {
			break
		}
		for _, hash := range hashesOf(&tile) {
			t.recent[hash] = tile.To
		}
		if len(tile.Hashes) < storage.TileHashes*tlog.HashSize {
			t.edge = tile
		}
	}
	t.loaded = true
	return nil
}

// hashesOf returns the hashes of a tile.
func hashesOf(tile *storage.AuditTile) []tlog.Hash {
	all := make([]tlog.Hash, len(tile.Hashes)/tlog.HashSize)
	for i := range all {
		all[i] = tlog.Hash(tile.Hashes[i*tlog.HashSize:])
	}
	return all
}

// leaf is an event that becomes one.
type leaf struct {
	hash          tlog.Hash
	time, expires time.Time
}

// errEnough ends a look.
var errEnough = errors.New("enough")

// look finds events that are no leaves yet and makes leaves of them.
func (t *Tree) look(ctx context.Context) (added int, err error) {
	now := t.now()
	from := t.last.Add(-shortLook)
	long := now.Sub(t.looked) >= longEvery
	if long {
		from = t.last.Add(-longLook)
	}
	for {
		var fresh []leaf
		seen := map[tlog.Hash]bool{}
		err := t.events(ctx, from, now.Add(-settled), func(hash tlog.Hash, event *storage.AuditEvent, _ []byte) error {
			if _, known := t.recent[hash]; known || seen[hash] {
				return nil
			}
			seen[hash] = true
			fresh = append(fresh, leaf{hash, event.Time, event.Expires})
			if len(fresh) == maxLeaves {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return added, err
		}
		if len(fresh) > 0 {
			if err := t.append(ctx, fresh); err != nil {
				return added, err
			}
			added += len(fresh)
		}
		if len(fresh) < maxLeaves {
			break
		}
		from = fresh[maxLeaves-1].time // all before were looked at
	}
	if long {
		t.looked = now
		t.forget()
	}
	return added, nil
}

// forget lets go of leaves that no look finds again.
func (t *Tree) forget() {
	for hash, at := range t.recent {
		if at.Before(t.last.Add(-2 * longLook)) {
			delete(t.recent, hash)
		}
	}
}

// append puts leaves at the end of the tree, in one step of the store.
func (t *Tree) append(ctx context.Context, leaves []leaf) error {
	before := t.tree.Size
	after := before + int64(len(leaves))
	hashes, err := t.hashes(ctx, leaves)
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(after, hashes)
	if err != nil {
		return fmt.Errorf("grow the audit tree: %w", err)
	}
	tree, err := t.key.sign(after, root)
	if err != nil {
		return err
	}
	var tiles []storage.AuditTile
	for _, at := range tlog.NewTiles(storage.TileHeight, before, after) {
		data, err := tlog.ReadTileData(at, hashes)
		if err != nil {
			return fmt.Errorf("grow the audit tree: %w", err)
		}
		tile := storage.AuditTile{Level: at.L, Index: at.N, Hashes: data}
		if at.L == 0 {
			t.date(&tile, before, leaves)
		}
		tiles = append(tiles, tile)
	}
	if err := t.store.GrowAuditTree(ctx, before, tree, tiles); err != nil {
		return fmt.Errorf("grow the audit tree: %w", err)
	}
	t.grown(tree, tiles, leaves)
	return nil
}

// hashes returns a reader of the tree's hashes and of those that the leaves add to them.
func (t *Tree) hashes(ctx context.Context, leaves []leaf) (tlog.HashReader, error) {
	var old tlog.HashReader
	if t.tree.Size > 0 {
		var err error
		if old, err = t.tree.Hashes(t.readTiles(ctx)); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTampered, err)
		}
	}
	end := tlog.StoredHashIndex(0, t.tree.Size)
	var fresh []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		all := make([]tlog.Hash, len(indexes))
		var stored []int64
		for i, index := range indexes {
			if index < end {
				stored = append(stored, index)
			} else {
				all[i] = fresh[index-end]
			}
		}
		if len(stored) == 0 {
			return all, nil
		}
		read, err := old.ReadHashes(stored)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTampered, err)
		}
		for i, index := range indexes {
			if index < end {
				all[i], read = read[0], read[1:]
			}
		}
		return all, nil
	})
	for i, leaf := range leaves {
		more, err := tlog.StoredHashesForRecordHash(t.tree.Size+int64(i), leaf.hash, reader)
		if err != nil {
			return nil, fmt.Errorf("grow the audit tree: %w", err)
		}
		fresh = append(fresh, more...)
	}
	return reader, nil
}

// date sets the times of a tile of level 0 from the leaves, which begin at that index, and from what the tile was before.
func (t *Tree) date(tile *storage.AuditTile, first int64, leaves []leaf) {
	begin := tile.Index * storage.TileHashes
	if t.edge.Hashes != nil && t.edge.Index == tile.Index {
		tile.From, tile.To, tile.Expires = t.edge.From, t.edge.To, t.edge.Expires
	}
	for i := max(0, begin-first); i < min(int64(len(leaves)), begin+storage.TileHashes-first); i++ {
		leaf := leaves[i]
		if tile.From.IsZero() || leaf.time.Before(tile.From) {
			tile.From = leaf.time
		}
		if leaf.time.After(tile.To) {
			tile.To = leaf.time
		}
		if tile.Expires.IsZero() || leaf.expires.Before(tile.Expires) {
			tile.Expires = leaf.expires
		}
	}
}

// grown remembers the tree as it is stored now.
func (t *Tree) grown(tree storage.AuditTree, tiles []storage.AuditTile, leaves []leaf) {
	t.tree, t.edge = tree, storage.AuditTile{}
	for _, tile := range tiles {
		if tile.Level == 0 && len(tile.Hashes) < storage.TileHashes*tlog.HashSize {
			t.edge = tile
		}
	}
	for _, leaf := range leaves {
		t.recent[leaf.hash] = leaf.time
		if leaf.time.After(t.last) {
			t.last = leaf.time
		}
	}
}
