package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"brygga/storage"
)

// treeKey is the key of the tree itself among its tiles, behind them all.
var treeKey = []byte{0xFF}

// AuditTree returns the tree over the audit events as it stands; see storage.AuditLog.
func (s *Store) AuditTree(context.Context) (tree storage.AuditTree, err error) {
	err = s.view(func(t *tx) error {
		tree, err = t.tree()
		return err
	})
	return tree, err
}

func (t *tx) tree() (tree storage.AuditTree, err error) {
	if row := t.get(treeBucket, treeKey); row != nil {
		if err := json.Unmarshal(row, &tree); err != nil {
			return tree, fmt.Errorf("decode audit tree: %w", err)
		}
	}
	return tree, nil
}

func (t *tx) putTree(tree storage.AuditTree) error {
	row, err := json.Marshal(tree)
	if err != nil {
		return fmt.Errorf("encode audit tree: %w", err)
	}
	return t.put(treeBucket, treeKey, row)
}

func (t *tx) putTile(tile *storage.AuditTile) error {
	return t.put(treeBucket, storage.AuditTileKey(tile.Level, tile.Index), storage.EncodeAuditTile(tile))
}

// AuditTiles returns at most limit tiles of a level in order; see storage.AuditLog.
func (s *Store) AuditTiles(_ context.Context, level int, from int64, limit int) (tiles []storage.AuditTile, err error) {
	err = s.view(func(t *tx) error {
		cursor := t.bucket(treeBucket).Cursor()
		for key, row := cursor.Seek(storage.AuditTileKey(level, from)); key != nil && len(tiles) < limit && key[0] == byte(level); key, row = cursor.Next() {
			row, err := plain(treeBucket, key, row)
			if err != nil {
				return err
			}
			tile, err := storage.DecodeAuditTile(key, row)
			if err != nil {
				return err
			}
			tiles = append(tiles, *tile)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tiles, nil
}

// GrowAuditTree replaces the tree if it has that size; see storage.AuditLog.
func (s *Store) GrowAuditTree(ctx context.Context, size int64, tree storage.AuditTree, tiles []storage.AuditTile) error {
	return s.update(ctx, func(t *tx) error {
		stored, err := t.tree()
		if err != nil {
			return err
		}
		if stored.Size != size {
			return storage.ErrConflict
		}
		for i := range tiles {
			if err := t.putTile(&tiles[i]); err != nil {
				return err
			}
		}
		return t.putTree(tree)
	})
}

// treeEntry returns the entry of the tree itself, and none for its tiles.
func (s *Store) treeEntry(t *tx, key, _ []byte) (storage.Entry, error) {
	if len(key) != len(treeKey) {
		return storage.Entry{}, errGone
	}
	tree, err := t.tree()
	return storage.Entry{Kind: storage.TreeEntry, Record: &tree}, err
}

// tileEntry returns the entry of a tile, and none for the tree itself.
func (s *Store) tileEntry(_ *tx, key, row []byte) (storage.Entry, error) {
	if len(key) == len(treeKey) {
		return storage.Entry{}, errGone
	}
	tile, err := storage.DecodeAuditTile(key, row)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.AuditTileEntryOf(tile), nil
}

// treeRow checks a tile, and with the tree itself all that its root follows from.
func (c *checker) treeRow(key, row []byte) error {
	tree, err := c.tree()
	if err != nil {
		return errUnread
	}
	if bytes.Equal(key, treeKey) {
		if err := tree.Check(0, c.readTiles); err != nil {
			return errors.New("its root does not follow from the hashes")
		}
		return nil
	}
	tile, err := storage.DecodeAuditTile(key, row)
	if err != nil {
		return errUnread
	}
	if width := tree.TileWidth(tile.Level, tile.Index); width*32 != len(tile.Hashes) {
		return fmt.Errorf("has %d hashes where the tree has %d", len(tile.Hashes)/32, width)
	}
	return nil
}

// readTiles returns the hashes of tiles.
func (c *checker) readTiles(tiles []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(tiles))
	for i, at := range tiles {
		key := storage.AuditTileKey(at.L, at.N)
		tile, err := storage.DecodeAuditTile(key, c.get(treeBucket, key))
		if err != nil || len(tile.Hashes) < 32*at.W {
			return nil, errNoRecord
		}
		all[i] = tile.Hashes[:32*at.W]
	}
	return all, nil
}
