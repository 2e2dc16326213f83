package netid

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"
	"golang.org/x/crypto/ocsp"

	"brygga/secret"
)

// authority issues certificates for the tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

var serials struct {
	sync.Mutex
	last int64
}

func nextSerial() *big.Int {
	serials.Lock()
	defer serials.Unlock()
	serials.last++
	return big.NewInt(serials.last)
}

func newAuthority(t testing.TB, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, SerialNumber: nextSerial(), NotBefore: testNow.AddDate(-1, 0, 0), NotAfter: testNow.AddDate(5, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{parse(t, der), key}
}

// renewed returns the authority with a certificate of its own that lives from and to then.
func (a *authority) renewed(t testing.TB, from, to time.Time) *authority {
	t.Helper()
	template := *a.cert
	template.SerialNumber, template.NotBefore, template.NotAfter = nextSerial(), from, to
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{parse(t, der), a.key}
}

// below returns an authority that a issued the certificate of.
func (a *authority) below(t testing.TB, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := a.issue(t, func(c *x509.Certificate) {
		c.Subject, c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtKeyUsage = pkix.Name{CommonName: name}, true, true, x509.KeyUsageCertSign, nil
	}, key)
	return &authority{c.cert, key}
}

func parse(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// card is a certificate with its key.
type card struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// issue makes a person's certificate, as change leaves it.
func (a *authority) issue(t testing.TB, change func(*x509.Certificate), key crypto.Signer) *card {
	t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{
			Country: []string{"SE"}, Organization: []string{"Region Prov"}, CommonName: "Kim Prov", SerialNumber: testNumber,
			ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidGivenName, Value: "Kim"}, {Type: oidSurname, Value: "Prov"}},
		},
		SerialNumber: nextSerial(), NotBefore: testNow.AddDate(0, -1, 0), NotAfter: testNow.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	if key == nil {
		key = sharedRSA()
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &card{parse(t, der), key}
}

var sharedRSA = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// pkcs7Over signs content as a card does.
func (c *card) pkcs7Over(t testing.TB, content []byte, shape func(*pkcs7.SignedData)) secret.String {
	t.Helper()
	data, err := pkcs7.NewSignedData(content)
	if err != nil {
		t.Fatal(err)
	}
	data.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if shape != nil {
		shape(data)
	}
	if err := data.AddSigner(c.cert, c.key, pkcs7.SignerInfoConfig{}); err != nil {
		t.Fatal(err)
	}
	der, err := data.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return inBase64(der)
}

func (c *card) rawOver(t testing.TB, content string) secret.String {
	t.Helper()
	sum := sha256.Sum256([]byte(content))
	value, err := c.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return inBase64(value)
}

func inBase64(der []byte) secret.String { return secret.New(base64.StdEncoding.EncodeToString(der)) }

// ocspOf answers for a certificate, as change leaves it. A nil responder is the issuer itself.
func (a *authority) ocspOf(t testing.TB, cert *x509.Certificate, responder *card, change func(*ocsp.Response)) secret.String {
	t.Helper()
	answer := ocsp.Response{Status: ocsp.Good, SerialNumber: cert.SerialNumber, ThisUpdate: testNow, NextUpdate: testNow.Add(time.Hour)}
	by, key := a.cert, crypto.Signer(a.key)
	if responder != nil {
		by, key, answer.Certificate = responder.cert, responder.key, responder.cert
	}
	if change != nil {
		change(&answer)
	}
	der, err := ocsp.CreateResponse(a.cert, by, answer, key)
	if err != nil {
		t.Fatal(err)
	}
	return inBase64(der)
}

// alternative returns the extension with principal names.
func alternative(t testing.TB, names ...string) pkix.Extension {
	t.Helper()
	var all []asn1.RawValue
	for _, name := range names {
		text, err := asn1.MarshalWithParams(name, "utf8")
		if err != nil {
			t.Fatal(err)
		}
		der, err := asn1.MarshalWithParams(otherName{oidPrincipalName, asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: text}}, "tag:0")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, asn1.RawValue{FullBytes: der})
	}
	value, err := asn1.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return pkix.Extension{Id: oidAlternativeNames, Value: value}
}
