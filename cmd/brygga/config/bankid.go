package config

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"brygga/bankid"
	"brygga/clients"
	"brygga/login"
)

// serverRoots are the SHA-256 fingerprints of the roots of BankID's servers (BankID API: environments).
var serverRoots = map[string]bankid.Environment{
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
	c.checkReferringDomain(r)
	c.checkCertificates(r)
	c.checkRoot(r)
	c.checkVerification(r)
}

func (c *Config) checkReferringDomain(r *reader) {
	issuer, err := url.Parse(c.Issuer)
	if domain := c.BankID.ReferringDomain; domain != "" && err == nil && !bankid.IsReferringDomain(domain, issuer.Hostname()) {
		r.fault("bankid.referring_domain", fmt.Sprintf("%q is not the issuer's host or a domain above it, in small letters and punycode", domain),
			"remove the key: the issuer's registrable domain is the default")
	}
}

// ReferringDomain is the domain that BankID is told the app is started from, or "" when the issuer has none.
func (c *Config) ReferringDomain() string {
	issuer, err := url.Parse(c.Issuer)
	if c.BankID.ReferringDomain != "" || err != nil {
		return c.BankID.ReferringDomain
	}
	return bankid.ReferringDomain(issuer.Hostname())
}

// Default returns the default certificate as one of a list.
func (b *BankID) Default() Certificate {
	return Certificate{"", b.PKCS12File, b.Passphrase, b.PassphraseFile, b.CertificateFile, b.KeyFile}
}

// CertificateNames returns the names of the further certificates.
func (b *BankID) CertificateNames() []string { return namesOf(b.Certificates) }

func namesOf(all []Certificate) []string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	return names
}

// CertificateNames returns the names of the further certificates of all eIDs, which policies may name.
func (c *Config) CertificateNames() []string {
	names := append(c.BankID.CertificateNames(), c.NetID.CertificateNames()...)
	slices.Sort(names)
	return slices.Compact(names)
}

// Set reports whether there is a certificate.
func (c Certificate) Set() bool { return c.PKCS12File != "" || c.CertificateFile != "" }

func (c *Config) checkCertificates(r *reader) {
	c.checkCertificate(r, "bankid", c.BankID.Default())
	c.checkFurther(r, "bankid.certificates", c.BankID.Certificates)
}

// checkFurther checks the certificates of a list.
func (c *Config) checkFurther(r *reader, list string, all []Certificate) {
	for i, certificate := range all {
		section := list + "[" + itoa(i) + "]"
		switch {
		case certificate.Name == "":
			r.fault(section+".name", "missing", "write the name that policies call it by")
		case slices.Contains(namesOf(all)[:i], certificate.Name):
			r.fault(section+".name", "is the name of another certificate too", "give each certificate a name of its own")
		}
		r.length(section+".name", certificate.Name, clients.MaxName)
		c.checkCertificate(r, section, certificate)
	}
}

func (c *Config) checkCertificate(r *reader, section string, b Certificate) {
	key := func(name string) string { return section + "." + name }
	remedy := "name the .p12 file from your bank in " + key("pkcs12_file") + ", or PEM files in " + key("certificate_file") + " and " + key("key_file")
	switch {
	case b.PKCS12File == "" && b.CertificateFile == "":
		r.fault(key("pkcs12_file"), "no certificate is set", remedy)
	case b.PKCS12File != "" && (b.CertificateFile != "" || b.KeyFile != ""):
		r.fault(key("pkcs12_file"), "set together with PEM files", "keep one kind of certificate")
	case b.PKCS12File == "" && !b.Passphrase.IsZero():
		r.fault(key("passphrase"), "belongs to "+key("pkcs12_file")+", which is not set", "remove it: a key in PEM must not be encrypted")
	}
	if r.readable(key("pkcs12_file"), b.PKCS12File) {
		c.warnOpen(key("pkcs12_file"), b.PKCS12File)
	}
	r.readable(key("certificate_file"), b.CertificateFile)
	if r.readable(key("key_file"), b.KeyFile) {
		c.warnOpen(key("key_file"), b.KeyFile)
	}
}

// checkVerification looks whether results can be verified as they shall be.
func (c *Config) checkVerification(r *reader) {
	b := &c.BankID
	r.word("bankid.verify", b.Verify, string(login.VerifyRequire), string(login.VerifyLog), string(login.VerifyOff))
	c.checkExcept(r)
	switch {
	case b.Verify == string(login.VerifyOff):
		if b.Environment == Production {
			c.warnings = append(c.warnings, "bankid.verify: off; what BankID answers is believed without proof")
		}
		return
	case b.SignatureRootFile == "":
		r.fault("bankid.signature_root_file", "missing",
			"name a PEM file with the member banks' root, which BankID hands out on request and \"brygga simulator\" writes; or set bankid.verify: off")
		return
	case !r.readable("bankid.signature_root_file", b.SignatureRootFile):
		return
	}
	c.checkPinned(r, "bankid.signature_root_file", b.SignatureRootFile, bankid.SignatureRoots())
}

// checkExcept looks whether the checks that shall refuse nothing are such that nobody's identity rests on them.
func (c *Config) checkExcept(r *reader) {
	var may []string
	for _, check := range bankid.ExcusableChecks() {
		may = append(may, string(check))
	}
	for _, check := range c.BankID.VerifyExcept {
		switch known := slices.Contains(bankid.Checks(), bankid.Check(check)); {
		case slices.Contains(may, check):
			c.warnings = append(c.warnings, "bankid.verify_except: "+check+"; results that fail this check are believed")
		case known:
			r.fault("bankid.verify_except", "nobody's identity is proven without the check "+check, "leave it out; the checks that may stand here are "+strings.Join(may, ", "))
		default:
			r.fault("bankid.verify_except", fmt.Sprintf("%q is no check", check), "write some of "+strings.Join(may, ", "))
		}
	}
}

// Except are the checks that VerifyExcept names.
func (b *BankID) Except() []bankid.Check {
	var checks []bankid.Check
	for _, check := range b.VerifyExcept {
		checks = append(checks, bankid.Check(check))
	}
	return checks
}

// checkRoot looks whether the pinned root is that of the environment's server.
func (c *Config) checkRoot(r *reader) {
	b := &c.BankID
	if b.RootCAFile == "" {
		r.fault("bankid.root_ca_file", "missing", "name a PEM file with the root of BankID's server certificate, which BankID publishes for developers")
		return
	}
	if r.readable("bankid.root_ca_file", b.RootCAFile) {
		c.checkPinned(r, "bankid.root_ca_file", b.RootCAFile, serverRoots)
	}
}

// checkPinned looks whether a file holds the roots that belong there. A root that is not known may be a new one of BankID's,
// or anybody's: that is a warning, as only the operator can know.
func (c *Config) checkPinned(r *reader, key, path string, known map[string]bankid.Environment) {
	text, err := os.ReadFile(path)
	certificates := pemCertificates(text)
	if err != nil || len(certificates) == 0 {
		r.fault(key, path+" holds no certificate in PEM", "name a file that begins with -----BEGIN CERTIFICATE-----")
		return
	}
	for _, certificate := range certificates {
		fingerprint := sha256.Sum256(certificate.Raw)
		problem, ours := rootProblem(known, c.BankID.Environment, hex.EncodeToString(fingerprint[:]))
		switch {
		case problem != "":
			r.fault(key, problem, "name the root of the environment that is used; never trust both")
		case !ours:
			c.warnings = append(c.warnings, fmt.Sprintf("%s: %q (SHA-256 %x) is not the root that this brygga knows as BankID's; compare it with BankID's own word",
				key, certificate.Subject.CommonName, fingerprint))
		}
	}
}

// rootProblem returns why a root must not be trusted in the environment, or "", and whether it is known to be right there. A
// simulator has roots of its own, but BankID's are none of a simulator's, and the two kinds of root must not be mixed up.
func rootProblem(known map[string]bankid.Environment, environment, fingerprint string) (problem string, ours bool) {
	for _, all := range []map[string]bankid.Environment{serverRoots, bankid.SignatureRoots()} {
		if _, found := all[fingerprint]; found && known[fingerprint] == "" {
			return "holds the root of BankID's other branch: servers and people's signatures have different ones", true
		}
	}
	of, ours := known[fingerprint]
	switch {
	case ours && string(of) != environment:
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

// Policies are the kinds of BankID that the environment knows.
func (b *BankID) Policies() []string {
	if b.Environment == Production {
		return bankid.ProductionPolicies()
	}
	return bankid.TestPolicies()
}

// MobilePolicy is the one of them that a phone has.
func (b *BankID) MobilePolicy() string {
	if b.Environment == Production {
		return bankid.PolicyMobile
	}
	return bankid.PolicyTestMobile
}

// Options returns how package bankid is to speak to this BankID, with the default certificate. Logger, clock and observer are
// left to the caller.
func (b *BankID) Options() bankid.Options {
	return bankid.Options{
		BaseURL: b.address(), Certificate: b.Default().Source(), RootCAsFile: b.RootCAFile,
		Timeout: b.Timeout, MaxConns: b.MaxConnections,
	}
}

// Sources returns the further certificates by name.
func (b *BankID) Sources() map[string]bankid.CertificateSource {
	sources := make(map[string]bankid.CertificateSource, len(b.Certificates))
	for _, certificate := range b.Certificates {
		sources[certificate.Name] = certificate.Source()
	}
	return sources
}

// Source returns where the certificate and its key are, for package bankid.
func (c Certificate) Source() bankid.CertificateSource {
	return bankid.CertificateSource{CertFile: c.CertificateFile, KeyFile: c.KeyFile, PKCS12File: c.PKCS12File, Passphrase: c.Passphrase}
}
