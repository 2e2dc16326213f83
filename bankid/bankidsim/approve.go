package bankidsim

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// Approval is how a person approves an order. The zero value is a right security code on the phone that has the order.
type Approval struct {
	// PersonalNumber, if given, must be the person who picked the order up.
	PersonalNumber string `json:"personalNumber"`
	// Code is the security code: six digits, all right but 000000. Empty counts as right.
	Code string `json:"code"`
	// IPAddress is the phone's address in the result. By default it is endUserIp when the order was opened on the same
	// device, and an address from RFC 5737 otherwise.
	IPAddress string `json:"ipAddress"`
	// Risk is low, moderate or high, or "none" for a result without it; empty means low. It shows only in orders with
	// returnRisk.
	Risk string `json:"risk"`
}

// WrongCode is the code that no BankID has; three of them end the order as certificateErr.
const WrongCode = "000000"

// Sign approves an order, by identifying or signing as its kind has it. It returns the completed order with the address
// that the app opens afterwards. A *Refusal with code "wrongCode" is a wrong code; the third ends the order. Others:
// the order waits for another step first, has ended, or is in nobody's app.
func (s *Simulator) Sign(orderRef string, a Approval) (Order, error) {
	if a.IPAddress != "" {
		if _, err := netip.ParseAddr(a.IPAddress); err != nil {
			return Order{}, refuse(http.StatusBadRequest, "badRequest", "ipAddress is not an IP address")
		}
	}
	if !slices.Contains([]string{"", "none", "low", "moderate", "high"}, a.Risk) {
		return Order{}, refuse(http.StatusBadRequest, "badRequest", "risk is low, moderate, high or none")
	}
	return s.inApp(orderRef, a.PersonalNumber, func(o *order, now time.Time) error {
		switch o.step() {
		case "call":
			return refuse(http.StatusConflict, "callNotConfirmed", "the person must confirm the call first: POST …/confirm")
		case "document":
			return refuse(http.StatusConflict, "documentNotRead", "the identity document must be read first: POST …/document")
		}
		if a.Code == WrongCode {
			return o.wrongCode(now)
		}
		o.state, o.hint, o.ended = StateComplete, "", now
		if a.IPAddress != "" {
			o.ipAddress = a.IPAddress
		}
		switch a.Risk {
		case "":
			o.risk = "low"
		case "none":
			o.risk = ""
		default:
			o.risk = a.Risk
		}
		return nil
	})
}

func (o *order) wrongCode(now time.Time) error {
	o.wrong++
	if left := maxWrongCodes - o.wrong; left > 0 {
		return refuse(http.StatusConflict, "wrongCode", fmt.Sprintf("wrong code: %d more and the order fails", left))
	}
	o.fail(hintCertificate, now)
	return refuse(http.StatusConflict, "blocked", "wrong code three times; the order failed with "+hintCertificate)
}

// Cancel ends an order in the person's app as userCancel.
func (s *Simulator) Cancel(orderRef, personalNumber string) (Order, error) {
	return s.inApp(orderRef, personalNumber, func(o *order, now time.Time) error {
		o.fail(hintUserCancel, now)
		return nil
	})
}

// ConfirmCall answers whether the person is on the phone with the relying party; no ends the order as userDeclinedCall.
func (s *Simulator) ConfirmCall(orderRef string, onCall bool) (Order, error) {
	return s.inApp(orderRef, "", func(o *order, now time.Time) error {
		if !o.kind.phone() {
			return refuse(http.StatusConflict, "noCall", "this is not a phone order")
		}
		if !onCall {
			o.fail(hintDeclinedCall, now)
			return nil
		}
		o.confirmed = true
		o.nextStep()
		return nil
	})
}

// ReadDocument plays the reading of a passport or identity card, which orders with the mrtd requirement ask for; a bad
// one ends the order as mrtdVerificationFailed.
func (s *Simulator) ReadDocument(orderRef string, good bool) (Order, error) {
	return s.inApp(orderRef, "", func(o *order, now time.Time) error {
		if !o.request.mrtd {
			return refuse(http.StatusConflict, "noDocument", "the order asks for no identity document")
		}
		if !good {
			o.fail("mrtdVerificationFailed", now)
			return nil
		}
		o.documents = true
		o.nextStep()
		return nil
	})
}

// Fail ends a pending order, picked up or not, with any hint code, known or unknown to BankID.
func (s *Simulator) Fail(orderRef, hintCode string) (Order, error) {
	return s.pending(orderRef, hintCode, func(o *order, now time.Time) { o.fail(hintCode, now) })
}

// SetHint makes a pending order tell any hint code until its next step. It changes nothing else.
func (s *Simulator) SetHint(orderRef, hintCode string) (Order, error) {
	return s.pending(orderRef, hintCode, func(o *order, _ time.Time) { o.hint = hintCode })
}

func (s *Simulator) pending(orderRef, hintCode string, do func(*order, time.Time)) (Order, error) {
	if hintCode == "" || len(hintCode) > 64 {
		return Order{}, refuse(http.StatusBadRequest, "badRequest", "hintCode is needed, at most 64 characters")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, now, err := s.kept(orderRef)
	if err != nil {
		return Order{}, err
	}
	if err := mustBePending(o, now); err != nil {
		return Order{}, err
	}
	do(o, now)
	return o.view(now), nil
}

// inApp does a step on a pending order in a person's app.
func (s *Simulator) inApp(orderRef, personalNumber string, do func(*order, time.Time) error) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, now, err := s.kept(orderRef)
	if err != nil {
		return Order{}, err
	}
	if err := mustBePending(o, now); err != nil {
		return Order{}, err
	}
	if o.pickedUp.IsZero() {
		return Order{}, refuse(http.StatusConflict, "notPickedUp", "nobody has scanned or opened the order yet")
	}
	if personalNumber != "" && personalNumber != o.person.PersonalNumber {
		return Order{}, refuse(http.StatusConflict, "wrongPerson", "the order is in another person's app")
	}
	if err := do(o, now); err != nil {
		return Order{}, err
	}
	return o.view(now), nil
}

// kept returns an order that is not gone, and the time.
func (s *Simulator) kept(orderRef string) (*order, time.Time, error) {
	now := s.now()
	o := s.orders.byRef[orderRef]
	if o == nil || o.gone(now) {
		return nil, now, refuse(http.StatusNotFound, "unknownOrder", "no such order, or it is no longer kept")
	}
	return o, now, nil
}
