package storage

import (
	"bytes"
	"slices"

	"brygga/secret"
)

// ownStep is a step in which an operator changes what it logs in by, in a session as ChangePassword demands.
func (a *accounts) ownStep(id string, session Hash, change func(*Operator) error) error {
	return a.change(id, func(o *Operator) error {
		s, err := o.own(session, a.now)
		if err != nil {
			return err
		}
		a.outcome.Session = s
		if err := change(o); err != nil {
			return err
		}
		if o.WaysIn() == 0 {
			return ErrLastWayIn
		}
		return nil
	})
}

// BeginTOTP notes the secret of an authenticator app, which proves nothing until ConfirmTOTP. It returns ErrExists when one is confirmed.
type BeginTOTP struct {
	ID      string
	Session Hash
	Secret  secret.String
}

func (s BeginTOTP) take(a *accounts) error {
	return a.ownStep(s.ID, s.Session, func(o *Operator) error {
		if !o.TOTP.Confirmed.IsZero() {
			return ErrExists
		}
		o.TOTP = TOTP{Secret: s.Secret}
		return nil
	})
}

// ConfirmTOTP makes the app a second factor, as it has shown the code of that time step, with recovery codes in place of those of before. It returns
// ErrConflict when the secret is another by now, or confirmed.
type ConfirmTOTP struct {
	ID       string
	Session  Hash
	Secret   secret.String
	Step     int64
	Recovery []Hash
}

func (s ConfirmTOTP) take(a *accounts) error {
	return a.ownStep(s.ID, s.Session, func(o *Operator) error {
		if !o.TOTP.Confirmed.IsZero() || o.TOTP.Secret.IsZero() || !o.TOTP.Secret.Equal(s.Secret) {
			return ErrConflict
		}
		o.TOTP.Confirmed, o.TOTP.Step = a.now, s.Step
		o.setRecovery(s.Recovery)
		return nil
	})
}

// RemoveTOTP takes the authenticator app away; with the last second factor the recovery codes go.
type RemoveTOTP struct {
	ID      string
	Session Hash
}

func (s RemoveTOTP) take(a *accounts) error {
	return a.ownStep(s.ID, s.Session, func(o *Operator) error {
		if o.TOTP.Secret.IsZero() {
			return ErrNotFound
		}
		o.TOTP = TOTP{}
		if !o.HasSecondFactor() {
			o.Recovery = nil
		}
		return nil
	})
}

// SetRecovery puts other recovery codes in the place of those of before. It returns ErrConflict without a second factor.
type SetRecovery struct {
	ID      string
	Session Hash
	Codes   []Hash
}

func (s SetRecovery) take(a *accounts) error {
	return a.ownStep(s.ID, s.Session, func(o *Operator) error {
		if !o.HasSecondFactor() {
			return ErrConflict
		}
		o.setRecovery(s.Codes)
		return nil
	})
}

func (o *Operator) setRecovery(codes []Hash) {
	o.Recovery = make([]RecoveryCode, len(codes))
	for i, code := range codes {
		o.Recovery[i].Hash = code
	}
}

// AddPasskey adds a passkey, with recovery codes when it is the first second factor. It returns ErrExists when the operator has it, and ErrConflict when
// it has MaxPasskeys.
type AddPasskey struct {
	ID       string
	Session  Hash
	Passkey  Passkey
	Recovery []Hash
}

// MaxPasskeys is how many passkeys an operator can have.
const MaxPasskeys = 20

func (s AddPasskey) take(a *accounts) error {
	return a.ownStep(s.ID, s.Session, func(o *Operator) error {
		switch {
		case o.Passkey(s.Passkey.ID) != nil:
			return ErrExists
		case len(o.Passkeys) >= MaxPasskeys:
			return ErrConflict
		}
		if !o.HasSecondFactor() {
			o.setRecovery(s.Recovery)
		}
		key := s.Passkey
		key.Created = a.now
		o.Passkeys = append(o.Passkeys, key)
		return nil
	})
}

// RemovePasskey takes a passkey away, or returns ErrNotFound; the last way to log in is ErrLastWayIn.
type RemovePasskey struct {
	ID      string
	Session Hash
	Passkey []byte
}

func (s RemovePasskey) take(a *accounts) error {
	return a.ownStep(s.ID, s.Session, func(o *Operator) error {
		n := len(o.Passkeys)
		o.Passkeys = slices.DeleteFunc(o.Passkeys, func(p Passkey) bool { return bytes.Equal(p.ID, s.Passkey) })
		if len(o.Passkeys) == n {
			return ErrNotFound
		}
		if !o.HasSecondFactor() {
			o.Recovery = nil
		}
		return nil
	})
}
