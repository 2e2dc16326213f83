package bolt

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"brygga/storage"
)

// beginning returns the first bytes of a hash as a number.
func beginning(hash []byte) uint64 {
	var first [8]byte
	copy(first[:], hash)
	return binary.BigEndian.Uint64(first[:])
}

func (c *checker) session(key, value []byte) error {
	session, err := c.codec.DecodeSession(string(key), value)
	if err != nil {
		return errUnopened
	}
	if !bytes.Equal(c.get(cookiesBucket, session.CookieHash[:]), key) {
		err = errors.New("its cookie leads elsewhere")
	}
	if !bytes.Equal(c.get(expiryBucket, expiryRow(session.Ends(), sessionKind, key)), session.CookieHash[:]) {
		err = errors.Join(err, errNoExpiry)
	}
	return err
}

func (c *checker) cookie(key, value []byte) error {
	row := c.get(sessionsBucket, value)
	if row == nil {
		return errNoRecord
	}
	if session, err := c.codec.DecodeSession(string(value), row); err == nil && !bytes.Equal(session.CookieHash[:], key) {
		return errOther
	}
	return nil
}

func (c *checker) sessionGrant(key, value []byte) error {
	session, id, _ := bytes.Cut(key, []byte{0})
	grant, err := c.grantAt(id)
	if err != nil {
		return told(err)
	}
	if len(value) < 8 {
		return errUnread
	}
	if grant.Session != string(session) {
		err = errOther
	}
	return errors.Join(err, c.grantExpires(grant, micros(value)))
}

// grantExpires returns an error unless the grant is swept at the time, with what leads to it.
func (c *checker) grantExpires(grant *storage.Grant, at time.Time) error {
	note := c.get(expiryBucket, expiryRow(at, grantKind, []byte(grant.ID)))
	old := grant.Session == "" && string(note) == grant.SessionID // as format 1 wrote it
	if note == nil || !old && !bytes.Equal(note, memberKey(grant.SessionID, grant.Session)) {
		return errNoExpiry
	}
	return nil
}

func (c *checker) notice(key, value []byte) error {
	if len(value) < dueSize {
		return errUnopened
	}
	notice, err := c.codec.DecodeNotice(string(key), value[dueSize:])
	if err != nil {
		return errUnopened
	}
	due := appendUp(nil, notice.Due)
	if !bytes.Equal(due, value[:dueSize]) || !c.has(dueBucket, append(due, key...)) {
		err = errors.New("is not in the index of notices by the time when they are due")
	}
	return errors.Join(err, c.expires(notice.Expires, noticeKind, key))
}

func (c *checker) due(key, _ []byte) error {
	if len(key) < dueSize {
		return errUnread
	}
	row := c.get(noticesBucket, key[dueSize:])
	switch {
	case row == nil:
		return errNoRecord
	case !bytes.HasPrefix(row, key[:dueSize]):
		return errOther
	}
	return nil
}

func (c *checker) pushed(key, value []byte) error {
	if len(key) != 32 {
		return errUnopened
	}
	request, err := c.codec.DecodePushedRequest([32]byte(key), value)
	if err != nil {
		return errUnopened
	}
	return c.expires(request.Expires, pushedKind, key)
}

func (c *checker) replay(key, value []byte) error {
	if len(value) < 8 {
		return errUnread
	}
	return c.expires(micros(value), replayKind, key)
}

func (c *checker) keySet(key, value []byte) error {
	if !bytes.Equal(key, keySet) || len(value) < revisionSize {
		return errUnopened
	}
	if _, err := c.codec.DecodeSigningKeys(value[revisionSize:]); err != nil {
		return errUnopened
	}
	return nil
}

func (c *checker) secret(key, value []byte) error {
	if _, err := c.codec.DecodeSecret(string(key), value); err != nil {
		return errUnopened
	}
	return nil
}

func (c *checker) audit(key, value []byte) error {
	var event storage.AuditEvent
	if json.Unmarshal(value, &event) != nil {
		return errUnread
	}
	var err error
	if !bytes.Equal(key, append(appendMicros(nil, event.Time), event.ID...)) {
		err = errors.New("stands at another time than its own, or under another ID")
	}
	return errors.Join(err, c.expires(event.Expires, auditKind, key))
}

func (c *checker) expiry(row, _ []byte) error {
	if len(row) < 9 {
		return errUnread
	}
	bucket, known := kindBuckets[row[8]]
	if !known {
		return errUnread
	}
	c.kinds[row[8]]++
	switch row[8] {
	case grantKind:
		delete(c.ended, string(row[9:]))
	case refreshKind:
		c.families -= beginning(row[9:])
		return c.family(row)
	}
	return c.leads(bucket, row[9:])
}

// family returns an error unless a family of refresh tokens is swept when its grant ends.
func (c *checker) family(row []byte) error {
	token, err := c.refreshRow(row[9:])
	if errors.Is(err, storage.ErrNotFound) {
		return errNoRecord
	}
	if err != nil {
		return nil // told with the token
	}
	if grant, err := c.grantAt([]byte(token.GrantID)); err == nil && !bytes.Equal(row[:8], appendUp(nil, grant.Expires)) {
		return errOther
	}
	return nil
}
