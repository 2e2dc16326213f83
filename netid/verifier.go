package netid

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// What a VerifierOptions' field means when it is zero.
const (
	DefaultSkew       = 2 * time.Minute
	DefaultMaxOCSPAge = 24 * time.Hour
)

// Format is the form of a signature, which a service gets as it is registered.
type Format string

// The formats. The raw ones are bare signatures, with SHA-256 or SHA-512, of what is not shown.
const (
	FormatPKCS7  Format = "pkcs7"
	FormatRaw256 Format = "raw-256"
	FormatRaw512 Format = "raw-512"
)

func (f Format) known() bool { return f == FormatPKCS7 || f == FormatRaw256 || f == FormatRaw512 }

// Revocation says by what is known that a certificate was not revoked.
type Revocation string

// The ways. A service either asks the issuer and hands the OCSP response out, or is set up to leave that to others.
const (
	RevocationOCSP    Revocation = "ocsp"    // there must be an OCSP response
	RevocationService Revocation = "service" // the service's word is believed where it hands none out; one that is there must be right
)

// IdentifierField is where a certificate has what its person is known by. Services are configured for one of them.
type IdentifierField string

// The fields.
const (
	FieldSerialNumber  IdentifierField = "serialNumber" // of the subject: a personal number or an HSA-ID
	FieldPrincipalName IdentifierField = "upn"          // among the alternative names
)

// UserInfoField is the element of a result's userInfo that repeats it.
type UserInfoField string

// The elements; the empty one is the first of them that is there, in this order.
const (
	UserInfoPersonalNumber UserInfoField = "personalNumber"
	UserInfoUserID         UserInfoField = "userId"
	UserInfoUniqueName     UserInfoField = "userUniqueName"
)

// Issuer is an authority whose certificates are taken.
type Issuer struct {
	// Name is what the configuration calls it; what a login with such a certificate is worth hangs on it.
	Name string
	// Certificate is the authority's own, which signs those of people: nothing above it is looked at.
	Certificate *x509.Certificate
}

// ParseIssuers returns the authorities in a PEM text, by the common name of each.
func ParseIssuers(text []byte) ([]Issuer, error) {
	certificates, err := parseCertificates(text)
	if err != nil {
		return nil, fmt.Errorf("netid: issuers: %w", err)
	}
	var all []Issuer
	for _, cert := range certificates {
		all = append(all, Issuer{Name: cmp.Or(cert.Subject.CommonName, cert.Subject.String()), Certificate: cert})
	}
	return all, nil
}

// VerifierOptions configures a Verifier. Issuers must be given.
type VerifierOptions struct {
	Issuers []Issuer
	// Format is that of signatures; empty means FormatPKCS7.
	Format Format
	// Layout says which bytes are signed.
	Layout Layout
	// Identifier is where the certificate has what the person is known by, and UserInfo what repeats it; empty means FieldSerialNumber, and
	// the first element that is there.
	Identifier IdentifierField
	UserInfo   UserInfoField
	// Revocation is how it is known that a certificate was not revoked; empty means RevocationOCSP. MaxOCSPAge is how long before the order an
	// OCSP response may have been made, as some issuers make them ahead.
	Revocation Revocation
	MaxOCSPAge time.Duration
	// KeyPurposes are the extended key usages of people's certificates; nil means client authentication and e-mail. A certificate without any is
	// taken too.
	KeyPurposes []x509.ExtKeyUsage
	// Skew is how far other clocks may be from ours.
	Skew time.Duration

	Now func() time.Time // nil means time.Now
}

// Verifier checks results. It is safe for concurrent use and does no I/O.
type Verifier struct{ o VerifierOptions }

// NewVerifier checks o and returns a Verifier. All faults in o are reported at once.
func NewVerifier(o VerifierOptions) (*Verifier, error) {
	o.Format, o.Identifier, o.Revocation = cmp.Or(o.Format, FormatPKCS7), cmp.Or(o.Identifier, FieldSerialNumber), cmp.Or(o.Revocation, RevocationOCSP)
	o.Skew, o.MaxOCSPAge = cmp.Or(o.Skew, DefaultSkew), cmp.Or(o.MaxOCSPAge, DefaultMaxOCSPAge)
	if o.KeyPurposes == nil {
		o.KeyPurposes = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageEmailProtection}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Issuers, o.KeyPurposes = slices.Clone(o.Issuers), slices.Clone(o.KeyPurposes)
	if err := o.check(); err != nil {
		return nil, err
	}
	return &Verifier{o}, nil
}

// Options returns the options, with what their zero values mean. They must not be changed.
func (v *Verifier) Options() VerifierOptions { return v.o }

// sameAuthority reports whether whatever the one has issued the other has too.
func sameAuthority(a, b *x509.Certificate) bool {
	return a != nil && b != nil && bytes.Equal(a.RawSubject, b.RawSubject) && bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo)
}

func (o VerifierOptions) check() error {
	var faults []error
	fault := func(wrong bool, text string) {
		if wrong {
			faults = append(faults, errors.New("netid: "+text))
		}
	}
	fault(len(o.Issuers) == 0, "Issuers is missing: whose certificates are to be taken?")
	for n, issuer := range o.Issuers {
		c := issuer.Certificate
		fault(c == nil || !c.IsCA, fmt.Sprintf("the issuer %q is no authority's certificate", issuer.Name))
		other := slices.IndexFunc(o.Issuers[:n], func(before Issuer) bool { return before.Name != issuer.Name && sameAuthority(before.Certificate, c) })
		fault(other >= 0, fmt.Sprintf("the issuer %q is another one too: what a certificate is worth must hang on one name", issuer.Name))
	}
	fault(!o.Format.known(), "Format is pkcs7, raw-256 or raw-512")
	fault(o.Identifier != FieldSerialNumber && o.Identifier != FieldPrincipalName, "Identifier is serialNumber or upn")
	fault(!slices.Contains([]UserInfoField{"", UserInfoPersonalNumber, UserInfoUserID, UserInfoUniqueName}, o.UserInfo),
		"UserInfo is personalNumber, userId, userUniqueName or empty")
	fault(o.Revocation != RevocationOCSP && o.Revocation != RevocationService, "Revocation is ocsp or service")
	fault(o.Skew < 0 || o.MaxOCSPAge < 0, "Skew and MaxOCSPAge must not be negative")
	return errors.Join(faults...)
}
