package bolt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brygga/storage"
)

// refreshRow is a refresh token as stored. The hash is the key and not repeated. Its row is forgotten with the grant, so
// that a replay is known as one until then.
type refreshRow struct {
	storage.RefreshToken
	Hash struct{} `json:"hash,omitzero"`
}

func putRefresh(t *tx, token *storage.RefreshToken) error {
	text, err := json.Marshal(refreshRow{RefreshToken: *token})
	if err != nil {
		return fmt.Errorf("encode refresh token: %w", err)
	}
	return t.put(refreshBucket, token.Hash[:], text)
}

func putNewRefresh(t *tx, token *storage.RefreshToken, grantExpires time.Time) error {
	return errors.Join(putRefresh(t, token), t.putExpiry(grantExpires, refreshKind, token.Hash[:], nil))
}

// refresh returns the token and its grant, or ErrNotFound when the grant does not stand at now.
func (s *Store) refresh(t *tx, hash [32]byte, now time.Time) (*storage.RefreshToken, *storage.Grant, error) {
	text := t.get(refreshBucket, hash[:])
	if text == nil {
		return nil, nil, storage.ErrNotFound
	}
	var row refreshRow
	if err := json.Unmarshal(text, &row); err != nil {
		return nil, nil, fmt.Errorf("decode refresh token: %w", err)
	}
	row.RefreshToken.Hash = hash
	grant, _, err := s.grant(t, row.GrantID, now)
	if err != nil {
		return nil, nil, err
	}
	return &row.RefreshToken, grant, nil
}

// RefreshToken returns the token and its grant, or storage.ErrNotFound.
func (s *Store) RefreshToken(_ context.Context, hash [32]byte, now time.Time) (token *storage.RefreshToken, grant *storage.Grant, err error) {
	err = s.view(func(t *tx) (err error) {
		token, grant, err = s.refresh(t, hash, now)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return token, grant, nil
}

// RotateRefreshToken spends the token and stores those that follow; see storage.RefreshTokens.
func (s *Store) RotateRefreshToken(ctx context.Context, rotation storage.Rotation) (*storage.Grant, error) {
	var result *storage.Grant
	err := s.update(ctx, func(t *tx) error {
		token, grant, err := s.refresh(t, rotation.Hash, rotation.Now)
		if err != nil {
			return err
		}
		spent, next, err := token.Rotate(grant, rotation)
		if err != nil {
			return err
		}
		result = grant
		return errors.Join(
			putRefresh(t, &spent), putNewRefresh(t, &next, grant.Expires), putNewToken(t, rotation.Token, grant.ID))
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}
