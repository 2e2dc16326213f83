package evidence

import (
	"cmp"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"brygga/bankid"
	"brygga/netid"
	"brygga/secret"
)

// MethodNetID is the method of records of Net iD Access.
const MethodNetID = "netid"

// NetID is what a record of Net iD Access says besides.
type NetID struct {
	// Salt is that of what a signature signed along, and Nonce what an identification signed; see netid.Layout.Hidden.
	Salt  []byte
	Nonce string
	// Settings are those by which the result was verified, without issuers.
	Settings netid.VerifierOptions
	// User is whom the service named.
	User netid.User
}

// Bounds of the settings in a record: those of an installation are within them.
const (
	maxNetIDSkew    = 10 * time.Minute
	maxNetIDOCSPAge = 7 * 24 * time.Hour
)

// wireNetID is a NetID as it is written.
type wireNetID struct {
	Salt            []byte `json:"salt"`
	Nonce           string `json:"nonce"`
	Format          string `json:"format"`
	NonVisibleFirst bool   `json:"hidden_first"`
	Separator       string `json:"separator"`
	Decoded         bool   `json:"decoded"`
	UTF16           bool   `json:"utf16"`
	Identifier      string `json:"identifier"`
	UserInfo        string `json:"user_info"`
	Revocation      string `json:"revocation"`
	MaxOCSPAge      int64  `json:"max_ocsp_age"` // seconds
	Skew            int64  `json:"skew"`         // seconds
	KeyPurposes     []int  `json:"key_purposes"` // crypto/x509's numbers
	Certificate     string `json:"certificate"`
	PersonalNumber  string `json:"personal_number"`
	UserID          string `json:"user_id"`
	UniqueName      string `json:"unique_name"`
}

func (n *NetID) wire() *wireNetID {
	if n == nil {
		return nil
	}
	s := &n.Settings
	w := &wireNetID{
		Salt: n.Salt, Nonce: n.Nonce, Format: string(s.Format), NonVisibleFirst: s.Layout.NonVisibleFirst, Separator: s.Layout.Separator, Decoded: s.Layout.Decoded,
		UTF16: s.Layout.UTF16, Identifier: string(s.Identifier), UserInfo: string(s.UserInfo), Revocation: string(s.Revocation),
		MaxOCSPAge: int64(s.MaxOCSPAge / time.Second), Skew: int64(s.Skew / time.Second), Certificate: n.User.Certificate.Reveal(),
		PersonalNumber: n.User.PersonalNumber.Reveal(), UserID: n.User.UserID.Reveal(), UniqueName: n.User.UniqueName.Reveal(),
	}
	for _, purpose := range s.KeyPurposes {
		w.KeyPurposes = append(w.KeyPurposes, int(purpose))
	}
	return w
}

func (w *wireNetID) read() *NetID {
	if w == nil {
		return nil
	}
	n := &NetID{
		Salt: w.Salt, Nonce: w.Nonce,
		Settings: netid.VerifierOptions{
			Format:     netid.Format(w.Format),
			Layout:     netid.Layout{NonVisibleFirst: w.NonVisibleFirst, Separator: w.Separator, Decoded: w.Decoded, UTF16: w.UTF16},
			Identifier: netid.IdentifierField(w.Identifier), UserInfo: netid.UserInfoField(w.UserInfo), Revocation: netid.Revocation(w.Revocation),
			MaxOCSPAge: time.Duration(w.MaxOCSPAge) * time.Second, Skew: time.Duration(w.Skew) * time.Second, KeyPurposes: []x509.ExtKeyUsage{},
		},
		User: netid.User{
			Certificate: given(w.Certificate), PersonalNumber: given(w.PersonalNumber), UserID: given(w.UserID), UniqueName: given(w.UniqueName),
		},
	}
	for _, purpose := range w.KeyPurposes {
		n.Settings.KeyPurposes = append(n.Settings.KeyPurposes, x509.ExtKeyUsage(purpose))
	}
	return n
}

func given(text string) secret.String {
	if text == "" {
		return secret.String{}
	}
	return secret.New(text)
}

// AddNetID puts a result of Net iD Access into a record whose Sent says the kind, the text, the data, and when. Salt and nonce are those of the order; of the two
// only one is there. The error says that the result cannot be read, and holds nothing of it.
func (r *Record) AddNetID(salt []byte, nonce string, result *netid.Result, proof *netid.Proof, settings netid.VerifierOptions) (err error) {
	settings.Issuers, settings.Now = nil, nil
	r.Method, r.Root = MethodNetID, proof.IssuerCertificate.Raw
	r.NetID = &NetID{Salt: salt, Nonce: nonce, Settings: settings, User: result.User}
	p := &proof.Person
	r.Person = bankid.User{PersonalNumber: p.ID, Name: p.Name, GivenName: p.GivenName, Surname: p.Surname}
	r.NetID.User.Certificate = secret.New(base64.StdEncoding.EncodeToString(proof.Certificate.Raw))
	if r.Signature, err = tidy(result.Signature); err != nil {
		return fmt.Errorf("evidence: the signature of a Net iD result: %w", err)
	}
	if r.OCSPResponse, err = tidy(result.OCSPResponse); err != nil {
		return fmt.Errorf("evidence: the OCSP response of a Net iD result: %w", err)
	}
	return nil
}

// tidy returns base64 as it is written without spaces or ends of lines.
func tidy(text secret.String) (secret.String, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text.Reveal()), ""))
	if err != nil {
		return secret.String{}, errors.New("it is not base64")
	}
	return given(base64.StdEncoding.EncodeToString(raw)), nil
}

// hidden returns what the person signed and was not shown.
func (r *Record) hidden() string {
	if r.Sent.Kind == bankid.KindSign {
		return r.NetID.Settings.Layout.Hidden(r.NetID.Salt, r.Sent.UserVisibleData, r.Sent.UserNonVisibleData)
	}
	return r.NetID.Nonce
}

// complaintNetID says what a record of Net iD Access lacks, or has that none has.
func (r *Record) complaintNetID() string {
	n, sent := r.NetID, &r.Sent
	signs := sent.Kind == bankid.KindSign
	s := &n.Settings
	switch {
	case !signs && sent.Kind != bankid.KindAuth:
		return "it does not say what was asked for"
	case signs && (sent.UserVisibleData == "" || len(n.Salt) != netid.SaltSize || n.Nonce != "" || s.Format != netid.FormatPKCS7):
		return "it has not what a signature has"
	case !signs && (sent.UserVisibleData != "" || len(sent.UserNonVisibleData) > 0 || len(n.Salt) > 0 || !netid.IsNonce(n.Nonce)):
		return "it has not what an identification has"
	case sent.UserVisibleDataFormat != "" || len(sent.CertificatePolicies) > 0 || sent.RelyingParty != (bankid.RelyingParty{}):
		return "it has something that Net iD Access knows nothing of"
	case s.MaxOCSPAge <= 0 || s.MaxOCSPAge > maxNetIDOCSPAge || s.Skew <= 0 || s.Skew > maxNetIDSkew:
		return "it was verified with times that no installation has"
	}
	return ""
}

// netIDResult makes the checks of what Net iD Access gave.
func (r *Report) netIDResult(record *Record, issuer *x509.Certificate) {
	failed, reason := netid.Check(""), ""
	proof, err := netid.Proof{}, errors.New("there is nothing to look at")
	if issuer != nil && r.Verdict(CheckRecord) == Passed {
		proof, err = r.verifyNetID(record, issuer)
		if refused, ok := errors.AsType[*netid.VerificationError](err); ok {
			failed, reason = refused.Check, refused.Reason
		}
	}
	r.netIDFindings(failed, reason, err == nil, record)
	if err != nil {
		r.Findings = append(r.Findings, Finding{string(bankid.CheckPerson), NotMade, ""}, Finding{string(bankid.CheckName), NotMade, ""})
		return
	}
	r.SignedAt = proof.SignedAt
	leaf, p := proof.Certificate, &proof.Person
	r.Certificate = Certificate{
		Holder: leaf.Subject.String(), Issuer: leaf.Issuer.String(), SHA256: fingerprint(leaf), NotBefore: leaf.NotBefore.UTC(), NotAfter: leaf.NotAfter.UTC(),
	}
	r.add(string(bankid.CheckPerson), unless(record.Person.PersonalNumber.Equal(p.ID), "the record names another person than the certificate"))
	r.add(string(bankid.CheckName), unless(record.Person.Name.Equal(p.Name) && record.Person.GivenName.Equal(p.GivenName) && record.Person.Surname.Equal(p.Surname),
		"the record has another name than the certificate"))
}

func unless(holds bool, reason string) string {
	if holds {
		return ""
	}
	return reason
}

func (r *Report) verifyNetID(record *Record, issuer *x509.Certificate) (netid.Proof, error) {
	settings := record.NetID.Settings
	settings.Issuers = []netid.Issuer{{Name: issuer.Subject.CommonName, Certificate: issuer}}
	verifier, err := netid.NewVerifier(settings)
	if err != nil {
		r.refuse(CheckRecord, "it was verified with settings that there are not, or its root is no authority")
		return netid.Proof{}, err
	}
	result := &netid.Result{Signature: record.Signature, OCSPResponse: record.OCSPResponse, User: record.NetID.User}
	want := netid.Expected{Visible: record.Sent.UserVisibleData, NonVisible: record.hidden(), StartedAt: record.Sent.StartedAt, EndedAt: record.Sent.EndedAt}
	return verifier.Verify(result, want)
}

// netIDFindings tells of each check of package netid: those before the one that failed were made, and so were all where none did.
func (r *Report) netIDFindings(failed netid.Check, reason string, passed bool, record *Record) {
	all := netid.Checks()
	made := slices.Index(all, failed)
	if failed == netid.CheckValidity { // which is looked at before the signature too
		made = slices.Index(all, netid.CheckContent)
	}
	for i, check := range all {
		switch {
		case check == failed:
			r.add(string(check), reason)
		case record.OCSPResponse.IsZero() && check.OfOCSP() && passed:
			r.Findings = append(r.Findings, Finding{string(check), NotAsked, "the service gave no OCSP response: that the certificate was not revoked is its word alone"})
		case passed || i < made:
			r.add(string(check), "")
		default:
			r.Findings = append(r.Findings, Finding{string(check), NotMade, ""})
		}
	}
}

// netIDQuestions are what a reader of evidence by Net iD Access wants to know.
var netIDQuestions = []question{
	{"who", (*Report).who, netIDChecks(netid.CheckSignature, netid.CheckSigner, netid.CheckIssuer, netid.CheckPurpose, netid.CheckIdentifier, netid.CheckUserInfo, netid.CheckRequestedUser, netid.Check(bankid.CheckPerson), netid.Check(bankid.CheckName))},
	{"what", (*Report).what, netIDChecks(netid.CheckStructure, netid.CheckAlgorithm, netid.CheckContent, netid.CheckSignature)},
	{"when", (*Report).whenNetID, netIDChecks(netid.CheckSignature, netid.CheckTime)},
	{"for whom", (*Report).forWhomNetID, []string{CheckRecord, CheckLog}},
	{"by which certificate", (*Report).byWhichNetID, netIDChecks(netid.CheckSigner, netid.CheckIssuer)},
	{"valid then", (*Report).validThenNetID, netIDChecks(netid.CheckValidity, netid.CheckOCSPMissing, netid.CheckOCSPStructure, netid.CheckOCSPCertificate, netid.CheckOCSPSignature, netid.CheckOCSPStatus, netid.CheckOCSPTime)},
	{"which app", (*Report).whichApp, []string{CheckRecord, CheckLog}},
	{"seen since", (*Report).seenSince, []string{CheckRecord, CheckTimeStamp}},
}

func netIDChecks(named ...netid.Check) (all []string) {
	for _, check := range named {
		all = append(all, string(check))
	}
	return append(all, CheckRecord, CheckRoot)
}

func (r *Report) whenNetID() string {
	sent := &r.record.Sent
	between := fmt.Sprintf("between %s and %s by the installation's clock", second(sent.StartedAt), second(sent.EndedAt))
	if r.SignedAt.IsZero() {
		return between + "; the signature does not say"
	}
	return second(r.SignedAt) + " by the clock of the person's device, " + between
}

func (r *Report) forWhomNetID() string {
	return cmp.Or(r.record.Issuer, "unknown") + "; the signature does not name it, the audit log does"
}

func (r *Report) byWhichNetID() string {
	if r.Certificate.SHA256 == "" {
		return "unknown"
	}
	return fmt.Sprintf("SHA-256 %s, issued by %s, SHA-256 %s, which was named by whoever verifies", r.Certificate.SHA256, r.Certificate.Issuer, r.Root.SHA256)
}

func (r *Report) validThenNetID() string {
	life := fmt.Sprintf("its life is from %s to %s", second(r.Certificate.NotBefore), second(r.Certificate.NotAfter))
	switch {
	case r.Certificate.SHA256 == "":
		return "unknown"
	case r.record.OCSPResponse.IsZero():
		return life + ", and that it was not revoked is the service's word alone"
	}
	return "yes: " + life + ", and its issuer said at the time of signing that it was not revoked"
}
