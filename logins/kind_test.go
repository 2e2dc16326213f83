package logins_test

import (
	"strings"
	"testing"
	"time"

	"brygga/audit"
	"brygga/login"
	"brygga/logins"
	"brygga/storage"
)

// TestSignaturesAreToldApart: a signature is told as one, in lists, in its story and in what is counted, and so is an order that came to the person by
// telephone.
func TestSignaturesAreToldApart(t *testing.T) {
	h := newHarness(t)
	signed := h.of(storage.KindSign, happened{"journal", anna, "sub", storage.DeviceCall, "192.0.2.7", audit.LoginCompleted, ""})
	h.of(storage.KindSign, happened{"journal", "", "", storage.DeviceOther, "192.0.2.7", audit.LoginFailed, "certificateErr"})
	plain := h.login(happened{"journal", anna, "sub", storage.DeviceCall, "192.0.2.7", audit.LoginCompleted, ""})
	for reference, want := range map[storage.Reference][3]string{
		signed: {"The app asked for the order, with the person on the telephone", "The order was sent to the person’s BankID app", "The person signed."},
		plain:  {"The app asked for the order, with the person on the telephone", "The order was sent to the person’s BankID app", "The person logged in."},
	} {
		stories, err := h.Stories(t.Context(), reference, "en", func(string) string { return "The Journal" })
		if err != nil || len(stories) != 1 {
			t.Fatalf("%d stories, %v", len(stories), err)
		}
		s := stories[0]
		if got := [3]string{s.Steps[0].Text, s.Steps[2].Text, s.Verdict}; got != want {
			t.Errorf("%s is told as %q", reference, got)
		}
		if text := s.Steps[1].Text; (text == "BankID signature started") != (reference == signed) {
			t.Errorf("%s began as %q", reference, text)
		}
	}
	h.read()
	last, counts, err := h.Last(t.Context(), "journal", 7)
	if err != nil || last.IsZero() || counts.Completed != 2 || counts.Signatures != 1 || counts.Devices[storage.DeviceCall] != 2 {
		t.Errorf("%+v, %v", counts, err)
	}
	for _, l := range h.find(logins.Query{ClientID: "journal", Limit: 10}) {
		if (l.Kind == string(storage.KindSign)) != (l.Reference != plain) {
			t.Errorf("%+v", l)
		}
	}
}

// TestPaymentsAreToldApart: a payment is told as one, and counted beside signatures.
func TestPaymentsAreToldApart(t *testing.T) {
	h := newHarness(t)
	paid := h.of(storage.KindPayment, happened{"shop", anna, "", storage.DeviceProgram, "192.0.2.7", audit.LoginCompleted, ""})
	h.of(storage.KindSign, happened{"shop", anna, "", storage.DeviceProgram, "192.0.2.7", audit.LoginCompleted, ""})
	for language, want := range map[string]string{"en": "BankID payment started: The person approved the payment.", "sv": "Betalning startad: Personen godkände betalningen."} {
		stories, err := h.Stories(t.Context(), paid, language, nil)
		if err != nil || len(stories) != 1 || stories[0].Steps[1].Text+": "+stories[0].Verdict != want {
			t.Errorf("told as %+v, %v", stories, err)
		}
	}
	h.read()
	if _, counts, err := h.Last(t.Context(), "shop", 7); err != nil || counts.Completed != 2 || counts.Payments != 1 || counts.Signatures != 1 {
		t.Errorf("%+v, %v", counts, err)
	}
	for _, l := range h.find(logins.Query{ClientID: "shop", Limit: 10}) {
		if (l.Kind == string(storage.KindPayment)) != (l.Reference == paid) {
			t.Errorf("%+v", l)
		}
	}
}

// TestLoginsByAnotherEID: a login is one, whichever the eID, in lists, in its story and in what is counted, but for what BankID is paid for.
func TestLoginsByAnotherEID(t *testing.T) {
	h := newHarness(t)
	for _, l := range []happened{
		{"journal", anna, "sub", storage.DeviceThis, "192.0.2.7", audit.LoginCompleted, ""},
		{"journal", anna, "sub", storage.DeviceThis, "192.0.2.7", audit.NetIDCompleted, ""},
		{"journal", "", "", storage.DeviceThis, "192.0.2.7", audit.NetIDFailed, "resultUnverified"},
		{"journal", "", "", storage.DeviceThis, "192.0.2.7", audit.NetIDFailed, "unavailable: RETRY"},
		{"journal", "", "", storage.DeviceThis, "192.0.2.7", audit.NetIDEnded, "pageCancel"},
	} {
		reference := h.login(l)
		stories, err := h.Stories(t.Context(), reference, "en", nil)
		if err != nil || len(stories) != 1 {
			t.Fatalf("%d stories, %v", len(stories), err)
		}
		s := stories[0]
		if steps := s.Steps; s.Orders != 1 || steps[len(steps)-1].Wrong != (l.outcome.Common() != audit.LoginCompleted) || steps[len(steps)-1].Text == "" {
			t.Errorf("%s is told as %+v", l.outcome, steps)
		}
		if want := map[audit.Type]logins.Outcome{audit.LoginCompleted: logins.Completed, audit.LoginFailed: logins.Failed, audit.LoginEnded: logins.Ended}[l.outcome.Common()]; s.Outcome != want {
			t.Errorf("%s stands as %s", l.outcome, s.Outcome)
		}
	}
	h.read()
	_, counts, err := h.Last(t.Context(), "journal", 7)
	if err != nil || counts.Orders != 5 || counts.Completed != 2 || counts.Failed != 2 || counts.Ended != 1 || counts.Refused != 1 || counts.Causes["unavailable"] != 1 || counts.Identified() != 1 {
		t.Errorf("%+v, %v", counts, err)
	}
}

// TestStoriesOfAnotherEIDSpeakOfIt: nobody who helps somebody with a card is told of BankID, whatever went wrong.
func TestStoriesOfAnotherEIDSpeakOfIt(t *testing.T) {
	h := newHarness(t)
	for _, word := range append(login.Reasons(), append(netIDWords(), "SOMETHING_NEW")...) {
		reference := h.login(happened{"journal", "", "", storage.DeviceOther, "192.0.2.7", audit.NetIDFailed, word + ": HTTP 503"})
		for _, language := range []string{"sv", "en"} {
			stories, err := h.Stories(t.Context(), reference, language, nil)
			if err != nil || len(stories) != 1 {
				t.Fatalf("%d stories, %v", len(stories), err)
			}
			s := stories[0]
			said := []string{s.Verdict, s.Means, s.Tell, s.Do}
			for _, step := range s.Steps {
				said = append(said, step.Text, step.Cause, step.Tell)
			}
			if text := strings.Join(said, "\n"); strings.Contains(text, "BankID") || strings.Contains(text, "bankid") || s.Means == "" || s.Tell == "" || s.Do == "" {
				t.Errorf("%s: %s is told as %s", language, word, text)
			}
			if want := language + ": netid" + word + " on other for journal"; s.Saw != want {
				t.Errorf("the page said %q, want %q", s.Saw, want)
			}
		}
	}
	for reference, eid := range map[storage.Reference]string{
		h.login(happened{"journal", "", "", storage.DeviceOther, "192.0.2.7", audit.LoginFailed, "unavailable"}): "BankID",
		h.login(happened{"journal", "", "", storage.DeviceOther, "192.0.2.7", audit.NetIDFailed, "unavailable"}): "Net iD",
	} {
		stories, err := h.Stories(t.Context(), reference, "en", nil)
		if err != nil || !strings.HasPrefix(stories[0].Means, eid+" could not be reached") {
			t.Errorf("%s: %v", eid, err)
		}
	}
}

// TestKindAndEIDAreFound: logins are found by what the person was asked for and by the eID of the last order, before the book has read them and after.
func TestKindAndEIDAreFound(t *testing.T) {
	h := newHarness(t)
	later := func(kind storage.Kind, l happened) storage.Reference {
		h.now = h.now.Add(2 * time.Minute)
		return h.of(kind, l)
	}
	plain := later("", happened{"journal", anna, "", storage.DeviceOther, "192.0.2.7", audit.LoginCompleted, ""})
	signed := later(storage.KindSign, happened{"journal", anna, "", storage.DeviceOther, "192.0.2.7", audit.LoginCompleted, ""})
	card := later("", happened{"journal", anna, "", storage.DeviceThis, "192.0.2.7", audit.NetIDFailed, "CERTIFICATE_ERR"})
	signedByCard := later(storage.KindSign, happened{"journal", anna, "", storage.DeviceThis, "192.0.2.7", audit.NetIDCompleted, ""})
	h.finds("the last signature by Net iD", logins.Query{EID: "netid", Kind: storage.KindSign}, signedByCard)
	h.read()
	h.finds("logins", logins.Query{Kind: storage.KindIdentify}, card, plain)
	h.finds("signatures", logins.Query{Kind: storage.KindSign}, signedByCard, signed)
	h.finds("payments", logins.Query{Kind: storage.KindPayment})
	h.finds("BankID", logins.Query{EID: "bankid"}, signed, plain)
	h.finds("Net iD", logins.Query{EID: "netid"}, signedByCard, card)
	h.finds("signatures by Net iD", logins.Query{EID: "netid", Kind: storage.KindSign, ClientID: "journal"}, signedByCard)
}

// TestEIDOfTheLastOrder: who begins by one eID and ends by another is found by the latter.
func TestEIDOfTheLastOrder(t *testing.T) {
	h := newHarness(t)
	record := storage.Login{ID: "login-both", Created: h.now}
	for _, kind := range []audit.Type{audit.NetIDStarted, audit.NetIDFailed, audit.LoginStarted, audit.LoginCompleted} {
		h.now = h.now.Add(time.Second)
		h.audit.Record(t.Context(), audit.Event{Type: kind, Identifier: record.ID, Reference: record.Reference(), ClientID: "journal"})
	}
	h.read()
	h.finds("Net iD", logins.Query{EID: "netid"})
	h.finds("BankID", logins.Query{EID: "bankid"}, record.Reference())
}
