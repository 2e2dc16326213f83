// Package cms reads signatures that strangers have made (PKCS#7, RFC 2315, RFC 5652) with the bounds that the library behind it has not: how much work
// one may be, and which digests and keys still prove anything.
//
// It must not know what is signed.
package cms

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"

	"github.com/digitorus/pkcs7"
)

// MaxLevels is how deep the structure of a signature may be. Those that there are have some twelve levels.
const MaxLevels = 32

// minKeyBits is the length of the shortest RSA key that is taken.
const minKeyBits = 2048

// ErrDeep means that something has more levels than any signature, or is no ASN.1.
var ErrDeep = errors.New("cms: no ASN.1, or deeper than any signature")

// Parse returns the signature in BER, without verifying it, or an error when it is none or not within bounds.
func Parse(ber []byte) (*pkcs7.PKCS7, error) {
	if !Bounded(ber) {
		return nil, ErrDeep
	}
	return pkcs7.Parse(ber)
}

// Bounded reports whether something in BER can be read with little work, by this package or another that reads it with the same library.
func Bounded(ber []byte) bool { return !tooDeep(ber, MaxLevels) }

// tooDeep reports whether something has more levels than those, or cannot be read. The library copies each level into the next, which takes it seconds
// for a hundred kilobytes of levels alone. An element of indefinite length (X.690 §8.1.3.6) counts as one that lasts to the end.
func tooDeep(ber []byte, levels int) bool {
	for len(ber) > 0 {
		if len(ber) > 2 && ber[0]&0x20 != 0 && ber[1] == 0x80 {
			levels, ber = levels-1, ber[2:]
		} else {
			var v asn1.RawValue
			rest, err := asn1.Unmarshal(ber, &v)
			if err != nil || v.IsCompound && tooDeep(v.Bytes, levels-1) {
				return true
			}
			ber = rest
		}
		if levels < 0 {
			return true
		}
	}
	return levels < 0
}

// IsStrong reports whether the one signer, whose certificate it is, used a digest that nobody can forge and a key that nobody can break. The digest counts
// twice: for the content, and for the signature itself, which names its own where the key is an elliptic one.
func IsStrong(p *pkcs7.PKCS7, signer *x509.Certificate) bool {
	if len(p.Signers) != 1 {
		return false
	}
	is := func(oid asn1.ObjectIdentifier, all ...asn1.ObjectIdentifier) bool {
		return slices.ContainsFunc(all, oid.Equal)
	}
	one := p.Signers[0]
	return is(one.DigestAlgorithm.Algorithm, pkcs7.OIDDigestAlgorithmSHA256, pkcs7.OIDDigestAlgorithmSHA384, pkcs7.OIDDigestAlgorithmSHA512) &&
		!is(one.DigestEncryptionAlgorithm.Algorithm, pkcs7.OIDDigestAlgorithmECDSASHA1, pkcs7.OIDEncryptionAlgorithmRSASHA1) && IsLong(signer)
}

// IsLong reports whether the certificate's key is of a kind and length that nobody can break.
func IsLong(cert *x509.Certificate) bool {
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= minKeyBits
	case *ecdsa.PublicKey:
		return key.Curve.Params().BitSize >= 256
	}
	return false
}
