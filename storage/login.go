package storage

import (
	"crypto/subtle"
	"time"

	"brygga/secret"
)

// LoginState is where a login stands. docs/login.md has the picture.
type LoginState string

// The states of a login.
const (
	// LoginOpen: the person has not chosen yet, or the first order is being made.
	LoginOpen LoginState = "open"
	// LoginPending: the current order waits for the person.
	LoginPending LoginState = "pending"
	// LoginFailed: the last order brought no identity; the person may try again.
	LoginFailed LoginState = "failed"
	// LoginComplete: the identity is stored; the client has no answer yet.
	LoginComplete LoginState = "complete"
	// LoginAnswered: the client has its answer, a code or an error. Nothing can happen any more.
	LoginAnswered LoginState = "answered"
)

// ClaimLife is how long a caller may take to make an order before another may try.
const ClaimLife = 20 * time.Second

// AuthRequest is what a client asked for, as validated by the authorization endpoint (OIDC Core §3.1.2.1).
type AuthRequest struct {
	ClientID      string    `json:"client_id"`
	RedirectURI   string    `json:"redirect_uri"`
	ResponseMode  string    `json:"response_mode"` // query or form_post
	Scopes        []string  `json:"scopes"`
	State         string    `json:"state,omitempty"`
	Nonce         string    `json:"nonce,omitempty"`
	CodeChallenge string    `json:"code_challenge,omitempty"`
	Prompt        []string  `json:"prompt,omitempty"`
	MaxAge        *int64    `json:"max_age,omitempty"` // seconds
	ACRValues     []string  `json:"acr_values,omitempty"`
	UILocales     []string  `json:"ui_locales,omitempty"`
	Received      time.Time `json:"received"`
	// RequiredPersonalNumber is the only person who may complete the login; zero for anyone.
	RequiredPersonalNumber secret.String `json:"-"`
	// LoginHint is whom the client means, where it may have people named: it stands in the field of that page, and binds nobody.
	LoginHint secret.String `json:"-"`
	// RequiredSubject is the only subject that may be answered with, as an id_token_hint or the claims parameter named it;
	// empty for any.
	RequiredSubject string `json:"required_subject,omitempty"`
	// ACR is the acr that the answer will have, and StepUp what is demanded for it over the client's policy; see Policy.And.
	ACR    string `json:"acr,omitempty"`
	StepUp Policy `json:"step_up,omitzero"`
	// ACREssential says that one of ACRValues must be given, and not only wished for.
	ACREssential bool `json:"acr_essential,omitempty"`
	// Method is the only eID that the client wants for this request; empty for any of those that it has.
	Method string `json:"method,omitempty"`
	// Issuer is the only issuer of certificates, as Identity.Issuer names them, that the client wants; empty for any of the eID's.
	Issuer string `json:"issuer,omitempty"`
	// Claims are the claims that were asked for one by one.
	Claims ClaimsRequest `json:"claims,omitzero"`
	// Resources are the resource indicators that were asked for and may be granted (RFC 8707 §2.1).
	Resources []string `json:"resources,omitempty"`
	// Evidence says that the client asked for what the eID service gives as proof.
	Evidence bool `json:"evidence,omitempty"`
	// Kind is what the person is asked for, empty for to identify. Document is the sum of what is to be signed, zero when nothing is.
	Kind     Kind `json:"kind,omitempty"`
	Document Hash `json:"document,omitzero"`
	// Signers are the eIDs whose apps can show what is to be signed exactly as it is; empty means all that sign.
	Signers []string `json:"signers,omitempty"`
	// UserMessage is what the client wants the person to read, nil for nothing.
	UserMessage *UserMessage `json:"user_message,omitempty"`
	// Sign is what the person is to sign, nil for a login. It is not stored: what comes of it is the Document.
	Sign *SignRequest `json:"-"`
	// Payment is what the person is to approve, nil for nothing. A login with one is of KindPayment.
	Payment *Payment `json:"payment,omitempty"`
	// Program is the program that the login belongs to, nil for a login in a browser.
	Program *Program `json:"program,omitempty"`
	// Call is the call with the person, nil when there is none. Such a login has a Program.
	Call *Call `json:"call,omitempty"`
}

// Program is the owner of a login that belongs to no browser: whoever asked for it shows the person the way, and asks for the result. No page shows,
// cancels or answers such a login, and it has one order, which no other takes the place of.
type Program struct {
	// Owner names the program among those of the client. A login is found for its client and that name alone.
	Owner string `json:"owner"`
	// Expires is when the person has no more time. The login is kept a while longer, so that whoever asks is told so.
	Expires time.Time `json:"expires"`
	// Proof says that the program may have what proves the result: the identity then holds it, signature included.
	Proof bool `json:"proof,omitempty"`
	// Exact says that the app shows the UserMessage as it is and nothing else: it is not left out either when the service does not take it.
	Exact bool `json:"exact,omitempty"`
	// Told says that the client's webhook is told of its end.
	Told bool `json:"told,omitempty"`
	// Quiet is until when a failure that no app has had to do with looks as if the person were waited for, zero for not at all: it must not say whether
	// there is such a person.
	Quiet time.Time `json:"quiet,omitzero"`
	// Ping is what the program is told by that the login has ended, zero for one that asks.
	Ping Ping `json:"-"`
}

// Ping is what a program gets that is told of the end of its login (OpenID CIBA Core §10.2).
type Ping struct {
	// Secret is the random part of what the program knows the login by, and Token what proves to the program who tells it.
	Secret, Token secret.String
}

// Call is a telephone call with the person of a login.
type Call struct {
	// Initiator is CallByUser or CallByParty.
	Initiator string `json:"initiator"`
}

// The values of Call.Initiator: the person has called, or was called by the organisation (BankID API: callInitiator).
const (
	CallByUser  = "user"
	CallByParty = "RP"
)

// SignRequest is what a client wants to have signed (Signature Extension for OpenID Connect 1.1 §3.1).
type SignRequest struct {
	// Message is what the app shows, exactly, and all that it shows. Language is that of the page on which the person is asked, whose text is taken.
	Message  UserMessage
	Language string
	// Data is signed along and not shown; nil in an approval, whose signature nobody is handed.
	Data     []byte
	Approval bool
}

// Login is one attempt to answer an auth request.
type Login struct {
	// ID is 128 random bits in base64url; it stands in the hosted page's URL and proves nothing by itself.
	ID    string
	State LoginState
	// Revision counts the changes, from 1.
	Revision uint64
	// Request is what was asked for, never nil. It does not change once the login is stored, so all copies of the login share it.
	Request *AuthRequest
	// BindingHash is the SHA-256 of the cookie of the browser that brought the auth request.
	BindingHash [32]byte
	Created     time.Time
	// Expires is when the login ends whatever its state. It never changes.
	Expires time.Time

	// Orders counts the orders that were ever made for this login.
	Orders int
	// Course is what happened to them, for those who look into the login: words with the seconds since Created, such as
	// "other@3 outstandingTransaction@5 renewed@33 userSign@41". The words are the device that was chosen, "renewed", "takenBack", the
	// hint codes, and "returned".
	Course string
	// Seen is when the page was last looked at while an order was pending, as far as the process that collects had to be told.
	Seen time.Time
	// Claim is the order that is being made just now; its ID is empty when there is none.
	Claim Claim
	// Order is the current order: pending in LoginPending, ended in LoginComplete, nil before the first. In LoginFailed it is the
	// last one that was asked for: one that has ended, or one without an ID that never came about.
	Order *Order
	// Previous is the order that the current one has silently replaced, nil when there is none or it is of no use any more: its code may
	// have been shown just before, so an app may come with it still. PreviousReturned is when the person came back with its nonce.
	Previous         *Order
	PreviousReturned time.Time
	// Returned is when the person came back from the BankID app with the current order's return nonce.
	Returned time.Time
	// ReturnWaived says that the result of the current order counts without the return, as the client's policy is balanced
	// and the result speaks for the device that started.
	ReturnWaived bool
	// Failure says why the last order brought nothing, in LoginFailed.
	Failure Failure
	// Identity is who logged in, in LoginComplete only. Completed is when, and EvidenceID names the record that proves it, empty for none.
	Identity   *Identity
	Completed  time.Time
	EvidenceID string
	// Code is the hash of the code that the client was answered with, all zero when it was answered with an error. Only its newest
	// one can be redeemed.
	Code [32]byte
}

// Starter describes the browser that started an order, as BankID wants to know it (BankID API: auth, endUserIp and web).
type Starter struct {
	// Device is DeviceThis, DeviceOther, DeviceCall, or DeviceProgram.
	Device    string
	IP        string
	UserAgent string
	// Platform, Mobile and Brands are the browser's client hints, as received; TouchPoints its navigator.maxTouchPoints.
	Platform, Mobile, Brands string
	TouchPoints              int
	// DeviceIdentifier is a random value that the browser keeps in a cookie of its own.
	DeviceIdentifier string
	// Language is the BCP 47 tag of the page at the start.
	Language string
	// Method names the eID service that was asked for; empty for the first of those that are configured.
	Method string `json:",omitzero"`
	// Person is who is asked on another device, as somebody there has said, and alone may complete the order; zero for whoever picks it up.
	Person PersonKey `json:"-"`
}

// The values of Starter.Device.
const (
	DeviceThis  = "this"
	DeviceOther = "other"
	// DeviceCall is that of a person on the telephone: the app learns of the order by itself.
	DeviceCall = "call"
	// DeviceProgram is that of a person to whom a program shows the code or the link, where it likes.
	DeviceProgram = "program"
)

// Devices returns all values of Starter.Device.
func Devices() []string { return []string{DeviceThis, DeviceOther, DeviceCall, DeviceProgram} }

// Claim is the right to make a login's next order.
type Claim struct {
	// ID is random and names this claim.
	ID string
	// Replaces is the current order that a silent renewal replaces; empty when a person asked for a new order.
	Replaces string
	// Starter and WindowEnds become those of the order. BeginOrder gives a renewal's claim those of the order it replaces.
	Starter    Starter
	WindowEnds time.Time
	// Collector names the process that will collect the order.
	Collector string
	At        time.Time
	// First says that the person saw no order under way: the claim takes the place of none.
	First bool `json:",omitzero"`
}

// unmade returns what stands for an order that was asked for and never came about: who asked for it.
func (c *Claim) unmade() *Order { return &Order{Starter: c.Starter, WindowEnds: c.WindowEnds} }

// lives reports whether the claim may still be acted on at now.
func (c *Claim) lives(now time.Time) bool { return c.ID != "" && now.Before(c.At.Add(ClaimLife)) }

// overrides reports whether c takes over from a claim that lives: a person's wish does from a renewal, and from a wish for the other
// device, another eID or another person. A second click on the same button does not.
func (c *Claim) overrides(living *Claim) bool {
	now, next := &living.Starter, &c.Starter
	return c.Replaces == "" && (living.Replaces != "" || now.Device != next.Device || now.Method != next.Method || !now.Person.Equal(next.Person))
}

// Starting reports whether an order that a person asked for is being made at now. Nothing of it counts before PutOrder.
func (l *Login) Starting(now time.Time) bool { return l.Claim.Replaces == "" && l.Claim.lives(now) }

// Starter returns who asked for the current order, and where; the zero Starter before the first.
func (l *Login) Starter() Starter {
	if l.Order == nil {
		return Starter{}
	}
	return l.Order.Starter
}

// Live reports whether the login is one a person can still do something with at now.
func (l *Login) Live(now time.Time) bool { return now.Before(l.Expires) }

// BoundTo reports whether binding is the cookie of the browser that brought the auth request.
func (l *Login) BoundTo(binding secret.String) bool {
	hash := binding.Hash()
	return !binding.IsZero() && subtle.ConstantTimeCompare(hash[:], l.BindingHash[:]) == 1
}

// Answerable reports whether the client may now get a code: the identity is there, and the person has come back from the
// app to the browser that started, where that is demanded and has not been waived.
func (l *Login) Answerable() bool { return l.State == LoginComplete && l.Identity != nil && l.isBack() }

// Repeatable reports whether the client was answered with a code, by a browser that may have it answered again as long as nobody
// has redeemed that code: the answer may have been lost on its way, or led into an app that did not open.
func (l *Login) Repeatable() bool {
	return l.State == LoginAnswered && l.Code != [32]byte{} && l.isBack()
}

// isBack reports whether nobody is waited for to come back from the app.
func (l *Login) isBack() bool {
	return !l.Order.ReturnRequired() || !l.Returned.IsZero() || l.ReturnWaived
}

// QuietUntil returns until when a failure of a program's login looks as if it were pending (Program.Quiet), the zero time for not at all: what the person has done
// in the app may be told at once.
func (l *Login) QuietUntil() time.Time {
	if l.Request.Program == nil || l.State != LoginFailed || l.Order != nil && !l.Order.AwaitsApp() {
		return time.Time{}
	}
	return l.Request.Program.Quiet
}

// SeenBy returns the login as it stands for a browser whose device cookie has that value. Where the return was waived, that
// cookie stands for it: to a browser without the starter's, the waiver does not hold.
func (l *Login) SeenBy(deviceIdentifier string) *Login {
	same := deviceIdentifier != "" && subtle.ConstantTimeCompare([]byte(deviceIdentifier), []byte(l.Starter().DeviceIdentifier)) == 1
	if !l.ReturnWaived || same {
		return l
	}
	seen := *l
	seen.ReturnWaived = false
	return &seen
}
