package bankid

import (
	"bytes"
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// oidName is the attribute "name" of a subject, which in a relying party certificate is what the app shows the person.
var oidName = asn1.ObjectIdentifier{2, 5, 4, 41}

// ErrPassphrase means that a PKCS#12 file is not opened by the passphrase that came with it, or needs one and got none.
var ErrPassphrase = errors.New("the passphrase does not open the PKCS#12 file")

// CertificateInfo describes a relying party certificate.
type CertificateInfo struct {
	DisplayName        string // what the app shows as the relying party; empty if the certificate does not say
	Organisation       string
	OrganisationNumber string // digits only
	CommonName         string
	Issuer             string // distinguished name
	NotBefore          time.Time
	NotAfter           time.Time
}

// Inspect reads the certificate as New does and describes it; unbroken is as for CertificateChain. It returns ErrPassphrase when
// the passphrase does not open the file, and otherwise an error that says what cannot be used. A certificate that is not valid
// now is no error.
func (s CertificateSource) Inspect() (info CertificateInfo, unbroken bool, err error) {
	if err := s.check(); err != nil {
		return CertificateInfo{}, false, err
	}
	cert, err := s.load()
	if err != nil {
		return CertificateInfo{}, false, err
	}
	_, unbroken = chainOf(cert)
	return describe(cert.Leaf), unbroken, nil
}

// Load reads the certificate as New does, for services that take one in the same forms. Errors are those of Inspect.
func (s CertificateSource) Load() (*tls.Certificate, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return s.load()
}

// Stamp returns a text that changes when the files do, by size and time of each.
func (s CertificateSource) Stamp() string { return s.stamp() }

// ValidAt returns nil when t is within the life of the certificate.
func (i CertificateInfo) ValidAt(t time.Time) error { return validAt(i.NotBefore, i.NotAfter, t) }

func validAt(from, to, t time.Time) error {
	if t.Before(from) || t.After(to) {
		return fmt.Errorf("it is valid from %s to %s and not now; order a new one from the bank, or set the clock",
			from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	}
	return nil
}

// CertificateInfo describes the certificate that new connections use.
func (a *API) CertificateInfo() CertificateInfo { return describe(a.cert.current().Leaf) }

func describe(leaf *x509.Certificate) CertificateInfo {
	info := CertificateInfo{
		OrganisationNumber: leaf.Subject.SerialNumber,
		CommonName:         leaf.Subject.CommonName,
		Issuer:             leaf.Issuer.String(),
		NotBefore:          leaf.NotBefore,
		NotAfter:           leaf.NotAfter,
	}
	if len(leaf.Subject.Organization) > 0 {
		info.Organisation = leaf.Subject.Organization[0]
	}
	for _, attribute := range leaf.Subject.Names {
		if text, ok := attribute.Value.(string); ok && attribute.Type.Equal(oidName) {
			info.DisplayName = text
		}
	}
	return info
}

// CertificateChain names the authorities that came along with the certificate, nearest first, and reports whether each of
// them signed the one before. Most files have none, which is well: BankID knows the authorities (BankID API: certificates).
func (a *API) CertificateChain() (names []string, unbroken bool) { return chainOf(a.cert.current()) }

func chainOf(cert *tls.Certificate) (names []string, unbroken bool) {
	leaf := cert.Leaf
	unbroken = true
	for _, der := range cert.Certificate[1:] {
		above, err := x509.ParseCertificate(der)
		if err != nil {
			return names, false
		}
		unbroken = unbroken && leaf.CheckSignatureFrom(above) == nil
		names, leaf = append(names, above.Subject.String()), above
	}
	return names, unbroken
}

// Reload reads the certificate files again, whether or not they changed. New connections then use the new certificate, and
// idle ones are closed; an order started with the old certificate may be gone for the new one. On an error the old
// certificate stays. A certificate given in memory is left as it is.
func (a *API) Reload() error { return a.cert.reload(CertificateSource{}) }

// ReloadFrom is Reload with other files, or another passphrase, from then on. On an error nothing changes.
func (a *API) ReloadFrom(source CertificateSource) error {
	if err := source.check(); err != nil {
		return err
	}
	return a.cert.reload(source)
}

// clientCertificate is the certificate shown to BankID and the files that it came from.
type clientCertificate struct {
	every   time.Duration
	now     func() time.Time
	log     *slog.Logger
	changed func() // called after a new certificate has taken over

	active atomic.Pointer[tls.Certificate]
	nextAt atomic.Int64 // Unix nanoseconds of the next look at the files

	mu     sync.Mutex
	source CertificateSource
	stamp  string // of the files that were read last, good or bad
}

func newClientCertificate(o Options) (*clientCertificate, error) {
	c := &clientCertificate{source: o.Certificate, every: o.ReloadEvery, now: o.Now, log: o.Logger, changed: func() {}}
	if err := c.source.check(); err != nil {
		return nil, err
	}
	c.stamp = c.source.stamp()
	cert, err := c.source.load()
	if err != nil {
		return nil, fmt.Errorf("bankid: relying party certificate: %w", err)
	}
	if err := describe(cert.Leaf).ValidAt(c.now()); err != nil {
		c.log.LogAttrs(context.Background(), slog.LevelError, "BankID certificate cannot be used: logins fail until it is replaced", slog.Any("err", err))
	}
	c.active.Store(cert)
	c.nextAt.Store(c.now().Add(c.every).UnixNano())
	return c, nil
}

func (c *clientCertificate) current() *tls.Certificate { return c.active.Load() }

// check looks whether the files changed, unless that was done a short time ago or another goroutine is at it.
func (c *clientCertificate) check(now time.Time) {
	if c.every < 0 || now.UnixNano() < c.nextAt.Load() || !c.mu.TryLock() {
		return
	}
	defer c.mu.Unlock()
	c.nextAt.Store(now.Add(c.every).UnixNano())
	stamp := c.source.stamp()
	if c.source.TLS != nil || stamp == c.stamp {
		return
	}
	if err := c.replace(stamp); err != nil {
		c.log.LogAttrs(context.Background(), slog.LevelError, "BankID certificate not replaced: the new file cannot be used",
			slog.Any("err", err), slog.Time("old_expires", c.current().Leaf.NotAfter))
	}
}

// reload reads the files again, those of source if it names any.
func (c *clientCertificate) reload(source CertificateSource) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.source
	if source != (CertificateSource{}) {
		c.source = source
	}
	if c.source.TLS != nil {
		return nil
	}
	if err := c.replace(c.source.stamp()); err != nil {
		c.source = before
		return fmt.Errorf("bankid: relying party certificate not replaced: %w", err)
	}
	return nil
}

// replace loads the files, which looked like stamp just before. A change during the reading shows at the next look. A
// broken file is remembered by its stamp, so that it is reported once and read again when it changes.
func (c *clientCertificate) replace(stamp string) error {
	c.stamp = stamp
	cert, err := c.source.load()
	if err == nil {
		err = describe(cert.Leaf).ValidAt(c.now())
	}
	if err != nil {
		return err
	}
	if bytes.Equal(cert.Leaf.Raw, c.current().Leaf.Raw) {
		return nil
	}
	c.active.Store(cert)
	c.changed()
	c.log.LogAttrs(context.Background(), slog.LevelInfo, "BankID certificate replaced", slog.Time("expires", cert.Leaf.NotAfter))
	return nil
}

// check demands that exactly one way is used.
func (s CertificateSource) check() error {
	ways := 0
	for _, used := range []bool{s.CertFile != "" || s.KeyFile != "", s.PKCS12File != "" || !s.Passphrase.IsZero(), s.TLS != nil} {
		if used {
			ways++
		}
	}
	switch {
	case ways != 1:
		return errors.New("bankid: give the relying party certificate in exactly one way: CertFile and KeyFile, PKCS12File, or TLS")
	case s.TLS == nil && s.CertFile == "" && s.PKCS12File == "":
		return errors.New("bankid: KeyFile needs CertFile, and Passphrase needs PKCS12File")
	}
	return nil
}

func (s CertificateSource) files() []string {
	switch {
	case s.PKCS12File != "":
		return []string{s.PKCS12File}
	case s.KeyFile != "":
		return []string{s.CertFile, s.KeyFile}
	case s.CertFile != "":
		return []string{s.CertFile, s.CertFile}
	}
	return nil
}

// stamp is a text that changes when the files do: size and time of each.
func (s CertificateSource) stamp() string {
	var b strings.Builder
	for _, name := range s.files() {
		if info, err := os.Stat(name); err != nil {
			b.WriteString("missing;")
		} else {
			fmt.Fprintf(&b, "%d %d;", info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

// load reads the certificate and makes sure that it and its key belong together.
func (s CertificateSource) load() (*tls.Certificate, error) {
	cert, err := s.read()
	if err != nil {
		return nil, err
	}
	if cert.Leaf == nil {
		if len(cert.Certificate) == 0 {
			return nil, errors.New("there is no certificate in it")
		}
		if cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return nil, err
		}
	}
	key, ok := cert.PrivateKey.(crypto.Signer)
	public, known := cert.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !known || !public.Equal(key.Public()) {
		return nil, errors.New("the private key does not belong to the certificate")
	}
	return cert, nil
}

func (s CertificateSource) read() (*tls.Certificate, error) {
	if s.TLS != nil {
		cert := *s.TLS
		return &cert, nil
	}
	var contents [][]byte
	for _, name := range s.files() {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	if s.PKCS12File != "" {
		return decodePKCS12(contents[0], s.Passphrase.Reveal())
	}
	if bytes.Contains(contents[1], []byte("ENCRYPTED")) {
		return nil, errors.New("the key in the PEM file is encrypted, which is not supported: use the PKCS#12 file with its passphrase")
	}
	cert, err := tls.X509KeyPair(contents[0], contents[1])
	if err != nil {
		return nil, err
	}
	return &cert, nil
}

func decodePKCS12(content []byte, passphrase string) (*tls.Certificate, error) {
	key, leaf, chain, err := pkcs12.DecodeChain(content, passphrase)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return nil, ErrPassphrase
	case err != nil && strings.Contains(err.Error(), "asn1:"):
		return nil, errors.New("the file is no PKCS#12 file") // where its parser gave up helps nobody
	case err != nil:
		return nil, fmt.Errorf("the file is no PKCS#12 file with one certificate and its key: %w", err)
	}
	cert := &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
	for _, ca := range chain {
		cert.Certificate = append(cert.Certificate, ca.Raw)
	}
	return cert, nil
}
