package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"sync"

	"brygga/bankid"
)

// ownCertificate is a certificate that we show to a service, and the files that it comes from. Its methods may be called concurrently.
type ownCertificate struct {
	name string // as operators read it, with the service's
	log  *slog.Logger

	mu      sync.Mutex
	source  bankid.CertificateSource
	stamp   string // of the files that were read last, good or bad
	current *tls.Certificate
}

// newOwnCertificate reads the certificate, or returns why it cannot be used.
func newOwnCertificate(name string, source bankid.CertificateSource, log *slog.Logger) (*ownCertificate, error) {
	c := &ownCertificate{name: name, log: log, source: source, stamp: source.Stamp()}
	var err error
	c.current, err = source.Load()
	return c, err
}

// get returns the certificate as its files have it, for each new connection. The one of before stays when they cannot be used.
func (c *ownCertificate) get() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.source.TLS == nil && c.source.Stamp() != c.stamp {
		if _, err := c.read(c.source); err != nil {
			c.log.Error("the new certificate cannot be used, the old one stays", "certificate", c.name, "err", err)
		}
	}
	return c.current, nil
}

// readFrom reads the certificate from other files from now on, and reports whether it is another one. On an error nothing changes.
func (c *ownCertificate) readFrom(source bankid.CertificateSource) (changed bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.source.TLS != nil {
		return false, nil
	}
	changed, err = c.read(source)
	if err == nil {
		c.source = source
	}
	return changed, err
}

// read is readFrom with c.mu held. A broken file is remembered by its stamp, so that it is told of once and read again when it changes.
func (c *ownCertificate) read(source bankid.CertificateSource) (changed bool, err error) {
	c.stamp = source.Stamp()
	fresh, err := source.Load()
	if err != nil {
		return false, err
	}
	changed = !bytes.Equal(fresh.Leaf.Raw, c.current.Leaf.Raw)
	c.current = fresh
	return changed, nil
}

// leaf returns the certificate without its key.
func (c *ownCertificate) leaf() *x509.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current.Leaf
}
