package storage

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// AuditTree is the Merkle tree over the audit events as it stands: see package audit/tree, which alone knows what is in it.
type AuditTree struct {
	// Size is how many events it has.
	Size int64 `json:"size"`
	// Checkpoint is the signed statement of its size and root.
	Checkpoint []byte `json:"checkpoint"`
}

// Root returns the root of the tree, as its checkpoint says: the third line (C2SP tlog-checkpoint). Whether the checkpoint is signed is not
// looked at.
func (t AuditTree) Root() (root tlog.Hash, err error) {
	lines := bytes.SplitN(t.Checkpoint, []byte("\n"), 4)
	if len(lines) < 4 || string(lines[1]) != fmt.Sprint(t.Size) {
		return root, errors.New("the checkpoint of the audit tree is not that of its size")
	}
	hash, err := base64.StdEncoding.DecodeString(string(lines[2]))
	if err != nil || len(hash) != tlog.HashSize {
		return root, errors.New("the checkpoint of the audit tree has no root")
	}
	return tlog.Hash(hash), nil
}

// TileReader returns the hashes of the tiles at those places, each as many as are asked for.
type TileReader func(tiles []tlog.Tile) ([][]byte, error)

// Hashes returns a reader of the tree's hashes, for a tree that is not empty. It compares all that it reads with the root.
func (t AuditTree) Hashes(read TileReader) (tlog.HashReader, error) {
	root, err := t.Root()
	if err != nil {
		return nil, err
	}
	return tlog.TileHashReader(tlog.Tree{N: t.Size, Hash: root}, tileReader{read}), nil
}

// tileReader reads tiles for package tlog.
type tileReader struct{ read TileReader }

func (r tileReader) Height() int                                   { return TileHeight }
func (r tileReader) SaveTiles([]tlog.Tile, [][]byte)               {}
func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) { return r.read(tiles) }

// Check reads all hashes of the tree, but for those of events before the one of that index, and returns an error unless its root follows from them.
func (t AuditTree) Check(first int64, read TileReader) error {
	if t.Size == 0 {
		return nil
	}
	hashes, err := t.Hashes(read)
	if err != nil {
		return err
	}
	for ; first < t.Size; first += TileHashes {
		if _, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, first)}); err != nil {
			return fmt.Errorf("read the audit tree at %d: %w", first, err)
		}
	}
	return nil
}

// TileWidth returns how many hashes the tile at that place has in the tree, 0 when it has none.
func (t AuditTree) TileWidth(level int, index int64) int {
	if level < 0 || level*TileHeight >= 63 || index < 0 {
		return 0
	}
	return int(min(TileHashes, max(0, t.Size>>(level*TileHeight)-index*TileHashes)))
}

// TileHeight is how many levels of hashes a tile stands for.
const TileHeight = 8

// TileHashes is how many hashes a full tile of the tree has.
const TileHashes = 1 << TileHeight

// AuditTile is a row of hashes of the tree. Only the last tile of a level may have fewer than TileHashes; it grows.
type AuditTile struct {
	// Level is 0 for hashes of events, and n for those of 256ⁿ events each; Index counts the tiles of a level from its left end.
	Level int   `json:"level"`
	Index int64 `json:"index"`
	// Hashes are 32 bytes each.
	Hashes []byte `json:"hashes"`
	// From and To are the times of the first and the last of its events, and Expires is when the first of them may be gone; zero above
	// level 0.
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
}

// AuditTileKey returns the key of a tile's entry, in whose order tiles follow each other.
func AuditTileKey(level int, index int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(level)}, uint64(index))
}

// CheckAuditTile returns what is wrong with a tile that stands at the key.
func CheckAuditTile(key []byte, tile *AuditTile) error {
	switch {
	case string(key) != string(AuditTileKey(tile.Level, tile.Index)):
		return fmt.Errorf("tile %d of level %d stands elsewhere", tile.Index, tile.Level)
	case len(tile.Hashes) == 0, len(tile.Hashes)%32 != 0, len(tile.Hashes) > 32*TileHashes:
		return fmt.Errorf("tile %d of level %d has %d bytes", tile.Index, tile.Level, len(tile.Hashes))
	}
	return nil
}

// AuditTileEntryOf returns the entry of a tile.
func AuditTileEntryOf(tile *AuditTile) Entry {
	return Entry{Kind: TileEntry, Key: AuditTileKey(tile.Level, tile.Index), Record: tile}
}

// tileHead is how many bytes of an encoded tile are no hashes.
const tileHead = 3 * 8

// EncodeAuditTile returns the tile without its key: three times in microseconds, 0 for none, and the hashes.
func EncodeAuditTile(tile *AuditTile) []byte {
	row := make([]byte, 0, tileHead+len(tile.Hashes))
	for _, at := range []time.Time{tile.From, tile.To, tile.Expires} {
		row = binary.BigEndian.AppendUint64(row, uint64(max(0, at.UnixMicro())))
	}
	return append(row, tile.Hashes...)
}

// DecodeAuditTile returns the tile that was encoded, with the level and index of its key.
func DecodeAuditTile(key, row []byte) (*AuditTile, error) {
	if len(key) != 9 || len(row) < tileHead {
		return nil, fmt.Errorf("decode audit tile: key of %d bytes, row of %d", len(key), len(row))
	}
	at := func(n int) time.Time {
		if micros := binary.BigEndian.Uint64(row[8*n:]); micros > 0 {
			return time.UnixMicro(int64(micros)).UTC()
		}
		return time.Time{}
	}
	tile := &AuditTile{
		Level: int(key[0]), Index: int64(binary.BigEndian.Uint64(key[1:])), From: at(0), To: at(1), Expires: at(2), Hashes: append([]byte(nil), row[tileHead:]...),
	}
	return tile, CheckAuditTile(key, tile)
}
