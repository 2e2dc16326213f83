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

// exports are the buckets of the kinds of record, and what makes an entry of a row. Kinds without a bucket are none: see exportMeta.
var exports = map[storage.EntryKind]struct {
	bucket bucketID
	entry  func(s *Store, t *tx, key, row []byte) (storage.Entry, error)
}{
	storage.KeysEntry: {keysBucket, (*Store).keysEntry}, storage.SecretEntry: {secretsBucket, (*Store).secretEntry},
	storage.ClientEntry: {clientsBucket, (*Store).clientEntry}, storage.LoginEntry: {loginsBucket, (*Store).loginEntry},
	storage.GrantEntry: {grantsBucket, (*Store).grantEntry}, storage.CodeEntry: {codesBucket, (*Store).codeEntry},
	storage.AccessEntry: {tokensBucket, (*Store).accessEntry}, storage.RefreshEntry: {refreshBucket, (*Store).refreshEntry},
	storage.SessionEntry: {sessionsBucket, (*Store).sessionEntry}, storage.NoticeEntry: {noticesBucket, (*Store).noticeEntry},
	storage.PushedEntry: {pushedBucket, (*Store).pushedEntry}, storage.UsedEntry: {replaysBucket, (*Store).usedEntry},
	storage.AuditEntry: {auditBucket, (*Store).auditEntry}, storage.OperatorEntry: {operatorsBucket, (*Store).operatorEntry},
	storage.ThrottleEntry: {throttlesBucket, (*Store).throttleEntry}, storage.MailEntry: {mailBucket, (*Store).mailEntry},
	storage.TileEntry: {treeBucket, (*Store).tileEntry}, storage.TreeEntry: {treeBucket, (*Store).treeEntry},
	storage.APIKeyEntry: {apiKeysBucket, (*Store).apiKeyEntry}, storage.NoteEntry: {notesBucket, (*Store).noteEntry},
	storage.DocumentEntry: {documentsBucket, (*Store).documentEntry}, storage.EvidenceEntry: {evidenceBucket, (*Store).evidenceEntry},
}

// Export returns entries that follow after; see storage.Source.
func (s *Store) Export(ctx context.Context, after storage.Position, now time.Time, limit int) (entries []storage.Entry, err error) {
	err = s.view(func(t *tx) error {
		for _, kind := range storage.EntryKinds() {
			if kind < after.Kind || len(entries) == limit {
				continue
			}
			var behind []byte
			if kind == after.Kind {
				behind = after.Key
			}
			if kind == storage.GenerationsEntry || kind == storage.ForgottenEntry {
				if kind != after.Kind {
					entries = append(entries, exportMeta(t, kind)...)
				}
				continue
			}
			if (kind == storage.KeysEntry || kind == storage.TreeEntry) && kind == after.Kind {
				continue
			}
			more, err := s.exportKind(ctx, t, kind, behind, now, limit-len(entries))
			if err != nil {
				return err
			}
			entries = append(entries, more...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// exportMeta returns the entries of what is no row of a bucket of its own.
func exportMeta(t *tx, kind storage.EntryKind) []storage.Entry {
	if kind == storage.GenerationsEntry {
		if last := t.bucket(clientsBucket).Sequence(); last > 0 {
			return []storage.Entry{{Kind: kind, Number: last}}
		}
		return nil
	}
	if at := t.forgotten(); !at.IsZero() {
		return []storage.Entry{{Kind: kind, Kept: at}}
	}
	return nil
}

// errGone means that the row stands for nothing any more.
var errGone = errors.New("gone")

// exportKind returns at most limit entries of the kind whose rows follow behind.
func (s *Store) exportKind(ctx context.Context, t *tx, kind storage.EntryKind, behind []byte, now time.Time, limit int) (entries []storage.Entry, err error) {
	of := exports[kind]
	cursor := t.bucket(of.bucket).Cursor()
	key, row := cursor.Seek(behind)
	if key != nil && len(behind) > 0 && bytes.Equal(key, behind) {
		key, row = cursor.Next()
	}
	for ; key != nil && len(entries) < limit; key, row = cursor.Next() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		text, err := plain(of.bucket, key, row)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", storage.ErrUnreadable, err)
		}
		entry, err := of.entry(s, t, key, text)
		if errors.Is(err, errGone) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s", storage.ErrUnreadable, storage.EntryName(kind, key)) // the error itself may quote it
		}
		if !entry.Gone(now) {
			entries = append(entries, entry)
		}
	}
	return entries, nil
}

// long returns errUnopened for a row of fewer bytes.
func long(row []byte, size int) error {
	if len(row) < size {
		return errUnopened
	}
	return nil
}

func (s *Store) keysEntry(_ *tx, _, row []byte) (storage.Entry, error) {
	if err := long(row, revisionSize); err != nil {
		return storage.Entry{}, err
	}
	keys, err := s.codec.DecodeSigningKeys(row[revisionSize:])
	return storage.Entry{Kind: storage.KeysEntry, Record: keys, Number: binary.BigEndian.Uint64(row)}, err
}

func (s *Store) secretEntry(_ *tx, name, row []byte) (storage.Entry, error) {
	value, err := s.codec.DecodeSecret(string(name), row)
	return storage.Entry{Kind: storage.SecretEntry, Key: bytes.Clone(name), Record: value}, err
}

func (s *Store) clientEntry(_ *tx, id, row []byte) (storage.Entry, error) {
	client, err := decodeClient(row)
	if err != nil || client.ID != string(id) {
		return storage.Entry{}, errUnread
	}
	return storage.ClientEntryOf(client, binary.BigEndian.Uint64(row)), nil
}

func (s *Store) loginEntry(t *tx, id, row []byte) (storage.Entry, error) {
	login, err := s.codec.DecodeLogin(string(id), t.get(requestsBucket, id), row)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.LoginEntryOf(login), nil
}

// storedGrant returns the grant as the file has it, with the generation of its client.
func (s *Store) storedGrant(t *tx, id []byte) (*storage.Grant, uint64, error) {
	row := t.get(grantsBucket, id)
	if row == nil {
		return nil, 0, errGone
	}
	if err := long(row, generationSize); err != nil {
		return nil, 0, err
	}
	grant, err := s.codec.DecodeGrant(string(id), row[generationSize:])
	return grant, binary.BigEndian.Uint64(row), err
}

func (s *Store) grantEntry(t *tx, id, _ []byte) (storage.Entry, error) {
	grant, generation, err := s.storedGrant(t, id)
	if err != nil {
		return storage.Entry{}, err
	}
	kept, led := time.Time{}, t.has(sidsBucket, memberKey(grant.SessionID, grant.ID))
	if row := t.get(sessionGrantsBucket, memberKey(grant.Session, grant.ID)); len(row) >= 8 {
		kept, led = micros(row), true
	}
	return storage.GrantEntryOf(grant, generation, led, kept), nil
}

func (s *Store) codeEntry(_ *tx, hash, row []byte) (storage.Entry, error) {
	var code codeRow
	if err := errors.Join(long(hash, 32), json.Unmarshal(row, &code)); err != nil {
		return storage.Entry{}, err
	}
	code.Code.Hash = [32]byte(hash)
	return storage.CodeEntryOf(&code.Code, code.Kept), nil
}

func (s *Store) accessEntry(_ *tx, hash, row []byte) (storage.Entry, error) {
	var token tokenRow
	if err := errors.Join(long(hash, 32), json.Unmarshal(row, &token)); err != nil {
		return storage.Entry{}, err
	}
	token.AccessToken.Hash = [32]byte(hash)
	return storage.AccessEntryOf(&token.AccessToken), nil
}

// refreshEntry leaves out tokens whose grant was swept: it expired before.
func (s *Store) refreshEntry(t *tx, hash, _ []byte) (storage.Entry, error) {
	if err := long(hash, 32); err != nil {
		return storage.Entry{}, err
	}
	row, err := t.refreshRow(hash)
	if err != nil {
		return storage.Entry{}, err
	}
	grant, _, err := s.storedGrant(t, []byte(row.GrantID))
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.RefreshEntryOf(&row.RefreshToken, row.Next, grant.Expires), nil
}

func (s *Store) sessionEntry(_ *tx, id, row []byte) (storage.Entry, error) {
	session, err := s.codec.DecodeSession(string(id), row)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.SessionEntryOf(session), nil
}

func (s *Store) noticeEntry(_ *tx, id, row []byte) (storage.Entry, error) {
	if err := long(row, dueSize); err != nil {
		return storage.Entry{}, err
	}
	notice, err := s.codec.DecodeNotice(string(id), row[dueSize:])
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.NoticeEntryOf(notice), nil
}

func (s *Store) pushedEntry(_ *tx, hash, row []byte) (storage.Entry, error) {
	if err := long(hash, 32); err != nil {
		return storage.Entry{}, err
	}
	request, err := s.codec.DecodePushedRequest([32]byte(hash), row)
	if err != nil {
		return storage.Entry{}, err
	}
	return storage.PushedEntryOf(request), nil
}

func (s *Store) usedEntry(_ *tx, key, row []byte) (storage.Entry, error) {
	if err := long(row, 8); err != nil {
		return storage.Entry{}, err
	}
	return storage.UsedEntryOf(bytes.Clone(key), micros(row)), nil
}

func (s *Store) auditEntry(_ *tx, key, row []byte) (storage.Entry, error) {
	event := new(storage.AuditEvent)
	if err := json.Unmarshal(row, event); err != nil {
		return storage.Entry{}, err
	}
	entry := storage.AuditEntryOf(event)
	if !bytes.Equal(entry.Key, key) {
		return storage.Entry{}, errOther
	}
	return entry, nil
}
