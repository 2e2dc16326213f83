package console

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"brygga/logins"
	"brygga/storage"
)

// outcome is what an outcome is called.
func (v *visit) outcome(o logins.Outcome) string {
	if o == "" {
		return v.text("outcome.none")
	}
	return v.text("outcome." + string(o))
}

func (v *visit) outcomeOptions() []option {
	all := []option{{"", v.text("logins.any"), ""}}
	for _, o := range logins.Outcomes() {
		all = append(all, option{string(o), v.outcome(o), ""})
	}
	return all
}

// device is where BankID was, in words.
func (v *visit) device(of string) string {
	if !slices.Contains(storage.Devices(), of) {
		return of
	}
	return v.text("device." + of)
}

// kind is what the person was asked for, in words; empty for to log in, which most are.
func (v *visit) kind(of string) string {
	if !storage.Kind(of).Commits() {
		return of
	}
	return v.text("logins.kind." + of)
}

// orderKinds are what people may have been asked for.
func (v *visit) orderKinds() []option {
	all := []option{{"", v.text("logins.any"), ""}}
	for _, kind := range storage.Kinds() {
		all = append(all, option{string(kind), v.text("logins.kind." + string(kind)), ""})
	}
	return all
}

// severalEIDs reports whether people may choose between eIDs, so that which one is worth a word.
func (v *visit) severalEIDs() bool { return len(v.Admin.EIDs()) > 1 }

// eid is what an eID is called by the name that rows have, BankID without one.
func (v *visit) eid(name string) string {
	if key := "logins.eid." + cmp.Or(name, logins.EIDs()[0]); hasText(key) {
		return v.text(key)
	}
	return name
}

func (v *visit) eidOptions() []option {
	all := []option{{"", v.text("logins.any"), ""}}
	for _, name := range logins.EIDs() {
		all = append(all, option{name, v.eid(name), ""})
	}
	return all
}

func (v *visit) deviceOptions() []option {
	all := []option{{"", v.text("logins.any"), ""}}
	for _, name := range storage.Devices() {
		all = append(all, option{name, v.device(name), ""})
	}
	return all
}

func (v *visit) deviceAndBrowser(l *logins.Login) string {
	if l.Browser == "" {
		return v.device(l.Device)
	}
	return strings.TrimPrefix(v.device(l.Device)+" · "+l.Browser, " · ")
}

func (v *visit) spanOptions() []option {
	all := []option{{"", v.text("logins.any"), ""}}
	for _, name := range spanNames {
		all = append(all, option{name, v.text("span." + name), ""})
	}
	return all
}

// seconds writes how long something took, empty for nothing.
func (v *visit) seconds(s float64) string {
	if s == 0 {
		return ""
	}
	text := strconv.FormatFloat(s, 'f', 1, 64) + "\u00a0s"
	if v.lang == "sv" {
		text = strings.Replace(text, ".", ",", 1)
	}
	return text
}

// supplierText is a login as a supplier may know it: without the person, the address and what is said of either.
func supplierText(s *logins.Story) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %s %s %s\n", s.Reference, s.Begun.UTC().Format(time.RFC3339), s.ClientID, s.Outcome, s.Cause, s.Browser)
	for _, step := range s.Steps {
		fmt.Fprintf(&b, "%s +%.1f s %s %s\n", step.Time.UTC().Format(time.RFC3339), step.After, step.Word, step.Message)
	}
	return b.String()
}
