package netid

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"brygga/secret"
)

// What a Profile's field means when it is zero.
const (
	DefaultConnectTimeout = 3 * time.Second
	DefaultTimeout        = 10 * time.Second
	DefaultRetries        = 2
)

// MaxRetries is how often a call that timed out is sent again at most.
const MaxRetries = 2

// Profile is how an internal service is called over HTTP. Several services may share one.
type Profile struct {
	// Name is what the configuration calls it, for errors.
	Name string
	// RootCAsPEM holds the PEM certificates that the server's certificate must chain to. The operating system's roots are never used.
	RootCAsPEM []byte
	// Certificate returns the certificate that we show. It is asked for each new connection, so that a renewed one is taken. Nil is for
	// servers that want none, as those for tests do.
	Certificate func() (*tls.Certificate, error)
	// Proxy is the http or https address of a proxy, with user and password if it wants them; zero for none. That of the environment is never used.
	Proxy secret.String
	// ConnectTimeout bounds connecting and, by itself, the TLS handshake; Timeout one whole attempt.
	ConnectTimeout, Timeout time.Duration
	// Retries is how often a call is sent again that timed out, and for no other reason, at most MaxRetries; 0 means DefaultRetries, and -1 never.
	Retries int
}

// CertificateFiles returns a Profile's Certificate that is read from PEM files each time. An empty keyFile means that certFile holds the key too.
func CertificateFiles(certFile, keyFile string) func() (*tls.Certificate, error) {
	if keyFile == "" {
		keyFile = certFile
	}
	return func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("netid: client certificate: %w", err)
		}
		return &pair, nil
	}
}

func (p Profile) withDefaults() Profile {
	if p.ConnectTimeout == 0 {
		p.ConnectTimeout = DefaultConnectTimeout
	}
	if p.Timeout == 0 {
		p.Timeout = DefaultTimeout
	}
	switch p.Retries {
	case 0:
		p.Retries = DefaultRetries
	case -1:
		p.Retries = 0
	}
	return p
}

// client returns what sends the calls. It follows no redirect, keeps no cookie and asks for no compression; insecure leaves TLS out.
func (p Profile) client(insecure bool) (*http.Client, error) {
	transport := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: p.ConnectTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    p.ConnectTimeout,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    16,
		MaxResponseHeaderBytes: 32 << 10,
		DisableCompression:     true,
		Protocols:              new(http.Protocols),
	}
	transport.Protocols.SetHTTP1(true)
	errRoots, errCertificate := p.trust(transport, insecure), p.probe()
	proxy, errProxy := p.proxy()
	transport.Proxy = proxy
	var errNumbers error
	if p.ConnectTimeout < 0 || p.Timeout < 0 || p.Retries < 0 || p.Retries > MaxRetries {
		errNumbers = fmt.Errorf("time-outs must not be negative, and Retries is -1 to %d", MaxRetries)
	}
	if err := errors.Join(errRoots, errCertificate, errProxy, errNumbers); err != nil {
		return nil, fmt.Errorf("netid: HTTP client profile %q: %w", p.Name, err)
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// trust pins the roots. A pool of nil would mean the operating system's.
func (p Profile) trust(t *http.Transport, insecure bool) error {
	if insecure {
		return nil
	}
	roots, err := parseCertificates(p.RootCAsPEM)
	if err != nil {
		return fmt.Errorf("RootCAsPEM: %w", err)
	}
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	for _, root := range roots {
		t.TLSClientConfig.RootCAs.AddCert(root)
	}
	if p.Certificate != nil {
		t.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return p.Certificate() }
	}
	return nil
}

// probe asks for the certificate once, so that files which cannot be read are found at the start.
func (p Profile) probe() error {
	if p.Certificate == nil {
		return nil
	}
	_, err := p.Certificate()
	return err
}

func (p Profile) proxy() (func(*http.Request) (*url.URL, error), error) {
	if p.Proxy.IsZero() {
		return nil, nil
	}
	u, err := url.Parse(p.Proxy.Reveal())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the Proxy must be an http or https address") // it may hold a password
	}
	return http.ProxyURL(u), nil
}

// parseCertificates returns the certificates of a PEM text, and refuses a text that holds none, or anything else besides.
func parseCertificates(text []byte) (all []*x509.Certificate, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("a PEM block of type %q; only CERTIFICATE belongs there", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse certificate: %w", err)
		}
		all = append(all, cert)
	}
	if len(all) == 0 {
		return nil, errors.New("no PEM certificate")
	}
	return all, nil
}

// bounded returns ctx for one attempt.
func (p Profile) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, p.Timeout)
}
