package login

import (
	"errors"

	"brygga/bankid"
	"brygga/storage"
)

// PaymentProblem says what is wrong with a payment: the member of BankID's request, as a path with dots, and why it does not take it. Both are empty for one
// that it takes.
func PaymentProblem(p *storage.Payment) (member, reason string) {
	transaction, flags := transactionOf(p)
	if invalid, ok := errors.AsType[*bankid.InvalidRequestError](bankid.CheckTransaction(transaction, flags)); ok {
		return invalid.Field, invalid.Reason
	}
	return "", ""
}

// RiskFlags returns what BankID can be told of the risk of a payment.
func RiskFlags() (all []string) {
	for _, flag := range bankid.RiskFlags() {
		all = append(all, string(flag))
	}
	return all
}

// transactionOf returns a payment as BankID has it.
func transactionOf(p *storage.Payment) (bankid.Transaction, []bankid.RiskFlag) {
	var flags []bankid.RiskFlag
	for _, flag := range p.RiskFlags {
		flags = append(flags, bankid.RiskFlag(flag))
	}
	return bankid.Transaction{
		Type: bankid.TransactionType(p.Type), Recipient: p.Recipient, Money: bankid.Money{Amount: p.Amount, Currency: p.Currency}, RiskWarning: p.RiskWarning,
	}, flags
}
