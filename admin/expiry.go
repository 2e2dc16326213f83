package admin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"brygga/storage"
)

// ShowExpiries is the operation that shows what ends.
const ShowExpiries Name = "expiries.show"

// The kinds of what ends.
const (
	ExpiresBankID   = "bankid_certificate"
	ExpiresNetID    = "netid_certificate"
	ExpiresListener = "listener_certificate"
	ExpiresSecret   = "client_secret"
	ExpiresAPIKey   = "api_key"
)

// Expiry is something that ends and that somebody has to replace before.
type Expiry struct {
	Kind string
	// Name says which of its kind: of a secret the client's ID.
	Name string
	Ends time.Time
}

// mostClientsLooked bounds the clients whose secrets are looked at.
const mostClientsLooked = 20_000

// Expiries returns what ends of what the actor may see, the first to end first. Of the secrets of a client only the last to end counts, and none when one
// of them does not end.
func (s *Service) Expiries(ctx context.Context, actor Actor) ([]Expiry, error) {
	r, err := s.permit(ctx, actor, ShowExpiries)
	if err != nil {
		return nil, err
	}
	return s.expiries(ctx, r)
}

func (s *Service) expiries(ctx context.Context, r reach) (all []Expiry, err error) {
	if s.o.Expiries != nil {
		all = s.o.Expiries()
	}
	secrets, err := s.secretExpiries(ctx, r)
	if err != nil {
		return nil, err
	}
	all = append(all, secrets...)
	if r.all {
		keys, err := s.o.Store.APIKeys(ctx, "", clientPage)
		if err != nil {
			return nil, fmt.Errorf("list API keys: %w", err)
		}
		for _, k := range keys {
			if !k.Expires.IsZero() {
				all = append(all, Expiry{ExpiresAPIKey, k.Name, k.Expires})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Expiry) int { return a.Ends.Compare(b.Ends) })
	return all, nil
}

func (s *Service) secretExpiries(ctx context.Context, r reach) (all []Expiry, err error) {
	for after, looked := "", 0; looked < mostClientsLooked; {
		page, err := s.o.Store.Clients(ctx, after, clientPage)
		if err != nil {
			return nil, fmt.Errorf("list clients: %w", err)
		}
		for _, c := range page {
			if ends := lastEnd(c); !ends.IsZero() && !c.Disabled && r.has(c) {
				all = append(all, Expiry{ExpiresSecret, c.ID, ends})
			}
		}
		if looked += len(page); len(page) < clientPage {
			break
		}
		after = page[len(page)-1].ID
	}
	return all, nil
}

// lastEnd returns when the last secret of the client ends, zero when one does not, or when there is none.
func lastEnd(c *storage.Client) (last time.Time) {
	for _, secret := range c.Secrets {
		if secret.Expires.IsZero() {
			return time.Time{}
		}
		if secret.Expires.After(last) {
			last = secret.Expires
		}
	}
	return last
}
