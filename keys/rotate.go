package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"brygga/storage"
)

// maxTries is how often a change of the set is tried anew when another process was first.
const maxTries = 10

// Reload takes over what other processes have changed in the store. It returns an error, and keeps signing as before, when
// the store fails or holds a key that cannot be read.
func (r *Ring) Reload(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.end()
	_, _, err := r.load(ctx)
	return err
}

// begin waits until nobody else changes the set. Who gets no error calls end.
func (r *Ring) begin(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for keys that are being made: %w", context.Cause(ctx))
	}
}

func (r *Ring) end() { <-r.turn }

// Maintain does what is due: it reloads, makes missing keys, promotes next keys whose time has come, ends sets that nobody uses and
// removes retired keys whose tokens are dead. Call it every minute or so, in every process: of processes that see the same thing
// due, one does it.
func (r *Ring) Maintain(ctx context.Context) error {
	return r.withoutUnused(ctx, r.lookIsDue(), func(d *draft, unused []string) error {
		d.removeDead()
		r.retire(d, unused)
		if err := r.fill(d.algorithms()...)(d); err != nil {
			return err
		}
		for _, algorithm := range d.algorithms() {
			active := d.find(algorithm, Active)
			if d.now.Before(active.Activated.Add(r.o.RotateEvery)) || d.now.Before(d.usableFrom(algorithm, r.o.PublishAhead)) {
				continue
			}
			if err := d.promote(algorithm, r.o.TokenLife); err != nil {
				return err
			}
		}
		return nil
	})
}

// Rotate starts to use other keys, for all algorithms that have keys and that somebody uses, in one step. The sets of the others end.
//
// With now false the next keys take over; those that signed before stay in the JWKS while their tokens live, and those that
// were encrypted to leave it, and decrypt for as long. It returns a
// *TooSoonError, and changes nothing, when a next key has not been there for long enough.
//
// With now true, for keys that may be in wrong hands, every key is removed from the JWKS and replaced by a new one at once,
// the next ones too. Clients must fetch the JWKS again. Tokens that are still on their way are refused, and what was encrypted
// before cannot be read.
func (r *Ring) Rotate(ctx context.Context, now bool) error {
	return r.withoutUnused(ctx, true, func(d *draft, unused []string) error {
		d.removeDead()
		r.retire(d, unused)
		if now {
			algorithms := d.algorithms()
			d.removeAll()
			return r.fill(algorithms...)(d)
		}
		if err := r.fill(d.algorithms()...)(d); err != nil {
			return err
		}
		for _, algorithm := range d.algorithms() {
			if from := d.usableFrom(algorithm, r.o.PublishAhead); d.now.Before(from) {
				return &TooSoonError{Algorithm: algorithm, At: from}
			}
			if err := d.promote(algorithm, r.o.TokenLife); err != nil {
				return err
			}
		}
		return nil
	})
}

// fill returns a change that makes the keys which the algorithms lack.
func (r *Ring) fill(algorithms ...string) func(*draft) error {
	return func(d *draft) error {
		for _, algorithm := range algorithms {
			missing := 0
			for _, state := range [...]State{Active, Next} {
				if d.find(algorithm, state) == nil {
					missing++
				}
			}
			if missing == 0 {
				continue
			}
			if err := d.make(algorithm, missing); err != nil {
				return err
			}
			if d.find(algorithm, Active) == nil {
				d.activate(d.find(algorithm, Next))
			}
		}
		return nil
	}
}

// load reads the store and takes its set over. It stands between begin and end.
func (r *Ring) load(ctx context.Context) ([]storage.SigningKey, uint64, error) {
	records, revision, err := r.store.SigningKeys(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("read signing keys: %w", err)
	}
	if set := r.set.Load(); set != nil && set.revision == revision {
		return records, revision, nil
	}
	set, err := newKeySet(records, revision)
	if err != nil {
		return nil, 0, err
	}
	r.set.Store(set)
	return records, revision, nil
}

// update is change when it is this caller's turn.
func (r *Ring) update(ctx context.Context, change func(*draft) error) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.end()
	return r.change(ctx, change)
}

// tell returns the audit events of the changes, and what is to be done once they are stored.
func (r *Ring) tell(ctx context.Context, changes []Event) (events []storage.AuditEvent, told func()) {
	if r.o.Tell == nil {
		return nil, func() {}
	}
	return r.o.Tell(ctx, changes)
}

// change applies apply to the stored set, stores the result if anything changed, and takes it over. When another process is
// first, it starts again from what that one has stored. It stands between begin and end.
func (r *Ring) change(ctx context.Context, apply func(*draft) error) error {
	spare := make(map[string][]storage.SigningKey)
	for range maxTries {
		records, revision, err := r.load(ctx)
		if err != nil {
			return err
		}
		d := &draft{now: r.o.Now().UTC().Truncate(time.Microsecond), spare: spare, made: make(map[string]int)}
		for _, record := range records {
			d.keys = append(d.keys, &record)
		}
		if err := apply(d); err != nil {
			return err
		}
		if len(d.events) == 0 {
			return nil
		}
		events, told := r.tell(ctx, d.events)
		err = r.store.ReplaceSigningKeys(ctx, d.records(), revision, events...)
		if errors.Is(err, storage.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("store signing keys: %w", err)
		}
		told()
		_, _, err = r.load(ctx)
		return err
	}
	return fmt.Errorf("store signing keys: %w", storage.ErrConflict)
}
