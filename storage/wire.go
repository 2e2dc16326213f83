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
	BindingHash []byte      `json:"binding"` // base64 beats an array of numbers
	Created     time.Time   `json:"created"`
	Expires     time.Time   `json:"expires"`
}

// wireLogin is what changes of a login.
type wireLogin struct {
	State            LoginState    `json:"state"`
	Revision         uint64        `json:"rev"`
	Orders           int           `json:"orders,omitempty"`
	Course           string        `json:"course,omitempty"`
	Seen             time.Time     `json:"seen,omitzero"`
	Claim            *Claim        `json:"claim,omitempty"`
	Order            *wireOrder    `json:"order,omitempty"`
	Previous         *wireOrder    `json:"previous,omitempty"`
	PreviousReturned time.Time     `json:"previousReturned,omitzero"`
	Returned         time.Time     `json:"returned,omitzero"`
	Waived           bool          `json:"waived,omitempty"`
	Failure          Failure       `json:"failure,omitzero"`
	Identity         *wireIdentity `json:"identity,omitempty"`
	Completed        time.Time     `json:"completed,omitzero"`
	Code             []byte        `json:"code,omitempty"`
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
	Starter        Starter   `json:"starter"`
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

	Evidence *wireEvidence `json:"evidence,omitempty"`
}

type wireEvidence struct {
	Certificate []byte    `json:"cert"`
	ValidFrom   time.Time `json:"from"`
	ValidTo     time.Time `json:"to"`
	OCSP        []byte    `json:"ocsp,omitempty"`
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

type wireLogoutNotice struct {
	ID        string    `json:"id"`
	ClientID  string    `json:"client"`
	SessionID string    `json:"sid"`
	Subject   string    `json:"sub"`
	Created   time.Time `json:"created"`
	Due       time.Time `json:"due"`
	Attempts  int       `json:"attempts,omitempty"`
	Expires   time.Time `json:"expires"`
}

type wirePushedRequest struct {
	ClientID string              `json:"client"`
	Values   map[string][]string `json:"values"`
	Expires  time.Time           `json:"expires"`
}

func requestWire(l *Login) *wireRequest {
	return &wireRequest{
		Request: l.Request, Required: l.Request.RequiredPersonalNumber.Reveal(), BindingHash: l.BindingHash[:], Created: l.Created, Expires: l.Expires,
	}
}

func loginWire(l *Login) *wireLogin {
	w := &wireLogin{
		State: l.State, Revision: l.Revision,
		Orders: l.Orders, Seen: l.Seen, Course: l.Course, Returned: l.Returned, Failure: l.Failure, Completed: l.Completed,
		Waived: l.ReturnWaived, Order: orderWire(l.Order), Previous: orderWire(l.Previous), PreviousReturned: l.PreviousReturned,
	}
	if l.Code != [32]byte{} {
		w.Code = l.Code[:]
	}
	if l.Claim.ID != "" {
		w.Claim = &l.Claim
	}
	if l.Identity != nil {
		i := identityWire(*l.Identity)
		w.Identity = &i
	}
	return w
}

func (w *wireLogin) login(id string, r *wireRequest) *Login {
	l := &Login{
		ID: id, State: w.State, Revision: w.Revision, Request: r.Request, Created: r.Created,
		Expires: r.Expires, Orders: w.Orders, Seen: w.Seen, Course: w.Course, Returned: w.Returned,
		Failure: w.Failure, Completed: w.Completed, ReturnWaived: w.Waived,
		Order: w.Order.order(), Previous: w.Previous.order(), PreviousReturned: w.PreviousReturned,
	}
	copy(l.BindingHash[:], r.BindingHash)
	copy(l.Code[:], w.Code)
	l.Request.RequiredPersonalNumber = secret.New(r.Required)
	if w.Claim != nil {
		l.Claim = *w.Claim
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
		ID: o.ID, Method: o.Method, Ref: o.Ref.Reveal(), AutoStartToken: o.AutoStartToken.Reveal(),
		QRStartToken: o.QRStartToken.Reveal(), QRStartSecret: o.QRStartSecret.Reveal(), Started: o.Started,
		HintCode: o.HintCode, Starter: o.Starter, Policy: o.Policy, WindowEnds: o.WindowEnds, Collector: o.Collector, Sent: wireSent(o.Sent),
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
		ID: w.ID, Method: w.Method, Ref: secret.New(w.Ref), AutoStartToken: secret.New(w.AutoStartToken),
		QRStartToken: secret.New(w.QRStartToken), QRStartSecret: secret.New(w.QRStartSecret), Started: w.Started,
		HintCode: w.HintCode, Starter: w.Starter, Policy: w.Policy, WindowEnds: w.WindowEnds, Collector: w.Collector, Sent: Sent(w.Sent),
	}
	copy(o.ReturnNonceHash[:], w.ReturnNonce)
	return o
}

func grantWire(g *Grant) *wireGrant {
	return &wireGrant{
		ID: g.ID, ClientID: g.ClientID, SessionID: g.SessionID, TransactionID: g.TransactionID, Subject: g.Subject,
		Scopes: g.Scopes, Nonce: g.Nonce, ACR: g.ACR, AMR: g.AMR, AuthTime: g.AuthTime, Identity: identityWire(g.Identity),
		Session: g.Session, Claims: g.Claims, Resources: g.Resources, Offline: g.Offline, Backchannel: g.Backchannel,
		Created: g.Created, Expires: g.Expires, Revoked: g.Revoked,
	}
}

func (w *wireGrant) grant() *Grant {
	return &Grant{
		ID: w.ID, ClientID: w.ClientID, SessionID: w.SessionID, TransactionID: w.TransactionID, Subject: w.Subject,
		Scopes: w.Scopes, Nonce: w.Nonce, ACR: w.ACR, AMR: w.AMR, AuthTime: w.AuthTime, Identity: w.Identity.identity(),
		Session: w.Session, Claims: w.Claims, Resources: w.Resources, Offline: w.Offline, Backchannel: w.Backchannel,
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
		Method:   i.Method, PersonalNumber: i.PersonalNumber.Reveal(), Name: i.Name.Reveal(), GivenName: i.GivenName.Reveal(),
		Surname: i.Surname.Reveal(), DeviceIP: i.DeviceIP, IssueDate: i.IssueDate, Risk: i.Risk,
	}
}

func (w wireIdentity) identity() Identity {
	return Identity{
		Evidence: (*Evidence)(w.Evidence),
		Method:   w.Method, PersonalNumber: secret.New(w.PersonalNumber), Name: secret.New(w.Name),
		GivenName: secret.New(w.GivenName), Surname: secret.New(w.Surname), DeviceIP: w.DeviceIP, IssueDate: w.IssueDate, Risk: w.Risk,
	}
}
