package bankid

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestVerifyChain(t *testing.T) {
	runForgeries(t, []forgery{
		{"person's certificate expired", func(f *forger) { f.person.NotAfter = signedAt.Add(-time.Second) }, CheckChain},
		{"person's certificate not yet valid", func(f *forger) { f.person.NotBefore = signedAt.Add(time.Second) }, CheckChain},
		{"issuer expired", func(f *forger) { f.issuer.NotAfter = signedAt.Add(-time.Second) }, CheckChain},
		{"bank expired", func(f *forger) { f.bank.NotAfter = signedAt.Add(-time.Second) }, CheckChain},
		{"root expired", func(f *forger) { f.root.NotAfter = signedAt.Add(-time.Second) }, CheckChain},
		{"issuer no authority", func(f *forger) {
			f.issuer.IsCA, f.issuer.MaxPathLenZero, f.issuer.KeyUsage = false, false, x509.KeyUsageDigitalSignature
		}, CheckChain},
		{"issuer may not issue", func(f *forger) { f.issuer.KeyUsage = x509.KeyUsageCRLSign }, CheckChain},
		{"bank may not have issuers below", func(f *forger) { f.bank.MaxPathLen, f.bank.MaxPathLenZero = 0, true }, CheckChain},
		{"unknown critical extension", func(f *forger) {
			f.person.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: asn1.NullBytes}}
		}, CheckChain},
		{"authorities the other way round", func(f *forger) { f.certs = func(c []string) []string { return []string{c[0], c[2], c[1]} } }, CheckChain},
		{"issuer twice", func(f *forger) { f.certs = func(c []string) []string { return []string{c[0], c[1], c[1]} } }, CheckChain},
		{"issuer right below the root", func(f *forger) { f.issuerByRoot = true }, CheckChain},
		{"issuer right below the root, which is included", func(f *forger) {
			f.issuerByRoot = true
			f.certs = func(c []string) []string { return []string{c[0], c[1], string(f.made.root.Raw)} }
		}, CheckChain},
		{"root among the certificates", func(f *forger) {
			f.certs = func(c []string) []string { return []string{c[0], c[1], string(f.made.root.Raw)} }
		}, CheckChain},
	})
}

func TestVerifyAnotherRoot(t *testing.T) {
	f, other := newForger(), newForger()
	data, key := f.result(), forgerKeys().other
	// The same name, another key.
	other.made.root = must(x509.ParseCertificate(must(x509.CreateCertificate(nil, other.root, other.root, key.Public(), key))))
	_, err := other.verifier(t).Verify(data, f.want)
	wantCheck(t, err, CheckChain)
}

// TestVerifyKnownAuthorities has certificates that fail although everything above them has been met before.
func TestVerifyKnownAuthorities(t *testing.T) {
	good := newForger()
	data := good.result()
	v := good.verifier(t)
	_, err := v.Verify(data, good.want)
	wantCheck(t, err, "")
	for name, tt := range map[string]struct {
		change func(*forger)
		want   Check
	}{
		"nothing wrong":     {func(*forger) {}, ""},
		"expired":           {func(f *forger) { f.person.NotAfter = signedAt.Add(-time.Second) }, CheckChain},
		"issued by another": {func(f *forger) { f.issuerKey = forgerKeys().other }, CheckChain},
		"issuer's own certificate": {func(f *forger) {
			f.personKey = forgerKeys().issuer
			f.certs = func(c []string) []string { return []string{c[1], c[1], c[2]} }
			f.answer = func(p *ocspParts) { p.certID = certID(f.made.issuer, f.made.issuer.SerialNumber) }
		}, CheckKeyUsage},
		"responder expired": {func(f *forger) { f.responder.NotAfter = signedAt.Add(-time.Second) }, CheckOCSPResponder},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForger()
			tt.change(f)
			f.known = &good.made
			_, err := v.Verify(f.result(), f.want)
			wantCheck(t, err, tt.want)
		})
	}
	for name, at := range map[string]time.Time{
		"too early for the responder": good.made.responder.NotBefore.Add(-time.Second),
		"too late for the responder":  good.made.responder.NotAfter.Add(time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			f := newForger()
			f.known, f.knownResponder = &good.made, true
			f.signsAt(at)
			_, err := v.Verify(f.result(), f.want)
			wantCheck(t, err, CheckOCSPResponder)
		})
	}
	t.Run("responder of another issuer", func(t *testing.T) {
		f := newForger()
		f.issuer.Subject.CommonName = "Provbank Customer CA2 v1"
		f.issue()
		v := must(NewVerifier(VerifierOptions{RootsPEM: append(f.rootPEM(), good.rootPEM()...), CertificatePolicies: TestPolicies()}))
		_, err := v.Verify(data, good.want)
		wantCheck(t, err, "")
		f.known, f.knownResponder = &made{f.made.root, f.made.bank, f.made.issuer, good.made.responder, nil}, true
		_, err = v.Verify(f.result(), f.want)
		wantCheck(t, err, CheckOCSPResponder)
	})
}

// TestVerifyKnownAuthoritiesExpire has an authority above the issuer whose time is shorter than that of all others.
func TestVerifyKnownAuthoritiesExpire(t *testing.T) {
	for name, authority := range map[string]func(*forger) *x509.Certificate{
		"issuer": func(f *forger) *x509.Certificate { return f.issuer },
		"bank":   func(f *forger) *x509.Certificate { return f.bank },
		"root":   func(f *forger) *x509.Certificate { return f.root },
	} {
		t.Run(name, func(t *testing.T) {
			good := newForger()
			short := authority(good)
			short.NotBefore, short.NotAfter = signedAt.Add(-time.Hour), signedAt.Add(time.Hour)
			data := good.result()
			v := good.verifier(t)
			_, err := v.Verify(data, good.want)
			wantCheck(t, err, "")
			for _, at := range []time.Time{short.NotBefore, short.NotBefore.Add(-time.Second), short.NotAfter, short.NotAfter.Add(time.Second)} {
				f := newForger()
				f.known = &good.made
				f.signsAt(at)
				want := CheckChain
				if at.Equal(short.NotBefore) || at.Equal(short.NotAfter) {
					want = ""
				}
				_, err := v.Verify(f.result(), f.want)
				wantCheck(t, err, want)
			}
		})
	}
}

func TestVerifyPurpose(t *testing.T) {
	runForgeries(t, []forgery{
		{"certificate for signatures", func(f *forger) { f.person.KeyUsage = x509.KeyUsageContentCommitment }, CheckKeyUsage},
		{"certificate for both", func(f *forger) { f.person.KeyUsage |= x509.KeyUsageContentCommitment }, CheckKeyUsage},
		{"certificate for nothing", func(f *forger) { f.person.KeyUsage = 0 }, CheckKeyUsage},
		{"certificate of an authority", func(f *forger) {
			f.person.IsCA, f.person.BasicConstraintsValid = true, true
			f.issuer.MaxPathLenZero = false
		}, CheckKeyUsage},
		{"certificate of a responder", func(f *forger) {
			f.person.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
		}, CheckKeyUsage},
		{"certificate of unknown use", func(f *forger) {
			f.person.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 3}}
		}, CheckKeyUsage},
		{"policy of another environment", func(f *forger) {
			f.person.Policies = []x509.OID{must(x509.ParseOID(PolicyMobile))}
		}, CheckPolicy},
		{"no policy", func(f *forger) { f.person.Policies = nil }, CheckPolicy},
		{"two policies, one right", func(f *forger) {
			f.person.Policies = append([]x509.OID{must(x509.ParseOID("1.2.3.4.6"))}, f.person.Policies...)
		}, ""},
	})
}

func TestBoundedCache(t *testing.T) {
	var c boundedCache[int]
	for i := range 3*cacheSize + 1 {
		c.put([]byte(fmt.Sprint(i)), i)
		if got, ok := c.get([]byte(fmt.Sprint(i))); !ok || got != i {
			t.Fatalf("%d is not kept", i)
		}
		if len(c.m) > cacheSize {
			t.Fatalf("%d entries", len(c.m))
		}
	}
	if _, ok := c.get([]byte("0")); ok {
		t.Error("the first is still there")
	}
	if _, ok := c.get([]byte(strings.Repeat("x", 9))); ok {
		t.Error("something is there that was not put")
	}
}

// TestVerifyRemembers sees that authorities are parsed once, and that nothing is remembered of results refused.
func TestVerifyRemembers(t *testing.T) {
	f := newForger()
	data := f.result()
	v := f.verifier(t)
	for range 3 {
		if _, err := v.Verify(data, f.want); err != nil {
			t.Fatal(err)
		}
	}
	if len(v.issuers.m) != 1 || len(v.responders.m) != 1 {
		t.Errorf("%d issuers and %d responders", len(v.issuers.m), len(v.responders.m))
	}
	if known, found := v.RootOf(data), f.verifier(t).RootOf(data); known == nil || !known.Equal(found) {
		t.Errorf("of a known issuer the root is %v, of another %v", known, found)
	}
	f = newForger()
	f.certs = func(c []string) []string { return []string{c[0], c[2], c[1]} }
	data = f.result()
	v = f.verifier(t)
	if _, err := v.Verify(data, f.want); err == nil || len(v.issuers.m) != 0 {
		t.Errorf("%v, and %d issuers in the wrong order are remembered", err, len(v.issuers.m))
	}
	f, key := newForger(), forgerKeys().other
	data = f.result()
	f.made.root = must(x509.ParseCertificate(must(x509.CreateCertificate(nil, f.root, f.root, key.Public(), key))))
	v = f.verifier(t)
	if _, err := v.Verify(data, f.want); err == nil || len(v.issuers.m) != 0 {
		t.Errorf("%v, and %d issuers are remembered", err, len(v.issuers.m))
	}
	f = newForger()
	f.responder.ExtraExtensions = nil
	data = f.result()
	v = f.verifier(t)
	if _, err := v.Verify(data, f.want); err == nil || len(v.responders.m) != 0 {
		t.Errorf("%v, and %d responders are remembered", err, len(v.responders.m))
	}
}
