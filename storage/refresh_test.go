package storage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brygga/storage"
)

func TestRotate(t *testing.T) {
	grant := &storage.Grant{ID: "g1", ClientID: "app", Expires: t0.Add(time.Hour)}
	token := storage.RefreshToken{Hash: [32]byte{1}, GrantID: "g1", Generation: 3, Expires: t0.Add(time.Minute)}
	right := storage.Rotation{
		Hash: token.Hash, ClientID: "app", Now: t0,
		Next: storage.RefreshToken{Hash: [32]byte{2}, GrantID: "another", Generation: 8, Spent: t0, Expires: t0.Add(2 * time.Minute)},
	}
	spend := func(t *storage.RefreshToken, _ *storage.Rotation) { t.Spent = t0.Add(-time.Second) }
	alien := func(_ *storage.RefreshToken, r *storage.Rotation) { r.ClientID = "other" }
	end := func(t *storage.RefreshToken, r *storage.Rotation) { r.Now = t.Expires }
	for _, test := range []struct {
		name   string
		edits  []func(*storage.RefreshToken, *storage.Rotation)
		want   error
		reused bool
	}{
		{name: "right"},
		{name: "last moment", edits: []func(*storage.RefreshToken, *storage.Rotation){func(t *storage.RefreshToken, r *storage.Rotation) { r.Now = t.Expires.Add(-1) }}},
		{name: "expired", edits: []func(*storage.RefreshToken, *storage.Rotation){end}, want: storage.ErrNotFound},
		{name: "another client", edits: []func(*storage.RefreshToken, *storage.Rotation){alien}, want: storage.ErrNotFound},
		{name: "another client learns nothing", edits: []func(*storage.RefreshToken, *storage.Rotation){spend, alien}, want: storage.ErrNotFound},
		{name: "spent", edits: []func(*storage.RefreshToken, *storage.Rotation){spend}, reused: true},
		{name: "spent, after its expiry", edits: []func(*storage.RefreshToken, *storage.Rotation){spend, end}, reused: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, rotation := token, right
			for _, edit := range test.edits {
				edit(&before, &rotation)
			}
			spent, next, err := before.Rotate(grant, rotation)
			var reused *storage.TokenReusedError
			if errors.As(err, &reused) != test.reused || !test.reused && !errors.Is(err, test.want) {
				t.Fatalf("got error %v, want %v, reused %t", err, test.want, test.reused)
			}
			if test.reused && reused.GrantID != "g1" {
				t.Errorf("reuse names grant %q", reused.GrantID)
			}
			wantSpent, wantNext := before, (*storage.RefreshToken)(nil)
			if err == nil {
				wantSpent.Spent = rotation.Now
				wantNext = &storage.RefreshToken{Hash: [32]byte{2}, GrantID: "g1", Generation: 4, Expires: t0.Add(2 * time.Minute)}
			}
			if diff := cmp.Diff([]any{wantSpent, wantNext}, []any{spent, next}); diff != "" {
				t.Errorf("tokens (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFirstRefreshToken(t *testing.T) {
	grant := &storage.Grant{ID: "g1", Expires: t0.Add(time.Minute)}
	given := storage.RefreshToken{Hash: [32]byte{1}, GrantID: "another", Generation: 8, Spent: t0}
	for _, life := range []time.Duration{time.Second, time.Minute, time.Hour} {
		given.Expires = t0.Add(life)
		want := storage.RefreshToken{Hash: [32]byte{1}, GrantID: "g1", Generation: 1, Expires: t0.Add(min(life, time.Minute))}
		if diff := cmp.Diff(want, given.First(grant)); diff != "" {
			t.Errorf("a life of %s (-want +got):\n%s", life, diff)
		}
	}
}

func TestRotateKeeps(t *testing.T) {
	grant := &storage.Grant{ID: "g1", ClientID: "app", Expires: t0.Add(time.Hour)}
	token := storage.RefreshToken{Hash: [32]byte{1}, GrantID: "g1", Generation: 3, Expires: t0.Add(time.Minute)}
	for until, want := range map[time.Duration]time.Duration{2 * time.Minute: 2 * time.Minute, 2 * time.Hour: time.Hour} {
		kept, next, err := token.Rotate(grant, storage.Rotation{ClientID: "app", Keep: true, Now: t0, Next: storage.RefreshToken{Expires: t0.Add(until)}})
		wanted := token
		wanted.Expires = t0.Add(want)
		if diff := cmp.Diff(wanted, kept); err != nil || next != nil || diff != "" {
			t.Errorf("kept until %s: %v, %v (-want +got):\n%s", until, next, err, diff)
		}
	}
	if _, _, err := token.Rotate(grant, storage.Rotation{ClientID: "app", Keep: true, Now: t0.Add(time.Minute)}); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("an expired token is kept: %v", err)
	}
}

func TestRepeat(t *testing.T) {
	grant := &storage.Grant{ID: "g1", ClientID: "app", Expires: t0.Add(time.Hour)}
	token := storage.RefreshToken{GrantID: "g1", Expires: t0, Spent: t0}
	const grace = 10 * time.Second
	for name, test := range map[string]struct {
		rotation storage.Rotation
		next     storage.RefreshToken
		want     error
		reused   bool
	}{
		"at once":                      {storage.Rotation{ClientID: "app", Grace: grace, Now: t0}, storage.RefreshToken{Expires: t0.Add(time.Hour)}, nil, false},
		"the last moment":              {storage.Rotation{ClientID: "app", Grace: grace, Now: t0.Add(grace - 1)}, storage.RefreshToken{Expires: t0.Add(time.Hour)}, nil, false},
		"after the grace":              {storage.Rotation{ClientID: "app", Grace: grace, Now: t0.Add(grace)}, storage.RefreshToken{Expires: t0.Add(time.Hour)}, nil, true},
		"no grace":                     {storage.Rotation{ClientID: "app", Now: t0}, storage.RefreshToken{Expires: t0.Add(time.Hour)}, nil, true},
		"a negative grace":             {storage.Rotation{ClientID: "app", Grace: -1, Now: t0.Add(-time.Minute)}, storage.RefreshToken{Expires: t0.Add(time.Hour)}, nil, true},
		"the next is used":             {storage.Rotation{ClientID: "app", Grace: grace, Now: t0}, storage.RefreshToken{Expires: t0.Add(time.Hour), Spent: t0}, nil, true},
		"the next has expired":         {storage.Rotation{ClientID: "app", Grace: grace, Now: t0.Add(1)}, storage.RefreshToken{Expires: t0.Add(1)}, nil, true},
		"another client":               {storage.Rotation{ClientID: "other", Grace: grace, Now: t0}, storage.RefreshToken{Expires: t0.Add(time.Hour)}, storage.ErrNotFound, false},
		"another client, and no grace": {storage.Rotation{ClientID: "other", Now: t0}, storage.RefreshToken{Expires: t0.Add(time.Hour)}, storage.ErrNotFound, false},
	} {
		err := token.Repeat(grant, test.next, test.rotation)
		var reused *storage.TokenReusedError
		if errors.As(err, &reused) != test.reused || !test.reused && !errors.Is(err, test.want) || test.reused && reused.GrantID != "g1" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
