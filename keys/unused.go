package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// lookEvery is how often Maintain asks whether sets are used: somebody may have to go through all clients for it.
const lookEvery = time.Hour

// lookIsDue reports whether it is time to ask again.
func (r *Ring) lookIsDue() bool {
	last := r.looked.Load()
	return last == 0 || r.o.Now().Sub(time.Unix(0, last)) >= lookEvery
}

// withoutUnused changes the set by apply, which is told of the optional sets that nobody uses if they are to be looked for. An answer
// that cannot be had counts as none, as keys must rotate all the same, and its error is returned with that of the change.
//
// Who starts to use a set provides it before and after that is known. A look may come between the two; so those that retired are
// looked at once more, and provided again if they are used after all.
func (r *Ring) withoutUnused(ctx context.Context, look bool, apply func(d *draft, unused []string) error) error {
	var unused []string
	var lookErr error
	if look {
		unused, lookErr = r.unused(ctx)
	}
	err := r.update(ctx, func(d *draft) error { return apply(d, unused) })
	if err == nil && lookErr == nil && len(unused) > 0 {
		err = r.provideUsed(ctx, unused)
	}
	return errors.Join(lookErr, err)
}

// unused returns the optional algorithms that have keys in use here and that nobody needs.
func (r *Ring) unused(ctx context.Context) ([]string, error) {
	var optional []string
	for name := range r.set.Load().active {
		if isOptional(name) {
			optional = append(optional, name)
		}
	}
	if r.o.Used == nil || len(optional) == 0 {
		return nil, nil
	}
	used, err := r.o.Used(ctx, optional)
	if err != nil {
		return nil, fmt.Errorf("ask which keys are used: %w", err)
	}
	r.looked.Store(r.o.Now().UnixNano())
	return slices.DeleteFunc(optional, func(name string) bool { return slices.Contains(used, name) }), nil
}

func (r *Ring) provideUsed(ctx context.Context, retired []string) error {
	used, err := r.o.Used(ctx, retired)
	if err != nil {
		return fmt.Errorf("ask which retired keys are used: %w", err)
	}
	_, err = r.Provide(ctx, used...)
	return err
}

func (r *Ring) retire(d *draft, unused []string) {
	for _, algorithm := range unused {
		d.retire(algorithm, r.o.TokenLife)
	}
}
