package tree

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"brygga/storage"
)

// Leaf is an event in its place in the tree.
type Leaf struct {
	// Index is its place, from 0 on.
	Index int64
	// Event is the event, and Text the line of JSON that is hashed.
	Event storage.AuditEvent
	Text  []byte
}

// Leaves are events that follow each other in the tree.
type Leaves struct {
	// Events are those of which there is more than the hash, in order.
	Events []Leaf
	// Skipped is how many between them have only their hash left.
	Skipped int64
	// Next is the index behind the last leaf that was looked at, and Size how many leaves there are.
	Next, Size int64
}

// Follow returns the events from the index on, at most limit leaves and none beyond a tile, so that whoever wants all calls it again from
// Next until that is Size. It returns none when the index is Size, and ErrTampered when there are fewer leaves than that.
func (t *Tree) Follow(ctx context.Context, from int64, limit int) (found Leaves, err error) {
	tree, err := t.stored(ctx)
	if err != nil {
		return found, err
	}
	found.Next, found.Size = from, tree.Size
	if from < 0 || from > tree.Size {
		return found, fmt.Errorf("%w: it has %d events and had %d", ErrTampered, tree.Size, from)
	}
	if from == tree.Size || limit <= 0 {
		return found, nil
	}
	index := from / storage.TileHashes
	hashes, texts, err := t.tileTexts(ctx, tree, index)
	if err != nil {
		return found, err
	}
	hashes = hashes[from-index*storage.TileHashes:]
	for _, hash := range hashes[:min(limit, len(hashes))] {
		if leaf := texts[hash]; leaf.text == nil {
			found.Skipped++
		} else {
			found.Events = append(found.Events, Leaf{found.Next, leaf.event, leaf.text})
		}
		found.Next++
	}
	return found, nil
}

// eventText is an event with its text, which is nil when only the hash is left.
type eventText struct {
	event storage.AuditEvent
	text  []byte
}

// tileTexts returns the leaves of a tile, and the events of those of which there is more than the hash.
func (t *Tree) tileTexts(ctx context.Context, tree storage.AuditTree, index int64) ([]tlog.Hash, map[tlog.Hash]eventText, error) {
	tiles, err := t.store.AuditTiles(ctx, 0, index, 1)
	if err != nil {
		return nil, nil, fmt.Errorf("read the audit tree: %w", err)
	}
	width := tree.TileWidth(0, index)
	if len(tiles) == 0 || tiles[0].Index != index || len(tiles[0].Hashes) < width*tlog.HashSize {
		return nil, nil, fmt.Errorf("%w: tile %d of level 0 is missing", ErrTampered, index)
	}
	leaves := hashesOf(&tiles[0])[:width]
	texts := make(map[tlog.Hash]eventText, width)
	for _, leaf := range leaves {
		texts[leaf] = eventText{}
	}
	err = t.events(ctx, tiles[0].From, tiles[0].To, func(hash tlog.Hash, event *storage.AuditEvent, text []byte) error {
		if _, is := texts[hash]; is {
			texts[hash] = eventText{*event, text}
		}
		return nil
	})
	return leaves, texts, err
}
