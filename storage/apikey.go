package storage

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"brygga/secret"
)

// APIKey lets a program use the management API, or make orders as a client.
type APIKey struct {
	// ID stands in the key itself and names it in the audit log.
	ID   string `json:"id"`
	Name string `json:"name"`
	// ClientID is the client as which it makes orders, empty for a key of the management API. It is good for one of the two alone.
	ClientID string `json:"client,omitempty"`
	// Scopes are the operations that it is for: some of OrderScopes with a ClientID, and else of APIScopes.
	Scopes []string `json:"scopes"`
	// Groups are those of the clients that it is for (Client.AdminGroup), nil for all clients.
	Groups []string `json:"groups,omitempty"`
	// Networks are the addresses that it may come from, as CIDR prefixes; nil for any.
	Networks []string `json:"networks,omitempty"`
	// Secrets are those that were not seen to have ended, the newest first.
	Secrets []ClientSecret `json:"secrets"`
	Created time.Time      `json:"created"`
	Creator string         `json:"creator"`
	// Expires is when it ends with all its secrets, zero for never.
	Expires time.Time `json:"expires,omitzero"`
	// Used is when it was used last, to the minute, and Address from where; zero for never.
	Used    time.Time `json:"used,omitzero"`
	Address string    `json:"address,omitempty"`
	// Revision counts the changes, from 1.
	Revision uint64 `json:"revision"`
}

// Valid reports whether presented is a secret of the key at now, and the key may be used from the address. Its time does not tell how near it came.
func (k *APIKey) Valid(presented secret.String, from netip.Addr, now time.Time) bool {
	hash, found := presented.Hash(), 0
	for _, s := range k.Secrets {
		if s.Expires.IsZero() || now.Before(s.Expires) {
			found |= subtle.ConstantTimeCompare(s.Hash[:], hash[:])
		}
	}
	return found == 1 && (k.Expires.IsZero() || now.Before(k.Expires)) && k.allows(from)
}

// Restored ends all secrets of a key in a store that was restored to an earlier point: a key that was removed since, and a secret that was replaced, would
// work again. What the key is for stays.
func (k *APIKey) Restored() {
	k.Secrets = nil
	k.Revision++
}

// Of reports whether the key is one of the client, as it is now: one that was made for another of that ID, which was removed since, is not.
func (k *APIKey) Of(c *Client) bool {
	return k.ClientID != "" && k.ClientID == c.ID && !c.Succeeds(k.Created)
}

func (k *APIKey) allows(from netip.Addr) bool {
	return len(k.Networks) == 0 || slices.ContainsFunc(k.Networks, func(network string) bool {
		prefix, err := netip.ParsePrefix(network)
		return err == nil && prefix.Contains(from.Unmap())
	})
}

// DecodeAPIKey reads what was stored of a key, as JSON.
func DecodeAPIKey(text []byte) (*APIKey, error) {
	key := new(APIKey)
	if err := json.Unmarshal(text, key); err != nil {
		return nil, fmt.Errorf("decode API key: %w", err)
	}
	return key, nil
}

// APIKeyEntryOf returns the entry of a key.
func APIKeyEntryOf(key *APIKey) Entry {
	return Entry{Kind: APIKeyEntry, Key: []byte(key.ID), Record: key}
}

// APIKeys keeps the keys for the management API. Keys that are returned are the caller's own.
type APIKeys interface {
	// APIKey returns the key with that ID, or ErrNotFound.
	APIKey(ctx context.Context, id string) (*APIKey, error)
	// APIKeys returns at most limit keys whose IDs follow after, ordered by ID.
	APIKeys(ctx context.Context, after string, limit int) ([]*APIKey, error)
	// PutAPIKey stores a new key when its revision is 0, else replaces the stored one of that revision; the revision is one more then. It returns
	// ErrExists, ErrNotFound or ErrConflict.
	PutAPIKey(ctx context.Context, key APIKey, events ...AuditEvent) error
	// RemoveAPIKey removes the key, or returns ErrNotFound.
	RemoveAPIKey(ctx context.Context, id string, events ...AuditEvent) error
}
