package bankidapi

import (
	"net/http"
	"time"

	"brygga/login"
	"brygga/storage"
)

// The states of an order (BankID API: collect).
const (
	statusPending  = "pending"
	statusFailed   = "failed"
	statusComplete = "complete"
)

// hintWaiting is BankID's word for an order that no app has come with, and those of orders that have ended: ours are told by them where they mean the same.
const (
	hintWaiting = "outstandingTransaction"
	hintExpired = "expiredTransaction"
	hintEnded   = "cancelled"
)

// find returns the order of that reference if it is the key's. One whose end was told for long enough is none.
func (c *call) find(ref string) (*storage.Login, error) {
	id := idOf(ref)
	if id == "" {
		return nil, storage.ErrNotFound
	}
	if err := c.orders.Allow(c.key.ID + "\n" + id); err != nil {
		return nil, err
	}
	l, err := c.Orders.OfProgram(c, id, c.client.ID, c.owner())
	if err != nil {
		return nil, err
	}
	ended := l.Completed
	if l.State == storage.LoginFailed {
		ended = l.Failure.At
	}
	if c.keepsSilent(l) {
		ended = time.Time{}
	}
	if !ended.IsZero() && !c.Now().Before(ended.Add(c.Kept)) || l.State == storage.LoginAnswered {
		return nil, storage.ErrNotFound
	}
	return l, nil
}

// keepsSilent reports whether an order that has failed looks as if the person were waited for. One that was cancelled is told so.
func (c *call) keepsSilent(l *storage.Login) bool {
	return c.Now().Before(l.QuietUntil()) && l.Failure.Reason != login.ReasonCancelled
}

// named reads the order that a body names, and finds it.
func (c *call) named(w http.ResponseWriter, kind string) (*storage.Login, error) {
	s, err := c.readBody(w, kind)
	if err != nil {
		return nil, err
	}
	ref := s.id
	if err := s.texts(map[string]*string{"orderRef": &ref}); err != nil {
		return nil, err
	}
	if ref == "" || len(ref) > 128 {
		return nil, s.wrong("invalid_order_ref", "orderRef", "is no orderRef of an order")
	}
	return c.find(ref)
}

// stateOf returns the state of the order and BankID's word for it.
func (c *call) stateOf(l *storage.Login) (status, hint string) {
	switch l.State {
	case storage.LoginComplete:
		return statusComplete, ""
	case storage.LoginFailed:
		if c.keepsSilent(l) {
			break
		}
		switch l.Failure.Reason {
		case login.ReasonExpired:
			return statusFailed, hintExpired
		case login.ReasonCancelled:
			return statusFailed, hintEnded
		}
		return statusFailed, l.Failure.Reason
	case storage.LoginPending:
		if l.Order.HintCode != "" {
			return statusPending, l.Order.HintCode
		}
	case storage.LoginOpen: // it is being made, or who made it has died
		if !c.Orders.Starting(l) && !c.Now().Before(l.Request.Program.Expires) {
			return statusFailed, hintExpired
		}
	}
	return statusPending, hintWaiting
}

// collected returns the attributes of an order as collecting has them.
func (c *call) collected(l *storage.Login) order {
	o := order{OrderRef: reference(l.ID)}
	if o.Status, o.HintCode = c.stateOf(l); o.Status == statusComplete {
		o.CompletionData = c.completionOf(l.Identity)
	}
	return o
}

// collect answers how an order stands. It costs nothing of BankID, however often it is asked: what is told is what is stored.
func collect(c *call, w http.ResponseWriter) (*answer, error) {
	l, err := c.named(w, typeCollect)
	if err != nil {
		return nil, err
	}
	o := c.collected(l)
	d := document{JSONAPI: c.dialect.version(), Data: resource{Type: typeCollect, ID: o.OrderRef, Attributes: o}}
	switch {
	case o.Status == statusPending:
		d.Meta = polling
	case o.Status == statusComplete && c.dialect == compat && !c.client.ResultsAsResources:
		d.Data = o // the older contract has no resource here
	}
	return &answer{status: http.StatusOK, body: d}, nil
}

// show answers with an order as a resource.
func show(c *call, _ http.ResponseWriter) (*answer, error) {
	l, err := c.find(c.request.PathValue("id"))
	if err != nil {
		return nil, err
	}
	o, start := c.collected(l), c.started(l)
	o.AutoStartToken, o.QRStartToken, o.QRStartSecret, o.QRData = start.AutoStartToken, start.QRStartToken, start.QRStartSecret, start.QRData
	d := document{JSONAPI: c.dialect.version(), Data: resource{Type: typeOf(l.Request.Kind), ID: o.OrderRef, Attributes: o, Links: c.self(l)}, Links: c.self(l)}
	if o.Status == statusPending {
		d.Meta = polling
	}
	return &answer{status: http.StatusOK, body: d}, nil
}

// cancel ends the order that the body names.
func cancel(c *call, w http.ResponseWriter) (*answer, error) {
	l, err := c.named(w, typeCancel)
	if err != nil {
		return nil, err
	}
	return c.end(l)
}

// remove ends the order of the path.
func remove(c *call, _ http.ResponseWriter) (*answer, error) {
	l, err := c.find(c.request.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return c.end(l)
}

// end ends an order. One that has ended stays as it is: its result is not taken back.
func (c *call) end(l *storage.Login) (*answer, error) {
	finished := l.State == storage.LoginComplete || l.State == storage.LoginFailed && !c.keepsSilent(l)
	if finished && c.dialect == strict {
		return nil, &fault{status: http.StatusConflict, code: "already_finished", title: "Already finished", detail: "the order has ended"}
	}
	if !finished {
		if _, err := c.Orders.Cancel(c, l.ID, c.Address(c.request).String()); err != nil {
			return nil, err
		}
	}
	if c.dialect == compat {
		return &answer{status: http.StatusOK, body: struct{}{}}, nil
	}
	return &answer{status: http.StatusNoContent}, nil
}
