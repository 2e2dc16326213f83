package storage

import (
	"fmt"
	"time"

	"brygga/secret"
)

// The wire types reveal what secret.String hides; see wire.go.

type wireOperator struct {
	Operator
	UserName string     `json:"user"`
	Email    string     `json:"mail"`
	Name     string     `json:"name"`
	Password string     `json:"password,omitempty"`
	Secret   string     `json:"totp,omitempty"`
	Links    []wireLink `json:"links,omitempty"`
}

type wireLink struct {
	Hash        Hash      `json:"hash"`
	Purpose     Purpose   `json:"purpose"`
	Email       string    `json:"mail,omitempty"`
	EmailHandle Hash      `json:"handle"`
	Expires     time.Time `json:"expires"`
}

type wireMail struct {
	Mail
	To     string            `json:"to"`
	Values map[string]string `json:"values"`
}

func operatorWire(o *Operator) *wireOperator {
	w := &wireOperator{
		Operator: *o, UserName: o.UserName.Reveal(), Email: o.Email.Reveal(), Name: o.Name.Reveal(),
		Password: o.PasswordHash.Reveal(), Secret: o.TOTP.Secret.Reveal(),
	}
	w.Operator.Links = nil
	for _, l := range o.Links {
		w.Links = append(w.Links, wireLink{l.Hash, l.Purpose, l.Email.Reveal(), l.EmailHandle, l.Expires})
	}
	return w
}

func (w *wireOperator) operator() *Operator {
	o := w.Operator
	o.UserName, o.Email, o.Name = secret.New(w.UserName), secret.New(w.Email), secret.New(w.Name)
	o.PasswordHash, o.TOTP.Secret = secret.New(w.Password), secret.New(w.Secret)
	o.Links = nil
	for _, l := range w.Links {
		o.Links = append(o.Links, OperatorLink{l.Hash, l.Purpose, secret.New(l.Email), l.EmailHandle, l.Expires})
	}
	return &o
}

func mailWire(m *Mail) *wireMail {
	w := &wireMail{Mail: *m, To: m.To.Reveal(), Values: make(map[string]string, len(m.Values))}
	for name, value := range m.Values {
		w.Values[name] = value.Reveal()
	}
	return w
}

func (w *wireMail) mail() *Mail {
	m := w.Mail
	m.To, m.Values = secret.New(w.To), make(map[string]secret.String, len(w.Values))
	for name, value := range w.Values {
		m.Values[name] = secret.New(value)
	}
	return &m
}

// EncodeOperator returns the operator, sealed.
func (c Codec) EncodeOperator(o *Operator) ([]byte, error) {
	return c.seal(SealedOperator, o.ID, operatorWire(o))
}

// DecodeOperator returns the operator of that ID from what EncodeOperator made.
func (c Codec) DecodeOperator(id string, sealed []byte) (*Operator, error) {
	var w wireOperator
	if err := c.open(SealedOperator, id, sealed, &w); err != nil {
		return nil, fmt.Errorf("decode operator: %w", err)
	}
	return w.operator(), nil
}

// EncodeMail returns the message, sealed.
func (c Codec) EncodeMail(m *Mail) ([]byte, error) { return c.seal(SealedMail, m.ID, mailWire(m)) }

// DecodeMail returns the message of that ID from what EncodeMail made.
func (c Codec) DecodeMail(id string, sealed []byte) (*Mail, error) {
	var w wireMail
	if err := c.open(SealedMail, id, sealed, &w); err != nil {
		return nil, fmt.Errorf("decode mail: %w", err)
	}
	return w.mail(), nil
}
