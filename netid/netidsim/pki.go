package netidsim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"time"
)

// The certificates hold through any clock that a test may use; nothing here depends on their end.
var (
	validFrom = time.Date(1999, time.January, 1, 0, 0, 0, 0, time.UTC)
	validTo   = time.Date(2099, time.December, 31, 0, 0, 0, 0, time.UTC)
)

// authority is a certificate with its key.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// pki holds the branches: of the server, of those who may call it, of people's cards, and of the certificates in their phones.
type pki struct {
	serverRoot, callers *authority
	server              tls.Certificate
	cards, phones       issuer
}

// issuer is an authority of people's certificates, with what answers for it whether they are revoked.
type issuer struct{ ca, responder *authority }

func newIssuer(common string) (i issuer, err error) {
	if i.ca, err = newAuthority(common); err != nil {
		return i, err
	}
	i.responder, err = i.ca.issue(&x509.Certificate{
		Subject: name("Bryggans prov OCSP"), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
	}, nil)
	return i, err
}

// issuerOf returns whose certificate a person has.
func (p *pki) issuerOf(u *User) issuer {
	if u.Mobile {
		return p.phones
	}
	return p.cards
}

// issuerOfCertificate returns whose a certificate is by its word.
func (p *pki) issuerOfCertificate(cert *x509.Certificate) issuer {
	if cert.Issuer.CommonName == p.phones.ca.cert.Subject.CommonName {
		return p.phones
	}
	return p.cards
}

func newPKI(hosts []string) (*pki, error) {
	p := &pki{}
	for _, ca := range []struct {
		into **authority
		name string
	}{{&p.serverRoot, "Bryggans prov server CA"}, {&p.callers, "Bryggans prov client CA"}} {
		var err error
		if *ca.into, err = newAuthority(ca.name); err != nil {
			return nil, err
		}
	}
	leaf := &x509.Certificate{
		Subject: name("localhost"), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range append([]string{"localhost", "127.0.0.1", "::1"}, hosts...) {
		if ip := net.ParseIP(host); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, host)
		}
	}
	server, err := p.serverRoot.issue(leaf, nil)
	if err != nil {
		return nil, err
	}
	p.server = server.tls()
	var errPhones error
	p.cards, err = newIssuer("Bryggans prov card CA")
	p.phones, errPhones = newIssuer("Bryggans prov mobile CA")
	return p, errors.Join(err, errPhones)
}

func name(common string) pkix.Name {
	return pkix.Name{Country: []string{"SE"}, Organization: []string{"Bryggans prov"}, CommonName: common}
}

func newAuthority(common string) (*authority, error) {
	return (&authority{}).issue(&x509.Certificate{
		Subject: name(common), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, nil)
}

// issue makes a certificate for a key, nil for a fresh one. An authority without a certificate has its first made, which signs itself.
func (a *authority) issue(template *x509.Certificate, key crypto.Signer) (*authority, error) {
	var err error
	if key == nil {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return nil, err
		}
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, err
	}
	if template.NotBefore.IsZero() {
		template.NotBefore, template.NotAfter = validFrom, validTo
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert, key}, err
}

func (a *authority) tls() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{a.cert.Raw}, PrivateKey: a.key, Leaf: a.cert}
}

func (a *authority) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// ClientCertificate is a caller's certificate with its key.
type ClientCertificate struct {
	// TLS is for tls.Config.Certificates.
	TLS tls.Certificate
	// CertPEM is the certificate, KeyPEM its PKCS #8 key, both in PEM.
	CertPEM, KeyPEM []byte
}

func (p *pki) newClient(common string) (ClientCertificate, error) {
	a, err := p.callers.issue(&x509.Certificate{
		Subject: name(common), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, nil)
	if err != nil {
		return ClientCertificate{}, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return ClientCertificate{}, err
	}
	return ClientCertificate{TLS: a.tls(), CertPEM: a.certPEM(), KeyPEM: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})}, nil
}
