package netidlogin

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"brygga/eid"
	"brygga/personnummer"
	"brygga/secret"
	"brygga/storage"
)

// KindEmail is an identifier that nobody is known by: an address, which stands for an account.
const KindEmail = "email"

// Kinds returns the kinds of identifiers that people may be named by: the keys that they may be known by, and KindEmail.
func Kinds() []string { return append(storage.PersonKeys(), KindEmail) }

// Identifier is a rule for a kind of identifier that somebody may type: how it is recognised, and what of it the service is sent as its user ID. The
// person who then logs in has that user ID in the certificate, so that a rule which is wrong lets nobody in.
type Identifier struct {
	// Kind is one of Kinds. A personal number is read in any spelling that people use. Of the others blanks are left out, and capitals and small letters
	// are the same.
	Kind string
	// Pattern is the regular expression that the whole text matches, with the letters of UPNs and addresses small and all others capitals. Empty
	// leaves it at the form that the kind has. It is not for personal numbers.
	Pattern string
	// UserID is what is sent: {value} stands for the text and {local} for its part before the @. Empty means {value}.
	UserID string
	// Key is what the user ID is in the certificate, one of [storage.PersonKeys]. Empty means Kind, and for an e-mail address the UPN.
	Key string
}

// maxTyped bounds what somebody may type, in bytes.
const maxTyped = 200

// rule is an Identifier that was checked.
type rule struct {
	Identifier
	pattern *regexp.Regexp
}

// CheckIdentifiers returns what is wrong with o.Identifiers, with its place such as identifiers[1].pattern, or nil.
func (o *Options) CheckIdentifiers() (place string, err error) {
	_, place, err = o.rules()
	return place, err
}

// rules returns the rules of the options, or an error and its place. None that was given means personal numbers alone.
func (o *Options) rules() (all []rule, place string, err error) {
	if len(o.Identifiers) == 0 {
		return []rule{{Identifier: Identifier{Kind: storage.KeyPersonalNumber, Key: storage.KeyPersonalNumber}}}, "", nil
	}
	for i, id := range o.Identifiers {
		r, field, err := o.rule(id)
		if err == nil && slices.ContainsFunc(all, func(before rule) bool { return before.Kind == r.Kind }) {
			field, err = "kind", errors.New("the kind has a rule before")
		}
		if err != nil {
			return nil, fmt.Sprintf("identifiers[%d].%s", i, field), err
		}
		all = append(all, r)
	}
	return all, "", nil
}

// rule returns the rule that an Identifier makes, or an error and the name of the field that it is about.
func (o *Options) rule(id Identifier) (r rule, field string, err error) {
	r.Identifier = id
	switch {
	case id.Key == "" && id.Kind == KindEmail:
		r.Key = storage.KeyPrincipalName
	case id.Key == "":
		r.Key = id.Kind
	}
	switch {
	case !slices.Contains(Kinds(), id.Kind):
		return r, "kind", fmt.Errorf("%q is none of %s", id.Kind, strings.Join(Kinds(), ", "))
	case !slices.Contains(storage.PersonKeys(), r.Key):
		return r, "key", fmt.Errorf("%q is none of %s", r.Key, strings.Join(storage.PersonKeys(), ", "))
	case r.Key == storage.KeyHSAID && !o.readsHSAIDs():
		return r, "key", errors.New("no certificate is read for an hsaId: set serial_number_key")
	case id.Kind == storage.KeyPersonalNumber && id.Pattern != "":
		return r, "pattern", errors.New("personal numbers have none")
	case !wellFormed(r.UserID):
		return r, "user_id", errors.New("it must hold {value} or {local}, once, and no other braces")
	}
	if id.Pattern != "" {
		r.pattern, err = regexp.Compile("^(?:" + id.Pattern + ")$")
	}
	return r, "pattern", err
}

// readsHSAIDs reports whether the serial number of some issuer's certificates may be an HSA-ID.
func (o *Options) readsHSAIDs() bool {
	for _, issuer := range o.Issuers {
		if issuer.SerialNumberKey == storage.KeyHSAID {
			return true
		}
	}
	return o.SerialNumberKey == storage.KeyHSAID
}

// wellFormed reports whether what is sent depends on what was typed.
func wellFormed(userID string) bool {
	if userID == "" {
		return true
	}
	rest := strings.Replace(strings.Replace(userID, "{value}", "", 1), "{local}", "", 1)
	return len(userID)-len(rest) == len("{value}") && !strings.ContainsAny(rest, "{}")
}

// naming returns how people are named by the rules, nil where nobody may be.
func (m *method) naming() *eid.Naming {
	rules, _, err := m.rules()
	if !m.OtherDevice || err != nil { // of which New has told
		return nil
	}
	n := &eid.Naming{App: m.RegisteredName, Read: func(typed string) (storage.PersonKey, bool) { return read(rules, typed, m.Now()) }}
	for _, r := range rules {
		n.Kinds = append(n.Kinds, r.Kind)
	}
	return n
}

// read returns who is meant by the first rule that what was typed fits. What looks like a personal number and is none is a slip of the pen, and
// nobody's number of another kind.
func read(rules []rule, typed string, today time.Time) (storage.PersonKey, bool) {
	if len(typed) > maxTyped {
		return storage.PersonKey{}, false
	}
	for _, r := range rules {
		value, slip := r.normal(typed, today)
		if slip {
			break
		}
		if value == "" || r.pattern != nil && !r.pattern.MatchString(value) {
			continue
		}
		if person, ok := r.person(value); ok {
			return person, true
		}
	}
	return storage.PersonKey{}, false
}

// mailForm is the form of an address, in small letters.
var mailForm = regexp.MustCompile(`^[^@]+@[^@]+\.[^@.]+$`)

// normal returns the text in the form of the rule's kind, "" when it has none, and whether it is one with a slip.
func (r *rule) normal(typed string, today time.Time) (value string, slip bool) {
	if r.Kind == storage.KeyPersonalNumber {
		number, looks := personnummer.Read(typed, today)
		return number, looks && number == ""
	}
	text := strings.Join(strings.Fields(typed), "")
	if r.Kind == KindEmail {
		if text = strings.Map(lowerASCII, text); !mailForm.MatchString(text) {
			return "", false
		}
		return text, false
	}
	key, _ := Key(r.Kind, secret.New(text), "")
	return key.Value.Reveal(), false
}

// person returns who has the user ID that is sent for the value, or false when it can be nobody's.
func (r *rule) person(value string) (storage.PersonKey, bool) {
	id := value
	if r.UserID != "" {
		local, _, _ := strings.Cut(value, "@")
		id = strings.NewReplacer("{value}", value, "{local}", local).Replace(r.UserID)
	}
	if r.Key == storage.KeyPersonalNumber {
		return storage.PersonKey{Name: r.Key, Value: secret.New(id)}, personnummer.Valid(id)
	}
	return Key(r.Key, secret.New(id), "")
}
