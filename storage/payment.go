package storage

import "strings"

// Payment is what a person is to approve: a payment by card, or something that is no payment (BankID API: payment). What its values may be, the eID says.
type Payment struct {
	// Type is PaymentCard or PaymentNone, and Recipient who is paid, or asks for the approval.
	Type      string `json:"type"`
	Recipient string `json:"recipient"`
	// Amount and Currency are what is paid; empty where nothing is.
	Amount   string `json:"amount,omitempty"`
	Currency string `json:"currency,omitempty"`
	// RiskWarning is what the app says of a raised risk; empty for nothing.
	RiskWarning string `json:"risk_warning,omitempty"`
	// RiskFlags are what the eID service is told of the risk, and the app does not show.
	RiskFlags []string `json:"risk_flags,omitempty"`
}

// The values of Payment.Type.
const (
	PaymentCard = "card"
	PaymentNone = "npa"
)

func (p *Payment) own() *Payment {
	if p == nil {
		return nil
	}
	own := *p
	for _, text := range []*string{&own.Type, &own.Recipient, &own.Amount, &own.Currency, &own.RiskWarning} {
		*text = strings.Clone(*text)
	}
	own.RiskFlags = ownTexts(p.RiskFlags)
	return &own
}

func (p *Payment) size() int {
	if p == nil {
		return 0
	}
	return textBytes([]string{p.Type, p.Recipient, p.Amount, p.Currency, p.RiskWarning}) + textBytes(p.RiskFlags)
}
