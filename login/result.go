package login

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"brygga/audit"
	"brygga/storage"
)

// storeTries and storeWait bound how long a result is held while the store fails. The service does not give it twice.
const (
	storeTries = 8
	storeWait  = 250 * time.Millisecond
)

// The risks of an identity that are acted on.
const (
	riskLow  = "low"
	riskHigh = "high"
)

// complete checks the result of the order and stores the identity. It is stored before anything acts on it: pages, codes
// and tokens read it from the store only.
func (c *collector) complete(ctx context.Context, l *storage.Login, identity storage.Identity) {
	if reason := refuse(l, identity); reason != "" {
		c.record(ctx, audit.ResultRefused, l, reason)
		c.fail(ctx, l, reason)
		return
	}
	completed, err := c.store(l, identity)
	switch {
	case errors.Is(err, storage.ErrConflict), errors.Is(err, storage.ErrNotFound):
		c.log.InfoContext(ctx, "result dropped: its order is no longer wanted", "login", l.ID, "order", l.Order.ID)
		return
	case err != nil:
		c.fault(ctx, "complete login", l.ID, err)
		c.fail(ctx, l, ReasonLost)
		return
	}
	c.watches.tell(l.ID)
	c.Observe("login_completed", completed.Starter.Device)
	client, err := c.Store.Client(ctx, l.Request.ClientID)
	if err != nil {
		client = &storage.Client{ID: l.Request.ClientID}
	}
	event := c.event(audit.LoginCompleted, completed, client, completed.Starter.IP, "")
	event.Person = identity.PersonalNumber
	c.Audit.Record(ctx, event)
}

// store stores the identity, again and again while the store fails.
func (c *collector) store(l *storage.Login, identity storage.Identity) (completed *storage.Login, err error) {
	for try := range storeTries {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), callTime)
		completed, err = c.Store.CompleteLogin(ctx, l.ID, l.Order.ID, identity, c.now())
		cancel()
		if err == nil || errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrNotFound) {
			return completed, err
		}
		c.fault(context.WithoutCancel(c.ctx), "complete login", l.ID, err)
		time.Sleep(storeWait << try)
	}
	return nil, err
}

// refuse returns the reason why an identity does not complete the login, or "".
func refuse(l *storage.Login, identity storage.Identity) string {
	required := l.Request.RequiredPersonalNumber
	switch {
	case identity.PersonalNumber.IsZero() || identity.Name.IsZero() || identity.GivenName.IsZero() && identity.Surname.IsZero():
		return ReasonIncomplete
	case !required.IsZero() && !required.Equal(identity.PersonalNumber):
		return ReasonOtherPerson
	case identity.Risk == riskHigh:
		return ReasonRisk
	case l.Starter.Device == storage.DeviceThis && !l.Order.ReturnRequired():
		return refuseUnreturned(l, identity)
	}
	return ""
}

// refuseUnreturned judges an order for this device whose browser no address leads back to, such as one inside another app.
// With no return nonce, only the address and the risk tell the person who started from one who was sent the launch link
// (BankID: session fixation), so both must speak for the same device.
func refuseUnreturned(l *storage.Login, identity storage.Identity) string {
	started, err := netip.ParseAddr(l.Starter.IP)
	if err != nil {
		return ReasonOtherAddress
	}
	completed, err := netip.ParseAddr(identity.DeviceIP)
	if err != nil || started.Unmap() != completed.Unmap() {
		return ReasonOtherAddress
	}
	if identity.Risk != riskLow {
		return ReasonRisk
	}
	return ""
}
