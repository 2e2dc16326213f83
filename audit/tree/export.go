package tree

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"brygga/storage"
)

// exportFormat names the form of an export: a line with a header, and then one line for each leaf, in order: the text of the event, which
// begins with {"id":, or where retention has taken it {"hash":"…"}, the leaf's hash in base64.
const exportFormat = "brygga audit export 1"

// header is the first line of an export.
type header struct {
	Format string `json:"format"`
	// Key is what the checkpoint is verified with. Who has no better reason to believe it must not: it comes with the file.
	Key        string `json:"key"`
	Checkpoint string `json:"checkpoint"`
	// First is the index of the first leaf, and Before are the roots of the full subtrees to its left, from the largest on.
	First  int64       `json:"first"`
	Before []tlog.Hash `json:"before,omitempty"`
}

// hashLine stands in an export for an event that is gone.
type hashLine struct {
	Hash tlog.Hash `json:"hash"`
}

// Exported says what an export has.
type Exported struct{ Events, Hashes int64 }

// Export writes the log to w, since that time, or whole for the zero time, so that it can be verified without us. It begins with a tile, so
// that some events of before may come too. It returns ErrUnsigned when there is nothing to export yet, and ErrTampered when the hashes do not
// lead to the signed root.
func (t *Tree) Export(ctx context.Context, w io.Writer, since time.Time) (done Exported, err error) {
	tree, err := t.stored(ctx)
	if err != nil {
		return done, err
	}
	if tree.Size == 0 {
		return done, fmt.Errorf("%w: the log has no checkpoint yet", ErrUnsigned)
	}
	tiles := (tree.Size-1)/storage.TileHashes + 1
	first, err := t.firstTile(ctx, tiles, since)
	if err != nil {
		return done, err
	}
	first = min(first, tiles-1)
	before, err := t.left(ctx, tree, first*storage.TileHashes)
	if err != nil {
		return done, err
	}
	out := bufio.NewWriterSize(w, 1<<16)
	if err := writeLine(out, header{exportFormat, t.key.Public, string(tree.Checkpoint), first * storage.TileHashes, before}); err != nil {
		return done, err
	}
	root, err := tree.Root()
	if err != nil {
		return done, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	sum := leftOf(first*storage.TileHashes, before)
	for index := first; index < tiles; index++ {
		if err := t.exportTile(ctx, out, tree, index, &sum, &done); err != nil {
			return done, err
		}
	}
	if sum.root() != root {
		return done, fmt.Errorf("%w: its hashes do not lead to the root", ErrTampered)
	}
	return done, out.Flush()
}

// left returns the roots of the full subtrees to the left of the leaf of that index.
func (t *Tree) left(ctx context.Context, tree storage.AuditTree, index int64) (roots []tlog.Hash, err error) {
	if index == 0 {
		return nil, nil
	}
	hashes, err := tree.Hashes(t.readTiles(ctx))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	var wanted []int64
	for at := int64(0); at < index; {
		level := largest(index - at)
		wanted = append(wanted, tlog.StoredHashIndex(level, at>>level))
		at += 1 << level
	}
	if roots, err = hashes.ReadHashes(wanted); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	return roots, nil
}

// exportTile writes the leaves of a tile.
func (t *Tree) exportTile(ctx context.Context, out *bufio.Writer, tree storage.AuditTree, index int64, sum *subtrees, done *Exported) error {
	leaves, texts, err := t.tileTexts(ctx, tree, index)
	if err != nil {
		return err
	}
	for _, leaf := range leaves {
		sum.add(leaf)
		if text := texts[leaf]; text.text != nil {
			done.Events++
			if _, err := out.Write(append(text.text, '\n')); err != nil {
				return err
			}
			continue
		}
		done.Hashes++
		if err := writeLine(out, hashLine{leaf}); err != nil {
			return err
		}
	}
	return nil
}

func writeLine(w io.Writer, value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
