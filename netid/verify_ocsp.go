package netid

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"time"

	"golang.org/x/crypto/ocsp"
)

// maxOCSP bounds the base64 text of an OCSP response. They have some 3 kB.
const maxOCSP = 32 << 10

// revocation verifies that the issuer, or a responder that it appointed, said that the certificate was good, and returns when
// (RFC 6960 §3.2). A nonce is not looked at: which one the service asks with is not published. What stands against an old answer is its time.
func (v *Verifier) revocation(r *Result, cert, issuer *x509.Certificate, want Expected) (time.Time, error) {
	text := r.OCSPResponse.Reveal()
	switch {
	case text == "" && v.o.Revocation == RevocationService:
		return time.Time{}, nil
	case text == "":
		return time.Time{}, refused(CheckOCSPMissing, "there is no OCSP response")
	case len(text) > maxOCSP:
		return time.Time{}, refused(CheckOCSPStructure, "the OCSP response is too long")
	}
	raw, err := decodeBase64(text)
	if err != nil {
		return time.Time{}, refused(CheckOCSPStructure, "the OCSP response is not base64")
	}
	answer, err := answerFor(raw, cert, issuer, want.EndedAt)
	if err != nil {
		return time.Time{}, err
	}
	switch {
	case answer.Status != ocsp.Good:
		return time.Time{}, refused(CheckOCSPStatus, "the certificate is revoked or unknown")
	case answer.ThisUpdate.Before(want.StartedAt.Add(-v.o.MaxOCSPAge)), answer.ThisUpdate.After(want.EndedAt.Add(v.o.Skew)):
		return time.Time{}, refused(CheckOCSPTime, "the OCSP response is too old for the order, or from after it")
	case !answer.NextUpdate.IsZero() && answer.NextUpdate.Before(want.StartedAt.Add(-v.o.Skew)):
		return time.Time{}, refused(CheckOCSPTime, "the OCSP response was outdated")
	}
	return answer.ThisUpdate.UTC(), nil
}

// answerFor reads a response, which must be about that very certificate, and signed by the issuer or a responder that was appointed at that time. The
// library looks for the serial number alone, which another issuer may have given too, and verifies no more of a responder than that it signed.
func answerFor(raw []byte, cert, issuer *x509.Certificate, at time.Time) (*ocsp.Response, error) {
	answer, err := ocsp.ParseResponse(raw, nil)
	switch {
	case err != nil:
		return nil, refused(CheckOCSPStructure, "the OCSP response cannot be read, or is no answer about one certificate")
	case cert.SerialNumber.Cmp(answer.SerialNumber) != 0 || !names(answer, cert, issuer):
		return nil, refused(CheckOCSPCertificate, "the OCSP response is about another certificate")
	case answer.Certificate == nil && answer.CheckSignatureFrom(issuer) != nil:
		return nil, refused(CheckOCSPSignature, "the issuer did not sign the OCSP response")
	case answer.Certificate != nil && !appointed(answer.Certificate, issuer, at):
		return nil, refused(CheckOCSPSignature, "the issuer did not appoint the responder, or not for this time")
	}
	return answer, nil
}

// names reports whether a response names the issuer of the certificate: by the hashes that a question about it has, which stand together with
// the serial number in what is signed.
func names(answer *ocsp.Response, cert, issuer *x509.Certificate) bool {
	question, err := ocsp.CreateRequest(cert, issuer, &ocsp.RequestOptions{Hash: answer.IssuerHash})
	if err != nil {
		return false
	}
	asked, err := ocsp.ParseRequest(question)
	if err != nil {
		return false
	}
	var id []byte
	for _, part := range []any{asked.IssuerNameHash, asked.IssuerKeyHash, asked.SerialNumber} {
		der, err := asn1.Marshal(part)
		if err != nil {
			return false
		}
		id = append(id, der...)
	}
	return bytes.Contains(answer.TBSResponseData, id)
}

// appointed reports whether a responder's certificate is the issuer's own, or one that it issued for OCSP and nothing else (RFC 6960 §4.2.2.2).
// Otherwise anybody with a certificate of the issuer could vouch for themselves.
func appointed(responder, issuer *x509.Certificate, at time.Time) bool {
	if responder.Equal(issuer) {
		return true
	}
	roots := x509.NewCertPool()
	roots.AddCert(issuer)
	_, err := responder.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}})
	return err == nil && !responder.IsCA && len(responder.ExtKeyUsage) == 1 && responder.ExtKeyUsage[0] == x509.ExtKeyUsageOCSPSigning
}
