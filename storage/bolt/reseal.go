package bolt

import (
	"bytes"
	"context"
	"fmt"

	"brygga/storage"
)

// sealedRows are the buckets whose rows are sealed, from some byte on.
var sealedRows = []struct {
	bucket bucketID
	kind   storage.SealedKind
	from   int
}{
	{requestsBucket, storage.SealedRequest, 0}, {loginsBucket, storage.SealedLogin, 0}, {grantsBucket, storage.SealedGrant, generationSize},
	{sessionsBucket, storage.SealedSession, 0}, {pushedBucket, storage.SealedPushedRequest, 0}, {noticesBucket, storage.SealedNotice, dueSize},
	{keysBucket, storage.SealedSigningKeys, revisionSize}, {secretsBucket, storage.SealedSecret, 0},
	{operatorsBucket, storage.SealedOperator, 0}, {mailBucket, storage.SealedMail, dueSize},
	{documentsBucket, storage.SealedDocument, 0}, {evidenceBucket, storage.SealedEvidence, 0},
}

// resealPosition is where the next call of Reseal goes on: behind the key, in that bucket of sealedRows.
type resealPosition struct {
	bucket int
	key    []byte
}

// resealLook bounds how many rows one call of Reseal looks at, so that a caller can give up in between.
const resealLook = 1 << 14

// noteKey notes the key that seals, before anything is sealed with it.
func (s *Store) noteKey(t *tx) error {
	next, err := s.codec.CheckKeys(t.get(metaBucket, metaKey))
	if err != nil || next == nil {
		return err
	}
	return t.put(metaBucket, metaKey, next)
}

// Reseal seals records anew with the current master key; see storage.Store. Steps of logins wait behind it for as long as it takes to
// seal limit records: some hundred are a good limit. It waits for the disk only if there is something to seal.
func (s *Store) Reseal(ctx context.Context, limit int) (done storage.Resealed, err error) {
	s.resealing.Lock()
	defer s.resealing.Unlock()
	var rows []resealPosition
	next := s.resealed
	if err := s.view(func(t *tx) error {
		rows = s.staleRows(t, &next, limit)
		return nil
	}); err != nil {
		return storage.Resealed{}, fmt.Errorf("seal anew: %w", err)
	}
	last := next.bucket == len(sealedRows)
	if len(rows) > 0 || last {
		err = s.update(ctx, func(t *tx) error {
			done = storage.Resealed{Done: last}
			for _, row := range rows {
				n, err := s.reseal(t, row)
				if err != nil {
					return err
				}
				done.Records += n
			}
			if last {
				return s.forgetKeys(t)
			}
			return nil
		})
	}
	if err != nil {
		return storage.Resealed{}, fmt.Errorf("seal anew: %w", err)
	}
	if last {
		next = resealPosition{}
	}
	s.resealed = next
	return done, nil
}

// forgetKeys notes that no record needs another key than the one that seals.
func (s *Store) forgetKeys(t *tx) error {
	if next := s.codec.ForgetKeys(t.get(metaBucket, metaKey)); next != nil {
		return t.put(metaBucket, metaKey, next)
	}
	return nil
}

// staleRows returns at most limit rows that are not sealed with the current key, and moves the position behind what it has looked at.
func (s *Store) staleRows(t *tx, at *resealPosition, limit int) (rows []resealPosition) {
	for looked := 0; at.bucket < len(sealedRows); *at = (resealPosition{bucket: at.bucket + 1}) {
		cursor := t.bucket(sealedRows[at.bucket].bucket).Cursor()
		key, value := cursor.Seek(at.key)
		if key != nil && bytes.Equal(key, at.key) {
			key, value = cursor.Next()
		}
		for ; key != nil; key, value = cursor.Next() {
			if looked == resealLook || len(rows) == limit {
				return rows
			}
			looked++
			*at = resealPosition{at.bucket, bytes.Clone(key)}
			of := sealedRows[at.bucket]
			if text, err := plain(of.bucket, key, value); err != nil || len(text) < of.from || !s.codec.Current(text[of.from:]) {
				rows = append(rows, *at)
			}
		}
	}
	return rows
}

// reseal seals the row anew and returns 1, or 0 when there is no need any more.
func (s *Store) reseal(t *tx, row resealPosition) (int, error) {
	of := sealedRows[row.bucket]
	value := t.get(of.bucket, row.key)
	if value == nil {
		return 0, nil
	}
	label := string(row.key)
	if of.kind == storage.SealedSigningKeys {
		label = ""
	}
	head := min(of.from, len(value))
	sealed, err := s.codec.Reseal(of.kind, label, value[head:])
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", bucketNames[of.bucket], storage.KeyHash(row.key), err)
	}
	if sealed == nil {
		return 0, nil
	}
	return 1, t.put(of.bucket, row.key, append(bytes.Clone(value[:head]), sealed...))
}
