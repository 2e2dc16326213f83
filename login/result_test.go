package login_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// asking stores a client with that policy and returns a new login of its.
func (h *house) asking(policy storage.Policy) *storage.Login {
	h.t.Helper()
	client, err := h.store.Client(h.t.Context(), "app")
	if err != nil {
		h.t.Fatal(err)
	}
	client.Policy = policy
	if err := h.store.UpdateClient(h.t.Context(), *client); err != nil {
		h.t.Fatal(err)
	}
	return h.begin()
}

// TestPolicyOfResults_T16_T06 runs one result under one policy: what is refused, and what is accepted with an audit event.
func TestPolicyOfResults_T16_T06(t *testing.T) {
	const ip4in6 = "::ffff:192.0.2.1"
	born := func(date string) func(*storage.Identity) {
		return func(i *storage.Identity) { i.PersonalNumber = secret.New(date + "0000") }
	}
	risk := func(word string) func(*storage.Identity) { return func(i *storage.Identity) { i.Risk = word } }
	from := func(ip string) func(*storage.Identity) { return func(i *storage.Identity) { i.DeviceIP = ip } }
	today := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where synctest begins
	tests := []struct {
		name     string
		starter  storage.Starter
		policy   storage.Policy
		identity func(*storage.Identity)
		unmet    string
		reason   string
		doubt    string
	}{
		{"moderate risk is told by default", other, storage.Policy{}, risk("moderate"), "", "", "riskTooHigh: moderate"},
		{"moderate risk accepted", other, storage.Policy{ModerateRisk: "accept"}, risk("moderate"), "", "", ""},
		{"moderate risk refused", other, storage.Policy{ModerateRisk: "refuse"}, risk("moderate"), "", login.ReasonRisk, ""},
		{"high risk refused by default", other, storage.Policy{}, risk("high"), "", login.ReasonRisk, ""},
		{"high risk told", other, storage.Policy{HighRisk: "audit"}, risk("high"), "", "", "riskTooHigh: high"},
		{"high risk accepted", other, storage.Policy{HighRisk: "accept"}, risk("high"), "", "", ""},
		{"unknown risk is as moderate", other, storage.Policy{ModerateRisk: "refuse"}, risk("extreme"), "", login.ReasonRisk, ""},
		{"no risk", other, storage.Policy{ModerateRisk: "refuse", HighRisk: "refuse"}, risk(""), "", "", ""},
		{"risk of this device refused", this, storage.Policy{}, risk("high"), "", login.ReasonRisk, ""},

		{"old enough today", other, storage.Policy{MinimumAge: 18}, born(today.AddDate(-18, 0, 0).Format("20060102")), "", "", ""},
		{"old enough tomorrow", other, storage.Policy{MinimumAge: 18}, born(today.AddDate(-18, 0, 1).Format("20060102")), "", login.ReasonTooYoung, ""},
		{"coordination number", other, storage.Policy{MinimumAge: 18}, born("19700173"), "", "", ""},
		{"no date of birth", other, storage.Policy{MinimumAge: 1}, born("19701301"), "", login.ReasonTooYoung, ""},
		{"any age", other, storage.Policy{}, born("19991231"), "", "", ""},

		{"another address is told by default", this, storage.Policy{}, from("198.51.100.9"), "", "", "otherAddress"},
		{"another address refused", this, storage.Policy{AddressCheck: "refuse"}, from("198.51.100.9"), "", login.ReasonOtherAddress, ""},
		{"another address off", this, storage.Policy{AddressCheck: "off"}, from("198.51.100.9"), "", "", ""},
		{"no address refused", this, storage.Policy{AddressCheck: "refuse"}, from(""), "", login.ReasonOtherAddress, ""},
		{"same address in IPv6", this, storage.Policy{AddressCheck: "refuse"}, from(ip4in6), "", "", ""},
		{"another address with another device", other, storage.Policy{AddressCheck: "refuse"}, from("198.51.100.9"), "", "", ""},

		{"unmet demand", other, storage.Policy{}, risk("low"), "mrtd", login.ReasonUnmet, ""},
		{"a document that the service does not miss", other, storage.Policy{MRTD: "yes"}, risk("low"), "", login.ReasonUnmet, ""},
		{"a document", other, storage.Policy{MRTD: "yes"}, func(i *storage.Identity) { i.MRTD = true }, "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				identity := tolvan()
				tt.identity(&identity)
				progress := complete(identity)
				progress.Unmet = tt.unmet
				h.service.set(1, progress, nil)
				l, err := h.Start(t.Context(), h.asking(tt.policy).ID, tt.starter)
				if err != nil {
					t.Fatal(err)
				}
				l = h.after(3*time.Second, l)
				refused, doubts := h.events(audit.ResultRefused), h.events(audit.ResultDoubtful)
				if tt.reason == "" {
					h.wantState(l, storage.LoginComplete, "")
				} else if h.wantState(l, storage.LoginFailed, tt.reason); len(refused) != 1 || l.Identity != nil {
					t.Errorf("refused with %v and identity %v", refused, l.Identity)
				}
				if told := len(doubts) == 1 && doubts[0].Fields["MESSAGE"] == tt.doubt; told != (tt.doubt != "") || len(doubts) > 1 {
					t.Errorf("doubts are %v, want %q", doubts, tt.doubt)
				}
			})
		})
	}
}

// TestBalancedReturn_T04 asks when a login for this device counts without the return.
func TestBalancedReturn_T04(t *testing.T) {
	balanced := storage.Policy{Return: storage.ReturnBalanced}
	known := this
	known.DeviceIdentifier = "device"
	elsewhere, risky := tolvan(), tolvan()
	elsewhere.DeviceIP = "198.51.100.9"
	risky.Risk = "moderate"
	unjudged := tolvan()
	unjudged.Risk = ""
	for _, tt := range []struct {
		name     string
		policy   storage.Policy
		starter  storage.Starter
		identity storage.Identity
		want     bool
	}{
		{"balanced", balanced, known, tolvan(), true},
		{"strict", storage.Policy{Return: storage.ReturnStrict}, known, tolvan(), false},
		{"by default", storage.Policy{}, known, tolvan(), false},
		{"another address", balanced, known, elsewhere, false},
		{"another address unchecked", storage.Policy{Return: storage.ReturnBalanced, AddressCheck: "off"}, known, elsewhere, false},
		{"moderate risk", balanced, known, risky, false},
		{"no risk", balanced, known, unjudged, false},
		{"no device cookie", balanced, this, tolvan(), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, nil)
				defer h.close()
				h.service.set(1, complete(tt.identity), nil)
				l, err := h.Start(t.Context(), h.asking(tt.policy).ID, tt.starter)
				if err != nil {
					t.Fatal(err)
				}
				l = h.after(3*time.Second, l)
				h.wantState(l, storage.LoginComplete, "")
				if l.Answerable() != tt.want || l.ReturnWaived != tt.want || (len(h.events(audit.ReturnWaived)) == 1) != tt.want {
					t.Errorf("answerable %v, waived %v, events %v; want %v", l.Answerable(), l.ReturnWaived, h.events(audit.ReturnWaived), tt.want)
				}
				// A wrong nonce takes back what was waived.
				if l, err = h.Return(t.Context(), l.ID, secret.New("guess"), "203.0.113.5"); !errors.Is(err, login.ErrReturnRefused) || l.Answerable() {
					t.Errorf("a wrong nonce: %v, answerable %v", err, l.Answerable())
				}
			})
		})
	}
}

// TestPolicyOfOrders looks at what the service is asked for.
func TestPolicyOfOrders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, func(o *login.Options) {
			o.Policy = storage.Policy{PinCode: "yes", CardReader: "class1", VisibleText: map[string]string{"sv": "Hej {client}", "de": "Hallo"}}
			o.VisibleText = func(c *storage.Client, language string) string { return "own " + language }
		})
		defer h.close()
		ask := func(policy storage.Policy, language string) eid.Request {
			starter := other
			starter.Language = language
			if _, err := h.Start(t.Context(), h.asking(policy).ID, starter); err != nil {
				t.Fatal(err)
			}
			return h.service.request(h.service.orders())
		}
		r := ask(storage.Policy{}, "sv-FI")
		if !r.PinCode || r.MRTD || r.CardReader != "class1" || r.VisibleText != "Hej Appen" || r.VisibleFormat != "plaintext" || r.Certificate != "" {
			t.Errorf("the installation's policy brought %+v", r)
		}
		r = ask(storage.Policy{
			PinCode: "no", MRTD: "yes", VisibleText: map[string]string{"sv": "# {client}"}, VisibleFormat: "simpleMarkdownV1", Certificate: "second",
			CertificatePolicies: []string{"1.2.3.4.10"},
		}, "sv")
		if r.PinCode || !r.MRTD || r.CardReader != "class1" || r.VisibleText != "# Appen" || r.VisibleFormat != "simpleMarkdownV1" ||
			r.Certificate != "second" || !slices.Equal(r.CertificatePolicies, []string{"1.2.3.4.10"}) {
			t.Errorf("the client's policy brought %+v", r)
		}
		r = ask(storage.Policy{VisibleText: map[string]string{"sv": "# {client}"}, VisibleFormat: "simpleMarkdownV1"}, "en")
		if r.VisibleText != "own en" || r.VisibleFormat != "plaintext" {
			t.Errorf("a language without a text brought %q as %s", r.VisibleText, r.VisibleFormat)
		}
	})
}

// TestResultNeedsItsClient loses the client, and with it the policy, while the result is on its way.
func TestResultNeedsItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openStore(t, filepath.Join(t.TempDir(), "store"))
		if err := store.CreateClient(t.Context(), storage.Client{ID: "app"}); err != nil {
			t.Fatal(err)
		}
		h := runHouse(t, store, newService(), nil)
		defer h.close()
		l := h.started(other)
		if err := store.RemoveClient(t.Context(), "app", time.Now()); err != nil {
			t.Fatal(err)
		}
		h.service.set(1, complete(tolvan()), nil)
		h.wantState(h.after(3*time.Second, l), storage.LoginFailed, login.ReasonLost)
	})
}
