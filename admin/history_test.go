package admin_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/audit"
	"brygga/storage"
)

// TestClientHistory: every change is told with who made it and what it was before and after, the last one first, and nobody else's.
func TestClientHistory(t *testing.T) {
	h := newHarness(t)
	key, _, err := h.CreateAPIKey(t.Context(), root, admin.NewAPIKey{Name: "terraform", Scopes: []string{admin.ScopeClientsWrite}})
	if err != nil {
		t.Fatal(err)
	}
	program := admin.Key(key.ID, key.Scopes, nil, account.From{})
	h.put(t, "app", "")
	h.put(t, "other", "") // in the same microsecond
	h.now = h.now.Add(time.Hour)
	name := func(c *storage.Client) error { c.Name = "The App"; return nil }
	if _, err := h.UpdateClient(t.Context(), program, "app", admin.Demand{}, name); err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Hour)
	made, err := h.RotateSecret(t.Context(), operator(storage.RoleOwner, true), "app", admin.Demand{}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	h.now = h.now.Add(time.Hour)
	if _, err := h.SwitchClient(t.Context(), root, "app", admin.Demand{}, true, "moves"); err != nil {
		t.Fatal(err)
	}

	all, next, err := h.ClientHistory(t.Context(), root, "app", time.Time{}, 10)
	if err != nil || !next.IsZero() || len(all) != 4 {
		t.Fatalf("%d changes, next %s, %v", len(all), next, err)
	}
	types := []audit.Type{audit.ClientChanged, audit.ClientSecretRotated, audit.ClientChanged, audit.ClientAdded}
	actors := []string{"root", "owner", "key:" + key.ID, "root"}
	for i, c := range all {
		if c.Event != types[i] || c.Who.ID != actors[i] || !c.Time.Equal(h.now.Add(-time.Duration(i)*time.Hour)) {
			t.Errorf("change %d is %+v", i, c)
		}
		for _, change := range c.Changes {
			if strings.Contains(change.Before+change.After, made.Secret.Reveal()) {
				t.Errorf("%s shows a secret", change.Name)
			}
		}
	}
	if all[2].Who.Name != "terraform" || !slices.Equal(all[2].Changes, []audit.Change{{Name: "name", Before: "app", After: "The App"}}) {
		t.Errorf("of the program: %+v", all[2])
	}
	if want := []audit.Change{{Name: "disabled", Before: "false", After: "true"}, {Name: "disabled_reason", After: "moves"}}; !slices.Equal(all[0].Changes, want) {
		t.Errorf("of the switch: %+v", all[0].Changes)
	}

	var paged []admin.ClientChange
	for from := (time.Time{}); len(paged) < 9; {
		page, next, err := h.ClientHistory(t.Context(), root, "app", from, 3)
		if err != nil {
			t.Fatal(err)
		}
		if paged, from = append(paged, page...), next; next.IsZero() {
			break
		}
	}
	if len(paged) != 4 || paged[3].Event != audit.ClientAdded {
		t.Errorf("by pages: %+v", paged)
	}
	if _, _, err := h.ClientHistory(t.Context(), operator(storage.RoleAdmin, true, "schools"), "app", time.Time{}, 3); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("to an admin of others: %v", err)
	}
}

// TestHistoryOfEarlierVersions: a client whose last change was noted a moment before its event has that change in its history.
func TestHistoryOfEarlierVersions(t *testing.T) {
	h := newHarness(t)
	c := storage.Client{ID: "app", Updated: h.now, RedirectURIs: []string{"https://app.example.se/cb"}}
	event := storage.AuditEvent{ID: "1", Time: h.now.Add(time.Second), Type: string(audit.ClientAdded), Fields: map[string]string{"CLIENT_ID": "app", "ACTOR": "anna"}, Expires: h.now.Add(time.Hour)}
	if err := h.store.CreateClient(t.Context(), c, event); err != nil {
		t.Fatal(err)
	}
	all, next, err := h.ClientHistory(t.Context(), root, "app", time.Time{}, 10)
	if err != nil || !next.IsZero() || len(all) != 1 || all[0].Who.ID != "anna" {
		t.Errorf("%+v, %s, %v", all, next, err)
	}
}
