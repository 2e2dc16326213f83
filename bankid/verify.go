package bankid

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"brygga/secret"
)

// DefaultSkew is what VerifierOptions.Skew means when it is zero.
const DefaultSkew = 2 * time.Minute

// VerifierOptions configures a Verifier. RootsPEM and CertificatePolicies must be given.
type VerifierOptions struct {
	// RootsPEM holds the PEM certificates of the member banks' root in one environment, which people's certificates chain
	// to. BankID hands it out on request; it is not the root of BankID's server.
	RootsPEM []byte
	// CertificatePolicies are the kinds of BankID which the environment knows: ProductionPolicies, TestPolicies or a list
	// of one's own, in the notation of Requirement.CertificatePolicies.
	CertificatePolicies []string
	// Skew is how far BankID's clock may be from ours.
	Skew time.Duration
	// Except are checks that refuse no result: Verify goes on and says so. They must be of ExcusableChecks.
	Except []Check

	Now func() time.Time // nil means time.Now
}

// ProductionPolicies are the policies of the kinds of BankID in production (BankID API: auth, requirement).
func ProductionPolicies() []string { return []string{PolicyOnFile, PolicyOnCard, PolicyMobile} }

// TestPolicies are those of BankID's test environment, and of the simulator.
func TestPolicies() []string {
	return []string{PolicyTestOnFile, PolicyTestOnCard, PolicyTestMobile, PolicyTestOfBanks}
}

// Verifier checks the evidence in results: that the person's BankID signed what we asked for, at the time we asked, and
// that the person is the one named. It is safe for concurrent use and does no I/O.
type Verifier struct {
	roots    *x509.CertPool
	anchors  []*x509.Certificate // the same
	policies []string
	skew     time.Duration
	except   []Check
	now      func() time.Time

	issuers    boundedCache[*issuer]
	responders boundedCache[*responder]
}

// NewVerifier checks o and returns a Verifier. All faults in o are reported at once, each naming its field.
func NewVerifier(o VerifierOptions) (*Verifier, error) {
	if o.Skew == 0 {
		o.Skew = DefaultSkew
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	roots, anchors, errRoots := signatureRoots(o.RootsPEM)
	var errPolicies, errSkew, errExcept error
	if len(o.CertificatePolicies) == 0 {
		errPolicies = errors.New("bankid: CertificatePolicies is missing: give ProductionPolicies or TestPolicies")
	} else if !validPolicies(o.CertificatePolicies) {
		errPolicies = errors.New("bankid: CertificatePolicies must be OIDs, with at most one * from the fifth component on")
	}
	if o.Skew < 0 {
		errSkew = errors.New("bankid: Skew must not be negative")
	}
	for _, check := range o.Except {
		if !slices.Contains(excusable, check) {
			errExcept = fmt.Errorf("bankid: Except names %q, without which nobody's identity is proven, or which is no check", check)
		}
	}
	if err := errors.Join(errRoots, errPolicies, errSkew, errExcept); err != nil {
		return nil, err
	}
	return &Verifier{
		roots: roots, anchors: anchors, policies: slices.Clone(o.CertificatePolicies), skew: o.Skew, except: slices.Clone(o.Except), now: o.Now,
	}, nil
}

// Roots returns the roots that people's certificates must lead to.
func (v *Verifier) Roots() []*x509.Certificate { return slices.Clone(v.anchors) }

// serverBranch is the organisational unit of the roots of BankID's servers, which vouch for no person.
const serverBranch = "Infrastructure CA"

func signatureRoots(text []byte) (pool *x509.CertPool, anchors []*x509.Certificate, err error) {
	pool, err = parsePool(text, "RootsPEM", func(root *x509.Certificate) error {
		anchors = append(anchors, root)
		switch {
		case !root.IsCA:
			return errors.New("a certificate that is no authority's")
		case slices.Contains(root.Subject.OrganizationalUnit, serverBranch):
			return errors.New("the root of BankID's server; people's signatures chain to the member banks' root")
		}
		return nil
	})
	return pool, anchors, err
}

// Expected is what a result must say. It repeats the request and adds what we knew when the order ran.
type Expected struct {
	// Kind is what the person was asked for: an identification does not pass for a signature, nor the reverse. The document of a payment is that of an
	// identification and does not hold the transaction; what ties the two is UserNonVisibleData.
	Kind Kind

	// The texts exactly as they were in the request; what was not asked for must not be there either.
	UserVisibleData       string
	UserVisibleDataFormat DataFormat
	UserNonVisibleData    []byte

	// CertificatePolicies are those of the request's Requirement; empty means every kind of the environment.
	CertificatePolicies []string

	// RelyingParty is our name as the certificate had it that the order was started with.
	RelyingParty RelyingParty

	// StartedAt and EndedAt are when the order was started and when its result came; the signature lies between them. An
	// EndedAt of zero means now.
	StartedAt, EndedAt time.Time
}

// check finds what the caller forgot. Without it, a result could match because nothing was expected of it.
func (w Expected) check() error {
	switch {
	case !slices.Contains([]Kind{KindAuth, KindSign, KindPhoneAuth, KindPhoneSign, KindPayment}, w.Kind):
		return errors.New("bankid: verify result: Expected.Kind is missing or unknown")
	case w.RelyingParty.Name == "" || w.RelyingParty.DisplayName == "":
		return errors.New("bankid: verify result: Expected.RelyingParty is missing or incomplete")
	case !isName(w.RelyingParty.Name):
		return errors.New("bankid: verify result: Expected.RelyingParty.Name is no distinguished name")
	case w.StartedAt.IsZero():
		return errors.New("bankid: verify result: Expected.StartedAt is missing")
	case !validPolicies(w.CertificatePolicies):
		return errors.New("bankid: verify result: Expected.CertificatePolicies has something that is no OID")
	}
	return nil
}

// Evidence is what a verified result proves, and how. Its plain members may be logged: the words are of a harmless shape or
// empty. For storage there are CompletionData.Signature and OCSPResponse, which Verify accepts again at any later time.
type Evidence struct {
	SignedAt    time.Time // UTC, whole seconds, by BankID's clock; zero without a readable OCSP response
	Certificate string    // SHA-256 of the person's certificate in hex; the same at each login with this BankID
	Policy      string    // OID of the kind of BankID, such as PolicyMobile
	Kind        Kind

	ClientVersion   string // of the app, such as "7.28.0"
	Platform        string // such as "IOS"
	PlatformVersion string
	UserAuth        string // how the person unlocked the BankID, such as "pw"

	UHI secret.String // identifies the device; BankID does not promise that it is Device.UHI
}

// Verify checks data against want and returns what is proven. A *VerificationError names the first check that failed; the
// result must then not be believed, unless the error says that the check is excepted: then all others passed, and the evidence
// is returned with it. Any other error is a fault in want, and data has not been looked at. Errors hold nothing of data.
//
// It checks what an identity rests on (BankID API: verifying signatures): the exact structure of the signature document;
// its digests and RSA signature; the person's certificate with its chain to the root, purpose and policy, at the time of
// signing; the OCSP response with its signature, its nonce that binds it to this signature, and its time; both texts and the
// function, byte for byte; our name, attribute by attribute; and that the certificate names the person in data.
func (v *Verifier) Verify(data *CompletionData, want Expected) (Evidence, error) {
	evidence, findings, err := v.Examine(data, want)
	if err != nil {
		return Evidence{}, err
	}
	refusal, excused := v.settle(findings)
	switch {
	case refusal != nil:
		return Evidence{}, refusal
	case excused != nil:
		return evidence, excused
	}
	return evidence, nil
}

// Certificate returns the person's certificate as it stands in the signature, which holds the personal number and the name.
// It proves nothing by itself: Verify does. It returns a *VerificationError when the signature cannot be read.
func (d *CompletionData) Certificate() (*x509.Certificate, error) {
	doc, err := parseSignature([]byte(d.Signature.Reveal()))
	if err != nil {
		return nil, err
	}
	return parseCertificate(doc.leaf)
}
