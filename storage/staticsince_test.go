package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"brygga/storage"
)

// granted is a store in which one grant stands for every token and code, until it is revoked.
type granted struct {
	storage.Store
	grant   storage.Grant
	revoked string
}

func (g *granted) AccessToken(context.Context, [32]byte, time.Time) (*storage.AccessToken, *storage.Grant, error) {
	return &storage.AccessToken{}, &g.grant, nil
}

func (g *granted) RefreshToken(context.Context, [32]byte, time.Time) (*storage.RefreshToken, *storage.Grant, error) {
	return &storage.RefreshToken{}, &g.grant, nil
}

func (g *granted) RotateRefreshToken(context.Context, storage.Rotation) (*storage.Rotated, error) {
	return &storage.Rotated{Grant: &g.grant}, nil
}

func (g *granted) RedeemCode(context.Context, storage.Redemption) (*storage.Grant, error) {
	return &g.grant, nil
}

func (g *granted) RevokeGrant(_ context.Context, id string, _ time.Time, _ ...storage.AuditEvent) error {
	g.revoked = id
	return nil
}

// TestStaticClientsGrantsEnd: what a static client was granted ends when it is disabled or taken away, and does not come back with it, also after
// starts of the server and with others in between.
func TestStaticClientsGrantsEnd(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 26, 12, minute, 0, 0, time.UTC) }
	on, off := storage.Client{ID: "app"}, storage.Client{ID: "app", Disabled: true}
	notes := openBolt(t)
	load := func(created, now time.Time, static ...storage.Client) (*storage.StaticClients, *granted) {
		t.Helper()
		inner := &granted{Store: notes, grant: storage.Grant{ID: "g", ClientID: "app", Created: created}}
		s := storage.WithStaticClients(inner, static)
		if err := s.Remember(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		return s, inner
	}
	stands := func(what string, want bool, s *storage.StaticClients, inner *granted) {
		t.Helper()
		_, _, access := s.AccessToken(t.Context(), [32]byte{}, at(59))
		_, _, refresh := s.RefreshToken(t.Context(), [32]byte{}, at(59))
		_, rotated := s.RotateRefreshToken(t.Context(), storage.Rotation{Now: at(59)})
		_, code := s.RedeemCode(t.Context(), storage.Redemption{Now: at(59)})
		for how, err := range map[string]error{"access token": access, "refresh token": refresh, "rotation": rotated, "code": code} {
			if (err == nil) != want || err != nil && !errors.Is(err, storage.ErrNotFound) {
				t.Errorf("%s: the %s: %v", what, how, err)
			}
		}
		if (inner.revoked == "") != want {
			t.Errorf("%s: revoked %q", what, inner.revoked)
		}
	}
	first, inner := load(at(0), at(1), on)
	stands("from before there was a note", true, first, inner)
	again, inner := load(at(2), at(5), on)
	stands("after another start", true, again, inner)
	disabled, inner := load(at(2), at(10), off)
	stands("disabled", false, disabled, inner)
	back, inner := load(at(2), at(20), on)
	stands("enabled again", false, back, inner)
	fresh, inner := load(at(20), at(21), on)
	stands("granted since", true, fresh, inner)
	load(at(20), at(30))
	returned, inner := load(at(20), at(40), on)
	stands("taken away and put back", false, returned, inner)

	running, inner := load(at(41), at(42), on)
	running.Replace([]storage.Client{off})
	if err := running.Remember(t.Context(), at(43)); err != nil {
		t.Fatal(err)
	}
	running.Replace([]storage.Client{on})
	if err := running.Remember(t.Context(), at(44)); err != nil {
		t.Fatal(err)
	}
	stands("disabled and enabled while it runs", false, running, inner)
}

// paused is a store whose steps, once made and before they return, let the configuration be read again.
type paused struct {
	granted
	meanwhile func()
}

func (p *paused) AccessToken(ctx context.Context, hash [32]byte, now time.Time) (*storage.AccessToken, *storage.Grant, error) {
	defer p.meanwhile()
	return p.granted.AccessToken(ctx, hash, now)
}

func (p *paused) RefreshToken(ctx context.Context, hash [32]byte, now time.Time) (*storage.RefreshToken, *storage.Grant, error) {
	defer p.meanwhile()
	return p.granted.RefreshToken(ctx, hash, now)
}

func (p *paused) RotateRefreshToken(ctx context.Context, r storage.Rotation) (*storage.Rotated, error) {
	defer p.meanwhile()
	return p.granted.RotateRefreshToken(ctx, r)
}

func (p *paused) RedeemCode(ctx context.Context, r storage.Redemption) (*storage.Grant, error) {
	defer p.meanwhile()
	return p.granted.RedeemCode(ctx, r)
}

func (p *paused) IssueToken(context.Context, uint64, storage.Grant, storage.AccessToken) error {
	p.meanwhile()
	return nil
}

// TestWithdrawnWithinAStep: a static client that is disabled or taken away while a step for it is under way gets nothing by that step, before it is
// noted too, and what was just given is revoked. One that is enabled, or a stored one in its place, goes on.
func TestWithdrawnWithinAStep(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	on, off := storage.Client{ID: "app"}, storage.Client{ID: "app", Disabled: true}
	for _, test := range []struct {
		name   string
		after  []storage.Client
		stored bool
		ends   bool
	}{
		{"stays", []storage.Client{on}, false, false}, {"is disabled", []storage.Client{off}, false, true}, {"is taken away", nil, false, true},
		{"is taken away from a stored one", nil, true, false}, {"is taken away, and another comes", []storage.Client{{ID: "other"}}, false, true},
	} {
		for step, do := range map[string]func(*storage.StaticClients) error{
			"access token": func(s *storage.StaticClients) error {
				_, _, err := s.AccessToken(t.Context(), [32]byte{}, now)
				return err
			},
			"refresh token": func(s *storage.StaticClients) error {
				_, _, err := s.RefreshToken(t.Context(), [32]byte{}, now)
				return err
			},
			"rotation": func(s *storage.StaticClients) error {
				_, err := s.RotateRefreshToken(t.Context(), storage.Rotation{Now: now})
				return err
			},
			"code": func(s *storage.StaticClients) error {
				_, err := s.RedeemCode(t.Context(), storage.Redemption{Now: now})
				return err
			},
			"token of its own": func(s *storage.StaticClients) error {
				return s.IssueToken(t.Context(), 0, storage.Grant{ID: "g", ClientID: "app", Created: now}, storage.AccessToken{})
			},
		} {
			inner := &paused{granted: granted{Store: openBolt(t), grant: storage.Grant{ID: "g", ClientID: "app", Created: now}}, meanwhile: func() {}}
			if test.stored {
				if err := inner.CreateClient(t.Context(), on); err != nil {
					t.Fatal(err)
				}
			}
			s := storage.WithStaticClients(inner, []storage.Client{on})
			if err := s.Remember(t.Context(), now.Add(-time.Minute)); err != nil {
				t.Fatal(err)
			}
			inner.meanwhile = func() { s.Replace(test.after) }
			err := do(s)
			want := error(nil)
			if test.ends {
				want = storage.ErrNotFound
			}
			if test.ends && step == "token of its own" {
				want = storage.ErrConflict
			}
			gives := step != "access token" && step != "refresh token"
			if !errors.Is(err, want) || (inner.revoked != "") != (test.ends && gives) {
				t.Errorf("%s while %s is asked for: %v, revoked %q", test.name, step, err, inner.revoked)
			}
		}
	}
}
