package storage

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"brygga/secret"
)

// Sealer encrypts and authenticates what must not lie readable on disk. Package keys has the implementation.
type Sealer interface {
	// Seal returns plaintext encrypted and bound to label: it opens under the same label only.
	Seal(label string, plaintext []byte) []byte
	// Open returns what Seal was given, or an error when sealed was changed, bound to another label or made with another key.
	Open(label string, sealed []byte) ([]byte, error)
}

// Codec turns records into bytes and back, the same for every backend. Logins, grants, signing keys and secrets are sealed
// whole; clients, codes and access tokens hold nothing but hashes, and audit events nothing but pseudonyms, and are plain
// JSON. A Codec is safe for concurrent use.
type Codec struct{ sealer Sealer }

// NewCodec returns a codec that seals with sealer.
func NewCodec(sealer Sealer) Codec { return Codec{sealer} }

// KeyCheck returns bytes that CheckKey accepts only with the same master key. A store writes them once when it is made.
func (c Codec) KeyCheck() []byte { return c.sealer.Seal("key check", []byte("brygga")) }

// CheckKey returns ErrWrongKey when stored did not come from KeyCheck under the same master key.
func (c Codec) CheckKey(stored []byte) error {
	if text, err := c.sealer.Open("key check", stored); err != nil || string(text) != "brygga" {
		return ErrWrongKey
	}
	return nil
}

// EncodeLogin returns the login, sealed.
func (c Codec) EncodeLogin(l *Login) ([]byte, error) { return c.seal("login "+l.ID, loginWire(l)) }

// DecodeLogin returns the login of that ID from what EncodeLogin made.
func (c Codec) DecodeLogin(id string, sealed []byte) (*Login, error) {
	var w wireLogin
	if err := c.open("login "+id, sealed, &w); err != nil {
		return nil, fmt.Errorf("decode login: %w", err)
	}
	return w.login(), nil
}

// EncodeGrant returns the grant, sealed.
func (c Codec) EncodeGrant(g *Grant) ([]byte, error) { return c.seal("grant "+g.ID, grantWire(g)) }

// DecodeGrant returns the grant of that ID from what EncodeGrant made.
func (c Codec) DecodeGrant(id string, sealed []byte) (*Grant, error) {
	var w wireGrant
	if err := c.open("grant "+id, sealed, &w); err != nil {
		return nil, fmt.Errorf("decode grant: %w", err)
	}
	return w.grant(), nil
}

// EncodeSigningKeys returns the set of keys, oldest first, sealed.
func (c Codec) EncodeSigningKeys(keys []SigningKey) ([]byte, error) {
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b SigningKey) int { return a.Published.Compare(b.Published) })
	return c.seal("signing keys", keys)
}

// DecodeSigningKeys returns the set of keys from what EncodeSigningKeys made.
func (c Codec) DecodeSigningKeys(sealed []byte) ([]SigningKey, error) {
	var keys []SigningKey
	if err := c.open("signing keys", sealed, &keys); err != nil {
		return nil, fmt.Errorf("decode signing keys: %w", err)
	}
	return keys, nil
}

// EncodeSecret returns the installation secret of that name, sealed.
func (c Codec) EncodeSecret(name string, value []byte) []byte {
	return c.sealer.Seal("secret "+name, value)
}

// DecodeSecret returns the installation secret of that name from what EncodeSecret made.
func (c Codec) DecodeSecret(name string, sealed []byte) ([]byte, error) {
	value, err := c.sealer.Open("secret "+name, sealed)
	if err != nil {
		return nil, fmt.Errorf("decode secret %q: %w", name, err)
	}
	return value, nil
}

func (c Codec) seal(label string, record any) ([]byte, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	return c.sealer.Seal(label, text), nil
}

func (c Codec) open(label string, sealed []byte, record any) error {
	text, err := c.sealer.Open(label, sealed)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, record)
}

// The wire types below reveal what secret.String hides; they exist between JSON and the sealer only.

type wireLogin struct {
	ID          string        `json:"id"`
	State       LoginState    `json:"state"`
	Revision    uint64        `json:"rev"`
	Request     AuthRequest   `json:"request"`
	Required    string        `json:"required,omitempty"`
	BindingHash []byte        `json:"binding"` // base64 beats an array of numbers
	Created     time.Time     `json:"created"`
	Expires     time.Time     `json:"expires"`
	Starter     Starter       `json:"starter"`
	WindowEnds  time.Time     `json:"window,omitzero"`
	Orders      int           `json:"orders,omitempty"`
	Claim       *Claim        `json:"claim,omitempty"`
	Order       *wireOrder    `json:"order,omitempty"`
	Returned    time.Time     `json:"returned,omitzero"`
	Waived      bool          `json:"waived,omitempty"`
	Failure     Failure       `json:"failure,omitzero"`
	Identity    *wireIdentity `json:"identity,omitempty"`
	Completed   time.Time     `json:"completed,omitzero"`
}

type wireOrder struct {
	ID             string    `json:"id"`
	Method         string    `json:"method"`
	Ref            string    `json:"ref"`
	AutoStartToken string    `json:"auto,omitempty"`
	QRStartToken   string    `json:"qr,omitempty"`
	QRStartSecret  string    `json:"qrs,omitempty"`
	Started        time.Time `json:"started"`
	HintCode       string    `json:"hint,omitempty"`
	ReturnNonce    []byte    `json:"nonce,omitempty"`
	Collector      string    `json:"collector,omitempty"`
	Sent           wireSent  `json:"sent,omitzero"`
}

type wireSent struct {
	Certificate         string   `json:"cert,omitempty"`
	PartyName           string   `json:"party,omitempty"`
	PartyDisplay        string   `json:"display,omitempty"`
	VisibleText         string   `json:"text,omitempty"`
	VisibleFormat       string   `json:"format,omitempty"`
	NonVisible          []byte   `json:"hidden,omitempty"`
	CertificatePolicies []string `json:"policies,omitempty"`
	MRTD                bool     `json:"mrtd,omitempty"`
}

type wireIdentity struct {
	Method         string `json:"method"`
	PersonalNumber string `json:"number"`
	Name           string `json:"name"`
	GivenName      string `json:"given"`
	Surname        string `json:"sur"`
	DeviceIP       string `json:"ip,omitempty"`
	IssueDate      string `json:"issued,omitempty"`
	Risk           string `json:"risk,omitempty"`
}

type wireGrant struct {
	ID            string       `json:"id"`
	ClientID      string       `json:"client"`
	SessionID     string       `json:"sid"`
	TransactionID string       `json:"txn"`
	Subject       string       `json:"sub"`
	Scopes        []string     `json:"scopes"`
	Nonce         string       `json:"nonce,omitempty"`
	ACR           string       `json:"acr,omitempty"`
	AMR           []string     `json:"amr,omitempty"`
	AuthTime      time.Time    `json:"auth_time"`
	Identity      wireIdentity `json:"identity"`
	Created       time.Time    `json:"created"`
	Expires       time.Time    `json:"expires"`
	Revoked       time.Time    `json:"revoked,omitzero"`
}

func loginWire(l *Login) *wireLogin {
	w := &wireLogin{
		ID: l.ID, State: l.State, Revision: l.Revision, Request: l.Request, BindingHash: l.BindingHash[:],
		Required: l.Request.RequiredPersonalNumber.Reveal(), Created: l.Created, Expires: l.Expires, Starter: l.Starter,
		WindowEnds: l.WindowEnds, Orders: l.Orders, Returned: l.Returned, Failure: l.Failure, Completed: l.Completed,
		Waived: l.ReturnWaived,
	}
	if l.Claim.ID != "" {
		w.Claim = &l.Claim
	}
	if o := l.Order; o != nil {
		w.Order = &wireOrder{
			ID: o.ID, Method: o.Method, Ref: o.Ref.Reveal(), AutoStartToken: o.AutoStartToken.Reveal(),
			QRStartToken: o.QRStartToken.Reveal(), QRStartSecret: o.QRStartSecret.Reveal(), Started: o.Started,
			HintCode: o.HintCode, Collector: o.Collector, Sent: wireSent(o.Sent),
		}
		if o.ReturnRequired() {
			w.Order.ReturnNonce = o.ReturnNonceHash[:]
		}
	}
	if l.Identity != nil {
		i := identityWire(*l.Identity)
		w.Identity = &i
	}
	return w
}

func (w *wireLogin) login() *Login {
	l := &Login{
		ID: w.ID, State: w.State, Revision: w.Revision, Request: w.Request, Created: w.Created,
		Expires: w.Expires, Starter: w.Starter, WindowEnds: w.WindowEnds, Orders: w.Orders, Returned: w.Returned,
		Failure: w.Failure, Completed: w.Completed, ReturnWaived: w.Waived,
	}
	copy(l.BindingHash[:], w.BindingHash)
	l.Request.RequiredPersonalNumber = secret.New(w.Required)
	if w.Claim != nil {
		l.Claim = *w.Claim
	}
	if o := w.Order; o != nil {
		l.Order = &Order{
			ID: o.ID, Method: o.Method, Ref: secret.New(o.Ref), AutoStartToken: secret.New(o.AutoStartToken),
			QRStartToken: secret.New(o.QRStartToken), QRStartSecret: secret.New(o.QRStartSecret), Started: o.Started,
			HintCode: o.HintCode, Collector: o.Collector, Sent: Sent(o.Sent),
		}
		copy(l.Order.ReturnNonceHash[:], o.ReturnNonce)
	}
	if w.Identity != nil {
		i := w.Identity.identity()
		l.Identity = &i
	}
	return l
}

func grantWire(g *Grant) *wireGrant {
	return &wireGrant{
		ID: g.ID, ClientID: g.ClientID, SessionID: g.SessionID, TransactionID: g.TransactionID, Subject: g.Subject,
		Scopes: g.Scopes, Nonce: g.Nonce, ACR: g.ACR, AMR: g.AMR, AuthTime: g.AuthTime, Identity: identityWire(g.Identity),
		Created: g.Created, Expires: g.Expires, Revoked: g.Revoked,
	}
}

func (w *wireGrant) grant() *Grant {
	return &Grant{
		ID: w.ID, ClientID: w.ClientID, SessionID: w.SessionID, TransactionID: w.TransactionID, Subject: w.Subject,
		Scopes: w.Scopes, Nonce: w.Nonce, ACR: w.ACR, AMR: w.AMR, AuthTime: w.AuthTime, Identity: w.Identity.identity(),
		Created: w.Created, Expires: w.Expires, Revoked: w.Revoked,
	}
}

func identityWire(i Identity) wireIdentity {
	return wireIdentity{
		Method: i.Method, PersonalNumber: i.PersonalNumber.Reveal(), Name: i.Name.Reveal(), GivenName: i.GivenName.Reveal(),
		Surname: i.Surname.Reveal(), DeviceIP: i.DeviceIP, IssueDate: i.IssueDate, Risk: i.Risk,
	}
}

func (w wireIdentity) identity() Identity {
	return Identity{
		Method: w.Method, PersonalNumber: secret.New(w.PersonalNumber), Name: secret.New(w.Name),
		GivenName: secret.New(w.GivenName), Surname: secret.New(w.Surname), DeviceIP: w.DeviceIP, IssueDate: w.IssueDate, Risk: w.Risk,
	}
}
