package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Sweep removes at most limit expired records with their rows in the indexes; see storage.Store. The limit bounds how long
// the steps of logins wait behind it: some hundred is a good one. It waits for the disk only if there is something to sweep.
func (s *Store) Sweep(ctx context.Context, now time.Time, limit int) (removed int, err error) {
	var expired [][]byte
	if err := s.view(func(t *tx) error {
		expired = expiredRows(t, now, min(limit, 1))
		return nil
	}); err != nil || len(expired) == 0 {
		return 0, err
	}
	err = s.update(ctx, func(t *tx) error {
		removed = 0
		for removed < limit {
			expired := expiredRows(t, now, limit-removed)
			if len(expired) == 0 {
				break
			}
			for _, row := range expired { // some leave another in their place
				if err := t.sweep(row); err != nil {
					return err
				}
			}
			removed += len(expired)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("sweep: %w", err)
	}
	return removed, nil
}

// expiredRows returns copies of the first rows of the expiry index that lie at or before now.
func expiredRows(t *tx, now time.Time, limit int) (rows [][]byte) {
	end := uint64(max(0, now.UnixMicro()))
	cursor := t.bucket(expiryBucket).Cursor()
	for row, _ := cursor.First(); row != nil && len(rows) < limit && binary.BigEndian.Uint64(row) <= end; row, _ = cursor.Next() {
		rows = append(rows, append([]byte(nil), row...))
	}
	return rows
}

// sweep removes the record that the row of the expiry index stands for, and the row.
func (t *tx) sweep(row []byte) error {
	kind, key := row[8], row[9:]
	var err error
	switch kind {
	case loginKind:
		t.noteLogin(string(key), nil, 0)
		if t.get(pendingBucket, key) != nil {
			t.pendingDelta--
			err = t.remove(pendingBucket, key)
		}
		err = errors.Join(err, t.remove(loginsBucket, key), t.remove(requestsBucket, key), t.removeDocument(key))
	case grantKind:
		err = t.sweepGrant(string(key), t.get(expiryBucket, row))
	case codeKind:
		err = t.remove(codesBucket, key)
	case tokenKind:
		t.noteToken(key, nil)
		err = t.remove(tokensBucket, key)
	case refreshKind:
		err = t.sweepRefresh(row)
	case sessionKind: // the note is its cookie
		err = errors.Join(t.remove(cookiesBucket, bytes.Clone(t.get(expiryBucket, row))), t.remove(sessionsBucket, key))
	case noticeKind:
		err = errors.Join(t.removeDue(key), t.remove(noticesBucket, key))
	case pushedKind:
		err = t.remove(pushedBucket, key)
	case replayKind:
		err = t.remove(replaysBucket, key)
	case auditKind:
		err = t.remove(auditBucket, key)
	case countKind:
		err = t.remove(throttlesBucket, key)
	case mailKind:
		err = errors.Join(t.removeMailDue(key), t.remove(mailBucket, key))
	case evidenceKind:
		err = t.removeEvidence(key)
	default:
		err = fmt.Errorf("expiry index has a record of unknown kind %q", kind)
	}
	return errors.Join(err, t.remove(expiryBucket, row))
}
