package login

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"brygga/audit"
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
// now, ErrDisabled, a *[LimitError] when too many were made, and an *[OverloadError] while the process has all it can do. An order is made
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
	if before.State != storage.LoginPending { // an order in place of another is no more to do
		if err := e.hasRoom(); err != nil {
			return nil, err
		}
	}
	pending, err := e.Store.PendingOrders(ctx)
	if err != nil {
		return nil, fmt.Errorf("count pending orders: %w", err)
	}
	if err := e.countOrder(starter.IP, client.ID, pending); err != nil {
		e.Observe(Observation{Event: LimitReached, Reason: "orders", Device: starter.Device})
		return nil, err
	}
	now := e.now()
	claim := storage.Claim{ID: randomID(), Starter: starter, WindowEnds: now.Add(e.Window), Collector: e.Collector, At: now, First: first}
	tell, told := e.tell(client, func(*storage.Login) storage.Starter { return starter }, finding{audit.LoginStarted, ""})
	l, err := e.Store.BeginOrder(ctx, id, claim, tell)
	if err != nil {
		return nil, err
	}
	told(ctx)
	e.watches.tell(id)
	return &Begun{e, l, client, claim}, nil
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
		if l.Orders == 0 {
			e.tellStep(StepPage, l, then.Order, l.Created, "")
		}
	}
	defer e.watches.tell(l.ID)
	if fault, ok := errors.AsType[*Fault](err); ok {
		then, err = e.dropStart(ctx, l.ID, client, claim, fault)
	}
	if err == nil && replaced != nil {
		e.cancelOrder(replaced)
	}
	return then, err
}

// dropStart ends a person's claim that brought no order.
func (e *Engine) dropStart(ctx context.Context, id string, client *storage.Client, claim storage.Claim, fault *Fault) (*storage.Login, error) {
	reason, now := fault.Reason, e.now()
	failure := storage.Failure{Reason: reason}
	if fault.Wait > 0 {
		failure.Retry = now.Add(fault.Wait)
	}
	tell, told := e.tell(client, func(*storage.Login) storage.Starter { return claim.Starter }, finding{audit.LoginFailed, reason})
	l, err := e.Store.DropClaim(ctx, id, claim.ID, failure, now, tell)
	if err != nil {
		return nil, fmt.Errorf("drop claim: %w", err)
	}
	told(ctx)
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
		return nil, &Fault{Reason: ReasonTooMany, Err: fmt.Errorf("login has made %d orders", l.Orders)}
	}
	making, cancel := context.WithTimeout(ctx, claim.At.Add(MakeTime).Sub(e.now()))
	defer cancel()
	request, nonce := e.request(l, client)
	began := e.now()
	order, err := e.startWithText(making, l, client, request)
	e.tellStep(StepOrder, l, &storage.Order{Starter: request.Starter}, began, reasonOf(err))
	if err != nil {
		fault := asFault(err)
		e.log.WarnContext(ctx, "order not made", "login", l.ID, "client_id", client.ID, "reason", fault.Reason, "err", fault.Err)
		return nil, fault
	}
	started := order.Started
	order.ID, order.Collector, order.Started = randomID(), e.Collector, started.UTC().Truncate(time.Microsecond)
	order.Policy = e.demands(client).Demands()
	if !nonce.IsZero() {
		order.ReturnNonceHash = nonce.Hash()
	}
	e.heartbeat(ctx)
	put, err := e.Store.PutOrder(ctx, l.ID, claim.ID, order)
	if err != nil {
		e.cancelOrder(&order)
		if err = fmt.Errorf("put order: %w", err); !e.now().Before(claim.At.Add(storage.ClaimLife)) {
			return nil, &Fault{Reason: ReasonUnavailable, Passing: true, Err: err}
		}
		return nil, err
	}
	e.collect(put, started)
	return put, nil
}

// startWithText makes an order, and once more with our own words where the service has not accepted one that shows others: what it takes
// can be known from its answer alone, and a text must not keep anybody from logging in. Of a client's message the text above stays.
func (e *Engine) startWithText(ctx context.Context, l *storage.Login, client *storage.Client, request Request) (storage.Order, error) {
	order, err := e.startQuietly(ctx, request)
	fault, rejected := errors.AsType[*Fault](err)
	text, format := e.plainerText(l, client, request)
	if !rejected || fault.Reason != ReasonRejected || text == "" || text == request.VisibleText {
		return order, err
	}
	e.log.WarnContext(ctx, "BankID did not take a text, so it is left out", "login", l.ID, "client_id", client.ID, "err", fault.Err)
	request.VisibleText, request.VisibleFormat = text, format
	if order, err = e.startQuietly(ctx, request); err == nil && l.Orders == 0 {
		e.Audit.Record(ctx, e.event(audit.TextRefused, l, client, request.Starter, fault.Err.Error()))
	}
	return order, err
}

// plainerText returns what to show in place of the request's text: the policy's for one with a message, else our own.
func (e *Engine) plainerText(l *storage.Login, client *storage.Client, request Request) (text, format string) {
	if l.Request.UserMessage != nil {
		if text, format = e.visible(e.demands(client), client, request.Starter.Language); text != request.VisibleText {
			return text, format
		}
	}
	return e.VisibleText(client, request.Starter.Language), plaintext
}

// While the service is closed for maintenance, which usually takes seconds, an order is tried again without telling anybody:
// quietTries times, after quietWait and then twice that.
const (
	quietTries = 2
	quietWait  = 400 * time.Millisecond
	// quietTime is how long all of that may take, within MakeTime.
	quietTime = 5 * time.Second
)

// startQuietly makes an order, and tries again only when the service has said that it made none: an answer that was lost may
// stand for an order (BankID API: errors, maintenance).
func (e *Engine) startQuietly(ctx context.Context, request Request) (storage.Order, error) {
	began := time.Now()
	for try := 0; ; try++ {
		order, err := e.Method.Start(ctx, request)
		var fault *Fault
		if !errors.As(err, &fault) || fault.Reason != ReasonMaintenance || try == quietTries || time.Since(began) > quietTime {
			return order, err
		}
		wait := time.NewTimer(quietWait << try)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return order, err
		}
	}
}

// request returns what the order of l's claim is made from, and the return nonce in it: zero unless the order is for this
// device and its browser can be returned to.
func (e *Engine) request(l *storage.Login, client *storage.Client) (Request, secret.String) {
	binding := sha256.Sum256([]byte("brygga login\n" + l.ID + "\n" + l.Request.ClientID + "\n" + l.Request.Nonce))
	policy, starter := e.demands(client), l.Claim.Starter
	request := Request{
		Starter: starter, ReferringDomain: e.ReferringDomain, Binding: binding[:], RequiredPersonalNumber: l.Request.RequiredPersonalNumber,
		PinCode: policy.PinCode.On(), MRTD: policy.MRTD.On(), CardReader: policy.CardReader, CertificatePolicies: policy.CertificatePolicies,
		Certificate: policy.Certificate,
	}
	request.VisibleText, request.VisibleFormat = e.visible(policy, client, starter.Language)
	if m := l.Request.UserMessage; m != nil {
		request.VisibleText, request.VisibleFormat = e.withMessage(m, starter.Language, request.VisibleText, request.VisibleFormat)
	}
	if starter.Device != storage.DeviceThis {
		return request, secret.String{}
	}
	nonce := newNonce()
	request.ReturnURL = e.Method.ReturnURL(e.ReturnURL(l.ID, nonce), starter)
	if request.ReturnURL.IsZero() {
		return request, secret.String{}
	}
	return request, nonce
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
	tell, told := e.tell(client, func(after *storage.Login) storage.Starter {
		starter := after.Starter()
		starter.IP = ip // of whoever ended it
		return starter
	}, finding{event, reason})
	l, err := e.Store.CancelOrder(ctx, id, storage.Failure{Reason: reason}, e.now(), tell)
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
	e.observe(LoginEnded, reason, order)
	return l, nil
}

// Return notes that the BankID app sent the person back with nonce, and returns the login. Coming back twice, or when the
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
// another device that no app has picked up has one (BankID API: QR code).
func (e *Engine) Frame(l *storage.Login) secret.String {
	if l.State != storage.LoginPending || l.Order.Starter.Device != storage.DeviceOther || !l.Order.AwaitsApp() {
		return secret.String{}
	}
	return e.Method.QR(l.Order, e.elapsed(l))
}

// Launch returns how the login's browser starts the app with its order. The link is there only while the order was made for
// this device and waits for an app: with the link of any other, the person who opens it would log in somebody else.
func (e *Engine) Launch(l *storage.Login) Launch {
	starter := l.Starter()
	if l.State != storage.LoginPending || starter.Device != storage.DeviceThis || !l.Order.AwaitsApp() {
		return e.Method.Launch(nil, starter)
	}
	return e.Method.Launch(l.Order, starter)
}

// LaunchFor returns how the browser of starter would start the app, without a link: what to offer a person who has not
// chosen yet.
func (e *Engine) LaunchFor(starter storage.Starter) Launch { return e.Method.Launch(nil, starter) }

// Remaining returns how long the current round of orders goes on at most; 0 when there is none.
func (e *Engine) Remaining(l *storage.Login) time.Duration {
	if l.Order == nil {
		return 0
	}
	return max(0, l.Order.WindowEnds.Sub(e.now()))
}

// Starting reports whether an order that a person asked for is being made just now.
func (e *Engine) Starting(l *storage.Login) bool { return l.Starting(e.now()) }

// cancelOrder ends the order at the service, in the background: the login does not wait for it.
func (e *Engine) cancelOrder(order *storage.Order) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return
	}
	e.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), callTime)
		defer cancel()
		if err := e.Method.Cancel(ctx, order); err != nil {
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

// tell returns what stores the findings with the step of a login that they tell of, by the starter of the order they speak of, and what
// logs them once it has been done.
func (e *Engine) tell(client *storage.Client, starter func(after *storage.Login) storage.Starter, findings ...finding) (storage.Tell, func(context.Context)) {
	return e.Audit.OfLogin(func(after *storage.Login) []audit.Event {
		events := make([]audit.Event, len(findings))
		for i, f := range findings {
			events[i] = e.event(f.event, after, client, starter(after), f.message)
		}
		return events
	})
}

// event returns what the audit log is told of the login, by the starter of the order it speaks of.
func (e *Engine) event(t audit.Type, l *storage.Login, client *storage.Client, starter storage.Starter, message string) audit.Event {
	return audit.Event{
		Type: t, Identifier: l.ID, Reference: l.Reference(), SourceAddress: starter.IP, CustomerIdentifier: client.CustomIdentifier, ClientID: client.ID, Message: message,
		Device: starter.Device, Browser: browserOf(starter), Course: l.Course, Took: e.now().Sub(l.Created),
	}
}

// asFault returns err as a *Fault; what is none came from the network.
func asFault(err error) *Fault {
	var fault *Fault
	if errors.As(err, &fault) {
		return fault
	}
	return &Fault{Reason: ReasonUnavailable, Passing: true, Err: err}
}
