package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// An authenticator app is one of RFC 6238 with the settings that all apps know: SHA-1, six digits, thirty seconds.
const (
	totpDigits = 6
	totpBytes  = 20 // of the secret (RFC 4226 §4, R6)
	// totpSkew is how many steps an app's clock may be off, either way (RFC 6238 §5.2).
	totpSkew = 1
)

var base32Text = base32.StdEncoding.WithPadding(base32.NoPadding)

// totpCode returns the code of the time step (RFC 4226 §5.3).
func totpCode(key []byte, step int64) string {
	mac := hmac.New(sha1.New, key)
	binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	number := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, number%1_000_000)
}

// totpStep returns the time step of the code, at most totpSkew away from now; ok is false when it is none.
func totpStep(text secret.String, code string, now time.Time) (step int64, ok bool) {
	key, err := base32Text.DecodeString(text.Reveal())
	if err != nil || len(key) == 0 || len(code) != totpDigits {
		return 0, false
	}
	current := now.Unix() / int64(storage.TOTPPeriod/time.Second)
	for at := current - totpSkew; at <= current+totpSkew; at++ {
		if subtle.ConstantTimeCompare([]byte(totpCode(key, at)), []byte(code)) == 1 {
			step, ok = at, true
		}
	}
	return step, ok
}

// typedCode returns a code as it is compared: people type spaces and dashes as they read them.
func typedCode(code string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -\u00a0", r) {
			return -1
		}
		return r
	}, strings.ToUpper(code[:min(len(code), 100)]))
}

// Authenticator is the secret that an authenticator app is to be given, as text to type and as an address to scan.
type Authenticator struct{ Secret, Address secret.String }

// BeginTOTP returns a new secret for an authenticator app, in a session that was stepped up. It counts when ConfirmTOTP has seen a code. It returns
// storage.ErrExists when an app is there already, ErrNoSession, or storage.ErrStepUp.
func (a *Accounts) BeginTOTP(ctx context.Context, s *Session) (Authenticator, error) {
	key := make([]byte, totpBytes)
	rand.Read(key)
	text := secret.New(base32Text.EncodeToString(key))
	if _, err := a.step(ctx, storage.BeginTOTP{ID: s.Operator.ID, Session: s.Hash, Secret: text}, nil); err != nil {
		return Authenticator{}, noSession(err)
	}
	return authenticatorOf(s.Operator, text), nil
}

// PendingTOTP returns what BeginTOTP has returned, while ConfirmTOTP has not seen a code: for a page that is shown again. It is empty when there is none.
func (a *Accounts) PendingTOTP(s *Session) Authenticator {
	if s.Operator.TOTP.Secret.IsZero() || !s.Operator.TOTP.Confirmed.IsZero() || a.mayEnrol(s) != nil {
		return Authenticator{}
	}
	return authenticatorOf(s.Operator, s.Operator.TOTP.Secret)
}

func authenticatorOf(o *storage.Operator, text secret.String) Authenticator {
	label := url.PathEscape("Brygga:" + o.UserName.Reveal())
	return Authenticator{text, secret.New("otpauth://totp/" + label + "?secret=" + text.Reveal() + "&issuer=Brygga")}
}

// ConfirmTOTP makes the app a second factor, as it shows the code, and returns new recovery codes, which are shown this once. It returns ErrRefused for
// a wrong code.
func (a *Accounts) ConfirmTOTP(ctx context.Context, s *Session, code string) ([]secret.String, error) {
	o, err := a.store.Operator(ctx, s.Operator.ID)
	if err != nil {
		return nil, noSession(err)
	}
	step, ok := totpStep(o.TOTP.Secret, typedCode(code), a.time())
	if !ok {
		return nil, ErrRefused
	}
	codes, hashes := a.recoveryCodes(o.ID)
	_, err = a.step(ctx, storage.ConfirmTOTP{ID: o.ID, Session: s.Hash, Secret: o.TOTP.Secret, Step: step, Recovery: hashes}, a.tellCredential(audit.OperatorCredentialAdded, storage.MethodTOTP))
	if err != nil {
		return nil, noSession(err)
	}
	return codes, nil
}

// tellCredential tells of a credential that an operator has added or removed, by mail too.
func (a *Accounts) tellCredential(t audit.Type, method string) func(*storage.OperatorOutcome) news {
	return func(outcome *storage.OperatorOutcome) news {
		o := outcome.Operator
		return news{
			events: []audit.Event{{Type: t, Actor: o.ID, Object: o.ID, Message: method, SourceAddress: outcome.Session.Address}},
			mails:  []message{a.changed(o, method)},
		}
	}
}

// RemoveTOTP takes the authenticator app away, in a session that was stepped up.
func (a *Accounts) RemoveTOTP(ctx context.Context, s *Session) error {
	_, err := a.step(ctx, storage.RemoveTOTP{ID: s.Operator.ID, Session: s.Hash}, a.tellCredential(audit.OperatorCredentialRemoved, storage.MethodTOTP))
	return noSession(err)
}

const (
	recoveryCodes = 10
	recoveryBytes = 10 // 80 bits: nobody guesses one, so that a plain hash keeps it
)

// recoveryCodes returns new codes, as they are shown and as they are stored.
func (a *Accounts) recoveryCodes(operatorID string) (codes []secret.String, hashes []storage.Hash) {
	for range recoveryCodes {
		random := make([]byte, recoveryBytes)
		rand.Read(random)
		text := base32Text.EncodeToString(random)
		codes = append(codes, secret.New(text[:4]+"-"+text[4:8]+"-"+text[8:12]+"-"+text[12:]))
		hashes = append(hashes, a.mac("recovery", operatorID, text))
	}
	return codes, hashes
}

// NewRecoveryCodes puts other recovery codes in the place of those of before, in a session that was stepped up.
func (a *Accounts) NewRecoveryCodes(ctx context.Context, s *Session) ([]secret.String, error) {
	codes, hashes := a.recoveryCodes(s.Operator.ID)
	_, err := a.step(ctx, storage.SetRecovery{ID: s.Operator.ID, Session: s.Hash, Codes: hashes}, a.tellCredential(audit.OperatorCredentialAdded, storage.MethodRecovery))
	if err != nil {
		return nil, noSession(err)
	}
	return codes, nil
}

// SecondFactor adds the code of an authenticator app, or a recovery code, to the session: it makes a pending one whole, and steps up one in which the password
// was shown. It goes on under another token. It returns ErrRefused, also while the account has to wait, and ErrNoSession.
func (a *Accounts) SecondFactor(ctx context.Context, token secret.String, code string, from From) (*Session, error) {
	s, err := a.Look(ctx, token)
	if err != nil {
		return nil, err
	}
	account := a.accountKey(s.Operator.ID)
	waits, err := a.countAccount(ctx, account, s.Operator, from)
	if err != nil {
		return nil, err
	}
	proof, ok := a.codeProof(s.Operator, typedCode(code))
	if waits || !ok {
		a.refuse(ctx, s.Operator, proof.Method, from)
		return nil, ErrRefused
	}
	return a.raise(ctx, token, proof, account, from)
}

func (a *Accounts) codeProof(o *storage.Operator, code string) (proof storage.Proof, ok bool) {
	if len(code) != totpDigits {
		return storage.Proof{Method: storage.MethodRecovery, Recovery: a.mac("recovery", o.ID, code)}, true // the step looks whether there is such a one
	}
	step, ok := totpStep(o.TOTP.Secret, code, a.time())
	return storage.Proof{Method: storage.MethodTOTP, TOTPStep: step}, ok
}
