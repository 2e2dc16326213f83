package admin

import (
	"context"
	"fmt"
	"time"

	"brygga/clients"
	"brygga/storage"
)

// ClientSecret is what is known of a secret of a client.
type ClientSecret struct {
	// Created and Expires are those of storage.ClientSecret.
	Created, Expires time.Time
	// Who made it; the zero value for who may not see the client's history, and where the audit log keeps it no more.
	Who Who
	// Used is when the client has proven itself by it last, zero for never: to the second where this process has seen it, else to clients.UseInterval.
	Used time.Time
}

// InUse reports whether something is likely to break when the secret ends: it was used within a day.
func (c *ClientSecret) InUse(now time.Time) bool {
	return !c.Used.IsZero() && now.Sub(c.Used) < 24*time.Hour+clients.UseInterval
}

// ClientSecrets returns what is known of the secrets of a client, the newest first.
func (s *Service) ClientSecrets(ctx context.Context, actor Actor, id string) ([]ClientSecret, error) {
	c, err := s.Client(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	used := make([]time.Time, len(c.Secrets))
	if s.o.Uses != nil {
		if used, err = s.o.Uses.Last(ctx, c); err != nil {
			return nil, fmt.Errorf("find the use of secrets: %w", err)
		}
	}
	all := make([]ClientSecret, len(c.Secrets))
	for i, secret := range c.Secrets {
		all[i] = ClientSecret{Created: secret.Created, Expires: secret.Expires, Used: used[i]}
		if actor.May(ClientHistory) != nil || c.Static {
			continue
		}
		if all[i].Who, err = s.madeBy(ctx, id, secret); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// madeBy returns who made a secret.
func (s *Service) madeBy(ctx context.Context, id string, secret storage.ClientSecret) (Who, error) {
	event, err := s.changeAt(ctx, id, secret.Created)
	if err != nil || event == nil {
		return Who{}, err
	}
	return s.who(ctx, event.Fields["ACTOR"])
}
