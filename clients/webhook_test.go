package clients_test

import (
	"errors"
	"testing"
	"time"

	"brygga/clients"
	"brygga/secret"
	"brygga/storage"
	"brygga/webhook"
)

// keysOf returns the secrets that a client's webhook is signed with, as its receiver has them.
func (h *harness) keysOf(t *testing.T, id string) (all []string) {
	t.Helper()
	keys, err := clients.WebhookKeys(t.Context(), h.store, h.client(t, id), h.now)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		all = append(all, webhook.Secret(key).Reveal())
	}
	return all
}

func hook(c *storage.Client) error {
	c.WebhookURI = "https://app.example.se/hook"
	return web(c)
}

// TestWebhookSecret: who sets a webhook is shown its secret once; a rotation signs with the one before too for as long as it says, and two are the most.
func TestWebhookSecret(t *testing.T) {
	h := newHarness(t)
	is := func(want ...string) {
		t.Helper()
		got := h.keysOf(t, "app")
		if len(got) != len(want) {
			t.Fatalf("signed with %q, want %q", got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("key %d is %s, want %s", i, got[i], want[i])
			}
		}
	}
	rotate := func(keep time.Duration) string {
		t.Helper()
		done, err := h.RotateWebhook(t.Context(), "anna", "app", keep)
		if err != nil || done.WebhookSecret.IsZero() || !done.Secret.IsZero() {
			t.Fatalf("rotated to %+v, %v", done, err)
		}
		return done.WebhookSecret.Reveal()
	}
	added, err := h.Add(t.Context(), "anna", "app", hook)
	if err != nil || added.WebhookSecret.IsZero() {
		t.Fatal(added, err)
	}
	first := added.WebhookSecret.Reveal()
	is(first)
	if done, err := h.Update(t.Context(), "anna", "app", func(c *storage.Client) error { c.Name = "Appen"; return nil }); err != nil || !done.WebhookSecret.IsZero() {
		t.Errorf("another change made a secret: %+v, %v", done, err)
	}
	if done, err := h.Put(t.Context(), "anna", "app", hook); err != nil || !done.WebhookSecret.IsZero() {
		t.Errorf("the same registration made a secret: %+v, %v", done, err)
	}
	second := rotate(time.Hour)
	is(second, first)
	third := rotate(time.Hour)
	is(third, second)
	h.now = h.now.Add(time.Hour)
	is(third)
	is(rotate(0))
	if _, err := h.Update(t.Context(), "anna", "app", web); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Put(t.Context(), "anna", "app", web); err != nil || len(h.client(t, "app").WebhookKeys) != 0 {
		t.Errorf("without an address there are keys: %v", err)
	}
	if _, err := h.RotateWebhook(t.Context(), "anna", "app", 0); !errors.Is(err, clients.ErrNoWebhook) {
		t.Errorf("a rotation for nobody: %v", err)
	}
	if _, err := clients.WebhookKeys(t.Context(), h.store, h.client(t, "app"), h.now); !errors.Is(err, clients.ErrNoWebhook) {
		t.Errorf("keys for nobody: %v", err)
	}
}

// TestWebhookSecretsDiffer: no client can sign as another, and a dry run makes nothing.
func TestWebhookSecretsDiffer(t *testing.T) {
	h := newHarness(t)
	would, err := h.DryRun().Add(t.Context(), "anna", "a", hook)
	if err != nil || !would.WebhookSecret.IsZero() {
		t.Errorf("a dry run has made %+v, %v", would, err)
	}
	seed := storage.WebhookKey{Seed: "same", Created: h.now}
	a, err := clients.WebhookKeys(t.Context(), h.store, &storage.Client{ID: "a", WebhookKeys: []storage.WebhookKey{seed}}, h.now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := clients.WebhookKeys(t.Context(), h.store, &storage.Client{ID: "b", WebhookKeys: []storage.WebhookKey{seed}}, h.now)
	if err != nil || string(a[0]) == string(b[0]) {
		t.Errorf("two clients have one key: %v", err)
	}
	static := storage.Client{ID: "c", WebhookSecret: secret.New("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}
	if keys, err := clients.WebhookKeys(t.Context(), h.store, &static, h.now); err != nil || webhook.Secret(keys[0]).Reveal() != static.WebhookSecret.Reveal() {
		t.Errorf("the secret of the configuration file is %v, %v", keys, err)
	}
}
