package api

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// ErrUntrusted means that the server has no certificate that it can be believed by, so that the key was not sent.
var ErrUntrusted = errors.New("api: the server cannot be believed")

// unanswered returns why a server gave no answer, in plain words where its certificate is the reason.
func unanswered(err error) error {
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return fmt.Errorf("%w: its certificate is for %s to %s, which is not now", ErrUntrusted, invalid.Cert.NotBefore.Format(time.DateOnly), invalid.Cert.NotAfter.Format(time.DateOnly))
	}
	if other, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Errorf("%w: its certificate is for %s, not for %s", ErrUntrusted, names(other.Certificate), other.Host)
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Errorf("%w: its certificate leads to none of those that are trusted", ErrUntrusted)
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// names returns whom a certificate is for.
func names(c *x509.Certificate) string {
	all := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, net.IP(ip).String())
	}
	if len(all) == 0 {
		return "nobody"
	}
	return strings.Join(all, ", ")
}
