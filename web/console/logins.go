package console

import (
	"errors"
	"slices"
	"strings"
	"time"

	"brygga/admin"
	"brygga/logins"
	"brygga/secret"
	"brygga/storage"
)

// loginsPages are those on which the help desk works.
func loginsPages() []page {
	return []page{
		{pattern: "GET /logins", operation: admin.SearchLogins, handle: listLogins},
		{pattern: "POST /logins/person", operation: admin.FindPerson, handle: findPerson},
		{pattern: "GET /logins/{reference}", operation: admin.ShowLogin, handle: tellLogin},
	}
}

// spans are how far back a list of logins reaches, and how far it reaches around a time.
var spans = map[string]time.Duration{"10m": 10 * time.Minute, "1h": time.Hour, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "30d": 30 * 24 * time.Hour, "400d": 400 * 24 * time.Hour}

// spanNames are they in order.
var spanNames = []string{"10m", "1h", "24h", "7d", "30d", "400d"}

// localTime is how a field of type datetime-local writes a time (HTML §2.3.5.5).
const localTime = "2006-01-02T15:04"

const loginsShown = 50

// listLogins shows the logins that the address asks for.
func listLogins(v *visit) error {
	l, f := v.list(), v.list().form()
	q := v.loginQuery(l, f)
	var found logins.Found
	var err error
	if !f.faulty() {
		if found, err = v.Admin.SearchLogins(v, v.actor, q); errors.Is(err, logins.ErrCursor) {
			return storage.ErrNotFound
		}
		if err != nil {
			return err
		}
	}
	l.next = found.Next
	body := loginList(v, l, f, found.Logins)
	if f.faulty() {
		return v.refuse(v.text("logins.title"), body)
	}
	return v.show(v.text("logins.title"), body)
}

// loginQuery reads what the address asks for, and adds faults to the form for what it cannot be.
func (v *visit) loginQuery(l *list, f *form) logins.Query {
	q := logins.Query{
		ClientID: f.get("client"), Outcome: logins.Outcome(f.get("outcome")), Cause: f.get("cause"), Device: f.get("device"), Kind: storage.Kind(f.get("kind")), EID: f.get("eid"), Subject: f.get("sub"), Person: f.get("person"),
		Before: l.after(), Limit: loginsShown,
	}
	if q.Outcome != "" && !q.Outcome.Known() {
		f.fault("outcome", v.text("logins.outcome.wrong"))
	}
	if q.Kind != "" && !slices.Contains(storage.Kinds(), q.Kind) {
		f.fault("kind", v.text("logins.kind.wrong"))
	}
	if q.EID != "" && !slices.Contains(logins.EIDs(), q.EID) {
		f.fault("eid", v.text("logins.eid.wrong"))
	}
	if text := f.get("reference"); text != "" {
		reference, err := storage.ParseReference(text)
		if err != nil {
			f.fault("reference", v.text("logins.reference.wrong"))
		}
		q.Reference = reference
		return q
	}
	span := spans[f.get("span")]
	if span == 0 {
		if span = spans["24h"]; q.Person != "" || q.Subject != "" {
			span = spans["400d"]
		}
	}
	q.From = v.Now().Add(-span)
	if text := f.get("around"); text != "" {
		at, err := logins.ParseClock(localTime, text)
		if err != nil {
			f.fault("around", v.text("logins.around.wrong"))
		}
		if f.get("span") == "" {
			span = spans["10m"]
		}
		q.From, q.To = at.Add(-span), at.Add(span)
	}
	if text := f.get("network"); text != "" {
		network, err := logins.ParseNetwork(text)
		if err != nil {
			f.fault("network", v.text("logins.network.wrong"))
		}
		q.Network = network
	}
	return q
}

// findPerson leads to the logins of a person. The number that was typed goes no further than package admin.
func findPerson(v *visit) error {
	f := v.form()
	pseudonym, err := v.Admin.FindPerson(v, v.actor, secret.New(identifierOf(f.get("number"))))
	f.forget("number")
	if errors.Is(err, admin.ErrPersonalNumber) {
		f.fault("number", v.text("logins.person.wrong"))
		return v.refuse(v.text("logins.title"), loginList(v, &list{path: at("logins")}, f, nil))
	}
	if err != nil {
		return err
	}
	return v.leave(at("logins")+"?person="+pseudonym, "")
}

// identifierOf returns a personal number without what people write between its digits, and any other text as it was typed.
func identifierOf(typed string) string {
	if digits := digitsOf(typed); strings.Trim(digits, "0123456789") == "" {
		return digits
	}
	return typed
}

// digitsOf returns what was typed without what people write between the digits of a number.
func digitsOf(text string) string {
	digits := make([]rune, 0, len(text))
	for _, r := range text {
		if r != '-' && r != ' ' && r != '\u00a0' {
			digits = append(digits, r)
		}
	}
	return string(digits)
}

// tellLogin tells the story of a login.
func tellLogin(v *visit) error {
	reference, err := storage.ParseReference(v.r.PathValue("reference"))
	if err != nil {
		return storage.ErrNotFound
	}
	stories, err := v.Admin.Stories(v, v.actor, reference, v.lang)
	if err != nil {
		return err
	}
	return v.show(v.text("logins.one", "reference", string(reference)), loginStories(v, stories))
}

// findLogin knows logins by their reference, and by what an app calls the person.
func findLogin(v *visit, text string) (string, error) {
	if !v.may(admin.SearchLogins) {
		return "", nil
	}
	if reference, err := storage.ParseReference(text); err == nil {
		found, err := v.Admin.SearchLogins(v, v.actor, logins.Query{Reference: reference, Limit: 1})
		if err != nil || len(found.Logins) == 0 {
			return "", err
		}
		return at("logins", string(reference)), nil
	}
	found, err := v.Admin.SearchLogins(v, v.actor, logins.Query{Subject: text, Limit: 1})
	if err != nil || len(found.Logins) == 0 {
		return "", err
	}
	return (&list{path: at("logins")}).with("sub", text), nil
}

// causeOptions are the causes that logins may have.
func (v *visit) causeOptions() []option {
	all := []option{{"", v.text("logins.any"), ""}}
	for _, word := range logins.Causes(v.lang) {
		all = append(all, option{word, v.cause(word), ""})
	}
	return all
}

// cause is what a cause is called, the word itself where it is not known.
func (v *visit) cause(word string) string {
	if short, _ := logins.Explain(v.lang, word); short != "" {
		return short
	}
	return word
}

// outcomeTone is the colour of an outcome.
func outcomeTone(o logins.Outcome) string {
	switch o {
	case logins.Completed:
		return "good"
	case logins.Failed:
		return "bad"
	case logins.Ended:
		return "warning"
	}
	return ""
}

// nearby is the address of the logins of that app, or network, around the time.
func nearby(l *logins.Login, name, value string) string {
	return (&list{path: at("logins")}).with("around", logins.Clock(l.Begun).Format(localTime), "span", "1h", name, value)
}
