package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"brygga/account"
	"brygga/audit"
	"brygga/storage"
)

// Actor is who asks for an operation. The zero value may do nothing.
type Actor struct {
	name    string // in the audit log
	command bool
	roles   []storage.Role
	scopes  []string
	// all and groups are the clients that it is for.
	all    bool
	groups []string
	fresh  bool
	by     account.Actor
	from   account.From
}

// Command is somebody with a command on the server, who may do everything. User names the user of the operating system.
func Command(user string) Actor {
	return Actor{name: user, command: true, all: true, by: account.Command(user)}
}

// Operator is the operator of a session as [account.Accounts.Use] has just returned it. Fresh is what [account.Accounts.Fresh] says of it.
func Operator(s *account.Session, fresh bool, from account.From) Actor {
	if s.Pending || s.Operator.State != storage.OperatorActive {
		return Actor{name: s.Operator.ID}
	}
	return Actor{
		name: s.Operator.ID, roles: s.Operator.Roles, all: s.Operator.AllClients, groups: s.Operator.Groups, fresh: fresh, by: s.Actor(from), from: from,
	}
}

// Key is a program with a key for the API, which was looked up and is valid. Groups are those of the clients that it is for, nil for all.
func Key(id string, scopes, groups []string, from account.From) Actor {
	return program("key:"+id, scopes, groups, from)
}

func program(name string, scopes, groups []string, from account.From) Actor {
	if scopes == nil {
		scopes = []string{} // it is a program all the same
	}
	return Actor{name: name, scopes: scopes, all: len(groups) == 0, groups: groups, by: account.Program(name, from), from: from}
}

// mayEquip returns nil when the actor may let a client of that kind get tokens for the API, or give it another proof of itself: it is as if it made a key
// with the client's scopes, or exported the client's evidence. A refusal is told to the audit log.
func (s *Service) mayEquip(ctx context.Context, actor Actor, c *storage.Client) error {
	if c.FetchEvidence {
		if _, err := s.permit(ctx, actor, ExportEvidence); err != nil {
			return err
		}
	}
	if len(c.APIScopes) == 0 {
		return nil
	}
	r, err := s.permit(ctx, actor, CreateAPIKey)
	if err != nil {
		return err
	}
	n := NewAPIKey{Scopes: slices.DeleteFunc(slices.Clone(c.APIScopes), func(scope string) bool { return !slices.Contains(storage.APIScopes, scope) })} // others are wrong
	if c.AdminGroup != "" {
		n.Groups = []string{c.AdminGroup}
	}
	if !actor.covers(r, n) {
		return &RefusedError{OperationOf(CreateAPIKey), ErrStronger}
	}
	return nil
}

// Name is what the audit log calls the actor.
func (a Actor) Name() string { return a.name }

// RefusedError means that the actor may not do the operation. Unwrap returns storage.ErrStepUp when it may once it has proven anew who it is, else
// storage.ErrForbidden.
type RefusedError struct {
	Operation Operation
	Err       error
}

// Error names the operation.
func (e *RefusedError) Error() string { return fmt.Sprintf("admin: %s: %v", e.Operation.Name, e.Err) }

// Unwrap returns why.
func (e *RefusedError) Unwrap() error { return e.Err }

// ErrStronger means that a program asked for a key that may do more than itself.
var ErrStronger = fmt.Errorf("admin: a key makes none that may do more than itself: %w", storage.ErrForbidden)

// Reason says to the program that was refused what it would need.
func (e *RefusedError) Reason() string {
	switch {
	case errors.Is(e.Err, storage.ErrOwner):
		return "owners are made, changed and removed by people: in the console, or by a command on the server"
	case errors.Is(e.Err, ErrStronger):
		return "a key makes and rotates none that may do more than itself"
	case e.Operation.Scope == "":
		return "no program may do this: it is done in the console, or by a command on the server"
	}
	return "it needs the scope " + e.Operation.Scope + ", for what it is asked"
}

// reach are the clients that an actor may see, or change, by an operation.
type reach struct {
	all    bool
	groups []string
}

// has reports whether the client is one of them.
func (r reach) has(c *storage.Client) bool {
	return r.all || c.AdminGroup != "" && slices.Contains(r.groups, c.AdminGroup)
}

// may returns the clients that the actor may do the operation on, or why it may do it on none. Groups bind admins and the help desk: owners and
// auditors are for the whole installation.
func (a Actor) may(o Operation) (reach, error) {
	r := reach{a.all, a.groups}
	switch {
	case a.command:
		return reach{all: true}, nil
	case slices.Contains(a.scopes, o.Scope) && o.Scope != "":
	default:
		roles := slices.DeleteFunc(slices.Clone(o.Roles), func(role storage.Role) bool { return !slices.Contains(a.roles, role) })
		if len(roles) == 0 {
			return reach{}, storage.ErrForbidden
		}
		r.all = r.all || slices.Contains(roles, owner) || slices.Contains(roles, auditor)
	}
	switch {
	case o.Whole && !r.all:
		return reach{}, storage.ErrForbidden
	case o.StepUp && a.scopes == nil && !a.fresh: // a program with a key has nothing to prove itself by anew
		return reach{}, storage.ErrStepUp
	}
	return r, nil
}

// May returns nil when the actor may do the operation on something, storage.ErrStepUp when it may once it has proven anew who it is, else
// storage.ErrForbidden. It is for faces that offer nothing in vain; the operation itself asks once more.
func (a Actor) May(name Name) error {
	_, err := a.may(OperationOf(name))
	return err
}

// Permit returns nil when the actor may do the operation, else a *RefusedError, of which the audit log is told. It is for pages that prepare
// an operation and do nothing yet.
func (s *Service) Permit(ctx context.Context, actor Actor, name Name) error {
	_, err := s.permit(ctx, actor, name)
	return err
}

// permit returns the clients that the actor may do the operation on, or a *RefusedError, of which the audit log is told.
func (s *Service) permit(ctx context.Context, actor Actor, name Name) (reach, error) {
	o := OperationOf(name)
	r, err := actor.may(o)
	if err != nil {
		s.o.Audit.Record(ctx, audit.Event{
			Type: audit.AdministrationRefused, Actor: actor.name, Object: string(name), Message: err.Error(), SourceAddress: address(actor.from),
		})
		return reach{}, &RefusedError{o, err}
	}
	return r, nil
}

func address(from account.From) string {
	if !from.Address.IsValid() {
		return ""
	}
	return from.Address.Unmap().String()
}
