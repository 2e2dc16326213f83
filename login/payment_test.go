package login_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brygga/audit"
	"brygga/bankid"
	"brygga/bankid/bankidsim"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

func toPay() *storage.Payment {
	return &storage.Payment{Type: storage.PaymentCard, Recipient: "Cykelboden", Amount: "4999,50", Currency: "SEK", RiskFlags: []string{"largeAmount"}}
}

// TestPayment has people approve payments for a program: the app shows them and no text of ours, the code must be written unless the client says otherwise,
// and what is kept proves what was approved.
func TestPayment(t *testing.T) {
	h := newSimHouse(t, nil)
	text := &storage.UserMessage{Text: map[string]string{"": "Beställning 17"}, Format: "plaintext"}
	warned := &storage.Payment{Type: storage.PaymentNone, Recipient: "Banken", RiskWarning: "Ring oss först"}
	if err := h.store.CreateClient(t.Context(), storage.Client{ID: "finger", Policy: storage.Policy{SignPinCode: "no", PinCode: "yes", VisibleText: map[string]string{"sv": "Logga in"}}}); err != nil {
		t.Fatal(err)
	}
	for word, request := range map[string]storage.AuthRequest{
		"card": {Payment: toPay()}, "none": {Payment: warned}, "text": {Payment: toPay(), UserMessage: text}, "finger": {Payment: toPay(), Nonce: "n"},
		"person": {Payment: toPay(), RequiredPersonalNumber: secret.New(asa)},
	} {
		l, err := h.program(word, request)
		if err != nil {
			t.Fatal(word, err)
		}
		asked := h.spoiler.asked[word]
		if asked.PinCode == (word == "finger") || asked.VisibleText != request.UserMessage.In("") || !cmp.Equal(asked.Payment, request.Payment) {
			t.Errorf("%s: asked for %+v", word, asked)
		}
		shown, err := h.sim.Order(l.Order.Ref.Reveal())
		if err != nil || shown.Kind != bankidsim.KindPayment || l.Order.Kind != storage.KindPayment || l.Request.Kind != storage.KindPayment {
			t.Errorf("%s: the app has %+v, the login an order of kind %s, %v", word, shown, l.Order.Kind, err)
		}
		h.approve(l, asa, bankidsim.Approval{})
		if l = h.settled(l); l.State != storage.LoginComplete || !l.Identity.PersonalNumber.Equal(secret.New(asa)) {
			t.Fatalf("%s: login is %s (%q)", word, l.State, l.Failure.Reason)
		}
		if record := h.wantEvidence(word, l); record.Sent.Kind != bankid.KindPayment || !cmp.Equal(record.Payment, request.Payment) {
			t.Errorf("%s: kept is %+v", word, record.Payment)
		}
		for _, event := range []audit.Type{audit.LoginStarted, audit.LoginCompleted} {
			if !slices.ContainsFunc(h.events(event), func(e storage.AuditEvent) bool {
				return e.Fields["IDENTIFIER"] == l.ID && e.Fields["KIND"] == "payment"
			}) {
				t.Errorf("%s: no event %s of a payment", word, event)
			}
		}
	}
}

// TestPaymentsAreAttacked plays every attack of the simulator against payments, where logins would be believed without proof: they never are.
func TestPaymentsAreAttacked(t *testing.T) {
	for _, mode := range []login.VerifyMode{login.VerifyOff, login.VerifyLog} {
		h := newSimHouse(t, func(o *login.Options) { o.Verify = mode })
		logins := map[string]*storage.Login{}
		for _, attack := range bankidsim.Attacks() {
			if attack == bankidsim.AttackOtherIP {
				continue // a program shows the code where it likes
			}
			h.spoiler.mu.Lock()
			h.spoiler.collect[attack] = bankidsim.Chaos{Attacks: []string{attack}}
			h.spoiler.mu.Unlock()
			request := storage.AuthRequest{Payment: toPay(), UserMessage: &storage.UserMessage{Text: map[string]string{"": "Beställning 17"}, Format: "plaintext"}}
			l, err := h.program(attack, request)
			if err != nil {
				t.Fatal(attack, err)
			}
			logins[attack] = l
			h.approve(l, asa, bankidsim.Approval{})
		}
		for attack, l := range logins {
			if l = h.settled(l); l.State != storage.LoginFailed || l.Identity != nil || l.EvidenceID != "" {
				t.Errorf("%s, %s: login is %s with %v", mode, attack, l.State, l.Identity)
			}
		}
	}
}

// TestPaymentsAreForProgramsAlone: nobody else can ask for one, by telephone or on a page.
func TestPaymentsAreForProgramsAlone(t *testing.T) {
	h := newSimHouse(t, nil)
	call := storage.AuthRequest{Payment: toPay(), Call: &storage.Call{Initiator: storage.CallByUser}, RequiredPersonalNumber: secret.New(asa)}
	if _, err := h.program("call", call); !errors.Is(err, login.ErrNoOrders) {
		t.Errorf("by telephone: %v", err)
	}
	l, err := h.Create(t.Context(), storage.AuthRequest{ClientID: "call", Payment: toPay()}, secret.New("binding"), "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Start(t.Context(), l.ID, storage.Starter{Device: storage.DeviceOther, IP: "192.0.2.1", Language: "sv"}); err == nil {
		t.Error("an order on a page")
	}
	for _, o := range h.sim.Orders(bankidsim.StatePending) {
		if o.Created.After(l.Created) && o.Kind == bankidsim.KindPayment {
			t.Errorf("BankID has %+v", o)
		}
	}
}

// TestPaymentIsNotMadeAnotherWay: BankID refuses a payment, and nobody is asked to log in by a text of ours in its place.
func TestPaymentIsNotMadeAnotherWay(t *testing.T) {
	h := newSimHouse(t, nil)
	h.spoiler.mu.Lock()
	h.spoiler.start["refused"] = bankidsim.Chaos{Errors: 1, ErrorStatus: 400, ErrorCode: string(bankid.CodeInvalidParameters)}
	h.spoiler.mu.Unlock()
	_, err := h.program("refused", storage.AuthRequest{Payment: toPay()})
	if unmade, ok := errors.AsType[*login.UnmadeError](err); !ok || unmade.Reason != login.ReasonRejected {
		t.Fatal(err)
	}
	if asked := h.spoiler.asked["refused"]; asked.VisibleText != "" || asked.Payment == nil {
		t.Errorf("asked for %+v", asked)
	}
	_, err = h.program("wrong", storage.AuthRequest{Payment: &storage.Payment{Type: storage.PaymentCard, Recipient: "Cykelboden"}})
	if unmade, ok := errors.AsType[*login.UnmadeError](err); !ok || unmade.Reason != login.ReasonRejected {
		t.Errorf("a card without money: %v", err)
	}
}

// TestPaymentProblem: what BankID would not take is known before anybody is asked, by the name of the member.
func TestPaymentProblem(t *testing.T) {
	for member, change := range map[string]func(*storage.Payment){
		"":                                       func(*storage.Payment) {},
		"userVisibleTransaction.transactionType": func(p *storage.Payment) { p.Type = "cash" },
		"userVisibleTransaction.recipient.name":  func(p *storage.Payment) { p.Recipient = strings.Repeat("a", 257) },
		"userVisibleTransaction.money":           func(p *storage.Payment) { p.Amount, p.Currency = "", "" },
		"userVisibleTransaction.money.amount":    func(p *storage.Payment) { p.Amount = "1.50" },
		"userVisibleTransaction.money.currency":  func(p *storage.Payment) { p.Currency = "kr" },
		"userVisibleTransaction.riskWarning":     func(p *storage.Payment) { p.RiskWarning = "\xff" },
		"riskFlags":                              func(p *storage.Payment) { p.RiskFlags = []string{"old"} },
	} {
		p := toPay()
		change(p)
		if got, reason := login.PaymentProblem(p); got != member || (reason != "") != (member != "") {
			t.Errorf("want %q, got %q: %s", member, got, reason)
		}
	}
}
