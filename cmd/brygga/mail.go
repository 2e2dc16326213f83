package main

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"brygga/admin"
	"brygga/cmd/brygga/config"
	"brygga/mail"
)

// newCourier returns what sends mail, nil where none is sent.
func (s *server) newCourier() (*mail.Courier, error) {
	c := s.config
	sender := s.sender
	switch {
	case sender != nil:
	case !c.Mail.Used():
		return nil, nil
	default:
		smtp, err := newSender(c.Mail)
		if err != nil {
			return nil, err
		}
		sender = smtp
	}
	texts, err := mailTexts(c.Mail)
	if err != nil {
		return nil, fail(exitUsage, "see config.example.yaml for how a text is written", "mail.texts_directory: %w", err)
	}
	return mail.New(mail.Options{Queue: s.store, Sender: sender, Texts: texts, Service: c.Page.ServiceName, Audit: s.audit, Observe: s.metrics.mail, Logger: s.log, Now: s.now})
}

// mailDetail says how much mail waits.
func (s *server) mailDetail(ctx context.Context) admin.Detail {
	switch n, err := s.store.PendingMail(ctx); {
	case err != nil:
		return admin.Detail{Text: err.Error()}
	case n == 0:
		return admin.Detail{State: "no-mail", Text: "ok, none waits"}
	default:
		return admin.Detail{State: "waiting", N: n, Text: strconv.Itoa(n) + " waiting"}
	}
}

// mailTexts returns what messages say.
func mailTexts(c config.Mail) (*mail.Texts, error) {
	if c.TextsDirectory == "" {
		return mail.ReadTexts(nil)
	}
	if _, err := os.ReadDir(c.TextsDirectory); err != nil {
		return nil, err
	}
	return mail.ReadTexts(os.DirFS(c.TextsDirectory))
}

func newSender(c config.Mail) (*mail.SMTP, error) {
	roots, err := mailRoots(c.RootCAFile)
	if err != nil {
		return nil, fail(exitUsage, "name a file with certificates in PEM", "mail.root_ca_file: %w", err)
	}
	sender, err := mail.NewSMTP(mail.SMTPOptions{Host: c.Host, Port: c.Port, TLS: c.TLS, User: c.User, Password: c.Password, From: c.From, RootCAs: roots})
	if err != nil {
		return nil, fail(exitUsage, "look at the section mail", "%w", err)
	}
	return sender, nil
}

// mailRoots returns the roots of the system with those in the file, nil for no file.
func mailRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New("it holds no certificate")
	}
	return roots, nil
}

// inspectMail looks at what the section mail names.
func inspectMail(all *config.Config, f config.Findings) {
	c := all.Mail
	if !c.Used() {
		return
	}
	if _, err := mailRoots(c.RootCAFile); err != nil && f.Sound("mail.root_ca_file") {
		f.Fault("mail.root_ca_file", err.Error(), "name a file with certificates in PEM")
	}
	if _, err := mailTexts(c); err != nil {
		remedy := "a text has a subject in its first line, and the placeholders of ours"
		if errors.Is(err, fs.ErrNotExist) {
			remedy = "make the directory, or leave it out"
		}
		f.Fault("mail.texts_directory", strings.ReplaceAll(err.Error(), "\n", "; "), remedy)
	}
}
