package admin_test

import (
	"context"
	"errors"
	"testing"

	"brygga/account"
	"brygga/admin"
	"brygga/clients"
	"brygga/secret"
	"brygga/storage"
)

// TestPruneKeepsWhoAsks: a client that prunes as itself is not removed because it was not named, also in a dry run; it can be by name.
func TestPruneKeepsWhoAsks(t *testing.T) {
	h := newHarness(t)
	h.put(t, "terraform", "")
	h.put(t, "app", "")
	h.tokens = func(ctx context.Context, _ secret.String) (*storage.Client, []string, error) {
		c, err := h.store.Client(ctx, "terraform")
		return c, []string{admin.ScopeClientsWrite}, err
	}
	actor, err := h.Authenticate(t.Context(), secret.New("token"), account.From{})
	if err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		if _, err := h.ApplyClients(t.Context(), actor, nil, true, dry); !errors.Is(err, admin.ErrOwnClient) {
			t.Errorf("dry %v: %v", dry, err)
		}
	}
	if _, err := h.Client(t.Context(), root, "app"); err != nil {
		t.Errorf("the other client: %v", err)
	}
	if _, err := h.ApplyClients(t.Context(), actor, []clients.Change{{ID: "terraform"}}, true, false); err != nil {
		t.Errorf("by name: %v", err)
	}
}
