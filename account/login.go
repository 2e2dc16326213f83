package account

import (
	"context"
	"errors"
	"slices"
	"time"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// How attempts are slowed down. An account waits an hour at most, whoever tries; passkeys and BankID do not wait for it. An address has more
// tries, as many people may be behind one.
var (
	accountPolicy = storage.ThrottlePolicy{Free: 5, First: time.Minute, Longest: time.Hour, Forget: 24 * time.Hour}
	addressPolicy = storage.ThrottlePolicy{Free: 30, First: time.Minute, Longest: time.Hour, Forget: time.Hour}
	// mailPolicy bounds the mail that strangers can have sent to an account.
	mailPolicy = storage.ThrottlePolicy{Free: 3, First: 10 * time.Minute, Longest: 24 * time.Hour, Forget: 24 * time.Hour}
)

// How long sessions live: without being used, and in all.
const (
	sessionIdle = 30 * time.Minute
	sessionLife = 12 * time.Hour
)

// Session is a browser in which an operator is logged in.
type Session struct {
	// Token is the cookie, when it is another than before; empty otherwise.
	Token    secret.String
	Operator *storage.Operator
	storage.OperatorSession
}

// LogIn logs somebody in by user name or e-mail address, however it is spelled, and password. The session is pending when a second factor is to be
// shown: see SecondFactor. It returns ErrRefused, or a *WaitError when too much was tried from the address.
func (a *Accounts) LogIn(ctx context.Context, name string, password secret.String, from From) (*Session, error) {
	if err := a.countAddress(ctx, from); err != nil {
		return nil, err
	}
	handle := a.handle(name)
	o, err := a.store.OperatorOf(ctx, handle)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, err
	}
	account := a.mac("unknown account", string(handle[:]))
	var stored secret.String
	if o != nil {
		account = a.accountKey(o.ID)
		if o.State == storage.OperatorActive {
			stored = o.PasswordHash
		}
	}
	waits, err := a.countAccount(ctx, account, o, from)
	if err != nil {
		return nil, err
	}
	if waits {
		stored = secret.String{} // as much work as for everybody else
	}
	prepared, fault := preparePassword(password)
	if fault != "" {
		prepared = secret.New(string(fault))
		stored = secret.String{}
	}
	fits, weak, err := a.hasher.Verify(ctx, prepared, stored)
	if err != nil {
		return nil, err
	}
	if !fits {
		a.refuse(ctx, o, storage.MethodPassword, from)
		return nil, ErrRefused
	}
	if weak {
		stored = a.rehash(ctx, o.ID, prepared, stored)
	}
	return a.begin(ctx, o, storage.Proof{Method: storage.MethodPassword, Password: stored}, account, from)
}

func (a *Accounts) accountKey(operatorID string) storage.Hash { return a.mac("account", operatorID) }

// addressKey is what attempts from the address are counted under: its /64 for one of IPv6, of which a household has many. It is zero for none.
func (a *Accounts) addressKey(from From) storage.Hash {
	if !from.Address.IsValid() {
		return storage.Hash{}
	}
	address := from.Address.Unmap()
	bits := 64
	if address.Is4() {
		bits = 32
	}
	prefix, _ := address.WithZone("").Prefix(bits)
	return a.mac("address", prefix.String())
}

// countAddress counts an attempt from the address, or returns a *WaitError.
func (a *Accounts) countAddress(ctx context.Context, from From) error {
	key := a.addressKey(from)
	if key == (storage.Hash{}) {
		return nil
	}
	outcome, err := a.step(ctx, storage.CountAttempt{Keys: []storage.Hash{key}, Policies: []storage.ThrottlePolicy{addressPolicy}}, nil)
	if err != nil {
		return err
	}
	if !outcome.Until.IsZero() {
		return &WaitError{outcome.Until}
	}
	return nil
}

// countAccount counts an attempt on the account, and reports whether it has to wait. The operator, nil for nobody, is told when it has to from now on.
func (a *Accounts) countAccount(ctx context.Context, key storage.Hash, o *storage.Operator, from From) (waits bool, err error) {
	outcome, err := a.step(ctx, storage.CountAttempt{Keys: []storage.Hash{key}, Policies: []storage.ThrottlePolicy{accountPolicy}},
		func(outcome *storage.OperatorOutcome) (n news) {
			if len(outcome.Tripped) == 0 || o == nil {
				return n
			}
			n.events = []audit.Event{{Type: audit.OperatorLocked, Object: o.ID, SourceAddress: from.address()}}
			n.mails = []message{{kind: MailLocked, to: o, values: a.circumstances(from)}}
			return n
		})
	if err != nil {
		return false, err
	}
	return !outcome.Until.IsZero(), nil
}

// circumstances are what a notice says of when and where from something happened.
func (a *Accounts) circumstances(from From) map[string]secret.String {
	return map[string]secret.String{
		"time": secret.New(a.time().Format("2006-01-02 15:04 MST")), "address": secret.New(from.address()), "agent": secret.New(from.agent()),
	}
}

// refuse notes that somebody was refused. What was typed is written down nowhere.
func (a *Accounts) refuse(ctx context.Context, o *storage.Operator, method string, from From) {
	e := audit.Event{Type: audit.OperatorRefused, Message: method, SourceAddress: from.address()}
	if o != nil {
		e.Object = o.ID
	}
	a.audit.Record(ctx, e)
}

// rehash stores the password as more work, and returns the hash that is stored. Failing is no harm.
func (a *Accounts) rehash(ctx context.Context, id string, password, stored secret.String) secret.String {
	next, err := a.hasher.Hash(ctx, password)
	if err != nil {
		return stored
	}
	if _, err := a.step(ctx, storage.Rehash{ID: id, Before: stored, After: next}, nil); err != nil {
		return stored
	}
	return next
}

// begin begins a session of the operator by what was shown.
func (a *Accounts) begin(ctx context.Context, o *storage.Operator, proof storage.Proof, account storage.Hash, from From) (*Session, error) {
	token, hash := newToken(o.ID)
	now := a.time()
	step := storage.LogIn{
		ID: o.ID, Proof: proof, Account: account,
		Session: storage.OperatorSession{ID: storage.NewID(), Hash: hash, Address: from.address(), Agent: from.agent(), IdleLife: sessionIdle, Expires: now.Add(sessionLife)},
	}
	if account != (storage.Hash{}) { // else the attempt was not counted
		step.Address = a.addressKey(from)
	}
	known := slices.ContainsFunc(o.Sessions, func(s storage.OperatorSession) bool { return s.Address == from.address() && s.Agent == from.agent() }) ||
		o.LastLogin.Address == from.address() && o.LastLogin.Agent == from.agent()
	outcome, err := a.step(ctx, step, a.tellLogin(from, known))
	return a.loggedIn(ctx, o, token, outcome, err, proof.Method, from)
}

// tellLogin tells of a login that is whole, by mail too when it is from a browser or an address that was not seen before.
func (a *Accounts) tellLogin(from From, known bool) func(*storage.OperatorOutcome) news {
	return func(outcome *storage.OperatorOutcome) (n news) {
		if outcome.Session.Pending {
			return n
		}
		o := outcome.Operator
		n.events = []audit.Event{{Type: audit.OperatorLoggedIn, Actor: o.ID, Object: o.ID, Message: outcome.Session.SteppedBy, SourceAddress: from.address()}}
		if !known {
			n.mails = []message{{kind: MailNewLogin, to: o, values: a.circumstances(from)}}
		}
		return n
	}
}

// loggedIn returns the session of a login, or what its step's error means.
func (a *Accounts) loggedIn(ctx context.Context, o *storage.Operator, token secret.String, outcome *storage.OperatorOutcome, err error, method string, from From) (*Session, error) {
	if errors.Is(err, storage.ErrMismatch) || errors.Is(err, storage.ErrNotFound) {
		a.refuse(ctx, o, method, from)
		return nil, ErrRefused
	}
	if err != nil {
		return nil, err
	}
	return &Session{Token: token, Operator: outcome.Operator, OperatorSession: *outcome.Session}, nil
}

// LogInByBankID logs in the operator with that personal number, which a BankID login has proven just now; whoever calls it vouches for that. An
// owner has entered the number. It returns ErrRefused when nobody has it, or the account is not active. The session may do what its roles allow,
// but resets, confirms and enrols no other credential.
func (a *Accounts) LogInByBankID(ctx context.Context, identity storage.Identity, from From) (*Session, error) {
	person := a.personHandle(identity.PersonalNumber)
	o, err := a.store.OperatorOf(ctx, person)
	if errors.Is(err, storage.ErrNotFound) || identity.PersonalNumber.IsZero() {
		a.refuse(ctx, nil, storage.MethodBankID, from)
		return nil, ErrRefused
	}
	if err != nil {
		return nil, err
	}
	return a.begin(ctx, o, storage.Proof{Method: storage.MethodBankID, Person: person}, storage.Hash{}, from)
}

// StepUpByBankID proves anew who is in the session, as LogInByBankID does.
func (a *Accounts) StepUpByBankID(ctx context.Context, token secret.String, identity storage.Identity, from From) (*Session, error) {
	return a.raise(ctx, token, storage.Proof{Method: storage.MethodBankID, Person: a.personHandle(identity.PersonalNumber)}, storage.Hash{}, from)
}

// StepUpByPassword proves anew who is in the session. Where the operator has a second factor, that is to be shown too: see SecondFactor.
func (a *Accounts) StepUpByPassword(ctx context.Context, token, password secret.String, from From) (*Session, error) {
	s, err := a.Look(ctx, token)
	if err != nil {
		return nil, err
	}
	stored, err := a.verify(ctx, s.Operator, password, from)
	if err != nil {
		return nil, err
	}
	return a.raise(ctx, token, storage.Proof{Method: storage.MethodPassword, Password: stored}, a.accountKey(s.Operator.ID), from)
}

// verify returns the stored hash that the password of the operator fits, or ErrRefused. The attempt is counted.
func (a *Accounts) verify(ctx context.Context, o *storage.Operator, password secret.String, from From) (stored secret.String, err error) {
	waits, err := a.countAccount(ctx, a.accountKey(o.ID), o, from)
	if err != nil {
		return stored, err
	}
	prepared, fault := preparePassword(password)
	if fits, _, err := a.hasher.Verify(ctx, prepared, o.PasswordHash); err != nil {
		return stored, err
	} else if !fits || waits || fault != "" {
		a.refuse(ctx, o, storage.MethodPassword, from)
		return stored, ErrRefused
	}
	return o.PasswordHash, nil
}

// raise adds the proof to the session, which goes on under another token.
func (a *Accounts) raise(ctx context.Context, token secret.String, proof storage.Proof, account storage.Hash, from From) (*Session, error) {
	s, err := a.Look(ctx, token)
	if err != nil {
		return nil, err
	}
	next, hash := newToken(s.Operator.ID)
	step := storage.RaiseSession{ID: s.Operator.ID, Session: s.Hash, Next: hash, Proof: proof, Account: account}
	pending := s.Pending
	known := s.Operator.LastLogin.Address == from.address() && s.Operator.LastLogin.Agent == from.agent()
	outcome, err := a.step(ctx, step, func(outcome *storage.OperatorOutcome) news {
		if pending {
			return a.tellLogin(from, known)(outcome)
		}
		return news{events: []audit.Event{{Type: audit.OperatorSteppedUp, Actor: s.Operator.ID, Object: s.Operator.ID, Message: proof.Method, SourceAddress: from.address()}}}
	})
	return a.loggedIn(ctx, s.Operator, next, outcome, err, proof.Method, from)
}
