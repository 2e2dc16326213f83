package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// PushRequest stores the request, or returns storage.ErrExists.
func (s *Store) PushRequest(ctx context.Context, request storage.PushedRequest) error {
	sealed, err := s.codec.EncodePushedRequest(&request)
	if err != nil {
		return err
	}
	return s.trip(ctx, func(ctx context.Context, db executor) error {
		var ours bool
		err := db.QueryRow(ctx, `
			WITH fresh AS (
				INSERT INTO pushed_requests (hash, client_id, expires, body) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO NOTHING RETURNING true
			)
			SELECT COALESCE((SELECT true FROM fresh), (SELECT body = $4 FROM pushed_requests WHERE hash = $1), false)`,
			request.Hash[:], request.ClientID, up(request.Expires), sealed).Scan(&ours)
		if err == nil && !ours {
			return storage.ErrExists
		}
		return err
	})
}

// TakePushedRequest returns the request and removes it; see storage.PushedRequests. Where the outcome of the statement is lost, the request
// may be gone: the client sends another.
func (s *Store) TakePushedRequest(ctx context.Context, hash [32]byte, clientID string, now time.Time) (request *storage.PushedRequest, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		var body []byte
		err := db.QueryRow(ctx, `DELETE FROM pushed_requests WHERE hash = $1 AND client_id = $2 AND expires > $3 RETURNING body`, hash[:], clientID, now).Scan(&body)
		if errors.Is(err, pgx.ErrNoRows) {
			return storage.ErrNotFound
		}
		if err != nil {
			return err
		}
		request, err = s.codec.DecodePushedRequest(hash, body)
		return err
	})
	if err != nil {
		return nil, err
	}
	return request, nil
}

// UseOnce remembers the key until expires; see storage.Replays. Where the outcome of the statement is lost, the key counts as used.
func (s *Store) UseOnce(ctx context.Context, key [32]byte, expires, now time.Time) error {
	if !now.Before(expires) {
		return storage.ErrExists
	}
	return s.trip(ctx, func(ctx context.Context, db executor) error {
		used, err := db.Exec(ctx, `
			INSERT INTO used_once (key, expires) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET expires = excluded.expires WHERE used_once.expires <= $3`,
			key[:], up(expires), now)
		if err == nil && used.RowsAffected() == 0 {
			return storage.ErrExists
		}
		return err
	})
}

// ForgottenBefore returns when the database was declared to be restored; see storage.Replays.
func (s *Store) ForgottenBefore(ctx context.Context) (at time.Time, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		value, err := installed(ctx, db, installedForgotten)
		if err == nil && len(value) == 8 {
			at = time.UnixMicro(int64(binary.BigEndian.Uint64(value))).UTC()
		}
		return err
	})
	return at, err
}
