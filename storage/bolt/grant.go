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
	row := &codeRow{Code: code, Kept: grantExpires}
	if row.Kept.Before(code.Expires) {
		row.Kept = code.Expires
	}
	return errors.Join(putCode(t, row), t.putExpiry(row.Kept, codeKind, code.Hash[:], nil))
}

func (s *Store) putGrant(t *tx, generation uint64, grant *storage.Grant) error {
	sealed, err := s.codec.EncodeGrant(grant)
	if err != nil {
		return err
	}
	row := binary.BigEndian.AppendUint64(make([]byte, 0, generationSize+len(sealed)), generation)
	return t.put(grantsBucket, []byte(grant.ID), append(row, sealed...))
}

func sessionKey(sessionID, grantID string) []byte {
	key := make([]byte, 0, len(sessionID)+1+len(grantID))
	return append(append(append(key, sessionID...), 0), grantID...)
}

func (s *Store) putNewGrant(t *tx, grant *storage.Grant) error {
	if err := s.putGrant(t, t.generation(grant.ClientID), grant); err != nil {
		return err
	}
	if grant.SessionID != "" {
		if err := t.put(sessionsBucket, sessionKey(grant.SessionID, grant.ID), nil); err != nil {
			return err
		}
	}
	return t.putExpiry(grant.Expires, grantKind, []byte(grant.ID), []byte(grant.SessionID))
}

// grant returns the grant and its client's generation, or ErrNotFound when it does not stand at now.
func (s *Store) grant(t *tx, id string, now time.Time) (*storage.Grant, uint64, error) {
	row := t.get(grantsBucket, []byte(id))
	if row == nil {
		return nil, 0, storage.ErrNotFound
	}
	if len(row) < generationSize {
		return nil, 0, errors.New("decode grant: row is too short")
	}
	generation := binary.BigEndian.Uint64(row)
	grant, err := s.codec.DecodeGrant(id, row[generationSize:])
	if err != nil {
		return nil, 0, err
	}
	if !grant.Live(now) || generation != 0 && generation != t.generation(grant.ClientID) {
		return nil, 0, storage.ErrNotFound
	}
	return grant, generation, nil
}

// RedeemCode spends the code and stores its access token; see storage.Grants. The code of a revoked grant is unknown.
func (s *Store) RedeemCode(ctx context.Context, redemption storage.Redemption) (*storage.Grant, error) {
	var result *storage.Grant
	err := s.update(ctx, func(t *tx) error {
		text := t.get(codesBucket, redemption.CodeHash[:])
		if text == nil {
			return storage.ErrNotFound
		}
		var row codeRow
		if err := json.Unmarshal(text, &row); err != nil {
			return fmt.Errorf("decode code: %w", err)
		}
		if err := live(row.Kept, redemption.Now); err != nil {
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
		return errors.Join(putCode(t, &row), putNewToken(t, redemption.Token, spent.GrantID))
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

// putNewToken stores the token for the grant, whatever grant the caller wrote into it.
func putNewToken(t *tx, token storage.AccessToken, grantID string) error {
	token.GrantID = grantID
	text, err := json.Marshal(tokenRow{AccessToken: token})
	if err != nil {
		return fmt.Errorf("encode access token: %w", err)
	}
	return errors.Join(t.put(tokensBucket, token.Hash[:], text), t.putExpiry(token.Expires, tokenKind, token.Hash[:], nil))
}

// AccessToken returns the token and its grant, or storage.ErrNotFound.
func (s *Store) AccessToken(_ context.Context, hash [32]byte, now time.Time) (*storage.AccessToken, *storage.Grant, error) {
	var row tokenRow
	var grant *storage.Grant
	err := s.view(func(t *tx) (err error) {
		text := t.get(tokensBucket, hash[:])
		if text == nil {
			return storage.ErrNotFound
		}
		if err := json.Unmarshal(text, &row); err != nil {
			return fmt.Errorf("decode access token: %w", err)
		}
		if err := live(row.Expires, now); err != nil {
			return err
		}
		grant, _, err = s.grant(t, row.GrantID, now)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	row.AccessToken.Hash = hash
	return &row.AccessToken, grant, nil
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
func (s *Store) RevokeGrant(ctx context.Context, id string, now time.Time) error {
	return s.update(ctx, func(t *tx) error {
		_, err := s.revoke(t, id, now)
		return err
	})
}

// RevokeSession revokes every grant of the session and returns how many stood until now.
func (s *Store) RevokeSession(ctx context.Context, sessionID string, now time.Time) (int, error) {
	if sessionID == "" {
		return 0, nil
	}
	revoked := 0
	err := s.update(ctx, func(t *tx) error {
		revoked = 0
		prefix := sessionKey(sessionID, "")
		cursor := t.bucket(sessionsBucket).Cursor()
		for key, _ := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = cursor.Next() {
			stood, err := s.revoke(t, string(key[len(prefix):]), now)
			if err != nil {
				return err
			}
			if stood {
				revoked++
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return revoked, nil
}
