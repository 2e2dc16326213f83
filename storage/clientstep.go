package storage

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ClientStep is what becomes of one client in Clients.ChangeClients.
type ClientStep struct {
	// Client is created when its Revision is 0, else it replaces the stored one of that revision.
	Client Client
	// Remove removes the stored client of that ID and revision instead.
	Remove bool
}

// ClientStepError means that nothing was changed because of this client. Unwrap returns ErrExists, ErrNotFound, ErrConflict or ErrStatic.
type ClientStepError struct {
	ID  string
	Err error
}

// Error names the client.
func (e *ClientStepError) Error() string { return fmt.Sprintf("client %.128q: %v", e.ID, e.Err) }

// Unwrap returns what is wrong.
func (e *ClientStepError) Unwrap() error { return e.Err }

// OrderedClientSteps returns the steps in the order of their clients, in which every process takes them. A client without an ID, and one that is
// named twice, is an error.
func OrderedClientSteps(steps []ClientStep) ([]ClientStep, error) {
	ordered := slices.Clone(steps)
	slices.SortFunc(ordered, func(a, b ClientStep) int { return strings.Compare(a.Client.ID, b.Client.ID) })
	for i, step := range ordered {
		switch {
		case step.Client.ID == "":
			return nil, errors.New("change clients: ID is empty")
		case i > 0 && ordered[i-1].Client.ID == step.Client.ID:
			return nil, &ClientStepError{step.Client.ID, ErrExists}
		}
	}
	return ordered, nil
}
