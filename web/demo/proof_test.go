package demo

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

// TestProofOfSignature: a signature with one thing changed in it, or with another certificate's OCSP response, proves nothing.
func TestProofOfSignature(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	issuer := issue(t, key, "Bank", nil)
	person, other := issue(t, key, "Åsa", issuer), issue(t, key, "Bo", issuer)
	document := string(sign(t, key, "Jag säljer min cykel.", person, issuer))
	good, revoked := answer(t, key, issuer, person, ocsp.Good), answer(t, key, issuer, person, ocsp.Revoked)
	p, err := prove([]byte(document), good)
	if err != nil || p.Name != "Åsa" || p.Issuer != "Bank" || p.GoodAt.IsZero() || !p.ValidTo.Equal(person.NotAfter) {
		t.Fatalf("%+v, %v", p, err)
	}
	if p, err = prove([]byte(document), ""); err != nil || !p.GoodAt.IsZero() {
		t.Errorf("without an OCSP response: %+v, %v", p, err)
	}
	change := func(old, with string) string {
		return string(bytes.Replace([]byte(document), []byte(old), []byte(with), 1))
	}
	for name, tt := range map[string]struct{ document, response string }{
		"another text":                {change(base64.StdEncoding.EncodeToString([]byte("Jag säljer min cykel.")), "SGVq"), good},
		"another person":              {change(base64.StdEncoding.EncodeToString(person.Raw), base64.StdEncoding.EncodeToString(other.Raw)), good},
		"another digest":              {change(digest(element([]byte(document), "bankIdSignedData")), digest(nil)), good},
		"something more signed":       {change("<SignedInfo>", "<SignedInfo> "), good},
		"no signature":                {change("<SignatureValue>", "<Value>"), good},
		"nothing":                     {"", good},
		"not XML":                     {"<SignedInfo>", good},
		"a certificate not good":      {document, revoked},
		"another's OCSP response":     {document, answer(t, key, issuer, other, ocsp.Good)},
		"an OCSP response of no form": {document, "AAAA"},
	} {
		if p, err := prove([]byte(tt.document), tt.response); err == nil {
			t.Errorf("%s proves %+v", name, p)
		}
	}
}

func issue(t *testing.T, key *rsa.PrivateKey, name string, parent *x509.Certificate) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: parent == nil, BasicConstraintsValid: true,
	}
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func sign(t *testing.T, key *rsa.PrivateKey, text string, certificates ...*x509.Certificate) []byte {
	t.Helper()
	data := "<bankIdSignedData><usrVisibleData>" + base64.StdEncoding.EncodeToString([]byte(text)) + "</usrVisibleData></bankIdSignedData>"
	keys := "<KeyInfo>"
	for _, c := range certificates {
		keys += "<X509Certificate>" + base64.StdEncoding.EncodeToString(c.Raw) + "</X509Certificate>"
	}
	keys += "</KeyInfo>"
	info := fmt.Sprintf("<SignedInfo><DigestValue>%s</DigestValue><DigestValue>%s</DigestValue></SignedInfo>", digest([]byte(data)), digest([]byte(keys)))
	sum := sha256.Sum256([]byte(info))
	value, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, "<Signature>%s<SignatureValue>%s</SignatureValue>%s<Object>%s</Object></Signature>", info, base64.StdEncoding.EncodeToString(value), keys, data)
}

func answer(t *testing.T, key *rsa.PrivateKey, issuer, person *x509.Certificate, status int) string {
	t.Helper()
	der, err := ocsp.CreateResponse(issuer, issuer, ocsp.Response{
		Status: status, SerialNumber: person.SerialNumber, ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Minute), RevokedAt: time.Now(),
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}
