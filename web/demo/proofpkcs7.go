package demo

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/digitorus/pkcs7"
)

// digestLength is that of a SHA-256 in base64.
const digestLength = 44

// provePKCS7 holds a PKCS#7, as eIDs by card make them, against what the app has asked for. Behind the text stand a hash, which ties the text to the order, and the app's
// data, each with a dot behind it. The certificate's issuer is not in the signature: that it is one that issues cards, the provider has verified.
func provePKCS7(der []byte, response, text string, data []byte) (*proof, error) {
	p, err := pkcs7.Parse(der)
	if err != nil {
		return nil, fmt.Errorf("read the signature: %w", err)
	}
	along, begins := strings.CutPrefix(string(p.Content), text)
	if !begins || len(along) < digestLength || along[digestLength:] != "."+base64.StdEncoding.EncodeToString(data)+"." {
		return nil, errors.New("the signature is of something else")
	}
	if _, err := base64.StdEncoding.Strict().DecodeString(along[:digestLength]); err != nil {
		return nil, errors.New("the signature is of something else")
	}
	person := p.GetOnlySigner()
	if person == nil || !isSHA2(p.Signers[0].DigestAlgorithm.Algorithm) {
		return nil, errors.New("the signature cannot be read")
	}
	if err := p.Verify(); err != nil {
		return nil, fmt.Errorf("verify the signature: %w", err)
	}
	made := &proof{Name: person.Subject.CommonName, Number: person.Subject.SerialNumber, Issuer: person.Issuer.CommonName, ValidTo: person.NotAfter}
	if response != "" {
		made.GoodAt, err = goodAt(response, person, issuerIn(p, person))
	}
	return made, err
}

// issuerIn returns the certificate of the person's issuer where the signature has it, else nil.
func issuerIn(p *pkcs7.PKCS7, person *x509.Certificate) *x509.Certificate {
	i := slices.IndexFunc(p.Certificates, func(c *x509.Certificate) bool { return person.CheckSignatureFrom(c) == nil })
	if i < 0 {
		return nil
	}
	return p.Certificates[i]
}

func isSHA2(digest asn1.ObjectIdentifier) bool {
	return slices.ContainsFunc([]asn1.ObjectIdentifier{pkcs7.OIDDigestAlgorithmSHA256, pkcs7.OIDDigestAlgorithmSHA384, pkcs7.OIDDigestAlgorithmSHA512}, digest.Equal)
}
