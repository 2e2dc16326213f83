package storage

import (
	"context"
	"fmt"
	"time"
)

// StepLogin applies rule to the login of that ID, stores what is told of it, and returns the login as it is afterwards: one atomic, durable
// step. It returns ErrNotFound for a login that is unknown or has expired at now, and the error of rule, which may be called several times
// and each time with a login of its own.
type StepLogin func(ctx context.Context, id string, now time.Time, rule func(*Login) error, tell ...Tell) (*Login, error)

// StepLater is [StepLogin] for what tells nothing and may be lost in a crash. Every reader of the process sees it at once.
type StepLater func(ctx context.Context, id string, now time.Time, rule func(*Login) error) (*Login, error)

// StepCompletion is [StepLogin] for a step that stores a record of evidence too.
type StepCompletion func(ctx context.Context, id string, now time.Time, rule func(*Login) error, record *EvidenceRecord, tell ...Tell) (*Login, error)

// LoginSteps are the steps of [Logins] that are a rule on one login and nothing else. A backend embeds them.
type LoginSteps struct {
	now        StepLogin
	later      StepLater
	completion StepCompletion
}

// NewLoginSteps returns the steps of a backend that does one in these ways.
func NewLoginSteps(now StepLogin, later StepLater, completion StepCompletion) LoginSteps {
	return LoginSteps{now, later, completion}
}

// BeginOrder claims the login's next order; see [Logins].
func (s LoginSteps) BeginOrder(ctx context.Context, id string, claim Claim, tell ...Tell) (*Login, error) {
	claim.Starter = claim.Starter.Own()
	return s.now(ctx, id, claim.At, func(l *Login) error { return l.BeginOrder(claim) }, tell...)
}

// PutOrder makes order the current one; see [Logins]. The login must not have expired when the order was started.
func (s LoginSteps) PutOrder(ctx context.Context, id, claimID string, order Order) (*Login, error) {
	return s.now(ctx, id, order.Started, func(l *Login) error { return l.PutOrder(claimID, order) })
}

// DropClaim ends the claim; see [Logins].
func (s LoginSteps) DropClaim(ctx context.Context, id, claimID string, failure Failure, now time.Time, tell ...Tell) (*Login, error) {
	return s.now(ctx, id, now, func(l *Login) error { return l.DropClaim(claimID, failure) }, tell...)
}

// TakeBack makes the previous order the current one again; see [Logins].
func (s LoginSteps) TakeBack(ctx context.Context, id, orderID string, now time.Time) (*Login, error) {
	return s.now(ctx, id, now, func(l *Login) error { return l.TakeBack(orderID, now) })
}

// RecordHint notes how far an app has come; see [Logins].
func (s LoginSteps) RecordHint(ctx context.Context, id, orderID string, phase Phase, hintCode string, now time.Time) (*Login, error) {
	return s.later(ctx, id, now, func(l *Login) error { return l.RecordHint(orderID, phase, hintCode, now) })
}

// RecordSeen notes that the page is looked at; see [Logins].
func (s LoginSteps) RecordSeen(ctx context.Context, id string, now time.Time) (*Login, error) {
	return s.later(ctx, id, now, func(l *Login) error { return l.RecordSeen(now) })
}

// FailOrder ends the order; see [Logins].
func (s LoginSteps) FailOrder(ctx context.Context, id, orderID string, failure Failure, now time.Time, tell ...Tell) (*Login, error) {
	return s.now(ctx, id, now, func(l *Login) error { return l.FailOrder(orderID, failure) }, tell...)
}

// CompleteLogin stores the result; see [Logins].
func (s LoginSteps) CompleteLogin(ctx context.Context, id, orderID string, result Result, now time.Time, tell ...Tell) (*Login, error) {
	rule := func(l *Login) error { return l.CompleteLogin(orderID, result, now) }
	if result.Record == nil {
		return s.now(ctx, id, now, rule, tell...)
	}
	if err := result.Record.Whole(); err != nil {
		return nil, fmt.Errorf("complete login: %w", err)
	}
	return s.completion(ctx, id, now, rule, result.Record, tell...)
}

// RecordReturn notes the return from the app; see [Logins].
func (s LoginSteps) RecordReturn(ctx context.Context, id string, nonceHash [32]byte, now time.Time) (*Login, error) {
	return s.now(ctx, id, now, func(l *Login) error { return l.RecordReturn(nonceHash, now) })
}

// CancelOrder ends order and claim; see [Logins].
func (s LoginSteps) CancelOrder(ctx context.Context, id string, failure Failure, now time.Time, tell ...Tell) (*Login, error) {
	return s.now(ctx, id, now, func(l *Login) error { return l.CancelOrder(failure) }, tell...)
}

// RefuseLogin ends the login without a code; see [Logins].
func (s LoginSteps) RefuseLogin(ctx context.Context, id string, now time.Time, tell ...Tell) (*Login, error) {
	return s.now(ctx, id, now, func(l *Login) error { return l.RefuseLogin() }, tell...)
}
