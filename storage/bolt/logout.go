package bolt

import (
	"context"
	"errors"
	"time"

	"brygga/storage"
)

// EndSession ends the session of that ID; see storage.Sessions.
func (s *Store) EndSession(ctx context.Context, id string, now time.Time, tell ...storage.TellEnd) (ended storage.Ended, err error) {
	err = s.update(ctx, func(t *tx) error {
		ended = storage.Ended{}
		if err := s.endSession(t, id, now, &ended); err != nil {
			return err
		}
		return t.tellEnd(ended, tell)
	})
	if err != nil {
		return storage.Ended{}, err
	}
	return ended, nil
}

// EndSessionID ends what the sid names; see storage.Sessions.
func (s *Store) EndSessionID(ctx context.Context, sid string, now time.Time, tell ...storage.TellEnd) (ended storage.Ended, err error) {
	err = s.update(ctx, func(t *tx) error {
		ended = storage.Ended{}
		var alone []string
		sessions := map[string]bool{}
		for _, id := range t.members(sidsBucket, sid) {
			grant, _, err := s.anyGrant(t, id)
			if err != nil {
				return err
			}
			switch {
			case grant == nil:
			case grant.Session == "":
				alone = append(alone, id)
			case !sessions[grant.Session]:
				sessions[grant.Session] = true
				if err := s.endSession(t, grant.Session, now, &ended); err != nil {
					return err
				}
			}
		}
		if err := s.endGrants(t, "", alone, now, &ended); err != nil {
			return err
		}
		return t.tellEnd(ended, tell)
	})
	if err != nil {
		return storage.Ended{}, err
	}
	return ended, nil
}

// tellEnd stores what is told of the end of a session.
func (t *tx) tellEnd(ended storage.Ended, tell []storage.TellEnd) error {
	rows, err := auditRows(storage.EventsOfEnd(ended, tell))
	if err != nil {
		return err
	}
	return errors.Join(t.newAudit(rows), t.putAudit(rows))
}

// endSession removes the session, if there is one of that ID, and ends its grants. It adds to ended what that brought about.
func (s *Store) endSession(t *tx, id string, now time.Time, ended *storage.Ended) error {
	session, err := s.session(t, id)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	if session != nil {
		if session.Live(now) {
			ended.Session, ended.Group = session.ID, session.Group
		}
		if err := errors.Join(removeSessionRows(t, session), t.remove(sessionsBucket, []byte(id))); err != nil {
			return err
		}
	}
	return s.endGrants(t, id, t.members(sessionGrantsBucket, id), now, ended)
}

// endGrants revokes the grants but the offline ones, and leaves a notice for each client and sid that is to be told. The
// grants leave the indexes, so that they end once. They are those of the session of that ID, or of none.
func (s *Store) endGrants(t *tx, session string, ids []string, now time.Time, ended *storage.Ended) error {
	var notices storage.Notices
	for _, id := range ids {
		grant, generation, err := s.anyGrant(t, id)
		if err != nil {
			return err
		}
		if grant == nil {
			continue
		}
		known := now.Before(grant.Expires) || session != "" && t.keptAfter(session, id, now)
		if err := errors.Join(
			t.remove(sidsBucket, memberKey(grant.SessionID, id)), t.remove(sessionGrantsBucket, memberKey(session, id))); err != nil {
			return err
		}
		if !known || generation != 0 && generation != t.generation(grant.ClientID) {
			continue
		}
		if notice := notices.Of(grant, now); notice != nil {
			if err := s.putNewNotice(t, notice); err != nil {
				return err
			}
			ended.Notices++
		}
		if !grant.Offline && grant.Live(now) {
			grant.Revoked = now
			if err := s.putGrant(t, generation, grant); err != nil {
				return err
			}
			ended.Grants++
		}
	}
	return nil
}
