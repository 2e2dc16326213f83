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
	s := &staticClients{Store: store, static: make(map[string]*Client, len(clients)), origins: map[string]bool{}}
	for _, c := range clients {
		c.Static = true
		s.static[c.ID] = &c
	}
	for _, c := range s.static {
		s.sorted = append(s.sorted, c)
		for _, origin := range c.WebOrigins() {
			s.origins[origin] = true
		}
	}
	slices.SortFunc(s.sorted, byID)
	return s
}

type staticClients struct {
	Store
	static  map[string]*Client
	sorted  []*Client // by ID
	origins map[string]bool
}

func byID(a, b *Client) int { return cmp.Compare(a.ID, b.ID) }

// Client returns the static client of that ID, else the stored one.
func (s *staticClients) Client(ctx context.Context, id string) (*Client, error) {
	if c := s.static[id]; c != nil {
		return c, nil
	}
	return s.Store.Client(ctx, id)
}

// Clients returns at most limit static and stored clients whose IDs follow after, ordered by ID. For each stored client that is
// left out its static one comes, so a full page of stored ones is enough for a full page of both.
func (s *staticClients) Clients(ctx context.Context, after string, limit int) ([]*Client, error) {
	page, err := s.Store.Clients(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	page = slices.DeleteFunc(page, func(c *Client) bool { return s.static[c.ID] != nil })
	first, found := slices.BinarySearchFunc(s.sorted, after, func(c *Client, id string) int { return cmp.Compare(c.ID, id) })
	if found {
		first++
	}
	page = append(page, s.sorted[first:]...)
	slices.SortFunc(page, byID)
	return page[:min(len(page), max(limit, 0))], nil
}

// OriginRegistered reports whether a static or stored client has the web origin. Hidden ones count.
func (s *staticClients) OriginRegistered(ctx context.Context, origin string) (bool, error) {
	if s.origins[origin] {
		return true, nil
	}
	return s.Store.OriginRegistered(ctx, origin)
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
