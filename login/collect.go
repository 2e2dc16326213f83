package login

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/limit"
	"brygga/schedule"
	"brygga/storage"
)

const (
	// slowest is the longest time between two collects while the service is out of reach.
	slowest = 10 * time.Second
)

// collector collects an order of one login until the login needs it no more.
type collector struct {
	*Engine
	// method is that of the order.
	method *method
	id     string
	ctx    context.Context
	stop   context.CancelFunc
	// job has do done, which is told how late it is and returns when it is to be done again.
	job *schedule.Job
	do  func(late time.Duration) time.Duration
	// notBefore is when the next step is due, unless ctx ends.
	notBefore time.Time
	// login is as the last step left it.
	login  *storage.Login
	faults int
	// late is by how much the last step was.
	late time.Duration
	// resting says that the order is dead and nobody looks at the page.
	resting bool
	// unsaid is how an order for a person who was named has ended at the service, empty while it has not. No page tells.
	unsaid string
	// opened is when an app was first seen to have the order; zero before, and when another process has seen it.
	opened time.Time

	// orderID and started are the order being collected and when its answer came in, on the monotonic clock; seen is when the page
	// was last looked at. Engine.mu guards them.
	orderID string
	started time.Time
	seen    time.Time
	// order is the order as it was when collecting began, revision that of its login, and network the subscriber who started it.
	order    *storage.Order
	revision uint64
	network  netip.Prefix
}

// collect collects the login's current order from now on, and no other order of the login. A zero started means that the
// answer came in before this process lived.
func (e *Engine) collect(l *storage.Login, started time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return
	}
	c := e.collectors[l.ID]
	if c != nil && (c.orderID == l.Order.ID || c.revision > l.Revision) { // l waited while its order was replaced
		return
	}
	c = &collector{Engine: e, method: e.methodOf(l.Order), id: l.ID, orderID: l.Order.ID, order: l.Order, started: started, login: l}
	c.enlist(l)
	first := c.method.CollectEvery
	if started.IsZero() { // many are taken over at once
		first = first/2 + rand.N(first)
	}
	c.do = c.due
	c.begin(first)
}

// begin has the collector do its first step after so long, and all others when the one before says, until one says that there is no more
// to do. It is woken when it is stopped. The caller holds Engine.mu.
func (c *collector) begin(after time.Duration) {
	c.running.Add(1)
	c.job = c.jobs.Add(after, func(late time.Duration) time.Duration {
		next := c.do(late)
		if next < 0 {
			c.running.Done()
		}
		return next
	})
	c.heed()
}

// heed has the job woken when ctx ends.
func (c *collector) heed() { context.AfterFunc(c.ctx, c.job.Wake) }

// enlist makes c the collector of the login, in place of the one before. The caller holds Engine.mu.
func (c *collector) enlist(l *storage.Login) {
	if before := c.collectors[l.ID]; before != nil {
		before.stop()
		c.seen = before.seen
	}
	c.revision, c.network = l.Revision, limit.Subscriber(countedAs(l.Request, l.Order.Starter.IP))
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.collectors[l.ID] = c
	c.networks[c.network]++
	c.method.collecting++
}

// forget stops collecting for the login, which had its order ended, and returns the order that was collected, nil if none was. One that
// was made since goes on.
func (e *Engine) forget(ended *storage.Login) *storage.Order {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.collectors[ended.ID]
	if c == nil || c.revision > ended.Revision {
		return nil
	}
	c.stop()
	delete(e.collectors, ended.ID)
	return c.order
}

// elapsed returns how long ago the order's answer came in: by the monotonic clock while this process collects it.
func (e *Engine) elapsed(l *storage.Login) time.Duration {
	e.mu.Lock()
	c := e.collectors[l.ID]
	started := l.Order.Started
	if c != nil && c.orderID == l.Order.ID && !c.started.IsZero() {
		started = c.started
	}
	e.mu.Unlock()
	return max(0, e.Now().Sub(started))
}

// due does the next step of collecting and returns when the one after that is due.
func (c *collector) due(late time.Duration) time.Duration {
	began := time.Now()
	if early := c.notBefore.Sub(began); early > 0 && c.ctx.Err() == nil { // woken by the end of a collector whose place c has taken
		return early
	}
	if c.ctx.Err() == nil {
		c.Behind(WorkCollect, late)
		c.late = late
		c.login = c.step(c.login)
	}
	return c.next(time.Since(began))
}

// next returns when the next step is due after one that took so long. When there is none it takes c off the lists.
func (c *collector) next(took time.Duration) time.Duration {
	if c.login == nil || c.ctx.Err() != nil {
		c.leave()
		return schedule.Over
	}
	pause := c.pause(c.login, took)
	c.notBefore = time.Now().Add(pause)
	return pause
}

// pause returns how long to wait after a collect that took so long: as collects come at an even pace, but longer from fault to fault, and
// such that one falls on the moment when the order is to be renewed, as the next step might find the order dead.
func (c *collector) pause(l *storage.Login, took time.Duration) time.Duration {
	if c.resting {
		return restEvery
	}
	return c.untilOver(l, c.pace(l, took))
}

// pace is pause for an order that ends at its service.
func (c *collector) pace(l *storage.Login, took time.Duration) time.Duration {
	every, least := c.method.CollectEvery, c.method.LeastPause
	if c.faults > 0 {
		return min(every<<min(c.faults, 8), max(slowest, every))
	}
	if renew := c.renewAge() - c.elapsed(l); c.renews(l) && l.Order.AwaitsApp() && renew >= least && renew < every+least {
		return renew
	}
	return max(least, every-took)
}

// renews reports whether an order that nobody picks up gives way to another. One of a program never does: by telephone the person would be asked
// again and again, and any other program has shown the code of the first. Nor does one for a person who was named.
func (c *collector) renews(l *storage.Login) bool {
	return c.method.RenewAfter > 0 && l.Request.Program == nil && !isAsked(l.Order)
}

// renewAge returns the age at which an order is to be renewed: as much sooner as the process gets to its work late, as the order would be
// dead by then.
func (c *collector) renewAge() time.Duration {
	return c.method.RenewAfter - min(c.late, c.method.CollectEvery)
}

// leave takes c off the lists, unless another collector has taken its place there.
func (c *collector) leave() {
	c.stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.method.collecting--
	if c.networks[c.network]--; c.networks[c.network] == 0 {
		delete(c.networks, c.network)
	}
	if c.collectors[c.id] == c {
		delete(c.collectors, c.id)
	}
}

// step collects the order once and does the one thing that its state asks for. It returns the login to go on with, or nil
// when there is nothing left to collect. It always finishes what it began: only the wait between steps is cut short.
func (c *collector) step(l *storage.Login) *storage.Login {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), callTime)
	defer cancel()
	if c.resting {
		c.resting = false
		return c.nextOrder(ctx, l, true)
	}
	began := c.now()
	progress, err := c.ask(ctx, l)
	c.tellStep(StepCollect, l, l.Order, began, reasonOf(err))
	if c.ctx.Err() != nil && progress.Status != eid.Complete {
		return nil
	}
	return c.follow(ctx, l, progress, err)
}

// follow does what a collect of the order asks for; see step.
func (c *collector) follow(ctx context.Context, l *storage.Login, progress eid.Progress, err error) *storage.Login {
	switch {
	case err != nil:
		return c.notCollected(ctx, l, asFault(err))
	case progress.Status == eid.Complete:
		c.complete(ctx, l, progress)
		return nil
	case progress.Status == eid.Failed && progress.Unstarted && c.renews(l):
		return c.nextOrder(ctx, l, true)
	case progress.Status == eid.Failed:
		if l.Request.Program != nil { // whose owner may be told sooner of what somebody did in the app
			l = c.hint(ctx, l, progress.Phase, progress.HintCode)
		}
		if l == nil {
			return nil
		}
		var found []finding
		if progress.Unverified {
			found = []finding{{audit.ResultUnverified, progress.HintCode}}
		}
		return c.failAs(ctx, l, progress.HintCode, progress.Detail, found...)
	}
	c.faults = 0
	if l = c.hint(ctx, l, progress.Phase, progress.HintCode); l != nil && c.isOver(l.Request.Program) {
		c.cancelOrder(l.Order)
		return c.fail(ctx, l, ReasonExpired)
	}
	if l == nil || !l.Order.AwaitsApp() || isAsked(l.Order) {
		return l
	}
	if c.renews(l) && c.elapsed(l) >= c.renewAge() || !c.now().Before(l.Order.WindowEnds) {
		return c.nextOrder(ctx, l, false)
	}
	return l
}

// saysLess reports whether a phase tells less than what is known of the order: a step that an app has come to is neither
// unknown again nor undone, so that the page does not go back and forth, and what was picked up is never renewed.
func saysLess(order *storage.Order, phase storage.Phase) bool {
	return order.Phase == storage.PhaseWorking && phase != storage.PhaseWorking
}

// hint stores how far an app has come and the service's word for it, when either has changed, and wakes the page.
func (c *collector) hint(ctx context.Context, l *storage.Login, phase storage.Phase, hintCode string) *storage.Login {
	if l.Order.Phase == phase && l.Order.HintCode == hintCode || saysLess(l.Order, phase) {
		return l
	}
	next, err := c.Store.RecordHint(ctx, l.ID, l.Order.ID, phase, hintCode, c.now())
	if err != nil {
		return c.lostTo(ctx, l, "record hint", err)
	}
	c.observe(OrderHint, hintCode, l.Order)
	if l.Order.AwaitsApp() && !next.Order.AwaitsApp() && !l.Order.WindowEnds.IsZero() {
		c.opened = c.now()
		c.tellStep(StepApp, l, l.Order, l.Order.WindowEnds.Add(-c.Window), "")
	}
	c.watches.tell(l.ID)
	return next
}

// lostTo handles the error of a storage step of collecting: when the login has moved on, this collector is done; when the
// store failed, the next step tries again.
func (c *collector) lostTo(ctx context.Context, l *storage.Login, doing string, err error) *storage.Login {
	if errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	c.fault(ctx, doing, l.ID, err)
	c.faults++
	return l
}

// notCollected decides what a collect that failed means. While the fault may pass, the order may still be completed, so it
// is kept as long as an order can live.
func (c *collector) notCollected(ctx context.Context, l *storage.Login, fault *eid.Fault) *storage.Login {
	c.faults++
	c.log.WarnContext(ctx, "order not collected", "login", l.ID, "order", l.Order.ID, "reason", fault.Reason, "err", fault.Err)
	age, m := c.elapsed(l), c.method
	switch {
	case fault.Passing && l.Order.AwaitsApp() && age < 2*m.StartLife, fault.Passing && !l.Order.AwaitsApp() && age < m.OrderLife:
		return l
	case fault.Reason == ReasonLost && l.Order.AwaitsApp() && age >= m.StartLife && c.renews(l):
		return c.nextOrder(ctx, l, true)
	case fault.Reason == ReasonForeignResult || fault.Reason == ReasonIncomplete:
		return c.fail(ctx, l, fault.Reason, finding{audit.ResultRefused, fault.Reason})
	}
	return c.failAs(ctx, l, fault.Reason, fault.Detail)
}

// nextOrder replaces an order that no app has picked up by a new one, within the window and while somebody looks. One that is dead has ended
// at the service already; one that is not lingers once the new one is in place.
func (c *collector) nextOrder(ctx context.Context, l *storage.Login, dead bool) *storage.Login {
	if c.now().Before(l.Order.WindowEnds) && !c.isSeen(ctx, l) {
		return c.rest(l, dead)
	}
	if !c.mayRenew(ctx, l) {
		if !dead {
			c.cancelOrder(l.Order)
		}
		return c.fail(ctx, l, ReasonExpired)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime) // the collect may have taken most of it
	defer cancel()
	next, err := c.renew(ctx, l)
	var fault *eid.Fault
	switch {
	case err == nil:
		if !dead {
			c.linger(l, next.Order)
		}
		return nil // the new order has a collector of its own
	case errors.Is(err, storage.ErrBusy):
		return l
	case errors.Is(err, storage.ErrConflict):
		return c.stillCurrent(ctx, l)
	case errors.As(err, &fault):
		c.faults++
		if fault.Passing && c.elapsed(l) < 2*c.method.StartLife {
			return next
		}
		return c.failAs(ctx, next, fault.Reason, fault.Detail)
	}
	return c.lostTo(ctx, l, "renew order", err)
}

// mayRenew reports whether the window is open still, the client may log people in, and whoever asked for the order may have one more:
// a renewal costs as much as an order. It counts the renewal.
func (c *collector) mayRenew(ctx context.Context, l *storage.Login) bool {
	if !c.now().Before(l.Order.WindowEnds) {
		return false
	}
	_, err := storage.Enabled(c.Store).Client(ctx, l.Request.ClientID)
	if errors.Is(err, storage.ErrNotFound) {
		return false
	}
	err = c.limits.allowRenewal(countedAs(l.Request, l.Order.Starter.IP), l.Request.ClientID)
	if err != nil {
		c.Observe(Observation{Event: LimitReached, Reason: "renewals", Device: l.Order.Starter.Device})
		c.log.InfoContext(ctx, "order not renewed", "login", l.ID, "client_id", l.Request.ClientID, "err", err)
	}
	return err == nil
}

// stillCurrent returns the login if its order is still the one that is collected: a wish may have taken over from the renewal, and
// until its order is there the old one counts.
func (c *collector) stillCurrent(ctx context.Context, l *storage.Login) *storage.Login {
	now, err := c.Login(ctx, l.ID)
	if err != nil {
		return c.lostTo(ctx, l, "read login", err)
	}
	if now.State != storage.LoginPending || now.Order.ID != l.Order.ID {
		return nil
	}
	return now
}

// renew makes the next order of the round and puts it in place of l's. When the service makes none, it returns the login
// with the old order and a *Fault.
func (c *collector) renew(ctx context.Context, l *storage.Login) (*storage.Login, error) {
	client, err := c.Store.Client(ctx, l.Request.ClientID)
	if err != nil {
		return l, err
	}
	claim := storage.Claim{ID: randomID(), Replaces: l.Order.ID, Collector: c.Collector, At: c.now()}
	begun, err := c.Store.BeginOrder(ctx, l.ID, claim)
	if err != nil {
		return l, err
	}
	put, err := c.makeOrder(ctx, begun, client, claim)
	var fault *eid.Fault
	if errors.As(err, &fault) {
		if dropped, err := c.Store.DropClaim(ctx, l.ID, claim.ID, storage.Failure{}, c.now()); err == nil {
			l = dropped
		}
		return l, fault
	}
	if err == nil {
		c.observe(OrderRenewed, "", put.Order)
		c.watches.tell(l.ID)
	}
	return put, err
}

// fail ends the order without an identity, tells the audit log, of what was found before too, and wakes the page.
func (c *collector) fail(ctx context.Context, l *storage.Login, reason string, found ...finding) *storage.Login {
	return c.failAs(ctx, l, reason, "", found...)
}

// failAs is fail with what else the service said, for the audit log.
func (c *collector) failAs(ctx context.Context, l *storage.Login, reason, detail string, found ...finding) *storage.Login {
	event, observed := audit.LoginFailed, LoginFailed
	if c.method.lapsed(reason) {
		event, observed = audit.LoginEnded, LoginEnded
	}
	tell, told := c.tell(c.knownClient(ctx, l), c.orderOf, append(found, finding{event, withDetail(reason, detail)})...)
	now := c.now()
	failed, err := c.Store.FailOrder(ctx, l.ID, l.Order.ID, storage.Failure{Reason: reason, Detail: detail, At: now}, now, tell)
	if err != nil {
		return c.lostTo(ctx, l, "fail order", err)
	}
	told(ctx)
	c.tellEnded(failed)
	c.watches.tell(l.ID)
	c.observe(observed, reason, l.Order)
	return nil
}

// orderOf returns the method and the starter of the order that is collected.
func (c *collector) orderOf(after *storage.Login) (*method, storage.Starter) {
	return c.method, after.Starter()
}

// knownClient returns the login's client, or as much of it as the login knows.
func (c *collector) knownClient(ctx context.Context, l *storage.Login) *storage.Client {
	client, err := c.Store.Client(ctx, l.Request.ClientID)
	if err != nil {
		return &storage.Client{ID: l.Request.ClientID}
	}
	return client
}
