package bankid

import (
	"context"
	"slices"
	"strings"
)

// PaymentRequest is what /payment takes: the members of AuthRequest, with texts as long as there, and what is approved (BankID API: payment).
type PaymentRequest struct {
	AuthRequest
	// Transaction is what the app shows, and the person approves. Required.
	Transaction Transaction
	// RiskFlags tell BankID's assessment of risk what the relying party knows of the transaction, each once. The app does not show them.
	RiskFlags []RiskFlag
}

// Transaction is a payment by card, or something else that is approved for a recipient (BankID API: payment, userVisibleTransaction).
type Transaction struct {
	Type TransactionType
	// Recipient is the name of whoever is paid, or asks for the approval. Required.
	Recipient string
	// Money is what is paid. A payment by card has it, and nothing else does.
	Money Money
	// RiskWarning has the app say that the risk is raised, and how; empty for not at all.
	RiskWarning string
}

// TransactionType says what is approved.
type TransactionType string

// The types: a payment by card, and an authentication that is no payment.
const (
	TransactionCard       TransactionType = "card"
	TransactionNonPayment TransactionType = "npa"
)

// Money is a sum. The zero value is none.
type Money struct {
	Amount   string // digits with at most one comma between them, such as "1000,00"
	Currency string // three capital letters (ISO 4217)
}

// RiskFlag is something that makes a transaction more of a risk.
type RiskFlag string

// RiskFlags returns every flag that there is (BankID API: payment, riskFlags).
func RiskFlags() []RiskFlag {
	return []RiskFlag{
		"newCard", "newCustomer", "newRecipient", "highRiskRecipient", "largeAmount", "foreignCurrency", "cryptoCurrencyPurchase", "moneyTransfer",
		"overseasTransaction", "recurringPayment", "suspiciousPaymentPattern", "other",
	}
}

// Limits of the members of a transaction, in bytes: BankID publishes none.
const (
	maxAmount          = 64
	maxTransactionText = 256
)

// Payment starts the approval of a transaction. It is as Auth (BankID API: payment).
func (a *API) Payment(ctx context.Context, r PaymentRequest) (Order, error) {
	wire, err := r.wire()
	if err != nil {
		return Order{}, err
	}
	return a.start(ctx, KindPayment, wire)
}

// CheckTransaction returns an *InvalidRequestError that names the first member which BankID would not take, nil when it takes them all.
func CheckTransaction(t Transaction, flags []RiskFlag) error {
	var c checker
	c.transaction(t, flags)
	return c.err
}

func (r PaymentRequest) wire() (*wireRequest, error) {
	w, err := r.AuthRequest.wire(authLimits)
	if err != nil {
		return nil, err
	}
	if err := CheckTransaction(r.Transaction, r.RiskFlags); err != nil {
		return nil, err
	}
	w.Transaction, w.RiskFlags = r.Transaction.wire(), r.RiskFlags
	return w, nil
}

func (c *checker) transaction(t Transaction, flags []RiskFlag) {
	const in = "userVisibleTransaction."
	c.must(t.Type == TransactionCard || t.Type == TransactionNonPayment, in+"transactionType", "must be %q or %q", TransactionCard, TransactionNonPayment)
	c.must(t.Recipient != "", in+"recipient.name", "is missing")
	c.short(in+"recipient.name", t.Recipient, maxTransactionText)
	paid := t.Money != Money{}
	c.must(paid || t.Type != TransactionCard, in+"money", "is missing: it belongs to a payment by card")
	c.must(!paid || t.Type == TransactionCard, in+"money", "belongs to a payment by card alone")
	if paid {
		c.must(validAmount(t.Money.Amount), in+"money.amount", "must be digits with at most one comma between them, such as 1000,00")
		c.must(validCurrency(t.Money.Currency), in+"money.currency", "must be three capital letters, such as SEK")
	}
	c.short(in+"riskWarning", t.RiskWarning, maxTransactionText)
	c.riskFlags(flags)
}

func (c *checker) riskFlags(flags []RiskFlag) {
	left := RiskFlags()
	for _, flag := range flags { // of a million, none is looked at behind the first that is wrong
		i := slices.Index(left, flag)
		if i < 0 {
			c.fail("riskFlags", "has one that BankID does not know, or one twice")
			return
		}
		left = slices.Delete(left, i, i+1)
	}
}

func validAmount(text string) bool {
	whole, part, parted := strings.Cut(text, ",")
	return digits(whole) && (digits(part) || !parted) && len(text) <= maxAmount
}

func validCurrency(text string) bool {
	return len(text) == 3 && !strings.ContainsFunc(text, func(r rune) bool { return r < 'A' || r > 'Z' })
}

type wireTransaction struct {
	Type        TransactionType `json:"transactionType"`
	Recipient   wireRecipient   `json:"recipient"`
	Money       *wireMoney      `json:"money,omitempty"`
	RiskWarning string          `json:"riskWarning,omitempty"`
}

type wireRecipient struct {
	Name string `json:"name"`
}

type wireMoney struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

func (t Transaction) wire() *wireTransaction {
	w := &wireTransaction{Type: t.Type, Recipient: wireRecipient{t.Recipient}, RiskWarning: t.RiskWarning}
	if t.Money != (Money{}) {
		w.Money = &wireMoney{t.Money.Amount, t.Money.Currency}
	}
	return w
}
