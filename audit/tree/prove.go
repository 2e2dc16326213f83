package tree

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"brygga/storage"
)

// proofFormat names the form of a Proof.
const proofFormat = "brygga audit proof 1"

// Proof proves of events that they are in the log.
type Proof struct {
	Format     string   `json:"format"`
	Key        string   `json:"key"` // see header.Key
	Checkpoint string   `json:"checkpoint"`
	Events     []Proven `json:"events"`
}

// Proven is an event with the hashes that lead from its leaf to the root (RFC 6962 §2.1.1).
type Proven struct {
	Index int64       `json:"index"`
	Text  string      `json:"text"`
	Path  []tlog.Hash `json:"path"`
}

// ErrUnsigned means that an event is in no checkpoint yet. Some seconds later it is.
var ErrUnsigned = errors.New("audit/tree: the event is in no checkpoint yet")

// Prove returns the proof that the events are in the log, or ErrUnsigned when one is not.
func (t *Tree) Prove(ctx context.Context, events []storage.AuditEvent) (*Proof, error) {
	tree, err := t.stored(ctx)
	if err != nil {
		return nil, err
	}
	if tree.Size == 0 {
		return nil, ErrUnsigned
	}
	hashes, err := tree.Hashes(t.readTiles(ctx))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	proof := &Proof{Format: proofFormat, Key: t.key.Public, Checkpoint: string(tree.Checkpoint), Events: []Proven{}}
	for i := range events {
		text, err := storage.AuditText(&events[i])
		if err != nil {
			return nil, err
		}
		index, err := t.find(ctx, tree, tlog.RecordHash(text), events[i].Time)
		if err != nil {
			return nil, err
		}
		path, err := tlog.ProveRecord(tree.Size, index, hashes)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTampered, err)
		}
		proof.Events = append(proof.Events, Proven{index, string(text), path})
	}
	return proof, nil
}

// find returns the index of the leaf of an event of that time: in a tile that has events of the time, or, when the event came late, behind them.
func (t *Tree) find(ctx context.Context, tree storage.AuditTree, hash tlog.Hash, at time.Time) (int64, error) {
	tiles := (tree.Size-1)/storage.TileHashes + 1
	first, err := t.firstTile(ctx, tiles, at)
	if err != nil {
		return 0, err
	}
	for index := first; index < tiles; index++ {
		tile, err := t.store.AuditTiles(ctx, 0, index, 1)
		if err != nil || len(tile) == 0 {
			return 0, errors.Join(ErrTampered, err)
		}
		if tile[0].From.After(at.Add(repairEvery + 2*time.Hour)) {
			break
		}
		if tile[0].From.After(at) {
			continue
		}
		for i, leaf := range hashesOf(&tile[0])[:tree.TileWidth(0, index)] {
			if leaf == hash {
				return index*storage.TileHashes + int64(i), nil
			}
		}
	}
	return 0, ErrUnsigned
}

// VerifyProof verifies the text of a Proof with the key, which must not come from the same hands, and returns the texts of the events that it
// proves, and how many events the log had. It returns ErrInvalid with the reason when it proves nothing.
func VerifyProof(text []byte, key string) (events []string, size int64, err error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return nil, 0, fmt.Errorf("read the key: %w", err)
	}
	var proof Proof
	if json.Unmarshal(text, &proof) != nil || proof.Format != proofFormat {
		return nil, 0, invalid("it is no %s", proofFormat)
	}
	size, root, err := openCheckpoint([]byte(proof.Checkpoint), verifier)
	if err != nil {
		return nil, 0, invalid("%w", err)
	}
	for i, e := range proof.Events {
		if bytes.ContainsRune([]byte(e.Text), '\n') || !json.Valid([]byte(e.Text)) {
			return nil, 0, invalid("event %d is none", i+1)
		}
		if err := tlog.CheckRecord(e.Path, size, root, e.Index, tlog.RecordHash([]byte(e.Text))); err != nil {
			return nil, 0, invalid("event %d is not in the log at %d", i+1, e.Index)
		}
		events = append(events, e.Text)
	}
	return events, size, nil
}
