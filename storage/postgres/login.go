package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"brygga/storage"
)

// trusted is how long what is held of a login may be shown while other processes may change it. Steps need no trust: they write to the
// revision that they know, or read again.
const trusted = time.Second

// CreateLogin stores a new login, or returns storage.ErrExists.
func (s *Store) CreateLogin(ctx context.Context, login storage.Login) error {
	if login.ID == "" || login.Request == nil {
		return errors.New("create login: there is no ID or no request")
	}
	login.Request = login.Request.Own()
	return s.createLogin(ctx, login, nil)
}

// CreateSignature stores a new login with what is to be signed; see storage.Logins.
func (s *Store) CreateSignature(ctx context.Context, login storage.Login, document storage.Document) error {
	login, document, err := login.Signing(document)
	if err != nil {
		return err
	}
	body, err := s.codec.EncodeDocument(&document)
	if err != nil {
		return err
	}
	return s.createLogin(ctx, login, body)
}

// createLogin stores a new login, and what is to be signed unless that is nil.
func (s *Store) createLogin(ctx context.Context, login storage.Login, document []byte) error {
	request, err := s.codec.EncodeRequest(&login)
	if err != nil {
		return err
	}
	state, err := s.codec.EncodeLogin(&login)
	if err != nil {
		return err
	}
	documentStep, arguments := "", []any{login.ID, int64(login.Revision), up(login.Expires), collectorOf(&login), state, request}
	if document != nil {
		documentStep, arguments = `, document AS (INSERT INTO login_documents (id, expires, body) SELECT $1, $3, $7 FROM fresh)`, append(arguments, document)
	}
	sent := sinceBegan()
	err = s.trip(ctx, func(ctx context.Context, db executor) error {
		var ours bool
		err := db.QueryRow(ctx, `
			WITH fresh AS (
				INSERT INTO logins (id, revision, expires, collector, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING RETURNING true
			), request AS (
				INSERT INTO login_requests (id, expires, body) SELECT $1, $3, $6 FROM fresh
			)`+documentStep+`
			SELECT COALESCE((SELECT true FROM fresh), (SELECT body = $5 FROM logins WHERE id = $1), false)`,
			arguments...).Scan(&ours)
		if err == nil && !ours {
			return storage.ErrExists
		}
		return err
	})
	if err != nil {
		return err
	}
	s.countPending(nil, &login)
	s.logins.forget(login.ID) // one of that ID that has been swept since
	s.logins.saved(login.Copy(), sent)
	return nil
}

// collectorOf returns who collects the login's pending order, nil when there is none.
func collectorOf(l *storage.Login) *string {
	if l.State != storage.LoginPending || l.Order == nil {
		return nil
	}
	return &l.Order.Collector
}

// Login returns the login with that ID, or storage.ErrNotFound.
func (s *Store) Login(ctx context.Context, id string, now time.Time) (*storage.Login, error) {
	if !s.alone.Load() {
		s.shown.add(id)
	}
	h := s.logins.find(id)
	if h == nil || !s.trusts(h) {
		var err error
		if h, err = s.readLogin(ctx, id); err != nil {
			return nil, err
		}
	}
	if err := storage.Unexpired(h.login.Expires, now); err != nil {
		return nil, err
	}
	return h.login.Copy(), nil
}

// trusts reports whether what is held may be shown without asking the database.
func (s *Store) trusts(h *held) bool {
	return s.alone.Load() || time.Duration(sinceBegan()-h.checked.Load()) < trusted
}

// readLogin reads the login, with the late steps on it, and holds it.
func (s *Store) readLogin(ctx context.Context, id string) (*held, error) {
	var login *storage.Login
	before, sent, known := s.logins.find(id), sinceBegan(), int64(0)
	err := s.trip(ctx, func(ctx context.Context, db executor) (err error) {
		sent = sinceBegan()
		if before == nil {
			login, err = s.wholeLogin(ctx, db, id)
		} else {
			known = before.checked.Load()
			login, err = s.changedLogin(ctx, db, before)
		}
		return err
	})
	if err == nil && login == nil {
		before.checked.CompareAndSwap(known, sent) // unless more has been heard of it meanwhile
		return before, nil
	}
	if err != nil {
		if errors.Is(err, storage.ErrNotFound) {
			s.logins.forget(id)
		}
		return nil, err
	}
	stored := login.Revision
	var late []func(*storage.Login) error
	if before := s.logins.find(id); before != nil { // as it is by now
		for _, rule := range before.late {
			if rule(login) == nil {
				late = append(late, rule)
			}
		}
	}
	return s.logins.keep(login, stored, late, sent), nil
}

// wholeLogin reads a login of which nothing is held.
func (s *Store) wholeLogin(ctx context.Context, db executor, id string) (*storage.Login, error) {
	var request, state []byte
	err := db.QueryRow(ctx, `SELECT r.body, l.body FROM logins l JOIN login_requests r ON r.id = l.id WHERE l.id = $1`, id).Scan(&request, &state)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, storage.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return s.codec.DecodeLogin(id, request, state)
}

// changedLogin reads what has changed of the login, nil when it has the revision that is held.
func (s *Store) changedLogin(ctx context.Context, db executor, h *held) (*storage.Login, error) {
	var same bool
	var state []byte
	err := db.QueryRow(ctx, `SELECT expires = $3, CASE WHEN revision <> $2 THEN body END FROM logins WHERE id = $1`,
		h.login.ID, int64(h.stored), up(h.login.Expires)).Scan(&same, &state)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, storage.ErrNotFound
	case err != nil:
		return nil, err
	case !same: // another of that ID, after the one that is held was swept
		return s.wholeLogin(ctx, db, h.login.ID)
	case state == nil:
		return nil, nil
	}
	return s.codec.DecodeLoginState(h.login, state)
}

// stepLogin is a storage.StepLogin in one statement.
func (s *Store) stepLogin(ctx context.Context, id string, now time.Time, rule func(*storage.Login) error, tell ...storage.Tell) (*storage.Login, error) {
	return s.stepAnd(ctx, id, now, rule, "", nil, tell...)
}

// firstFurther is the number of the first argument of the further part of a step's statement.
const firstFurther = 11

// stepAnd is stepLogin with a further part of the statement, which follows the part called step and whose arguments are from $11 on.
func (s *Store) stepAnd(ctx context.Context, id string, now time.Time, rule func(*storage.Login) error, further string, with []any, tell ...storage.Tell) (*storage.Login, error) {
	return s.stepWith(ctx, id, now, rule, func(ctx context.Context, w *loginWrite) error {
		events, err := eventRows(storage.EventsOf(w.login, tell))
		if err != nil {
			return err
		}
		further, with := further, with
		if notice := w.login.EndNotice(w.before, now); notice != nil {
			if further, with, err = s.withNotice(notice, further, with); err != nil {
				return err
			}
		}
		return s.trip(ctx, func(ctx context.Context, db executor) error {
			return done(db.QueryRow(ctx, `
				WITH step AS (
					UPDATE logins SET revision = $3, collector = $4, body = $5 WHERE id = $1 AND revision = $2 RETURNING true
				), told AS (
					INSERT INTO audit_events (time, id, reference, expires, body)
					SELECT e.time, e.id, e.reference, e.expires, e.body::jsonb FROM step,
						unnest($6::timestamptz[], $7::text[], $8::text[], $9::timestamptz[], $10::text[]) AS e (time, id, reference, expires, body)
				)`+further+`
				SELECT COALESCE((SELECT true FROM step), (SELECT body = $5 FROM logins WHERE id = $1), false)`,
				slices.Concat(w.arguments(), events.arguments(), with)...))
		})
	})
}

// withNotice returns the further part of a step's statement, and its arguments, with that which stores the notice of an ended order.
func (s *Store) withNotice(notice *storage.Notice, further string, with []any) (string, []any, error) {
	body, err := s.codec.EncodeNotice(notice)
	if err != nil {
		return "", nil, err
	}
	n := firstFurther + len(with)
	further += fmt.Sprintf(`, notice AS (INSERT INTO logout_notices (id, due, attempts, expires, body)
		SELECT $%d, $%d::timestamptz, 0, $%d::timestamptz, $%d FROM step)`, n, n+1, n+2, n+3)
	return further, append(slices.Clone(with), notice.ID, up(notice.Due), up(notice.Expires), body), nil
}

// loginWrite is a login on its way into the database.
type loginWrite struct {
	login *storage.Login
	// before is the state that it was in.
	before storage.LoginState
	// known is the revision that it takes the place of, and state what is written.
	known uint64
	state []byte
}

// arguments returns the ID, the revision that is expected, the new one, the collector and the state.
func (w *loginWrite) arguments() []any {
	return []any{w.login.ID, int64(w.known), int64(w.login.Revision), collectorOf(w.login), w.state}
}

// errStale means that the login in the database is not the one that the step was made on.
var errStale = errors.New("stale")

// done reads whether what is stored after the statement is ours; else somebody was first. What was written in a statement whose
// answer was lost is known again that way, as no other state is the same: it is sealed with a random nonce.
func done(row pgx.Row) error {
	var ours bool
	err := row.Scan(&ours)
	if err == nil && !ours {
		return errStale
	}
	return err
}

// stepWith applies rule to the login at hand and has it written; when somebody else was first, and when the rule refuses what may be old, it
// reads the login and does so again. Now is when the step happens.
func (s *Store) stepWith(ctx context.Context, id string, now time.Time, rule func(*storage.Login) error, write func(context.Context, *loginWrite) error) (*storage.Login, error) {
	leave, err := s.turns.take(ctx, id)
	if err != nil {
		return nil, err
	}
	defer leave()
	h, fresh := s.logins.find(id), false
	for {
		if !h.fresh() {
			if h, err = s.readLogin(ctx, id); err != nil {
				return nil, err
			}
			fresh = true
		}
		if err := storage.Unexpired(h.login.Expires, now); err != nil {
			return nil, err
		}
		login := h.login.Copy()
		if err := rule(login); err != nil {
			if fresh || s.alone.Load() {
				return nil, err
			}
			h = nil
			continue
		}
		state, err := s.codec.EncodeLogin(login)
		if err != nil {
			return nil, err
		}
		sent := sinceBegan()
		err = write(ctx, &loginWrite{login: login, before: h.login.State, known: h.stored, state: state})
		if errors.Is(err, errStale) {
			s.counts.overtaken.Add(1)
			h = nil
			continue
		}
		if err != nil {
			return nil, err
		}
		s.countPending(h.login, login)
		s.logins.saved(login.Copy(), sent)
		s.news.tell(id, login.Revision)
		return login, nil
	}
}

// stepLater is a storage.StepLater in memory. The database has it with the next step, or soon.
func (s *Store) stepLater(ctx context.Context, id string, now time.Time, rule func(*storage.Login) error) (*storage.Login, error) {
	leave, err := s.turns.take(ctx, id)
	if err != nil {
		return nil, err
	}
	defer leave()
	h, fresh := s.logins.find(id), false
	for {
		if !h.fresh() {
			if h, err = s.readLogin(ctx, id); err != nil {
				return nil, err
			}
			fresh = true
		}
		if err := storage.Unexpired(h.login.Expires, now); err != nil {
			return nil, err
		}
		login := h.login.Copy()
		if err := rule(login); err == nil {
			s.logins.keep(login.Copy(), h.stored, append(h.late[:len(h.late):len(h.late)], rule), h.checked.Load())
			return login, nil
		} else if fresh || s.alone.Load() {
			return nil, err
		}
		h = nil
	}
}

// saved holds the login, all of which was brought into the database after the time sent.
func (m *memory) saved(login *storage.Login, sent int64) { m.keep(login, login.Revision, nil, sent) }
