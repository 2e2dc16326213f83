package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// AuditTree returns the tree over the audit events as it stands; see storage.AuditLog.
func (s *Store) AuditTree(ctx context.Context) (tree storage.AuditTree, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) (err error) {
		tree, err = auditTree(ctx, db)
		return err
	})
	return tree, err
}

func auditTree(ctx context.Context, db executor) (tree storage.AuditTree, err error) {
	err = db.QueryRow(ctx, `SELECT size, checkpoint FROM audit_tree`).Scan(&tree.Size, &tree.Checkpoint)
	if errors.Is(err, pgx.ErrNoRows) {
		return storage.AuditTree{}, nil
	}
	return tree, err
}

// AuditTiles returns at most limit tiles of a level in order; see storage.AuditLog.
func (s *Store) AuditTiles(ctx context.Context, level int, from int64, limit int) (tiles []storage.AuditTile, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		rows, err := db.Query(ctx, `SELECT key, body FROM audit_tiles WHERE key >= $1 AND key < $2 ORDER BY key LIMIT $3`,
			storage.AuditTileKey(level, from), storage.AuditTileKey(level+1, 0), max(limit, 0))
		if err != nil {
			return err
		}
		tiles = nil
		var key, body []byte
		_, err = pgx.ForEachRow(rows, []any{&key, &body}, func() error {
			tile, err := storage.DecodeAuditTile(key, body)
			if err == nil {
				tiles = append(tiles, *tile)
			}
			return err
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return tiles, nil
}

// GrowAuditTree replaces the tree if it has that size; see storage.AuditLog. What it has done itself it knows by the checkpoint.
func (s *Store) GrowAuditTree(ctx context.Context, size int64, tree storage.AuditTree, tiles []storage.AuditTile) error {
	keys, bodies := make([][]byte, len(tiles)), make([][]byte, len(tiles))
	for i := range tiles {
		keys[i], bodies[i] = storage.AuditTileKey(tiles[i].Level, tiles[i].Index), storage.EncodeAuditTile(&tiles[i])
	}
	err := s.trip(ctx, func(ctx context.Context, db executor) error {
		return done(db.QueryRow(ctx, `
			WITH step AS (
				INSERT INTO audit_tree (size, checkpoint) SELECT @after, @checkpoint::bytea WHERE @before = 0::bigint OR EXISTS (SELECT 1 FROM audit_tree)
				ON CONFLICT (one) DO UPDATE SET size = excluded.size, checkpoint = excluded.checkpoint WHERE audit_tree.size = @before
				RETURNING true
			), tiles AS (
				INSERT INTO audit_tiles (key, body) SELECT t.key, t.body FROM step, unnest(@keys::bytea[], @bodies::bytea[]) AS t (key, body)
				ON CONFLICT (key) DO UPDATE SET body = excluded.body
			)
			SELECT COALESCE((SELECT true FROM step), (SELECT checkpoint = @checkpoint AND size = @after FROM audit_tree), false)`,
			pgx.NamedArgs{"before": size, "after": tree.Size, "checkpoint": tree.Checkpoint, "keys": keys, "bodies": bodies}))
	})
	if errors.Is(err, errStale) {
		return storage.ErrConflict
	}
	return err
}

func (s *Store) tileEntry(row pgx.Rows) (storage.Entry, error) {
	var key, body []byte
	if err := row.Scan(&key, &body); err != nil {
		return storage.Entry{}, err
	}
	tile, err := storage.DecodeAuditTile(key, body)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.AuditTileEntryOf(tile), nil
}
