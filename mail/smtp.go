package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"brygga/secret"
)

// How a connection to the server is protected.
const (
	StartTLS = "starttls" // begins in the clear and goes on under TLS, or not at all (RFC 3207)
	TLS      = "tls"      // is TLS from its first byte (RFC 8314 §3.3)
	NoTLS    = "none"     // in the clear, for a server on this machine
)

// SMTPOptions are where mail is handed over, and as whom.
type SMTPOptions struct {
	Host string
	Port int
	TLS  string // StartTLS, TLS or NoTLS
	// User and Password are those of the server, empty for one that asks for none.
	User     string
	Password secret.String
	// From is the address that messages come from, with a name or without.
	From string
	// RootCAs may vouch for the server; nil means those of the system.
	RootCAs *x509.CertPool
}

// SMTP is a Sender that hands messages over to a server by SMTP (RFC 6409). It is safe for concurrent use.
type SMTP struct {
	options []gomail.Option
	host    string
	from    *mail.Address
}

// NewSMTP returns a sender, or an error for options that cannot be used. It connects nowhere.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	from, err := mail.ParseAddress(o.From)
	if err != nil || strings.ContainsAny(o.From, "\r\n") {
		return nil, fmt.Errorf("mail: %q is no address", o.From)
	}
	s := &SMTP{host: o.Host, from: from}
	s.options = []gomail.Option{
		gomail.WithPort(o.Port), gomail.WithTimeout(patience - 5*time.Second), gomail.WithTLSConfig(&tls.Config{ServerName: o.Host, RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12}),
	}
	switch o.TLS {
	case StartTLS:
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case TLS:
		s.options = append(s.options, gomail.WithSSL())
	case NoTLS:
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return nil, fmt.Errorf("mail: %q protects no connection", o.TLS)
	}
	if o.User != "" {
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(o.User), gomail.WithPassword(o.Password.Reveal()))
	}
	if _, err := gomail.NewClient(s.host, s.options...); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return s, nil
}

// Send hands the message over; see Sender. Its errors quote no address.
func (s *SMTP) Send(ctx context.Context, m *Message) error {
	message, err := s.message(m)
	if err != nil {
		return &RefusedError{553} // the name of the mailbox cannot be used
	}
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return errors.New("mail: the server cannot be used")
	}
	err = client.DialAndSendWithContext(ctx, message)
	var failed *gomail.SendError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed) && failed.ErrorCode() >= 500 && !failed.IsTemp():
		return &RefusedError{failed.ErrorCode()}
	case errors.As(err, &failed):
		return fmt.Errorf("mail: the server answered %d", failed.ErrorCode())
	}
	return fmt.Errorf("mail: the server cannot be reached: %w", err)
}

// message returns the message with its headers. Those who answer by themselves are asked not to (RFC 3834 §5).
func (s *SMTP) message(m *Message) (*gomail.Msg, error) {
	message := gomail.NewMsg()
	if err := errors.Join(message.FromFormat(s.from.Name, s.from.Address), message.To(m.To)); err != nil {
		return nil, err
	}
	message.Subject(line(m.Subject))
	domain := s.from.Address[strings.LastIndexByte(s.from.Address, '@')+1:]
	message.SetMessageIDWithValue(m.ID + "@" + domain)
	message.SetDate()
	message.SetGenHeader("Auto-Submitted", "auto-generated")
	message.SetBodyString(gomail.TypeTextPlain, m.Text)
	message.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return message, nil
}
