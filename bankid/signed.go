package bankid

import (
	"time"

	"brygga/secret"
)

// Signed is what a result says of itself. Nothing of it is proven: it is for Expected, where nobody kept what was asked for, and
// to be shown beside what was expected.
type Signed struct {
	// Kind is KindAuth or KindSign; a document does not tell whether it was signed during a phone call.
	Kind                  Kind
	RelyingParty          RelyingParty
	UserVisibleData       string
	UserVisibleDataFormat DataFormat
	UserNonVisibleData    []byte
	// User is who the certificate names.
	User User
	// At is when the OCSP response says that it was made; zero if it cannot be read.
	At time.Time
}

// Signed reads the signature document and the OCSP response. It returns a *VerificationError when the document cannot be read.
func (d *CompletionData) Signed() (Signed, error) {
	doc, err := parseSignature([]byte(d.Signature.Reveal()))
	if err != nil {
		return Signed{}, err
	}
	leaf, err := parseCertificate(doc.leaf)
	if err != nil {
		return Signed{}, err
	}
	s := Signed{
		Kind:                  KindAuth,
		RelyingParty:          RelyingParty{Name: decodedWord(doc.serviceName), DisplayName: decodedWord(doc.serviceDisplayName)},
		UserVisibleData:       decodedWord(doc.visible),
		UserVisibleDataFormat: DataFormat(doc.visibleFormat),
		UserNonVisibleData:    []byte(decodedWord(doc.nonVisible)),
		User: User{
			PersonalNumber: firstValue(subjectValues(leaf, oidSerialNumber)), Name: firstValue(subjectValues(leaf, oidCommonName)),
			GivenName: firstValue(subjectValues(leaf, oidGivenName)), Surname: firstValue(subjectValues(leaf, oidSurname)),
		},
	}
	if string(doc.function) == "Signing" {
		s.Kind = KindSign
	}
	if answer, err := parseOCSP(d.OCSPResponse.Reveal()); err == nil {
		s.At = answer.producedAt
	}
	return s, nil
}

func firstValue(values []string) secret.String {
	if len(values) == 0 {
		return secret.String{}
	}
	return secret.New(values[0])
}
