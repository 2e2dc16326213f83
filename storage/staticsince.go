package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
)

// sinceNote holds since when each static client that is not disabled has been there without a break, by ID.
var sinceNote = []byte("f")

// rememberTries is how often Remember tries anew when another process was first.
const rememberTries = 10

// Remember notes which static clients there are at now, and from then on nothing counts that one was granted before it was last taken away or
// disabled: a static client has no row in the store whose generation would end that (see UpdateClient). It is called after every Replace, and at the
// start; what was granted before the first call of all stands.
func (s *StaticClients) Remember(ctx context.Context, now time.Time) error {
	for range rememberTries {
		err := s.remember(ctx, now.UTC().Truncate(time.Microsecond))
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return ErrConflict
}

func (s *StaticClients) remember(ctx context.Context, now time.Time) error {
	notes, err := s.Store.NotesAt(ctx, sinceNote)
	if err != nil {
		return fmt.Errorf("read since when static clients are there: %w", err)
	}
	var before []byte
	var known map[string]time.Time
	if len(notes) > 0 {
		before = notes[0].Value
		if err := json.Unmarshal(before, &known); err != nil {
			return fmt.Errorf("read since when static clients are there: %w", err)
		}
	}
	since := make(map[string]time.Time)
	for id, c := range s.set.Load().static {
		at, was := known[id]
		switch {
		case c.Disabled:
		case was || before == nil:
			since[id] = at
		default:
			since[id] = now
		}
	}
	if before == nil || !maps.Equal(known, since) {
		after, err := json.Marshal(since)
		if err != nil {
			return err
		}
		if err := s.Store.WriteNotes(ctx, NoteChange{Turn: sinceNote, Before: before, After: after}); err != nil {
			return err
		}
	}
	s.since.Store(&since)
	return nil
}

// stands reports whether what a client was granted at that time still counts, as far as the static clients are concerned.
func (s *StaticClients) stands(grant *Grant) bool {
	since := s.since.Load()
	if since == nil || s.static(grant.ClientID) == nil {
		return true
	}
	at, there := (*since)[grant.ClientID]
	return there && !grant.Created.Before(at)
}

// AccessToken returns the token with that hash and its grant; see [Grants].
func (s *StaticClients) AccessToken(ctx context.Context, hash [32]byte, now time.Time) (*AccessToken, *Grant, error) {
	token, grant, err := s.Store.AccessToken(ctx, hash, now)
	if err == nil && !s.stands(grant) {
		return nil, nil, ErrNotFound
	}
	return token, grant, err
}

// RefreshToken returns the token with that hash and its grant; see [RefreshTokens].
func (s *StaticClients) RefreshToken(ctx context.Context, hash [32]byte, now time.Time) (*RefreshToken, *Grant, error) {
	token, grant, err := s.Store.RefreshToken(ctx, hash, now)
	if err == nil && !s.stands(grant) {
		return nil, nil, ErrNotFound
	}
	return token, grant, err
}

// RotateRefreshToken returns the grant behind a refresh token, and spends the token; see [RefreshTokens].
func (s *StaticClients) RotateRefreshToken(ctx context.Context, rotation Rotation) (*Rotated, error) {
	rotated, err := s.Store.RotateRefreshToken(ctx, rotation)
	if err == nil && !s.stands(rotated.Grant) {
		return nil, s.end(ctx, rotated.Grant, rotation.Now)
	}
	return rotated, err
}

// RedeemCode returns the grant behind an authorization code, and spends the code; see [Grants].
func (s *StaticClients) RedeemCode(ctx context.Context, redemption Redemption) (*Grant, error) {
	grant, err := s.Store.RedeemCode(ctx, redemption)
	if err == nil && !s.stands(grant) {
		return nil, s.end(ctx, grant, redemption.Now)
	}
	return grant, err
}

// end revokes a grant that counts no more, with what was just given for it, and returns ErrNotFound.
func (s *StaticClients) end(ctx context.Context, grant *Grant, now time.Time) error {
	if err := s.Store.RevokeGrant(ctx, grant.ID, now); err != nil {
		return err
	}
	return ErrNotFound
}
