package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brygga/storage"
)

// metaMigration is how far a store has come that is being filled from another: a storage.Migration in JSON.
var metaMigration = []byte("migration")

// metaMoved is the last migration that was done, in the same form.
var metaMoved = []byte("moved")

var _ storage.Target = (*Store)(nil)

// Origin names the store and its state; see storage.Source.
func (s *Store) Origin(context.Context) (origin string, err error) {
	err = s.view(func(t *tx) error {
		origin = fmt.Sprintf("file %s at %d", t.get(metaBucket, metaStore), t.btx.ID())
		return nil
	})
	return origin, err
}

// InUse returns nil: the file belongs to this process.
func (s *Store) InUse(context.Context) error { return nil }

// migration returns how far an unfinished migration has come, else the last one that was done, nil when there is none.
func migration(t *tx) (*storage.Migration, error) {
	text := t.get(metaBucket, metaMigration)
	done := text == nil
	if done {
		text = t.get(metaBucket, metaMoved)
	}
	if text == nil {
		return nil, nil
	}
	m := new(storage.Migration)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("decode migration: %w", err)
	}
	m.Done = done
	return m, nil
}

// holds reports whether the store has any record.
func (t *tx) holds() bool {
	for id := range bucketCount {
		if key, _ := t.bucket(id).Cursor().First(); key != nil && id != metaBucket {
			return true
		}
	}
	return t.get(metaBucket, metaForgotten) != nil || t.bucket(clientsBucket).Sequence() > 0
}

func putMigration(t *tx, m storage.Migration) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return t.put(metaBucket, metaMigration, text)
}

// BeginMigration notes the migration that the store goes on with; see storage.Target.
func (s *Store) BeginMigration(ctx context.Context, source string, now time.Time) (m storage.Migration, err error) {
	err = s.update(ctx, func(t *tx) error {
		stored, err := migration(t)
		if err != nil {
			return err
		}
		if m, err = stored.Begin(t.holds(), source, now); err != nil {
			return err
		}
		if m.Done {
			return nil
		}
		return putMigration(t, m)
	})
	return m, err
}

// EndMigration notes that all is there; see storage.Target.
func (s *Store) EndMigration(ctx context.Context) error {
	return s.update(ctx, func(t *tx) error {
		text := bytes.Clone(t.get(metaBucket, metaMigration))
		if text == nil {
			return nil
		}
		return errors.Join(t.put(metaBucket, metaMoved, text), t.remove(metaBucket, metaMigration))
	})
}

// Import stores entries; see storage.Target.
func (s *Store) Import(ctx context.Context, entries []storage.Entry, reached storage.Migration) error {
	return s.update(ctx, func(t *tx) error {
		t.inOrder()
		for _, entry := range entries {
			if err := s.putEntry(t, entry); err != nil {
				return fmt.Errorf("store %s: %w", storage.EntryName(entry.Kind, entry.Key), err)
			}
		}
		return putMigration(t, reached)
	})
}

func (s *Store) putEntry(t *tx, e storage.Entry) error {
	switch r := e.Record.(type) {
	case []storage.SigningKey:
		sealed, err := s.codec.EncodeSigningKeys(r)
		if err != nil {
			return err
		}
		return t.put(keysBucket, keySet, append(binary.BigEndian.AppendUint64(nil, e.Number), sealed...))
	case []byte:
		return t.put(secretsBucket, e.Key, s.codec.EncodeSecret(string(e.Key), r))
	case *storage.Client:
		return s.putClient(t, e.Number, nil, r)
	case *storage.Login:
		return s.putNewLogin(t, r)
	case *storage.Grant:
		return s.putGrantEntry(t, r, e)
	case *storage.Code:
		return errors.Join(putCode(t, &codeRow{Code: *r, Kept: e.Kept}), t.putExpiry(e.Kept, codeKind, e.Key, nil))
	case *storage.AccessToken:
		return putNewToken(t, *r, r.GrantID)
	case *storage.RefreshToken:
		return putRefreshEntry(t, r, e)
	case *storage.Session:
		return s.putSession(t, nil, r)
	case *storage.Notice:
		return s.putNewNotice(t, r)
	case *storage.PushedRequest:
		sealed, err := s.codec.EncodePushedRequest(r)
		if err != nil {
			return err
		}
		return errors.Join(t.put(pushedBucket, e.Key, sealed), t.putExpiry(r.Expires, pushedKind, e.Key, nil))
	case *storage.AuditTile:
		return t.putTile(r)
	case *storage.AuditTree:
		return t.putTree(*r)
	case *storage.AuditEvent:
		rows, err := auditRows([]storage.AuditEvent{*r})
		if err != nil {
			return err
		}
		return t.putAudit(rows)
	case *storage.Operator:
		return s.putOperator(t, r, nil)
	case *storage.Throttle:
		return putThrottle(t, *r)
	case *storage.APIKey:
		return t.putAPIKey(r)
	case *storage.Note:
		return t.put(notesBucket, r.Key, r.Value)
	case *storage.Mail:
		return s.putNewMail(t, r)
	case *storage.Document:
		return s.putDocument(t, r)
	case *storage.EvidenceRecord:
		return s.putNewEvidence(t, r)
	}
	return putBareEntry(t, e)
}

// putBareEntry stores what has no record.
func putBareEntry(t *tx, e storage.Entry) error {
	switch e.Kind {
	case storage.GenerationsEntry:
		t.writes++
		return t.bucket(clientsBucket).SetSequence(e.Number)
	case storage.ForgottenEntry:
		return t.putForgotten(e.Kept)
	case storage.UsedEntry:
		return errors.Join(t.put(replaysBucket, e.Key, appendUp(nil, e.Kept)), t.putExpiry(e.Kept, replayKind, e.Key, nil))
	}
	return fmt.Errorf("no store has a %s of this form", e.Kind)
}

// putGrantEntry stores a grant with what leads to it.
func (s *Store) putGrantEntry(t *tx, grant *storage.Grant, e storage.Entry) error {
	err := errors.Join(s.putGrant(t, e.Number, grant), t.putExpiry(e.Kept, grantKind, e.Key, memberKey(grant.SessionID, grant.Session)))
	if e.Led && grant.SessionID != "" {
		err = errors.Join(err, t.put(sidsBucket, memberKey(grant.SessionID, grant.ID), nil))
	}
	if e.Led && grant.Session != "" {
		err = errors.Join(err, t.put(sessionGrantsBucket, memberKey(grant.Session, grant.ID), appendUp(nil, e.Kept)))
	}
	return err
}

// putRefreshEntry stores a token. The first of a family leads the sweep to the others.
func putRefreshEntry(t *tx, token *storage.RefreshToken, e storage.Entry) error {
	if token.Generation == 1 {
		if err := t.putExpiry(e.Kept, refreshKind, e.Key, nil); err != nil {
			return err
		}
	}
	return putRefresh(t, token, e.Next)
}

// Outgoing is a store that is left as it is, for reading all of it.
type Outgoing struct{ *Store }

// OpenOutgoing opens the store file at path to read all of it with Export, and no other method, after a look at every page. No other process may
// have it, and nothing is written. Its errors are those of Open; a file of an earlier version is ErrOlderFormat. The caller calls Close.
func OpenOutgoing(path string, sealer storage.Sealer) (*Outgoing, error) {
	s, err := openToRead(path, sealer)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	err = s.view(func(t *tx) error {
		if t.get(metaBucket, metaMigration) != nil {
			return storage.ErrUnfinished
		}
		return checkMark(path, string(t.get(metaBucket, metaStore)), uint64(t.btx.ID()))
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), s.db.Close())
	}
	return &Outgoing{s}, nil
}

// Close lets go of the file.
func (o *Outgoing) Close() error { return o.db.Close() }
