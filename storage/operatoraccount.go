package storage

import (
	"errors"
	"slices"

	"brygga/secret"
)

// CreateOperator stores a new account, invited, with the link that makes it active. It returns ErrExists when another has its ID, or one of its
// handles.
type CreateOperator struct {
	Operator Operator
	Link     OperatorLink
	By       OperatorActor
}

func (s CreateOperator) take(a *accounts) error {
	if err := a.allow(s.By); err != nil {
		return err
	}
	o := s.Operator
	if err := errors.Join((Rights{Roles: o.Roles}).Valid(), s.By.spares(&o)); err != nil {
		return err
	}
	if _, err := a.rows.Operator(o.ID); err == nil {
		return ErrExists
	}
	if err := a.handlesFree(&o); err != nil {
		return err
	}
	o.State, o.Revision, o.Created, o.Links = OperatorInvited, 1, a.now, []OperatorLink{s.Link}
	a.outcome.Operator = &o
	return a.rows.PutOperator(&o, nil)
}

// GiveLink puts a link in the place of the one of its purpose. It returns ErrConflict when the account is in no state for it: a disabled one gets none,
// an invited one none but the links that make it active, an active one none of those. A link that is to be sent by mail to somebody who has
// not logged in (Mailed) resets the password only of an operator whose address is confirmed: of another, it is ErrMismatch.
type GiveLink struct {
	ID     string
	Link   OperatorLink
	Mailed bool
	By     OperatorActor
}

func (s GiveLink) take(a *accounts) error {
	if err := a.allow(s.By); err != nil {
		return err
	}
	return a.change(s.ID, func(o *Operator) error {
		if err := s.By.spares(o); err != nil {
			return err
		}
		activates := s.Link.Purpose == LinkInvite || s.Link.Purpose == LinkBootstrap
		if o.State == OperatorDisabled || activates != (o.State == OperatorInvited) || s.Link.Purpose == LinkEmailChange {
			return ErrConflict
		}
		if s.Mailed && s.Link.Purpose == LinkReset && o.EmailConfirmed.IsZero() {
			return ErrMismatch
		}
		o.giveLink(s.Link)
		return nil
	})
}

func (o *Operator) giveLink(link OperatorLink) {
	o.Links = append(slices.DeleteFunc(o.Links, func(l OperatorLink) bool { return l.Purpose == link.Purpose }), link)
}

// AcceptInvite makes an invited account active, with a password, and spends the link: of concurrent calls exactly one succeeds. A link that was sent
// to the address confirms it. Nobody is logged in by it. It returns ErrNotFound when the link does not work.
type AcceptInvite struct {
	ID           string
	Link         Hash
	PasswordHash secret.String
}

func (s AcceptInvite) take(a *accounts) error {
	return a.change(s.ID, func(o *Operator) error {
		if o.State != OperatorInvited {
			return ErrNotFound
		}
		link, err := o.spend(s.Link, []Purpose{LinkInvite, LinkBootstrap}, a.now)
		if err != nil {
			return err
		}
		if link.Purpose == LinkInvite {
			o.EmailConfirmed = a.now
		}
		o.State, o.PasswordHash, o.PasswordSet, o.Links = OperatorActive, s.PasswordHash, a.now, nil
		return nil
	})
}

// ConfirmEmail confirms the address that the link was sent to, and puts it in the place of the one of before when it is another. It spends the
// link, and logs nobody in. It returns ErrNotFound when the link does not work, and ErrExists when another operator has the address by now.
type ConfirmEmail struct {
	ID   string
	Link Hash
}

func (s ConfirmEmail) take(a *accounts) error {
	return a.change(s.ID, func(o *Operator) error {
		link, err := o.spend(s.Link, []Purpose{LinkConfirm, LinkEmailChange}, a.now)
		if err != nil || o.State != OperatorActive {
			return ErrNotFound
		}
		if link.Purpose == LinkEmailChange {
			o.Email, o.EmailHandle = link.Email, link.EmailHandle
			o.Links = nil // those that were sent to the other address
		}
		o.EmailConfirmed = a.now
		return nil
	})
}

// ResetPassword sets a password by a link, which it spends with all others, and ends every session. The second factor stays as it is. The count of the
// account's failed attempts, Throttle, begins anew. It returns ErrNotFound when the link does not work.
type ResetPassword struct {
	ID           string
	Link         Hash
	PasswordHash secret.String
	Throttle     Hash
}

func (s ResetPassword) take(a *accounts) error {
	err := a.change(s.ID, func(o *Operator) error {
		if _, err := o.spend(s.Link, []Purpose{LinkReset}, a.now); err != nil || o.State != OperatorActive {
			return ErrNotFound
		}
		o.PasswordHash, o.PasswordSet, o.Links = s.PasswordHash, a.now, nil
		o.endSessions(nil)
		return nil
	})
	if err != nil {
		return err
	}
	return a.rows.PutThrottle(Throttle{Key: s.Throttle})
}

// ChangePassword sets a password in a session that was stepped up by something else than BankID, which goes on under another cookie, Next; all other
// sessions and all links end. Before is the stored hash that the caller has verified: it returns ErrConflict when that is another by now. The count of the account's failed attempts, Throttle, begins anew.
type ChangePassword struct {
	ID            string
	Session, Next Hash
	Before, After secret.String
	Throttle      Hash
}

func (s ChangePassword) take(a *accounts) error {
	err := a.change(s.ID, func(o *Operator) error {
		session, err := o.own(s.Session, a.now)
		if err != nil {
			return err
		}
		if !o.PasswordHash.Equal(s.Before) {
			return ErrConflict
		}
		session.Hash = s.Next
		o.PasswordHash, o.PasswordSet, o.Links = s.After, a.now, nil
		o.endSessions(session)
		a.outcome.Session = &o.Sessions[0]
		return nil
	})
	if err != nil {
		return err
	}
	return a.rows.PutThrottle(Throttle{Key: s.Throttle})
}

// Rehash puts another hash of the same password in the place of Before, or returns ErrConflict.
type Rehash struct {
	ID            string
	Before, After secret.String
}

func (s Rehash) take(a *accounts) error {
	return a.change(s.ID, func(o *Operator) error {
		if !o.PasswordHash.Equal(s.Before) {
			return ErrConflict
		}
		o.PasswordHash = s.After
		return nil
	})
}

// AskEmailChange notes a link that was sent to another address of the operator's own wish; ConfirmEmail makes it the operator's. It demands a session
// as ChangePassword does.
type AskEmailChange struct {
	ID      string
	Session Hash
	Link    OperatorLink
}

func (s AskEmailChange) take(a *accounts) error {
	return a.change(s.ID, func(o *Operator) error {
		if _, err := o.own(s.Session, a.now); err != nil {
			return err
		}
		link := s.Link
		link.Purpose = LinkEmailChange
		o.giveLink(link)
		return nil
	})
}

// ChooseLanguage sets the language that the operator wants to be spoken to in, from a session of its own. It returns ErrNotFound when that is over or
// waits for its second factor.
type ChooseLanguage struct {
	ID       string
	Session  Hash
	Language string
}

func (s ChooseLanguage) take(a *accounts) error {
	return a.change(s.ID, func(o *Operator) error {
		session := o.Session(s.Session, a.now)
		if session == nil || session.Pending || o.State != OperatorActive {
			return ErrNotFound
		}
		o.Language = s.Language
		return nil
	})
}

// ChangeOperator changes what owners alone may change, if the revision is still the one that the caller has seen; else it returns ErrConflict. Change
// sees the operator's own record and must not touch what it is logged in by. Whoever is disabled, or loses a role, has every session and link end
// in the same step. It returns ErrLastOwner when no owner who can log in would be left.
type ChangeOperator struct {
	ID       string
	Revision uint64 // 0 for any
	By       OperatorActor
	// Each is left as it is when nil.
	Rights   *Rights
	Disabled *bool
	Person   *Hash
	Profile  *Profile
}

// Profile is what an operator is called, and how it is spoken to.
type Profile struct {
	Name     secret.String
	Language string
}

func (s ChangeOperator) take(a *accounts) error {
	if err := a.allow(s.By); err != nil {
		return err
	}
	return a.change(s.ID, func(o *Operator) error {
		if s.Revision != 0 && s.Revision != o.Revision {
			return ErrConflict
		}
		if err := s.By.spares(o); err != nil {
			return err
		}
		if err := s.changeRights(o); err != nil {
			return err
		}
		if err := s.By.spares(o); err != nil {
			return err
		}
		s.changeState(o)
		if s.Profile != nil {
			o.Name, o.Language = s.Profile.Name, s.Profile.Language
		}
		if s.Person == nil || *s.Person == o.PersonHandle {
			return nil
		}
		o.PersonHandle = *s.Person
		o.Sessions = slices.DeleteFunc(o.Sessions, func(session OperatorSession) bool { return slices.Contains(session.Methods, MethodBankID) })
		if o.State == OperatorActive && o.WaysIn() == 0 {
			return ErrLastWayIn
		}
		return nil
	})
}

func (s ChangeOperator) changeRights(o *Operator) error {
	if s.Rights == nil {
		return nil
	}
	if err := s.Rights.Valid(); err != nil {
		return err
	}
	for _, role := range o.Roles {
		if !slices.Contains(s.Rights.Roles, role) {
			o.endSessions(nil)
		}
	}
	o.Roles, o.AllClients, o.Groups = s.Rights.Roles, s.Rights.AllClients, s.Rights.Groups
	return nil
}

func (s ChangeOperator) changeState(o *Operator) {
	switch {
	case s.Disabled == nil:
	case *s.Disabled:
		o.State = OperatorDisabled
		o.Links = nil
		o.endSessions(nil)
	case o.State == OperatorDisabled && o.WaysIn() > 0:
		o.State = OperatorActive
	case o.State == OperatorDisabled: // it had not accepted its invitation
		o.State = OperatorInvited
	}
}

// RemoveOperator removes the account with all that stands for it. It returns ErrLastOwner when no owner who can log in would be left.
type RemoveOperator struct {
	ID string
	By OperatorActor
}

func (s RemoveOperator) take(a *accounts) error {
	if err := a.allow(s.By); err != nil {
		return err
	}
	o, err := a.rows.Operator(s.ID)
	if err != nil {
		return err
	}
	if err := s.By.spares(o); err != nil {
		return err
	}
	if o.holdsKeys() {
		if err := a.anotherOwner(o.ID); err != nil {
			return err
		}
	}
	a.outcome.Operator, a.outcome.Ended = o, len(o.Sessions)
	return a.rows.RemoveOperator(o)
}
