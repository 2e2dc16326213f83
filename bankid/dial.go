package bankid

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"time"
)

// dialAttempts is how often a connection is tried: some first handshakes with BankID's test host hang.
const dialAttempts = 2

// dialer makes connections for HTTP/1.1 over mutual TLS, which trust only the roots given. It has no proxy, no HTTP/2 and no session
// cache, so that a new connection always shows the newest certificate.
type dialer struct {
	net     net.Dialer
	tls     *tls.Config
	address string        // host and port
	timeout time.Duration // of one attempt
}

func newDialer(base *url.URL, roots *x509.CertPool, cert *clientCertificate, timeout time.Duration) *dialer {
	port := base.Port()
	if port == "" {
		port = "443"
	}
	return &dialer{
		net: net.Dialer{KeepAlive: 30 * time.Second},
		tls: &tls.Config{
			ServerName: base.Hostname(),
			RootCAs:    roots,
			MinVersion: tls.VersionTLS12,
			NextProtos: []string{"http/1.1"},
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return cert.current(), nil
			},
			DynamicRecordSizingDisabled: true, // a request is one record and one write
		},
		address: net.JoinHostPort(base.Hostname(), port),
		timeout: timeout,
	}
}

// dial connects and shakes hands. It tries again unless the fault is one of certificates, which another attempt would only repeat.
func (d *dialer) dial(ctx context.Context) (c *conn, err error) {
	for range dialAttempts {
		c, err = d.attempt(ctx)
		if err == nil || ctx.Err() != nil || untrustedServer(err) || refusedCertificate(err) {
			break
		}
	}
	return c, err
}

func (d *dialer) attempt(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	plain, err := d.net.DialContext(ctx, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	below, err := newWatched(plain.(*net.TCPConn))
	if err != nil {
		plain.Close()
		return nil, err
	}
	secure := tls.Client(below, d.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, err
	}
	return newConn(secure, below), nil
}
