package clients

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
	"brygga/webhook"
)

// ErrNoWebhook means that the client has no webhook.
var ErrNoWebhook = errors.New("clients: the client has no webhook")

// fitWebhook drops the keys of a webhook that the client has not, and makes the one that its webhook lacks.
func fitWebhook(c *storage.Client, now time.Time) {
	switch {
	case c.WebhookURI == "":
		c.WebhookKeys = nil
	case len(c.WebhookKeys) == 0:
		c.WebhookKeys = []storage.WebhookKey{{Seed: rand.Text(), Created: now}}
	}
}

// RotateWebhook gives the webhook of a client a new secret. What is sent is signed with the one before too for keep, or until the end that it has; with 0
// it is not. It returns ErrNoWebhook and the errors of Update.
func (r *Registry) RotateWebhook(ctx context.Context, actor, id string, keep time.Duration) (*Registered, error) {
	before, err := r.changeable(ctx, id)
	if err != nil {
		return nil, err
	}
	if before.WebhookURI == "" {
		return nil, ErrNoWebhook
	}
	now, c := r.now(), *before
	c.WebhookKeys = []storage.WebhookKey{{Seed: rand.Text(), Created: now}}
	if keep > 0 && len(before.WebhookKeys) > 0 {
		last := before.WebhookKeys[0]
		if last.Expires.IsZero() {
			last.Expires = now.Add(keep)
		}
		c.WebhookKeys = append(c.WebhookKeys, last)
	}
	c.Updated = now
	return r.make(ctx, actor, &plan{what: audit.ClientSecretRotated, before: before, after: &c})
}

// madeForWebhook returns the secret that a plan makes for a webhook, the zero value for none.
func (r *Registry) madeForWebhook(ctx context.Context, p *plan) (secret.String, error) {
	if p.none || p.remove || len(p.after.WebhookKeys) == 0 {
		return secret.String{}, nil
	}
	newest := p.after.WebhookKeys[0]
	if len(p.before.WebhookKeys) > 0 && p.before.WebhookKeys[0] == newest {
		return secret.String{}, nil
	}
	if r.o.Secrets == nil {
		return secret.String{}, errors.New("clients: nothing to make the secret of a webhook from")
	}
	key, err := webhookKey(ctx, r.o.Secrets, p.after.ID, newest)
	return webhook.Secret(key), err
}

// WebhookKeys returns the keys that prove to a client at now what its webhook is sent, the newest first.
func WebhookKeys(ctx context.Context, store storage.Secrets, c *storage.Client, now time.Time) (keys [][]byte, err error) {
	if !c.WebhookSecret.IsZero() {
		return webhook.ParseSecret(c.WebhookSecret)
	}
	for _, k := range c.WebhookKeys {
		if !k.Expires.IsZero() && !now.Before(k.Expires) {
			continue
		}
		key, err := webhookKey(ctx, store, c.ID, k)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, ErrNoWebhook
	}
	return keys, nil
}

// webhookKey makes the key from its seed.
func webhookKey(ctx context.Context, store storage.Secrets, id string, k storage.WebhookKey) ([]byte, error) {
	proposed := make([]byte, sha256.Size)
	rand.Read(proposed)
	master, err := store.SecretOrCreate(ctx, "webhooks", proposed)
	if err != nil {
		return nil, fmt.Errorf("read the secret for webhooks: %w", err)
	}
	mac := hmac.New(sha256.New, master)
	fmt.Fprintf(mac, "webhook\n%s\n%s", id, k.Seed)
	return mac.Sum(nil), nil
}
