package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// grantOf returns the grant as stored: what is sealed never changes, and its revocation stands beside it.
func (s *Store) grantOf(id string, body []byte, revoked *time.Time) (*storage.Grant, error) {
	grant, err := s.codec.DecodeGrant(id, body)
	if err != nil {
		return nil, err
	}
	if revoked != nil {
		grant.Revoked = revoked.UTC()
	}
	return grant, nil
}

// CodeLive reports whether the code can be redeemed; see storage.Grants.
func (s *Store) CodeLive(ctx context.Context, code [32]byte, now time.Time) (live bool, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		return db.QueryRow(ctx, `
			SELECT EXISTS (SELECT 1 FROM codes k JOIN grants g ON g.id = k.grant_id
				WHERE k.hash = $1 AND k.spent IS NULL AND k.expires > $2 AND k.kept > $2 AND `+liveGrant("$2")+`)`, code[:], now).Scan(&live)
	})
	return live, err
}

// RedeemCode spends the code and stores its tokens; see storage.Grants. Where the rule would refuse, the statement does nothing, and the
// rule then says why.
func (s *Store) RedeemCode(ctx context.Context, r storage.Redemption) (grant *storage.Grant, err error) {
	lost := false
	for {
		err = s.trip(ctx, func(ctx context.Context, db executor) error {
			grant, err = s.redeem(ctx, db, r)
			lost = lost || passing(err)
			return err
		})
		if !errors.Is(err, pgx.ErrNoRows) {
			return grant, err
		}
		if grant, err = s.refuseCode(ctx, r, lost); grant != nil || err != nil {
			return grant, err
		}
	}
}

// redeem is RedeemCode where nothing is to be refused; otherwise it changes nothing and returns pgx.ErrNoRows.
func (s *Store) redeem(ctx context.Context, db executor, r storage.Redemption) (*storage.Grant, error) {
	var id string
	var body []byte
	resources := r.Resources
	if resources == nil {
		resources = []string{}
	}
	err := db.QueryRow(ctx, `
		WITH spent AS (
			UPDATE codes SET spent = @now WHERE hash = @code AND client_id = @client AND spent IS NULL AND expires > @now AND kept > @now
				AND redirect_uri = @redirect_uri AND challenge = @challenge AND COALESCE(resources, '{}') @> @resources::text[]
				AND EXISTS (SELECT 1 FROM grants g WHERE g.id = codes.grant_id AND `+liveGrant("@now")+`)
			RETURNING grant_id
		), token AS (
			INSERT INTO access_tokens (hash, grant_id, issued, expires, scopes, resources)
			SELECT @token::bytea, grant_id, @issued::timestamptz, @expires::timestamptz, @token_scopes::text[], @token_resources::text[] FROM spent
		), refresh AS (
			INSERT INTO refresh_tokens (hash, grant_id, generation, expires, kept)
			SELECT @refresh::bytea, g.id, 1, LEAST(@refresh_expires::timestamptz, g.expires), g.expires FROM spent JOIN grants g ON g.id = spent.grant_id
			WHERE g.is_offline AND @refresh::bytea IS NOT NULL
		)
		SELECT g.id, g.body FROM spent JOIN grants g ON g.id = spent.grant_id`,
		tokenArguments(r.Token, pgx.NamedArgs{
			"now": r.Now, "code": r.CodeHash[:], "client": r.ClientID, "redirect_uri": r.RedirectURI, "challenge": r.Challenge, "resources": resources,
			"refresh": hashOrNull(r.Refresh.Hash), "refresh_expires": up(r.Refresh.Expires),
		})).Scan(&id, &body)
	if err != nil {
		return nil, err
	}
	return s.codec.DecodeGrant(id, body)
}

// IssueToken stores a grant of a client's own and its access token; see storage.Grants.
func (s *Store) IssueToken(ctx context.Context, revision uint64, grant storage.Grant, token storage.AccessToken) error {
	sealed, err := s.codec.EncodeGrant(&grant)
	if err != nil {
		return err
	}
	return s.trip(ctx, func(ctx context.Context, db executor) error {
		done, err := db.Exec(ctx, `
			WITH seen AS (
				SELECT generation FROM clients WHERE id = @client_id AND revision = @revision FOR SHARE
			), granted AS (
				INSERT INTO grants (id, client_id, generation, sid, session, is_offline, expires, kept, body)
				SELECT @id, @client_id, COALESCE((SELECT generation FROM seen), (SELECT generation FROM clients WHERE id = @client_id), 0), @sid, NULL, false, @ends::timestamptz, @ends::timestamptz, @grant::bytea
				WHERE @revision = 0 OR EXISTS (SELECT 1 FROM seen)
				RETURNING id
			)
			INSERT INTO access_tokens (hash, grant_id, issued, expires, scopes, resources)
			SELECT @token::bytea, id, @issued::timestamptz, @expires::timestamptz, @token_scopes::text[], @token_resources::text[] FROM granted`,
			tokenArguments(token, pgx.NamedArgs{
				"client_id": grant.ClientID, "revision": int64(revision), "id": grant.ID, "sid": orNull(grant.SessionID), "ends": up(grant.Expires), "grant": sealed,
			}))
		if err == nil && done.RowsAffected() == 0 {
			err = storage.ErrConflict
		}
		return err
	})
}

// refuseCode returns why the code was not redeemed, and neither a grant nor an error when it should have been. Where the outcome of a
// statement was lost, it returns the grant when the code was redeemed by that one.
func (s *Store) refuseCode(ctx context.Context, r storage.Redemption, lost bool) (grant *storage.Grant, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		var code storage.Code
		var kept time.Time
		var spent, revoked *time.Time
		var body []byte
		var stands, ours bool
		err := db.QueryRow(ctx, `
			SELECT k.grant_id, k.client_id, k.redirect_uri, k.challenge, k.resources, k.expires, k.spent, k.kept, g.body, g.revoked,
				COALESCE(`+liveGrant("$2")+`, false), EXISTS (SELECT 1 FROM access_tokens t WHERE t.hash = $3 AND t.grant_id = k.grant_id)
			FROM codes k LEFT JOIN grants g ON g.id = k.grant_id WHERE k.hash = $1`, r.CodeHash[:], r.Now, r.Token.Hash[:]).Scan(
			&code.GrantID, &code.ClientID, &code.Redirect, &code.Challenge, &code.Resources, &code.Expires, &spent, &kept, &body, &revoked, &stands, &ours)
		if errors.Is(err, pgx.ErrNoRows) {
			return storage.ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := storage.Unexpired(kept, r.Now); err != nil {
			return err
		}
		if spent != nil {
			code.Spent = spent.UTC()
		}
		if lost && ours && code.ClientID == r.ClientID && code.Spent.Equal(r.Now) {
			grant, err = s.grantOf(code.GrantID, body, revoked)
			return err
		}
		if _, err := code.Redeem(r); err != nil {
			return err
		}
		if !stands {
			return storage.ErrNotFound
		}
		return nil
	})
	return grant, err
}

// tokenArguments adds the arguments of an access token.
func tokenArguments(t storage.AccessToken, arguments pgx.NamedArgs) pgx.NamedArgs {
	arguments["token"], arguments["issued"], arguments["expires"] = t.Hash[:], timeOrNull(t.Issued), up(t.Expires)
	arguments["token_scopes"], arguments["token_resources"] = t.Scopes, t.Resources
	return arguments
}

// AccessToken returns the token and its grant, or storage.ErrNotFound.
func (s *Store) AccessToken(ctx context.Context, hash [32]byte, now time.Time) (token *storage.AccessToken, grant *storage.Grant, err error) {
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		token = &storage.AccessToken{Hash: hash}
		var issued *time.Time
		var body []byte
		err := db.QueryRow(ctx, `
			SELECT t.grant_id, t.issued, t.expires, t.scopes, t.resources, g.body FROM access_tokens t JOIN grants g ON g.id = t.grant_id
			WHERE t.hash = $1 AND t.expires > $2 AND `+liveGrant("$2"), hash[:], now).Scan(
			&token.GrantID, &issued, &token.Expires, &token.Scopes, &token.Resources, &body)
		if errors.Is(err, pgx.ErrNoRows) {
			return storage.ErrNotFound
		}
		if err != nil {
			return err
		}
		token.Expires = token.Expires.UTC()
		if issued != nil {
			token.Issued = issued.UTC()
		}
		grant, err = s.codec.DecodeGrant(token.GrantID, body)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return token, grant, nil
}

// RevokeGrant revokes the grant; see storage.Grants.
func (s *Store) RevokeGrant(ctx context.Context, id string, now time.Time, events ...storage.AuditEvent) error {
	told, err := eventRows(events)
	if err != nil {
		return err
	}
	return s.trip(ctx, func(ctx context.Context, db executor) error {
		_, err := db.Exec(ctx, `
			WITH step AS (SELECT true), revoked AS (
				UPDATE grants g SET revoked = @now WHERE g.id = @id AND `+liveGrant("@now")+`
			)`+toldNamed, told.name(pgx.NamedArgs{"id": id, "now": now}))
		return err
	})
}
