package storage_test

import (
	"errors"
	"testing"
	"time"

	"brygga/storage"
)

// TestMigrationBegin: a store is filled from one other, once; who comes again learns that it was done, and nobody fills what holds something else.
func TestMigrationBegin(t *testing.T) {
	half := storage.Migration{Source: "a", Now: t0, After: storage.Position{Kind: storage.ClientEntry, Key: []byte("app")}}
	whole := half
	whole.Done = true
	later := t0.Add(time.Hour)
	fresh := storage.Migration{Source: "a", Now: later}
	for name, tt := range map[string]struct {
		noted  *storage.Migration
		holds  bool
		source string
		want   storage.Migration
		err    error
	}{
		"an empty store":                    {source: "a", want: fresh},
		"a store in use":                    {holds: true, source: "a", err: storage.ErrHolds},
		"half filled":                       {noted: &half, holds: true, source: "a", want: half},
		"half filled, with nothing yet":     {noted: &half, source: "a", want: half},
		"half filled from elsewhere":        {noted: &half, holds: true, source: "b", err: storage.ErrOtherSource},
		"filled":                            {noted: &whole, holds: true, source: "a", want: whole},
		"filled from elsewhere":             {noted: &whole, holds: true, source: "b", err: storage.ErrHolds},
		"filled and emptied since":          {noted: &whole, source: "a", want: fresh},
		"filled from elsewhere and emptied": {noted: &whole, source: "b", want: storage.Migration{Source: "b", Now: later}},
	} {
		got, err := tt.noted.Begin(tt.holds, tt.source, later)
		if !errors.Is(err, tt.err) || got.Source != tt.want.Source || !got.Now.Equal(tt.want.Now) || got.Done != tt.want.Done || got.After.Kind != tt.want.After.Kind {
			t.Errorf("%s: got %+v, %v, want %+v, %v", name, got, err, tt.want, tt.err)
		}
	}
}
