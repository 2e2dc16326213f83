package bankid

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	"brygga/secret"
)

// Finding is what came of one check of a result.
type Finding struct {
	Check Check
	// Made is false when an earlier check left nothing for this one to look at.
	Made bool
	// Reason says why the check refuses the result, without anything of it; empty when it does not. It may change.
	Reason string
}

// examination goes through the checks of one result and keeps what comes of each.
type examination struct{ findings []Finding }

func newExamination() *examination {
	checks := Checks()
	e := &examination{findings: make([]Finding, 0, len(checks))}
	for _, check := range checks {
		e.findings = append(e.findings, Finding{Check: check})
	}
	return e
}

// want notes that a check was made, and that it refuses the result unless ok. The first reason of a check stays.
func (e *examination) want(ok bool, check Check, reason string) {
	for i := range e.findings {
		f := &e.findings[i]
		if f.Check != check {
			continue
		}
		f.Made = true
		if !ok && f.Reason == "" {
			f.Reason = reason
		}
	}
}

// step notes what came of a step that makes these checks one after the other and stops at the first that refuses, or of one that
// was made for none of these. It reports whether all passed.
func (e *examination) step(err error, checks ...Check) bool {
	refusal, failed := errors.AsType[*VerificationError](err)
	if failed {
		e.want(false, refusal.Check, refusal.Reason)
		checks = checks[:max(0, slices.Index(checks, refusal.Check))]
	}
	for _, check := range checks {
		e.want(true, check, "")
	}
	return !failed
}

// Examine makes every check that can be made, unlike Verify, which stops at the first that refuses the result. It returns what
// came of each in the order of Checks, and what is proven if none refuses. An error is a fault in want.
func (v *Verifier) Examine(data *CompletionData, want Expected) (Evidence, []Finding, error) {
	if err := want.check(); err != nil {
		return Evidence{}, nil, err
	}
	if want.EndedAt.IsZero() {
		want.EndedAt = v.now()
	}
	e := newExamination()
	evidence := v.examine(e, data, want)
	return evidence, e.findings, nil
}

func (v *Verifier) examine(e *examination, data *CompletionData, want Expected) Evidence {
	if data == nil {
		e.want(false, CheckStructure, "there is no result")
		return Evidence{}
	}
	text := []byte(data.Signature.Reveal())
	doc, err := parseSignature(text)
	if !e.step(err) {
		return Evidence{}
	}
	e.step(nil, CheckStructure, CheckAlgorithm)
	leaf, err := doc.verify()
	if !e.step(err, CheckDigest, CheckCertificate, CheckSignature) {
		return Evidence{}
	}
	signedAt := want.EndedAt // unless the OCSP response tells
	answer, err := parseOCSP(data.OCSPResponse.Reveal())
	if e.step(err, CheckOCSPStructure) {
		signedAt = answer.producedAt
	}
	ca, err := v.verifyChain(doc, leaf, signedAt)
	if e.step(err, CheckChain) && answer != nil {
		v.verifyOCSP(e, answer, ca, leaf, sha1.Sum(text))
		e.want(!answer.producedAt.Before(want.StartedAt.Add(-v.skew)) && !answer.producedAt.After(want.EndedAt.Add(v.skew)),
			CheckTime, "signed before or after the order")
	}
	policy := v.verifyMeaning(e, doc, leaf, data.User, want)
	sum := sha256.Sum256(leaf.Raw)
	evidence := Evidence{
		Certificate:     hex.EncodeToString(sum[:]),
		Policy:          policy,
		Kind:            want.Kind,
		ClientVersion:   clientVersion(doc.version),
		Platform:        harmless(decodedWord(doc.platform)),
		PlatformVersion: harmless(decodedWord(doc.platformVersion)),
		UserAuth:        harmless(string(doc.userAuth)),
		UHI:             secret.New(string(doc.uhi)),
	}
	if answer != nil {
		evidence.SignedAt = answer.producedAt
	}
	return evidence
}

// excusable are the checks that a Verifier may be told to go on without. An identity does not rest on them: with each of them
// refused, the person's key still signed the data that binds the result to our request, and the person's certificate still
// chains to the root and has the personal number.
var excusable = []Check{
	CheckOCSPStructure, CheckOCSPResponder, CheckOCSPSignature, CheckOCSPCertificate, CheckNonce, CheckKeyUsage, CheckRelyingParty,
	CheckVisibleData, CheckName,
}

// ExcusableChecks returns the checks that VerifierOptions.Except may name.
func ExcusableChecks() []Check { return slices.Clone(excusable) }

// settle returns the first check that refuses the result and is not excepted, and the first that is. A check that was not made
// refuses, too, unless it looks into an OCSP response that need not be readable.
func (v *Verifier) settle(findings []Finding) (refusal, excused *VerificationError) {
	for _, f := range findings {
		switch {
		case f.Reason == "":
		case !slices.Contains(v.except, f.Check):
			return &VerificationError{Check: f.Check, Reason: f.Reason}, nil
		case excused == nil:
			excused = &VerificationError{Check: f.Check, Reason: f.Reason, Excepted: true}
		}
	}
	for _, f := range findings {
		if !f.Made && !(excused != nil && excused.Check == CheckOCSPStructure && looksIntoOCSP(f.Check)) {
			return &VerificationError{Check: f.Check, Reason: "it could not be made"}, nil
		}
	}
	return nil, excused
}

func looksIntoOCSP(check Check) bool {
	switch check {
	case CheckOCSPResponder, CheckOCSPSignature, CheckOCSPCertificate, CheckOCSPStatus, CheckNonce, CheckTime:
		return true
	}
	return false
}
