package clients

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// plan is a change of a client that was checked and is to be made.
type plan struct {
	what          audit.Type
	before, after *storage.Client
	secret        secret.String // that was made for it
	keys          bool          // keys may be needed that there are none of
	none          bool          // the client is so already
	remove        bool
}

// registered returns what became of it.
func (p *plan) registered() *Registered {
	changes := audit.Diff(settingPairs(p.before), settingPairs(p.after))
	changed := make([]string, len(changes))
	for i, c := range changes {
		changed[i] = c.Name
	}
	return &Registered{Client: p.after, Secret: p.secret, Changed: changed, Removed: p.remove, New: p.what == audit.ClientAdded, Changes: changes}
}

// make makes the change.
func (r *Registry) make(ctx context.Context, actor string, p *plan) (*Registered, error) {
	done, err := r.makeAll(ctx, actor, []*plan{p})
	if failed, ok := errors.AsType[*storage.ClientStepError](err); ok {
		err = failed.Err
	}
	if err != nil {
		return nil, err
	}
	return done[0], nil
}

// makeAll makes all of the changes or none. There are keys for the clients before they first need one, and it is looked again once they are
// stored, as keys that nobody used may have been retired in between.
func (r *Registry) makeAll(ctx context.Context, actor string, plans []*plan) (_ []*Registered, err error) {
	done := make([]*Registered, len(plans))
	var due []*plan
	var algorithms []string
	for i, p := range plans {
		if done[i] = p.registered(); p.none {
			continue
		}
		due = append(due, p)
		if p.keys {
			algorithms = append(algorithms, Algorithms(p.after)...)
		}
	}
	if r.dry || len(due) == 0 {
		return done, nil
	}
	for i, p := range plans {
		if done[i].WebhookSecret, err = r.madeForWebhook(ctx, p); err != nil {
			return nil, err
		}
	}
	ctx = audit.By(ctx, actor)
	made, err := r.provide(ctx, algorithms)
	if err != nil {
		return nil, err
	}
	if err := r.store(ctx, actor, due); err != nil {
		return nil, err
	}
	for i, p := range plans {
		if p.keys && !p.none {
			done[i].Published = made
		}
		if !p.none && !p.remove {
			stored := *p.after
			stored.Revision++
			done[i].Client = &stored
		}
	}
	_, err = r.provide(ctx, algorithms)
	return done, err
}

// provide lets there be keys for the algorithms, and returns those that there were none for.
func (r *Registry) provide(ctx context.Context, algorithms []string) ([]string, error) {
	if len(algorithms) == 0 {
		return nil, nil
	}
	ring, err := r.o.Keys(ctx)
	if err != nil {
		return nil, err
	}
	return ring.Provide(ctx, algorithms...)
}

// store stores the changes with their events, and logs those.
func (r *Registry) store(ctx context.Context, actor string, due []*plan) (err error) {
	events := make([]audit.Event, len(due))
	for i, p := range due {
		events[i] = Event(p.what, p.before, p.after, actor)
		events[i].Previous = p.before.Updated
		if p.remove || p.after.Disabled && !p.before.Disabled {
			events[i].Changes = append(events[i].Changes, ended(r.held)...)
		}
	}
	records, told := r.o.Audit.Of(events...)
	for i, p := range due { // so that the client leads to the event of its last change
		p.after.Updated = records[i].Time
	}
	if len(due) == 1 {
		err = r.storeOne(ctx, due[0], records)
	} else {
		steps := make([]storage.ClientStep, len(due))
		for i, p := range due {
			if steps[i] = (storage.ClientStep{Client: *p.after, Remove: p.remove}); p.remove {
				steps[i].Client = *p.before
			}
		}
		err = r.o.Store.ChangeClients(ctx, steps, r.now(), records...)
	}
	if err != nil {
		return fmt.Errorf("change clients: %w", err)
	}
	told(ctx)
	return nil
}

// ended are the counts of what ends, as changes of the client to none.
func ended(held storage.Holdings) (changes []audit.Change) {
	for _, count := range []struct {
		name string
		n    int
	}{{"ended.grants", held.Grants}, {"ended.offline", held.Offline}, {"ended.pushed", held.Pushed}} {
		if count.n > 0 {
			changes = append(changes, audit.Change{Name: count.name, Before: strconv.Itoa(count.n)})
		}
	}
	return changes
}

func (r *Registry) storeOne(ctx context.Context, p *plan, records []storage.AuditEvent) error {
	switch {
	case p.remove: // of the revision that was seen
		return r.o.Store.ChangeClients(ctx, []storage.ClientStep{{Client: *p.before, Remove: true}}, r.now(), records...)
	case p.what == audit.ClientAdded:
		return r.o.Store.CreateClient(ctx, *p.after, records...)
	}
	return r.o.Store.UpdateClient(ctx, *p.after, records...)
}

// Change is what is to become of one client; see Registry.Apply.
type Change struct {
	ID string
	// Set makes the settings on what every client has, as for Registry.Put; nil removes the client.
	Set func(*storage.Client) error
}

// ChangeError says which of several changes cannot be made. Unwrap returns why.
type ChangeError struct {
	Index int
	ID    string
	Err   error
}

// Error names the client.
func (e *ChangeError) Error() string { return fmt.Sprintf("client %.128q: %v", e.ID, e.Err) }

// Unwrap returns why.
func (e *ChangeError) Unwrap() error { return e.Err }

// ErrNamedTwice means that several of the changes are of one client.
var ErrNamedTwice = errors.New("clients: named twice")

// Apply makes all of the changes or none, and returns what became of each. Errors are joined *ChangeErrors, one for each client that is wrong, with
// ErrNamedTwice and the errors of Put and Remove; or one *storage.ClientStepError when a client was changed by somebody else meanwhile.
func (r *Registry) Apply(ctx context.Context, actor string, changes []Change) ([]*Registered, error) {
	plans := make([]*plan, len(changes))
	named := map[string]bool{}
	var wrong []error
	for i, change := range changes {
		var err error
		switch {
		case named[change.ID]:
			err = ErrNamedTwice
		case change.Set == nil:
			plans[i], err = r.planRemove(ctx, change.ID)
		default:
			plans[i], err = r.planPut(ctx, change.ID, change.Set)
		}
		named[change.ID] = true
		if err != nil {
			wrong = append(wrong, &ChangeError{i, change.ID, err})
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return r.makeAll(ctx, actor, plans)
}
