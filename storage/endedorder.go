package storage

import "time"

// EndedOrder is an order of a program that has ended, as the client's webhook is told of it: nothing of the person.
type EndedOrder struct {
	// LoginID is the ID of its login, and Kind what the person was asked for.
	LoginID string `json:"login"`
	Kind    Kind   `json:"kind,omitempty"`
	// Completed says that there is a result, and At is when the order ended.
	Completed bool      `json:"completed,omitempty"`
	At        time.Time `json:"at"`
}

// EndNotice returns the notice of a program's order that a step at now has ended, which has left the login as it is after another state; nil when
// nothing has ended, when nobody is to be told, and when whoever asked for the order has been answered that there is none. It has a new random ID each
// time. It is a rule, not a step: backends call it inside the steps of a login, so that the order does not end without its notice. A failure that must not
// be told yet is due when it may be.
func (l *Login) EndNotice(before LoginState, now time.Time) *Notice {
	program := l.Request.Program
	switch {
	case program == nil || !program.Told || l.State == before || l.State != LoginComplete && l.State != LoginFailed:
		return nil
	case before == LoginOpen && l.Request.Call == nil:
		return nil
	}
	due := later(now, l.QuietUntil())
	return &Notice{
		ID: noticeID(), ClientID: l.Request.ClientID, Created: now, Due: due, Expires: due.Add(NoticeLife),
		Order: &EndedOrder{LoginID: l.ID, Kind: l.Request.Kind, Completed: l.State == LoginComplete, At: now},
	}
}
