package evidence

import (
	"strings"
	"testing"

	"brygga/bankid"
	"brygga/storage"
)

var bought = storage.Payment{
	Type: storage.PaymentCard, Recipient: "Cykelboden & son", Amount: "4999,50", Currency: "SEK", RiskWarning: "Ovanligt stort belopp", RiskFlags: []string{"largeAmount", "newRecipient"},
}

// paid runs a payment at the simulator, and returns what is known of it afterwards.
func paid(t testing.TB, p storage.Payment, text string) *Record {
	t.Helper()
	transaction := bankid.Transaction{Type: bankid.TransactionType(p.Type), Recipient: p.Recipient, Money: bankid.Money{Amount: p.Amount, Currency: p.Currency}, RiskWarning: p.RiskWarning}
	record := completed(t, bankid.KindPayment, text, "", PaymentData([]byte("login"), &p), func(api *bankid.API, request bankid.AuthRequest) (bankid.Order, error) {
		return api.Payment(t.Context(), bankid.PaymentRequest{AuthRequest: request, Transaction: transaction})
	})
	record.Payment = &p
	return record
}

// TestPayment: what was approved is told in plain words, and proven.
func TestPayment(t *testing.T) {
	for name, tt := range map[string]struct {
		payment    storage.Payment
		text, want string
	}{
		"card": {bought, "", `approved a payment by card of 4999,50 SEK to "Cykelboden & son", with the warning "Ovanligt stort belopp", which the app was to show and whose SHA-256 was signed along; BankID alone was told largeAmount, newRecipient`},
		"no payment, with a text": {storage.Payment{Type: storage.PaymentNone, Recipient: "Banken"}, "Lägg till kort",
			`approved for "Banken" what is no payment, which the app was to show and whose SHA-256 was signed along; the app showed the text "Lägg till kort"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := wholeOf(t, paid(t, tt.payment, tt.text))
			r := Verify(must(Read(must(s.file.Text()))), s.anchors)
			what := statement(r, "what")
			if !r.OK || r.Verdict(CheckPayment) != Passed || !what.Proven || !strings.HasPrefix(what.Answer, tt.want) {
				t.Errorf("%t: %q, %+v", r.OK, what.Answer, r.Findings)
			}
		})
	}
}

// paymentChanges are ways to falsify evidence of a payment, each with the check that finds it.
func paymentChanges(s *sample) map[string]change {
	in := func(do func(*storage.Payment)) *File {
		return s.with(func(r *Record) {
			p := *r.Payment
			do(&p)
			r.Payment = &p
		})
	}
	all := map[string]change{
		"another sum":       {in(func(p *storage.Payment) { p.Amount = "99,50" }), CheckPayment},
		"another currency":  {in(func(p *storage.Payment) { p.Currency = "NOK" }), CheckPayment},
		"another recipient": {in(func(p *storage.Payment) { p.Recipient = "Bilboden" }), CheckPayment},
		"no payment":        {in(func(p *storage.Payment) { p.Type, p.Amount, p.Currency = "npa", "", "" }), CheckPayment},
		"no warning":        {in(func(p *storage.Payment) { p.RiskWarning = "" }), CheckPayment},
		"a flag less":       {in(func(p *storage.Payment) { p.RiskFlags = p.RiskFlags[1:] }), CheckPayment},
		"another sum, and its own in the data": {s.with(func(r *Record) {
			p := *r.Payment
			p.Amount = "99,50"
			r.Payment, r.Sent.UserNonVisibleData = &p, PaymentData([]byte("login"), &p)
		}), bankid.CheckNonVisibleData},
		"data of a login":   {s.with(func(r *Record) { r.Sent.UserNonVisibleData = []byte("bG9naW4=") }), CheckPayment},
		"nothing of it":     {s.with(func(r *Record) { r.Payment = nil }), CheckRecord},
		"a login":           {s.with(func(r *Record) { r.Payment, r.Sent.Kind = nil, bankid.KindAuth }), CheckRecord},
		"a login that pays": {s.with(func(r *Record) { r.Sent.Kind = bankid.KindAuth }), CheckRecord},
		"a signature":       {s.with(func(r *Record) { r.Payment, r.Sent.Kind = nil, bankid.KindSign }), bankid.CheckFunction},
		"another login's":   {s.with(func(r *Record) { r.Sent.UserNonVisibleData = PaymentData([]byte("other"), r.Payment) }), bankid.CheckNonVisibleData},
	}
	return all
}

func TestEveryChangeOfAPaymentIsRefused(t *testing.T) {
	s := wholeOf(t, paid(t, bought, ""))
	all := paymentChanges(s)
	for name, c := range all {
		if r := Verify(c.file, s.anchors); r.OK || r.Verdict(string(c.check)) != Refused {
			t.Errorf("%s: got %t with %s, want it refused by %s; %+v", name, r.OK, r.Verdict(string(c.check)), c.check, r.Findings)
		}
	}
	agrees(t, s, all, must(simulator().SignatureRootPEM()))
}

// TestPaymentData: payments that differ in anything have other sums, and one login's data is not another's.
func TestPaymentData(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range []storage.Payment{
		{}, {Type: "card"}, {Recipient: "card"}, {Amount: "1"}, {Currency: "1"}, {RiskWarning: "1"}, {RiskFlags: []string{"1"}}, {RiskFlags: []string{"1", "1"}},
		{Recipient: "a", Amount: "1"}, {Recipient: `a","amount":"1`},
	} {
		for _, binding := range []string{"one", "two"} {
			data := string(PaymentData([]byte(binding), &p))
			if seen[data] {
				t.Errorf("%+v has the data of another", p)
			}
			seen[data] = true
		}
	}
}
