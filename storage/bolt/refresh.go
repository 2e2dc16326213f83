package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brygga/storage"
)

// refreshRow is a refresh token as stored. The hash is the key and not repeated. Its row is forgotten with the grant, so
// that a replay is known as one until then. Only the first of a family stands in the expiry index: the sweep goes from there from
// one to the next, so that a rotation need not write to where the grant's end lies in that index.
type refreshRow struct {
	storage.RefreshToken
	Hash struct{} `json:"hash,omitzero"`
	// Next is the hash of the token that followed.
	Next []byte `json:"next,omitempty"`
}

func putRefresh(t *tx, token *storage.RefreshToken, next []byte) error {
	text, err := json.Marshal(refreshRow{RefreshToken: *token, Next: next})
	if err != nil {
		return fmt.Errorf("encode refresh token: %w", err)
	}
	return t.put(refreshBucket, token.Hash[:], text)
}

// putFirstRefresh stores the first token of a family.
func putFirstRefresh(t *tx, token *storage.RefreshToken, grantExpires time.Time) error {
	return errors.Join(putRefresh(t, token, nil), t.putExpiry(grantExpires, refreshKind, token.Hash[:], nil))
}

// sweepRefresh removes the token that the row of the expiry index stands for, and lets the row's next stand for the one that
// followed.
func (t *tx) sweepRefresh(row []byte) error {
	hash := row[9:]
	token, err := t.refreshRow(hash)
	if err != nil { // it is gone, or damaged, which shall not keep all else from being swept
		token, t.damaged = new(refreshRow), nil
	}
	err = t.remove(refreshBucket, hash)
	if token.Next != nil {
		err = errors.Join(err, t.put(expiryBucket, append(bytes.Clone(row[:9]), token.Next...), nil))
	}
	return err
}

// refreshRow returns the row of the token with that hash, or ErrNotFound.
func (t *tx) refreshRow(hash []byte) (*refreshRow, error) {
	text := t.get(refreshBucket, hash)
	if text == nil {
		return nil, storage.ErrNotFound
	}
	row := new(refreshRow)
	if err := json.Unmarshal(text, row); err != nil {
		return nil, fmt.Errorf("decode refresh token: %w", err)
	}
	copy(row.RefreshToken.Hash[:], hash)
	return row, nil
}

// refresh returns the token and its grant, or ErrNotFound when the grant does not stand at now.
func (s *Store) refresh(t *tx, hash [32]byte, now time.Time) (*refreshRow, *storage.Grant, error) {
	row, err := t.refreshRow(hash[:])
	if err != nil {
		return nil, nil, err
	}
	grant, _, err := s.grant(t, row.GrantID, now)
	if err != nil {
		return nil, nil, err
	}
	return row, grant, nil
}

// RefreshToken returns the token and its grant, or storage.ErrNotFound.
func (s *Store) RefreshToken(_ context.Context, hash [32]byte, now time.Time) (token *storage.RefreshToken, grant *storage.Grant, err error) {
	err = s.view(func(t *tx) error {
		row, of, err := s.refresh(t, hash, now)
		if err == nil {
			token, grant = &row.RefreshToken, of
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return token, grant, nil
}

// RotateRefreshToken spends the token and stores those that follow; see storage.RefreshTokens.
func (s *Store) RotateRefreshToken(ctx context.Context, rotation storage.Rotation) (*storage.Rotated, error) {
	var result *storage.Rotated
	err := s.update(ctx, func(t *tx) error {
		row, grant, err := s.refresh(t, rotation.Hash, rotation.Now)
		if err != nil {
			return err
		}
		result = &storage.Rotated{Grant: grant, Used: rotation.Now}
		if row.Spent.IsZero() {
			err = rotateRefresh(t, row, grant, rotation)
		} else {
			result.Used, err = row.Spent, repeatRefresh(t, row, grant, rotation)
		}
		if err != nil {
			return err
		}
		return putNewToken(t, rotation.Token, grant.ID)
	})
	if err != nil {
		return nil, err
	}
	return result, nil
}

func rotateRefresh(t *tx, row *refreshRow, grant *storage.Grant, rotation storage.Rotation) error {
	used, next, err := row.Rotate(grant, rotation)
	switch {
	case err != nil:
		return err
	case next == nil:
		return putRefresh(t, &used, nil)
	}
	return errors.Join(putRefresh(t, &used, next.Hash[:]), putRefresh(t, next, nil))
}

// repeatRefresh returns nil when the spent token may be presented again.
func repeatRefresh(t *tx, row *refreshRow, grant *storage.Grant, rotation storage.Rotation) error {
	next, err := t.refreshRow(row.Next)
	if err != nil {
		return err
	}
	return row.Repeat(grant, next.RefreshToken, rotation)
}
