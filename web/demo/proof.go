package demo

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"
)

// claimEvidence is the OCSP response: what the issuer of the person's certificate said of it at the signature.
const claimEvidence = "https://id.oidc.se/claim/authnEvidence"

// askForEvidence has the claims parameter bring what proves a signature.
const askForEvidence = `{"id_token":{"` + claimEvidence + `":null}}`

// proof is what the app has found of a signature by itself. It knows no root that people's certificates lead to: that they do, and all that is of
// BankID alone, the provider has verified.
type proof struct {
	// Name and Number are the person's, Issuer that of the certificate, as it says.
	Name, Number, Issuer string
	// ValidTo is when the certificate ends, GoodAt when its issuer said that it was good.
	ValidTo, GoodAt time.Time
}

// prove holds a BankID signature, as XML, against itself and the OCSP response: the digests of what was signed and of the certificates, the signature
// over these by the key of the person's certificate, and the issuer's word that it was good, where the app may have that. The parts of the XML are written so that their
// canonical form is the text itself.
func prove(signature []byte, response string) (*proof, error) {
	info, data, keys := element(signature, "SignedInfo"), element(signature, "bankIdSignedData"), element(signature, "KeyInfo")
	digests, certificates := texts(info, "DigestValue"), texts(keys, "X509Certificate")
	if len(digests) != 2 || len(certificates) < 2 || digests[0] != digest(data) || digests[1] != digest(keys) {
		return nil, errors.New("the signature is of something else")
	}
	person, err := certificate(certificates[0])
	if err != nil {
		return nil, err
	}
	issuer, err := certificate(certificates[1])
	if err != nil {
		return nil, err
	}
	value, err := base64.StdEncoding.DecodeString(strings.Join(texts(signature, "SignatureValue"), ""))
	key, isRSA := person.PublicKey.(*rsa.PublicKey)
	if err != nil || !isRSA {
		return nil, errors.New("the signature cannot be read")
	}
	sum := sha256.Sum256(info)
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], value); err != nil {
		return nil, fmt.Errorf("verify the signature: %w", err)
	}
	p := &proof{Name: person.Subject.CommonName, Number: person.Subject.SerialNumber, Issuer: issuer.Subject.CommonName, ValidTo: person.NotAfter}
	if response != "" {
		p.GoodAt, err = goodAt(response, person, issuer)
	}
	return p, err
}

// goodAt returns when the issuer said that the person's certificate was good. Without the issuer's certificate it takes the answer by its word, for the
// serial number alone: whose it is, the provider has verified.
func goodAt(response string, person, issuer *x509.Certificate) (time.Time, error) {
	der, err := base64.StdEncoding.DecodeString(response)
	if err != nil {
		return time.Time{}, errors.New("the OCSP response is not base64")
	}
	answer, err := ocsp.ParseResponseForCert(der, person, issuer)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the OCSP response: %w", err)
	}
	if answer.Status != ocsp.Good {
		return time.Time{}, errors.New("the person's certificate was not good")
	}
	return answer.ProducedAt, nil
}

func certificate(text string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("a certificate is not base64")
	}
	return x509.ParseCertificate(der)
}

func digest(part []byte) string {
	sum := sha256.Sum256(part)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// element returns the first element of that name as it stands, with its tags; nothing when there is none.
func element(xml []byte, name string) []byte {
	from, end := bytes.Index(xml, []byte("<"+name)), []byte("</"+name+">")
	if from < 0 {
		return nil
	}
	to := bytes.Index(xml[from:], end)
	if to < 0 {
		return nil
	}
	return xml[from : from+to+len(end)]
}

// texts returns what stands in each element of that name, which has no others in it.
func texts(xml []byte, name string) (all []string) {
	for {
		found := element(xml, name)
		if found == nil {
			return all
		}
		_, text, _ := strings.Cut(strings.TrimSuffix(string(found), "</"+name+">"), ">")
		all = append(all, text)
		_, xml, _ = bytes.Cut(xml, found)
	}
}
