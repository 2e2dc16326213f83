package bankidapi

import (
	"encoding/json"
	"strings"

	"brygga/login"
	"brygga/storage"
	"brygga/visibletext"
)

// The codes of what is wrong with a payment.
const (
	wrongTransaction = "invalid_user_visible_transaction"
	wrongFlags       = "invalid_risk_flags"
)

// readPayment takes what is paid out of the attributes. Whether it may be paid so is for [sent.checkPayment] to say.
func (s *sent) readPayment() (*storage.Payment, error) {
	flags, err := s.list("riskFlags")
	if err != nil {
		return nil, err
	}
	transaction, err := s.child("userVisibleTransaction")
	if err != nil {
		return nil, err
	}
	if transaction == nil {
		return nil, s.wrong(wrongTransaction, "userVisibleTransaction", "is missing")
	}
	p := &storage.Payment{RiskFlags: flags}
	if _, err := transaction.part("recipient", map[string]*string{"name": &p.Recipient}); err != nil {
		return nil, err
	}
	money, err := transaction.part("money", map[string]*string{"amount": &p.Amount, "currency": &p.Currency})
	switch {
	case err != nil:
		return nil, err
	case money != nil && p.Amount == "": // money that says nothing would pass for none
		return nil, money.wrong(wrongTransaction, "amount", "is missing")
	}
	return p, transaction.texts(map[string]*string{"transactionType": &p.Type, "riskWarning": &p.RiskWarning})
}

// checkPayment refuses what BankID does not take, and texts that the app could not show as they are.
func (s *sent) checkPayment(p *storage.Payment) error {
	member, problem := login.PaymentProblem(p)
	switch recipient, warning := lineProblem(p.Recipient), lineProblem(p.RiskWarning); {
	case member != "":
	case recipient != "":
		member, problem = "userVisibleTransaction.recipient.name", recipient
	case warning != "":
		member, problem = "userVisibleTransaction.riskWarning", warning
	default:
		return nil
	}
	code := wrongTransaction
	if member == "riskFlags" {
		code = wrongFlags
	}
	f := s.wrong(code, "", problem)
	f.pointer = s.at + "/" + strings.ReplaceAll(member, ".", "/")
	return f
}

// lineProblem says why the app cannot show a text of one line as it is, "" when it can.
func lineProblem(text string) string {
	switch {
	case text == "":
		return ""
	case strings.ContainsAny(text, "\r\n\u2028\u2029"):
		return "has a line break"
	}
	return textProblem(text, visibletext.Plain, maxAuthText)
}

// taken takes an attribute out of the others, nil when it is not there.
func (s *sent) taken(name string) json.RawMessage {
	value := s.attributes[name]
	delete(s.attributes, name)
	if string(value) == "null" {
		return nil
	}
	return value
}

// child takes an object out of the attributes, nil when it is not there.
func (s *sent) child(name string) (*sent, error) {
	value := s.taken(name)
	if value == nil {
		return nil, nil
	}
	inside := &sent{at: s.pointer(name)}
	if json.Unmarshal(value, &inside.attributes) != nil {
		return nil, malformed("is no object", inside.at)
	}
	return inside, nil
}

// part is child with its texts decoded into what to has for each.
func (s *sent) part(name string, to map[string]*string) (*sent, error) {
	inside, err := s.child(name)
	if err == nil && inside != nil {
		err = inside.texts(to)
	}
	return inside, err
}

// list takes texts out of the attributes, nil when they are not there.
func (s *sent) list(name string) (texts []string, err error) {
	if value := s.taken(name); value != nil && json.Unmarshal(value, &texts) != nil {
		return nil, malformed("is no list of texts", s.pointer(name))
	}
	return texts, nil
}
