// Package netiddialect is how pages that were written for an older login product speak of logins by Net iD Access: JSON by PUT, with the words of that
// product. The keys of its answers and the words in them are known, those of its requests are not, and so these are ours: see docs/netid.md.
//
// It owns words. Who may ask for what, and what becomes of it, is package web's.
package netiddialect

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"brygga/eid"
	"brygga/login"
	"brygga/netid"
	"brygga/secret"
	"brygga/web"
)

// New returns the dialect.
func New() web.Dialect { return dialect{} }

type dialect struct{}

// maxIdentifier bounds an identifier, and maxHandle an authRef, in bytes.
const (
	maxIdentifier = 256
	maxHandle     = 64
)

// Read reads a request: an object with an action, and the members that the action has. Each may stand there once, by exactly its name.
func (dialect) Read(body []byte) (asked web.Asked, err error) {
	members, err := membersOf(body)
	if err != nil {
		return asked, err
	}
	var identifier string
	to := map[string]any{"action": &asked.Do, "authRef": &asked.Handle, "identifier": &identifier, "touchPoints": &asked.TouchPoints}
	for name, value := range members {
		if to[name] == nil {
			return asked, errors.New("a member has another name than action, authRef, identifier and touchPoints")
		}
		if string(value) == "null" || json.Unmarshal(value, to[name]) != nil {
			return asked, errors.New(name + " is of another type")
		}
	}
	has := func(name string) bool { return members[name] != nil }
	switch {
	case !slices.Contains([]string{web.DoStart, web.DoPoll, web.DoCancel}, asked.Do):
		return asked, errors.New("action is none of start, poll and cancel")
	case asked.Do == web.DoStart && has("authRef"), asked.Do != web.DoStart && (has("identifier") || has("touchPoints")):
		return asked, errors.New("authRef is for poll and cancel, identifier and touchPoints are for start")
	case has("identifier") && (identifier == "" || len(identifier) > maxIdentifier), len(asked.Handle) > maxHandle:
		return asked, errors.New("identifier is empty, or one of the texts too long")
	case asked.TouchPoints < 0 || asked.TouchPoints > 255:
		return asked, errors.New("touchPoints is between 0 and 255")
	}
	if identifier != "" {
		asked.Identifier = secret.New(identifier)
	}
	return asked, nil
}

var errNoObject = errors.New("the body is not one JSON object in UTF-8, with each member once")

// membersOf returns the members of an object. One that stands there twice is read differently by different programs (RFC 8259 §4).
func membersOf(body []byte) (map[string]json.RawMessage, error) {
	members := make(map[string]json.RawMessage)
	decoder := json.NewDecoder(bytes.NewReader(body))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') || !utf8.Valid(body) {
		return nil, errNoObject
	}
	for decoder.More() {
		var value json.RawMessage
		name, err := decoder.Token()
		if err == nil {
			err = decoder.Decode(&value)
		}
		key, _ := name.(string)
		if err != nil || members[key] != nil {
			return nil, errNoObject
		}
		members[key] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errNoObject
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNoObject
	}
	return members, nil
}

// The values of status. The older product had FREJA_ERROR too, left over from another eID's page, which is never told.
const (
	statusAboutToStart = "ABOUT_TO_START"
	statusPending      = "PENDING"
	statusCompleted    = "COMPLETED"
	statusError        = "ERROR"
)

// answer is what a page is told.
type answer struct {
	Status     string `json:"status"`
	NiasStatus string `json:"niasStatus"`
	AuthRef    string `json:"authRef"`
	// LaunchURL and Location are ours: the older page made the one of the authRef, and was left by its server.
	LaunchURL string `json:"launchUrl,omitempty"`
	Location  string `json:"location,omitempty"`
}

// Tell returns the answer.
func (dialect) Tell(t web.Told) any {
	a := answer{AuthRef: t.Handle, LaunchURL: t.Launch.Reveal(), Location: t.Location}
	switch t.Stage {
	case web.StageNone, web.StageStarting:
		a.Status, a.NiasStatus = statusAboutToStart, string(netid.CodePending)
	case web.StagePending:
		a.Status, a.NiasStatus = statusPending, pending(netid.Code(t.Code))
	case web.StageComplete:
		a.Status, a.NiasStatus = statusCompleted, string(netid.CodeComplete)
	case web.StageFailed:
		a.Status, a.NiasStatus = statusError, ended(t)
	default:
		a.Status, a.NiasStatus = statusError, string(netid.CodeCancelled)
	}
	return a
}

// pending returns the word for a pending order: the service's where the older product had it, else the one that says most of the same.
func pending(code netid.Code) string {
	switch code {
	case netid.CodeOutstandingTransaction, netid.CodeUserSign:
		return string(code)
	case netid.CodeNoClient, "":
		return string(netid.CodeOutstandingTransaction)
	}
	return string(netid.CodePending)
}

// known are the codes of the older product by which an order ends. UNKNOWN_USER and USER_BLOCKED, which it had too, are not told: they say who has a
// credential.
var known = []netid.Code{
	netid.CodeInvalidParameters, netid.CodeAccessDenied, netid.CodeSignValidation, netid.CodeRetry, netid.CodeInternalError, netid.CodeAlreadyCollected,
	netid.CodeInvalidDeviceSW, netid.CodeAlreadyInProgress, netid.CodeUserCancel, netid.CodeCancelled, netid.CodeExpiredTransaction, netid.CodeUnknown,
}

// others are its words for what it had no code for, and for our reasons.
var others = map[string]netid.Code{
	string(netid.CodeStartFailed): netid.CodeExpiredTransaction,

	login.ReasonCancelled: netid.CodeCancelled, login.ReasonExpired: netid.CodeExpiredTransaction, login.ReasonReturn: netid.CodeCancelled,
	login.ReasonUnanswered: netid.CodeExpiredTransaction, login.ReasonTooMany: netid.CodeRetry, login.ReasonUnverified: netid.CodeSignValidation,
	eid.ReasonLost: netid.CodeAlreadyCollected, eid.ReasonAlreadyInProgress: netid.CodeAlreadyInProgress, eid.ReasonUnavailable: netid.CodeInternalError,
	eid.ReasonMaintenance: netid.CodeRetry, eid.ReasonRefused: netid.CodeAccessDenied, eid.ReasonRejected: netid.CodeInvalidParameters,
}

// ended returns the word for an order that came to nothing: what the service said, where that may be told, else what our reason is there.
func ended(t web.Told) string {
	if t.Reason == login.ReasonUnanswered { // what the service said tells of somebody who was named
		t.Code = ""
	}
	for _, code := range []netid.Code{netid.Code(t.Reason), netid.Code(t.Code), others[t.Reason]} {
		if slices.Contains(known, code) {
			return string(code)
		}
	}
	return string(netid.CodeUnknown)
}
