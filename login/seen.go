package login

import (
	"context"
	"errors"
	"time"

	"brygga/storage"
)

const (
	// seenLife is how long a page counts as looked at once its browser has asked for it, its status or its events.
	seenLife = 30 * time.Second
	// tellEvery is how often the store is told that a page is looked at, when another process collects.
	tellEvery = seenLife / 3
	// restEvery is how often a collector that rests looks whether somebody has come back.
	restEvery = time.Second
)

// Seen notes that the browser of the login looks at its page. An order that no app picks up is renewed only then: each costs
// money, and a code that nobody sees is scanned by nobody. Whoever comes back within the window gets a new order at once. It may be
// called as often as one likes; l may be somewhat old.
func (e *Engine) Seen(ctx context.Context, l *storage.Login) {
	if l.State != storage.LoginPending || !l.Order.AwaitsApp() {
		return
	}
	now := e.now()
	e.mu.Lock()
	c := e.collectors[l.ID]
	if c != nil {
		c.seen = now
	}
	e.mu.Unlock()
	if c != nil || now.Sub(l.Seen) < tellEvery {
		return
	}
	_, err := e.Store.RecordSeen(ctx, l.ID, now)
	if err != nil && !errors.Is(err, storage.ErrConflict) && !errors.Is(err, storage.ErrNotFound) && ctx.Err() == nil {
		e.fault(ctx, "record that the page is seen", l.ID, err)
	}
}

// isSeen reports whether somebody looks at the login's page, through this process or another.
func (c *collector) isSeen(ctx context.Context, l *storage.Login) bool {
	c.mu.Lock()
	seen := c.seen
	c.mu.Unlock()
	now := c.now()
	if now.Sub(seen) <= seenLife {
		return true
	}
	stored, err := c.Login(ctx, l.ID)
	return err == nil && now.Sub(stored.Seen) <= seenLife
}

// rest leaves the login without a new order for now. As long as the old one lives it is collected on; when it is dead, nothing is
// done but to look whether somebody has come back, until the window closes.
func (c *collector) rest(l *storage.Login, dead bool) *storage.Login {
	c.resting = dead
	return l
}
