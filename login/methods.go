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

// method is an eID service with what is fixed of it, as this engine uses it.
type method struct {
	eid.Method
	eid.Traits
	name string
	// collecting counts the logins whose order is collected. Engine.mu guards it.
	collecting int
	// alarm watches its results: those of one eID say nothing of another's roots.
	alarm alarm
}

// event returns what the audit log calls an event of a login with an order of the method.
func (m *method) event(t audit.Type) audit.Type {
	own := ""
	switch t {
	case audit.LoginStarted:
		own = m.Events.Started
	case audit.LoginCompleted:
		own = m.Events.Completed
	case audit.LoginFailed:
		own = m.Events.Failed
	case audit.LoginEnded:
		own = m.Events.Ended
	}
	return cmp.Or(audit.Type(own), t)
}

// checkEvents returns an error that names an event which the audit log does not have.
func (m *method) checkEvents() error {
	for _, t := range []audit.Type{audit.LoginStarted, audit.LoginCompleted, audit.LoginFailed, audit.LoginEnded} {
		if own := m.event(t); !own.Known() || own.Common() != t {
			return fmt.Errorf("login: %q of %s is not what the audit log calls %q", own, m.name, t.Text())
		}
	}
	return nil
}

// texts returns what an app shows with an order of that kind.
func (m *method) texts(kind storage.Kind) eid.TextLimits { return m.Texts[kind] }

// lapsed reports whether a reason or word means that somebody cancelled or let the order expire.
func (m *method) lapsed(reason string) bool { return EndingOf(m.Words, reason) == LoginEnded }

// methods returns the methods of the options, with the times of the options in their traits, or an error that names the one that cannot be
// used.
func (o *Options) methods() ([]*method, error) {
	var methods []*method
	names := map[string]bool{"": true}
	for _, one := range o.Methods {
		m := &method{Method: one, Traits: one.Traits(), name: one.Name()}
		if names[m.name] {
			return nil, fmt.Errorf("login: a second method is called %q", m.name)
		}
		if o.CollectEvery > 0 {
			m.CollectEvery = o.CollectEvery
		}
		if o.RenewAfter > 0 && m.RenewAfter > 0 {
			m.RenewAfter = o.RenewAfter
		}
		switch {
		case m.CollectEvery < m.LeastPause || m.LeastPause <= 0:
			return nil, fmt.Errorf("login: collecting every %s is more often than %s allows, once in %s", m.CollectEvery, m.name, m.LeastPause)
		case m.RenewAfter >= m.StartLife || m.StartLife > m.OrderLife:
			return nil, fmt.Errorf("login: renewing after %s is too late, an order of %s that nobody picked up is dead after %s", m.RenewAfter, m.name, m.StartLife)
		}
		if err := m.checkEvents(); err != nil {
			return nil, err
		}
		names[m.name], methods = true, append(methods, m)
	}
	return methods, nil
}

// named returns the method of that name: the first for none, and for one that is not there the one that stands for all of them.
func (e *Engine) named(name string) *method {
	if name == "" {
		return e.methods[0]
	}
	for _, m := range e.methods {
		if m.name == name {
			return m
		}
	}
	return e.gone
}

// NoCode reports whether no other device can pick an order of the method of that name up by a code, so that only this device is to be offered.
func (e *Engine) NoCode(method string) bool { return e.named(method).NoCode }

// Lapsed reports whether the login failed as somebody cancelled or let the order expire, and nothing went wrong.
func (e *Engine) Lapsed(l *storage.Login) bool {
	m := e.methodOf(l.Order)
	if l.Failure.Method != "" {
		m = e.named(l.Failure.Method)
	}
	return m.lapsed(l.Failure.Reason)
}

// methodOf returns the method of an order, or of the wish for one that never came about.
func (e *Engine) methodOf(order *storage.Order) *method {
	switch {
	case order == nil:
		return e.methods[0]
	case order.Method == "":
		return e.named(order.Starter.Method)
	}
	return e.named(order.Method)
}

// errMethodGone means that the method of an order is not configured.
var errMethodGone = errors.New("the method of the order is not configured")

// goneMethod stands for methods that are not configured: an order of theirs cannot be made, and ends when it is collected.
type goneMethod struct{}

// gone returns the method that stands for those that are not there, at the pace of another.
func gone(other *method) *method {
	return &method{Method: goneMethod{}, Traits: eid.Traits{
		StartLife: other.StartLife, OrderLife: other.OrderLife, CollectEvery: other.CollectEvery, LeastPause: other.LeastPause,
		Kinds: []storage.Kind{storage.KindIdentify, storage.KindSign}, Channels: other.Channels,
	}}
}

func (goneMethod) Name() string { return "" }

func (goneMethod) Traits() eid.Traits { return eid.Traits{} }

func (goneMethod) Start(context.Context, eid.Request) (storage.Order, error) {
	return storage.Order{}, &eid.Fault{Reason: ReasonMethodGone, Err: errMethodGone}
}

func (goneMethod) Collect(context.Context, *storage.Order) (eid.Progress, error) {
	return eid.Progress{}, &eid.Fault{Reason: ReasonMethodGone, Err: errMethodGone}
}

func (goneMethod) Cancel(context.Context, *storage.Order) error { return nil }

func (goneMethod) QR(*storage.Order, time.Duration) secret.String { return secret.String{} }

func (goneMethod) Launch(*storage.Order, storage.Starter) eid.Launch { return eid.Launch{} }

func (goneMethod) ReturnURL(secret.String, storage.Starter) secret.String { return secret.String{} }
