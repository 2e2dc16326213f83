package bankid

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"brygga/bankid/bankidsim"
	"brygga/secret"
)

var cardPayment = Transaction{Type: TransactionCard, Recipient: "Butiken", Money: Money{"1000,00", "SEK"}}

// TestPaymentOnTheWire: the bytes of a request, and the tokens of its order.
func TestPaymentOnTheWire(t *testing.T) {
	var sent string
	p := newPeer(t, func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.URL.Path != "/rp/v6.0/payment" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s as %q: %v", r.Method, r.URL.Path, r.Header.Get("Content-Type"), err)
		}
		sent = string(text)
		io.WriteString(w, startedBody)
	})
	a := newAPI(t, p.options())
	warned := Transaction{Type: TransactionNonPayment, Recipient: "Rån & son", RiskWarning: "Se upp"}
	for _, tt := range []struct {
		name    string
		request PaymentRequest
		want    string
	}{
		{"card", PaymentRequest{AuthRequest: AuthRequest{EndUserIP: endUser}, Transaction: cardPayment},
			`{"endUserIp":"203.0.113.7","userVisibleTransaction":{"transactionType":"card","recipient":{"name":"Butiken"},"money":{"amount":"1000,00","currency":"SEK"}}}`},
		{"no payment, and all besides", PaymentRequest{
			AuthRequest: AuthRequest{
				EndUserIP: endUser, UserVisibleData: "Hej", UserNonVisibleData: []byte("sum"), ReturnURL: secret.New("https://a.se/"), ReturnRisk: true,
				Requirement: Requirement{PinCode: true}, App: &App{DeviceOS: "iOS 26"},
			},
			Transaction: warned, RiskFlags: []RiskFlag{"newCard", "other"},
		}, `{"endUserIp":"203.0.113.7","userVisibleData":"SGVq","userNonVisibleData":"c3Vt","returnUrl":"https://a.se/","returnRisk":true,` +
			`"requirement":{"pinCode":true},"app":{"deviceOS":"iOS 26"},` +
			`"userVisibleTransaction":{"transactionType":"npa","recipient":{"name":"Rån & son"},"riskWarning":"Se upp"},"riskFlags":["newCard","other"]}`},
	} {
		o, err := a.Payment(t.Context(), tt.request)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if sent = strings.NewReplacer(`\u0026`, "&", "\n", "").Replace(sent); sent != tt.want {
			t.Errorf("%s: sent\n%s, want\n%s", tt.name, sent, tt.want)
		}
		if o.Kind != KindPayment || o.OrderRef.Reveal() != testRef || o.QRData(o.ReceivedAt).IsZero() || o.AutoStartToken.IsZero() {
			t.Errorf("%s: the order is %+v", tt.name, o)
		}
	}
}

// TestPaymentLimits changes one member of a payment by card.
func TestPaymentLimits(t *testing.T) {
	const in = "userVisibleTransaction."
	s := strings.Repeat
	npa := func(r *PaymentRequest) { r.Transaction.Type, r.Transaction.Money = TransactionNonPayment, Money{} }
	money := func(amount, currency string) func(*PaymentRequest) {
		return func(r *PaymentRequest) { r.Transaction.Money = Money{amount, currency} }
	}
	for _, tt := range []struct {
		name   string
		change func(*PaymentRequest)
		field  string // of the fault, or empty if the request is right
	}{
		{"card", func(*PaymentRequest) {}, ""},
		{"no payment", npa, ""},
		{"no address", func(r *PaymentRequest) { r.AuthRequest = AuthRequest{} }, "endUserIp"},
		{"text too long", func(r *PaymentRequest) { r.UserVisibleData = s("a", 1126) }, "userVisibleData"},
		{"no transaction", func(r *PaymentRequest) { r.Transaction = Transaction{} }, in + "transactionType"},
		{"other type", func(r *PaymentRequest) { r.Transaction.Type = "cash" }, in + "transactionType"},
		{"no recipient", func(r *PaymentRequest) { r.Transaction.Recipient = "" }, in + "recipient.name"},
		{"longest recipient", func(r *PaymentRequest) { r.Transaction.Recipient = s("a", 256) }, ""},
		{"recipient too long", func(r *PaymentRequest) { r.Transaction.Recipient = s("a", 257) }, in + "recipient.name"},
		{"recipient not UTF-8", func(r *PaymentRequest) { r.Transaction.Recipient = "\xff" }, in + "recipient.name"},
		{"card without money", func(r *PaymentRequest) { r.Transaction.Money = Money{} }, in + "money"},
		{"money without card", func(r *PaymentRequest) { r.Transaction.Type = TransactionNonPayment }, in + "money"},
		{"currency without card", func(r *PaymentRequest) { npa(r); r.Transaction.Money.Currency = "SEK" }, in + "money"},
		{"nothing", money("0", "SEK"), ""},
		{"three digits behind", money("100,000", "SEK"), ""},
		{"no amount", money("", "SEK"), in + "money.amount"},
		{"point for comma", money("1.50", "SEK"), in + "money.amount"},
		{"two commas", money("1,5,0", "SEK"), in + "money.amount"},
		{"nothing before the comma", money(",50", "SEK"), in + "money.amount"},
		{"nothing behind the comma", money("1,", "SEK"), in + "money.amount"},
		{"less than nothing", money("-1", "SEK"), in + "money.amount"},
		{"space between digits", money("1 000", "SEK"), in + "money.amount"},
		{"digits of others", money("١٠٠", "SEK"), in + "money.amount"},
		{"longest amount", money(s("1", 64), "SEK"), ""},
		{"amount too long", money(s("1", 65), "SEK"), in + "money.amount"},
		{"no currency", money("1", ""), in + "money.currency"},
		{"currency in small letters", money("1", "sek"), in + "money.currency"},
		{"currency of four letters", money("1", "SEKK"), in + "money.currency"},
		{"currency with å", money("1", "ÅK"), in + "money.currency"},
		{"longest warning", func(r *PaymentRequest) { r.Transaction.RiskWarning = s("a", 256) }, ""},
		{"warning too long", func(r *PaymentRequest) { r.Transaction.RiskWarning = s("a", 257) }, in + "riskWarning"},
		{"all flags", func(r *PaymentRequest) { r.RiskFlags = RiskFlags() }, ""},
		{"unknown flag", func(r *PaymentRequest) { r.RiskFlags = []RiskFlag{"newCard", "old"} }, "riskFlags"},
		{"a million flags", func(r *PaymentRequest) { r.RiskFlags = slices.Repeat([]RiskFlag{"other"}, 1_000_000) }, "riskFlags"},
		{"flag twice", func(r *PaymentRequest) { r.RiskFlags = []RiskFlag{"other", "newCard", "other"} }, "riskFlags"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := PaymentRequest{AuthRequest: AuthRequest{EndUserIP: endUser}, Transaction: cardPayment}
			tt.change(&r)
			_, err := r.wire()
			checkField(t, err, tt.field)
		})
	}
}

// TestInvalidPaymentsAreNotSent: BankID does not see a payment without a sum.
func TestInvalidPaymentsAreNotSent(t *testing.T) {
	p := newPeer(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	r := PaymentRequest{AuthRequest: AuthRequest{EndUserIP: endUser}, Transaction: cardPayment}
	r.Transaction.Money = Money{}
	_, err := newAPI(t, p.options()).Payment(t.Context(), r)
	checkField(t, err, "userVisibleTransaction.money")
}

// TestVerifyResultOfAnotherPayment: what was signed along tells one payment from another, and from a login.
func TestVerifyResultOfAnotherPayment(t *testing.T) {
	s := newSimulated(t)
	_, want, err := s.complete(t, simulatedOrder{kind: KindPayment, person: simulatedPerson, hidden: []byte("this payment"), paid: cardPayment})
	if err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]simulatedOrder{
		"another payment": {kind: KindPayment, person: simulatedPerson, hidden: []byte("that payment"), paid: cardPayment},
		"a login":         {kind: KindAuth, person: simulatedPerson, hidden: []byte("login")},
	} {
		data, _, err := s.complete(t, other)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.verifier.Verify(data, want)
		t.Log(name)
		wantCheck(t, err, CheckNonVisibleData)
	}
	if err := s.SetChaos(bankidsim.Chaos{Attacks: []string{bankidsim.AttackSignForAuth}}); err != nil {
		t.Fatal(err)
	}
	data, want, err := s.complete(t, simulatedOrder{kind: KindPayment, person: simulatedPerson, paid: cardPayment})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.verifier.Verify(data, want)
	wantCheck(t, err, CheckFunction)
}
