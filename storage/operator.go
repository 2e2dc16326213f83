package storage

import (
	"encoding/base64"
	"slices"
	"time"

	"brygga/secret"
)

// Role says what an operator may do.
type Role string

// The roles, from the most powerful on.
const (
	RoleOwner    Role = "owner"    // everything, operators included
	RoleAdmin    Role = "admin"    // clients and keys
	RoleHelpdesk Role = "helpdesk" // finds logins
	RoleAuditor  Role = "auditor"  // reads and exports the audit log
)

// OperatorState is where an account stands.
type OperatorState string

// The states of an account.
const (
	OperatorInvited  OperatorState = "invited"  // has a link and nothing to log in with
	OperatorActive   OperatorState = "active"   // may log in
	OperatorDisabled OperatorState = "disabled" // may not, until somebody enables it
)

// Hash is a SHA-256 or a keyed MAC of that length, written in base64url.
type Hash [32]byte

// MarshalText returns the hash in base64url.
func (h Hash) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, h[:]), nil
}

// UnmarshalText reads what MarshalText has written.
func (h *Hash) UnmarshalText(text []byte) error {
	_, err := base64.RawURLEncoding.Decode(h[:], text[:min(len(text), base64.RawURLEncoding.EncodedLen(len(h)))])
	return err
}

// Operator is the account of somebody who looks after the installation, with all that it is logged in by and where: one record, so that what
// ends with a password or an account ends in the same step. It is sealed whole.
type Operator struct {
	// ID is random. It names the operator in the audit log and to the authenticators of passkeys.
	ID string
	// Revision is raised by every step.
	Revision uint64
	UserName secret.String `json:"-"`
	Email    secret.String `json:"-"`
	Name     secret.String `json:"-"` // as it is displayed
	// NameHandle and EmailHandle stand for the user name and the e-mail address however they are spelled, PersonHandle for the personal number
	// that the operator may log in with; zero for none. They are keyed MACs, and no two operators share one, whichever it is of either. The
	// number itself is not stored.
	NameHandle, EmailHandle, PersonHandle Hash
	Language                              string
	Roles                                 []Role
	// AllClients lets an admin at every client, else at those of Groups alone.
	AllClients bool
	Groups     []string
	State      OperatorState
	Created    time.Time
	// EmailConfirmed is when a link that was sent to the address came back. Without it, nothing that could be logged in with is sent there.
	EmailConfirmed time.Time
	// LastLogin is when, from where and how the operator has logged in last.
	LastLogin LoginTrace
	// LoginBefore is the login before that: it is shown to the operator, who knows whether it was its own.
	LoginBefore LoginTrace `json:",omitzero"`

	// PasswordHash is what package account made of the password, empty for none.
	PasswordHash secret.String `json:"-"`
	PasswordSet  time.Time
	TOTP         TOTP
	Recovery     []RecoveryCode
	Passkeys     []Passkey

	Links    []OperatorLink
	Sessions []OperatorSession
}

// LoginTrace is when, from where and how somebody has logged in.
type LoginTrace struct {
	At            time.Time
	Address       string
	Agent, Method string
}

// TOTP is the secret that an authenticator app shares with us (RFC 6238).
type TOTP struct {
	Secret secret.String `json:"-"`
	// Confirmed is when the app has shown a first code; a secret without one proves nothing yet.
	Confirmed time.Time
	// Step is the time step of the last code that was taken. That code, and any before, is not taken again (RFC 6238 §5.2).
	Step int64
}

// RecoveryCode stands in for a second factor, once.
type RecoveryCode struct {
	Hash Hash
	Used time.Time
}

// Passkey is a WebAuthn credential.
type Passkey struct {
	ID        []byte
	PublicKey []byte // COSE
	Label     string
	AAGUID    []byte
	Transport []string
	// Counter is the authenticator's, as of its last use; see Passkey.Advance.
	Counter                     uint32
	BackupEligible, BackupState bool
	Created, Used               time.Time
}

// Purpose is what a link is for. It is good for nothing else.
type Purpose string

// The purposes of links.
const (
	LinkBootstrap   Purpose = "bootstrap"    // was printed on the server: makes the account active
	LinkInvite      Purpose = "invite"       // was sent to the address: makes the account active and confirms the address
	LinkConfirm     Purpose = "confirm"      // confirms the address
	LinkEmailChange Purpose = "email-change" // was sent to another address, which it puts in the place of the one of before
	LinkReset       Purpose = "reset"        // sets another password
)

// OperatorLink is a link that works once. Another of the same purpose takes its place.
type OperatorLink struct {
	Hash    Hash // of the token
	Purpose Purpose
	// Email and EmailHandle are the address that a LinkEmailChange was sent to.
	Email       secret.String `json:"-"`
	EmailHandle Hash
	Expires     time.Time
}

// What an operator may have proven itself by.
const (
	MethodPassword = "password"
	MethodTOTP     = "totp"
	MethodRecovery = "recovery"
	MethodPasskey  = "passkey"
	MethodBankID   = "bankid"
)

// OperatorSession is a browser in which an operator is logged in, or half so.
type OperatorSession struct {
	ID string
	// Hash is the SHA-256 of the cookie. Another takes its place whenever the session gains rights.
	Hash Hash
	// Pending says that a second factor is still to be shown: until then the session is good for nothing else.
	Pending bool
	Methods []string
	Created time.Time
	Used    time.Time
	Address string
	Agent   string
	// SteppedUp is when the operator has last proven anew who it is, SteppedBy how.
	SteppedUp time.Time
	SteppedBy string
	IdleLife  time.Duration
	Expires   time.Time
}

// StepUpLife is how long after a proof a session may do what is dangerous.
const StepUpLife = 10 * time.Minute

// PendingLife is how long a session waits for the second factor.
const PendingLife = 10 * time.Minute

// MaxOperatorSessions is in how many browsers an operator can be logged in. Another login ends the one that was used longest ago.
const MaxOperatorSessions = 20

// Ends returns when the session ends unless it is used again.
func (s *OperatorSession) Ends() time.Time {
	ends := s.Expires
	if idle := s.Used.Add(s.IdleLife); idle.Before(ends) {
		ends = idle
	}
	if pending := s.Created.Add(PendingLife); s.Pending && pending.Before(ends) {
		ends = pending
	}
	return ends
}

// Live reports whether the session is not over at now. One that is pending lives, too.
func (s *OperatorSession) Live(now time.Time) bool { return now.Before(s.Ends()) }

// SteppedUpAt reports whether the session may do at now what is dangerous.
func (s *OperatorSession) SteppedUpAt(now time.Time) bool {
	return !s.Pending && s.Live(now) && now.Before(s.SteppedUp.Add(StepUpLife))
}

// Handles returns the handles that lead to the operator.
func (o *Operator) Handles() (all []Hash) {
	for _, h := range []Hash{o.NameHandle, o.EmailHandle, o.PersonHandle} {
		if h != (Hash{}) && !slices.Contains(all, h) {
			all = append(all, h)
		}
	}
	return all
}

// Has reports whether the operator has the role.
func (o *Operator) Has(role Role) bool { return slices.Contains(o.Roles, role) }

// WaysIn counts what the operator could log in with alone: a password, passkeys and a personal number.
func (o *Operator) WaysIn() int {
	n := len(o.Passkeys)
	if !o.PasswordHash.IsZero() {
		n++
	}
	if o.PersonHandle != (Hash{}) {
		n++
	}
	return n
}

// HasSecondFactor reports whether a password alone does not log the operator in.
func (o *Operator) HasSecondFactor() bool { return !o.TOTP.Confirmed.IsZero() || len(o.Passkeys) > 0 }

// holdsKeys reports whether the installation would not be without an owner if this were the only operator.
func (o *Operator) holdsKeys() bool {
	return o.State == OperatorActive && o.Has(RoleOwner) && o.WaysIn() > 0
}

// Session returns the session with that hash of its cookie, nil when there is none or it is over.
func (o *Operator) Session(hash Hash, now time.Time) *OperatorSession {
	for i := range o.Sessions {
		if s := &o.Sessions[i]; s.Hash == hash && s.Live(now) {
			return s
		}
	}
	return nil
}

// Link returns the link with that hash and purpose, nil when there is none or it has expired.
func (o *Operator) Link(hash Hash, purpose Purpose, now time.Time) *OperatorLink {
	for i := range o.Links {
		if l := &o.Links[i]; l.Hash == hash && l.Purpose == purpose && now.Before(l.Expires) {
			return l
		}
	}
	return nil
}

// Passkey returns the passkey of that ID, nil when there is none.
func (o *Operator) Passkey(id []byte) *Passkey {
	for i := range o.Passkeys {
		if slices.Equal(o.Passkeys[i].ID, id) {
			return &o.Passkeys[i]
		}
	}
	return nil
}

// Restored ends what would come back to life in a store that was restored to an earlier point: sessions, links, and recovery codes, which may have
// been used since. Codes of an authenticator app from before now are not taken.
func (o *Operator) Restored(now time.Time) {
	o.Sessions, o.Links, o.Recovery = nil, nil, nil
	o.TOTP.Step = max(o.TOTP.Step, now.Unix()/int64(TOTPPeriod/time.Second))
	o.Revision++
}

// TOTPPeriod is how long a code of an authenticator app lasts (RFC 6238 §4.1: X).
const TOTPPeriod = 30 * time.Second

// Throttle counts attempts that failed, on an account or from an address.
type Throttle struct {
	Key      Hash // a keyed MAC of what is counted
	Failures int
	// Until is when the next attempt is let through.
	Until   time.Time
	Expires time.Time
}

// Mail is a message on its way. It is sealed, as it may hold a link that works, and kept until it was handed over or has expired.
type Mail struct {
	ID string
	// Kind names the text, Language its language.
	Kind, Language string
	To             secret.String `json:"-"`
	// Values are what the text says of this case, by name.
	Values  map[string]secret.String `json:"-"`
	Created time.Time
	// Due is when the next attempt is to be made, Attempts how many were made.
	Due      time.Time
	Attempts int
	Expires  time.Time
}
