package netidsim

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"time"

	"github.com/digitorus/pkcs7"
	"golang.org/x/crypto/ocsp"
)

// card is a person's certificate with its key, which is made when it first signs.
type card = authority

var (
	oidSurname          = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidGivenName        = asn1.ObjectIdentifier{2, 5, 4, 42}
	oidTitle            = asn1.ObjectIdentifier{2, 5, 4, 12}
	oidOrganizationID   = asn1.ObjectIdentifier{2, 5, 4, 97}
	oidEmployeeNumber   = asn1.ObjectIdentifier{2, 16, 840, 1, 113730, 3, 1, 3}
	oidAlternativeNames = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidPrincipalName    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 20, 2, 3}
)

// cardOf returns a person's card. The caller holds the lock.
func (s *Simulator) cardOf(u *User) (*card, error) {
	if u.card != nil {
		return u.card, nil
	}
	c, err := newCard(s.pki.issuerOf(u).ca, u, validTo, nil)
	u.card = c
	return c, err
}

// newCard issues a card: the identifier as the subject's serial number, and the UPN among the alternative names.
func newCard(by *authority, u *User, until time.Time, key crypto.Signer) (*card, error) {
	template := &x509.Certificate{
		Subject: pkix.Name{
			Country: []string{"SE"}, CommonName: u.name(), SerialNumber: u.ID,
			ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidGivenName, Value: u.GivenName}, {Type: oidSurname, Value: u.Surname}},
		},
		NotBefore: validFrom, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	atWork(u, &template.Subject)
	names, err := alternativeNames(u)
	if err != nil {
		return nil, err
	}
	template.ExtraExtensions = names
	if key == nil {
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, err
		}
	}
	return by.issue(template, key)
}

// atWork puts into a subject what the person is at work.
func atWork(u *User, subject *pkix.Name) {
	if u.Organization != "" {
		subject.Organization = []string{u.Organization}
	}
	if u.Unit != "" {
		subject.OrganizationalUnit = []string{u.Unit}
	}
	for _, attribute := range []pkix.AttributeTypeAndValue{{Type: oidTitle, Value: u.Title}, {Type: oidOrganizationID, Value: u.OrganizationID}, {Type: oidEmployeeNumber, Value: u.EmployeeNumber}} {
		if attribute.Value != "" {
			subject.ExtraNames = append(subject.ExtraNames, attribute)
		}
	}
}

// alternativeNames returns the extension with the UPN and the e-mail address, none for neither: crypto/x509 writes no UPN.
func alternativeNames(u *User) ([]pkix.Extension, error) {
	var all []asn1.RawValue
	if u.PrincipalName != "" {
		text, err := asn1.MarshalWithParams(u.PrincipalName, "utf8")
		if err != nil {
			return nil, err
		}
		der, err := asn1.MarshalWithParams(struct {
			Type  asn1.ObjectIdentifier
			Value asn1.RawValue
		}{oidPrincipalName, asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: text}}, "tag:0")
		if err != nil {
			return nil, err
		}
		all = append(all, asn1.RawValue{FullBytes: der})
	}
	if u.Email != "" {
		all = append(all, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, Bytes: []byte(u.Email)})
	}
	if len(all) == 0 {
		return nil, nil
	}
	value, err := asn1.Marshal(all)
	return []pkix.Extension{{Id: oidAlternativeNames, Value: value}}, err
}

// sign signs content in a format: PKCS#7 with the content in it, or a bare value. weak is for SHA-1.
func sign(c *card, content, format string, weak bool) (string, error) {
	switch format {
	case "raw-256", "raw-512":
		hash := map[string]crypto.Hash{"raw-256": crypto.SHA256, "raw-512": crypto.SHA512}[format]
		sum := hash.New()
		sum.Write([]byte(content))
		value, err := c.key.Sign(rand.Reader, sum.Sum(nil), hash)
		return base64.StdEncoding.EncodeToString(value), err
	}
	data, err := pkcs7.NewSignedData([]byte(content))
	if err != nil {
		return "", err
	}
	data.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if weak {
		data.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA1)
	}
	if err := data.AddSigner(c.cert, c.key, pkcs7.SignerInfoConfig{}); err != nil {
		return "", err
	}
	der, err := data.Finish()
	return base64.StdEncoding.EncodeToString(der), err
}

// status is what the responder says of a certificate.
type status struct {
	revoked bool
	age     time.Duration
}

// answer returns the OCSP response about a certificate of issuer, by a responder that has its certificate of it.
func (st status) answer(issuer, responder *authority, cert *x509.Certificate) (string, error) {
	if issuer == nil || responder == nil {
		return "", errors.New("netidsim: no responder")
	}
	at := time.Now().Add(-st.age)
	response := ocsp.Response{
		Status: ocsp.Good, SerialNumber: cert.SerialNumber, ThisUpdate: at, NextUpdate: at.Add(time.Hour), Certificate: responder.cert,
	}
	if st.revoked {
		response.Status, response.RevokedAt = ocsp.Revoked, at.Add(-time.Hour)
	}
	der, err := ocsp.CreateResponse(issuer.cert, responder.cert, response, responder.key)
	return base64.StdEncoding.EncodeToString(der), err
}
