package clients_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"brygga/clients"
	"brygga/storage"
)

func named(name string) func(*storage.Client) error {
	return func(c *storage.Client) error {
		c.Name = name
		return web(c)
	}
}

func TestPut(t *testing.T) {
	h := newHarness(t)
	first, err := h.Put(t.Context(), "anna", "app", named("One"))
	if err != nil || !first.New || first.Secret.IsZero() || first.Client.Revision != 1 {
		t.Fatalf("a new client: %+v, %v", first, err)
	}
	again, err := h.Put(t.Context(), "anna", "app", named("One"))
	if err != nil || again.New || len(again.Changed) > 0 || !again.Secret.IsZero() {
		t.Fatalf("the same again: %+v, %v", again, err)
	}
	if c := h.client(t, "app"); c.Revision != 1 || !c.Authenticate(first.Secret, h.now) {
		t.Fatalf("the client became %+v", c)
	}
	if _, err := h.Update(t.Context(), "anna", "app", func(c *storage.Client) error { c.HomeURI = "https://app.example.se/"; return nil }); err != nil {
		t.Fatal(err)
	}
	put, err := h.Put(t.Context(), "anna", "app", named("Two"))
	if err != nil || !slices.Equal(put.Changed, []string{"name", "home_uri"}) || put.Client.HomeURI != "" || put.Client.Revision != 3 {
		t.Fatalf("what is not named was not taken away: %+v, %v", put, err)
	}
	if !h.client(t, "app").Authenticate(first.Secret, h.now) {
		t.Error("the secret was lost")
	}
}

func TestPutKeepsSector(t *testing.T) {
	h := newHarness(t)
	h.add(t, "app")
	put, err := h.Put(t.Context(), "anna", "app", func(c *storage.Client) error {
		c.RedirectURIs = []string{"https://other.example.se/cb"}
		return nil
	})
	if err != nil || put.Client.Sector != "app.example.se" {
		t.Errorf("people would be others to the app: sector %q, %v", put.Client.Sector, err)
	}
}

func TestDryRunChangesNothing(t *testing.T) {
	h := newHarness(t)
	h.add(t, "app")
	before, events, made := h.client(t, "app"), len(h.events(t)), len(h.made)
	dry := h.DryRun()
	h.now = h.now.Add(time.Minute)
	es512 := func(c *storage.Client) error { c.IDTokenAlg = storage.ES512; return web(c) }
	for name, run := range map[string]func() (*clients.Registered, error){
		"add":    func() (*clients.Registered, error) { return dry.Add(t.Context(), "anna", "new", es512) },
		"put":    func() (*clients.Registered, error) { return dry.Put(t.Context(), "anna", "app", es512) },
		"rotate": func() (*clients.Registered, error) { return dry.RotateSecret(t.Context(), "anna", "app", 0) },
		"remove": func() (*clients.Registered, error) {
			return &clients.Registered{Changed: []string{"all"}}, dry.Remove(t.Context(), "anna", "app")
		},
	} {
		if done, err := run(); err != nil || len(done.Changed) == 0 {
			t.Errorf("%s: %+v, %v", name, done, err)
		}
	}
	if _, err := dry.Add(t.Context(), "anna", "app", web); !errors.Is(err, storage.ErrExists) {
		t.Errorf("what cannot be done was not told: %v", err)
	}
	if after := h.client(t, "app"); after.Revision != before.Revision || len(h.events(t)) != events || len(h.made) != made {
		t.Errorf("something was changed: %+v, %d events, keys %v", after, len(h.events(t)), h.made)
	}
}

func TestEndSecret(t *testing.T) {
	h := newHarness(t)
	added := h.add(t, "app")
	first := h.now
	if _, err := h.EndSecret(t.Context(), "anna", "app", first); !errors.Is(err, clients.ErrLastSecret) {
		t.Errorf("the only secret: %v", err)
	}
	h.now = h.now.Add(time.Minute)
	rotated, err := h.RotateSecret(t.Context(), "anna", "app", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.EndSecret(t.Context(), "anna", "app", first.Add(time.Second)); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("no such secret: %v", err)
	}
	if _, err := h.EndSecret(t.Context(), "anna", "app", first); err != nil {
		t.Fatal(err)
	}
	if c := h.client(t, "app"); c.Authenticate(added.Secret, h.now) || !c.Authenticate(rotated.Secret, h.now) {
		t.Error("the wrong secret was ended")
	}
}

func TestApply(t *testing.T) {
	h := newHarness(t)
	for _, id := range []string{"changed", "removed", "left"} {
		h.add(t, id)
	}
	done, err := h.Apply(t.Context(), "anna", []clients.Change{{ID: "new", Set: web}, {ID: "changed", Set: named("Another")}, {ID: "removed"}, {ID: "left", Set: web}})
	if err != nil {
		t.Fatal(err)
	}
	if !done[0].New || done[0].Secret.IsZero() || len(done[1].Changed) == 0 || !done[2].Removed || len(done[3].Changed) > 0 {
		t.Errorf("done %+v %+v %+v %+v", done[0], done[1], done[2], done[3])
	}
	if _, err := h.store.Client(t.Context(), "removed"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("removed client: %v", err)
	}
	if c := h.client(t, "left"); c.Revision != 1 {
		t.Error("a client that was so already was written")
	}
}

func TestApplyAllOrNothing(t *testing.T) {
	h := newHarness(t)
	h.add(t, "app")
	events := len(h.events(t))
	_, err := h.Apply(t.Context(), "anna", []clients.Change{
		{ID: "new", Set: web}, {ID: "bad id", Set: web}, {ID: "app", Set: named("Another")}, {ID: "unknown"},
	})
	var at []int
	for _, one := range err.(interface{ Unwrap() []error }).Unwrap() {
		failed, ok := errors.AsType[*clients.ChangeError](one)
		if !ok {
			t.Fatalf("error %v", one)
		}
		at = append(at, failed.Index)
	}
	if !slices.Equal(at, []int{1, 3}) {
		t.Errorf("wrong are %v", at)
	}
	if _, err := h.store.Client(t.Context(), "new"); !errors.Is(err, storage.ErrNotFound) || h.client(t, "app").Revision != 1 || len(h.events(t)) != events {
		t.Error("part of it was made")
	}
}
