package logins

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"brygga/audit"
	"brygga/storage"
)

// Outcome is how a login stands as far as its events say.
type Outcome string

// The outcomes. A login that failed may be begun again by the person, and then stands as the last order does.
const (
	Started   Outcome = "started"
	Completed Outcome = "completed"
	Failed    Outcome = "failed"
	// Ended: cancelled on the page, or nobody opened the app in time.
	Ended Outcome = "ended"
)

// Known reports whether there is such an outcome.
func (o Outcome) Known() bool { return slices.Contains(Outcomes(), o) }

// Outcomes returns all outcomes.
func Outcomes() []Outcome { return []Outcome{Started, Completed, Failed, Ended} }

// Login is what lists show of a login.
type Login struct {
	Reference storage.Reference `json:"reference"`
	ID        string            `json:"login"`
	ClientID  string            `json:"client_id,omitempty"`
	// Begun is the minute in which the person came to the login page, Last when the last event was.
	Begun time.Time `json:"begun"`
	Last  time.Time `json:"last"`
	// Outcome is how the login stands, Cause the hint code of BankID or reason of ours why it failed or ended.
	Outcome Outcome `json:"outcome,omitempty"`
	Cause   string  `json:"cause,omitempty"`
	// Kind is what the person was asked for, "sign", "payment", or empty for to log in.
	Kind string `json:"kind,omitempty"`
	// EID names the eID of the last order, other than BankID; empty for BankID, and for logins that were read before there was another.
	EID     string `json:"eid,omitempty"`
	Device  string `json:"device,omitempty"`
	Browser string `json:"browser,omitempty"`
	Address string `json:"address,omitempty"`
	// Person is a pseudonym, Subject what the client calls the person.
	Person  string `json:"person,omitempty"`
	Subject string `json:"sub,omitempty"`
	// Seconds is how long it was from the page to the last event, Orders how many BankID orders people asked for.
	Seconds float64 `json:"seconds,omitempty"`
	Orders  int     `json:"orders,omitempty"`
	// Alerts are the security events of the login.
	Alerts []string `json:"alerts,omitempty"`
	// Expires is when the last of its events is gone.
	Expires time.Time `json:"expires"`
}

// maxAlerts bounds the security events that a row names.
const maxAlerts = 8

// ofKind reports whether the person was asked for that; empty is anything.
func (l *Login) ofKind(wanted storage.Kind) bool {
	return wanted == "" || wanted == storage.Kind(cmp.Or(l.Kind, string(storage.KindIdentify)))
}

// bankID is the eID whose name no row has.
const bankID = "bankid"

// EIDs returns the names of the eIDs by which logins are told apart, BankID first.
func EIDs() []string { return []string{bankID, "netid"} }

// byEID reports whether the last order was one of that eID; empty is any.
func (l *Login) byEID(wanted string) bool {
	return wanted == "" || wanted == cmp.Or(l.EID, bankID)
}

// isLogin reports whether the event tells of a login that has a reference.
func isLogin(e *storage.AuditEvent) bool {
	return e.Reference != "" && e.Fields["IDENTIFIER"] != ""
}

// add takes an event into what is known of the login. Events come in the order of the tree, which is nearly that of their times.
func (l *Login) add(e *storage.AuditEvent) {
	field := func(to *string, name string) {
		if value := e.Fields[name]; value != "" {
			*to = value
		}
	}
	if e.Expires.After(l.Expires) {
		l.Expires = e.Expires
	}
	kind := audit.Type(e.Type)
	if strings.HasPrefix(e.Type, "SEC_") && len(l.Alerts) < maxAlerts && !slices.Contains(l.Alerts, e.Type) {
		l.Alerts = append(l.Alerts, e.Type)
	}
	if l.ClientID == "" {
		l.ClientID = e.Fields["CLIENT_ID"]
	}
	if !e.Time.Before(l.Last) {
		l.Last = e.Time
		l.stand(kind, e.Fields["MESSAGE"])
	}
	if kind == audit.BindingRefused { // somebody else's address
		return
	}
	field(&l.Kind, "KIND")
	switch kind.Common() {
	case audit.LoginStarted, audit.LoginCompleted, audit.LoginFailed, audit.LoginEnded:
		l.EID = kind.OtherEID()
	}
	field(&l.Device, "DEVICE")
	field(&l.Browser, "BROWSER")
	once := func(to *string, name string) { // as a row leads here from it
		if *to == "" {
			*to = e.Fields[name]
		}
	}
	once(&l.Address, "SOURCE_ADDRESS")
	once(&l.Person, "SOURCE_USER_NAME")
	once(&l.Subject, "SUB")
	if seconds, err := strconv.ParseFloat(e.Fields["SECONDS"], 64); err == nil {
		l.Seconds = seconds
	}
	if kind.Common() == audit.LoginStarted {
		l.Orders++
	}
}

// stand sets how the login stands after an event.
func (l *Login) stand(kind audit.Type, message string) {
	word, _, _ := strings.Cut(message, ":")
	switch kind.Common() {
	case audit.LoginStarted:
		l.Outcome, l.Cause = Started, ""
	case audit.LoginCompleted:
		l.Outcome, l.Cause = Completed, ""
	case audit.LoginFailed:
		l.Outcome, l.Cause = Failed, word
	case audit.ReturnRefused:
		l.Outcome, l.Cause = Failed, word
	case audit.LoginEnded:
		l.Outcome, l.Cause = Ended, word
	}
}

// loginOf returns what is known of a login before its first event, of which e is one.
func loginOf(e *storage.AuditEvent) *Login {
	return &Login{Reference: e.Reference, ID: e.Fields["IDENTIFIER"], Begun: e.Reference.Begun(e.Time)}
}

func decodeLogin(text []byte) (*Login, error) {
	l := new(Login)
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("decode login: %w", err)
	}
	return l, nil
}
