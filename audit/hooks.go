package audit

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"brygga/storage"
)

// Hook is a name under which programs of others learn of some events, each as it happens and without anything of a person.
type Hook struct {
	Name string
	// Types are the events that it tells of.
	Types []Type
	// When says when it comes, in Markdown.
	When string
}

// hooks are all hooks. The first names are those that earlier systems of accounts gave what their hosts could hang on to.
var hooks = []Hook{
	{"after_login", []Type{LoginCompleted, NetIDCompleted}, "Somebody has logged in."},
	{"after_login_failed", []Type{LoginFailed, NetIDFailed}, "A login has failed; `reason` is a [reason](reasons.md)."},
	{"after_login_ended", []Type{LoginEnded, NetIDEnded}, "A login was cancelled, or nobody opened the app in time."},
	{"after_session_login", []Type{SessionUsed}, "An app got its answer out of a session, without a login."},
	{"after_logout", []Type{SessionEnded}, "Somebody has logged out."},
	{"after_reuse", []Type{CodeReused, TokenReused}, "A code or a refresh token was presented twice, and what it gave was revoked."},
	{"after_insert", []Type{OperatorInvited}, "An account of an operator was made."},
	{"after_confirm", []Type{OperatorActivated, OperatorEmailConfirmed}, "An operator has confirmed an e-mail address, with the link of an invitation or of a change."},
	{"after_operator_login", []Type{OperatorLoggedIn}, "An operator has logged in; `reason` says by what."},
	{"after_operator_locked", []Type{OperatorLocked}, "An account of an operator has to wait after too many attempts."},
	{"after_password_change", []Type{OperatorPasswordChanged}, "An operator has another password."},
	{"after_operator_change", []Type{OperatorChanged, OperatorCredentialAdded, OperatorCredentialRemoved}, "Rights, state, a second factor or a passkey of an operator changed."},
	{"after_delete", []Type{OperatorRemoved}, "An account of an operator is gone."},
	{"after_client_change", []Type{ClientAdded, ClientChanged, ClientSecretRotated, ClientRemoved}, "An app was added, changed or removed; `changed` names the settings."},
	{"after_key_change", []Type{KeyCreated, KeyActivated, KeyRetired, KeyRemoved}, "A signing key was made, signs, signs no more, or is gone."},
}

// Hooks returns all hooks.
func Hooks() []Hook { return slices.Clone(hooks) }

// HookOf returns the hook that tells of the event, "" for none.
func HookOf(t Type) string {
	i := slices.IndexFunc(hooks, func(h Hook) bool { return slices.Contains(h.Types, t) })
	if i < 0 {
		return ""
	}
	return hooks[i].Name
}

// Select returns what tells the events that are named: by a hook, by a number, or by how numbers begin, such as SEC_. No name stands for all. It
// returns the first name that stands for none.
func Select(names []string) (wants func(Type) bool, unknown string) {
	if len(names) == 0 {
		return func(Type) bool { return true }, ""
	}
	wanted := map[Type]bool{}
	for _, name := range names {
		before := len(wanted)
		for _, t := range Types() {
			if HookOf(t) == name || string(t) == name || strings.HasSuffix(name, "_") && strings.HasPrefix(string(t), name) {
				wanted[t] = true
				before = -1
			}
		}
		if before >= 0 {
			return nil, name
		}
	}
	return func(t Type) bool { return wanted[t] }, ""
}

// Outline is as much of an event as anybody may know: no address, no pseudonym of a person, no name of an operator, and no value of a setting.
type Outline struct {
	ID    string    `json:"id"`
	Event Type      `json:"event"`
	Text  string    `json:"text"`
	Time  time.Time `json:"time"`
	// Reference, ClientID, Transaction and Device are those of the login.
	Reference   string `json:"reference,omitempty"`
	ClientID    string `json:"client_id,omitempty"`
	Transaction string `json:"txn,omitempty"`
	Device      string `json:"device,omitempty"`
	Seconds     string `json:"seconds,omitempty"`
	Reason      string `json:"reason,omitempty"`
	// Operator is the ID of an account, Key that of a signing key.
	Operator string `json:"operator,omitempty"`
	Key      string `json:"key,omitempty"`
	// Changed are the names of settings.
	Changed []string `json:"changed,omitempty"`
}

// word is what a reason looks like: what is no single word may be text that somebody has typed.
var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

// OutlineOf returns the outline of an event that a hook tells of.
func OutlineOf(e *storage.AuditEvent) Outline {
	o := Outline{
		ID: e.ID, Event: Type(e.Type), Text: Type(e.Type).Text(), Time: e.Time.UTC(), Reference: string(e.Reference), ClientID: e.Fields["CLIENT_ID"],
		Transaction: e.Fields["TXN"], Device: e.Fields["DEVICE"], Seconds: e.Fields["SECONDS"], Changed: strings.Fields(e.Fields[fieldChanged]),
	}
	reason := e.Fields["MESSAGE"]
	if t := o.Event.Common(); t == LoginFailed || t == LoginEnded {
		reason, _, _ = strings.Cut(reason, ":") // what an eID service says of it is not for all
	}
	if word.MatchString(reason) {
		o.Reason = reason
	}
	switch family, _, _ := strings.Cut(e.Type, "_"); family {
	case "OPR":
		o.Operator = e.Fields["OBJECT"]
	case "KEY":
		o.Key = e.Fields["OBJECT"]
	}
	return o
}
