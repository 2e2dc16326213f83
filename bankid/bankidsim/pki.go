package bankidsim

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// Attributes of subjects, in the notation of X.520.
var (
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidSurname      = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidSerialNumber = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidCountry      = asn1.ObjectIdentifier{2, 5, 4, 6}
	oidOrganization = asn1.ObjectIdentifier{2, 5, 4, 10}
	oidOrgUnit      = asn1.ObjectIdentifier{2, 5, 4, 11}
	oidName         = asn1.ObjectIdentifier{2, 5, 4, 41}
	oidGivenName    = asn1.ObjectIdentifier{2, 5, 4, 42}
)

const (
	bankName   = "Bryggans provbank AB"
	schemeName = "Bryggans provinfrastruktur AB"
	bankNumber = "111111111111"

	caPolicy = "1.2.3.4.5"
)

// attribute is one part of a subject. Subjects are written in the order given, as BankID's have one that
// crypto/x509 would change.
type attribute struct {
	oid   asn1.ObjectIdentifier
	value string
}

// subject returns the DER of a distinguished name with the attributes in the order given. Values that fit are
// PrintableString, as in BankID's certificates; the name attribute is always UTF8String.
func subject(attrs ...attribute) ([]byte, error) {
	var seq pkix.RDNSequence
	for _, a := range attrs {
		var value any = a.value
		if a.oid.Equal(oidName) {
			value = asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(a.value)}
		}
		seq = append(seq, pkix.RelativeDistinguishedNameSET{{Type: a.oid, Value: value}})
	}
	return asn1.Marshal(seq)
}

// authority is a certificate together with its key.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func (a *authority) certPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// issue signs template for pub under parent, or self-signed when parent is nil. It fills in serial number and key
// identifier.
func issue(template *x509.Certificate, key crypto.Signer, parent *authority) (*authority, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	if template.SubjectKeyId, err = keyID(key.Public()); err != nil {
		return nil, err
	}
	issuer, signer := template, key
	if parent != nil {
		issuer, signer = parent.cert, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key}, nil
}

// caTemplate is a certificate authority valid between the two times.
func caTemplate(rawSubject []byte, from, to time.Time) (*x509.Certificate, error) {
	policy, err := x509.ParseOID(caPolicy)
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		RawSubject: rawSubject, NotBefore: from, NotAfter: to,
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		Policies: []x509.OID{policy},
	}, nil
}

// newSerial returns a positive serial number of eight bytes.
func newSerial() (*big.Int, error) {
	b := make([]byte, 8)
	if _, err := rand.Read(b); err != nil {
		return nil, err
	}
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b), nil
}

// keyID is the key identifier of RFC 5280 §4.2.1.2 (1).
func keyID(pub crypto.PublicKey) ([]byte, error) {
	bits, err := publicKeyBits(pub)
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum(bits)
	return sum[:], nil
}

// publicKeyBits returns the content of the BIT STRING in a SubjectPublicKeyInfo, which OCSP hashes too.
func publicKeyBits(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, err
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, fmt.Errorf("parse public key: %w", err)
	}
	return info.Key.RightAlign(), nil
}
