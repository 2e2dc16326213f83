package netid

import (
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"time"

	"brygga/secret"
)

// Expected is what a result must say. It repeats the request and adds what we know of the order.
type Expected struct {
	// Visible and NonVisible are what was sent. An identification has no Visible.
	Visible, NonVisible string
	// UserID is who was asked for; zero for an order for the same device.
	UserID secret.String
	// StartedAt and EndedAt are when the order was asked for and when its result came. An EndedAt of zero means now.
	StartedAt, EndedAt time.Time
}

// check finds what the caller forgot. Without it, a result could match because nothing was expected of it.
func (w Expected) check() error {
	switch {
	case w.NonVisible == "":
		return errors.New("netid: verify result: Expected.NonVisible is missing")
	case w.StartedAt.IsZero():
		return errors.New("netid: verify result: Expected.StartedAt is missing")
	}
	return nil
}

// Proof is what a verified result proves. What it says of the person stands in the certificate.
type Proof struct {
	Person Person
	// Issuer is the Name of the one who issued the certificate, whose own is IssuerCertificate.
	Issuer      string
	Certificate *x509.Certificate
	// IssuerCertificate is one of the configuration.
	IssuerCertificate *x509.Certificate
	// SignedAt is when the person signed, by the device's clock; zero where the signature does not say so.
	SignedAt time.Time
	// OCSPAt is when the certificate was known to be good; zero without an OCSP response.
	OCSPAt time.Time
}

// Verify checks r against want and returns what is proven. A *VerificationError names the first check that failed: the result must then not
// be believed. Any other error is a fault in want. Errors hold nothing of r.
func (v *Verifier) Verify(r *Result, want Expected) (Proof, error) {
	if err := want.check(); err != nil {
		return Proof{}, err
	}
	if want.EndedAt.IsZero() {
		want.EndedAt = v.o.Now()
	}
	s, err := v.signature(r, v.o.Layout.content(want.Visible, want.NonVisible))
	if err != nil {
		return Proof{}, err
	}
	proof := Proof{Certificate: s.certificate, SignedAt: s.signedAt}
	issuer, err := v.issuer(s, want)
	if err != nil {
		return Proof{}, err
	}
	proof.Issuer, proof.IssuerCertificate = issuer.Name, issuer.Certificate
	if proof.OCSPAt, err = v.revocation(r, s.certificate, issuer.Certificate, want); err != nil {
		return Proof{}, err
	}
	if proof.Person, err = v.person(r, s.certificate, want); err != nil {
		return Proof{}, err
	}
	return proof, nil
}

// issuer returns who issued the certificate, which was valid when it signed and is for people. Of several certificates of one authority with the same key,
// as there are after a renewal, it is one that was valid.
func (v *Verifier) issuer(s *signature, want Expected) (*Issuer, error) {
	cert := s.certificate
	issued := func(i Issuer) bool {
		return string(i.Certificate.RawSubject) == string(cert.RawIssuer) && cert.CheckSignatureFrom(i.Certificate) == nil
	}
	at := slices.IndexFunc(v.o.Issuers, func(i Issuer) bool { return issued(i) && validAt(i.Certificate, want) })
	if at == -1 {
		at = slices.IndexFunc(v.o.Issuers, issued)
	}
	if at < 0 {
		return nil, refused(CheckIssuer, "the certificate is of no configured issuer")
	}
	by := &v.o.Issuers[at]
	if !s.signedAt.IsZero() && (s.signedAt.Before(want.StartedAt.Add(-v.o.Skew)) || s.signedAt.After(want.EndedAt.Add(v.o.Skew))) {
		return nil, refused(CheckTime, "it was signed at another time than that of the order")
	}
	if !validAt(cert, want) || !validAt(by.Certificate, want) {
		return nil, refused(CheckValidity, "the certificate, or its issuer's, was not valid then")
	}
	roots := x509.NewCertPool()
	roots.AddCert(by.Certificate)
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: want.EndedAt, KeyUsages: v.o.KeyPurposes}); err != nil || !signs(cert) {
		return nil, refused(CheckPurpose, "the certificate is not for people who sign")
	}
	return by, nil
}

// validAt reports whether a certificate was valid while the order ran.
func validAt(cert *x509.Certificate, want Expected) bool {
	return !want.StartedAt.Before(cert.NotBefore) && !want.EndedAt.After(cert.NotAfter)
}

// signs reports whether the key of a certificate is one that a person signs with.
func signs(cert *x509.Certificate) bool {
	return !cert.IsCA && cert.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) != 0
}

// person returns who the certificate names: whom the service names, and whom we asked for.
func (v *Verifier) person(r *Result, cert *x509.Certificate, want Expected) (Person, error) {
	p := personOf(cert)
	if p.ID = p.SerialNumber; v.o.Identifier == FieldPrincipalName {
		p.ID = p.PrincipalName
	}
	switch said := v.o.UserInfo.of(r.User); {
	case p.ID.IsZero():
		return Person{}, refused(CheckIdentifier, "the certificate has no identifier where it should")
	case said.IsZero():
		return Person{}, refused(CheckUserInfo, "the service names nobody")
	case !sameID(said, p.ID):
		return Person{}, refused(CheckUserInfo, "the service names another person than the certificate")
	case !want.UserID.IsZero() && !sameID(want.UserID, p.ID):
		return Person{}, refused(CheckRequestedUser, "another person signed than was asked for")
	case !want.UserID.IsZero() && !r.RequestedUserID.IsZero() && !sameID(r.RequestedUserID, want.UserID):
		return Person{}, refused(CheckRequestedUser, "the result is of an order for another person")
	}
	return p, nil
}

// of returns the identifier that the service says.
func (f UserInfoField) of(u User) secret.String {
	said := map[UserInfoField]secret.String{
		UserInfoPersonalNumber: u.PersonalNumber, UserInfoUserID: u.UserID, UserInfoUniqueName: u.UniqueName,
	}
	if f != "" {
		return said[f]
	}
	for _, f := range []UserInfoField{UserInfoPersonalNumber, UserInfoUserID, UserInfoUniqueName} {
		if !said[f].IsZero() {
			return said[f]
		}
	}
	return secret.String{}
}

// sameID compares identifiers as those who give them out do: HSA-IDs and UPNs are the same in capitals and small letters of ASCII. More must not be:
// beyond it letters that look alike fold into each other.
func sameID(a, b secret.String) bool { return lowerASCII(a.Reveal()) == lowerASCII(b.Reveal()) }

func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}
