package login

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"brygga/eid"
	"brygga/limit"
	"brygga/storage"
)

// underway remembers to whom an order is on its way that the person did not pick up by a code or link. Of one person a second order would end the
// first (BankID API: alreadyInProgress), so a stranger could keep others from ever completing one.
type underway struct {
	mu  sync.Mutex
	now map[[32]byte]reservation // by person
}

// reservation says that a person, by a hash, has an order of the login, which ends then at the latest.
type reservation struct {
	person [32]byte
	login  string
	ends   time.Time
}

// maxUnderway is how many persons are remembered before those are forgotten whose orders are over.
const maxUnderway = 10_000

// reserve takes the person for an order, or returns why there may be none: another login has one, of which still tells, or there were too many. The
// same login may have another order for the person.
func (e *Engine) reserve(ctx context.Context, u *underway, r reservation, still func(*storage.Login) bool, most *limit.Limiter[[32]byte]) *eid.Fault {
	before, busy := u.of(r.person)
	if busy && before.login != r.login && e.is(ctx, before.login, still) {
		return &eid.Fault{Reason: ReasonAlreadyInProgress, Err: errors.New("another order is on its way to the person")}
	}
	if !u.swap(before, r, e.now()) {
		return &eid.Fault{Reason: ReasonAlreadyInProgress, Err: errors.New("another order is being made for the person")}
	}
	if err := most.Allow(r.person); err != nil {
		return &eid.Fault{Reason: ReasonTooMany, Err: fmt.Errorf("orders for one person: %w", err)}
	}
	return nil
}

// is reports whether there is a login of which holds. A store that cannot say counts as yes.
func (e *Engine) is(ctx context.Context, id string, holds func(*storage.Login) bool) bool {
	l, err := e.Login(ctx, id)
	if err != nil {
		return !errors.Is(err, storage.ErrNotFound)
	}
	return holds(l)
}

func (u *underway) of(person [32]byte) (reservation, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	r, ok := u.now[person]
	return r, ok
}

// swap puts next in the place of before, and reports whether that was still what stood there.
func (u *underway) swap(before, next reservation, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.now[next.person] != before {
		return false
	}
	if u.now == nil {
		u.now = make(map[[32]byte]reservation)
	}
	if len(u.now) >= maxUnderway {
		for person, r := range u.now {
			if !now.Before(r.ends) {
				delete(u.now, person)
			}
		}
	}
	u.now[next.person] = next
	return true
}
