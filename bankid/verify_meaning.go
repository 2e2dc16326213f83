package bankid

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"slices"
	"strings"
)

var (
	oidCommonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	oidSurname      = asn1.ObjectIdentifier{2, 5, 4, 4}
	oidSerialNumber = asn1.ObjectIdentifier{2, 5, 4, 5}
	oidGivenName    = asn1.ObjectIdentifier{2, 5, 4, 42}
)

// RelyingParty is a relying party as signatures name it.
type RelyingParty struct {
	Name        string // subject of its certificate by RFC 4514, "cn=…,name=…,serialNumber=…,o=…,c=SE"
	DisplayName string // what the app shows
}

// RelyingPartyOf returns what signatures for the holder of cert say: the whole subject, most specific part first (BankID API:
// signature profile). BankID may write the same name in another way, as with another escape; Verify compares what it says.
func RelyingPartyOf(cert *x509.Certificate) RelyingParty {
	var rp RelyingParty
	name, err := subjectName(cert.RawSubject)
	if err != nil {
		return rp // crypto/x509 has parsed it, so this is a certificate made by hand
	}
	for _, rdn := range name {
		for _, a := range rdn {
			if a.oid == oidName.String() {
				rp.DisplayName = a.text
			}
		}
	}
	rp.Name = name.String()
	return rp
}

// RelyingParty returns us by the certificate that new connections use. Take it when an order starts and keep it for
// Expected, as another certificate may have come by the time of the result.
func (a *API) RelyingParty() RelyingParty {
	leaf := a.cert.current().Leaf
	us := a.us.Load()
	if us == nil || us.leaf != leaf {
		us = &holder{leaf, RelyingPartyOf(leaf)}
		a.us.Store(us)
	}
	return us.party
}

// holder is a certificate with what signatures for it say.
type holder struct {
	leaf  *x509.Certificate
	party RelyingParty
}

// verifyMeaning checks what was signed, with what, and by whom, and returns the policy of the person's BankID.
func (v *Verifier) verifyMeaning(e *examination, doc *signatureDocument, leaf *x509.Certificate, user User, want Expected) string {
	function, usage := "Identification", x509.KeyUsageDigitalSignature
	if want.Kind == KindSign || want.Kind == KindPhoneSign {
		function, usage = "Signing", x509.KeyUsageContentCommitment
	}
	e.want(string(doc.function) == function, CheckFunction, "the person did something else than was asked for")
	e.want(leaf.KeyUsage == usage && !leaf.IsCA && len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) == 0,
		CheckKeyUsage, "the certificate is not a person's for this function")
	policy := v.policyOf(leaf, want.CertificatePolicies)
	e.want(policy != "", CheckPolicy, "the kind of BankID is not allowed")
	e.want(isNameOf(doc.serviceName, want.RelyingParty.Name) && isBase64Of(doc.serviceDisplayName, want.RelyingParty.DisplayName),
		CheckRelyingParty, "the signature is for another relying party")
	e.want((doc.visible != nil) == (want.UserVisibleData != "") && isBase64Of(doc.visible, want.UserVisibleData),
		CheckVisibleData, "the text is not the one that was to be shown")
	e.want(sameFormat(doc, want), CheckVisibleData, "the text was shown in another format")
	e.want((doc.nonVisible != nil) == (len(want.UserNonVisibleData) > 0) && isBase64Of(doc.nonVisible, string(want.UserNonVisibleData)),
		CheckNonVisibleData, "the data that is signed along is not ours")
	verifyPerson(e, leaf, user)
	return policy
}

// sameFormat compares the format of the visible text. Plain text has no attribute; that it may have one saying so is
// tolerated, as it changes nothing.
func sameFormat(doc *signatureDocument, want Expected) bool {
	if doc.visible == nil {
		return true
	}
	if want.UserVisibleDataFormat == FormatSimpleMarkdownV1 {
		return string(doc.visibleFormat) == string(FormatSimpleMarkdownV1)
	}
	return doc.visibleFormat == nil || string(doc.visibleFormat) == string(FormatPlainText)
}

// policyOf returns a policy of the certificate that both the environment and the request allow, or nothing.
func (v *Verifier) policyOf(leaf *x509.Certificate, requested []string) string {
	for _, oid := range leaf.Policies {
		policy := oid.String()
		if policyIn(v.policies, policy) && (len(requested) == 0 || policyIn(requested, policy)) {
			return policy
		}
	}
	return ""
}

// PolicyAllowed reports whether list, in the notation of Requirement.CertificatePolicies, allows the policy. An empty list
// allows none here.
func PolicyAllowed(list []string, policy string) bool { return policyIn(list, policy) }

// policyIn reports whether list allows the policy. A "*" at the end of a pattern stands for all that may follow, elsewhere
// for one component (BankID API: auth, requirement).
func policyIn(list []string, policy string) bool {
	return slices.ContainsFunc(list, func(pattern string) bool {
		before, after, wild := strings.Cut(pattern, "*")
		if !wild {
			return policy == pattern
		}
		rest, ok := strings.CutPrefix(policy, before)
		if !ok || after == "" {
			return ok && rest != ""
		}
		component, found := strings.CutSuffix(rest, after)
		return found && digits(component)
	})
}

func validPolicies(list []string) bool {
	return !slices.ContainsFunc(list, func(policy string) bool { return !validPolicy(policy) })
}

// isBase64Of reports whether text is the base64 of plain, as the requests of this package have it.
func isBase64Of(text []byte, plain string) bool {
	return bytes.Equal(text, base64.StdEncoding.AppendEncode(nil, []byte(plain)))
}

// isNameOf reports whether text is the base64 of a distinguished name that says the same as name, which is one.
func isNameOf(text []byte, name string) bool {
	plain, ok := decodeBase64(text)
	if ok && string(plain) == name {
		return true
	}
	said, isName := parseName(string(plain))
	want, _ := parseName(name)
	return ok && isName && said.equal(want)
}

func decodedWord(text []byte) string {
	word, _ := decodeBase64(text)
	return string(word)
}

// clientVersion returns the version of the app. A phone says only that; a computer says pairs of a key and a value.
func clientVersion(text []byte) string {
	version := decodedWord(text)
	if !strings.Contains(version, "&") {
		return harmless(version)
	}
	for pair := range strings.SplitSeq(version, "&") {
		if value, ok := strings.CutPrefix(pair, "BankID_exe="); ok {
			return harmless(value)
		}
	}
	return ""
}
