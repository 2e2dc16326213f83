package bankid

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/secret"

	"golang.org/x/crypto/ocsp"
)

// wantCheck fails unless err names the check; an empty one means that there is no error.
func wantCheck(t *testing.T, err error, want Check) {
	t.Helper()
	var refusal *VerificationError
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && (!errors.As(err, &refusal) || refusal.Check != want):
		t.Errorf("got %v, want a refusal by check %q", err, want)
	}
}

// forgery is one change to a result.
type forgery struct {
	name   string
	change func(*forger)
	want   Check // empty: the result is as good as before
}

func runForgeries(t *testing.T, tests []forgery) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newForger()
			tt.change(f)
			data := f.result()
			_, err := f.verifier(t).Verify(data, f.want)
			wantCheck(t, err, tt.want)
			noPerson(t, err)
		})
	}
}

// noPerson fails if an error holds anything of a result.
func noPerson(t *testing.T, err error) {
	t.Helper()
	for _, word := range []string{"198502039822", "Åsa", "Öberg", "Exempel", "Provbank"} {
		if err != nil && strings.Contains(err.Error(), word) {
			t.Errorf("the error holds %q: %v", word, err)
		}
	}
}

func TestVerify(t *testing.T) {
	f := newForger()
	data := f.result()
	v := f.verifier(t)
	for range 2 { // with authorities unknown, then known
		e, err := v.Verify(data, f.want)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(f.made.person.Raw)
		want := Evidence{
			SignedAt: signedAt, Certificate: hex.EncodeToString(sum[:]), Policy: PolicyTestMobile, Kind: KindAuth,
			ClientVersion: "7.28.0", Platform: "IOS", PlatformVersion: "18.5", UserAuth: "pw", UHI: e.UHI,
		}
		if e != want || e.UHI.Reveal() != "giCsUsVYgZEg96P/l/7QIxWjusqW" {
			t.Errorf("got %+v, want %+v", e, want)
		}
	}
	der, _ := decodeBase64([]byte(data.OCSPResponse.Reveal()))
	if r, err := ocsp.ParseResponseForCert(der, f.made.person, f.made.issuer); err != nil || r.Status != ocsp.Good || !r.ProducedAt.Equal(signedAt) {
		t.Errorf("another reader finds the response bad: %v", err)
	}
	var log strings.Builder
	e, _ := v.Verify(data, f.want)
	slog.New(slog.NewTextHandler(&log, nil)).Info("verified", "evidence", e)
	if text := log.String() + fmt.Sprintf("%+v %#v", e, e); strings.Contains(text, "giCsUs") || strings.Contains(text, "Åsa") {
		t.Errorf("evidence shows too much: %s", text)
	}
}

// TestVerifyWhatWasAsked varies order and result together, then each alone.
func TestVerifyWhatWasAsked(t *testing.T) {
	signs := func(f *forger) {
		f.want.Kind = KindSign
		f.person.KeyUsage = 1 << 1 // contentCommitment, also called nonRepudiation
	}
	both := func(changes ...func(*forger)) func(*forger) {
		return func(f *forger) {
			for _, change := range changes {
				change(f)
			}
		}
	}
	runForgeries(t, []forgery{
		{"sign order", signs, ""},
		{"phone identification", func(f *forger) { f.want.Kind = KindPhoneAuth }, ""},
		{"phone sign order", both(signs, func(f *forger) { f.want.Kind = KindPhoneSign }), ""},
		{"no text", func(f *forger) { f.want.UserVisibleData = "" }, ""},
		{"no hidden data", func(f *forger) { f.want.UserNonVisibleData = nil }, ""},
		{"markdown", func(f *forger) { f.want.UserVisibleDataFormat = FormatSimpleMarkdownV1 }, ""},
		{"plain text said to be plain", both(
			func(f *forger) { f.want.UserVisibleDataFormat = FormatPlainText },
			func(f *forger) { f.data = replace(` visible="`, ` format="plaintext" visible="`) }), ""},
	})
	tests := []struct {
		name   string
		change func(*forger)
		ask    func(*Expected)
		want   Check
	}{
		{"identification for signature", nil, func(w *Expected) { w.Kind = KindSign }, CheckFunction},
		{"signature for identification", signs, func(w *Expected) { w.Kind = KindAuth }, CheckFunction},
		{"other text", nil, func(w *Expected) { w.UserVisibleData += "." }, CheckVisibleData},
		{"other text of the same length", nil, func(w *Expected) { w.UserVisibleData = "Logga in på Exempeq" }, CheckVisibleData},
		{"text not asked for", nil, func(w *Expected) { w.UserVisibleData = "" }, CheckVisibleData},
		{"text missing", func(f *forger) { f.want.UserVisibleData = "" }, func(w *Expected) { w.UserVisibleData = "Logga in" }, CheckVisibleData},
		{"empty text not asked for", func(f *forger) {
			f.want.UserVisibleData = ""
			f.data = replace(`<usrNon`, `<usrVisibleData charset="UTF-8" visible="wysiwys"></usrVisibleData><usrNon`)
		}, nil, CheckVisibleData},
		{"markdown shown plain", nil, func(w *Expected) { w.UserVisibleDataFormat = FormatSimpleMarkdownV1 }, CheckVisibleData},
		{"plain shown as markdown", func(f *forger) { f.want.UserVisibleDataFormat = FormatSimpleMarkdownV1 },
			func(w *Expected) { w.UserVisibleDataFormat = "" }, CheckVisibleData},
		{"format unknown", func(f *forger) { f.data = replace(` visible="`, ` format="html" visible="`) }, nil, CheckVisibleData},
		{"other request", nil, func(w *Expected) { w.UserNonVisibleData = []byte("bound to the requesu") }, CheckNonVisibleData},
		{"hidden data not asked for", nil, func(w *Expected) { w.UserNonVisibleData = nil }, CheckNonVisibleData},
		{"hidden data missing", func(f *forger) { f.want.UserNonVisibleData = nil }, func(w *Expected) { w.UserNonVisibleData = []byte("x") }, CheckNonVisibleData},
		{"empty hidden data not asked for", func(f *forger) {
			f.want.UserNonVisibleData = nil
			f.data = replace(`<srvInfo>`, `<usrNonVisibleData></usrNonVisibleData><srvInfo>`)
		}, nil, CheckNonVisibleData},
		{"other name", nil, func(w *Expected) {
			w.RelyingParty.Name = strings.Replace(w.RelyingParty.Name, "5560000001", "5560000002", 1)
		}, CheckRelyingParty},
		{"other display name", nil, func(w *Expected) { w.RelyingParty.DisplayName = "Exempen" }, CheckRelyingParty},
		{"kind of BankID not asked for", nil, func(w *Expected) { w.CertificatePolicies = []string{PolicyTestOnFile} }, CheckPolicy},
		{"kind of BankID asked for", nil, func(w *Expected) { w.CertificatePolicies = []string{PolicyTestOnFile, "1.2.3.4.*"} }, ""},
		{"signed before the order", nil, func(w *Expected) { w.StartedAt = signedAt.Add(DefaultSkew + time.Second) }, CheckTime},
		{"clocks apart", nil, func(w *Expected) { w.StartedAt = signedAt.Add(DefaultSkew) }, ""},
		{"signed after the order", nil, func(w *Expected) { w.EndedAt = signedAt.Add(-DefaultSkew - time.Second) }, CheckTime},
		{"result comes now", nil, func(w *Expected) { w.EndedAt = time.Time{} }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newForger()
			if tt.change != nil {
				tt.change(f)
			}
			data, want := f.result(), f.want
			if tt.ask != nil {
				tt.ask(&want)
			}
			_, err := f.verifier(t).Verify(data, want)
			wantCheck(t, err, tt.want)
			noPerson(t, err)
		})
	}
}

func TestVerifyNowBoundsTheOrder(t *testing.T) {
	f := newForger()
	data := f.result()
	now := signedAt.Add(-DefaultSkew - time.Second)
	v := must(NewVerifier(VerifierOptions{RootsPEM: f.rootPEM(), CertificatePolicies: TestPolicies(), Now: func() time.Time { return now }}))
	f.want.EndedAt = time.Time{}
	_, err := v.Verify(data, f.want)
	wantCheck(t, err, CheckTime)
	v = must(NewVerifier(VerifierOptions{RootsPEM: f.rootPEM(), CertificatePolicies: TestPolicies(), Skew: time.Hour, Now: func() time.Time { return now }}))
	_, err = v.Verify(data, f.want)
	wantCheck(t, err, "")
}

func TestVerifyPerson_T10(t *testing.T) {
	for name, change := range map[string]func(*User){
		"number":    func(u *User) { u.PersonalNumber = secret.New("197807159814") },
		"no number": func(u *User) { u.PersonalNumber = secret.String{} },
	} {
		t.Run(name, func(t *testing.T) {
			f := newForger()
			change(&f.user)
			_, err := f.verified(t)
			wantCheck(t, err, CheckPerson)
			noPerson(t, err)
		})
	}
	const number = 4 // of the subject's attributes, counted from 0
	for name, change := range map[string]func(f *forger){
		"number twice": func(f *forger) {
			f.person.Subject.ExtraNames = append(f.person.Subject.ExtraNames, f.person.Subject.ExtraNames[number])
		},
		"number missing": func(f *forger) {
			f.person.Subject.ExtraNames = slices.Delete(f.person.Subject.ExtraNames, number, number+1)
		},
		"number missing on both sides": func(f *forger) {
			f.person.Subject.ExtraNames = slices.Delete(f.person.Subject.ExtraNames, number, number+1)
			f.user.PersonalNumber = secret.String{}
		},
		"number empty on both sides": func(f *forger) {
			f.person.Subject.ExtraNames[number].Value = ""
			f.user.PersonalNumber = secret.String{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForger()
			change(f)
			_, err := f.verified(t)
			wantCheck(t, err, CheckPerson)
		})
	}
}

// verified makes the result and verifies it.
func (f *forger) verified(t *testing.T) (Evidence, error) {
	t.Helper()
	data := f.result()
	return f.verifier(t).Verify(data, f.want)
}

func TestVerifyNeedsExpectations(t *testing.T) {
	f := newForger()
	data := f.result()
	v := f.verifier(t)
	for name, forget := range map[string]func(*Expected){
		"kind":         func(w *Expected) { w.Kind = "" },
		"name":         func(w *Expected) { w.RelyingParty.Name = "" },
		"display name": func(w *Expected) { w.RelyingParty.DisplayName = "" },
		"start":        func(w *Expected) { w.StartedAt = time.Time{} },
		"policies":     func(w *Expected) { w.CertificatePolicies = []string{"*"} },
	} {
		t.Run(name, func(t *testing.T) {
			want := f.want
			forget(&want)
			_, err := v.Verify(data, want)
			var refusal *VerificationError
			if err == nil || errors.As(err, &refusal) {
				t.Errorf("got %v, want an error that does not blame the result", err)
			}
		})
	}
	_, err := v.Verify(nil, f.want)
	wantCheck(t, err, CheckStructure)
}

func TestVerifierOptionsRefused(t *testing.T) {
	f := newForger()
	f.issue()
	server := *f
	server.root = caTemplate("SSL Root")
	server.root.Subject.OrganizationalUnit = []string{"Infrastructure CA"}
	server.issue()
	good := VerifierOptions{RootsPEM: f.rootPEM(), CertificatePolicies: TestPolicies()}
	tests := []struct {
		name   string
		change func(*VerifierOptions)
		want   string
	}{
		{"no root", func(o *VerifierOptions) { o.RootsPEM = nil }, "no PEM certificate"},
		{"key among the roots", func(o *VerifierOptions) { o.RootsPEM = append(o.RootsPEM, keyPEM(relyingParty().PrivateKey)...) }, `"PRIVATE KEY"`},
		{"broken root", func(o *VerifierOptions) {
			o.RootsPEM = []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
		}, "parse certificate"},
		{"no authority", func(o *VerifierOptions) { o.RootsPEM = (&authority{cert: f.made.person}).pem() }, "no authority"},
		{"root of the server", func(o *VerifierOptions) { o.RootsPEM = server.rootPEM() }, "BankID's server"},
		{"no policies", func(o *VerifierOptions) { o.CertificatePolicies = nil }, "CertificatePolicies"},
		{"bad policy", func(o *VerifierOptions) { o.CertificatePolicies = []string{"mobile"} }, "CertificatePolicies"},
		{"negative skew", func(o *VerifierOptions) { o.Skew = -1 }, "Skew"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := good
			tt.change(&o)
			if v, err := NewVerifier(o); err == nil || v != nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that says %q", err, tt.want)
			}
		})
	}
}

func TestChecksAreNamedOnce(t *testing.T) {
	seen := make(map[Check]bool)
	for _, check := range Checks() {
		if seen[check] || harmless(string(check)) == "" {
			t.Errorf("check %q comes twice or is no word", check)
		}
		seen[check] = true
	}
	if len(seen) != 21 {
		t.Errorf("%d checks", len(seen))
	}
}

func BenchmarkVerify(b *testing.B) {
	f := newForger()
	data := f.result()
	v := f.verifier(b)
	measure(b, func() error {
		_, err := v.Verify(data, f.want)
		return err
	})
}
