package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// liveGrant is the condition that grant g stands at the time of the placeholder, as storage.Grant.Live has it, and its client has not been removed since.
func liveGrant(now string) string {
	return `g.revoked IS NULL AND g.expires > ` + now + ` AND (g.generation = 0 OR g.generation = (SELECT c.generation FROM clients c WHERE c.id = g.client_id))`
}

// answerRows is the part of a statement that stores the code and the grant of an answer, for each row of the part called step. Its
// placeholders begin at $n, and answerArguments returns what they stand for.
const answerRows = `
	granted AS (
		INSERT INTO grants (id, client_id, generation, sid, session, is_offline, expires, kept, body)
		SELECT @id, @client_id, COALESCE((SELECT generation FROM clients WHERE id = @client_id), 0), @sid, @session, @is_offline, @expires::timestamptz, @kept::timestamptz, @grant::bytea FROM step
	), coded AS (
		INSERT INTO codes (hash, grant_id, client_id, redirect_uri, challenge, resources, expires, kept)
		SELECT @code::bytea, @id, @code_client, @redirect_uri, @challenge, @resources::text[], @code_expires::timestamptz, @code_kept::timestamptz FROM step
	)`

// answerArguments returns the arguments of answerRows for a bound answer.
func (s *Store) answerArguments(answer *storage.Answer) (pgx.NamedArgs, error) {
	grant, code := &answer.Grant, &answer.Code
	sealed, err := s.codec.EncodeGrant(grant)
	if err != nil {
		return nil, err
	}
	kept, codeKept := answer.Kept()
	return pgx.NamedArgs{
		"id": grant.ID, "client_id": grant.ClientID, "sid": orNull(grant.SessionID), "session": orNull(grant.Session), "is_offline": grant.Offline,
		"expires": up(grant.Expires), "kept": up(kept), "grant": sealed,
		"code": code.Hash[:], "code_client": code.ClientID, "redirect_uri": code.Redirect, "challenge": code.Challenge, "resources": code.Resources,
		"code_expires": up(code.Expires), "code_kept": up(codeKept),
	}, nil
}

// sessionRow is the part of a statement that stores a session in the place of one of the same ID, and keeps the grants that it had as
// long as it may live now.
const sessionRow = `
	kept AS (
		UPDATE grants SET kept = @session_expires FROM step WHERE session = @session_id AND kept < @session_expires
	), joined AS (
		INSERT INTO sessions (id, cookie, revision, ends, expires, body)
		SELECT @session_id, @cookie::bytea, 1, @session_ends::timestamptz, @session_expires::timestamptz, @session_body::bytea FROM step
		ON CONFLICT (id) DO UPDATE SET cookie = excluded.cookie, revision = sessions.revision + 1, ends = excluded.ends, expires = excluded.expires, body = excluded.body
	),`

// sessionArguments adds the arguments of sessionRow.
func (s *Store) sessionArguments(arguments pgx.NamedArgs, session *storage.Session) error {
	body, err := s.codec.EncodeSession(session)
	if err != nil {
		return err
	}
	arguments["session_id"], arguments["cookie"], arguments["session_body"] = session.ID, session.CookieHash[:], body
	arguments["session_ends"], arguments["session_expires"] = up(session.Ends()), up(session.Expires)
	return nil
}

// AnswerLogin ends the login and stores its answer; see storage.Logins. It is one statement, unless it ends another person's session.
func (s *Store) AnswerLogin(ctx context.Context, id string, answer storage.Answer, now time.Time) (*storage.Login, error) {
	answer, err := answer.Bound()
	if err != nil {
		return nil, fmt.Errorf("answer login: %w", err)
	}
	arguments, err := s.answerArguments(&answer)
	if err != nil {
		return nil, err
	}
	session := ""
	if answer.Session != nil {
		session = sessionRow
		if err := s.sessionArguments(arguments, answer.Session); err != nil {
			return nil, err
		}
	}
	rule := func(l *storage.Login) error { return l.AnswerLogin(&answer.Grant, answer.Code.Hash) }
	return s.stepWith(ctx, id, now, rule, func(ctx context.Context, w *loginWrite) error {
		write := func(ctx context.Context, db executor) error {
			return done(db.QueryRow(ctx, `
				WITH step AS (
					UPDATE logins SET revision = @revision, collector = @collector, body = @state WHERE id = @login AND revision = @known RETURNING true
				), `+session+answerRows+`
				SELECT COALESCE((SELECT true FROM step), (SELECT body = @state FROM logins WHERE id = @login), false)`, w.named(arguments)))
		}
		if answer.Ends == "" {
			return s.trip(ctx, write)
		}
		return s.transact(ctx, func(ctx context.Context, db executor) error {
			var ended storage.Ended
			if err := s.endSession(ctx, db, answer.Ends, now, &ended); err != nil {
				return err
			}
			return write(ctx, db)
		})
	})
}

// named adds the arguments of a step of the login.
func (w *loginWrite) named(arguments pgx.NamedArgs) pgx.NamedArgs {
	arguments["login"], arguments["known"], arguments["revision"] = w.login.ID, int64(w.known), int64(w.login.Revision)
	arguments["collector"], arguments["state"] = collectorOf(w.login), w.state
	return arguments
}

// RepeatAnswer puts another code in the place of the one before; see storage.Logins.
func (s *Store) RepeatAnswer(ctx context.Context, id string, code [32]byte, expires, now time.Time) (*storage.Login, error) {
	var before [32]byte
	rule := func(l *storage.Login) error {
		if before = l.Code; before == code {
			return storage.ErrExists
		}
		return l.RepeatAnswer(code)
	}
	return s.stepWith(ctx, id, now, rule, func(ctx context.Context, w *loginWrite) error {
		return s.transact(ctx, func(ctx context.Context, db executor) error {
			if err := done(db.QueryRow(ctx, `
				WITH step AS (
					UPDATE logins SET revision = $3, collector = $4, body = $5 WHERE id = $1 AND revision = $2 RETURNING true
				)
				SELECT COALESCE((SELECT true FROM step), false)`, w.arguments()...)); err != nil {
				return err
			}
			moved, err := db.Exec(ctx, `
				UPDATE codes SET hash = $2, expires = $3, kept = GREATEST(kept, $3) WHERE hash = $1 AND spent IS NULL AND expires > $4
					AND EXISTS (SELECT 1 FROM grants g WHERE g.id = grant_id AND `+liveGrant("$4")+`)`, before[:], code[:], up(expires), now)
			if err == nil && moved.RowsAffected() == 0 {
				return storage.ErrConflict
			}
			return err
		})
	})
}

// AnswerFromSession stores the code and the grant of a client that the session serves; see storage.Sessions.
func (s *Store) AnswerFromSession(ctx context.Context, sessionID string, authTime time.Time, code storage.Code, grant storage.Grant, released []string, now time.Time, events ...storage.AuditEvent) error {
	told, err := eventRows(events)
	if err != nil {
		return err
	}
	grant.Session = sessionID
	sealed, err := s.codec.EncodeGrant(&grant) // once: it tells whether a statement whose outcome was lost has been done
	if err != nil {
		return err
	}
	for {
		err := s.trip(ctx, func(ctx context.Context, db executor) error {
			session, revision, err := s.servingSession(ctx, db, sessionID, grant.ID, sealed)
			if err != nil || session == nil {
				return err
			}
			answer, err := session.Answer(authTime, code, grant, released, now)
			if err != nil {
				return err
			}
			arguments, err := s.answerArguments(&answer)
			if err != nil {
				return err
			}
			if err := s.sessionArguments(arguments, answer.Session); err != nil {
				return err
			}
			told.name(arguments)
			arguments["grant"], arguments["revision"] = sealed, revision
			return done(db.QueryRow(ctx, `
				WITH step AS (
					UPDATE sessions SET revision = revision + 1, ends = @session_ends, body = @session_body WHERE id = @session_id AND revision = @revision RETURNING true
				), told AS (`+toldNamed+`), `+answerRows+`
				SELECT COALESCE((SELECT true FROM step), false)`, arguments))
		})
		if !errors.Is(err, errStale) {
			return err
		}
	}
}

// servingSession returns the session with its revision, and none when it has given this very grant already.
func (s *Store) servingSession(ctx context.Context, db executor, id, grantID string, sealed []byte) (*storage.Session, int64, error) {
	var body []byte
	var revision int64
	var given bool
	err := db.QueryRow(ctx, `SELECT body, revision, EXISTS (SELECT 1 FROM grants WHERE id = $2 AND body = $3) FROM sessions WHERE id = $1`,
		id, grantID, sealed).Scan(&body, &revision, &given)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, 0, storage.ErrNotFound
	}
	if err != nil || given {
		return nil, 0, err
	}
	session, err := s.codec.DecodeSession(id, body)
	return session, revision, err
}
