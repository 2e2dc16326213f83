package storagetest

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"brygga/storage"
)

// newTree returns a tree of so many events, by whose hashes label tells it from others, and all of its tiles.
func newTree(size int64, label string) (storage.AuditTree, []storage.AuditTile) {
	var stored []tlog.Hash
	hashes := tlog.HashReaderFunc(func(indexes []int64) (read []tlog.Hash, err error) {
		for _, i := range indexes {
			read = append(read, stored[i])
		}
		return read, nil
	})
	for n := range size {
		more, err := tlog.StoredHashes(n, []byte(name(label, int(n))), hashes)
		if err != nil {
			panic(err)
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(size, hashes)
	if err != nil {
		panic(err)
	}
	var tiles []storage.AuditTile
	for _, place := range tlog.NewTiles(storage.TileHeight, 0, size) {
		data, err := tlog.ReadTileData(place, hashes)
		if err != nil {
			panic(err)
		}
		tile := storage.AuditTile{Level: place.L, Index: place.N, Hashes: data}
		if place.L == 0 {
			tile.From, tile.To, tile.Expires = at(1), at(2), at(9000)
		}
		tiles = append(tiles, tile)
	}
	return storage.AuditTree{Size: size, Checkpoint: fmt.Appendf(nil, "log\n%d\n%s\n\n", size, root)}, tiles
}

// GrowTree makes the empty tree of the store one of that size.
func GrowTree(ctx context.Context, store storage.AuditLog, size int64) error {
	tree, tiles := newTree(size, "event")
	return store.GrowAuditTree(ctx, 0, tree, tiles)
}

// grow makes the tree of the store one of that size.
func (f *fixture) grow(size int64, label string) ([]storage.AuditTile, error) {
	before := f.tree()
	tree, tiles := newTree(size, label)
	return tiles, f.Store.GrowAuditTree(f.Context(), before.Size, tree, tiles)
}

func (f *fixture) tree() storage.AuditTree {
	f.Helper()
	tree, err := f.Store.AuditTree(f.Context())
	f.ok(err)
	return tree
}

func (f *fixture) tiles(level int, from int64, limit int) []storage.AuditTile {
	f.Helper()
	tiles, err := f.Store.AuditTiles(f.Context(), level, from, limit)
	f.ok(err)
	return tiles
}

var treeTests = map[string]func(*fixture){
	"a tree grows, and its tiles with it": func(f *fixture) {
		f.same(f.tree(), storage.AuditTree{})
		f.same(len(f.tiles(0, 0, 10)), 0)
		first, err := f.grow(3, "a")
		f.ok(err)
		f.same(f.tiles(0, 0, 10), first)
		grown, err := f.grow(260, "a") // two tiles of level 0 and one above
		f.ok(err)
		want, _ := newTree(260, "a")
		for range 2 {
			f.same(f.tree(), want)
			f.same(f.tiles(0, 0, 10), grown[:2])
			f.same(f.tiles(0, 1, 10), grown[1:2])
			f.same(f.tiles(0, 0, 1), grown[:1])
			f.same(f.tiles(1, 0, 10), grown[2:])
			f.same(len(f.tiles(0, 2, 10))+len(f.tiles(1, 1, 10))+len(f.tiles(2, 0, 10))+len(f.tiles(0, 0, 0)), 0)
			f.restart()
		}
	},
	"a tree that has grown meanwhile stays as it is": func(f *fixture) {
		tree, tiles := newTree(4, "late")
		f.is(f.Store.GrowAuditTree(f.Context(), 1, tree, tiles), storage.ErrConflict)
		first, err := f.grow(2, "a")
		f.ok(err)
		for _, size := range []int64{0, 1, 3} {
			f.is(f.Store.GrowAuditTree(f.Context(), size, tree, tiles), storage.ErrConflict)
		}
		want, _ := newTree(2, "a")
		f.same(f.tree(), want)
		f.same(f.tiles(0, 0, 10), first)
	},
	"of those who grow a tree at once one does": func(f *fixture) {
		for size := range int64(5) {
			won := f.race(racers, func(i int) error {
				tree, tiles := newTree(size+1, name("racer", i))
				return f.Store.GrowAuditTree(f.Context(), size, tree, tiles)
			}, storage.ErrConflict)
			f.same(won, 1)
			tree := f.tree()
			f.ok(tree.Check(0, func(tiles []tlog.Tile) ([][]byte, error) {
				return [][]byte{f.tiles(0, 0, 1)[0].Hashes[:32*tiles[0].W]}, nil
			}))
		}
	},
}
