package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Errors of the steps of accounts, beside ErrNotFound, ErrExists, ErrConflict and ErrMismatch. Nothing was changed.
var (
	// ErrLastOwner means that no active owner would be left who can log in.
	ErrLastOwner = errors.New("storage: the last owner who can log in")
	// ErrLastWayIn means that the operator would have nothing left to log in with.
	ErrLastWayIn = errors.New("storage: the last way to log in")
	// ErrStepUp means that the session has to prove anew who it is, by something that allows this.
	ErrStepUp = errors.New("storage: the session has to be stepped up")
	// ErrForbidden means that the operator who asks has no role that allows it.
	ErrForbidden = errors.New("storage: no role allows it")
	// ErrOwner means that a program asked for what is done to an owner, or makes one: people do that.
	ErrOwner = errors.New("storage: a program touches no owner")
	// ErrRole means that an operator would have no role, or one that there is not.
	ErrRole = errors.New("storage: an operator has one or more of the roles owner, admin, helpdesk and auditor")
)

// Operators keeps the accounts of operators, the counts of attempts to log in, and mail. Operators that are returned are the caller's own.
type Operators interface {
	// Operator returns the operator of that ID, or ErrNotFound.
	Operator(ctx context.Context, id string) (*Operator, error)
	// OperatorOf returns the operator to whom the handle leads, or ErrNotFound.
	OperatorOf(ctx context.Context, handle Hash) (*Operator, error)
	// Operators returns at most limit operators whose IDs follow after, ordered by ID.
	Operators(ctx context.Context, after string, limit int) ([]*Operator, error)
	// StepOperator takes the step, with what it tells. What each demands and guarantees stands at its type. Steps of accounts happen one after the
	// other, in whichever process: what one has decided on no other changes meanwhile. Tell makes audit events and mail of the outcome, which
	// are stored in the same step; it only computes, as it may be called again.
	StepOperator(ctx context.Context, step OperatorStep, now time.Time, tell ...TellOperator) (*OperatorOutcome, error)

	// ClaimMail returns at most limit messages that are due at now, the longest due first, as it leaves them: with the attempt counted and put off by
	// retry(attempts), so that no other process sends it meanwhile. Of concurrent calls only one gets a message.
	ClaimMail(ctx context.Context, now time.Time, limit int, retry func(attempts int) time.Duration) ([]Mail, error)
	// DropMail removes a message that was handed over or never will be. An unknown one is no error.
	DropMail(ctx context.Context, id string, events ...AuditEvent) error
	// PendingMail returns how many messages wait.
	PendingMail(ctx context.Context) (int, error)
}

// OperatorStep is one of the steps of this package: no other has them.
type OperatorStep interface{ take(*accounts) error }

// OperatorOutcome is what a step has brought about.
type OperatorOutcome struct {
	// Operator is as the step leaves it; one that was removed is as it was. Nil for steps of none.
	Operator *Operator
	// Session is the one that the step made, raised or used.
	Session *OperatorSession
	// Ended is how many sessions it has ended.
	Ended int
	// Until is when the next attempt is let through, zero when this one is. Tripped are the keys that were counted once too often by it.
	Until   time.Time
	Tripped []Hash
}

// TellOperator makes what is told of a step of its outcome.
type TellOperator func(*OperatorOutcome) OperatorNews

// OperatorNews are audit events and mail of a step.
type OperatorNews struct {
	Events []AuditEvent
	Mail   []Mail
}

// OperatorRows is what a step works on. Backends give it one within a lock or a transaction in which no other step happens.
type OperatorRows interface {
	// Operator returns the operator, or ErrNotFound. It is the caller's own.
	Operator(id string) (*Operator, error)
	// Holder returns the ID of the operator to whom the handle leads, empty for nobody.
	Holder(handle Hash) (id string, err error)
	// EachOperator calls do with all, until it returns false.
	EachOperator(do func(*Operator) bool) error
	// PutOperator stores the operator, whose handles were before.
	PutOperator(o *Operator, before []Hash) error
	// RemoveOperator removes the operator with what leads to it.
	RemoveOperator(o *Operator) error
	// Throttle returns the count, an empty one when there is none.
	Throttle(key Hash) (Throttle, error)
	// PutThrottle stores the count in place of the one of before; one of no failures is removed.
	PutThrottle(t Throttle) error
	PutMail(m *Mail) error
}

// TakeOperatorStep takes the step on the rows and returns the events that are to be stored with it. It is a rule: backends call it inside StepOperator.
func TakeOperatorStep(rows OperatorRows, step OperatorStep, now time.Time, tell []TellOperator) (*OperatorOutcome, []AuditEvent, error) {
	a := &accounts{rows: rows, now: now, outcome: &OperatorOutcome{}}
	if err := step.take(a); err != nil {
		return nil, nil, err
	}
	var events []AuditEvent
	for _, t := range tell {
		if t == nil {
			continue
		}
		news := t(a.outcome)
		events = append(events, news.Events...)
		for i := range news.Mail {
			if err := rows.PutMail(&news.Mail[i]); err != nil {
				return nil, nil, err
			}
		}
	}
	return a.outcome, events, nil
}

// accounts is a step under way.
type accounts struct {
	rows    OperatorRows
	now     time.Time
	outcome *OperatorOutcome
}

// change changes the operator and keeps what is true of all of them: no two share a handle, and once there is an owner who can log in, there is one.
func (a *accounts) change(id string, change func(*Operator) error) error {
	o, err := a.rows.Operator(id)
	if err != nil {
		return err
	}
	o.prune(a.now)
	before, held, sessions := o.Handles(), o.holdsKeys(), len(o.Sessions)
	if err := change(o); err != nil {
		return err
	}
	if held && !o.holdsKeys() {
		if err := a.anotherOwner(o.ID); err != nil {
			return err
		}
	}
	if err := a.handlesFree(o); err != nil {
		return err
	}
	o.Revision++
	a.outcome.Operator, a.outcome.Ended = o, max(0, sessions-len(o.Sessions))
	return a.rows.PutOperator(o, before)
}

// prune forgets what is over.
func (o *Operator) prune(now time.Time) {
	o.Sessions = slices.DeleteFunc(o.Sessions, func(s OperatorSession) bool { return !s.Live(now) })
	o.Links = slices.DeleteFunc(o.Links, func(l OperatorLink) bool { return !now.Before(l.Expires) })
}

// anotherOwner returns ErrLastOwner when no other operator is an owner who can log in.
func (a *accounts) anotherOwner(than string) error {
	found := false
	err := a.rows.EachOperator(func(o *Operator) bool {
		found = o.ID != than && o.holdsKeys()
		return !found
	})
	if err == nil && !found {
		err = ErrLastOwner
	}
	return err
}

// handlesFree returns ErrExists when a handle of the operator leads to another, or the same thing is its user name and its e-mail address.
func (a *accounts) handlesFree(o *Operator) error {
	for _, h := range o.Handles() {
		holder, err := a.rows.Holder(h)
		if err != nil {
			return err
		}
		if holder != "" && holder != o.ID {
			return ErrExists
		}
	}
	return nil
}

// OperatorActor is the operator who asks for a step, by the session in which that was asked for; the zero value is somebody with a command on the
// server, who may do everything.
type OperatorActor struct {
	ID      string
	Session Hash
	// Program says that it is a program with the right to change accounts, and no operator. It touches no owner: whoever had its key would be one.
	Program bool
}

// spares returns ErrOwner when the actor is a program, and one of these operators an owner.
func (by OperatorActor) spares(all ...*Operator) error {
	if by.Program && slices.ContainsFunc(all, func(o *Operator) bool { return o.Has(RoleOwner) }) {
		return ErrOwner
	}
	return nil
}

// allow returns an error unless the actor is an active owner, whose session was stepped up lately.
func (a *accounts) allow(by OperatorActor) error {
	if by == (OperatorActor{}) || by.Program {
		return nil
	}
	o, err := a.rows.Operator(by.ID)
	if errors.Is(err, ErrNotFound) {
		return ErrForbidden
	}
	if err != nil {
		return err
	}
	s := o.Session(by.Session, a.now)
	switch {
	case s == nil || s.Pending || o.State != OperatorActive || !o.Has(RoleOwner):
		return ErrForbidden
	case !s.SteppedUpAt(a.now):
		return ErrStepUp
	}
	return nil
}

// own returns the session if it may change what its operator logs in by: stepped up lately, and not by BankID, whose terms keep a login from
// being the root of another credential.
func (o *Operator) own(session Hash, now time.Time) (*OperatorSession, error) {
	s := o.Session(session, now)
	switch {
	case s == nil || s.Pending || o.State != OperatorActive:
		return nil, ErrNotFound
	case !s.SteppedUpAt(now) || s.SteppedBy == MethodBankID || s.SteppedBy == "":
		return nil, ErrStepUp
	}
	return s, nil
}

// spend takes the link out, or returns ErrNotFound when it is not there, has expired, or was used.
func (o *Operator) spend(hash Hash, purposes []Purpose, now time.Time) (OperatorLink, error) {
	for _, purpose := range purposes {
		if l := o.Link(hash, purpose, now); l != nil {
			spent := *l
			o.Links = slices.DeleteFunc(o.Links, func(l OperatorLink) bool { return l.Hash == hash })
			return spent, nil
		}
	}
	return OperatorLink{}, ErrNotFound
}

// endSessions ends all sessions but the one kept, nil for none.
func (o *Operator) endSessions(kept *OperatorSession) {
	if kept == nil {
		o.Sessions = nil
		return
	}
	o.Sessions = []OperatorSession{*kept}
}

// Rights are what an operator may do. They are changed by owners alone.
type Rights struct {
	Roles      []Role
	AllClients bool
	Groups     []string
}

// Valid returns ErrRole for a role that there is not, and when there is none.
func (r Rights) Valid() error {
	if len(r.Roles) == 0 {
		return ErrRole
	}
	for _, role := range r.Roles {
		if !slices.Contains([]Role{RoleOwner, RoleAdmin, RoleHelpdesk, RoleAuditor}, role) {
			return fmt.Errorf("%w: not %.40q", ErrRole, role)
		}
	}
	return nil
}
