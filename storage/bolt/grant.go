package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"brygga/storage"
)

// codeRow is a code as stored. The hash is the key and not repeated.
type codeRow struct {
	storage.Code
	Hash struct{} `json:"hash,omitzero"` // hides Code.Hash from encoding/json
	// Kept is when the row is forgotten: with the grant, so that a replay is known as one until then.
	Kept time.Time `json:"kept"`
}

// tokenRow is an access token as stored. The hash is the key and not repeated.
type tokenRow struct {
	storage.AccessToken
	Hash struct{} `json:"hash,omitzero"`
}

func putCode(t *tx, row *codeRow) error {
	text, err := json.Marshal(row)
	if err != nil {
		return fmt.Errorf("encode code: %w", err)
	}
	return t.put(codesBucket, row.Code.Hash[:], text)
}

func (s *Store) putNewCode(t *tx, code storage.Code, grantExpires time.Time) error {
	row := &codeRow{Code: code, Kept: code.Kept(grantExpires)}
	return errors.Join(putCode(t, row), t.putExpiry(row.Kept, codeKind, code.Hash[:], nil))
}

func (s *Store) putGrant(t *tx, generation uint64, grant *storage.Grant) error {
	sealed, err := s.codec.EncodeGrant(grant)
	if err != nil {
		return err
	}
	t.noteGrant(grant.ID, &grantRow{grant.Own(), generation}, len(sealed))
	row := binary.BigEndian.AppendUint64(make([]byte, 0, generationSize+len(sealed)), generation)
	return t.put(grantsBucket, []byte(grant.ID), append(row, sealed...))
}

// putNewGrant stores a grant that is swept at kept, when it has expired and is no longer needed to end its session.
func (s *Store) putNewGrant(t *tx, grant *storage.Grant, kept time.Time) error {
	if err := s.putGrant(t, t.generation(grant.ClientID), grant); err != nil {
		return err
	}
	if grant.SessionID != "" {
		if err := t.put(sidsBucket, memberKey(grant.SessionID, grant.ID), nil); err != nil {
			return err
		}
	}
	if grant.Session != "" {
		if err := t.put(sessionGrantsBucket, memberKey(grant.Session, grant.ID), appendUp(nil, kept)); err != nil {
			return err
		}
	}
	return t.putExpiry(kept, grantKind, []byte(grant.ID), memberKey(grant.SessionID, grant.Session))
}

// keptAfter reports whether the grant of the session is known after now, expired or not.
func (t *tx) keptAfter(session, grantID string, now time.Time) bool {
	row := t.get(sessionGrantsBucket, memberKey(session, grantID))
	return len(row) >= 8 && now.Before(micros(row))
}

// keepGrant lets the grant of the session be swept at kept, unless it is swept later anyway.
func (t *tx) keepGrant(session, grantID string, kept time.Time) error {
	if t.keptAfter(session, grantID, kept.Add(-1)) {
		return nil
	}
	row := memberKey(session, grantID)
	before, id := micros(t.get(sessionGrantsBucket, row)), []byte(grantID)
	note := bytes.Clone(t.get(expiryBucket, expiryRow(before, grantKind, id)))
	return errors.Join(
		t.removeExpiry(before, grantKind, id), t.putExpiry(kept, grantKind, id, note),
		t.put(sessionGrantsBucket, row, appendUp(nil, kept)))
}

// sweepGrant removes the grant; note is that of putNewGrant.
func (t *tx) sweepGrant(id string, note []byte) error {
	t.noteGrant(id, nil, 0)
	sid, session, _ := strings.Cut(string(note), "\x00")
	return errors.Join(
		t.remove(grantsBucket, []byte(id)), t.remove(sidsBucket, memberKey(sid, id)), t.remove(sessionGrantsBucket, memberKey(session, id)))
}

// anyGrant returns the grant as the transaction sees it and its client's generation, nil when there is none. The record is the
// caller's to change, but for its slices.
func (s *Store) anyGrant(t *tx, id string) (*storage.Grant, uint64, error) {
	noted, written := t.grants[id]
	known := noted.record
	if !written {
		known = s.grants.get(id)
	}
	if known != nil {
		grant := known.grant
		return &grant, known.generation, nil
	}
	row := t.get(grantsBucket, []byte(id))
	if row == nil {
		return nil, 0, nil
	}
	if len(row) < generationSize {
		return nil, 0, errors.New("decode grant: row is too short")
	}
	grant, err := s.codec.DecodeGrant(id, row[generationSize:])
	if err != nil {
		return nil, 0, err
	}
	return grant, binary.BigEndian.Uint64(row), nil
}

// grant returns the grant and its client's generation, or ErrNotFound when it does not stand at now.
func (s *Store) grant(t *tx, id string, now time.Time) (*storage.Grant, uint64, error) {
	grant, generation, err := s.anyGrant(t, id)
	if err != nil {
		return nil, 0, err
	}
	if grant == nil || !grant.Live(now) || generation != 0 && generation != t.generation(grant.ClientID) {
		return nil, 0, storage.ErrNotFound
	}
	return grant, generation, nil
}

// liveCode returns the code, spent or not, and its grant, or ErrNotFound when one of them does not stand at now.
func (s *Store) liveCode(t *tx, hash [32]byte, now time.Time) (*codeRow, *storage.Grant, error) {
	text := t.get(codesBucket, hash[:])
	if text == nil {
		return nil, nil, storage.ErrNotFound
	}
	var row codeRow
	if err := json.Unmarshal(text, &row); err != nil {
		return nil, nil, fmt.Errorf("decode code: %w", err)
	}
	if err := storage.Unexpired(row.Kept, now); err != nil {
		return nil, nil, err
	}
	grant, _, err := s.grant(t, row.GrantID, now)
	return &row, grant, err
}

// CodeLive reports whether the code can be redeemed; see storage.Grants.
func (s *Store) CodeLive(_ context.Context, code [32]byte, now time.Time) (bool, error) {
	var redeemable bool
	err := s.view(func(t *tx) error {
		row, _, err := s.liveCode(t, code, now)
		redeemable = err == nil && row.Code.Live(now)
		return err
	})
	if errors.Is(err, storage.ErrNotFound) {
		err = nil
	}
	return redeemable, err
}

// RedeemCode spends the code and stores its tokens; see storage.Grants. The code of a revoked grant is unknown.
func (s *Store) RedeemCode(ctx context.Context, redemption storage.Redemption) (*storage.Grant, error) {
	var result *storage.Grant
	err := s.updatePatiently(ctx, func(t *tx) error {
		text := t.get(codesBucket, redemption.CodeHash[:])
		if text == nil {
			return storage.ErrNotFound
		}
		var row codeRow
		if err := json.Unmarshal(text, &row); err != nil {
			return fmt.Errorf("decode code: %w", err)
		}
		if err := storage.Unexpired(row.Kept, redemption.Now); err != nil {
			return err
		}
		row.Code.Hash = redemption.CodeHash
		spent, err := row.Code.Redeem(redemption)
		if err != nil {
			return err
		}
		grant, _, err := s.grant(t, spent.GrantID, redemption.Now)
		if err != nil {
			return err
		}
		row.Code = spent
		result = grant
		if err := errors.Join(putCode(t, &row), putNewToken(t, redemption.Token, spent.GrantID)); err != nil {
			return err
		}
		if !grant.Offline || redemption.Refresh.Hash == [32]byte{} {
			return nil
		}
		first := redemption.Refresh.First(grant)
		return putFirstRefresh(t, &first, grant.Expires)
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// IssueToken stores a grant of a client's own and its access token; see storage.Grants.
func (s *Store) IssueToken(ctx context.Context, revision uint64, grant storage.Grant, token storage.AccessToken) error {
	return s.update(ctx, func(t *tx) error {
		if revision != 0 {
			row := t.get(clientsBucket, []byte(grant.ClientID))
			if row == nil {
				return storage.ErrConflict
			}
			client, err := decodeClient(row)
			if err != nil {
				return err
			}
			if client.Revision != revision {
				return storage.ErrConflict
			}
		}
		return errors.Join(s.putNewGrant(t, &grant, grant.Expires), putNewToken(t, token, grant.ID))
	})
}

// putNewToken stores the token for the grant, whatever grant the caller wrote into it.
func putNewToken(t *tx, token storage.AccessToken, grantID string) error {
	token.GrantID = grantID
	text, err := json.Marshal(tokenRow{AccessToken: token})
	if err != nil {
		return fmt.Errorf("encode access token: %w", err)
	}
	t.noteToken(token.Hash[:], &token)
	return errors.Join(t.put(tokensBucket, token.Hash[:], text), t.putExpiry(token.Expires, tokenKind, token.Hash[:], nil))
}

// AccessToken returns the token and its grant, or storage.ErrNotFound.
func (s *Store) AccessToken(_ context.Context, hash [32]byte, now time.Time) (token *storage.AccessToken, grant *storage.Grant, err error) {
	known := s.tokens.get(string(hash[:]))
	if known != nil {
		if row := s.grants.get(known.GrantID); row != nil && s.surelyGranted(row) {
			return s.recentToken(*known, row.grant, now)
		}
	}
	err = s.view(func(t *tx) (err error) {
		if token, err = t.token(hash, known); err != nil {
			return err
		}
		if err := storage.Unexpired(token.Expires, now); err != nil {
			return err
		}
		grant, _, err = s.grant(t, token.GrantID, now)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return token, grant, nil
}

// surelyGranted reports whether the grant is one of its client as that stands, by what is in memory alone: no client of the file has it, or
// the client is known with the same generation.
func (s *Store) surelyGranted(row *grantRow) bool {
	if row.generation == 0 {
		return true
	}
	client, known := s.clients.Get(row.grant.ClientID)
	return known && client.generation == row.generation
}

// recentToken returns a token and its grant of which nothing need be read from the file; see surelyGranted.
func (s *Store) recentToken(token storage.AccessToken, grant storage.Grant, now time.Time) (*storage.AccessToken, *storage.Grant, error) {
	s.closing.RLock()
	defer s.closing.RUnlock()
	switch {
	case s.closed:
		return nil, nil, ErrClosed
	case !now.Before(token.Expires) || !grant.Live(now):
		return nil, nil, storage.ErrNotFound
	}
	return &token, &grant, nil
}

// token returns the token with that hash, which may be known already; it is the caller's to change.
func (t *tx) token(hash [32]byte, known *storage.AccessToken) (*storage.AccessToken, error) {
	if known != nil {
		token := *known
		return &token, nil
	}
	text := t.get(tokensBucket, hash[:])
	if text == nil {
		return nil, storage.ErrNotFound
	}
	var row tokenRow
	if err := json.Unmarshal(text, &row); err != nil {
		return nil, fmt.Errorf("decode access token: %w", err)
	}
	row.AccessToken.Hash = hash
	return &row.AccessToken, nil
}

// revoke revokes the grant and reports whether it stood until now.
func (s *Store) revoke(t *tx, id string, now time.Time) (bool, error) {
	grant, generation, err := s.grant(t, id, now)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	grant.Revoked = now
	return true, s.putGrant(t, generation, grant)
}

// RevokeGrant revokes the grant; see storage.Grants.
func (s *Store) RevokeGrant(ctx context.Context, id string, now time.Time, events ...storage.AuditEvent) error {
	return s.updateAnd(ctx, events, func(t *tx) error {
		_, err := s.revoke(t, id, now)
		return err
	})
}
