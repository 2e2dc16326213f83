package bankidsim

import (
	"regexp"
	"slices"
	"strings"
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

// transaction reads what a payment is (BankID API: payment) and returns it in words, as the phone shows it.
func transaction(o *object) string {
	for _, flag := range o.texts("riskFlags") {
		if !slices.Contains(riskFlags, flag) {
			o.fail("riskFlags", "has a value that is not known")
		}
	}
	t := o.child("userVisibleTransaction")
	if t == nil {
		o.fail("userVisibleTransaction", "is required")
		return ""
	}
	kind := t.required("transactionType", 1, 64)
	if kind != "card" && kind != "npa" {
		t.fail("transactionType", "must be card or npa")
	}
	var words []string
	if recipient := t.child("recipient"); recipient != nil {
		words = append(words, recipient.required("name", 1, 256))
		recipient.finish()
	} else {
		t.fail("recipient", "is required")
	}
	money := t.child("money")
	if (money != nil) != (kind == "card") {
		t.fail("money", "belongs to card, and to card alone")
	}
	if money != nil {
		words = append(words, payable(money))
	}
	if warning, ok := t.text("riskWarning", 1, 256); ok {
		words = append(words, warning)
	}
	t.finish()
	return strings.Join(words, ": ")
}

func payable(money *object) string {
	sum, unit := money.required("amount", 1, 64), money.required("currency", 1, 64)
	if !amount.MatchString(sum) {
		money.fail("amount", "must be digits with at most one comma")
	}
	if !currency.MatchString(unit) {
		money.fail("currency", "must be three letters")
	}
	money.finish()
	return sum + " " + unit
}
