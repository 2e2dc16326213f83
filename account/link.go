package account

import (
	"context"
	"errors"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// The kinds of mail, which name their texts.
const (
	MailInvite      = "invite"
	MailConfirm     = "confirm"
	MailEmailChange = "email-change"
	MailReset       = "reset"
	MailUserName    = "user-name"
	MailChanged     = "changed"
	MailLocked      = "locked"
	MailNewLogin    = "new-login"
)

// MailKinds are all kinds of mail.
var MailKinds = []string{MailInvite, MailConfirm, MailEmailChange, MailReset, MailUserName, MailChanged, MailLocked, MailNewLogin}

// LookLink returns whose link it is, for a page that asks whether it shall be used. It spends nothing: programs that open the links of mail do no
// harm. It returns ErrLink.
func (a *Accounts) LookLink(ctx context.Context, purpose storage.Purpose, token secret.String) (*storage.Operator, error) {
	id, hash := parseToken(token)
	o, err := a.store.Operator(ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, ErrLink
	}
	if err != nil {
		return nil, err
	}
	if o.Link(hash, purpose, a.time()) == nil {
		return nil, ErrLink
	}
	return o, nil
}

// newPassword returns the hash of a password for the operator, or Problems.
func (a *Accounts) newPassword(ctx context.Context, o *storage.Operator, password secret.String) (secret.String, error) {
	prepared, fault := checkPassword(password, o.UserName, o.Email, o.Name)
	if fault != "" {
		return secret.String{}, Problems{{"password", string(fault)}}
	}
	return a.hasher.Hash(ctx, prepared)
}

// Accept makes an invited account active with a password, by the link of an invitation or one that was printed. Nobody is logged in by it. It returns
// ErrLink, or Problems with the password, which leave the link as it is.
func (a *Accounts) Accept(ctx context.Context, purpose storage.Purpose, token, password secret.String) (*storage.Operator, error) {
	o, err := a.LookLink(ctx, purpose, token)
	if err != nil {
		return nil, err
	}
	hash, err := a.newPassword(ctx, o, password)
	if err != nil {
		return nil, err
	}
	outcome, err := a.step(ctx, storage.AcceptInvite{ID: o.ID, Link: token.Hash(), PasswordHash: hash}, func(*storage.OperatorOutcome) news {
		return news{events: []audit.Event{{Type: audit.OperatorActivated, Actor: o.ID, Object: o.ID, Message: string(purpose)}}}
	})
	return operatorOr(outcome, err, ErrLink)
}

// operatorOr returns the operator of the outcome, or missing for storage.ErrNotFound.
func operatorOr(outcome *storage.OperatorOutcome, err, missing error) (*storage.Operator, error) {
	if errors.Is(err, storage.ErrNotFound) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	return outcome.Operator, nil
}

// AskConfirmation sends a link to the address of the operator in the session.
func (a *Accounts) AskConfirmation(ctx context.Context, s *Session) error {
	waits, err := a.countMail(ctx, s.Operator.ID)
	if err != nil || waits {
		return err
	}
	stored, link := a.link(s.Operator.ID, storage.LinkConfirm, confirmLife)
	_, err = a.step(ctx, storage.GiveLink{ID: s.Operator.ID, Link: stored}, func(outcome *storage.OperatorOutcome) news {
		return news{mails: []message{linkMail(MailConfirm, outcome.Operator, link)}}
	})
	return err
}

// Confirm confirms the address that the link was sent to, and makes it the operator's when it is another. It returns ErrLink, or storage.ErrExists
// when somebody else has the address by now. The address of before is told.
func (a *Accounts) Confirm(ctx context.Context, purpose storage.Purpose, token secret.String) (*storage.Operator, error) {
	before, err := a.LookLink(ctx, purpose, token)
	if err != nil {
		return nil, err
	}
	outcome, err := a.step(ctx, storage.ConfirmEmail{ID: before.ID, Link: token.Hash()}, func(outcome *storage.OperatorOutcome) news {
		n := news{events: []audit.Event{{Type: audit.OperatorEmailConfirmed, Actor: before.ID, Object: before.ID, Message: string(purpose)}}}
		if purpose == storage.LinkEmailChange {
			n.mails = []message{a.changed(before, "email")}
		}
		return n
	})
	return operatorOr(outcome, err, ErrLink)
}

// changed is the notice that something was changed by which the operator is logged in or reached.
func (a *Accounts) changed(o *storage.Operator, what string) message {
	values := a.circumstances(From{})
	values["what"] = secret.New(what)
	return message{kind: MailChanged, to: o, values: values}
}

// AskEmailChange sends a link to another address, which is the operator's when that comes back. It returns Problems, ErrNoSession, or storage.ErrStepUp.
// Whether somebody else has the address shows only to who reads its mail.
func (a *Accounts) AskEmailChange(ctx context.Context, s *Session, email secret.String) error {
	address, folded := parseEmail(email.Reveal())
	if folded == "" {
		return Problems{{"email", "invalid"}}
	}
	stored, link := a.link(s.Operator.ID, storage.LinkEmailChange, confirmLife)
	stored.Email, stored.EmailHandle = secret.New(address), a.mac("name", folded)
	_, err := a.step(ctx, storage.AskEmailChange{ID: s.Operator.ID, Session: s.Hash, Link: stored}, func(outcome *storage.OperatorOutcome) news {
		m := linkMail(MailEmailChange, outcome.Operator, link)
		m.address = secret.New(address)
		return news{
			events: []audit.Event{{Type: audit.OperatorLinkGiven, Actor: s.Operator.ID, Object: s.Operator.ID, Message: string(storage.LinkEmailChange)}},
			mails:  []message{m},
		}
	})
	return noSession(err)
}

// noSession is ErrNoSession for a step that has not found the session.
func noSession(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return ErrNoSession
	}
	return err
}

// countMail counts mail that is sent to the account for somebody who has not logged in, and reports whether that was enough.
func (a *Accounts) countMail(ctx context.Context, account string) (enough bool, err error) {
	outcome, err := a.step(ctx, storage.CountAttempt{Keys: []storage.Hash{a.mac("mail", account)}, Policies: []storage.ThrottlePolicy{mailPolicy}}, nil)
	if err != nil {
		return false, err
	}
	return !outcome.Until.IsZero(), nil
}

// Forgotten sends a link for another password to the operator of that user name or e-mail address, if there is one whose address is confirmed, for two
// hours. What comes back, and the steps that were taken, are the same if there is none; a *WaitError is for the address that asks.
func (a *Accounts) Forgotten(ctx context.Context, name string, from From) error {
	return a.mailTo(ctx, name, from, func(o *storage.Operator) (storage.OperatorStep, func(*storage.OperatorOutcome) news) {
		stored, link := a.link(o.ID, storage.LinkReset, resetLife)
		return storage.GiveLink{ID: o.ID, Link: stored, Mailed: true}, func(outcome *storage.OperatorOutcome) news {
			return news{
				events: []audit.Event{{Type: audit.OperatorLinkGiven, Object: o.ID, Message: string(storage.LinkReset), SourceAddress: from.address()}},
				mails:  []message{linkMail(MailReset, outcome.Operator, link)},
			}
		}
	})
}

// ForgottenName sends the user name to the operator of that e-mail address, as Forgotten does.
func (a *Accounts) ForgottenName(ctx context.Context, email string, from From) error {
	if _, folded := parseEmail(email); folded == "" {
		email = "" // a user name is nobody's address
	}
	return a.mailTo(ctx, email, from, func(o *storage.Operator) (storage.OperatorStep, func(*storage.OperatorOutcome) news) {
		return storage.ClearThrottle{Key: a.mac("nobody")}, func(*storage.OperatorOutcome) news {
			return news{mails: []message{{kind: MailUserName, to: o}}}
		}
	})
}

// mailTo takes a step that sends mail to an operator who may be reached so, and one that sends none for everybody else.
func (a *Accounts) mailTo(ctx context.Context, name string, from From, step func(*storage.Operator) (storage.OperatorStep, func(*storage.OperatorOutcome) news)) error {
	if err := a.countAddress(ctx, from); err != nil {
		return err
	}
	handle := a.handle(name)
	o, err := a.store.OperatorOf(ctx, handle)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	key := string(handle[:])
	if o != nil {
		key = o.ID
	}
	enough, err := a.countMail(ctx, key)
	if err != nil {
		return err
	}
	if o == nil || enough || o.State != storage.OperatorActive || o.EmailConfirmed.IsZero() {
		_, err := a.step(ctx, storage.CountAttempt{Keys: []storage.Hash{a.mac("nobody")}, Policies: []storage.ThrottlePolicy{mailPolicy}}, nil)
		return err
	}
	taken, tell := step(o)
	_, err = a.step(ctx, taken, tell)
	if errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrMismatch) || errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}

// Reset sets another password by a link, ends every session, and lets the next attempt through. It returns ErrLink, or Problems with the password.
func (a *Accounts) Reset(ctx context.Context, token, password secret.String) (*storage.Operator, error) {
	o, err := a.LookLink(ctx, storage.LinkReset, token)
	if err != nil {
		return nil, err
	}
	hash, err := a.newPassword(ctx, o, password)
	if err != nil {
		return nil, err
	}
	outcome, err := a.step(ctx, storage.ResetPassword{ID: o.ID, Link: token.Hash(), PasswordHash: hash, Throttle: a.accountKey(o.ID)}, func(outcome *storage.OperatorOutcome) news {
		return news{
			events: []audit.Event{{Type: audit.OperatorPasswordChanged, Actor: o.ID, Object: o.ID, Message: "reset"}},
			mails:  []message{a.changed(outcome.Operator, "password")},
		}
	})
	return operatorOr(outcome, err, ErrLink)
}

// ChangePassword sets another password in a session that was stepped up, and ends all others. It goes on under another token. It returns ErrRefused
// when the password of before is wrong, Problems, ErrNoSession, or storage.ErrStepUp.
func (a *Accounts) ChangePassword(ctx context.Context, s *Session, before, after secret.String, from From) (*Session, error) {
	o := s.Operator
	stored, err := a.verify(ctx, o, before, from)
	if err != nil {
		return nil, err
	}
	if before.Equal(after) {
		return nil, Problems{{"password", string(PasswordSame)}}
	}
	hash, err := a.newPassword(ctx, o, after)
	if err != nil {
		return nil, err
	}
	token, next := newToken(o.ID)
	outcome, err := a.step(ctx, storage.ChangePassword{ID: o.ID, Session: s.Hash, Next: next, Before: stored, After: hash, Throttle: a.accountKey(o.ID)}, func(outcome *storage.OperatorOutcome) news {
		return news{
			events: []audit.Event{{Type: audit.OperatorPasswordChanged, Actor: o.ID, Object: o.ID, Message: "changed", SourceAddress: from.address()}},
			mails:  []message{a.changed(outcome.Operator, "password")},
		}
	})
	if err != nil {
		return nil, noSession(err)
	}
	return &Session{Token: token, Operator: outcome.Operator, OperatorSession: *outcome.Session}, nil
}
