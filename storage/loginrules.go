package storage

import "time"

// The rules of the steps of a login: plain functions on the record, which backends apply under one lock or transaction.

// BeginOrder takes the claim. A person's claim needs a login that is not complete or answered; a renewal's claim needs its
// order to be still the current, pending one, not picked up by an app. It returns ErrConflict otherwise, and ErrBusy while
// an earlier claim lives that the new one may not take over, or an order is pending that a first one would replace. The current order stays what it is and is judged as it was made.
func (l *Login) BeginOrder(claim Claim) error {
	switch {
	case l.State == LoginComplete || l.State == LoginAnswered:
		return ErrConflict
	case claim.First && (l.State == LoginPending || l.Starting(claim.At)), l.Claim.lives(claim.At) && !claim.overrides(&l.Claim):
		return ErrBusy
	case claim.Replaces != "" && (l.State != LoginPending || l.Order.ID != claim.Replaces || !l.Order.AwaitsApp()):
		return ErrConflict
	}
	if claim.Replaces != "" {
		claim.Starter, claim.WindowEnds = l.Order.Starter, l.Order.WindowEnds
	}
	l.Claim = claim
	l.Revision++
	return nil
}

// PutOrder makes order the current one, asked for by whom the claim says. It returns ErrConflict when the claim is no longer
// the login's, or was dead when the order started: the caller then cancels the order it has made.
func (l *Login) PutOrder(claimID string, order Order) error {
	if l.State == LoginComplete || l.State == LoginAnswered || claimID == "" || l.Claim.ID != claimID || !l.Claim.lives(order.Started) {
		return ErrConflict
	}
	if r := l.Claim.Replaces; r != "" && (l.State != LoginPending || l.Order.ID != r || !l.Order.AwaitsApp()) {
		return ErrConflict
	}
	order.Starter, order.WindowEnds = l.Claim.Starter, l.Claim.WindowEnds
	l.forgetPrevious()
	if l.Claim.Replaces == "" {
		l.note(order.Starter.Device, order.Started)
	} else {
		l.note("renewed", order.Started)
		l.Previous, l.PreviousReturned = l.Order, l.Returned
	}
	l.State, l.Order, l.Claim, l.Failure, l.Returned, l.ReturnWaived = LoginPending, &order, Claim{}, Failure{}, time.Time{}, false
	l.Orders++
	l.Revision++
	return nil
}

// DropClaim ends the claim. A person's claim leaves the login failed; a renewal's leaves it as it is, with the old order.
// It returns ErrConflict when the claim is no longer the login's.
func (l *Login) DropClaim(claimID string, failure Failure) error {
	if claimID == "" || l.Claim.ID != claimID {
		return ErrConflict
	}
	if l.Claim.Replaces == "" && l.State != LoginComplete && l.State != LoginAnswered {
		l.enter(LoginFailed)
		l.Failure, l.Order = failure, l.Claim.unmade()
	}
	l.Claim = Claim{}
	l.Revision++
	return nil
}

// enter puts the login into a state. When that ends its pending order, nobody needs the order's secrets any more, and they
// are wiped; with the answer, who was asked is too.
func (l *Login) enter(state LoginState) {
	if l.State == LoginPending && state != LoginPending {
		l.Order = l.Order.spent()
		l.forgetPrevious()
	}
	if state == LoginAnswered {
		l.Order = l.Order.ofNobody()
	}
	l.State = state
}

// current reports whether orderID is the login's pending order: every result of collecting passes here.
func (l *Login) current(orderID string) bool {
	return l.State == LoginPending && l.Order != nil && l.Order.ID == orderID
}

// RecordHint notes how far an app has come with the order, and the service's word for it. It returns ErrConflict when orderID is not the current, pending order.
func (l *Login) RecordHint(orderID string, phase Phase, hintCode string, now time.Time) error {
	if !l.current(orderID) {
		return ErrConflict
	}
	l.note(hintCode, now)
	order := *l.Order
	order.Phase, order.HintCode = phase, hintCode
	if l.Order = &order; !order.AwaitsApp() {
		l.forgetPrevious()
	}
	l.Revision++
	return nil
}

// RecordSeen notes that the page is looked at. It returns ErrConflict when no order is pending.
func (l *Login) RecordSeen(now time.Time) error {
	if l.State != LoginPending {
		return ErrConflict
	}
	if now.After(l.Seen) {
		l.Seen = now
	}
	l.Revision++
	return nil
}

// FailOrder ends the order. It returns ErrConflict when orderID is not the current, pending order. A person's claim that is
// under way stays: its order will take over.
func (l *Login) FailOrder(orderID string, failure Failure) error {
	if !l.current(orderID) {
		return ErrConflict
	}
	l.enter(LoginFailed)
	l.Failure = failure
	if l.Claim.Replaces != "" {
		l.Claim = Claim{}
	}
	l.Revision++
	return nil
}

// AdoptOrder hands the pending order over to another collector. It goes on under another ID: a collector that was only held up, and not
// dead, comes too late with whatever it has collected. It returns ErrConflict when no order is pending.
func (l *Login) AdoptOrder(collector string) error {
	if l.State != LoginPending || l.Order == nil {
		return ErrConflict
	}
	l.Revision++
	l.Order, l.Previous = l.Order.handedOver(collector, l.Revision), l.Previous.handedOver(collector, l.Revision)
	if l.Claim.Replaces != "" {
		l.Claim = Claim{} // of the collector before
	}
	return nil
}

// CompleteLogin stores the result. It returns ErrConflict when orderID is not the current, pending order: the result
// came too late, or for an order that was replaced or cancelled, and must not be used.
func (l *Login) CompleteLogin(orderID string, result Result, now time.Time) error {
	if !l.current(orderID) {
		return ErrConflict
	}
	l.enter(LoginComplete)
	l.Identity, l.Completed, l.Failure, l.Claim = &result.Identity, now, Failure{}, Claim{}
	l.Order.Policy, l.ReturnWaived = result.Met, result.ReturnWaived // of an order of its own: entering has copied it
	if result.Record != nil {
		l.EvidenceID = result.Record.ID
	}
	l.Revision++
	return nil
}

// RecordReturn notes the return. It returns ErrMismatch when the nonce is neither the current order's nor the previous one's, and
// ErrConflict when it was used before or the login has moved on. The order need not be complete yet: the app may be quicker than
// collecting. A return with the previous order counts once that is taken back, and else for nothing.
func (l *Login) RecordReturn(nonceHash [32]byte, now time.Time) error {
	switch {
	case l.State != LoginPending && l.State != LoginComplete:
		return ErrConflict
	case l.Previous.returnsWith(nonceHash):
		return l.recordReturn(&l.PreviousReturned, now)
	case !l.Order.returnsWith(nonceHash):
		return ErrMismatch
	}
	return l.recordReturn(&l.Returned, now)
}

// recordReturn notes it at its place among the login's times.
func (l *Login) recordReturn(returned *time.Time, now time.Time) error {
	if !returned.IsZero() {
		return ErrConflict
	}
	l.note("returned", now)
	*returned = now
	l.Revision++
	return nil
}

// CancelOrder ends the order or the claim, and takes back an identity that has not been answered. It returns ErrConflict
// when the login is answered, or when there is nothing to end. A failure of which nobody may know yet is one that can be ended, once.
func (l *Login) CancelOrder(failure Failure) error {
	silent := failure.At.Before(l.QuietUntil()) && l.Failure.Reason != failure.Reason
	if l.State == LoginAnswered || (l.State != LoginPending && l.State != LoginComplete && l.Claim.ID == "") && !silent {
		return ErrConflict
	}
	l.enter(LoginFailed)
	if l.Claim.ID != "" && l.Claim.Replaces == "" {
		l.Order = l.Claim.unmade()
	}
	l.Failure, l.Claim, l.Identity, l.Completed, l.ReturnWaived = failure, Claim{}, nil, time.Time{}, false
	l.Revision++
	return nil
}

// RefuseLogin ends the login without a code. It returns ErrConflict when the login is answered already.
func (l *Login) RefuseLogin() error {
	if l.State == LoginAnswered {
		return ErrConflict
	}
	l.enter(LoginAnswered)
	l.Claim, l.Identity, l.Completed = Claim{}, nil, time.Time{}
	l.Revision++
	return nil
}

// AnswerLogin ends a completed login with a code; the identity moves to the grant and leaves the login. It returns ErrConflict when the
// login is not answerable or was answered before, or when its identity is no longer the one that the grant was made from.
func (l *Login) AnswerLogin(grant *Grant, code [32]byte) error {
	if !l.Answerable() || !l.Identity.SameKeys(&grant.Identity) {
		return ErrConflict
	}
	l.enter(LoginAnswered)
	l.Identity, l.Code = nil, code
	l.Revision++
	return nil
}

// RepeatAnswer notes the code that takes the place of the one before. It returns ErrConflict when the client was not answered with one.
func (l *Login) RepeatAnswer(code [32]byte) error {
	if !l.Repeatable() {
		return ErrConflict
	}
	l.Code = code
	l.Revision++
	return nil
}
