package login

import (
	"context"
	"time"

	"brygga/eid"
	"brygga/schedule"
	"brygga/storage"
)

// lingerLooks is how often an order that was renewed is collected on, in case that its code was scanned as it was being replaced. The
// service ends it some seconds after the renewal in any case, unless an app has it.
const lingerLooks = 2

// linger goes on with the order of l, which renewed has just replaced: its code was on the page a moment ago. It ends with the collector
// of the new order, so that whatever ends or replaces that one ends the old one too.
func (c *collector) linger(l *storage.Login, renewed *storage.Order) {
	c.mu.Lock()
	next := c.collectors[c.id]
	lingers := !c.stopped && next != nil && next.orderID == renewed.ID
	if lingers {
		former := &collector{Engine: c.Engine, method: c.method, id: c.id, orderID: l.Order.ID, order: l.Order, started: c.started, login: l}
		former.ctx, former.stop = context.WithCancel(next.ctx)
		former.do = former.lookBack(renewed)
		former.begin(c.method.CollectEvery)
	}
	c.mu.Unlock()
	if !lingers { // a person has ended or replaced the new one already
		c.cancelOrder(l.Order)
	}
}

// lookBack returns the step of a collector of an order that renewed has replaced. It takes the order back if an app has come with it, and
// goes on with what that collect has brought: a result is handed out once. Otherwise it cancels the order in the end.
func (c *collector) lookBack(renewed *storage.Order) func(late time.Duration) time.Duration {
	looks := 0
	return func(time.Duration) time.Duration {
		l, began := c.login, time.Now()
		if c.ctx.Err() != nil {
			c.cancelOrder(l.Order)
			return schedule.Over
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), callTime)
		progress, err := c.method.Collect(ctx, l.Order)
		cancel()
		looks++
		switch {
		case heldByApp(progress, err):
			if back := c.takeBack(l, renewed); back != nil {
				c.goOn(back, progress, err)
				return c.next(time.Since(began))
			}
		case !hasEnded(progress, err) && looks < lingerLooks:
			return max(c.method.LeastPause, c.method.CollectEvery-time.Since(began))
		}
		c.letGo(l.Order, progress, err)
		c.stop()
		return schedule.Over
	}
}

// goOn does what the collect asks for that has brought the order back, and collects it as any other from then on.
func (c *collector) goOn(back *storage.Login, progress eid.Progress, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), callTime)
	defer cancel()
	c.do = c.due
	if c.login = c.follow(ctx, back, progress, err); c.login == nil {
		c.letGo(back.Order, progress, err)
	}
}

// takeBack makes the order the login's current one again, in place of renewed, and c its collector. It returns nil when the login has
// moved on.
func (c *collector) takeBack(l *storage.Login, renewed *storage.Order) *storage.Login {
	var back *storage.Login
	err := c.insist("take order back", l, func(ctx context.Context) (err error) {
		back, err = c.Store.TakeBack(ctx, l.ID, l.Order.ID, c.now())
		return err
	})
	if err != nil {
		c.log.Info("order from before the renewal dropped: it is no longer wanted", "login", l.ID, "order", l.Order.ID, "err", err)
		return nil
	}
	c.log.Info("order from before the renewal taken back: an app has it", "login", l.ID, "order", l.Order.ID)
	c.cancelOrder(renewed)
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.collectors[l.ID]; now != nil && now.revision > back.Revision {
		return nil
	}
	c.enlist(back)
	c.heed()
	if c.stopped {
		c.stop()
	}
	return back
}

// letGo cancels an order that nobody goes on with, unless it has ended.
func (c *collector) letGo(order *storage.Order, progress eid.Progress, err error) {
	if !hasEnded(progress, err) {
		c.cancelOrder(order)
	}
}

// heldByApp reports whether a collect of an order that nobody had picked up says that an app has it, or had it and has come to an end.
// A failure that an order without an app comes to says nothing.
func heldByApp(progress eid.Progress, err error) bool {
	if err != nil {
		reason := asFault(err).Reason
		return reason == ReasonForeignResult || reason == ReasonIncomplete
	}
	return progress.Status == eid.Complete || progress.Phase != storage.PhaseWaiting
}

// hasEnded reports whether a collect says that the order is over at the service.
func hasEnded(progress eid.Progress, err error) bool {
	if err != nil {
		return !asFault(err).Passing
	}
	return progress.Status != eid.Pending
}
