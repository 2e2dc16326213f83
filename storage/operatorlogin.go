package storage

import (
	"slices"
	"time"

	"brygga/secret"
)

// Proof is something by which somebody has shown who it is. Package account has compared it with the record; the step looks whether the record is still
// so, and notes what must not be shown twice.
type Proof struct {
	Method string
	// Password is the stored hash that the password fitted.
	Password secret.String
	// TOTPStep is the time step of the code.
	TOTPStep int64
	Recovery Hash
	// Passkey is the ID of the passkey, Counter and BackupState what its authenticator said.
	Passkey     []byte
	Counter     uint32
	BackupState bool
	Person      Hash
}

// Advance notes the use of the passkey. It returns ErrMismatch when the counter has not risen, which is how a copy of the key shows: zero for one that
// counts nothing (WebAuthn Level 3 §6.1.1).
func (p *Passkey) Advance(counter uint32, backupState bool, now time.Time) error {
	if (counter != 0 || p.Counter != 0) && counter <= p.Counter {
		return ErrMismatch
	}
	p.Counter, p.BackupState, p.Used = counter, backupState, now
	return nil
}

// prove notes the proof, or returns ErrMismatch when it proves nothing any more.
func (o *Operator) prove(p Proof, now time.Time) error {
	switch p.Method {
	case MethodPassword:
		if !o.PasswordHash.IsZero() && o.PasswordHash.Equal(p.Password) {
			return nil
		}
	case MethodTOTP:
		if !o.TOTP.Confirmed.IsZero() && p.TOTPStep > o.TOTP.Step {
			o.TOTP.Step = p.TOTPStep
			return nil
		}
	case MethodRecovery:
		for i := range o.Recovery {
			if c := &o.Recovery[i]; c.Hash == p.Recovery && c.Used.IsZero() {
				c.Used = now
				return nil
			}
		}
	case MethodPasskey:
		if key := o.Passkey(p.Passkey); key != nil {
			return key.Advance(p.Counter, p.BackupState, now)
		}
	case MethodBankID:
		if p.Person != (Hash{}) && p.Person == o.PersonHandle {
			return nil
		}
	}
	return ErrMismatch
}

// enough reports whether what was shown logs the operator in: a passkey, whose authenticator has verified the person, or BankID; a password does
// with a second factor, or alone where the operator has none.
func (o *Operator) enough(methods []string) bool {
	has := func(method string) bool { return slices.Contains(methods, method) }
	if has(MethodPasskey) || has(MethodBankID) {
		return true
	}
	return has(MethodPassword) && (!o.HasSecondFactor() || has(MethodTOTP) || has(MethodRecovery))
}

// LogIn begins the session, which is pending when the proof is not enough, and notes the login. Counts of attempts are settled: of a whole login, the account's
// begins anew; of half of one, and of the address, this attempt is no failure. It returns ErrMismatch when the proof fits no more,
// and ErrNotFound when the account is not active.
type LogIn struct {
	ID      string
	Proof   Proof
	Session OperatorSession
	// Account and Address are the keys under which the attempt was counted, zero for one that was not.
	Account, Address Hash
}

func (s LogIn) take(a *accounts) error {
	whole := false
	err := a.change(s.ID, func(o *Operator) error {
		if o.State != OperatorActive || !startsLogin(s.Proof.Method) {
			return ErrNotFound
		}
		if err := o.prove(s.Proof, a.now); err != nil {
			return err
		}
		session := s.Session
		session.Methods, session.Created, session.Used = []string{s.Proof.Method}, a.now, a.now
		whole = o.enough(session.Methods)
		o.settle(&session, whole, s.Proof.Method, a.now)
		o.addSession(session)
		a.outcome.Session = &o.Sessions[len(o.Sessions)-1]
		return nil
	})
	if err != nil {
		return err
	}
	return a.settleCounts(s.Account, s.Address, whole)
}

// startsLogin reports whether a login can begin with the method.
func startsLogin(method string) bool {
	return method == MethodPassword || method == MethodPasskey || method == MethodBankID
}

// settle notes in the session what was just shown.
func (o *Operator) settle(s *OperatorSession, whole bool, method string, now time.Time) {
	s.Pending = !whole
	if !whole {
		return
	}
	s.SteppedUp, s.SteppedBy = now, method
	o.LoginBefore = o.LastLogin
	o.LastLogin = LoginTrace{At: now, Address: s.Address, Agent: s.Agent, Method: method}
}

func (o *Operator) addSession(s OperatorSession) {
	for len(o.Sessions) >= MaxOperatorSessions {
		oldest := 0
		for i := range o.Sessions {
			if o.Sessions[i].Used.Before(o.Sessions[oldest].Used) {
				oldest = i
			}
		}
		o.Sessions = slices.Delete(o.Sessions, oldest, oldest+1)
	}
	o.Sessions = append(o.Sessions, s)
}

// RaiseSession adds a proof to a session: the second factor to a pending one, or what steps it up. The session goes on under another cookie, Next. A password, a
// passkey and BankID step up alone, where a login by them would be whole; so does a second factor in a session in which the password
// was shown. Errors are those of LogIn, and ErrNotFound when the session is over.
type RaiseSession struct {
	ID               string
	Session, Next    Hash
	Proof            Proof
	Account, Address Hash
}

func (s RaiseSession) take(a *accounts) error {
	whole := false
	err := a.change(s.ID, func(o *Operator) error {
		session := o.Session(s.Session, a.now)
		if session == nil || o.State != OperatorActive {
			return ErrNotFound
		}
		if err := o.prove(s.Proof, a.now); err != nil {
			return err
		}
		if !slices.Contains(session.Methods, s.Proof.Method) {
			session.Methods = append(session.Methods, s.Proof.Method)
		}
		pending := session.Pending
		if whole = o.enough(session.shown(s.Proof.Method)); whole || pending {
			o.settleRaised(session, whole, s.Proof.Method, a.now)
		}
		session.Hash, session.Used = s.Next, a.now
		a.outcome.Session = session
		return nil
	})
	if err != nil {
		return err
	}
	return a.settleCounts(s.Account, s.Address, whole)
}

// shown returns what counts together with the method: of a second factor, what it is the second of. A login by BankID or by a passkey does not make
// a proof of it that it is not.
func (s *OperatorSession) shown(method string) (methods []string) {
	if method != MethodTOTP && method != MethodRecovery {
		return []string{method}
	}
	for _, m := range s.Methods {
		if m == MethodPassword || m == method {
			methods = append(methods, m)
		}
	}
	return methods
}

// settleRaised is settle for a session that was there already: only the end of a login is one.
func (o *Operator) settleRaised(s *OperatorSession, whole bool, method string, now time.Time) {
	if s.Pending {
		o.settle(s, whole, method, now)
		return
	}
	s.SteppedUp, s.SteppedBy = now, method
}

// UseSession notes that the session was used. It returns ErrNotFound when it is over, or its operator is not active.
type UseSession struct {
	ID      string
	Session Hash
}

func (s UseSession) take(a *accounts) error {
	return a.change(s.ID, func(o *Operator) error {
		session := o.Session(s.Session, a.now)
		if session == nil || o.State != OperatorActive {
			return ErrNotFound
		}
		session.Used = a.now
		a.outcome.Session = session
		return nil
	})
}

// EndSessions ends the session of that ID, or all but it. Ended says how many. None is no error.
type EndSessions struct {
	ID      string
	Session string // ID of the session, not its hash
	Others  bool
	// By is who ends sessions of another; the operator itself needs no right to end its own.
	By OperatorActor
}

func (s EndSessions) take(a *accounts) error {
	if err := a.allow(s.By); err != nil {
		return err
	}
	return a.change(s.ID, func(o *Operator) error {
		if err := s.By.spares(o); err != nil {
			return err
		}
		o.Sessions = slices.DeleteFunc(o.Sessions, func(session OperatorSession) bool { return (session.ID == s.Session) != s.Others })
		return nil
	})
}

// ThrottlePolicy says how attempts under one key are slowed down.
type ThrottlePolicy struct {
	// Free is how many may fail before the next has to wait.
	Free int
	// First is how long the first wait is; each further failure doubles it, up to Longest.
	First, Longest time.Duration
	// Forget is after how long without a failure the count begins anew.
	Forget time.Duration
}

// CountAttempt counts an attempt to log in before it is looked at, as if it had failed: of concurrent attempts no more get through than may fail. One that is
// not let through, as some key has to wait, is not counted, so that nobody's wait is ever longer than Longest: Outcome.Until says when it ends. What
// succeeds is settled by LogIn and RaiseSession.
type CountAttempt struct {
	Keys     []Hash
	Policies []ThrottlePolicy // one for each key
}

func (s CountAttempt) take(a *accounts) error {
	counts := make([]Throttle, len(s.Keys))
	for i, key := range s.Keys {
		t, err := a.rows.Throttle(key)
		if err != nil {
			return err
		}
		if !a.now.Before(t.Expires) {
			t = Throttle{Key: key}
		}
		if a.now.Before(t.Until) && a.outcome.Until.Before(t.Until) {
			a.outcome.Until = t.Until
		}
		counts[i] = t
	}
	if !a.outcome.Until.IsZero() {
		return nil
	}
	for i, t := range counts {
		if t.count(s.Policies[i], a.now) {
			a.outcome.Tripped = append(a.outcome.Tripped, t.Key)
		}
		if err := a.rows.PutThrottle(t); err != nil {
			return err
		}
	}
	return nil
}

// count counts a failure and reports whether it is the first that makes the next wait.
func (t *Throttle) count(p ThrottlePolicy, now time.Time) (tripped bool) {
	t.Failures++
	t.Expires = now.Add(p.Forget)
	over := t.Failures - p.Free
	if over < 0 {
		return false
	}
	wait := p.Longest
	if over < 30 && p.First<<over < p.Longest {
		wait = p.First << over
	}
	t.Until = now.Add(wait)
	return over == 0
}

// settleCounts takes back that the attempt was counted as a failure.
func (a *accounts) settleCounts(account, address Hash, whole bool) error {
	if whole && account != (Hash{}) {
		if err := a.rows.PutThrottle(Throttle{Key: account}); err != nil {
			return err
		}
		account = Hash{}
	}
	for _, key := range []Hash{account, address} {
		if key == (Hash{}) {
			continue
		}
		t, err := a.rows.Throttle(key)
		if err != nil {
			return err
		}
		if t.Failures == 0 {
			continue
		}
		t.Failures--
		t.Until = time.Time{}
		if err := a.rows.PutThrottle(t); err != nil {
			return err
		}
	}
	return nil
}

// ClearThrottle lets the next attempt through, as somebody with the right to it said so.
type ClearThrottle struct {
	Key Hash
	By  OperatorActor
}

func (s ClearThrottle) take(a *accounts) error {
	if err := a.allow(s.By); err != nil {
		return err
	}
	return a.rows.PutThrottle(Throttle{Key: s.Key})
}
