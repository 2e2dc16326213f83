package netid

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
	"time"

	"github.com/digitorus/pkcs7"
	"golang.org/x/crypto/ocsp"

	"brygga/secret"
)

// attacks are results that must be refused, each by the check that is made for it.
var attacks = []struct {
	name  string
	make  func(*room)
	check Check
}{
	{"complete without a signature", func(r *room) { r.result.Signature = secret.String{} }, CheckStructure},
	{"a signature that is no PKCS#7", func(r *room) { r.result.Signature = r.card.rawOver(r, testNonce) }, CheckStructure},
	{"a signature that is no base64", func(r *room) { r.result.Signature = secret.New("%%%") }, CheckStructure},
	{"a very long signature", func(r *room) { r.result.Signature = secret.New(strings.Repeat("AAAA", maxSignature)) }, CheckStructure},
	{"a broken certificate", func(r *room) { r.result.User.Certificate = inBase64([]byte("x")) }, CheckStructure},
	{"raw without a certificate", func(r *room) {
		r.options.Format, r.result.Signature, r.result.User.Certificate = FormatRaw256, r.card.rawOver(r, testNonce), secret.String{}
	}, CheckSigner},
	{"another certificate than the signer's", func(r *room) {
		r.result.User.Certificate = inBase64(r.issuer.issue(r, nil, nil).cert.Raw)
	}, CheckSigner},
	{"two signers", func(r *room) {
		r.result.Signature = r.card.pkcs7Over(r, []byte(testNonce), func(d *pkcs7.SignedData) {
			other := r.issuer.issue(r, nil, nil)
			if err := d.AddSigner(other.cert, other.key, pkcs7.SignerInfoConfig{}); err != nil {
				r.Fatal(err)
			}
		})
	}, CheckSigner},
	{"SHA-1", func(r *room) {
		r.result.Signature = r.card.pkcs7Over(r, []byte(testNonce), func(d *pkcs7.SignedData) { d.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA1) })
	}, CheckAlgorithm},
	{"a short RSA key", func(r *room) { r.sign(r.issuer.issue(r, nil, shortRSA(r))) }, CheckAlgorithm},
	{"a short RSA key, raw", func(r *room) {
		r.sign(r.issuer.issue(r, nil, shortRSA(r)))
		r.options.Format, r.result.Signature = FormatRaw256, r.card.rawOver(r, testNonce)
	}, CheckAlgorithm},
	{"a short elliptic key", func(r *room) {
		key, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
		if err != nil {
			r.Fatal(err)
		}
		r.sign(r.issuer.issue(r, nil, key))
	}, CheckAlgorithm},
	{"SHA-1 under a digest of SHA-256", func(r *room) { r.result.Signature = weakly(r) }, CheckAlgorithm},
	{"the result of another order", func(r *room) { r.result.Signature = r.card.pkcs7Over(r, []byte("another nonce"), nil) }, CheckContent},
	{"the result of another order, raw", func(r *room) {
		r.options.Format, r.result.Signature = FormatRaw256, r.card.rawOver(r, "another nonce")
	}, CheckSignature},
	{"a nonce of the service's own", func(r *room) { r.result.Signature = r.card.pkcs7Over(r, nil, nil) }, CheckContent},
	{"an identification in place of a signature", func(r *room) { r.expected.Visible = "I agree." }, CheckContent},
	{"another text than was shown", func(r *room) {
		r.expected.Visible = "I agree."
		r.result.Signature = r.card.pkcs7Over(r, []byte("I do not."+testNonce), nil)
	}, CheckContent},
	{"another type of content", func(r *room) {
		r.result.Signature = r.card.pkcs7Over(r, []byte(testNonce), func(d *pkcs7.SignedData) {
			d.GetSignedData().ContentInfo.ContentType = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
		})
	}, CheckContent},
	{"a signature by another key", func(r *room) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			r.Fatal(err)
		}
		r.result.Signature = (&card{r.card.cert, key}).pkcs7Over(r, []byte(testNonce), nil)
	}, CheckSignature},
	{"another issuer", func(r *room) { r.sign(newAuthority(r, "Other CA").issue(r, nil, nil)) }, CheckIssuer},
	{"another issuer of the same name", func(r *room) { r.sign(newAuthority(r, "Prov CA").issue(r, nil, nil)) }, CheckIssuer},
	{"a certificate that signs itself", func(r *room) {
		key := sharedRSA()
		template := *r.card.cert
		template.SignatureAlgorithm = x509.SHA256WithRSA
		der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
		if err != nil {
			r.Fatal(err)
		}
		r.sign(&card{parse(r, der), key})
	}, CheckIssuer},
	{"signed before the order", func(r *room) {
		r.expected.StartedAt, r.expected.EndedAt = testNow.Add(5*time.Minute), testNow.Add(6*time.Minute)
	}, CheckTime},
	{"signed after the order", func(r *room) {
		r.expected.StartedAt, r.expected.EndedAt = testNow.Add(-6*time.Minute), testNow.Add(-5*time.Minute)
	}, CheckTime},
	{"an expired certificate", func(r *room) {
		r.sign(r.issuer.issue(r, func(c *x509.Certificate) { c.NotAfter = testNow.Add(10 * time.Second) }, nil))
	}, CheckValidity},
	{"an expired certificate, raw", func(r *room) {
		r.sign(r.issuer.issue(r, func(c *x509.Certificate) { c.NotAfter = testNow.Add(-time.Hour) }, nil))
		r.options.Format, r.result.Signature = FormatRaw256, r.card.rawOver(r, testNonce)
	}, CheckValidity},
	{"an authority that has expired", func(r *room) {
		r.options.Now = func() time.Time { return testNow.AddDate(5, 0, 1) }
		r.expected.StartedAt, r.options.Skew, r.options.MaxOCSPAge = testNow.AddDate(5, 0, 1), 6*365*24*time.Hour, 6*365*24*time.Hour
		r.sign(r.issuer.issue(r, func(c *x509.Certificate) { c.NotAfter = testNow.AddDate(10, 0, 0) }, nil))
	}, CheckValidity},
	{"a certificate that is not valid yet", func(r *room) {
		r.sign(r.issuer.issue(r, func(c *x509.Certificate) { c.NotBefore = testNow.Add(-time.Second) }, nil))
	}, CheckValidity},
	{"signed before the certificate was valid", func(r *room) {
		r.expected.StartedAt = testNow.Add(time.Minute)
		r.sign(r.issuer.issue(r, func(c *x509.Certificate) { c.NotBefore = testNow.Add(30 * time.Second) }, nil))
		r.expected.EndedAt = testNow.Add(90 * time.Second)
	}, CheckValidity},
	{"a server's certificate", func(r *room) {
		r.sign(r.issuer.issue(r, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, nil))
	}, CheckPurpose},
	{"a key for encryption", func(r *room) {
		r.sign(r.issuer.issue(r, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }, nil))
	}, CheckPurpose},
	{"an authority's certificate", func(r *room) {
		r.sign(r.issuer.issue(r, func(c *x509.Certificate) {
			c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageDigitalSignature
		}, nil))
	}, CheckPurpose},
	{"no OCSP response", func(r *room) { r.result.OCSPResponse = secret.String{} }, CheckOCSPMissing},
	{"a broken OCSP response", func(r *room) { r.result.OCSPResponse = inBase64([]byte("x")) }, CheckOCSPStructure},
	{"a refusal in place of an OCSP response", func(r *room) { r.result.OCSPResponse = inBase64(ocsp.UnauthorizedErrorResponse) }, CheckOCSPStructure},
	{"another certificate's OCSP response", func(r *room) {
		r.result.OCSPResponse = r.issuer.ocspOf(r, r.issuer.issue(r, nil, nil).cert, nil, nil)
	}, CheckOCSPCertificate},
	{"an OCSP response of another issuer's certificate with the same number", func(r *room) {
		other := newAuthority(r, "Other CA")
		r.result.OCSPResponse = (&authority{other.cert, r.issuer.key}).ocspOf(r, r.card.cert, nil, nil)
	}, CheckOCSPCertificate},
	{"an OCSP response that nobody appointed", func(r *room) {
		other := newAuthority(r, "Prov CA")
		r.result.OCSPResponse = (&authority{r.issuer.cert, other.key}).ocspOf(r, r.card.cert, nil, nil)
	}, CheckOCSPSignature},
	{"a person who vouches for themselves", func(r *room) {
		r.result.OCSPResponse = r.issuer.ocspOf(r, r.card.cert, r.card, nil)
	}, CheckOCSPSignature},
	{"a person with a certificate for any use who vouches for themselves", func(r *room) {
		r.sign(r.issuer.issue(r, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} }, nil))
		r.result.OCSPResponse = r.issuer.ocspOf(r, r.card.cert, r.card, nil)
	}, CheckOCSPSignature},
	{"a responder that has expired", func(r *room) {
		responder := r.issuer.issue(r, func(c *x509.Certificate) {
			c.ExtKeyUsage, c.NotAfter = []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}, testNow.Add(-time.Hour)
		}, nil)
		r.result.OCSPResponse = r.issuer.ocspOf(r, r.card.cert, responder, nil)
	}, CheckOCSPSignature},
	{"a revoked certificate", func(r *room) {
		r.result.OCSPResponse = r.issuer.ocspOf(r, r.card.cert, nil, func(o *ocsp.Response) { o.Status, o.RevokedAt = ocsp.Revoked, testNow.Add(-time.Hour) })
	}, CheckOCSPStatus},
	{"an unknown certificate", func(r *room) {
		r.result.OCSPResponse = r.issuer.ocspOf(r, r.card.cert, nil, func(o *ocsp.Response) { o.Status = ocsp.Unknown })
	}, CheckOCSPStatus},
	{"an OCSP response from before", func(r *room) {
		r.result.OCSPResponse = r.issuer.ocspOf(r, r.card.cert, nil, func(o *ocsp.Response) {
			o.ThisUpdate, o.NextUpdate = testNow.Add(-25*time.Hour), testNow.Add(time.Hour)
		})
	}, CheckOCSPTime},
	{"an OCSP response from the future", func(r *room) {
		r.result.OCSPResponse = r.issuer.ocspOf(r, r.card.cert, nil, func(o *ocsp.Response) { o.ThisUpdate = testNow.Add(10 * time.Minute) })
	}, CheckOCSPTime},
	{"an outdated OCSP response", func(r *room) {
		r.result.OCSPResponse = r.issuer.ocspOf(r, r.card.cert, nil, func(o *ocsp.Response) {
			o.ThisUpdate, o.NextUpdate = testNow.Add(-2*time.Hour), testNow.Add(-time.Hour)
		})
	}, CheckOCSPTime},
	{"a certificate without an identifier", func(r *room) {
		r.sign(r.issuer.issue(r, func(c *x509.Certificate) { c.Subject.SerialNumber = "" }, nil))
	}, CheckIdentifier},
	{"a certificate with two identifiers", func(r *room) {
		r.sign(r.issuer.issue(r, func(c *x509.Certificate) {
			for _, number := range []string{"198507309865", testNumber} {
				c.Subject.ExtraNames = append(c.Subject.ExtraNames, pkix.AttributeTypeAndValue{Type: oidSerialNumber, Value: number})
			}
		}, nil))
	}, CheckIdentifier},
	{"a certificate without the identifier that counts", func(r *room) { r.options.Identifier = FieldPrincipalName }, CheckIdentifier},
	{"nobody named", func(r *room) { r.result.User.PersonalNumber = secret.String{} }, CheckUserInfo},
	{"another person named", func(r *room) { r.result.User.PersonalNumber = secret.New("198507309865") }, CheckUserInfo},
	{"named by a letter that looks alike", func(r *room) {
		r.sign(r.issuer.issue(r, func(c *x509.Certificate) { c.Subject.SerialNumber = "SE2321-K" }, nil))
		r.result.User.PersonalNumber = secret.New("SE2321-\u212a") // the sign for kelvin
	}, CheckUserInfo},
	{"another person's card", func(r *room) {
		r.expected.UserID, r.result.RequestedUserID = secret.New("198507309865"), secret.String{}
	}, CheckRequestedUser},
	{"an order for another person", func(r *room) { r.result.RequestedUserID = secret.New("198507309865") }, CheckRequestedUser},
}

func shortRSA(r *room) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		r.Fatal(err)
	}
	return key
}

// weakly returns a signature by an elliptic key over SHA-1, of attributes that hold a digest by SHA-256.
func weakly(r *room) secret.String {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		r.Fatal(err)
	}
	r.sign(r.issuer.issue(r, nil, key))
	data, err := pkcs7.NewSignedData([]byte(testNonce))
	if err != nil {
		r.Fatal(err)
	}
	data.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	if err := data.AddSigner(r.card.cert, key, pkcs7.SignerInfoConfig{}); err != nil {
		r.Fatal(err)
	}
	signer := &data.GetSignedData().SignerInfos[0]
	attributes, err := asn1.MarshalWithParams(signer.AuthenticatedAttributes, "set")
	if err != nil {
		r.Fatal(err)
	}
	sum := sha1.Sum(attributes)
	signer.DigestEncryptionAlgorithm.Algorithm = pkcs7.OIDDigestAlgorithmECDSASHA1
	if signer.EncryptedDigest, err = key.Sign(rand.Reader, sum[:], crypto.SHA1); err != nil {
		r.Fatal(err)
	}
	der, err := data.Finish()
	if err != nil {
		r.Fatal(err)
	}
	return inBase64(der)
}

func TestVerifyRefuses(t *testing.T) {
	seen := map[Check]bool{}
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			r := newRoom(t)
			a.make(r)
			_, err := r.verify()
			if got := checkOf(err); got != a.check {
				t.Errorf("refused by %q, want %q", got, a.check)
			}
			if err != nil && strings.Contains(err.Error(), testNumber) {
				t.Error("the error tells the personal number")
			}
		})
		seen[a.check] = true
	}
	for _, check := range Checks() {
		if !seen[check] {
			t.Errorf("no attack is refused by %q", check)
		}
	}
}

// A digest that nobody may sign with any more must not come in through the raw form either.
func TestRawTakesNoOtherDigest(t *testing.T) {
	r := newRoom(t)
	sum := sha1.Sum([]byte(testNonce))
	value, err := r.card.key.Sign(rand.Reader, sum[:], crypto.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	r.options.Format, r.result.Signature = FormatRaw256, inBase64(value)
	if _, err := r.verify(); checkOf(err) != CheckSignature {
		t.Errorf("SHA-1 in raw form: %v", err)
	}
	r.options.Format, r.result.Signature = FormatRaw512, r.card.rawOver(t, testNonce)
	if _, err := r.verify(); checkOf(err) != CheckSignature {
		t.Errorf("SHA-256 for SHA-512: %v", err)
	}
}
