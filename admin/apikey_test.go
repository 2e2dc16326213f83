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
	"brygga/eid"
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

// TestClientKey: a key of a client is good for BankID's JSON:API alone, and as long as that client is there and not disabled.
func TestClientKey(t *testing.T) {
	h := newHarness(t)
	h.put(t, "app", "")
	h.now = h.now.Add(time.Second)
	key, value := h.key(t, admin.NewAPIKey{Name: "back end", ClientID: "app", Scopes: []string{"orders:sign", "orders:auth"}, Networks: []string{"192.0.2.0/24"}})
	management, other := h.key(t, admin.NewAPIKey{Name: "n", Scopes: []string{"clients:read"}})
	opens := func(value secret.String, address string) bool {
		t.Helper()
		found, client, err := h.ClientKey(t.Context(), value, from(address))
		if err != nil && !errors.Is(err, admin.ErrKey) {
			t.Fatal(err)
		}
		return err == nil && found.ID == key.ID && client.ID == "app"
	}
	if !opens(value, "192.0.2.1") || opens(value, "192.0.3.1") || opens(other, "192.0.2.1") || opens(secret.New("brygga_"+key.ID+"_x"), "192.0.2.1") || opens(secret.String{}, "192.0.2.1") {
		t.Error("not its own key from its own network alone opens the API")
	}
	if h.works(t, value, "192.0.2.1") || !h.works(t, other, "192.0.2.1") || management.ClientID != "" {
		t.Error("a client's key opens the management API")
	}
	if _, err := h.SwitchClient(t.Context(), root, "app", admin.Demand{}, true, "for now"); err != nil || opens(value, "192.0.2.1") {
		t.Errorf("it works while the client is disabled, %v", err)
	}
	if _, err := h.SwitchClient(t.Context(), root, "app", admin.Demand{}, false, ""); err != nil || !opens(value, "192.0.2.1") {
		t.Errorf("it does not work again, %v", err)
	}
	if err := h.RemoveClient(t.Context(), root, "app", admin.Demand{}); err != nil || opens(value, "192.0.2.1") {
		t.Errorf("it works without its client, %v", err)
	}
	h.now = h.now.Add(time.Second)
	if h.put(t, "app", ""); opens(value, "192.0.2.1") {
		t.Error("it works for another client of that ID")
	}
}

// TestClientKeyMakers: a program makes a client's key when it may change clients, and none with rights of the other API.
func TestClientKeyMakers(t *testing.T) {
	h := newHarness(t)
	h.put(t, "app", "")
	n := admin.NewAPIKey{Name: "n", ClientID: "app", Scopes: []string{"orders:auth"}}
	keys := admin.Key("k", []string{"apikeys:write"}, nil, account.From{})
	if _, _, err := h.CreateAPIKey(t.Context(), keys, n); !errors.Is(err, storage.ErrForbidden) {
		t.Errorf("without a right to clients: %v", err)
	}
	both := admin.Key("k", []string{"apikeys:write", "clients:write"}, nil, account.From{})
	made, _, err := h.CreateAPIKey(t.Context(), both, n)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.RotateAPIKey(t.Context(), keys, made.ID, 0); !errors.Is(err, storage.ErrForbidden) {
		t.Errorf("the secret of one: %v", err)
	}
	for want, n := range map[string]admin.NewAPIKey{
		"client": {Name: "n", ClientID: "other", Scopes: []string{"orders:auth"}},
		"scopes": {Name: "n", ClientID: "app", Scopes: []string{"clients:read"}},
		"groups": {Name: "n", ClientID: "app", Scopes: []string{"orders:auth"}, Groups: []string{"schools"}},
	} {
		_, _, err := h.CreateAPIKey(t.Context(), root, n)
		if problems, ok := errors.AsType[clients.Problems](err); !ok || len(problems) != 1 || problems[0].Key != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	h.options.Installation.Methods = []clients.Method{{Name: "page", Traits: eid.Traits{Kinds: []storage.Kind{storage.KindIdentify}, Channels: []eid.Channel{eid.ChannelBrowser}}}}
	pages, err := admin.New(h.options)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = pages.CreateAPIKey(t.Context(), root, admin.NewAPIKey{Name: "n", ClientID: "app", Scopes: []string{"orders:auth"}})
	if _, told := errors.AsType[clients.Problems](err); !told {
		t.Errorf("a key for orders that the client's eID has not: %v", err)
	}
	if _, _, err := h.CreateAPIKey(t.Context(), root, admin.NewAPIKey{Name: "n", Scopes: []string{"orders:auth"}}); err == nil {
		t.Error("a key of the management API has a right of the other")
	}
}
