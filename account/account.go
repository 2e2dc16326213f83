// Package account owns the accounts of operators: who may look after the installation, how they are invited, log in and prove again who they are,
// and what an owner can change.
//
// It holds every rule that stands outside a single step; what must not be torn is a step of package storage, with its rule there. Command line, API
// and console are faces of it and have none of their own. It must not know HTTP, HTML or how mail is sent. It leaves out one check: whether a
// browser asked for something of its own will (CSRF) is for those who know the browser.
//
// Answers are the same whether or not an account exists: who asks with a name learns nothing from what comes back, nor from the work that was
// done. Tokens of sessions and links name their operator, and are stored as hashes only.
package account

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

// Errors that callers branch on, beside those of package storage's steps.
var (
	// ErrRefused means that somebody has not proven who it is: no such name, a wrong password, an account that is not active or has to wait. Which of
	// these it was is nobody's business.
	ErrRefused = errors.New("account: refused")
	// ErrLink means that a link does not work: it was used, is too old, or was never given.
	ErrLink = errors.New("account: the link does not work")
	// ErrNoMail means that a link was to be sent where no mail is.
	ErrNoMail = errors.New("account: no mail is sent")
	// ErrNoSession means that nobody is logged in by that token.
	ErrNoSession = errors.New("account: no session")
)

// WaitError means that too much was asked from one address.
type WaitError struct{ Until time.Time }

// Error says until when to wait.
func (e *WaitError) Error() string {
	return "account: too many attempts; wait until " + e.Until.UTC().Format(time.RFC3339)
}

// Store keeps the accounts, and remembers which challenges were answered.
type Store interface {
	storage.Operators
	storage.Replays
}

// Options are the parts of Accounts. Store, Audit and Key are required.
type Options struct {
	Store Store
	Audit *audit.Log
	// Key makes the handles of names and personal numbers: at least 32 bytes, the same for ever.
	Key []byte
	// Console is the address of the console, without a slash at its end, to which links lead.
	Console string
	// Hasher hashes passwords; nil means NewHasher(0).
	Hasher *Hasher
	// Mail says that mail is sent: without it, none is put in the queue.
	Mail bool
	// Relying is the domain name that passkeys are made for, empty for that of Console.
	Relying string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Accounts are the accounts of an installation. Its methods may be called concurrently.
type Accounts struct {
	store   Store
	audit   *audit.Log
	key     []byte
	console string
	hasher  *Hasher
	mail    bool
	relying string
	now     func() time.Time
}

// New returns Accounts over the options, or an error that names the option that cannot be used.
func New(o Options) (*Accounts, error) {
	switch {
	case o.Store == nil || o.Audit == nil:
		return nil, errors.New("account: no store or audit log")
	case len(o.Key) < 32:
		return nil, errors.New("account: the key has fewer than 32 bytes")
	}
	a := &Accounts{store: o.Store, audit: o.Audit, key: o.Key, console: strings.TrimSuffix(o.Console, "/"), hasher: o.Hasher, mail: o.Mail, relying: o.Relying, now: o.Now}
	if a.hasher == nil {
		a.hasher = NewHasher(0)
	}
	if a.now == nil {
		a.now = time.Now
	}
	return a, nil
}

// From is where somebody asks from.
type From struct {
	Address netip.Addr
	Agent   string // of the browser, as it says
}

// maxAgent is how many bytes of a browser's name are kept.
const maxAgent = 200

func (f From) agent() string {
	return strings.ToValidUTF8(f.Agent[:min(len(f.Agent), maxAgent)], "")
}

// address is the address as it is written down, empty for none.
func (f From) address() string {
	if !f.Address.IsValid() {
		return ""
	}
	return f.Address.Unmap().String()
}

// time returns the time in the microseconds that are stored.
func (a *Accounts) time() time.Time { return a.now().UTC().Truncate(time.Microsecond) }

// mac returns what stands for the parts: nobody without the key can make it, or guess what it stands for.
func (a *Accounts) mac(kind string, parts ...string) (h storage.Hash) {
	mac := hmac.New(sha256.New, a.key)
	fmt.Fprintf(mac, "%s\x00", kind)
	for _, part := range parts {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	mac.Sum(h[:0])
	return h
}

// newToken returns a token that names the operator and holds 256 random bits, and the hash that is stored of it.
func newToken(operatorID string) (secret.String, storage.Hash) {
	random := make([]byte, 32)
	rand.Read(random)
	token := secret.New(operatorID + "." + base64.RawURLEncoding.EncodeToString(random))
	return token, token.Hash()
}

// parseToken returns the operator that the token names, empty for none, and its hash.
func parseToken(token secret.String) (operatorID string, hash storage.Hash) {
	id, _, found := strings.Cut(token.Reveal(), ".")
	if !found || len(token.Reveal()) > maxToken {
		return "", storage.Hash{}
	}
	return id, token.Hash()
}

const maxToken = 256

// news are what is told of a step.
type news struct {
	events []audit.Event
	mails  []message
}

// step takes a step of the store with what is told of its outcome.
func (a *Accounts) step(ctx context.Context, step storage.OperatorStep, tell func(*storage.OperatorOutcome) news) (*storage.OperatorOutcome, error) {
	told := func(context.Context) {}
	var teller storage.TellOperator
	if tell != nil {
		teller = func(outcome *storage.OperatorOutcome) storage.OperatorNews {
			n := tell(outcome)
			var records []storage.AuditEvent
			records, told = a.audit.Of(n.events...)
			return storage.OperatorNews{Events: records, Mail: a.queue(n.mails)}
		}
	}
	outcome, err := a.store.StepOperator(ctx, step, a.time(), teller)
	if err != nil {
		return nil, err
	}
	told(ctx)
	return outcome, nil
}

// message is mail to an operator.
type message struct {
	kind   string
	to     *storage.Operator
	values map[string]secret.String
	// address is where it goes instead of the operator's own.
	address secret.String
}

// MailLife is how long a message that cannot be handed over is kept.
const MailLife = 3 * 24 * time.Hour

// queue returns the messages as they are stored, none where no mail is sent. Who has no address gets none.
func (a *Accounts) queue(messages []message) (mails []storage.Mail) {
	now := a.time()
	for _, m := range messages {
		to := m.to.Email
		if !m.address.IsZero() {
			to = m.address
		}
		if !a.mail || to.IsZero() {
			continue
		}
		values := map[string]secret.String{"name": m.to.Name, "user": m.to.UserName}
		for name, value := range m.values {
			values[name] = value
		}
		mails = append(mails, storage.Mail{
			ID: storage.NewID(), Kind: m.kind, Language: m.to.Language, To: to, Values: values, Created: now, Due: now, Expires: now.Add(MailLife),
		})
	}
	return mails
}
