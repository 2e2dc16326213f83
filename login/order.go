package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/secret"
	"brygga/storage"
)

// ErrReturnRefused means that somebody came back from the app with a nonce that is not the order's. The order has been
// ended; the person may start another.
var ErrReturnRefused = errors.New("login: return nonce refused")

// ErrDisabled means that the login's client may do nothing for now: an order would cost money, and its answer be refused.
var ErrDisabled = errors.New("login: client is disabled")

// Start makes an order because a person asked for one, in place of any order the login has. It returns the login as it then
// is: pending, or failed with a reason when the service would not make the order. It returns storage.ErrNotFound when there
// is no such login, storage.ErrConflict when it is complete or answered, storage.ErrBusy when an order is being made just
// now, ErrDisabled, ErrNoOrders, a *[LimitError] when too many were made, and an *[OverloadError] while the process has all it can do. An order is made
// whole even if ctx ends meanwhile.
func (e *Engine) Start(ctx context.Context, id string, starter storage.Starter) (*storage.Login, error) {
	begun, err := e.Begin(ctx, id, starter, false)
	if err != nil {
		return nil, err
	}
	return begun.Finish(ctx)
}

// Begun is an order that a person has asked for: the login says that it is being made, and nobody makes it yet.
type Begun struct {
	engine *Engine
	login  *storage.Login
	client *storage.Client
	claim  storage.Claim
	// fault is why Finish made no order, nil before and when it made one.
	fault *eid.Fault
}

// Begin does what of [Engine.Start] is our own: when it returns, the store knows of the wish, whoever reads the login next. It returns
// the errors of Start but those of the service. One that is the first replaces nothing: it returns storage.ErrBusy when an order is
// pending, as the person has not seen that. The caller calls Finish at once, and once.
func (e *Engine) Begin(ctx context.Context, id string, starter storage.Starter, first bool) (*Begun, error) {
	before, client, err := e.loginAndClient(ctx, id)
	if err != nil {
		return nil, err
	}
	if client.Disabled {
		return nil, ErrDisabled
	}
	if starter.Method, err = e.chosen(client, before.Request, starter); err != nil {
		return nil, err
	}
	if starter.Person, err = e.asked(client, before.Request, starter); err != nil {
		return nil, err
	}
	if before.State != storage.LoginPending { // an order in place of another is no more to do
		if err := e.hasRoom(e.named(starter.Method)); err != nil {
			return nil, err
		}
	}
	pending, err := e.Store.PendingOrders(ctx)
	if err != nil {
		return nil, fmt.Errorf("count pending orders: %w", err)
	}
	if err := e.countOrder(before.Request, starter, pending); err != nil {
		e.Observe(Observation{Event: LimitReached, Reason: "orders", Device: starter.Device})
		return nil, err
	}
	now := e.now()
	claim := storage.Claim{ID: randomID(), Starter: starter, WindowEnds: e.windowOf(before.Request, starter, now), Collector: e.Collector, At: now, First: first}
	tell, told := e.tell(client, func(*storage.Login) (*method, storage.Starter) { return e.named(starter.Method), starter }, finding{audit.LoginStarted, ""})
	l, err := e.Store.BeginOrder(ctx, id, claim, tell)
	if err != nil {
		return nil, err
	}
	told(ctx)
	e.watches.tell(id)
	return &Begun{engine: e, login: l, client: client, claim: claim}, nil
}

// windowOf returns when a round of orders that begins now ends.
func (e *Engine) windowOf(request *storage.AuthRequest, starter storage.Starter, now time.Time) time.Time {
	switch {
	case request.Program != nil:
		return request.Program.Expires
	case !starter.Person.IsZero():
		return now.Add(e.named(starter.Method).StartLife)
	}
	return now.Add(e.Window)
}

// Finish makes the order, puts it in place and sees to the order it replaces. It returns what [Engine.Start] returns.
func (b *Begun) Finish(ctx context.Context) (*storage.Login, error) {
	e, l, client, claim := b.engine, b.login, b.client, b.claim
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	replaced := l.Order
	if l.State != storage.LoginPending {
		replaced = nil
	}
	then, err := e.makeOrder(ctx, l, client, claim)
	if err == nil {
		e.observe(OrderStarted, "", then.Order)
		if l.Orders == 0 && l.Request.Program == nil {
			e.tellStep(StepPage, l, then.Order, l.Created, "")
		}
	}
	defer e.watches.tell(l.ID)
	if fault, ok := errors.AsType[*eid.Fault](err); ok {
		b.fault = fault
		then, err = e.dropStart(ctx, l.ID, client, claim, fault)
	}
	if err == nil && replaced != nil {
		e.cancelOrder(replaced)
	}
	return then, err
}

// dropStart ends a person's claim that brought no order.
func (e *Engine) dropStart(ctx context.Context, id string, client *storage.Client, claim storage.Claim, fault *eid.Fault) (*storage.Login, error) {
	reason, now := fault.Reason, e.now()
	failure := storage.Failure{Reason: reason, Detail: fault.Detail, At: now, Method: claim.Starter.Method}
	if fault.Wait > 0 {
		failure.Retry = now.Add(fault.Wait)
	}
	m := e.named(claim.Starter.Method)
	tell, told := e.tell(client, func(*storage.Login) (*method, storage.Starter) { return m, claim.Starter }, finding{audit.LoginFailed, withDetail(reason, fault.Detail)})
	l, err := e.Store.DropClaim(ctx, id, claim.ID, failure, now, tell)
	if err != nil {
		return nil, fmt.Errorf("drop claim: %w", err)
	}
	told(ctx)
	e.tellEnded(l)
	e.observe(LoginFailed, reason, &storage.Order{Starter: claim.Starter, WindowEnds: claim.WindowEnds})
	return l, nil
}

// MakeTime is how long making an order may take in all, beginning with its claim. What is left of the claim is for storing the
// order, so that none is put in place when its claim is dead.
const MakeTime = storage.ClaimLife - 5*time.Second

// makeOrder makes an order under the claim of l, puts it in place and collects it. It returns a *Fault when there was none to
// put, storage.ErrConflict when the login no longer wants it (it has been cancelled again) and other errors of the store.
func (e *Engine) makeOrder(ctx context.Context, l *storage.Login, client *storage.Client, claim storage.Claim) (*storage.Login, error) {
	if l.Orders >= e.MaxOrders {
		return nil, &eid.Fault{Reason: ReasonTooMany, Err: fmt.Errorf("login has made %d orders", l.Orders)}
	}
	making, cancel := context.WithTimeout(ctx, claim.At.Add(MakeTime).Sub(e.now()))
	defer cancel()
	m := e.wanted(l)
	document, err := e.documentOf(making, l)
	if err != nil {
		return nil, err
	}
	policy, possible := e.demandsFor(client, l.Request)
	if !possible {
		return nil, &eid.Fault{Reason: ReasonUnmet, Err: errors.New("no kind of eID is both the client's and the request's")}
	}
	request, nonce := e.request(m, l, client, policy, document)
	if document != nil && !m.signs(l.Request) || !m.Does(request.Kind, request.Channel) {
		return nil, &eid.Fault{Reason: ReasonRejected, Err: fmt.Errorf("%s has no orders of kind %s by %s", m.name, request.Kind, request.Channel)}
	}
	if !m.heeds(policy, l.Request) { // a renewal asks nobody which methods are offered, and the client may demand more by now
		return nil, &eid.Fault{Reason: ReasonUnmet, Err: fmt.Errorf("%s takes no notice of what is demanded", m.name)}
	}
	if request.Starter.Device == storage.DeviceThis && nonce.IsZero() && !m.Risk { // before anybody approves what would be refused
		return nil, &eid.Fault{Reason: ReasonNoWayBack, Err: errors.New("the result would be bound to the browser by nothing")}
	}
	began := e.now()
	order, err := e.startFor(making, m, l, client, request)
	e.tellStep(StepOrder, l, &storage.Order{Starter: request.Starter}, began, reasonOf(err))
	if err != nil {
		fault := asFault(err)
		e.log.WarnContext(ctx, "order not made", "login", l.ID, "client_id", client.ID, "reason", fault.Reason, "err", fault.Err)
		return nil, fault
	}
	started := order.Started
	order.ID, order.Method, order.Kind, order.Collector, order.Started = randomID(), m.name, request.Kind, e.Collector, started.UTC().Truncate(time.Microsecond)
	order.Policy = policy.Demands()
	if document != nil {
		order.Sent = withoutDocument(order.Sent, l.Request.Document)
	}
	if !nonce.IsZero() {
		order.ReturnNonceHash = nonce.Hash()
	}
	e.heartbeat(ctx)
	put, err := e.Store.PutOrder(ctx, l.ID, claim.ID, order)
	if err != nil {
		e.cancelOrder(&order)
		if err = fmt.Errorf("put order: %w", err); !e.now().Before(claim.At.Add(storage.ClaimLife)) {
			return nil, &eid.Fault{Reason: ReasonUnavailable, Passing: true, Err: err}
		}
		return nil, err
	}
	e.collect(put, started)
	return put, nil
}

// wanted returns the method that is to make the order of l's claim: a renewal's is that of the order it replaces.
func (e *Engine) wanted(l *storage.Login) *method {
	if l.Claim.Replaces != "" {
		return e.methodOf(l.Order)
	}
	return e.named(l.Claim.Starter.Method)
}

// Cancel ends the login's order, here at once and at the service as soon as it can be reached. It returns the login as it
// then is. Cancelling what has no order any more is no error.
func (e *Engine) Cancel(ctx context.Context, id, ip string) (*storage.Login, error) {
	return e.end(ctx, id, ip, ReasonCancelled, audit.LoginEnded)
}

func (e *Engine) end(ctx context.Context, id, ip, reason string, event audit.Type) (*storage.Login, error) {
	before, client, err := e.loginAndClient(ctx, id)
	if err != nil {
		return nil, err
	}
	tell, told := e.tell(client, func(after *storage.Login) (*method, storage.Starter) {
		starter := after.Starter()
		starter.IP = ip // of whoever ended it
		return e.methodOf(after.Order), starter
	}, finding{event, reason})
	now := e.now()
	l, err := e.Store.CancelOrder(ctx, id, storage.Failure{Reason: reason, At: now}, now, tell)
	if errors.Is(err, storage.ErrConflict) {
		return e.Login(ctx, id)
	}
	if err != nil {
		return nil, fmt.Errorf("cancel order: %w", err)
	}
	told(ctx)
	// The order as it was: one that has ended cannot be named to the service any more. A renewal may have come in between.
	order := before.Order
	if collected := e.forget(l); collected != nil {
		order = collected
	}
	e.watches.tell(id)
	if before.State == storage.LoginPending && order != nil {
		e.cancelOrder(order)
	}
	e.tellEnded(l)
	e.observe(LoginEnded, reason, order)
	return l, nil
}

// Return notes that the app sent the person back with nonce, and returns the login. Coming back twice, or when the
// order has ended meanwhile, changes nothing. A wrong nonce ends the order and returns ErrReturnRefused with the login:
// somebody may be trying to have an order of theirs completed by another person (BankID: return URL).
//
// The caller has checked that the browser is the one that started the login.
func (e *Engine) Return(ctx context.Context, id string, nonce secret.String, ip string) (*storage.Login, error) {
	l, err := e.Store.RecordReturn(ctx, id, nonce.Hash(), e.now())
	switch {
	case errors.Is(err, storage.ErrConflict):
		return e.Login(ctx, id)
	case errors.Is(err, storage.ErrMismatch):
		if l, err = e.end(ctx, id, ip, ReasonReturn, audit.ReturnRefused); err != nil {
			return nil, err
		}
		return l, ErrReturnRefused
	case err != nil:
		return nil, err
	}
	e.watches.tell(id)
	return l, nil
}

// Frame returns the text of the QR frame to show for the login just now, or zero when none may be shown: only an order for
// another device, or of a program, that no app has picked up has one.
func (e *Engine) Frame(l *storage.Login) secret.String {
	if l.State != storage.LoginPending || !l.Order.AwaitsApp() {
		return secret.String{}
	}
	if device := l.Order.Starter.Device; device != storage.DeviceOther && device != storage.DeviceProgram {
		return secret.String{}
	}
	return e.methodOf(l.Order).QR(l.Order, e.elapsed(l))
}

// Launch returns how the login's browser starts the app with its order. The link is there only while the order was made for
// this device and waits for an app: with the link of any other, the person who opens it would log in somebody else.
func (e *Engine) Launch(l *storage.Login) eid.Launch {
	starter, m := l.Starter(), e.methodOf(l.Order)
	if l.State != storage.LoginPending || starter.Device != storage.DeviceThis || !l.Order.AwaitsApp() {
		return m.Launch(nil, starter)
	}
	return m.Launch(l.Order, starter)
}

// LaunchFor returns how the browser of starter would start the app, without a link: what to offer a person who has not
// chosen yet.
func (e *Engine) LaunchFor(starter storage.Starter) eid.Launch {
	return e.named(starter.Method).Launch(nil, starter)
}

// Remaining returns how long the current round of orders goes on at most; 0 when there is none.
func (e *Engine) Remaining(l *storage.Login) time.Duration {
	switch now := e.now(); {
	case l.Starting(now):
		return max(0, l.Claim.WindowEnds.Sub(now))
	case l.Order != nil:
		return max(0, l.Order.WindowEnds.Sub(now))
	}
	return 0
}

// Starting reports whether an order that a person asked for is being made just now.
func (e *Engine) Starting(l *storage.Login) bool { return l.Starting(e.now()) }

// cancelOrder ends the order at the service, in the background: the login does not wait for it. One that cannot be ended is left.
func (e *Engine) cancelOrder(order *storage.Order) {
	m := e.methodOf(order)
	if !m.CanCancel || askedNobody(order) != "" {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return
	}
	e.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), callTime)
		defer cancel()
		if err := m.Cancel(ctx, order); err != nil {
			e.log.WarnContext(ctx, "order not cancelled at the service", "order", order.ID, "err", err)
		}
	})
}

func (e *Engine) loginAndClient(ctx context.Context, id string) (*storage.Login, *storage.Client, error) {
	l, err := e.Login(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	client, err := e.Store.Client(ctx, l.Request.ClientID)
	if err != nil {
		return nil, nil, fmt.Errorf("client of login: %w", err)
	}
	return l, client, nil
}

// finding is what the audit log is told of a login, in short.
type finding struct {
	event   audit.Type
	message string
}

// withDetail returns a reason with what else is known of it, as messages of the audit log have it.
func withDetail(reason, detail string) string {
	if detail == "" || detail == reason {
		return reason
	}
	return reason + ": " + detail
}

// tell returns what stores the findings with the step of a login that they tell of, by the method and the starter of the order they speak of, and
// what logs them once it has been done.
func (e *Engine) tell(client *storage.Client, order func(after *storage.Login) (*method, storage.Starter), findings ...finding) (storage.Tell, func(context.Context)) {
	return e.Audit.OfLogin(func(after *storage.Login) []audit.Event {
		events := make([]audit.Event, len(findings))
		m, starter := order(after)
		for i, f := range findings {
			events[i] = e.event(m, f.event, after, client, starter, f.message)
		}
		return events
	})
}

// event returns what the audit log is told of the login, by the method and the starter of the order it speaks of.
func (e *Engine) event(m *method, t audit.Type, l *storage.Login, client *storage.Client, starter storage.Starter, message string) audit.Event {
	var person secret.String
	switch { // to whom an order was sent counts whether it was answered or not
	case !starter.Person.IsZero():
		person = starter.Person.Person()
	case l.Request.Call != nil:
		person = l.Request.RequiredPersonalNumber
	}
	actor := ""
	if program := l.Request.Program; program != nil {
		actor = program.Owner
	}
	kind := ""
	if l.Request.Kind.Commits() {
		kind = string(l.Request.Kind)
	}
	return audit.Event{
		Type: m.event(t), Actor: actor, Kind: kind, Identifier: l.ID, Person: person, Reference: l.Reference(), SourceAddress: starter.IP, CustomerIdentifier: cmp.Or(client.CustomIdentifier, m.CustomIdentifier), ClientID: client.ID, Message: message,
		Device: starter.Device, Browser: browserOf(starter), Course: l.Course, Took: e.now().Sub(l.Created),
	}
}

// asFault returns err as a *Fault; what is none came from the network.
func asFault(err error) *eid.Fault {
	var fault *eid.Fault
	if errors.As(err, &fault) {
		return fault
	}
	return &eid.Fault{Reason: ReasonUnavailable, Passing: true, Err: err}
}
