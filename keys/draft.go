package keys

import (
	"slices"
	"time"

	"brygga/storage"
)

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

// algorithms returns those that have keys in use, and those that always do.
func (d *draft) algorithms() []string {
	var names []string
	for _, a := range algorithms {
		has := func(k *storage.SigningKey) bool { return k.Algorithm == a.name && stateOf(*k) != Retired }
		if !isOptional(a.name) || slices.ContainsFunc(d.keys, has) {
			names = append(names, a.name)
		}
	}
	return names
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
	next := d.find(algorithm, Next)
	d.stop(d.find(algorithm, Active), tokenLife)
	d.activate(next)
	return d.make(algorithm, 1)
}

// stop retires an active key.
func (d *draft) stop(k *storage.SigningKey, tokenLife time.Duration) {
	k.Retired, k.Removed = d.now, d.now.Add(tokenLife)
	d.tell(Stopped, k)
}

// retire ends the set of an algorithm: the active key stays while its tokens live, and the next one goes, which nobody has a signature of.
func (d *draft) retire(algorithm string, tokenLife time.Duration) {
	if old := d.find(algorithm, Active); old != nil {
		d.stop(old, tokenLife)
	}
	d.remove(func(k *storage.SigningKey) bool { return k.Algorithm == algorithm && stateOf(*k) == Next })
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
