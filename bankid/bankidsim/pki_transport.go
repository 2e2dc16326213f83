package bankidsim

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"net"
	"strings"
	"time"
)

// RPCertificate is a relying party's client certificate with its key, as the bank would hand it out.
type RPCertificate struct {
	// TLS is for tls.Config.Certificates.
	TLS tls.Certificate
	// CertPEM is the certificate, KeyPEM its PKCS #8 key, both in PEM.
	CertPEM, KeyPEM []byte
}

// The transport certificates hold through any clock a test may use; nothing here depends on their expiry.
var (
	transportFrom = time.Date(1999, time.January, 1, 0, 0, 0, 0, time.UTC)
	transportTo   = time.Date(2099, time.December, 31, 0, 0, 0, 0, time.UTC)
)

// transportPKI holds the two branches that mutual TLS needs: the server's, and the one of relying parties.
type transportPKI struct {
	serverRoot *authority
	server     tls.Certificate
	rpCA       *authority
}

func newTransportPKI(hosts []string) (*transportPKI, error) {
	p := &transportPKI{}
	var err error
	if p.serverRoot, err = newTransportCA("Bryggans prov SSL Root CA v1", schemeName); err != nil {
		return nil, err
	}
	if p.rpCA, err = newTransportCA("Bryggans provbank RP CA v1", bankName); err != nil {
		return nil, err
	}
	p.server, err = p.newServer(hosts)
	return p, err
}

func newTransportCA(name, organization string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	raw, err := subject(
		attribute{oidCountry, "SE"}, attribute{oidOrganization, organization},
		attribute{oidOrgUnit, "Infrastructure CA"}, attribute{oidCommonName, name},
	)
	if err != nil {
		return nil, err
	}
	template, err := caTemplate(raw, transportFrom, transportTo)
	if err != nil {
		return nil, err
	}
	return issue(template, key, nil)
}

func (p *transportPKI) newServer(hosts []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	raw, err := subject(attribute{oidCountry, "SE"}, attribute{oidOrganization, schemeName}, attribute{oidCommonName, "localhost"})
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		RawSubject: raw, NotBefore: transportFrom, NotAfter: transportTo,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range append([]string{"localhost", "127.0.0.1", "::1"}, hosts...) {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	leaf, err := issue(template, key, p.serverRoot)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{leaf.cert.Raw}, PrivateKey: key, Leaf: leaf.cert}, nil
}

// RPSubject is what stands in a relying party's certificate. Name and OrgNumber are needed.
type RPSubject struct {
	// Name is what the phone shows, OrgNumber the ten-digit organisation number.
	Name, OrgNumber string
	// Bank is the organisation, which is the bank that issued it; empty means one made up.
	Bank string
	// RSA makes a certificate as banks do: with an RSA key of 2048 bits, a policy and no extended key usage. Otherwise it has an
	// elliptic key, which is made at once.
	RSA bool
	// Further are attributes between the bank and the organisation number, which some banks have.
	Further []pkix.AttributeTypeAndValue
}

// der returns the subject in the order of BankID API: environments.
func (s RPSubject) der() ([]byte, error) {
	attrs := []attribute{{oidCountry, "SE"}, {oidOrganization, cmp.Or(s.Bank, bankName)}}
	for _, further := range s.Further {
		value, ok := further.Value.(string)
		if !ok {
			return nil, errors.New("an attribute of a relying party is text")
		}
		attrs = append(attrs, attribute{further.Type, value})
	}
	return subject(append(attrs, attribute{oidSerialNumber, s.OrgNumber}, attribute{oidName, s.Name}, attribute{oidCommonName, "RP " + s.Name})...)
}

func (s RPSubject) check() error {
	switch {
	case strings.TrimSpace(s.Name) == "":
		return errors.New("a relying party needs a name")
	case len(s.OrgNumber) != 10 || strings.Trim(s.OrgNumber, "0123456789") != "":
		return errors.New("an organisation number has ten digits")
	}
	return nil
}

// template returns what the certificate is to hold, and its key.
func (s RPSubject) template(subject []byte) (*x509.Certificate, crypto.Signer, error) {
	template := &x509.Certificate{RawSubject: subject, NotBefore: transportFrom, NotAfter: transportTo, KeyUsage: x509.KeyUsageDigitalSignature}
	if !s.RSA {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return template, key, err
	}
	policy, err := x509.ParseOID(caPolicy)
	if err != nil {
		return nil, nil, err
	}
	template.Policies = []x509.OID{policy}
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	return template, key, err
}

// issueRP makes a client certificate.
func (p *transportPKI) issueRP(s RPSubject) (RPCertificate, error) {
	if err := s.check(); err != nil {
		return RPCertificate{}, err
	}
	raw, err := s.der()
	if err != nil {
		return RPCertificate{}, err
	}
	template, key, err := s.template(raw)
	if err != nil {
		return RPCertificate{}, err
	}
	leaf, err := issue(template, key, p.rpCA)
	if err != nil {
		return RPCertificate{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return RPCertificate{}, err
	}
	return RPCertificate{
		TLS:     tls.Certificate{Certificate: [][]byte{leaf.cert.Raw}, PrivateKey: key, Leaf: leaf.cert},
		CertPEM: leaf.certPEM(),
		KeyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}, nil
}

func (p *transportPKI) clientPool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.rpCA.cert)
	return pool
}

// relyingParty is what the API knows of a caller: its certificate, and what stands in it.
type relyingParty struct {
	fingerprint [sha256.Size]byte
	displayName string
	subject     string
}

// readRP returns the relying party behind a client certificate. Subject is its name as srvInfo has it.
func readRP(cert *x509.Certificate) (relyingParty, error) {
	rp := relyingParty{fingerprint: sha256.Sum256(cert.Raw)}
	for _, n := range cert.Subject.Names {
		if value, ok := n.Value.(string); ok && n.Type.Equal(oidName) {
			rp.displayName = value
		}
	}
	var err error
	rp.subject, err = subjectText(cert)
	return rp, err
}
