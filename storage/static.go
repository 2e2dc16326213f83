package storage

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// ErrStatic means that the client stands in the configuration file: change it there.
var ErrStatic = errors.New("storage: client is set in the configuration file")

// StaticClients is a store with clients of the configuration added. They hide stored clients of the same ID and cannot be changed
// through it: CreateClient returns ErrExists for their IDs, UpdateClient and RemoveClient return ErrStatic.
type StaticClients struct {
	Store
	set   atomic.Pointer[staticSet]
	since atomic.Pointer[map[string]time.Time] // see Remember
}

// WithStaticClients returns store with the given clients added.
func WithStaticClients(store Store, clients []Client) *StaticClients {
	s := &StaticClients{Store: store}
	s.Replace(clients)
	return s
}

// Replace puts other clients in the place of the static ones, all at once. It may be called while others use the store.
func (s *StaticClients) Replace(clients []Client) {
	set := &staticSet{static: make(map[string]*Client, len(clients)), origins: map[string]bool{}, gone: map[string]bool{}}
	for _, c := range clients {
		c.Static = true
		set.static[c.ID] = &c
	}
	if before := s.set.Load(); before != nil {
		maps.Copy(set.gone, before.gone)
		for id := range before.static {
			set.gone[id] = true
		}
	}
	maps.DeleteFunc(set.gone, func(id string, _ bool) bool { return set.static[id] != nil })
	for _, c := range set.static {
		set.sorted = append(set.sorted, c)
		for _, origin := range c.WebOrigins() {
			set.origins[origin] = true
		}
	}
	slices.SortFunc(set.sorted, byID)
	s.set.Store(set)
}

// staticSet is never changed.
type staticSet struct {
	static  map[string]*Client
	sorted  []*Client       // by ID
	gone    map[string]bool // those that were static earlier in this process
	origins map[string]bool
}

func (s *StaticClients) static(id string) *Client { return s.set.Load().static[id] }

func byID(a, b *Client) int { return cmp.Compare(a.ID, b.ID) }

// Client returns the static client of that ID, else the stored one.
func (s *StaticClients) Client(ctx context.Context, id string) (*Client, error) {
	if c := s.static(id); c != nil {
		return c, nil
	}
	return s.Store.Client(ctx, id)
}

// Clients returns at most limit static and stored clients whose IDs follow after, ordered by ID. For each stored client that is
// left out its static one comes, so a full page of stored ones is enough for a full page of both.
func (s *StaticClients) Clients(ctx context.Context, after string, limit int) ([]*Client, error) {
	set := s.set.Load()
	page, err := s.Store.Clients(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	page = slices.DeleteFunc(page, func(c *Client) bool { return set.static[c.ID] != nil })
	first, found := slices.BinarySearchFunc(set.sorted, after, func(c *Client, id string) int { return cmp.Compare(c.ID, id) })
	if found {
		first++
	}
	page = append(page, set.sorted[first:]...)
	slices.SortFunc(page, byID)
	return page[:min(len(page), max(limit, 0))], nil
}

// OriginRegistered reports whether a static or stored client has the web origin. Hidden ones count.
func (s *StaticClients) OriginRegistered(ctx context.Context, origin string) (bool, error) {
	if s.set.Load().origins[origin] {
		return true, nil
	}
	return s.Store.OriginRegistered(ctx, origin)
}

// CreateClient stores a new client, or returns ErrExists when a static or stored client has its ID.
func (s *StaticClients) CreateClient(ctx context.Context, client Client, events ...AuditEvent) error {
	if s.static(client.ID) != nil {
		return ErrExists
	}
	return s.Store.CreateClient(ctx, client, events...)
}

// UpdateClient updates a stored client, or returns ErrStatic.
func (s *StaticClients) UpdateClient(ctx context.Context, client Client, events ...AuditEvent) error {
	if s.static(client.ID) != nil {
		return ErrStatic
	}
	return s.Store.UpdateClient(ctx, client, events...)
}

// ChangeClients changes stored clients, or returns a *ClientStepError with ErrStatic for one that is none of them.
func (s *StaticClients) ChangeClients(ctx context.Context, steps []ClientStep, now time.Time, events ...AuditEvent) error {
	for _, step := range steps {
		if s.static(step.Client.ID) != nil {
			return &ClientStepError{step.Client.ID, ErrStatic}
		}
	}
	return s.Store.ChangeClients(ctx, steps, now, events...)
}

// RemoveClient removes a stored client, or returns ErrStatic.
func (s *StaticClients) RemoveClient(ctx context.Context, id string, now time.Time, events ...AuditEvent) error {
	if s.static(id) != nil {
		return ErrStatic
	}
	return s.Store.RemoveClient(ctx, id, now, events...)
}
