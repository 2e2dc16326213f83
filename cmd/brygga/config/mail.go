package config

import (
	"cmp"
	"net/mail"
	"net/netip"
	"strings"

	"brygga/secret"
)

// Mail is the server that mail to operators is handed over to.
type Mail struct {
	// Host is its name. Default none: no mail is sent.
	Host string `yaml:"host"`
	// Port is its port. Default 587, with tls: tls 465, with tls: none 25.
	Port int `yaml:"port"`
	// TLS is starttls, tls (from the first byte on) or none, which is for a server on this machine alone. Default starttls.
	TLS string `yaml:"tls"`
	// RootCAFile holds further roots in PEM that may vouch for the server.
	RootCAFile string `yaml:"root_ca_file" kind:"path"`
	// User and Password are those that the server asks for. Default none.
	User     string        `yaml:"user"`
	Password secret.String `yaml:"password"`
	// PasswordFile is a file with the password. Excludes Password.
	PasswordFile string `yaml:"password_file" kind:"path"`
	// From is the address that mail comes from, with a name or without. Required with Host.
	From string `yaml:"from"`
	// TextsDirectory holds texts of the operator's own, in a file for each kind and language such as invite.sv.txt. Default none.
	TextsDirectory string `yaml:"texts_directory" kind:"path"`
}

// Used reports whether mail is sent.
func (m *Mail) Used() bool { return m.Host != "" }

// The ports of each kind of protection (RFC 6409 §3.1, RFC 8314 §3.3, RFC 5321).
var mailPorts = map[string]int{"starttls": 587, "tls": 465, "none": 25}

func (c *Config) checkMail(r *reader) {
	m := &c.Mail
	if !m.Used() {
		for key, set := range map[string]bool{"mail.port": m.Port != 0, "mail.tls": m.TLS != "", "mail.user": m.User != "", "mail.from": m.From != "", "mail.texts_directory": m.TextsDirectory != ""} {
			if set {
				r.fault(key, "is set without a server", "set mail.host, or leave it out: no mail is sent then")
			}
		}
		return
	}
	m.TLS = cmp.Or(m.TLS, "starttls")
	r.word("mail.tls", m.TLS, "starttls", "tls", "none")
	if m.TLS == "none" && !isLoopback(m.Host) {
		r.fault("mail.tls", "sends mail with links that log in across the network in the clear", "write starttls or tls")
	}
	if m.Port == 0 {
		m.Port = mailPorts[m.TLS]
	}
	if m.Port < 1 || m.Port > 65535 {
		r.fault("mail.port", "is no port", "leave it out for that of mail.tls")
	}
	if strings.ContainsAny(m.Host, ":/ ") && !isLoopback(m.Host) {
		r.fault("mail.host", "is no host name", "write the name alone, and mail.port")
	}
	if from, err := mail.ParseAddress(m.From); err != nil || strings.ContainsAny(m.From, "\r\n") || from.Address == "" {
		r.fault("mail.from", "is no address", `write one such as "Brygga <brygga@example.se>"`)
	}
	if m.User == "" && !m.Password.IsZero() {
		r.fault("mail.user", "is missing beside a password", "write the user of the server, or remove the password")
	}
	if m.PasswordFile != "" {
		c.warnOpen("mail.password_file", m.PasswordFile)
	}
	r.readable("mail.root_ca_file", m.RootCAFile)
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
