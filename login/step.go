package login

import (
	"time"

	"brygga/storage"
)

// Step is a part of a login that has taken its time, for traces and measures. It holds nothing of the person.
type Step struct {
	// Name is one of Steps.
	Name string
	// Login, Client and Reference are those of the login.
	Login, Client string
	Reference     storage.Reference
	// Device is that of the order, empty where there was none.
	Device string
	// Outcome is empty when it went well, and otherwise a hint code or one of Reasons. A service may send hint codes that nobody knows.
	Outcome string
	// Began is when it began, by the clock of the engine, and Took how long it took.
	Began time.Time
	Took  time.Duration
}

// The steps of a login.
const (
	// StepAsked is the asking of a program: its login begins with it.
	StepAsked = "asked"
	// StepPage is from the person's coming to the first press.
	StepPage = "page"
	// StepOrder is the making of an order at the service, and StepCollect one collect.
	StepOrder   = "order"
	StepCollect = "collect"
	// StepApp is from the press until an app has the order; StepSign from then until the service says that the person has signed.
	StepApp  = "app"
	StepSign = "sign"
	// StepResult is the judging and storing of a result.
	StepResult = "result"
)

// Steps returns all of them.
func Steps() []string {
	return []string{StepAsked, StepPage, StepOrder, StepCollect, StepApp, StepSign, StepResult}
}

// tellStep tells of a step of the login that ends now. Order is nil when there was none.
func (e *Engine) tellStep(name string, l *storage.Login, order *storage.Order, began time.Time, outcome string) {
	if e.Step == nil {
		return
	}
	s := Step{Name: name, Login: l.ID, Client: l.Request.ClientID, Reference: l.Reference(), Outcome: outcome, Began: began, Took: e.now().Sub(began)}
	if order != nil {
		s.Device = order.Starter.Device
	}
	e.Step(s)
}

// reasonOf returns the outcome of a call to the service.
func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	return asFault(err).Reason
}
