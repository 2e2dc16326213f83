package bankidsim

import (
	"regexp"
	"slices"
)

// riskFlags are what a relying party may say of a payment (BankID API: payment).
var riskFlags = []string{
	"newCard", "newCustomer", "newRecipient", "highRiskRecipient", "largeAmount", "foreignCurrency", "cryptoCurrencyPurchase", "moneyTransfer",
	"overseasTransaction", "recurringPayment", "suspiciousPaymentPattern", "other",
}

var (
	amount   = regexp.MustCompile(`^[0-9]+(,[0-9]+)?$`)
	currency = regexp.MustCompile(`^[A-Z]{3}$`)
)

// Transaction is what a payment is, as the phone shows it.
type Transaction struct {
	Type      string `json:"type"` // card, or npa for what is no payment
	Recipient string `json:"recipient"`
	// Amount and Currency are empty of what is no payment.
	Amount      string `json:"amount,omitempty"`
	Currency    string `json:"currency,omitempty"`
	RiskWarning string `json:"riskWarning,omitempty"`
}

// transaction reads what a payment is (BankID API: payment).
func transaction(o *object) *Transaction {
	for _, flag := range o.texts("riskFlags") {
		if !slices.Contains(riskFlags, flag) {
			o.fail("riskFlags", "has a value that is not known")
		}
	}
	t := o.child("userVisibleTransaction")
	if t == nil {
		o.fail("userVisibleTransaction", "is required")
		return nil
	}
	read := &Transaction{Type: t.required("transactionType", 1, 64)}
	if read.Type != "card" && read.Type != "npa" {
		t.fail("transactionType", "must be card or npa")
	}
	if recipient := t.child("recipient"); recipient != nil {
		read.Recipient = recipient.required("name", 1, 256)
		recipient.finish()
	} else {
		t.fail("recipient", "is required")
	}
	money := t.child("money")
	if (money != nil) != (read.Type == "card") {
		t.fail("money", "belongs to card, and to card alone")
	}
	if money != nil {
		read.Amount, read.Currency = payable(money)
	}
	read.RiskWarning, _ = t.text("riskWarning", 1, 256)
	t.finish()
	return read
}

func payable(money *object) (sum, unit string) {
	sum, unit = money.required("amount", 1, 64), money.required("currency", 1, 64)
	if !amount.MatchString(sum) {
		money.fail("amount", "must be digits with at most one comma")
	}
	if !currency.MatchString(unit) {
		money.fail("currency", "must be three letters")
	}
	money.finish()
	return sum, unit
}
