package admin_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"brygga/account"
	"brygga/admin"
	"brygga/clients"
	"brygga/secret"
	"brygga/storage"
)

// TestScopesOfClients: keys and clients can have the same scopes.
func TestScopesOfClients(t *testing.T) {
	if !slices.Equal(admin.Scopes(), storage.APIScopes) {
		t.Errorf("keys can have %v, and clients %v", admin.Scopes(), storage.APIScopes)
	}
}

func withScopes(group string, scopes ...string) func(*storage.Client) error {
	return func(c *storage.Client) error {
		c.APIScopes, c.AdminGroup = scopes, group
		return nil
	}
}

// TestWhoEquipsAClient: a client with scopes of the API is as a key with them. Who may make no such key gives no client the scopes, and gets no secret
// of one that has them.
func TestWhoEquipsAClient(t *testing.T) {
	key := func(scopes ...string) admin.Actor { return admin.Key("k", scopes, nil, account.From{}) }
	all := append([]string{"clients:write", "apikeys:write"}, "keys:read")
	for name, test := range map[string]struct {
		actor admin.Actor
		want  error
	}{
		"a command":                             {root, nil},
		"an owner":                              {operator(storage.RoleOwner, true), nil},
		"an owner who has not stepped up":       {operator(storage.RoleOwner, false), storage.ErrStepUp},
		"an admin":                              {operator(storage.RoleAdmin, true), storage.ErrForbidden},
		"a key for clients":                     {key("clients:write"), storage.ErrForbidden},
		"a key for keys that may less":          {key("clients:write", "apikeys:write"), admin.ErrStronger},
		"a key for keys that may as much":       {key(all...), nil},
		"such a key for the clients of a group": {admin.Key("k", all, []string{"schools"}, account.From{}), storage.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			h.put(t, "app", "schools")
			_, put := h.PutClient(t.Context(), test.actor, "machine", admin.Demand{DryRun: true}, withScopes("schools", "keys:read"))
			_, update := h.UpdateClient(t.Context(), test.actor, "app", admin.Demand{DryRun: true}, withScopes("schools", "keys:read"))
			_, apply := h.ApplyClients(t.Context(), test.actor, []clients.Change{{ID: "new", Set: withScopes("schools", "keys:read")}}, false, true)
			if _, err := h.PutClient(t.Context(), root, "made", admin.Demand{}, withScopes("schools", "keys:read")); err != nil {
				t.Fatal(err)
			}
			_, rotate := h.RotateSecret(t.Context(), test.actor, "made", admin.Demand{DryRun: true}, 0)
			for what, err := range map[string]error{"put": put, "update": update, "apply": apply, "rotate": rotate} {
				stepsUp := test.want == storage.ErrStepUp && errors.Is(err, storage.ErrStepUp)
				if !errors.Is(err, test.want) && !stepsUp {
					t.Errorf("%s: got %v, want %v", what, err, test.want)
				}
			}
			if _, err := h.SwitchClient(t.Context(), test.actor, "made", admin.Demand{DryRun: true}, true, ""); err != nil {
				t.Errorf("it cannot be disabled: %v", err)
			}
		})
	}
}

// TestWhoLetsAClientFetchEvidence: such a client is as an export for whoever has its secret. Who may export nothing does not let it, and gets no secret of one.
func TestWhoLetsAClientFetchEvidence(t *testing.T) {
	fetching := func(c *storage.Client) error {
		c.RedirectURIs, c.FetchEvidence, c.AdminGroup = []string{"https://app.example.se/cb"}, true, "schools"
		return nil
	}
	for name, test := range map[string]struct {
		actor admin.Actor
		want  error
	}{
		"a command":                         {root, nil},
		"an admin":                          {operator(storage.RoleAdmin, true), nil},
		"an admin who has not stepped up":   {operator(storage.RoleAdmin, false), storage.ErrStepUp},
		"a key for clients":                 {admin.Key("k", []string{"clients:write"}, nil, account.From{}), storage.ErrForbidden},
		"a key for clients and for exports": {admin.Key("k", []string{"clients:write", "evidence:export"}, nil, account.From{}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			h.put(t, "app", "schools")
			_, update := h.UpdateClient(t.Context(), test.actor, "app", admin.Demand{DryRun: true}, fetching)
			if _, err := h.PutClient(t.Context(), root, "fetches", admin.Demand{}, fetching); err != nil {
				t.Fatal(err)
			}
			_, rotate := h.RotateSecret(t.Context(), test.actor, "fetches", admin.Demand{DryRun: true}, 0)
			for what, err := range map[string]error{"update": update, "rotate": rotate} {
				if !errors.Is(err, test.want) {
					t.Errorf("%s: got %v, want %v", what, err, test.want)
				}
			}
		})
	}
}

// TestClientWithAToken is an actor as a key is: with the scopes of its token, and for its group.
func TestClientWithAToken(t *testing.T) {
	h := newHarness(t)
	h.put(t, "app", "schools")
	h.put(t, "other", "hospitals")
	h.tokens = func(_ context.Context, token secret.String) (*storage.Client, []string, error) {
		if token.Reveal() != "good" {
			return nil, nil, storage.ErrNotFound
		}
		return &storage.Client{ID: "machine", AdminGroup: "schools"}, []string{"clients:read"}, nil
	}
	if _, err := h.Authenticate(t.Context(), secret.New("bad"), account.From{}); !errors.Is(err, admin.ErrKey) {
		t.Errorf("another token: %v", err)
	}
	actor, err := h.Authenticate(t.Context(), secret.New("good"), account.From{})
	if err != nil || actor.Name() != "client:machine" {
		t.Fatalf("%q, %v", actor.Name(), err)
	}
	if _, err := h.Client(t.Context(), actor, "app"); err != nil {
		t.Error(err)
	}
	if _, err := h.Client(t.Context(), actor, "other"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a client of another group: %v", err)
	}
	if _, err := h.Keys(t.Context(), actor); !errors.Is(err, storage.ErrForbidden) {
		t.Errorf("what its token is not for: %v", err)
	}
}
