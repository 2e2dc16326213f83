package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const (
	devCAFile, devCAKeyFile = "dev-ca.pem", "dev-ca-key.pem"
	// Whoever trusts the authority does so for its whole life; certificates are made anew at each start.
	devCALife, devCertificateLife = 2 * 365 * 24 * time.Hour, 90 * 24 * time.Hour
)

// devAuthority is a certificate authority for this machine alone: its own constraints keep it from vouching for any name but
// localhost and any address but loopback (RFC 5280 §4.2.1.10), so that a browser may trust it even if its key gets lost.
type devAuthority struct {
	path        string // of the certificate, in PEM
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// openDevAuthority returns the authority that is kept in the directory. It makes one where there is none, or where a certificate
// that is made today would outlive it.
func openDevAuthority(dir string, now time.Time) (*devAuthority, error) {
	path := filepath.Join(dir, devCAFile)
	pair, err := tls.LoadX509KeyPair(path, filepath.Join(dir, devCAKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return makeDevAuthority(dir, now)
	}
	if err != nil {
		return nil, fail(exitUsage, "remove it, and a new authority is made", "%s: %w", path, err)
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, fail(exitUsage, "remove it, and a new authority is made", "%s is not an authority that brygga made", path)
	}
	if pair.Leaf.NotAfter.Before(now.Add(devCertificateLife)) {
		return makeDevAuthority(dir, now)
	}
	return &devAuthority{path, pair.Leaf, key}, nil
}

// makeDevAuthority stores a new authority in the place of an old one. The certificate comes last: where it is, the key is too.
func makeDevAuthority(dir string, now time.Time) (*devAuthority, error) {
	template := &x509.Certificate{
		Subject:   pkix.Name{Organization: []string{"brygga dev"}, CommonName: "brygga dev, this machine alone " + now.UTC().Format("2006-01-02")},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(devCALife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)}, {IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)}},
	}
	a := &devAuthority{path: filepath.Join(dir, devCAFile)}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	if a.certificate, err = issueDev(template, template, a.key, a.key); err != nil {
		return nil, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for _, file := range []struct {
		name  string
		block pem.Block
	}{{devCAKeyFile, pem.Block{Type: "PRIVATE KEY", Bytes: key}}, {devCAFile, pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw}}} {
		path := filepath.Join(dir, file.name)
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err := writeNew(path, string(pem.EncodeToMemory(&file.block))); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// issueDev returns the certificate of the template for key, signed by parent.
func issueDev(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// listen wraps the listeners in TLS, with one certificate for all names of this machine.
func (a *devAuthority) listen(now time.Time, groups ...[]net.Listener) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	leaf, err := issueDev(&x509.Certificate{
		Subject: pkix.Name{CommonName: "localhost"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(devCertificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}, a.certificate, key, a.key)
	if err != nil {
		return err
	}
	settings := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}},
		MinVersion:   tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
	}
	for _, group := range groups {
		for i := range group {
			group[i] = tls.NewListener(group[i], settings)
		}
	}
	return nil
}

// client returns what trusts the authority and nothing else.
func (a *devAuthority) client() *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(a.certificate)
	return &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true},
	}
}
