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
	r.mu.Lock()
	defer r.mu.Unlock()
	_, _, err := r.load(ctx)
	return err
}

// Maintain does what is due: it reloads, makes missing keys, promotes next keys whose time has come and removes retired
// keys whose tokens are dead. Call it every minute or so, in every process: of processes that see the same thing due, one
// does it.
func (r *Ring) Maintain(ctx context.Context) error {
	return r.update(ctx, func(d *draft) error {
		d.removeDead()
		if err := r.fill(algorithms[:])(d); err != nil {
			return err
		}
		for _, algorithm := range algorithms {
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

// Rotate starts signing with other keys, for all algorithms in one step.
//
// With now false the next keys take over; those that signed before stay in the JWKS while their tokens live. It returns a
// *TooSoonError, and changes nothing, when a next key has not been published for long enough.
//
// With now true, for keys that may be in wrong hands, every key is removed from the JWKS and replaced by a new one at once,
// the next ones too. Clients must fetch the JWKS again, and tokens that are still on their way are refused.
func (r *Ring) Rotate(ctx context.Context, now bool) error {
	return r.update(ctx, func(d *draft) error {
		d.removeDead()
		if now {
			d.removeAll()
			return r.fill(algorithms[:])(d)
		}
		if err := r.fill(algorithms[:])(d); err != nil {
			return err
		}
		for _, algorithm := range algorithms {
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
func (r *Ring) fill(algorithms []string) func(*draft) error {
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

// load reads the store and takes its set over. The caller holds mu.
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

// update applies change to the stored set, stores the result if anything changed, and takes it over. When another process
// is first, it starts again from what that one has stored.
func (r *Ring) update(ctx context.Context, change func(*draft) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
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
		if err := change(d); err != nil {
			return err
		}
		if len(d.events) == 0 {
			return nil
		}
		err = r.store.ReplaceSigningKeys(ctx, d.records(), revision)
		if errors.Is(err, storage.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("store signing keys: %w", err)
		}
		if r.o.OnChange != nil {
			for _, e := range d.events {
				r.o.OnChange(ctx, e)
			}
		}
		_, _, err = r.load(ctx)
		return err
	}
	return fmt.Errorf("store signing keys: %w", storage.ErrConflict)
}

// draft is a set of keys while it is being changed.
type draft struct {
	now    time.Time
	keys   []*storage.SigningKey
	events []Event
	// spare are the keys that this try and earlier ones made, by algorithm: RSA keys are dear, and a try may fail to store
	// them. made counts those that this try has taken.
	spare map[string][]storage.SigningKey
	made  map[string]int
}

func (d *draft) records() []storage.SigningKey {
	records := make([]storage.SigningKey, len(d.keys))
	for i, k := range d.keys {
		records[i] = *k
	}
	return records
}

func (d *draft) tell(change Change, k *storage.SigningKey) {
	d.events = append(d.events, Event{Change: change, KeyID: k.ID, Algorithm: k.Algorithm})
}

// find returns the newest key of the algorithm in that state, or nil.
func (d *draft) find(algorithm string, state State) *storage.SigningKey {
	for i := len(d.keys) - 1; i >= 0; i-- {
		if d.keys[i].Algorithm == algorithm && stateOf(*d.keys[i]) == state {
			return d.keys[i]
		}
	}
	return nil
}

// make adds n next keys. It makes them one after the other: on a first start the other cores have people to serve.
func (d *draft) make(algorithm string, n int) error {
	from := d.made[algorithm]
	for len(d.spare[algorithm]) < from+n {
		k, err := generate(algorithm, d.now)
		if err != nil {
			return err
		}
		d.spare[algorithm] = append(d.spare[algorithm], k)
	}
	d.made[algorithm] = from + n
	for _, k := range d.spare[algorithm][from : from+n] {
		k.Published = d.now
		d.keys = append(d.keys, &k)
		d.tell(Created, &k)
	}
	return nil
}

func (d *draft) activate(k *storage.SigningKey) {
	k.Activated = d.now
	d.tell(Activated, k)
}

// promote lets the next key of the algorithm take over, and makes the one after it.
func (d *draft) promote(algorithm string, tokenLife time.Duration) error {
	old, next := d.find(algorithm, Active), d.find(algorithm, Next)
	old.Retired, old.Removed = d.now, d.now.Add(tokenLife)
	d.tell(Stopped, old)
	d.activate(next)
	return d.make(algorithm, 1)
}

// usableFrom returns when every client has seen the next key of the algorithm. A next key that was published together with
// the first one has been in every JWKS there ever was.
func (d *draft) usableFrom(algorithm string, ahead time.Duration) time.Time {
	active, next := d.find(algorithm, Active), d.find(algorithm, Next)
	if d.find(algorithm, Retired) == nil && active.Published.Equal(next.Published) {
		return next.Published
	}
	return next.Published.Add(ahead)
}

func (d *draft) removeDead() {
	d.remove(func(k *storage.SigningKey) bool { return !k.Removed.IsZero() && !d.now.Before(k.Removed) })
}

func (d *draft) removeAll() { d.remove(func(*storage.SigningKey) bool { return true }) }

func (d *draft) remove(dead func(*storage.SigningKey) bool) {
	kept := d.keys[:0:0]
	for _, k := range d.keys {
		if dead(k) {
			d.tell(Removed, k)
		} else {
			kept = append(kept, k)
		}
	}
	d.keys = kept
}
