package storage

import "context"

// Enabled returns store without the clients that are disabled: to whoever asks for one by its ID, it is as if it were not
// registered. Lists and changes are those of store.
func Enabled(store Store) Store { return enabled{store} }

type enabled struct{ Store }

// Client returns the client with that ID, or ErrNotFound when it is disabled.
func (e enabled) Client(ctx context.Context, id string) (*Client, error) {
	c, err := e.Store.Client(ctx, id)
	if err == nil && c.Disabled {
		return nil, ErrNotFound
	}
	return c, err
}
