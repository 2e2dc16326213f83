package storage

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// ErrStatic means that the client stands in the configuration file: change it there.
var ErrStatic = errors.New("storage: client is set in the configuration file")

// WithStaticClients returns store with the given clients added. They hide stored clients of the same ID and cannot be
// changed: CreateClient returns ErrExists for their IDs, UpdateClient and RemoveClient return ErrStatic.
func WithStaticClients(store Store, clients []Client) Store {
	if len(clients) == 0 {
		return store
	}
	static := make(map[string]*Client, len(clients))
	for _, c := range clients {
		c.Static = true
		static[c.ID] = &c
	}
	return &staticClients{Store: store, static: static}
}

type staticClients struct {
	Store
	static map[string]*Client
}

// Client returns the static client of that ID, else the stored one.
func (s *staticClients) Client(ctx context.Context, id string) (*Client, error) {
	if c := s.static[id]; c != nil {
		return c, nil
	}
	return s.Store.Client(ctx, id)
}

// Clients returns static and stored clients, ordered by ID.
func (s *staticClients) Clients(ctx context.Context) ([]*Client, error) {
	stored, err := s.Store.Clients(ctx)
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(slices.Clone(stored), func(c *Client) bool { return s.static[c.ID] != nil })
	for _, c := range s.static {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *Client) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// CreateClient stores a new client, or returns ErrExists when a static or stored client has its ID.
func (s *staticClients) CreateClient(ctx context.Context, client Client) error {
	if s.static[client.ID] != nil {
		return ErrExists
	}
	return s.Store.CreateClient(ctx, client)
}

// UpdateClient updates a stored client, or returns ErrStatic.
func (s *staticClients) UpdateClient(ctx context.Context, client Client) error {
	if s.static[client.ID] != nil {
		return ErrStatic
	}
	return s.Store.UpdateClient(ctx, client)
}

// RemoveClient removes a stored client, or returns ErrStatic.
func (s *staticClients) RemoveClient(ctx context.Context, id string, now time.Time) error {
	if s.static[id] != nil {
		return ErrStatic
	}
	return s.Store.RemoveClient(ctx, id, now)
}
