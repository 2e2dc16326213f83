package admin_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/clients"
	"brygga/secret"
	"brygga/storage"
)

func from(address string) account.From { return account.From{Address: netip.MustParseAddr(address)} }

func (h *harness) key(t *testing.T, n admin.NewAPIKey) (*storage.APIKey, secret.String) {
	t.Helper()
	key, value, err := h.CreateAPIKey(t.Context(), root, n)
	if err != nil {
		t.Fatal(err)
	}
	return key, value
}

func (h *harness) works(t *testing.T, value secret.String, address string) bool {
	t.Helper()
	_, err := h.Authenticate(t.Context(), value, from(address))
	if err != nil && !errors.Is(err, admin.ErrKey) {
		t.Fatal(err)
	}
	return err == nil
}

func TestAPIKey(t *testing.T) {
	h := newHarness(t)
	n := admin.NewAPIKey{Name: "Terraform", Scopes: []string{"clients:read"}, Networks: []string{"192.0.2.0/24", "2001:db8::1"}, Expires: h.now.Add(time.Hour)}
	key, value := h.key(t, n)
	for address, want := range map[string]bool{"192.0.2.9": true, "::ffff:192.0.2.9": true, "2001:db8::1": true, "192.0.3.9": false, "2001:db8::2": false} {
		if h.works(t, value, address) != want {
			t.Errorf("from %s: works is not %t", address, want)
		}
	}
	text := value.Reveal()
	for _, wrong := range []string{"", "x", text[:len(text)-1], text + "x", strings.Replace(text, key.ID, "other", 1), strings.ToUpper(text), "brygga__", "brygga_\xff_x", "brygga_" + key.ID + "_"} {
		if h.works(t, secret.New(wrong), "192.0.2.9") {
			t.Errorf("%q works", wrong)
		}
	}
	all, err := h.APIKeys(t.Context(), root)
	if err != nil || len(all) != 1 || !all[0].Used.Equal(h.now) || all[0].Address == "" {
		t.Errorf("the use was not noted: %+v, %v", all, err)
	}
	h.now = h.now.Add(time.Hour)
	if h.works(t, value, "192.0.2.9") {
		t.Error("it works after its end")
	}
}

func TestAPIKeyRotates(t *testing.T) {
	h := newHarness(t)
	key, first := h.key(t, admin.NewAPIKey{Name: "CI", Scopes: []string{"clients:read"}})
	rotate := func() secret.String {
		t.Helper()
		h.now = h.now.Add(time.Minute)
		rotated, value, err := h.RotateAPIKey(t.Context(), root, key.ID, time.Hour)
		if err != nil || len(rotated.Secrets) > 2 {
			t.Fatalf("%d secrets, %v", len(rotated.Secrets), err)
		}
		return value
	}
	second := rotate()
	if !h.works(t, first, "192.0.2.1") || !h.works(t, second, "192.0.2.1") {
		t.Error("not both work")
	}
	third := rotate()
	if h.works(t, first, "192.0.2.1") || !h.works(t, second, "192.0.2.1") || !h.works(t, third, "192.0.2.1") {
		t.Error("not the last two work")
	}
	h.now = h.now.Add(time.Hour)
	if h.works(t, second, "192.0.2.1") || !h.works(t, third, "192.0.2.1") {
		t.Error("the one before did not end")
	}
	if err := h.RemoveAPIKey(t.Context(), root, key.ID); err != nil || h.works(t, third, "192.0.2.1") {
		t.Errorf("it works after its removal, %v", err)
	}
}

// TestAPIKeyMakesNoStrongerOne: who holds a key for keys gives itself no right that it has not.
func TestAPIKeyMakesNoStrongerOne(t *testing.T) {
	h := newHarness(t)
	a := admin.Key("k", []string{"apikeys:write", "clients:read"}, nil, account.From{})
	if _, _, err := h.CreateAPIKey(t.Context(), a, admin.NewAPIKey{Name: "n", Scopes: []string{"clients:read", "keys:write"}}); !errors.Is(err, storage.ErrForbidden) {
		t.Errorf("a stronger one: %v", err)
	}
	if _, _, err := h.CreateAPIKey(t.Context(), a, admin.NewAPIKey{Name: "n", Scopes: []string{"clients:read"}, Groups: []string{"schools"}}); err != nil {
		t.Errorf("a weaker one: %v", err)
	}
	stronger, _ := h.key(t, admin.NewAPIKey{Name: "n", Scopes: []string{"keys:write"}})
	if _, _, err := h.RotateAPIKey(t.Context(), a, stronger.ID, 0); !errors.Is(err, storage.ErrForbidden) {
		t.Errorf("the secret of a stronger one: %v", err)
	}
}

func TestAPIKeyProblems(t *testing.T) {
	h := newHarness(t)
	for want, n := range map[string]admin.NewAPIKey{
		"name":     {Scopes: []string{"clients:read"}},
		"scopes":   {Name: "n", Scopes: []string{"clients:reed"}},
		"networks": {Name: "n", Scopes: []string{"clients:read"}, Networks: []string{"intranet"}},
		"expires":  {Name: "n", Scopes: []string{"clients:read"}, Expires: h.now},
	} {
		_, _, err := h.CreateAPIKey(t.Context(), root, n)
		if problems, ok := errors.AsType[clients.Problems](err); !ok || len(problems) != 1 || problems[0].Key != want {
			t.Errorf("%s: %v", want, err)
		}
	}
}
