package login

import (
	"context"
	"slices"
	"time"

	"brygga/eid"
	"brygga/secret"
	"brygga/storage"
)

// Call begins a login by telephone: request has a Program, a Call and a RequiredPersonalNumber. The login is bound to binding, which the program has
// that asks, if that is not zero. It returns when the store knows of the wish, with the errors of [Engine.Create] and [Engine.Begin], none of
// which depends on the person; the order is made in the background, in a time that tells nothing, and the login says how it fared. A person
// to whom another order is on its way, or was sent too many of late, gets none: the login fails like one that the service made no order
// for.
func (e *Engine) Call(ctx context.Context, request storage.AuthRequest, binding secret.String, starter storage.Starter) (*storage.Login, error) {
	return e.call(ctx, "", request, binding, starter)
}

func (e *Engine) call(ctx context.Context, id string, request storage.AuthRequest, binding secret.String, starter storage.Starter) (*storage.Login, error) {
	starter.Device = storage.DeviceCall
	begun, err := e.beginFor(ctx, id, request, binding, starter)
	if err != nil {
		return nil, err
	}
	e.inBackground(func(ctx context.Context) {
		if err := begun.place(ctx); err != nil {
			e.fault(ctx, "make order by telephone", begun.login.ID, err)
		}
	})
	return begun.login, nil
}

// CallSilence is how long after its beginning a login by telephone whose order nobody opens has ended, at the latest: until then it must not be told from one
// whose order could not be made, as that would say whether there is such a person.
func (e *Engine) CallSilence() (silence time.Duration) {
	for _, m := range e.methods {
		if slices.Contains(m.Channels, eid.ChannelCall) {
			silence = max(silence, m.StartLife+3*m.CollectEvery)
		}
	}
	return silence
}

// inBackground does work that its caller does not wait for, and that the engine waits for at its end. When that has come it is done within
// the call.
func (e *Engine) inBackground(work func(context.Context)) {
	e.mu.Lock()
	stopped := e.stopped
	if !stopped {
		e.running.Go(func() { work(context.Background()) })
	}
	e.mu.Unlock()
	if stopped {
		work(context.Background())
	}
}

// place makes the order of a call if the person may have it.
func (b *Begun) place(ctx context.Context) error {
	fault := b.engine.reserveCall(ctx, b.login)
	if fault == nil {
		_, err := b.Finish(ctx)
		return err
	}
	b.engine.log.WarnContext(ctx, "order by telephone not made", "login", b.login.ID, "client_id", b.client.ID, "reason", fault.Reason, "err", fault.Err)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTime)
	defer cancel()
	defer b.engine.watches.tell(b.login.ID)
	_, err := b.engine.dropStart(ctx, b.login.ID, b.client, b.claim, fault)
	return err
}

// reserveCall takes the person of a call for its order, or returns why the login may not have one.
func (e *Engine) reserveCall(ctx context.Context, l *storage.Login) *eid.Fault {
	calling := func(other *storage.Login) bool { return other.State == storage.LoginPending || other.Starting(e.now()) }
	return e.reserve(ctx, &e.calls, reservation{l.Request.RequiredPersonalNumber.Hash(), l.ID, l.Request.Program.Expires}, calling, e.limits.called)
}
