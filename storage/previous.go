package storage

import "time"

// TakeBack makes the previous order, which an app has, the current one again, as it was made. It returns ErrConflict when orderID is not the
// previous order, when an app has the current one or the person has come back with it, and while the person's wish for another is
// being met. It gives nobody what they had not: both orders were made for the same starter, in the same round.
func (l *Login) TakeBack(orderID string, now time.Time) error {
	switch {
	case l.State != LoginPending || l.Previous == nil || l.Previous.ID != orderID:
		return ErrConflict
	case !l.Order.AwaitsApp() || !l.Returned.IsZero() || l.Starting(now):
		return ErrConflict
	}
	l.note("takenBack", now)
	l.Order, l.Returned, l.Claim = l.Previous, l.PreviousReturned, Claim{}
	l.forgetPrevious()
	l.Revision++
	return nil
}

// forgetPrevious lets go of the previous order and its secrets.
func (l *Login) forgetPrevious() { l.Previous, l.PreviousReturned = nil, time.Time{} }
