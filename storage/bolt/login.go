package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"brygga/storage"
)

// login returns the login as the transaction sees it, or ErrNotFound. The record is the caller's to change.
func (s *Store) login(t *tx, id string, now time.Time) (*storage.Login, error) {
	noted, written := t.logins[id]
	login := noted.record
	if !written && t.btx.Writable() {
		login = s.unsaved[id] // however full the memory is
	}
	if !written && login == nil {
		login = s.logins.get(id)
	}
	if login != nil {
		return login.Copy(), storage.Unexpired(login.Expires, now)
	}
	state := t.get(loginsBucket, []byte(id))
	if state == nil {
		return nil, storage.ErrNotFound
	}
	login, err := s.codec.DecodeLogin(id, t.get(requestsBucket, []byte(id)), state)
	if err != nil {
		return nil, err
	}
	return login, storage.Unexpired(login.Expires, now)
}

// pendingRow returns what stands in the pending bucket for the login, nil when its order is not pending: its expiry in
// microseconds, rounded up, and its collector.
func pendingRow(l *storage.Login) []byte {
	if l.State != storage.LoginPending {
		return nil
	}
	return append(appendMicros(make([]byte, 0, 8+len(l.Order.Collector)), l.Expires.Add(time.Microsecond-1)), l.Order.Collector...)
}

// putNewLogin writes a login that is not there yet.
func (s *Store) putNewLogin(t *tx, login *storage.Login) error {
	row, err := s.codec.EncodeRequest(login)
	if err != nil {
		return err
	}
	return errors.Join(
		t.put(requestsBucket, []byte(login.ID), row), s.putLogin(t, nil, login), t.putExpiry(login.Expires, loginKind, []byte(login.ID), nil))
}

// putLogin writes what has changed of the login and brings its pending row from before to what it is now.
func (s *Store) putLogin(t *tx, before []byte, l *storage.Login) error {
	row, err := s.codec.EncodeLogin(l)
	if err != nil {
		return err
	}
	key := []byte(l.ID)
	if err := t.put(loginsBucket, key, row); err != nil {
		return err
	}
	t.noteLogin(l.ID, l.Copy(), len(row)+l.Request.Size())
	after := pendingRow(l)
	switch {
	case bytes.Equal(before, after):
		return nil
	case after == nil:
		t.pendingDelta--
		return t.remove(pendingBucket, key)
	case before == nil:
		t.pendingDelta++
	}
	return t.put(pendingBucket, key, after)
}

// stepLogin is a storage.StepLogin in a transaction that others share.
func (s *Store) stepLogin(ctx context.Context, id string, now time.Time, rule func(*storage.Login) error, tell ...storage.Tell) (*storage.Login, error) {
	var result *storage.Login
	err := s.updatePatiently(ctx, s.loginStep(id, now, rule, &result, tell...))
	if err != nil {
		return nil, err
	}
	return result, nil
}

// stepLater is a storage.StepLater: a login that is in memory changes there, and is written with the next transaction. Any other takes a
// transaction of its own.
func (s *Store) stepLater(ctx context.Context, id string, now time.Time, rule func(*storage.Login) error) (*storage.Login, error) {
	var result *storage.Login
	err := s.await(ctx, &step{run: s.loginStep(id, now, rule, &result), done: make(chan struct{}), patient: true, later: func() (bool, error) {
		known := s.unsaved[id]
		if known == nil {
			known = s.logins.get(id)
		}
		if known == nil {
			return false, nil
		}
		login := known.Copy()
		if err := storage.Unexpired(login.Expires, now); err != nil {
			return true, err
		}
		if err := rule(login); err != nil {
			return true, err
		}
		if len(s.unsaved) == 0 {
			s.saveAt = time.Now().Add(saveEvery)
		}
		result, s.unsaved[id] = login, login.Copy()
		s.logins.Put(id, s.unsaved[id], loginOverhead+stateBytes+login.Request.Size())
		return true, nil
	}})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// loginStep returns what applies rule to the login, stores what is told of it and leaves it at result.
func (s *Store) loginStep(id string, now time.Time, rule func(*storage.Login) error, result **storage.Login, tell ...storage.Tell) func(*tx) error {
	return func(t *tx) error {
		login, err := s.login(t, id, now)
		if err != nil {
			return err
		}
		before, state := pendingRow(login), login.State
		if err := rule(login); err != nil {
			return err
		}
		rows, err := auditRows(storage.EventsOf(login, tell))
		if err != nil {
			return err
		}
		if err := t.newAudit(rows); err != nil {
			return err
		}
		*result = login
		return errors.Join(s.putLogin(t, before, login), t.putAudit(rows), s.putEndNotice(t, login.EndNotice(state, now)))
	}
}

// CreateLogin stores a new login, or returns storage.ErrExists.
func (s *Store) CreateLogin(ctx context.Context, login storage.Login) error {
	if login.ID == "" || login.Request == nil {
		return errors.New("create login: there is no ID or no request")
	}
	login.Request = login.Request.Own()
	return s.updatePatiently(ctx, func(t *tx) error {
		if t.get(loginsBucket, []byte(login.ID)) != nil {
			return storage.ErrExists
		}
		return s.putNewLogin(t, &login)
	})
}

// CreateSignature stores a new login with what is to be signed; see storage.Logins.
func (s *Store) CreateSignature(ctx context.Context, login storage.Login, document storage.Document) error {
	login, document, err := login.Signing(document)
	if err != nil {
		return err
	}
	return s.updatePatiently(ctx, func(t *tx) error {
		if t.get(loginsBucket, []byte(login.ID)) != nil {
			return storage.ErrExists
		}
		return errors.Join(s.putNewLogin(t, &login), s.putDocument(t, &document))
	})
}

// Login returns the login with that ID, or storage.ErrNotFound.
func (s *Store) Login(_ context.Context, id string, now time.Time) (*storage.Login, error) {
	if login := s.logins.get(id); login != nil {
		if err := storage.Unexpired(login.Expires, now); err != nil {
			return nil, err
		}
		return login.Copy(), nil
	}
	var login *storage.Login
	err := s.view(func(t *tx) (err error) {
		login, err = s.login(t, id, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return login, nil
}

// AnswerLogin ends the login and stores its answer; see storage.Logins.
func (s *Store) AnswerLogin(ctx context.Context, id string, answer storage.Answer, now time.Time) (*storage.Login, error) {
	answer, err := answer.Bound()
	if err != nil {
		return nil, fmt.Errorf("answer login: %w", err)
	}
	var result *storage.Login
	err = s.updatePatiently(ctx, func(t *tx) error {
		login, err := s.login(t, id, now)
		if err != nil {
			return err
		}
		if err := login.AnswerLogin(&answer.Grant, answer.Code.Hash); err != nil {
			return err
		}
		if t.taken(&answer.Code, &answer.Grant) || t.cookieTaken(answer.Session) {
			return storage.ErrExists
		}
		result = login
		if answer.Ends != "" {
			if err := s.endSession(t, answer.Ends, now, &storage.Ended{}); err != nil {
				return err
			}
		}
		if answer.Session != nil {
			if err := s.replaceSession(t, answer.Session); err != nil {
				return err
			}
		}
		// A complete login has no pending row, an answered one neither.
		return errors.Join(s.putLogin(t, nil, login), s.putAnswer(t, &answer))
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// RepeatAnswer puts another code in the place of the one before; see storage.Logins.
func (s *Store) RepeatAnswer(ctx context.Context, id string, code [32]byte, expires, now time.Time) (*storage.Login, error) {
	var result *storage.Login
	err := s.update(ctx, func(t *tx) error {
		login, err := s.login(t, id, now)
		if err != nil {
			return err
		}
		before := login.Code
		if err := login.RepeatAnswer(code); err != nil {
			return err
		}
		row, grant, err := s.liveCode(t, before, now)
		if errors.Is(err, storage.ErrNotFound) {
			return storage.ErrConflict
		}
		if err != nil {
			return err
		}
		next, err := row.Code.Replaced(code, expires, now)
		if err != nil {
			return err
		}
		if t.get(codesBucket, code[:]) != nil {
			return storage.ErrExists
		}
		result = login
		return errors.Join(t.remove(codesBucket, before[:]), t.removeExpiry(row.Kept, codeKind, before[:]),
			s.putNewCode(t, next, grant.Expires), s.putLogin(t, nil, login))
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// Heartbeat notes in memory that the collector is alive; an opened file has no living collectors.
func (s *Store) Heartbeat(_ context.Context, collector string, now time.Time) error {
	s.beatsMu.Lock()
	defer s.beatsMu.Unlock()
	if now.After(s.beats[collector]) {
		s.beats[collector] = now
	}
	return nil
}

// silent reports whether the collector has not been heard of since deadline.
func (s *Store) silent(collector string, deadline time.Time) bool {
	s.beatsMu.Lock()
	defer s.beatsMu.Unlock()
	heard, ok := s.beats[collector]
	return !ok || heard.Before(deadline)
}

// AdoptOrders hands orders of silent collectors over; see storage.Logins. It waits for the disk only if there are any.
func (s *Store) AdoptOrders(ctx context.Context, collector string, deadline, now time.Time, limit int) ([]*storage.Login, error) {
	if limit <= 0 {
		return nil, nil
	}
	ids, err := s.orphans(deadline, now, limit)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	var adopted []*storage.Login
	err = s.update(ctx, func(t *tx) error {
		adopted = nil
		for _, id := range ids {
			login, err := s.login(t, id, now)
			if err != nil {
				if !errors.Is(err, storage.ErrNotFound) { // it shall not keep the others from being adopted
					s.log.Error("pending login cannot be read", "login", id, "err", err)
				}
				continue
			}
			// Since the look, the order may have ended or found another collector.
			before := pendingRow(login)
			if before == nil || !s.silent(login.Order.Collector, deadline) || login.AdoptOrder(collector) != nil {
				continue
			}
			if err := s.putLogin(t, before, login); err != nil {
				return err
			}
			adopted = append(adopted, login)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return adopted, nil
}

// orphans returns at most limit IDs of live logins whose pending order has a silent collector.
func (s *Store) orphans(deadline, now time.Time, limit int) (ids []string, err error) {
	silent := map[string]bool{}
	err = s.view(func(t *tx) error {
		cursor := t.bucket(pendingBucket).Cursor()
		for id, row := cursor.First(); id != nil && len(ids) < limit; id, row = cursor.Next() {
			if len(row) < 8 || binary.BigEndian.Uint64(row) <= uint64(max(0, now.UnixMicro())) {
				continue
			}
			known, ok := silent[string(row[8:])]
			if !ok {
				known = s.silent(string(row[8:]), deadline)
				silent[string(row[8:])] = known
			}
			if known {
				ids = append(ids, string(id))
			}
		}
		return nil
	})
	return ids, err
}

// Follow never calls changed: the file belongs to this process.
func (s *Store) Follow(string, func()) (stop func()) { return func() {} }

// PendingOrders returns how many logins have a pending order, from memory. A login counts until it is swept.
func (s *Store) PendingOrders(context.Context) (int, error) { return int(s.pending.Load()), nil }
