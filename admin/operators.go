package admin

import (
	"context"
	"errors"
	"time"

	"brygga/account"
	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// OperatorView is what faces show of an operator: nothing that it is logged in by.
type OperatorView struct {
	ID             string    `json:"id"`
	Revision       uint64    `json:"revision"`
	UserName       string    `json:"user_name"`
	Email          string    `json:"email,omitempty"`
	EmailConfirmed bool      `json:"email_confirmed"`
	Name           string    `json:"name,omitempty"`
	Language       string    `json:"language"`
	State          string    `json:"state"`
	Roles          []string  `json:"roles"`
	AllClients     bool      `json:"all_clients"`
	Groups         []string  `json:"groups,omitempty"`
	LoginBy        []string  `json:"login_by"`
	Sessions       int       `json:"sessions"`
	LastLogin      time.Time `json:"last_login,omitzero"`
	Created        time.Time `json:"created"`
}

// ViewOperator returns what is shown of an operator.
func ViewOperator(o *storage.Operator) OperatorView {
	v := OperatorView{
		ID: o.ID, Revision: o.Revision, UserName: o.UserName.Reveal(), Email: o.Email.Reveal(), EmailConfirmed: !o.EmailConfirmed.IsZero(), Name: o.Name.Reveal(),
		Language: o.Language, State: string(o.State), Roles: []string{}, AllClients: o.AllClients, Groups: o.Groups, LoginBy: []string{}, Sessions: len(o.Sessions),
		LastLogin: o.LastLogin.At, Created: o.Created,
	}
	for _, role := range o.Roles {
		v.Roles = append(v.Roles, string(role))
	}
	for _, by := range []struct {
		method string
		has    bool
	}{
		{storage.MethodPassword, !o.PasswordHash.IsZero()}, {storage.MethodTOTP, !o.TOTP.Confirmed.IsZero()},
		{storage.MethodPasskey, len(o.Passkeys) > 0}, {storage.MethodBankID, o.PersonHandle != (storage.Hash{})},
	} {
		if by.has {
			v.LoginBy = append(v.LoginBy, by.method)
		}
	}
	return v
}

// SessionView is what faces show of a session: nothing that it could be taken over by.
type SessionView struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Used    time.Time `json:"used"`
	Address string    `json:"address,omitempty"`
	Agent   string    `json:"agent,omitempty"`
	Methods []string  `json:"methods"`
}

// ViewSessions returns what is shown of the sessions of an operator that live at now, the newest last.
func ViewSessions(o *storage.Operator, now time.Time) []SessionView {
	views := []SessionView{}
	for _, s := range o.Sessions {
		if s.Live(now) {
			views = append(views, SessionView{s.ID, s.Created, s.Used, s.Address, s.Agent, s.Methods})
		}
	}
	return views
}

// Operators returns all operators, ordered by ID.
func (s *Service) Operators(ctx context.Context, actor Actor) ([]*storage.Operator, error) {
	if err := s.accounts(ctx, actor, ListOperators); err != nil {
		return nil, err
	}
	return s.o.Accounts.Operators(ctx)
}

// Operator returns the operator with that ID, user name or e-mail address, however it is spelled, or storage.ErrNotFound.
func (s *Service) Operator(ctx context.Context, actor Actor, idOrName string) (*storage.Operator, error) {
	if err := s.accounts(ctx, actor, ShowOperator); err != nil {
		return nil, err
	}
	return s.o.Accounts.Find(ctx, idOrName)
}

// OperatorSessions returns the operator and its sessions that live.
func (s *Service) OperatorSessions(ctx context.Context, actor Actor, id string) ([]SessionView, error) {
	o, err := s.Operator(ctx, actor, id)
	if err != nil {
		return nil, err
	}
	return ViewSessions(o, s.now()), nil
}

// accounts returns nil when the actor may do the operation and there are accounts.
func (s *Service) accounts(ctx context.Context, actor Actor, name Name) error {
	if _, err := s.permit(ctx, actor, name); err != nil {
		return err
	}
	if s.o.Accounts == nil {
		return storage.ErrNotFound
	}
	return nil
}

// stepped returns the error of a step of accounts. That a program may not do to an owner what it asked for is a refusal as those that are found
// before, and told to the audit log.
func (s *Service) stepped(ctx context.Context, actor Actor, name Name, err error) error {
	if !errors.Is(err, storage.ErrOwner) {
		return err
	}
	s.o.Audit.Record(ctx, audit.Event{
		Type: audit.AdministrationRefused, Actor: actor.name, Object: string(name), Message: err.Error(), SourceAddress: address(actor.from),
	})
	return &RefusedError{OperationOf(name), err}
}

// Invite invites somebody to be an operator; see account.Accounts.Invite. A program makes no owner: storage.ErrOwner, as for all that follows.
func (s *Service) Invite(ctx context.Context, actor Actor, i account.Invitation) (*storage.Operator, error) {
	if err := s.accounts(ctx, actor, Invite); err != nil {
		return nil, err
	}
	o, err := s.o.Accounts.Invite(ctx, actor.by, i)
	return o, s.stepped(ctx, actor, Invite, err)
}

// InviteAgain sends another link to somebody who is invited; the one of before works no more.
func (s *Service) InviteAgain(ctx context.Context, actor Actor, id string) error {
	if err := s.accounts(ctx, actor, Invite); err != nil {
		return err
	}
	return s.stepped(ctx, actor, Invite, s.o.Accounts.InviteAgain(ctx, actor.by, id))
}

// CreateOperator makes an operator and returns the link that makes the account active, to be handed over; see account.Accounts.Bootstrap. Whoever has
// the link has the account, so no program gets one.
func (s *Service) CreateOperator(ctx context.Context, actor Actor, i account.Invitation) (*storage.Operator, account.Link, error) {
	if err := s.accounts(ctx, actor, GiveLink); err != nil {
		return nil, account.Link{}, err
	}
	return s.o.Accounts.Bootstrap(ctx, actor.by, i)
}

// GiveLink returns another link for an operator, to be handed over; see account.Accounts.GiveLink.
func (s *Service) GiveLink(ctx context.Context, actor Actor, id string) (account.Link, error) {
	if err := s.accounts(ctx, actor, GiveLink); err != nil {
		return account.Link{}, err
	}
	return s.o.Accounts.GiveLink(ctx, actor.by, id)
}

// ChangeOperator changes an operator; see account.Accounts.Change.
func (s *Service) ChangeOperator(ctx context.Context, actor Actor, id string, c account.Change) (*storage.Operator, error) {
	if err := s.accounts(ctx, actor, ChangeRights); err != nil {
		return nil, err
	}
	o, err := s.o.Accounts.Change(ctx, actor.by, id, c)
	return o, s.stepped(ctx, actor, ChangeRights, err)
}

// OperatorChange is what is to be another of an operator; nil leaves a thing as it is.
type OperatorChange struct {
	// Revision is that of the operator as whoever changes it has seen it, 0 for any.
	Revision       uint64
	Name, Language *string
	Roles          *[]storage.Role
	// Groups are those of the clients that it is for; none are all of them, unless AllClients says otherwise.
	Groups               *[]string
	AllClients, Disabled *bool
	// PersonalNumber is the number that the operator may log in with by BankID, empty for none.
	PersonalNumber *secret.String
}

// Rights returns what is to become of the rights of before.
func (c *OperatorChange) Rights(before storage.Rights) storage.Rights {
	r := before
	if c.Roles != nil {
		r.Roles = *c.Roles
	}
	if c.Groups != nil {
		r.Groups, r.AllClients = *c.Groups, len(*c.Groups) == 0
	}
	if c.AllClients != nil {
		r.AllClients = *c.AllClients
	}
	return r
}

// of returns the change of the operator as it stands.
func (c *OperatorChange) of(before *storage.Operator) account.Change {
	change := account.Change{Revision: c.Revision, Disabled: c.Disabled, PersonalNumber: c.PersonalNumber}
	if c.Revision == 0 {
		change.Revision = before.Revision
	}
	if c.Roles != nil || c.Groups != nil || c.AllClients != nil {
		rights := c.Rights(storage.Rights{Roles: before.Roles, AllClients: before.AllClients, Groups: before.Groups})
		change.Rights = &rights
	}
	if c.Name == nil && c.Language == nil {
		return change
	}
	change.Profile = &storage.Profile{Name: before.Name, Language: before.Language}
	if c.Name != nil {
		change.Profile.Name = secret.New(*c.Name)
	}
	if c.Language != nil {
		change.Profile.Language = *c.Language
	}
	return change
}

// EditOperator changes of the operator with that ID, user name or e-mail address what c names, and leaves the rest; see ChangeOperator.
func (s *Service) EditOperator(ctx context.Context, actor Actor, id string, c OperatorChange) (*storage.Operator, error) {
	if err := s.accounts(ctx, actor, ChangeRights); err != nil {
		return nil, err
	}
	for attempt := 0; ; attempt++ {
		before, err := s.o.Accounts.Find(ctx, id)
		if err != nil {
			return nil, err
		}
		o, err := s.o.Accounts.Change(ctx, actor.by, before.ID, c.of(before))
		if c.Revision != 0 || !errors.Is(err, storage.ErrConflict) || attempt == maxAttempts {
			return o, s.stepped(ctx, actor, ChangeRights, err)
		}
	}
}

// maxAttempts is how often a change is made anew that somebody else came before.
const maxAttempts = 5

// EndSessions ends the session of an operator that has that ID, empty for all of them.
func (s *Service) EndSessions(ctx context.Context, actor Actor, id, session string) error {
	if err := s.accounts(ctx, actor, EndSessions); err != nil {
		return err
	}
	return s.stepped(ctx, actor, EndSessions, s.o.Accounts.EndSessionsOf(ctx, actor.by, id, session))
}

// Unlock lets an operator's next attempt to log in through, however many have failed.
func (s *Service) Unlock(ctx context.Context, actor Actor, id string) error {
	if err := s.accounts(ctx, actor, Unlock); err != nil {
		return err
	}
	return s.o.Accounts.Unlock(ctx, actor.by, id)
}

// RemoveOperator removes an operator; see account.Accounts.Remove.
func (s *Service) RemoveOperator(ctx context.Context, actor Actor, id string) error {
	if err := s.accounts(ctx, actor, RemoveAccount); err != nil {
		return err
	}
	return s.stepped(ctx, actor, RemoveAccount, s.o.Accounts.Remove(ctx, actor.by, id))
}
