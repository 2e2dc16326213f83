package bolt

import (
	"bytes"
	"errors"
	"time"

	"brygga/storage"
)

// keptKinds are the kinds of record in the expiry index that a copy may bring back: nobody can use them twice.
var keptKinds = []byte{noticeKind, replayKind, auditKind, countKind, evidenceKind}

// startAnew ends all that works once or can be taken back: in a copy it would work again. The store goes on under another name, so
// that the file which this one replaces is known as a stranger.
func (s *Store) startAnew(t *tx, now time.Time) error {
	var kept [][]byte
	cursor := t.bucket(expiryBucket).Cursor()
	for row, _ := cursor.First(); row != nil; row, _ = cursor.Next() {
		if len(row) < 9 { // in a torn copy the rows may be those of another bucket
			return damage("the index of what expires has other rows")
		}
		if bytes.IndexByte(keptKinds, row[8]) >= 0 {
			kept = append(kept, bytes.Clone(row))
		}
	}
	for _, id := range []bucketID{
		requestsBucket, loginsBucket, documentsBucket, pendingBucket, codesBucket, grantsBucket, sidsBucket, tokensBucket, refreshBucket, sessionsBucket, cookiesBucket,
		sessionGrantsBucket, pushedBucket, mailBucket, mailDueBucket, expiryBucket,
	} {
		if err := t.btx.DeleteBucket(bucketNames[id]); err != nil {
			return err
		}
		if _, err := t.btx.CreateBucket(bucketNames[id]); err != nil {
			return err
		}
		t.buckets[id] = nil
	}
	for _, row := range kept {
		if err := t.put(expiryBucket, row, nil); err != nil {
			return err
		}
	}
	if err := s.endOperators(t, now); err != nil {
		return err
	}
	return errors.Join(endAPIKeys(t), t.putForgotten(now), t.put(metaBucket, metaStore, []byte(storage.NewID())))
}
