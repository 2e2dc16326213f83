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

// stands returns ErrNotFound when what a client was granted counts no more, as far as the static clients are concerned. Asked after a step of the store, it
// makes the step one with the file: whoever was withdrawn before it ended gets nothing by it.
func (s *StaticClients) stands(ctx context.Context, grant *Grant) error {
	set := s.set.Load()
	c := set.static[grant.ClientID]
	switch {
	case c == nil && set.gone[grant.ClientID]:
		_, err := s.Store.Client(ctx, grant.ClientID) // one that the static one hid
		return err
	case c == nil:
		return nil
	case c.Disabled: // Remember may not have come that far
		return ErrNotFound
	}
	if since := s.since.Load(); since != nil {
		if at, there := (*since)[grant.ClientID]; !there || grant.Created.Before(at) {
			return ErrNotFound
		}
	}
	return nil
}

// AccessToken returns the token with that hash and its grant; see [Grants].
func (s *StaticClients) AccessToken(ctx context.Context, hash [32]byte, now time.Time) (*AccessToken, *Grant, error) {
	token, grant, err := s.Store.AccessToken(ctx, hash, now)
	if err == nil {
		err = s.stands(ctx, grant)
	}
	if err != nil {
		return nil, nil, err
	}
	return token, grant, nil
}

// RefreshToken returns the token with that hash and its grant; see [RefreshTokens].
func (s *StaticClients) RefreshToken(ctx context.Context, hash [32]byte, now time.Time) (*RefreshToken, *Grant, error) {
	token, grant, err := s.Store.RefreshToken(ctx, hash, now)
	if err == nil {
		err = s.stands(ctx, grant)
	}
	if err != nil {
		return nil, nil, err
	}
	return token, grant, nil
}

// RotateRefreshToken returns the grant behind a refresh token, and spends the token; see [RefreshTokens].
func (s *StaticClients) RotateRefreshToken(ctx context.Context, rotation Rotation) (*Rotated, error) {
	rotated, err := s.Store.RotateRefreshToken(ctx, rotation)
	if err != nil {
		return rotated, err
	}
	if err := s.ended(ctx, rotated.Grant, rotation.Now); err != nil {
		return nil, err
	}
	return rotated, nil
}

// RedeemCode returns the grant behind an authorization code, and spends the code; see [Grants].
func (s *StaticClients) RedeemCode(ctx context.Context, redemption Redemption) (*Grant, error) {
	grant, err := s.Store.RedeemCode(ctx, redemption)
	if err != nil {
		return grant, err
	}
	if err := s.ended(ctx, grant, redemption.Now); err != nil {
		return nil, err
	}
	return grant, nil
}

// IssueToken stores a grant of a client's own and its access token; see [Grants].
func (s *StaticClients) IssueToken(ctx context.Context, revision uint64, grant Grant, token AccessToken) error {
	err := s.Store.IssueToken(ctx, revision, grant, token)
	if err != nil {
		return err
	}
	if err := s.ended(ctx, &grant, grant.Created); errors.Is(err, ErrNotFound) {
		return ErrConflict
	} else if err != nil {
		return err
	}
	return nil
}

// ended revokes a grant that counts no more, with what was just given for it, and returns ErrNotFound for one.
func (s *StaticClients) ended(ctx context.Context, grant *Grant, now time.Time) error {
	err := s.stands(ctx, grant)
	if errors.Is(err, ErrNotFound) {
		if err := s.Store.RevokeGrant(ctx, grant.ID, now); err != nil {
			return err
		}
	}
	return err
}
