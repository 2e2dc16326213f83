package bankid

import (
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"

	"brygga/secret"
)

// alter adds a change of the signed data to those that the forger has.
func (f *forger) alter(from, to string) {
	before := f.data
	f.data = func(text string) string { return replace(from, to)(changed(before, text)) }
}

// answeringToo adds a change of the OCSP response.
func answeringToo(change func(*ocspParts)) func(*forger) {
	return func(f *forger) {
		before := f.answer
		f.answer = func(p *ocspParts) {
			if before != nil {
				before(p)
			}
			change(p)
		}
	}
}

// spoilt makes each excusable check refuse a result that is good otherwise.
var spoilt = map[Check]func(*forger){
	CheckOCSPStructure:   answeringToo(func(p *ocspParts) { p.unused = 1 }),
	CheckOCSPResponder:   func(f *forger) { f.responder.IsCA, f.responder.BasicConstraintsValid = true, true },
	CheckOCSPSignature:   answeringToo(func(p *ocspParts) { p.spoil = true }),
	CheckOCSPCertificate: answeringToo(func(p *ocspParts) { p.certID[len(p.certID)-1] ^= 1 }),
	CheckNonce:           answeringToo(func(p *ocspParts) { p.nonce[0] ^= 1 }),
	CheckKeyUsage:        func(f *forger) { f.person.KeyUsage |= x509.KeyUsageKeyEncipherment },
	CheckRelyingParty: func(f *forger) {
		f.alter("<name>"+b64(f.want.RelyingParty.Name), "<name>"+b64("cn=Another"))
	},
	CheckVisibleData: func(f *forger) { f.alter(b64(f.want.UserVisibleData), b64("Another text")) },
	CheckName:        func(f *forger) { f.user.Name = secret.New("Somebody Else") },
}

// hurt makes checks refuse that nothing excuses.
var hurt = map[Check]func(*forger){
	CheckStructure:      func(f *forger) { f.xml = replace("<Object>", "<Object >") },
	CheckAlgorithm:      func(f *forger) { f.info = replace("more#rsa-sha256", "more#rsa-sha512") },
	CheckDigest:         func(f *forger) { f.xml = replace(b64("bound to the request"), b64("bound to another one")) },
	CheckSignature:      func(f *forger) { f.value = func(v []byte) { v[9] ^= 1 } },
	CheckChain:          func(f *forger) { f.person.NotAfter = signedAt.AddDate(0, 0, -1) },
	CheckOCSPStatus:     answeringToo(func(p *ocspParts) { p.certStatus = tlv(0xa1, derTime(signedAt)) }),
	CheckTime:           func(f *forger) { f.want.StartedAt = signedAt.AddDate(0, 0, 1); f.want.EndedAt = f.want.StartedAt },
	CheckFunction:       func(f *forger) { f.alter("Identification", "Signing") },
	CheckPolicy:         func(f *forger) { f.person.Policies = []x509.OID{must(x509.ParseOID("1.2.3"))} },
	CheckNonVisibleData: func(f *forger) { f.alter(b64("bound to the request"), b64("bound to another one")) },
	CheckPerson:         func(f *forger) { f.user.PersonalNumber = secret.New("197807159814") },
}

func (f *forger) excusing(t *testing.T, checks ...Check) *Verifier {
	t.Helper()
	return must(NewVerifier(VerifierOptions{RootsPEM: f.rootPEM(), CertificatePolicies: TestPolicies(), Except: checks}))
}

func TestVerifyExcept(t *testing.T) {
	if len(spoilt) != len(ExcusableChecks()) {
		t.Fatalf("%d checks are spoilt, %d excusable", len(spoilt), len(ExcusableChecks()))
	}
	for check, spoil := range spoilt {
		t.Run(string(check), func(t *testing.T) {
			f := newForger()
			spoil(f)
			data := f.result()
			_, err := f.verifier(t).Verify(data, f.want)
			wantCheck(t, err, check)
			e, err := f.excusing(t, check).Verify(data, f.want)
			if failed, ok := errors.AsType[*VerificationError](err); !ok || failed.Check != check || !failed.Excepted {
				t.Fatalf("excepted: %v", err)
			}
			if e.Certificate == "" || e.Kind != KindAuth || e.SignedAt.IsZero() != (check == CheckOCSPStructure) {
				t.Errorf("evidence %+v", e)
			}
			others := slices.DeleteFunc(ExcusableChecks(), func(other Check) bool { return other == check })
			_, err = f.excusing(t, others...).Verify(data, f.want)
			wantCheck(t, err, check)
		})
	}
}

// TestVerifyExceptAllIsNotNothing shows that with everything excused that can be, what an identity rests on is still checked,
// whatever else is wrong with the result.
func TestVerifyExceptAllIsNotNothing(t *testing.T) {
	for check, harm := range hurt {
		for beside, spoil := range spoilt {
			if beside == CheckOCSPStructure && (check == CheckOCSPStatus || check == CheckTime) {
				continue // nothing can be known of it
			}
			f := newForger()
			spoil(f)
			harm(f)
			data := f.result()
			_, err := f.excusing(t, ExcusableChecks()...).Verify(data, f.want)
			failed, ok := errors.AsType[*VerificationError](err)
			if !ok || failed.Excepted || failed.Check != check {
				t.Errorf("%s beside %s: %v", check, beside, err)
			}
		}
	}
}

func TestVerifyExceptRefused(t *testing.T) {
	f := newForger()
	f.issue()
	for _, check := range append(Checks(), "nosuch", "") {
		_, err := NewVerifier(VerifierOptions{RootsPEM: f.rootPEM(), CertificatePolicies: TestPolicies(), Except: []Check{check}})
		if excusable := slices.Contains(ExcusableChecks(), check); excusable != (err == nil) {
			t.Errorf("%q: %v", check, err)
		}
	}
	for check := range hurt {
		if slices.Contains(ExcusableChecks(), check) {
			t.Errorf("%s is excusable", check)
		}
	}
}

// TestExamine looks at what is told of a result of which several checks fail.
func TestExamine(t *testing.T) {
	f := newForger()
	spoilt[CheckNonce](f)
	spoilt[CheckName](f)
	data := f.result()
	f.want.Kind = KindSign
	_, findings, err := f.verifier(t).Examine(data, f.want)
	if err != nil || len(findings) != len(Checks()) {
		t.Fatalf("%d findings, %v", len(findings), err)
	}
	var refuse []string
	for i, finding := range findings {
		if !finding.Made || finding.Check != Checks()[i] {
			t.Errorf("%+v", finding)
		}
		if finding.Reason != "" {
			refuse = append(refuse, string(finding.Check))
		}
	}
	if got := strings.Join(refuse, " "); got != "nonce function key_usage name" {
		t.Errorf("refused by %s", got)
	}
	hurt[CheckSignature](f)
	_, findings, err = f.verifier(t).Examine(f.result(), f.want)
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		before := slices.Contains([]Check{CheckStructure, CheckAlgorithm, CheckDigest, CheckCertificate, CheckSignature}, finding.Check)
		if finding.Made != before || (finding.Reason != "") != (finding.Check == CheckSignature) {
			t.Errorf("after a bad signature: %+v", finding)
		}
	}
}

func TestTestPolicies(t *testing.T) {
	runForgeries(t, []forgery{
		{"of a bank's test BankID", func(f *forger) { f.person.Policies = []x509.OID{must(x509.ParseOID("1.2.752.60.1.6"))} }, ""},
		{"of production", func(f *forger) { f.person.Policies = []x509.OID{must(x509.ParseOID(PolicyMobile))} }, CheckPolicy},
	})
	if PolicyAllowed(ProductionPolicies(), PolicyTestOfBanks) {
		t.Error("a test BankID passes in production")
	}
}

// TestSettle decides over findings that no result makes today: a check that was skipped must refuse.
func TestSettle(t *testing.T) {
	all := func(change func(*examination)) []Finding {
		e := newExamination()
		e.step(nil, Checks()...)
		change(e)
		return e.findings
	}
	skip := func(e *examination, checks ...Check) {
		for i := range e.findings {
			if slices.Contains(checks, e.findings[i].Check) {
				e.findings[i].Made = false
			}
		}
	}
	v := &Verifier{except: []Check{CheckOCSPStructure, CheckName}}
	for _, tt := range []struct {
		name             string
		findings         []Finding
		refused, excused Check
	}{
		{"all made", all(func(*examination) {}), "", ""},
		{"one skipped", all(func(e *examination) { skip(e, CheckPerson) }), CheckPerson, ""},
		{"one skipped that could be excepted", all(func(e *examination) { skip(e, CheckName) }), CheckName, ""},
		{"no OCSP response", all(func(e *examination) {
			e.want(false, CheckOCSPStructure, "x")
			skip(e, CheckOCSPResponder, CheckOCSPSignature, CheckOCSPCertificate, CheckOCSPStatus, CheckNonce, CheckTime)
		}), "", CheckOCSPStructure},
		{"no OCSP response, and more skipped", all(func(e *examination) {
			e.want(false, CheckOCSPStructure, "x")
			skip(e, CheckOCSPStatus, CheckFunction)
		}), CheckFunction, ""},
		{"OCSP skipped without a reason", all(func(e *examination) { skip(e, CheckOCSPStatus) }), CheckOCSPStatus, ""},
		{"OCSP skipped for another reason", all(func(e *examination) { e.want(false, CheckName, "x"); skip(e, CheckOCSPStatus) }), CheckOCSPStatus, ""},
	} {
		refusal, excused := v.settle(tt.findings)
		if (refusal == nil) != (tt.refused == "") || refusal != nil && refusal.Check != tt.refused {
			t.Errorf("%s: refused by %v, want %q", tt.name, refusal, tt.refused)
		}
		if (excused == nil) != (tt.excused == "") || excused != nil && excused.Check != tt.excused {
			t.Errorf("%s: excused %v, want %q", tt.name, excused, tt.excused)
		}
	}
	e := newExamination()
	e.want(false, CheckTime, "the first reason")
	e.want(false, CheckTime, "another")
	if i := slices.Index(Checks(), CheckTime); e.findings[i].Reason != "the first reason" {
		t.Errorf("%+v", e.findings[i])
	}
}
