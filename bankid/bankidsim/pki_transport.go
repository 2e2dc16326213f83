package bankidsim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
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

// issueRP makes a client certificate with the subject of BankID API: environments, in the order of its attributes there.
func (p *transportPKI) issueRP(name, orgNumber string) (RPCertificate, error) {
	if strings.TrimSpace(name) == "" {
		return RPCertificate{}, errors.New("a relying party needs a name")
	}
	if len(orgNumber) != 10 || strings.Trim(orgNumber, "0123456789") != "" {
		return RPCertificate{}, errors.New("an organisation number has ten digits")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return RPCertificate{}, err
	}
	raw, err := subject(
		attribute{oidCountry, "SE"}, attribute{oidOrganization, bankName}, attribute{oidSerialNumber, orgNumber},
		attribute{oidName, name}, attribute{oidCommonName, "RP " + name},
	)
	if err != nil {
		return RPCertificate{}, err
	}
	leaf, err := issue(&x509.Certificate{
		RawSubject: raw, NotBefore: transportFrom, NotAfter: transportTo, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, key, p.rpCA)
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

// readRP returns the relying party behind a client certificate. Subject is its name as srvInfo has it, most specific
// part first (BankID API: signature profile).
func readRP(cert *x509.Certificate) relyingParty {
	labels := map[string]string{
		oidCommonName.String(): "cn", oidName.String(): "name", oidSerialNumber.String(): "serialNumber",
		oidOrganization.String(): "o", oidCountry.String(): "c",
	}
	rp := relyingParty{fingerprint: sha256.Sum256(cert.Raw)}
	var parts []string
	for i := len(cert.Subject.Names) - 1; i >= 0; i-- {
		n := cert.Subject.Names[i]
		value, _ := n.Value.(string)
		if n.Type.Equal(oidName) {
			rp.displayName = value
		}
		if label, ok := labels[n.Type.String()]; ok {
			parts = append(parts, label+"="+value)
		}
	}
	rp.subject = strings.Join(parts, ",")
	return rp
}
