package bolt

import (
	"bytes"
	"context"
	"errors"
	"time"

	"brygga/storage"
)

// session returns the session as stored, over or not, or ErrNotFound.
func (s *Store) session(t *tx, id string) (*storage.Session, error) {
	row := t.get(sessionsBucket, []byte(id))
	if row == nil {
		return nil, storage.ErrNotFound
	}
	return s.codec.DecodeSession(id, row)
}

// putSession writes the session in place of the stored one, nil for none, and brings its cookie and its place in the expiry
// index from there to what they are now.
func (s *Store) putSession(t *tx, stored, next *storage.Session) error {
	row, err := s.codec.EncodeSession(next)
	if err != nil {
		return err
	}
	if stored != nil {
		if err := removeSessionRows(t, stored); err != nil {
			return err
		}
	}
	id := []byte(next.ID)
	return errors.Join(
		t.put(sessionsBucket, id, row), t.put(cookiesBucket, next.CookieHash[:], id),
		t.putExpiry(next.Ends(), sessionKind, id, next.CookieHash[:]))
}

// removeSessionRows removes the rows that lead to the session.
func removeSessionRows(t *tx, session *storage.Session) error {
	return errors.Join(
		t.remove(cookiesBucket, session.CookieHash[:]), t.removeExpiry(session.Ends(), sessionKind, []byte(session.ID)))
}

// Session returns the session of that cookie, or storage.ErrNotFound.
func (s *Store) Session(_ context.Context, cookieHash [32]byte, now time.Time) (session *storage.Session, err error) {
	err = s.view(func(t *tx) (err error) {
		id := t.get(cookiesBucket, cookieHash[:])
		if id == nil {
			return storage.ErrNotFound
		}
		session, err = s.session(t, string(id))
		return err
	})
	if err != nil {
		return nil, err
	}
	if !session.Live(now) {
		return nil, storage.ErrNotFound
	}
	return session, nil
}

// AnswerFromSession stores the code and the grant of a client that the session serves; see storage.Sessions.
func (s *Store) AnswerFromSession(ctx context.Context, sessionID string, authTime time.Time, code storage.Code, grant storage.Grant, released []string, now time.Time, events ...storage.AuditEvent) error {
	return s.updateAnd(ctx, events, func(t *tx) error {
		session, err := s.session(t, sessionID)
		if err != nil {
			return err
		}
		answer, err := session.Answer(authTime, code, grant, released, now)
		if err != nil {
			return err
		}
		if t.taken(&code, &grant) {
			return storage.ErrExists
		}
		return errors.Join(s.putSession(t, session, answer.Session), s.putAnswer(t, &answer))
	})
}

// taken reports whether a grant of that ID or a code of that hash is stored.
func (t *tx) taken(code *storage.Code, grant *storage.Grant) bool {
	return t.get(grantsBucket, []byte(grant.ID)) != nil || t.get(codesBucket, code.Hash[:]) != nil
}

// cookieTaken reports whether another session has the session's cookie.
func (t *tx) cookieTaken(session *storage.Session) bool {
	if session == nil {
		return false
	}
	id := t.get(cookiesBucket, session.CookieHash[:])
	return id != nil && string(id) != session.ID
}

// putAnswer stores the code and the grant of a bound answer.
func (s *Store) putAnswer(t *tx, answer *storage.Answer) error {
	kept, _ := answer.Kept()
	return errors.Join(s.putNewGrant(t, &answer.Grant, kept), s.putNewCode(t, answer.Code, answer.Grant.Expires))
}

// replaceSession stores the session of a login's answer. The grants that it had already are kept as long as it may live now.
func (s *Store) replaceSession(t *tx, next *storage.Session) error {
	stored, err := s.session(t, next.ID)
	if errors.Is(err, storage.ErrNotFound) {
		return s.putSession(t, nil, next)
	}
	if err != nil {
		return err
	}
	if err := s.putSession(t, stored, next); err != nil || !next.Expires.After(stored.Expires) {
		return err
	}
	for _, grantID := range t.members(sessionGrantsBucket, next.ID) {
		if err := t.keepGrant(next.ID, grantID, next.Expires); err != nil {
			return err
		}
	}
	return nil
}

// memberKey is a row of an index: the name of a group, 0, and that of a member.
func memberKey(group, member string) []byte {
	key := make([]byte, 0, len(group)+1+len(member))
	return append(append(append(key, group...), 0), member...)
}

// members returns the members of the group in such an index.
func (t *tx) members(index bucketID, group string) (members []string) {
	prefix := memberKey(group, "")
	cursor := t.bucket(index).Cursor()
	for key, _ := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = cursor.Next() {
		members = append(members, string(key[len(prefix):]))
	}
	return members
}
