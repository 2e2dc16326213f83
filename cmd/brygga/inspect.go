package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"brygga/bankid"
	"brygga/cmd/brygga/config"
	"brygga/login"
)

// loadChecked reads the configuration and inspects everything that it names, as far as that can be done without the network:
// what it lets pass can be started. The looks are those of its files.
func loadChecked(path string, environ []string, now func() time.Time) (*config.Config, *looks, error) {
	l := &looks{}
	c, err := loadConfig(path, environ, l.read, inspectBankID(now), inspectNetID(now), inspectListener(now), inspectOutbound, inspectMail, inspectSinks, inspectStamps, inspectTracing)
	return c, l, err
}

// inspectBankID looks at our certificates and at BankID's roots.
func inspectBankID(now func() time.Time) config.Inspection {
	return func(c *config.Config, f config.Findings) {
		for _, key := range []string{"bankid.root_ca_file", "bankid.signature_root_file"} {
			path := map[string]string{"bankid.root_ca_file": c.BankID.RootCAFile, "bankid.signature_root_file": c.BankID.SignatureRootFile}[key]
			inspectRoots(f, key, path, now())
		}
		if c.BankID.Verify != string(login.VerifyOff) && f.Sound("bankid.signature_root_file") {
			if _, err := newVerifier(&c.BankID, now); err != nil {
				f.Fault("bankid.signature_root_file", err.Error(), "name the member banks' root")
			}
		}
		inspectCertificate(f, "bankid", c.BankID.Environment, c.BankID.Default(), now())
		for i, further := range c.BankID.Certificates {
			inspectCertificate(f, fmt.Sprintf("bankid.certificates[%d]", i), c.BankID.Environment, further, now())
		}
	}
}

// inspectRoots looks at a file of roots that are pinned. A certificate that is no authority's may have been pinned on purpose.
func inspectRoots(f config.Findings, key, path string, now time.Time) {
	if path == "" || !f.Sound(key) {
		return
	}
	text, err := config.ReadFile(path, maxLookFile)
	if err == nil {
		_, err = bankid.ParseRoots(text)
	}
	for block, rest := pem.Decode(text); err == nil && block != nil; block, rest = pem.Decode(rest) {
		root, _ := x509.ParseCertificate(block.Bytes) // as ParseRoots has
		if !root.IsCA {
			f.Warn(key, fmt.Sprintf("%q is no authority's: only a server with this very certificate is believed", root.Subject.CommonName))
		}
		if now.After(root.NotAfter) {
			f.Warn(key, fmt.Sprintf("%q ended on %s", root.Subject.CommonName, moment(root.NotAfter)))
		}
	}
	if err != nil {
		f.Fault(key, strings.TrimPrefix(err.Error(), "bankid: "), "name a file with BankID's root certificate in PEM and nothing else")
	}
}

// inspectCertificate looks at one of our BankID certificates. One that is over, or not valid yet, is no fault: the server starts
// with it, as those who are logged in do not need BankID.
func inspectCertificate(f config.Findings, section, environment string, c config.Certificate, now time.Time) {
	file := section + ".pkcs12_file"
	switch {
	case c.PKCS12File != "":
		if !f.Sound(file) || !f.Sound(section+".passphrase_file") || !f.Sound(section+".passphrase") {
			return
		}
	case c.CertificateFile != "":
		file = section + ".certificate_file"
		if !f.Sound(file) || !f.Sound(section+".key_file") || inspectPair(f, file, section+".key_file", c.CertificateFile, c.KeyFile) == nil {
			return
		}
	default:
		return
	}
	info, unbroken, err := c.Source().Inspect()
	if err != nil {
		faultCertificate(f, section, file, c, err, "name the .p12 file from your bank, or its certificate and key in PEM")
		return
	}
	warnCertificate(f, file, environment, info, unbroken, now)
}

// faultCertificate reports why a certificate of ours, or its key, cannot be read.
func faultCertificate(f config.Findings, section, file string, c config.Certificate, err error, remedy string) {
	switch opened := !errors.Is(err, bankid.ErrPassphrase); {
	case opened:
		f.Fault(file, err.Error(), remedy)
	case c.Passphrase.IsZero():
		f.Fault(section+".passphrase_file", "missing: "+c.PKCS12File+" needs a passphrase", "name a file with the passphrase that came with "+file)
	case c.PassphraseFile == "":
		f.Fault(section+".passphrase", "does not open "+c.PKCS12File, "write the passphrase that came with "+file+", in quotes")
	default:
		f.Fault(section+".passphrase_file", "does not open "+c.PKCS12File, "put the passphrase that came with "+file+" into it")
	}
}

// warnCertificate tells of what does not keep the server from starting.
func warnCertificate(f config.Findings, key, environment string, info bankid.CertificateInfo, unbroken bool, now time.Time) {
	left := info.NotAfter.Sub(now)
	switch err := info.ValidAt(now); {
	case err != nil:
		f.Warn(key, err.Error()+"; logins fail until then")
	case left <= certificateWarning:
		f.Warn(key, fmt.Sprintf("ends in %d days: order a new certificate from the bank", daysLeft(left)))
	}
	if !unbroken {
		f.Warn(key, "the authorities in the file did not sign the certificate, or not each other")
	}
	if info.DisplayName == "" {
		f.Warn(key, "the certificate has no name for the app to show")
	}
	if text := foreignEnvironment(environment, info.Issuer); text != "" {
		f.Warn(key, text)
	}
}

// inspectPair returns the certificate of two PEM files, or nil when they do not make one: then it has told why. Without a key file
// the certificate's file holds the key too.
func inspectPair(f config.Findings, certKey, keyKey, certFile, keyFile string) *tls.Certificate {
	if keyFile == "" {
		keyKey, keyFile = certKey, certFile
	}
	cert, certErr := config.ReadFile(certFile, maxLookFile)
	key, keyErr := config.ReadFile(keyFile, maxLookFile)
	switch {
	case certErr != nil:
		f.Fault(certKey, certErr.Error(), "name a file that this user may read")
	case keyErr != nil:
		f.Fault(keyKey, keyErr.Error(), "name a file that this user may read")
	case !holdsBlock(cert, "CERTIFICATE") && holdsBlock(cert, "PRIVATE KEY"):
		f.Fault(certKey, certFile+" holds a private key and no certificate", "name the certificate here and the key in "+keyKey+"; the two may be swapped")
	case !holdsBlock(cert, "CERTIFICATE"):
		f.Fault(certKey, certFile+" holds no certificate in PEM", "name a file that begins with -----BEGIN CERTIFICATE-----")
	case bytes.Contains(key, []byte("ENCRYPTED")):
		f.Fault(keyKey, keyFile+" is encrypted", "store the key without a passphrase, readable by this user only, or use the PKCS#12 file of a BankID certificate")
	case !holdsBlock(key, "PRIVATE KEY"):
		f.Fault(keyKey, keyFile+" holds no private key in PEM", "name a file that begins with -----BEGIN PRIVATE KEY-----")
	default:
		pair, err := tls.X509KeyPair(cert, key)
		if err == nil {
			return &pair
		}
		if belongsLater(cert, key) {
			f.Fault(certKey, certFile+" begins with the certificate of an authority", "write the certificate of "+keyKey+" first, then the authorities that lead to the root")
		} else if strings.Contains(err.Error(), "does not match") {
			f.Fault(keyKey, keyFile+" is not the key of "+certFile, "name the key that belongs to "+certKey)
		} else {
			f.Fault(certKey, "certificate and key cannot be used: "+err.Error(), "write both anew, in PEM")
		}
	}
	return nil
}

// belongsLater reports whether the key is that of a certificate that is not the first of a PEM text.
func belongsLater(certs, key []byte) bool {
	_, rest := pem.Decode(certs)
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		if _, err := tls.X509KeyPair(pem.EncodeToMemory(block), key); err == nil {
			return true
		}
	}
	return false
}

// holdsBlock reports whether a PEM text has a block of that type, or one whose type ends so, as with "EC PRIVATE KEY".
func holdsBlock(text []byte, kind string) bool {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, kind) {
			return true
		}
	}
	return false
}

// inspectListener looks at the certificate of the public listener: whether browsers will take it for the issuer, and for how long.
func inspectListener(now func() time.Time) config.Inspection {
	return func(c *config.Config, f config.Findings) {
		const certKey, keyKey = "tls.certificate_file", "tls.key_file"
		if c.TLS.CertificateFile == "" || c.TLS.KeyFile == "" || !f.Sound(certKey) || !f.Sound(keyKey) {
			return
		}
		pair := inspectPair(f, certKey, keyKey, c.TLS.CertificateFile, c.TLS.KeyFile)
		if pair == nil {
			return
		}
		for _, warning := range listenerWarnings(pair.Leaf, c.Issuer, now()) {
			f.Warn(certKey, warning)
		}
	}
}

// listenerWarnings says what browsers will not like about the listener's certificate, soon or now. A proxy in front may not mind.
func listenerWarnings(leaf *x509.Certificate, issuer string, now time.Time) (warnings []string) {
	const renew = "renew it; the files are read again when they change"
	left := leaf.NotAfter.Sub(now)
	switch {
	case now.Before(leaf.NotBefore):
		warnings = append(warnings, "is not valid before "+moment(leaf.NotBefore)+": browsers refuse it")
	case left < 0:
		warnings = append(warnings, "ended on "+moment(leaf.NotAfter)+": browsers refuse it; "+renew)
	case left <= certificateWarning:
		warnings = append(warnings, fmt.Sprintf("ends in %d days; %s", daysLeft(left), renew))
	}
	if u, err := url.Parse(issuer); err == nil && u.Hostname() != "" && leaf.VerifyHostname(u.Hostname()) != nil {
		names := append([]string{}, leaf.DNSNames...)
		for _, ip := range leaf.IPAddresses {
			names = append(names, ip.String())
		}
		if len(names) == 0 {
			names = append(names, "no host at all (it lacks subjectAltName)")
		}
		warnings = append(warnings, fmt.Sprintf("is not for %s, the host of the issuer, but for %s: browsers refuse it", u.Hostname(), strings.Join(names, ", ")))
	}
	return warnings
}

// inspectOutbound looks at the roots for calls to apps.
func inspectOutbound(c *config.Config, f config.Findings) {
	path := c.Outbound.RootCAFile
	if path == "" || !f.Sound("outbound.root_ca_file") {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil || !x509.NewCertPool().AppendCertsFromPEM(text) {
		f.Fault("outbound.root_ca_file", path+" holds no certificate in PEM", "name a file that begins with -----BEGIN CERTIFICATE-----")
	}
}
