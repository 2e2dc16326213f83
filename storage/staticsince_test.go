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
