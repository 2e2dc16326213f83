package login

import (
	"context"
	"time"

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
		former := &collector{Engine: c.Engine, id: c.id, orderID: l.Order.ID, order: l.Order, started: c.started}
		former.ctx, former.stop = context.WithCancel(next.ctx)
		c.running.Go(func() { former.lookAfter(l, renewed) })
	}
	c.mu.Unlock()
	if !lingers { // a person has ended or replaced the new one already
		c.cancelOrder(l.Order)
	}
}

// lookAfter takes the order back if an app has come with it, and goes on with what that collect has brought: a result is handed out
// once. Otherwise it cancels the order.
func (c *collector) lookAfter(l *storage.Login, renewed *storage.Order) {
	defer func() { c.stop() }() // taking over makes another
	progress, err := c.lookBack(l)
	var back *storage.Login
	if heldByApp(progress, err) {
		back = c.takeBack(l, renewed)
	}
	if back == nil {
		c.letGo(l.Order, progress, err)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), callTime)
	next := c.follow(ctx, back, progress, err)
	cancel()
	if next == nil {
		c.letGo(l.Order, progress, err)
	}
	c.run(next)
}

// lookBack collects the order until an app has it or it has ended, lingerLooks times at most, and returns what came last.
func (c *collector) lookBack(l *storage.Login) (progress Progress, err error) {
	for range lingerLooks {
		select {
		case <-c.ctx.Done():
			return Progress{}, c.ctx.Err()
		case <-time.After(c.CollectEvery):
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), callTime)
		progress, err = c.Method.Collect(ctx, l.Order)
		cancel()
		if heldByApp(progress, err) || hasEnded(progress, err) {
			break
		}
	}
	return progress, err
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
	if c.stopped {
		c.stop()
	}
	return back
}

// letGo cancels an order that nobody goes on with, unless it has ended.
func (c *collector) letGo(order *storage.Order, progress Progress, err error) {
	if !hasEnded(progress, err) {
		c.cancelOrder(order)
	}
}

// heldByApp reports whether a collect of an order that nobody had picked up says that an app has it, or had it and has come to an end.
// A failure that an order without an app comes to says nothing (BankID API: collect, hintCode).
func heldByApp(progress Progress, err error) bool {
	if err != nil {
		reason := asFault(err).Reason
		return reason == ReasonForeignResult || reason == ReasonIncomplete
	}
	switch progress.Status {
	case Complete:
		return true
	case Failed:
		return progress.HintCode != hintStartFailed && progress.HintCode != "expiredTransaction" && progress.HintCode != "cancelled"
	}
	order := storage.Order{HintCode: progress.HintCode}
	return !order.AwaitsApp()
}

// hasEnded reports whether a collect says that the order is over at the service.
func hasEnded(progress Progress, err error) bool {
	if err != nil {
		return !asFault(err).Passing
	}
	return progress.Status != Pending
}
