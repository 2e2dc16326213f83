package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// refreshRow is a refresh token as stored, with the token that followed it, if one did.
type refreshRow struct {
	storage.RefreshToken
	next  []byte
	grant *storage.Grant
}

// refresh returns the token and its grant, or storage.ErrNotFound when the grant does not stand at now. Lock is what is added to the statement.
func (s *Store) refresh(ctx context.Context, db executor, hash []byte, now time.Time, lock string) (*refreshRow, error) {
	row := new(refreshRow)
	var spent *time.Time
	var body []byte
	err := db.QueryRow(ctx, `
		SELECT r.grant_id, r.generation, r.expires, r.spent, r.next, g.body FROM refresh_tokens r JOIN grants g ON g.id = r.grant_id
		WHERE r.hash = $1 AND `+liveGrant("$2")+lock, hash, now).Scan(&row.GrantID, &row.Generation, &row.Expires, &spent, &row.next, &body)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, storage.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	copy(row.Hash[:], hash)
	row.Expires = row.Expires.UTC()
	if spent != nil {
		row.Spent = spent.UTC()
	}
	row.grant, err = s.codec.DecodeGrant(row.GrantID, body)
	return row, err
}

// RefreshToken returns the token and its grant, or storage.ErrNotFound.
func (s *Store) RefreshToken(ctx context.Context, hash [32]byte, now time.Time) (token *storage.RefreshToken, grant *storage.Grant, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		row, err := s.refresh(ctx, db, hash[:], now, "")
		if err == nil {
			token, grant = &row.RefreshToken, row.grant
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return token, grant, nil
}

// RotateRefreshToken spends the token and stores those that follow; see storage.RefreshTokens. The first use of a token is one statement,
// which does nothing where the rule would refuse; all else is for the rule.
func (s *Store) RotateRefreshToken(ctx context.Context, r storage.Rotation) (result *storage.Rotated, err error) {
	lost := false
	if !r.Keep {
		err := s.trip(ctx, func(ctx context.Context, db executor) error {
			result, err = s.rotate(ctx, db, r)
			lost = lost || passing(err)
			return err
		})
		if !errors.Is(err, pgx.ErrNoRows) {
			return result, err
		}
	}
	err = s.transact(ctx, func(ctx context.Context, db executor) error {
		result, err = s.rotateByRule(ctx, db, r, lost)
		lost = lost || passing(err)
		return err
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// rotate is RotateRefreshToken for a token that was not used; otherwise it changes nothing and returns pgx.ErrNoRows.
func (s *Store) rotate(ctx context.Context, db executor, r storage.Rotation) (*storage.Rotated, error) {
	var id string
	var body []byte
	err := db.QueryRow(ctx, `
		WITH used AS (
			UPDATE refresh_tokens SET spent = @now, next = @next WHERE hash = @hash AND spent IS NULL AND expires > @now
				AND EXISTS (SELECT 1 FROM grants g WHERE g.id = refresh_tokens.grant_id AND g.client_id = @client AND `+liveGrant("@now")+`)
			RETURNING grant_id, generation, kept
		), followed AS (
			INSERT INTO refresh_tokens (hash, grant_id, generation, expires, kept)
			SELECT @next::bytea, u.grant_id, u.generation + 1, LEAST(@next_expires::timestamptz, g.expires), u.kept FROM used u JOIN grants g ON g.id = u.grant_id
		), token AS (
			INSERT INTO access_tokens (hash, grant_id, issued, expires, scopes, resources)
			SELECT @token::bytea, grant_id, @issued::timestamptz, @expires::timestamptz, @token_scopes::text[], @token_resources::text[] FROM used
		)
		SELECT g.id, g.body FROM used u JOIN grants g ON g.id = u.grant_id`,
		tokenArguments(r.Token, pgx.NamedArgs{
			"now": r.Now, "hash": r.Hash[:], "client": r.ClientID, "next": r.Next.Hash[:], "next_expires": up(r.Next.Expires),
		})).Scan(&id, &body)
	if err != nil {
		return nil, err
	}
	grant, err := s.codec.DecodeGrant(id, body)
	return &storage.Rotated{Grant: grant, Used: r.Now}, err
}

// rotateByRule does what the rules of package storage say, with the token's row locked. Where the outcome of a statement was lost, it does
// nothing when that one has been done.
func (s *Store) rotateByRule(ctx context.Context, db executor, r storage.Rotation, lost bool) (*storage.Rotated, error) {
	row, err := s.refresh(ctx, db, r.Hash[:], r.Now, " FOR UPDATE OF r")
	if err != nil {
		return nil, err
	}
	result := &storage.Rotated{Grant: row.grant, Used: r.Now}
	stored := false
	if lost {
		if err := db.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM access_tokens WHERE hash = $1 AND grant_id = $2)`, r.Token.Hash[:], row.GrantID).Scan(&stored); err != nil {
			return nil, err
		}
	}
	switch {
	case stored:
		if !row.Spent.IsZero() {
			result.Used = row.Spent
		}
		return result, nil
	case row.Spent.IsZero():
		err = useRefresh(ctx, db, row, r)
	default:
		result.Used = row.Spent
		var next *refreshRow
		if next, err = s.refresh(ctx, db, row.next, r.Now, " FOR UPDATE OF r"); err == nil {
			err = row.Repeat(row.grant, next.RefreshToken, r)
		}
	}
	if err != nil {
		return nil, err
	}
	_, err = db.Exec(ctx, `INSERT INTO access_tokens (hash, grant_id, issued, expires, scopes, resources) VALUES (@token, @grant, @issued, @expires, @token_scopes, @token_resources)`,
		tokenArguments(r.Token, pgx.NamedArgs{"grant": row.GrantID}))
	return result, err
}

// useRefresh uses a token for the first time, or once more where it is kept.
func useRefresh(ctx context.Context, db executor, row *refreshRow, r storage.Rotation) error {
	used, next, err := row.Rotate(row.grant, r)
	switch {
	case err != nil:
		return err
	case next == nil:
		_, err = db.Exec(ctx, `UPDATE refresh_tokens SET expires = $2 WHERE hash = $1`, used.Hash[:], up(used.Expires))
		return err
	}
	_, err = db.Exec(ctx, `
		WITH used AS (UPDATE refresh_tokens SET spent = $2, next = $3 WHERE hash = $1 RETURNING kept)
		INSERT INTO refresh_tokens (hash, grant_id, generation, expires, kept) SELECT $3::bytea, $4, $5, $6::timestamptz, kept FROM used`,
		used.Hash[:], used.Spent, next.Hash[:], next.GrantID, next.Generation, up(next.Expires))
	return err
}
