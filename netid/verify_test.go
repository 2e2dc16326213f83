package netid

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"
	"golang.org/x/crypto/ocsp"

	"brygga/secret"
)

const (
	testNumber = "199001012385"
	testNonce  = "b3VyIG5vbmNlIG9mIDMyIGJ5dGVzLCBvciBzbw=="
)

// The PKCS#7 library signs at the present moment, so the orders of these tests run then.
var testNow = time.Now().UTC().Truncate(time.Second)

// room is a verifier with what results for it are made of.
type room struct {
	*testing.T
	issuer   *authority
	card     *card
	options  VerifierOptions
	expected Expected
	result   Result
}

// newRoom returns a result that passes every check.
func newRoom(t *testing.T) *room {
	issuer := newAuthority(t, "Prov CA")
	r := &room{
		T: t, issuer: issuer, card: issuer.issue(t, nil, nil),
		options:  VerifierOptions{Issuers: []Issuer{{Name: "prov", Certificate: issuer.cert}}, Now: func() time.Time { return testNow.Add(30 * time.Second) }},
		expected: Expected{NonVisible: testNonce, UserID: secret.New(testNumber), StartedAt: testNow.Add(-10 * time.Second)},
	}
	r.sign(r.card)
	return r
}

// sign makes the result one by that card.
func (r *room) sign(c *card) {
	r.card = c
	r.result = Result{
		RequestedUserID: r.expected.UserID, Signature: c.pkcs7Over(r, []byte(r.expected.NonVisible), nil), OCSPResponse: r.issuer.ocspOf(r, c.cert, nil, nil),
		User: User{PersonalNumber: secret.New(testNumber), Certificate: inBase64(c.cert.Raw)},
	}
}

func (r *room) verify() (Proof, error) {
	r.Helper()
	v, err := NewVerifier(r.options)
	if err != nil {
		r.Fatal(err)
	}
	return v.Verify(&r.result, r.expected)
}

func checkOf(err error) Check {
	if failed, ok := errors.AsType[*VerificationError](err); ok {
		return failed.Check
	}
	return Check(fmt.Sprint(err))
}

func TestVerifyTakesWhatIsProven(t *testing.T) {
	elliptic256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		make func(*room)
	}{
		{"a card with an RSA key", func(*room) {}},
		{"a card with an elliptic key", func(r *room) { r.sign(r.issuer.issue(r, nil, elliptic256)) }},
		{"raw", func(r *room) {
			r.options.Format, r.result.Signature = FormatRaw256, r.card.rawOver(r, testNonce)
		}},
		{"raw with an elliptic key", func(r *room) {
			r.sign(r.issuer.issue(r, nil, elliptic256))
			r.options.Format, r.result.Signature = FormatRaw256, r.card.rawOver(r, testNonce)
		}},
		{"a signature without what it is over", func(r *room) {
			data, err := pkcs7.NewSignedData([]byte(testNonce))
			if err != nil {
				r.Fatal(err)
			}
			data.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA512)
			if err := data.AddSigner(r.card.cert, r.card.key, pkcs7.SignerInfoConfig{}); err != nil {
				r.Fatal(err)
			}
			data.Detach()
			der, err := data.Finish()
			if err != nil {
				r.Fatal(err)
			}
			r.result.Signature = inBase64(der)
		}},
		{"a text to sign", func(r *room) {
			r.expected.Visible = "I agree."
			r.result.Signature = r.card.pkcs7Over(r, []byte("I agree."+testNonce), nil)
		}},
		{"another layout", func(r *room) {
			r.expected.Visible, r.options.Layout = "I agree.", Layout{NonVisibleFirst: true, Separator: "\n", Decoded: true}
			r.result.Signature = r.card.pkcs7Over(r, []byte("our nonce of 32 bytes, or so\nI agree."), nil)
		}},
		{"an appointed responder", func(r *room) {
			responder := r.issuer.issue(r, func(c *x509.Certificate) {
				c.Subject = pkix.Name{CommonName: "OCSP"}
				c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}
			}, elliptic256)
			r.result.OCSPResponse = r.issuer.ocspOf(r, r.card.cert, responder, nil)
		}},
		{"an issuer below a root that shows its own certificate", func(r *room) {
			r.issuer = r.issuer.below(r, "Prov CA 2")
			r.options.Issuers[0].Certificate = r.issuer.cert
			r.sign(r.issuer.issue(r, nil, nil))
			r.result.OCSPResponse = r.issuer.ocspOf(r, r.card.cert, nil, func(o *ocsp.Response) { o.Certificate = r.issuer.cert })
		}},
		{"an issuer that has renewed its certificate", func(r *room) {
			old := r.issuer.renewed(r, testNow.AddDate(-9, 0, 0), testNow.AddDate(0, 0, -1))
			r.options.Issuers = []Issuer{{Name: "prov", Certificate: old.cert}, {Name: "prov", Certificate: r.issuer.cert}}
		}},
		{"the service's word for want of OCSP", func(r *room) {
			r.options.Revocation, r.result.OCSPResponse = RevocationService, secret.String{}
		}},
		{"anybody on the same device", func(r *room) { r.expected.UserID, r.result.RequestedUserID = secret.String{}, secret.String{} }},
		{"no certificate beside the signature", func(r *room) { r.result.User.Certificate = secret.String{} }},
		{"base64 in lines", func(r *room) {
			text := r.result.Signature.Reveal()
			r.result.Signature = secret.New(text[:64] + "\r\n" + text[64:])
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRoom(t)
			c.make(r)
			proof, err := r.verify()
			if err != nil {
				t.Fatal(err)
			}
			if proof.Issuer != "prov" || proof.Person.ID.Reveal() != testNumber || proof.Person.GivenName.Reveal() != "Kim" ||
				proof.Person.Surname.Reveal() != "Prov" || proof.Person.Organization != "Region Prov" || !proof.Certificate.Equal(r.card.cert) {
				t.Errorf("the proof is of %s by %s", proof.Certificate.Subject, proof.Issuer)
			}
		})
	}
}

func TestPrincipalName(t *testing.T) {
	const upn = "kim.prov@region.example"
	r := newRoom(t)
	r.options.Identifier, r.options.UserInfo, r.expected.UserID = FieldPrincipalName, UserInfoUniqueName, secret.New(upn)
	r.sign(r.issuer.issue(t, func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{alternative(t, upn)} }, nil))
	r.result.User.UniqueName = secret.New("Kim.Prov@Region.example") // the same, as those who give UPNs out see it
	proof, err := r.verify()
	if err != nil || proof.Person.ID.Reveal() != upn {
		t.Fatal(err)
	}
	r.sign(r.issuer.issue(t, func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{alternative(t, upn, "root@region.example")}
	}, nil))
	if _, err := r.verify(); checkOf(err) != CheckIdentifier {
		t.Errorf("of two principal names: %v", err)
	}
}

// TestIssuersAreOne: whoever has issued a certificate has one name, on which hangs what the certificate is worth. Another key makes another authority.
func TestIssuersAreOne(t *testing.T) {
	prov, namesake := newAuthority(t, "Prov CA"), newAuthority(t, "Prov CA")
	for name, c := range map[string]struct {
		other *authority
		as    string
		taken bool
	}{
		"the same twice":                   {prov, "high", false},
		"renewed":                          {prov.renewed(t, testNow, testNow.AddDate(9, 0, 0)), "high", false},
		"renewed, by its name":             {prov.renewed(t, testNow, testNow.AddDate(9, 0, 0)), "low", true},
		"a namesake with a key of its own": {namesake, "high", true},
	} {
		_, err := NewVerifier(VerifierOptions{Issuers: []Issuer{{Name: "low", Certificate: prov.cert}, {Name: c.as, Certificate: c.other.cert}}})
		if (err == nil) != c.taken {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVerifierOptions(t *testing.T) {
	issuer := newAuthority(t, "Prov CA")
	good := func() VerifierOptions { return VerifierOptions{Issuers: []Issuer{{"prov", issuer.cert}}} }
	if _, err := NewVerifier(good()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*VerifierOptions){
		"no issuer":              func(o *VerifierOptions) { o.Issuers = nil },
		"an issuer of nothing":   func(o *VerifierOptions) { o.Issuers[0].Certificate = nil },
		"a person for an issuer": func(o *VerifierOptions) { o.Issuers[0].Certificate = issuer.issue(t, nil, nil).cert },
		"a format":               func(o *VerifierOptions) { o.Format = "raw" },
		"a field":                func(o *VerifierOptions) { o.Identifier = "cn" },
		"an element":             func(o *VerifierOptions) { o.UserInfo = "name" },
		"a way to revoke":        func(o *VerifierOptions) { o.Revocation = "none" },
		"a time":                 func(o *VerifierOptions) { o.Skew = -1 },
	} {
		o := good()
		spoil(&o)
		if _, err := NewVerifier(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestVerifyWantsToKnowWhatToExpect(t *testing.T) {
	for _, spoil := range []func(*Expected){func(w *Expected) { w.NonVisible = "" }, func(w *Expected) { w.StartedAt = time.Time{} }} {
		r := newRoom(t)
		spoil(&r.expected)
		_, err := r.verify()
		if _, isCheck := errors.AsType[*VerificationError](err); err == nil || isCheck {
			t.Errorf("got %v, want a fault of the caller", err)
		}
	}
}

func TestLayoutInUTF16(t *testing.T) {
	got := Layout{UTF16: true}.content("å", "b")
	if !slices.Equal(got, []byte{0xe5, 0, 'b', 0}) {
		t.Errorf("content is % x", got)
	}
}
