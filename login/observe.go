package login

import (
	"cmp"
	"time"

	"brygga/storage"
)

// Observation is something that happened to a login, in words from small fixed sets and without anything of the person.
type Observation struct {
	// Event is one of Events.
	Event string
	// Reason is the hint code, one of Reasons, or the check that failed; of LimitReached it is logins, orders or renewals. A service may
	// send hint codes that nobody knows.
	Reason string
	// Device is that of the order, storage.DeviceThis or storage.DeviceOther; empty where there was none.
	Device string
	// Method names the eID of the order; empty where there was none.
	Method string
	// Took is how long it took from the person's press to the end of the login, for the last three of Events and those who pressed.
	Took time.Duration
}

// The events that are observed.
const (
	OrderStarted     = "order_started"
	OrderRenewed     = "order_renewed"
	OrderHint        = "order_hint"
	ResultUnverified = "result_unverified"
	LimitReached     = "limit_reached"
	LoginCompleted   = "login_completed"
	LoginFailed      = "login_failed"
	// LoginEnded: cancelled by somebody, or expired.
	LoginEnded = "login_ended"
	// Late: this process got to its work too late; the reason is WorkFrame or WorkCollect. Overloaded: an order was refused for that,
	// or because there is no memory for more, or the service cannot be asked about more; the reason is one of the Overload constants.
	Late       = "late"
	Overloaded = "overloaded"
)

// Events returns all of them.
func Events() []string {
	return []string{OrderStarted, OrderRenewed, OrderHint, ResultUnverified, LimitReached, LoginCompleted, LoginFailed, LoginEnded, Late, Overloaded}
}

// observe tells of an event of a login with an order; order is nil when it had none.
func (e *Engine) observe(event, reason string, order *storage.Order) {
	o := Observation{Event: event, Reason: reason}
	if order != nil {
		o.Device, o.Method = order.Starter.Device, e.named(cmp.Or(order.Method, order.Starter.Method)).name
	}
	if order != nil && !order.WindowEnds.IsZero() {
		switch event {
		case LoginCompleted, LoginFailed, LoginEnded:
			o.Took = e.now().Sub(order.WindowEnds.Add(-e.Window)) // renewals are of the same round
		}
	}
	e.Observe(o)
}
