package config

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"

	"brygga/bankid"
)

// roots are the SHA-256 fingerprints of the roots of BankID's servers (BankID API: environments).
var roots = map[string]string{
	"e6a2d45c0a1051c959428649f86a09a9b2152cd551993cc2eb4cf094bdacbecb": Production,
	"f3d0740ebfb3700e3b81aa791fee451472698c84e199c2eb48a443ff1d5b405c": Test,
}

func (c *Config) checkBankID(r *reader) {
	b := &c.BankID
	r.word("bankid.environment", b.Environment, Production, Test, Custom)
	if b.Environment != Production && b.Environment != "" && !c.LocalIssuer() {
		if !b.InsecureTestEnvironment {
			r.fault("bankid.environment", "is not production: anybody can get such a BankID and be anyone",
				"write production; for a test installation set bankid.insecure_test_environment: true")
		} else {
			c.warnings = append(c.warnings, "bankid.environment: "+b.Environment+" proves nobody's identity; all pages are marked")
		}
	}
	switch {
	case b.Environment == Custom && b.URL == "":
		r.fault("bankid.url", "missing", "write the address that the simulator prints, such as https://localhost:8083/rp/v6.0")
	case b.Environment != Custom && b.URL != "":
		r.fault("bankid.url", "only works with environment: custom", "remove the key: the environment has its own address")
	case b.URL != "":
		if u, err := url.Parse(b.URL); err != nil || u.Scheme != "https" || u.Host == "" {
			r.fault("bankid.url", fmt.Sprintf("%q is not an https address", b.URL), "write it as https://localhost:8083/rp/v6.0")
		}
	}
	if b.PhoneURL != "" {
		if b.Environment != Custom {
			r.fault("bankid.phone_url", "only works with environment: custom", "remove the key: launch links lead to the BankID app")
		} else if _, err := bankid.ParseForm(b.PhoneURL); err != nil {
			r.fault("bankid.phone_url", fmt.Sprintf("%q is not a web address", b.PhoneURL), "write it as http://localhost:8082/")
		}
	}
	c.checkCertificate(r)
	c.checkRoot(r)
}

func (c *Config) checkCertificate(r *reader) {
	b := &c.BankID
	const remedy = "name the .p12 file from your bank in bankid.pkcs12_file, or PEM files in bankid.certificate_file and bankid.key_file"
	switch {
	case b.PKCS12File == "" && b.CertificateFile == "":
		r.fault("bankid.pkcs12_file", "no certificate is set", remedy)
	case b.PKCS12File != "" && (b.CertificateFile != "" || b.KeyFile != ""):
		r.fault("bankid.pkcs12_file", "set together with PEM files", "keep one kind of certificate")
	case b.PKCS12File == "" && !b.Passphrase.IsZero():
		r.fault("bankid.passphrase", "belongs to bankid.pkcs12_file, which is not set", "remove it: a key in PEM must not be encrypted")
	}
	if r.readable("bankid.pkcs12_file", b.PKCS12File) {
		c.warnOpen("bankid.pkcs12_file", b.PKCS12File)
	}
	r.readable("bankid.certificate_file", b.CertificateFile)
	if r.readable("bankid.key_file", b.KeyFile) {
		c.warnOpen("bankid.key_file", b.KeyFile)
	}
}

// checkRoot looks whether the pinned root is that of the environment. A root that is not known may be a new one of BankID's,
// or anybody's: that is a warning, as only the operator can know.
func (c *Config) checkRoot(r *reader) {
	b := &c.BankID
	if b.RootCAFile == "" {
		r.fault("bankid.root_ca_file", "missing", "name a PEM file with the root of BankID's server certificate, which BankID publishes for developers")
		return
	}
	if !r.readable("bankid.root_ca_file", b.RootCAFile) {
		return
	}
	text, err := os.ReadFile(b.RootCAFile)
	certificates := pemCertificates(text)
	if err != nil || len(certificates) == 0 {
		r.fault("bankid.root_ca_file", b.RootCAFile+" holds no certificate in PEM", "name a file that begins with -----BEGIN CERTIFICATE-----")
		return
	}
	for _, certificate := range certificates {
		fingerprint := sha256.Sum256(certificate.Raw)
		problem, known := rootProblem(b.Environment, hex.EncodeToString(fingerprint[:]))
		switch {
		case problem != "":
			r.fault("bankid.root_ca_file", problem, "name the root of the environment that is used; never trust both")
		case !known:
			c.warnings = append(c.warnings, fmt.Sprintf("bankid.root_ca_file: %q (SHA-256 %x) is not the root that this brygga knows as BankID's; compare it with BankID's page for developers",
				certificate.Subject.CommonName, fingerprint))
		}
	}
}

// rootProblem returns why a root must not be trusted in the environment, or "", and whether it is known to be right there. A
// simulator has a root of its own, but BankID's are none of a simulator's.
func rootProblem(environment, fingerprint string) (problem string, known bool) {
	of, ours := roots[fingerprint]
	switch {
	case ours && of != environment:
		return fmt.Sprintf("holds BankID's root of the %s environment, not of %s", of, environment), true
	case environment == Custom:
		return "", true
	}
	return "", ours
}

func pemCertificates(text []byte) []*x509.Certificate {
	var certificates []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return certificates
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if block.Type != "CERTIFICATE" || err != nil {
			continue
		}
		certificates = append(certificates, certificate)
	}
}

// Options returns how package bankid is to speak to this BankID. Logger, clock and observer are left to the caller.
func (b *BankID) Options() bankid.Options {
	return bankid.Options{
		BaseURL: b.address(),
		Certificate: bankid.CertificateSource{
			CertFile: b.CertificateFile, KeyFile: b.KeyFile, PKCS12File: b.PKCS12File, Passphrase: b.Passphrase,
		},
		RootCAsFile: b.RootCAFile,
		Timeout:     b.Timeout,
		MaxConns:    b.MaxConnections,
	}
}
