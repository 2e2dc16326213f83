package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"brygga/storage"
)

// Mail is stored as notices are: under its ID, after the time when it is due, which leads to it in an index by that time.

func (s *Store) putMail(t *tx, m *storage.Mail) error {
	sealed, err := s.codec.EncodeMail(m)
	if err != nil {
		return err
	}
	row := append(appendUp(make([]byte, 0, dueSize+len(sealed)), m.Due), sealed...)
	return errors.Join(t.put(mailBucket, []byte(m.ID), row), t.put(mailDueBucket, append(appendUp(nil, m.Due), m.ID...), nil))
}

func (s *Store) putNewMail(t *tx, m *storage.Mail) error {
	return errors.Join(s.putMail(t, m), t.putExpiry(m.Expires, mailKind, []byte(m.ID), nil))
}

// removeMailDue removes the row that says when the message is due.
func (t *tx) removeMailDue(id []byte) error {
	row := t.get(mailBucket, id)
	if len(row) < dueSize {
		return nil
	}
	return t.remove(mailDueBucket, append(bytes.Clone(row[:dueSize]), id...))
}

// mailAt returns the message of that ID, or storage.ErrNotFound.
func (s *Store) mailAt(t *tx, id string) (*storage.Mail, error) {
	row := t.get(mailBucket, []byte(id))
	if len(row) < dueSize {
		return nil, storage.ErrNotFound
	}
	return s.codec.DecodeMail(id, row[dueSize:])
}

// dueMail returns at most limit messages that are due at now and have not expired, the longest due first.
func (s *Store) dueMail(t *tx, now time.Time, limit int) (due []*storage.Mail, err error) {
	end := uint64(max(0, now.UnixMicro()))
	cursor := t.bucket(mailDueBucket).Cursor()
	for key, _ := cursor.First(); key != nil && len(due) < limit && binary.BigEndian.Uint64(key) <= end; key, _ = cursor.Next() {
		m, err := s.mailAt(t, string(key[dueSize:]))
		if err != nil {
			return nil, err
		}
		if now.Before(m.Expires) {
			due = append(due, m)
		}
	}
	return due, nil
}

// ClaimMail returns messages that are due, put off; see storage.Operators. It waits for the disk only if there are any.
func (s *Store) ClaimMail(ctx context.Context, now time.Time, limit int, retry func(attempts int) time.Duration) (claimed []storage.Mail, err error) {
	var due []*storage.Mail
	if err := s.view(func(t *tx) (err error) {
		due, err = s.dueMail(t, now, min(limit, 1))
		return err
	}); err != nil || len(due) == 0 {
		return nil, err
	}
	err = s.update(ctx, func(t *tx) error {
		claimed = nil
		due, err := s.dueMail(t, now, limit)
		if err != nil {
			return err
		}
		for _, m := range due {
			if err := t.removeMailDue([]byte(m.ID)); err != nil {
				return err
			}
			m.Attempts++
			m.Due = now.Add(retry(m.Attempts))
			if err := s.putMail(t, m); err != nil {
				return err
			}
			claimed = append(claimed, *m)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// DropMail removes the message; see storage.Operators.
func (s *Store) DropMail(ctx context.Context, id string, events ...storage.AuditEvent) error {
	return s.updateAnd(ctx, events, func(t *tx) error {
		m, err := s.mailAt(t, id)
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return errors.Join(t.removeMailDue([]byte(id)), t.remove(mailBucket, []byte(id)), t.removeExpiry(m.Expires, mailKind, []byte(id)))
	})
}

// PendingMail returns how many messages wait.
func (s *Store) PendingMail(context.Context) (n int, err error) {
	err = s.view(func(t *tx) error {
		cursor := t.bucket(mailBucket).Cursor()
		for key, _ := cursor.First(); key != nil; key, _ = cursor.Next() {
			n++
		}
		return nil
	})
	return n, err
}

func (s *Store) mailEntry(_ *tx, id, row []byte) (storage.Entry, error) {
	if err := long(row, dueSize); err != nil {
		return storage.Entry{}, err
	}
	m, err := s.codec.DecodeMail(string(id), row[dueSize:])
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.MailEntryOf(m), nil
}

func (c *checker) mail(key, value []byte) error {
	if len(value) < dueSize {
		return errUnopened
	}
	m, err := c.codec.DecodeMail(string(key), value[dueSize:])
	if err != nil {
		return errUnopened
	}
	due := appendUp(nil, m.Due)
	if !bytes.Equal(due, value[:dueSize]) || !c.has(mailDueBucket, append(due, key...)) {
		err = errors.New("is not in the index of mail by the time when it is due")
	}
	return errors.Join(err, c.expires(m.Expires, mailKind, key))
}

func (c *checker) mailDue(key, _ []byte) error {
	if len(key) < dueSize {
		return errUnread
	}
	row := c.get(mailBucket, key[dueSize:])
	switch {
	case row == nil:
		return errNoRecord
	case !bytes.HasPrefix(row, key[:dueSize]):
		return errOther
	}
	return nil
}
