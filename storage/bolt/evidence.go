package bolt

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"brygga/storage"
)

// clientEvidenceKey is the key of a record among those of its client, and in the index of what expires.
func clientEvidenceKey(client string, at storage.EvidencePosition) []byte {
	return append(appendMicros(memberKey(client, ""), at.Created), at.ID...)
}

// evidenceID returns the ID at the end of such a key, nil when it is none.
func evidenceID(key []byte) []byte {
	client, rest, _ := bytes.Cut(key, []byte{0})
	if len(client) == 0 || len(rest) <= 8 {
		return nil
	}
	return rest[8:]
}

// stepCompletion is a storage.StepCompletion in a transaction that others share.
func (s *Store) stepCompletion(ctx context.Context, id string, now time.Time, rule func(*storage.Login) error, record *storage.EvidenceRecord, tell ...storage.Tell) (*storage.Login, error) {
	var result *storage.Login
	err := s.updatePatiently(ctx, func(t *tx) error {
		first := func(l *storage.Login) error { // who tries again what has been stored is told so by the login
			if err := rule(l); err != nil {
				return err
			}
			if t.has(evidenceBucket, []byte(record.ID)) {
				return storage.ErrExists
			}
			return nil
		}
		if err := s.loginStep(id, now, first, &result, tell...)(t); err != nil {
			return err
		}
		return s.putNewEvidence(t, record)
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// putNewEvidence writes a record that is not there yet, with what leads to it.
func (s *Store) putNewEvidence(t *tx, e *storage.EvidenceRecord) error {
	key := clientEvidenceKey(e.ClientID, storage.EvidencePosition{Created: e.Created, ID: e.ID})
	return errors.Join(s.putEvidence(t, e), t.put(clientEvidenceBucket, key, nil), t.putExpiry(e.Kept, evidenceKind, key, nil))
}

func (s *Store) putEvidence(t *tx, e *storage.EvidenceRecord) error {
	row, err := s.codec.EncodeEvidence(e)
	if err != nil {
		return err
	}
	return t.put(evidenceBucket, []byte(e.ID), row)
}

// removeEvidence removes the record of that key of its client.
func (t *tx) removeEvidence(key []byte) error {
	return errors.Join(t.remove(evidenceBucket, evidenceID(key)), t.remove(clientEvidenceBucket, key))
}

func (s *Store) evidence(t *tx, id []byte) (*storage.EvidenceRecord, error) {
	row := t.get(evidenceBucket, id)
	if row == nil {
		return nil, storage.ErrNotFound
	}
	return s.codec.DecodeEvidence(string(id), row)
}

// Evidence returns the record with that ID, or storage.ErrNotFound.
func (s *Store) Evidence(_ context.Context, id string, now time.Time) (record *storage.EvidenceRecord, err error) {
	err = s.view(func(t *tx) error {
		if record, err = s.evidence(t, []byte(id)); err != nil {
			return err
		}
		return storage.Unexpired(record.Kept, now)
	})
	if err != nil {
		return nil, err
	}
	return record, nil
}

// FindEvidence returns the records that are wanted; see storage.Evidences.
func (s *Store) FindEvidence(_ context.Context, q storage.EvidenceQuery, now time.Time, limit int) (all []*storage.EvidenceRecord, err error) {
	if strings.ContainsRune(q.ClientID, 0) { // which ends the client's ID in a key: records of another client would be found
		return nil, nil
	}
	err = s.view(func(t *tx) error {
		all = nil
		for len(all) < limit {
			keys := t.evidenceKeys(&q, limit)
			for _, key := range keys {
				q.Before = key.at
				if record := s.evidenceHead(t, key); storage.Unexpired(record.Kept, now) == nil && len(all) < limit {
					all = append(all, record)
				}
			}
			if len(keys) < limit {
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// evidenceHead returns the record of a key as lists have it.
func (s *Store) evidenceHead(t *tx, key evidenceKey) *storage.EvidenceRecord {
	record, err := s.evidence(t, []byte(key.at.ID))
	if err != nil {
		return &storage.EvidenceRecord{ID: key.at.ID, ClientID: key.client, Created: key.at.Created, Kept: endOfTime, Unreadable: true}
	}
	return record.Head()
}

// endOfTime is when a row expires that does not say so.
var endOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// evidenceKey says whose record lies where.
type evidenceKey struct {
	client string
	at     storage.EvidencePosition
}

// evidenceKeys returns at most limit keys of what is wanted, the newest first. Of all clients, those of each are looked at in turn.
func (t *tx) evidenceKeys(q *storage.EvidenceQuery, limit int) (keys []evidenceKey) {
	cursor := t.bucket(clientEvidenceBucket).Cursor()
	if q.ClientID != "" {
		return evidenceKeysOf(cursor, q.ClientID, q, limit)
	}
	for key, _ := cursor.First(); key != nil; {
		name, _, _ := bytes.Cut(key, []byte{0})
		client := string(name)
		keys = append(keys, evidenceKeysOf(cursor, client, q, limit)...)
		key, _ = cursor.Seek([]byte(client + "\x01"))
	}
	slices.SortFunc(keys, func(a, b evidenceKey) int {
		if a.at.Before(b.at) {
			return 1
		}
		return -1
	})
	return keys[:min(len(keys), limit)]
}

// evidenceKeysOf is evidenceKeys for a client.
func evidenceKeysOf(cursor *bbolt.Cursor, client string, q *storage.EvidenceQuery, limit int) (keys []evidenceKey) {
	prefix, end := memberKey(client, ""), []byte(client+"\x01") // behind all that the client has
	if before := q.End(); before != (storage.EvidencePosition{}) {
		end = clientEvidenceKey(client, before)
	}
	key, _ := cursor.Seek(end)
	if key == nil {
		key, _ = cursor.Last()
	} else {
		key, _ = cursor.Prev()
	}
	for ; bytes.HasPrefix(key, prefix) && len(keys) < limit; key, _ = cursor.Prev() {
		id := evidenceID(key)
		if id == nil {
			continue
		}
		created := micros(key[len(prefix):])
		if created.Before(q.From) {
			break
		}
		keys = append(keys, evidenceKey{client, storage.EvidencePosition{Created: created, ID: string(id)}})
	}
	return keys
}

// AttestEvidence stores what has come to the record since; see storage.Evidences.
func (s *Store) AttestEvidence(ctx context.Context, id string, a storage.Attestation, now time.Time) error {
	_, err := s.changeEvidence(ctx, id, now, func(e *storage.EvidenceRecord) error { return e.Attest(a) })
	return err
}

// changeEvidence changes a record by a rule, in one step with the events, and returns it as it is then.
func (s *Store) changeEvidence(ctx context.Context, id string, now time.Time, rule func(*storage.EvidenceRecord) error, events ...storage.AuditEvent) (record *storage.EvidenceRecord, err error) {
	err = s.updateAnd(ctx, events, func(t *tx) error {
		stored, err := s.evidence(t, []byte(id))
		if err != nil {
			return err
		}
		if err := errors.Join(storage.Unexpired(stored.Kept, now), rule(stored)); err != nil {
			return err
		}
		record = stored
		return s.putEvidence(t, stored)
	})
	if err != nil {
		return nil, err
	}
	return record, nil
}

// EraseEvidence takes out of the record what is in it; see storage.Evidences.
func (s *Store) EraseEvidence(ctx context.Context, id string, erasure storage.Erasure, events ...storage.AuditEvent) (*storage.EvidenceRecord, error) {
	return s.changeEvidence(ctx, id, erasure.At, func(e *storage.EvidenceRecord) error { return e.Erase(erasure) }, events...)
}

func (s *Store) evidenceEntry(_ *tx, id, row []byte) (storage.Entry, error) {
	record, err := s.codec.DecodeEvidence(string(id), row)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.EvidenceEntryOf(record), nil
}

func (c *checker) evidence(id, row []byte) error {
	record, err := c.codec.DecodeEvidence(string(id), row)
	if err != nil {
		return errUnopened
	}
	key := clientEvidenceKey(record.ClientID, storage.EvidencePosition{Created: record.Created, ID: record.ID})
	if err = record.Whole(); err != nil {
		err = errors.New("says otherwise than its sum")
	}
	if !c.has(clientEvidenceBucket, key) {
		err = errors.Join(err, errors.New("is not in the index of what its client has"))
	}
	return errors.Join(err, c.expires(record.Kept, evidenceKind, key))
}

func (c *checker) clientEvidence(key, _ []byte) error {
	return c.leads(evidenceBucket, evidenceID(key))
}
