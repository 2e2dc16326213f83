package admin_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"brygga/admin"
	"brygga/storage"
)

// overtaken is a store in which somebody else does something after a client was looked at.
type overtaken struct {
	storage.Store
	after func()
}

func (o *overtaken) Client(ctx context.Context, id string) (*storage.Client, error) {
	c, err := o.Store.Client(ctx, id)
	if o.after != nil {
		after := o.after
		o.after = nil
		after()
	}
	return c, err
}

// TestChangesOfWhatWasSeen: a change that is bound to what somebody has seen is not made of anything else, at whatever moment another comes between.
func TestChangesOfWhatWasSeen(t *testing.T) {
	changes := map[string]func(context.Context, *harness, admin.Demand) error{
		"put": func(ctx context.Context, h *harness, d admin.Demand) error {
			_, err := h.PutClient(ctx, root, "app", d, web("schools"))
			return err
		},
		"update": func(ctx context.Context, h *harness, d admin.Demand) error {
			_, err := h.UpdateClient(ctx, root, "app", d, web("schools"))
			return err
		},
		"rotate": func(ctx context.Context, h *harness, d admin.Demand) error {
			_, err := h.RotateSecret(ctx, root, "app", d, time.Hour)
			return err
		},
		"remove": func(ctx context.Context, h *harness, d admin.Demand) error {
			return h.RemoveClient(ctx, root, "app", d)
		},
	}
	others := map[string]func(*testing.T, storage.Store){
		"changed": func(t *testing.T, s storage.Store) {
			c, err := s.Client(context.Background(), "app")
			if err != nil {
				t.Fatal(err)
			}
			another := *c
			another.Name = "Another"
			if err := s.UpdateClient(context.Background(), another); err != nil {
				t.Fatal(err)
			}
		},
		"removed": func(t *testing.T, s storage.Store) {
			if err := s.RemoveClient(context.Background(), "app", time.Now()); err != nil {
				t.Fatal(err)
			}
		},
	}
	for what, change := range changes {
		for how, other := range others {
			for _, d := range []admin.Demand{{Revision: 1}, {Old: true}} {
				if d.Old && how == "changed" {
					continue // whatever is there
				}
				var store *overtaken
				h := newHarnessOver(t, func(s storage.Store) storage.Store { store = &overtaken{Store: s}; return store })
				h.put(t, "app", "")
				store.after = func() { other(t, store.Store) }
				err := change(t.Context(), h, d)
				if !errors.Is(err, storage.ErrConflict) && !(how == "removed" && errors.Is(err, storage.ErrNotFound)) {
					t.Errorf("%s of a client that was %s meanwhile, %+v: %v", what, how, d, err)
				}
				c, err := store.Store.Client(t.Context(), "app")
				if how == "changed" && (err != nil || c.Name != "Another" || c.Revision != 2) || how == "removed" && !errors.Is(err, storage.ErrNotFound) {
					t.Errorf("%s of a client that was %s meanwhile, %+v: left %+v, %v", what, how, d, c, err)
				}
			}
		}
	}
}
