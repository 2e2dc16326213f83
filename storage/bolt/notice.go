package bolt

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"brygga/storage"
)

// A notice is stored under its ID, after the time when it is due: that row leads to it in the index by that time.
const dueSize = 8

func (s *Store) putNotice(t *tx, notice *storage.Notice) error {
	sealed, err := s.codec.EncodeNotice(notice)
	if err != nil {
		return err
	}
	row := append(appendUp(make([]byte, 0, dueSize+len(sealed)), notice.Due), sealed...)
	dueKey := append(appendUp(make([]byte, 0, dueSize+len(notice.ID)), notice.Due), notice.ID...)
	return errors.Join(t.put(noticesBucket, []byte(notice.ID), row), t.put(dueBucket, dueKey, nil))
}

func (s *Store) putNewNotice(t *tx, notice *storage.Notice) error {
	return errors.Join(s.putNotice(t, notice), t.putExpiry(notice.Expires, noticeKind, []byte(notice.ID), nil))
}

// putEndNotice writes the notice of an order that has ended, if there is one.
func (s *Store) putEndNotice(t *tx, notice *storage.Notice) error {
	if notice == nil {
		return nil
	}
	return s.putNewNotice(t, notice)
}

// removeDue removes the row that says when the notice is due.
func (t *tx) removeDue(id []byte) error {
	row := t.get(noticesBucket, id)
	if len(row) < dueSize {
		return nil
	}
	key := append(append(make([]byte, 0, dueSize+len(id)), row[:dueSize]...), id...)
	return t.remove(dueBucket, key)
}

// dueNotices returns at most limit IDs of notices that are due at now and have not expired, the longest due first.
func (s *Store) dueNotices(t *tx, now time.Time, limit int) (notices []*storage.Notice, err error) {
	end := uint64(max(0, now.UnixMicro()))
	cursor := t.bucket(dueBucket).Cursor()
	for key, _ := cursor.First(); key != nil && len(notices) < limit && binary.BigEndian.Uint64(key) <= end; key, _ = cursor.Next() {
		id := string(key[dueSize:])
		row := t.get(noticesBucket, []byte(id))
		if len(row) < dueSize {
			return nil, errors.New("decode logout notice: row is too short")
		}
		notice, err := s.codec.DecodeNotice(id, row[dueSize:])
		if err != nil {
			return nil, err
		}
		if now.Before(notice.Expires) {
			notices = append(notices, notice)
		}
	}
	return notices, nil
}

// WaitingNotices counts the notices; see storage.Sessions.
func (s *Store) WaitingNotices(context.Context) (n int, due time.Time, err error) {
	err = s.view(func(t *tx) error {
		cursor := t.bucket(dueBucket).Cursor()
		for key, _ := cursor.First(); key != nil; key, _ = cursor.Next() {
			if n++; n == 1 {
				due = time.UnixMicro(int64(binary.BigEndian.Uint64(key))).UTC()
			}
		}
		return nil
	})
	return n, due, err
}

// ClaimNotices returns notices that are due, put off; see storage.Sessions. It waits for the disk only if there are any.
func (s *Store) ClaimNotices(ctx context.Context, now time.Time, limit int, retry func(attempts int) time.Duration) (claimed []storage.Notice, err error) {
	var due []*storage.Notice
	if err := s.view(func(t *tx) (err error) {
		due, err = s.dueNotices(t, now, min(limit, 1))
		return err
	}); err != nil || len(due) == 0 {
		return nil, err
	}
	err = s.update(ctx, func(t *tx) error {
		claimed = nil
		due, err := s.dueNotices(t, now, limit)
		if err != nil {
			return err
		}
		for _, notice := range due {
			if err := t.removeDue([]byte(notice.ID)); err != nil {
				return err
			}
			next := notice.Claimed(now, retry)
			if err := s.putNotice(t, &next); err != nil {
				return err
			}
			claimed = append(claimed, next)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// DropNotice removes the notice; see storage.Sessions.
func (s *Store) DropNotice(ctx context.Context, id string, events ...storage.AuditEvent) error {
	return s.updateAnd(ctx, events, func(t *tx) error {
		row := t.get(noticesBucket, []byte(id))
		if row == nil {
			return nil
		}
		notice, err := s.codec.DecodeNotice(id, row[min(dueSize, len(row)):])
		if err != nil {
			return err
		}
		return errors.Join(
			t.removeDue([]byte(id)), t.remove(noticesBucket, []byte(id)), t.removeExpiry(notice.Expires, noticeKind, []byte(id)))
	})
}
