package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"brygga/bankid"
	"brygga/storage"
)

// CheckPayment is made of payments alone: what was signed names this very payment.
const CheckPayment = "payment"

// wirePayment is a payment as records have it, and what its sum is taken of. Its members never change their meaning within one format.
type wirePayment struct {
	Type        string   `json:"type"` // card, npa
	Recipient   string   `json:"recipient"`
	Amount      string   `json:"amount,omitempty"`
	Currency    string   `json:"currency,omitempty"`
	RiskWarning string   `json:"risk_warning,omitempty"`
	RiskFlags   []string `json:"risk_flags,omitempty"`
}

func wireOfPayment(p *storage.Payment) *wirePayment {
	if p == nil {
		return nil
	}
	return &wirePayment{p.Type, p.Recipient, p.Amount, p.Currency, p.RiskWarning, p.RiskFlags}
}

func (w *wirePayment) read() *storage.Payment {
	if w == nil {
		return nil
	}
	return &storage.Payment{Type: w.Type, Recipient: w.Recipient, Amount: w.Amount, Currency: w.Currency, RiskWarning: w.RiskWarning, RiskFlags: w.RiskFlags}
}

// paymentLine begins what is signed along with a payment.
const paymentLine = "brygga payment 1"

// PaymentData returns what a person signs along with the approval of a payment, as BankID's document does not hold the transaction: the binding in hex, and
// the SHA-256 of the payment in hex, as its JSON stands in records. Whoever has the payment can tell by it that no other was approved.
func PaymentData(binding []byte, p *storage.Payment) []byte {
	return fmt.Appendf(nil, "%s\n%x\n%s", paymentLine, binding, paymentSum(p))
}

func paymentSum(p *storage.Payment) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(wireOfPayment(p)); err != nil {
		panic("evidence: texts are no JSON: " + err.Error())
	}
	return fmt.Sprintf("%x", Hash(bytes.TrimSuffix(text.Bytes(), []byte("\n"))))
}

// complaintPayment says what is wrong with a payment, and with a record of another kind that has one.
func (r *Record) complaintPayment() string {
	switch {
	case (r.Sent.Kind == bankid.KindPayment) != (r.Payment != nil):
		return "it does not say what was approved, or says it of something else than a payment"
	case r.Payment != nil && r.NetID != nil:
		return "Net iD Access has no payments"
	case r.Sent.Kind == bankid.KindAuth && r.NetID == nil && strings.HasPrefix(string(r.Sent.UserNonVisibleData), paymentLine):
		return "it was of a payment, and does not say so any more"
	}
	return ""
}

// payment looks whether what was signed along names the payment of the record. That it was signed is for other checks to say.
func (r *Report) payment(record *Record) {
	if record.Payment == nil {
		return
	}
	lines := strings.Split(string(record.Sent.UserNonVisibleData), "\n")
	if len(lines) != 3 || lines[0] != paymentLine || lines[2] != paymentSum(record.Payment) {
		r.add(CheckPayment, "what was signed does not name this payment")
		return
	}
	r.add(CheckPayment, "")
}

// approved says what a payment is, in words.
func approved(p *storage.Payment) string {
	words := fmt.Sprintf("approved for %q what is no payment", p.Recipient)
	if p.Type == storage.PaymentCard {
		words = fmt.Sprintf("approved a payment by card of %s %s to %q", p.Amount, p.Currency, p.Recipient)
	}
	if p.RiskWarning != "" {
		words += fmt.Sprintf(", with the warning %q", p.RiskWarning)
	}
	words += ", which the app was to show and whose SHA-256 was signed along"
	if len(p.RiskFlags) > 0 {
		words += "; BankID alone was told " + strings.Join(p.RiskFlags, ", ")
	}
	return words
}
