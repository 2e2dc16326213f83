package bankidsim

import (
	"time"
)

// Order is an order as the phone and scripts see it.
type Order struct {
	OrderRef       string    `json:"orderRef"`
	AutoStartToken string    `json:"autoStartToken,omitempty"`
	Kind           Kind      `json:"kind"`
	State          State     `json:"state"`
	HintCode       string    `json:"hintCode,omitempty"`
	Created        time.Time `json:"created"`
	RPName         string    `json:"rpName"`
	VisibleText    string    `json:"visibleText,omitempty"`
	VisibleFormat  string    `json:"visibleFormat,omitempty"`
	// Transaction is what a payment is; nil of any other order.
	Transaction *Transaction `json:"transaction,omitempty"`
	EndUserIP   string       `json:"endUserIp,omitempty"`
	// ReturnURL is the address that the app opens when the person has approved: only for orders opened with a launch
	// link, null when the app opens nothing.
	ReturnURL *string `json:"returnUrl"`
	// PersonalNumber is the person whose app has the order, or whom a phone order is for.
	PersonalNumber string `json:"personalNumber,omitempty"`
	PickedUp       bool   `json:"pickedUp"`
	Via            string `json:"via,omitempty"`
	// Step is what a picked-up order waits for: "call" (ConfirmCall), "document" (ReadDocument) or "approve" (Sign).
	Step string `json:"step,omitempty"`
	// Delivered tells that the relying party has collected the result, or cancelled.
	Delivered bool `json:"delivered"`
	// SecondsLeft is how long the order stays open in its present step.
	SecondsLeft int `json:"secondsLeft"`
}

func (o *order) view(now time.Time) Order {
	v := Order{
		OrderRef: o.ref, AutoStartToken: o.autoStartToken, Kind: o.kind, State: o.state, HintCode: o.hint, Created: o.created.UTC(),
		RPName: o.rp.displayName, VisibleFormat: o.request.format, EndUserIP: o.request.endUserIP,
		PersonalNumber: o.holder(), PickedUp: !o.pickedUp.IsZero(), Via: o.via, Delivered: o.spent, SecondsLeft: o.left(now),
	}
	if text, err := strictBase64(o.request.visible); err == nil {
		v.VisibleText = string(text)
	}
	v.Transaction = o.request.transaction
	if back := o.returnAddress(); back != "" {
		v.ReturnURL = &back
	}
	if o.state == StatePending && !o.pickedUp.IsZero() {
		v.Step = o.step()
	}
	return v
}

// returnAddress is what the app opens afterwards: returnUrl of the order, else redirect of the link unless it is "null"
// (BankID API: returnUrl). It is "" when the app opens nothing.
func (o *order) returnAddress() string {
	switch {
	case o.via != viaLink:
		return ""
	case o.request.returnURL != "":
		return o.request.returnURL
	case o.redirect != "null":
		return o.redirect
	}
	return ""
}

func (o *order) left(now time.Time) int {
	if o.state != StatePending {
		return 0
	}
	end := o.created.Add(startWindow)
	if !o.pickedUp.IsZero() {
		end = o.pickedUp.Add(finishWindow)
	}
	return int(end.Sub(now) / time.Second)
}

const maxListed = 500

// Orders returns the orders that are kept, newest first, at most 500, and only those in the state if it is not empty.
func (s *Simulator) Orders(state State) []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.orders.sweep(now)
	list := []Order{}
	for i := len(s.orders.queue) - 1; i >= 0 && len(list) < maxListed; i-- {
		o := s.orders.queue[i]
		if o.gone(now) || state != "" && o.state != state {
			continue
		}
		list = append(list, o.view(now))
	}
	return list
}

// Order returns one order, or a *Refusal with status 404.
func (s *Simulator) Order(orderRef string) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, now, err := s.kept(orderRef)
	if err != nil {
		return Order{}, err
	}
	return o.view(now), nil
}
