package cms

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"
	"testing"

	"github.com/digitorus/pkcs7"
)

func TestLevelsOfASignature(t *testing.T) {
	nested := func(n int) []byte {
		der := []byte{0x05, 0x00}
		for range n {
			var err error
			if der, err = asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: der}); err != nil {
				t.Fatal(err)
			}
		}
		return der
	}
	open := func(n int, inside []byte) []byte {
		return slices.Concat(bytes.Repeat([]byte{0x30, 0x80}, n), inside, make([]byte, 2*n))
	}
	for name, c := range map[string]struct {
		ber  []byte
		want bool
	}{
		"as many as may be":             {nested(MaxLevels), false},
		"more":                          {nested(MaxLevels + 1), true},
		"as many, of indefinite length": {open(MaxLevels, nested(0)), false},
		"more, of indefinite length":    {open(MaxLevels+1, nested(0)), true},
		"more, of both":                 {open(MaxLevels/2, nested(MaxLevels/2+1)), true},
		"many behind one":               {slices.Concat(nested(1), nested(10_000)), true},
		"nothing that can be read":      {[]byte{0x30, 0x05, 0x00}, true},
	} {
		if Bounded(c.ber) == c.want {
			t.Errorf("%s: bounded %v", name, c.want)
		}
	}
	if _, err := Parse(nested(MaxLevels + 1)); !errors.Is(err, ErrDeep) {
		t.Errorf("parsed: %v", err)
	}
}

func TestIsStrong(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GODEBUG", "rsa1024min=0")
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		digest, signature asn1.ObjectIdentifier
		key               any
		want              bool
	}{
		"an elliptic key":           {pkcs7.OIDDigestAlgorithmSHA256, pkcs7.OIDDigestAlgorithmECDSASHA256, &curve.PublicKey, true},
		"an RSA key":                {pkcs7.OIDDigestAlgorithmSHA512, pkcs7.OIDEncryptionAlgorithmRSA, &long.PublicKey, true},
		"SHA-1 of the content":      {pkcs7.OIDDigestAlgorithmSHA1, pkcs7.OIDDigestAlgorithmECDSASHA256, &curve.PublicKey, false},
		"SHA-1 of the signature":    {pkcs7.OIDDigestAlgorithmSHA256, pkcs7.OIDDigestAlgorithmECDSASHA1, &curve.PublicKey, false},
		"SHA-1 of an RSA signature": {pkcs7.OIDDigestAlgorithmSHA256, pkcs7.OIDEncryptionAlgorithmRSASHA1, &long.PublicKey, false},
		"a short key":               {pkcs7.OIDDigestAlgorithmSHA256, pkcs7.OIDEncryptionAlgorithmRSA, &short.PublicKey, false},
		"a small curve":             {pkcs7.OIDDigestAlgorithmSHA256, pkcs7.OIDDigestAlgorithmECDSASHA256, &small.PublicKey, false},
		"a key of no kind":          {pkcs7.OIDDigestAlgorithmSHA256, pkcs7.OIDEncryptionAlgorithmRSA, nil, false},
	} {
		var p pkcs7.PKCS7
		p.Signers = slices.Grow(p.Signers, 1)[:1]
		p.Signers[0].DigestAlgorithm.Algorithm, p.Signers[0].DigestEncryptionAlgorithm.Algorithm = c.digest, c.signature
		if IsStrong(&p, &x509.Certificate{PublicKey: c.key}) != c.want {
			t.Errorf("%s: strong %v", name, !c.want)
		}
	}
	if IsStrong(&pkcs7.PKCS7{}, &x509.Certificate{PublicKey: &curve.PublicKey}) {
		t.Error("no signer is strong")
	}
}
