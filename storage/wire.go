package storage

import (
	"time"

	"brygga/secret"
)

// The wire types below reveal what secret.String hides; they exist between JSON and the sealer only.

// wireRequest is what never changes of a login.
type wireRequest struct {
	Request     AuthRequest `json:"request"`
	Required    string      `json:"required,omitempty"`
	Hint        string      `json:"hint,omitempty"`
	Ping        *wirePing   `json:"ping,omitempty"`
	BindingHash []byte      `json:"binding"` // base64 beats an array of numbers
	Created     time.Time   `json:"created"`
	Expires     time.Time   `json:"expires"`
}

type wirePing struct {
	Secret string `json:"secret"`
	Token  string `json:"token"`
}

// wireLogin is what changes of a login.
type wireLogin struct {
	State            LoginState    `json:"state"`
	Revision         uint64        `json:"rev"`
	Orders           int           `json:"orders,omitempty"`
	Course           string        `json:"course,omitempty"`
	Seen             time.Time     `json:"seen,omitzero"`
	Claim            *wireClaim    `json:"claim,omitempty"`
	Order            *wireOrder    `json:"order,omitempty"`
	Previous         *wireOrder    `json:"previous,omitempty"`
	PreviousReturned time.Time     `json:"previousReturned,omitzero"`
	Returned         time.Time     `json:"returned,omitzero"`
	Waived           bool          `json:"waived,omitempty"`
	Failure          Failure       `json:"failure,omitzero"`
	Identity         *wireIdentity `json:"identity,omitempty"`
	Completed        time.Time     `json:"completed,omitzero"`
	Code             []byte        `json:"code,omitempty"`
	EvidenceID       string        `json:"proof,omitempty"`
}

type wireClaim struct {
	Claim
	Person *wireKey `json:"person,omitempty"`
}

type wireOrder struct {
	ID             string    `json:"id"`
	Method         string    `json:"method"`
	Kind           Kind      `json:"kind,omitempty"`
	Ref            string    `json:"ref"`
	AutoStartToken string    `json:"auto,omitempty"`
	QRStartToken   string    `json:"qr,omitempty"`
	QRStartSecret  string    `json:"qrs,omitempty"`
	Started        time.Time `json:"started"`
	Phase          Phase     `json:"phase,omitempty"`
	HintCode       string    `json:"hint,omitempty"`
	Starter        Starter   `json:"starter"`
	Person         *wireKey  `json:"person,omitempty"` // of the starter
	Policy         Policy    `json:"policy,omitzero"`
	WindowEnds     time.Time `json:"window,omitzero"`
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
	Salt                []byte   `json:"salt,omitempty"`
	CertificatePolicies []string `json:"policies,omitempty"`
	MRTD                bool     `json:"mrtd,omitempty"`
	CallInitiator       string   `json:"call,omitempty"`
	Document            Hash     `json:"document,omitzero"`
}

type wireIdentity struct {
	Method         string    `json:"method"`
	PersonalNumber string    `json:"number"`
	Keys           []wireKey `json:"keys,omitempty"`
	Name           string    `json:"name"`
	GivenName      string    `json:"given"`
	Surname        string    `json:"sur"`
	Email          string    `json:"email,omitempty"`
	Work           *wireWork `json:"work,omitempty"`
	Issuer         string    `json:"issuer,omitempty"`
	DeviceIP       string    `json:"ip,omitempty"`
	DeviceName     string    `json:"device,omitempty"`
	DeviceVersion  string    `json:"version,omitempty"`
	IssueDate      string    `json:"issued,omitempty"`
	Risk           string    `json:"risk,omitempty"`
	MRTD           bool      `json:"mrtd,omitempty"`

	Evidence *wireEvidence `json:"evidence,omitempty"`
}

type wireKey struct {
	Name   string `json:"name"`
	Issuer string `json:"issuer,omitempty"`
	Value  string `json:"value"`
}

type wireWork struct {
	Organization       string `json:"org,omitempty"`
	OrganizationNumber string `json:"number,omitempty"`
	Unit               string `json:"unit,omitempty"`
	Title              string `json:"title,omitempty"`
}

type wireEvidence struct {
	Certificate []byte    `json:"cert"`
	ValidFrom   time.Time `json:"from"`
	ValidTo     time.Time `json:"to"`
	OCSP        []byte    `json:"ocsp,omitempty"`
	Signature   []byte    `json:"signature,omitempty"`
}

type wireGrant struct {
	ID            string        `json:"id"`
	ClientID      string        `json:"client"`
	SessionID     string        `json:"sid"`
	TransactionID string        `json:"txn"`
	Subject       string        `json:"sub"`
	Scopes        []string      `json:"scopes"`
	Nonce         string        `json:"nonce,omitempty"`
	ACR           string        `json:"acr,omitempty"`
	AMR           []string      `json:"amr,omitempty"`
	AuthTime      time.Time     `json:"auth_time"`
	Identity      wireIdentity  `json:"identity"`
	Session       string        `json:"session,omitempty"`
	Claims        ClaimsRequest `json:"claims,omitzero"`
	Resources     []string      `json:"resources,omitempty"`
	EvidenceID    string        `json:"proof,omitempty"`
	Offline       bool          `json:"offline,omitempty"`
	Backchannel   bool          `json:"backchannel,omitempty"`
	Created       time.Time     `json:"created"`
	Expires       time.Time     `json:"expires"`
	Revoked       time.Time     `json:"revoked,omitzero"`
}

type wireSession struct {
	ID         string              `json:"id"`
	CookieHash []byte              `json:"cookie"`
	Group      string              `json:"group"`
	Identity   wireIdentity        `json:"identity"`
	ACR        string              `json:"acr,omitempty"`
	AMR        []string            `json:"amr,omitempty"`
	AuthTime   time.Time           `json:"auth_time"`
	LoginID    string              `json:"txn"`
	Policy     Policy              `json:"policy,omitzero"`
	Released   map[string][]string `json:"released,omitempty"`
	Created    time.Time           `json:"created"`
	Used       time.Time           `json:"used"`
	IdleLife   time.Duration       `json:"idle"`
	Expires    time.Time           `json:"expires"`
}

type wireNotice struct {
	ID        string      `json:"id"`
	ClientID  string      `json:"client"`
	SessionID string      `json:"sid"`
	Subject   string      `json:"sub"`
	Order     *EndedOrder `json:"order,omitempty"`
	Created   time.Time   `json:"created"`
	Due       time.Time   `json:"due"`
	Attempts  int         `json:"attempts,omitempty"`
	Expires   time.Time   `json:"expires"`
}

type wirePushedRequest struct {
	ClientID string              `json:"client"`
	Values   map[string][]string `json:"values"`
	Expires  time.Time           `json:"expires"`
}

func requestWire(l *Login) *wireRequest {
	w := &wireRequest{
		Request: *l.Request, Required: l.Request.RequiredPersonalNumber.Reveal(), Hint: l.Request.LoginHint.Reveal(), BindingHash: l.BindingHash[:], Created: l.Created, Expires: l.Expires,
	}
	if p := l.Request.Program; p != nil && p.Ping != (Ping{}) {
		w.Ping = &wirePing{p.Ping.Secret.Reveal(), p.Ping.Token.Reveal()}
	}
	return w
}

func loginWire(l *Login) *wireLogin {
	w := &wireLogin{
		State: l.State, Revision: l.Revision,
		Orders: l.Orders, Seen: l.Seen, Course: l.Course, Returned: l.Returned, Failure: l.Failure, Completed: l.Completed, EvidenceID: l.EvidenceID,
		Waived: l.ReturnWaived, Order: orderWire(l.Order), Previous: orderWire(l.Previous), PreviousReturned: l.PreviousReturned,
	}
	if l.Code != [32]byte{} {
		w.Code = l.Code[:]
	}
	if l.Claim.ID != "" {
		w.Claim = &wireClaim{l.Claim, keyWire(l.Claim.Starter.Person)}
	}
	if l.Identity != nil {
		i := identityWire(*l.Identity)
		w.Identity = &i
	}
	return w
}

func (w *wireRequest) request() *AuthRequest {
	r := w.Request
	r.RequiredPersonalNumber, r.LoginHint = secret.New(w.Required), secret.New(w.Hint)
	if r.Program != nil && w.Ping != nil {
		r.Program.Ping = Ping{secret.New(w.Ping.Secret), secret.New(w.Ping.Token)}
	}
	return &r
}

func (w *wireLogin) login(id string, r *wireRequest) *Login {
	l := &Login{ID: id, Request: r.request(), Created: r.Created, Expires: r.Expires}
	copy(l.BindingHash[:], r.BindingHash)
	return w.loginOf(l)
}

// loginOf returns the login with what changes of it; what never does is that of before, and shared with it.
func (w *wireLogin) loginOf(before *Login) *Login {
	l := &Login{
		ID: before.ID, State: w.State, Revision: w.Revision, Request: before.Request, BindingHash: before.BindingHash, Created: before.Created,
		Expires: before.Expires, Orders: w.Orders, Seen: w.Seen, Course: w.Course, Returned: w.Returned,
		Failure: w.Failure, Completed: w.Completed, EvidenceID: w.EvidenceID, ReturnWaived: w.Waived,
		Order: w.Order.order(), Previous: w.Previous.order(), PreviousReturned: w.PreviousReturned,
	}
	copy(l.Code[:], w.Code)
	if w.Claim != nil {
		l.Claim = w.Claim.Claim
		l.Claim.Starter.Person = w.Claim.Person.key()
	}
	if w.Identity != nil {
		i := w.Identity.identity()
		l.Identity = &i
	}
	return l
}

func orderWire(o *Order) *wireOrder {
	if o == nil {
		return nil
	}
	w := &wireOrder{
		ID: o.ID, Method: o.Method, Kind: o.Kind, Ref: o.Ref.Reveal(), AutoStartToken: o.AutoStartToken.Reveal(),
		QRStartToken: o.QRStartToken.Reveal(), QRStartSecret: o.QRStartSecret.Reveal(), Started: o.Started,
		Phase: o.Phase, HintCode: o.HintCode, Starter: o.Starter, Person: keyWire(o.Starter.Person), Policy: o.Policy, WindowEnds: o.WindowEnds, Collector: o.Collector, Sent: wireSent(o.Sent),
	}
	if o.ReturnRequired() {
		w.ReturnNonce = o.ReturnNonceHash[:]
	}
	return w
}

func (w *wireOrder) order() *Order {
	if w == nil {
		return nil
	}
	o := &Order{
		ID: w.ID, Method: w.Method, Kind: w.Kind, Ref: secret.New(w.Ref), AutoStartToken: secret.New(w.AutoStartToken),
		QRStartToken: secret.New(w.QRStartToken), QRStartSecret: secret.New(w.QRStartSecret), Started: w.Started,
		Phase: w.Phase, HintCode: w.HintCode, Starter: w.Starter, Policy: w.Policy, WindowEnds: w.WindowEnds, Collector: w.Collector, Sent: Sent(w.Sent),
	}
	o.Starter.Person = w.Person.key()
	copy(o.ReturnNonceHash[:], w.ReturnNonce)
	if o.Kind == "" {
		o.beforeKinds()
	}
	return o
}

func grantWire(g *Grant) *wireGrant {
	return &wireGrant{
		ID: g.ID, ClientID: g.ClientID, SessionID: g.SessionID, TransactionID: g.TransactionID, Subject: g.Subject,
		Scopes: g.Scopes, Nonce: g.Nonce, ACR: g.ACR, AMR: g.AMR, AuthTime: g.AuthTime, Identity: identityWire(g.Identity),
		Session: g.Session, Claims: g.Claims, Resources: g.Resources, EvidenceID: g.EvidenceID, Offline: g.Offline, Backchannel: g.Backchannel,
		Created: g.Created, Expires: g.Expires, Revoked: g.Revoked,
	}
}

func (w *wireGrant) grant() *Grant {
	return &Grant{
		ID: w.ID, ClientID: w.ClientID, SessionID: w.SessionID, TransactionID: w.TransactionID, Subject: w.Subject,
		Scopes: w.Scopes, Nonce: w.Nonce, ACR: w.ACR, AMR: w.AMR, AuthTime: w.AuthTime, Identity: w.Identity.identity(),
		Session: w.Session, Claims: w.Claims, Resources: w.Resources, EvidenceID: w.EvidenceID, Offline: w.Offline, Backchannel: w.Backchannel,
		Created: w.Created, Expires: w.Expires, Revoked: w.Revoked,
	}
}

func sessionWire(s *Session) *wireSession {
	return &wireSession{
		ID: s.ID, CookieHash: s.CookieHash[:], Group: s.Group, Identity: identityWire(s.Identity), ACR: s.ACR, AMR: s.AMR,
		AuthTime: s.AuthTime, LoginID: s.LoginID, Policy: s.Policy, Released: s.Released, Created: s.Created,
		Used: s.Used, IdleLife: s.IdleLife, Expires: s.Expires,
	}
}

func (w *wireSession) session() *Session {
	s := &Session{
		ID: w.ID, Group: w.Group, Identity: w.Identity.identity(), ACR: w.ACR, AMR: w.AMR, AuthTime: w.AuthTime,
		LoginID: w.LoginID, Policy: w.Policy, Released: w.Released, Created: w.Created, Used: w.Used,
		IdleLife: w.IdleLife, Expires: w.Expires,
	}
	copy(s.CookieHash[:], w.CookieHash)
	return s
}

func identityWire(i Identity) wireIdentity {
	return wireIdentity{
		Evidence: (*wireEvidence)(i.Evidence),
		Method:   i.Method, PersonalNumber: i.PersonalNumber.Reveal(), Keys: keysWire(i.Keys), Name: i.Name.Reveal(), GivenName: i.GivenName.Reveal(),
		Surname: i.Surname.Reveal(), Email: i.Email.Reveal(), Work: (*wireWork)(i.Work), Issuer: i.Issuer, DeviceIP: i.DeviceIP,
		DeviceName: i.DeviceName, DeviceVersion: i.DeviceVersion, IssueDate: i.IssueDate, Risk: i.Risk, MRTD: i.MRTD,
	}
}

func (w wireIdentity) identity() Identity {
	return Identity{
		Evidence: (*Evidence)(w.Evidence),
		Method:   w.Method, PersonalNumber: secret.New(w.PersonalNumber), Keys: keysOf(w.Keys), Name: secret.New(w.Name),
		GivenName: secret.New(w.GivenName), Surname: secret.New(w.Surname), Email: secret.New(w.Email), Work: (*Work)(w.Work), Issuer: w.Issuer,
		DeviceIP: w.DeviceIP, DeviceName: w.DeviceName, DeviceVersion: w.DeviceVersion, IssueDate: w.IssueDate, Risk: w.Risk, MRTD: w.MRTD,
	}
}

func keysWire(keys []PersonKey) (wire []wireKey) {
	for _, key := range keys {
		wire = append(wire, wireKey{key.Name, key.Issuer, key.Value.Reveal()})
	}
	return wire
}

// keyWire returns nil for nobody's key.
func keyWire(key PersonKey) *wireKey {
	if key.IsZero() {
		return nil
	}
	return &wireKey{key.Name, key.Issuer, key.Value.Reveal()}
}

func (w *wireKey) key() PersonKey {
	if w == nil {
		return PersonKey{}
	}
	return PersonKey{w.Name, w.Issuer, secret.New(w.Value)}
}

func keysOf(wire []wireKey) (keys []PersonKey) {
	for _, key := range wire {
		keys = append(keys, PersonKey{key.Name, key.Issuer, secret.New(key.Value)})
	}
	return keys
}
