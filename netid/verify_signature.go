package netid

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/digitorus/pkcs7"

	"brygga/cms"
)

// maxSignature bounds the base64 text of a signature. One of the longest text in UTF-16 has some 150 kB.
const maxSignature = 192 << 10

// Layout says which bytes a signature is over. It is not published, and servers may differ; the zero value is the texts as they were sent,
// what is shown before what is not, with nothing between.
type Layout struct {
	// NonVisibleFirst puts what is not shown before what is.
	NonVisibleFirst bool
	// Separator stands between the two when there are both.
	Separator string
	// Decoded says that the service signs the bytes which the text of what is not shown stands for in base64.
	Decoded bool
	// UTF16 says that the texts are signed in UTF-16, the lower byte first.
	UTF16 bool
}

// content returns the bytes that are to be signed.
func (l Layout) content(visible, nonVisible string) []byte {
	hidden := l.encode(nonVisible)
	if raw, err := base64.StdEncoding.DecodeString(nonVisible); l.Decoded && err == nil {
		hidden = raw
	}
	shown := l.encode(visible)
	switch separator := l.encode(l.Separator); {
	case len(shown) == 0:
		return hidden
	case l.NonVisibleFirst:
		return slices.Concat(hidden, separator, shown)
	default:
		return slices.Concat(shown, separator, hidden)
	}
}

func (l Layout) encode(text string) []byte {
	if !l.UTF16 {
		return []byte(text)
	}
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

// signature is one that verified, over what we sent.
type signature struct {
	certificate *x509.Certificate
	signedAt    time.Time
}

func (v *Verifier) signature(r *Result, content []byte) (*signature, error) {
	text := r.Signature.Reveal()
	if text == "" || len(text) > maxSignature {
		return nil, refused(CheckStructure, "there is no signature, or a very long one")
	}
	raw, err := decodeBase64(text)
	if err != nil {
		return nil, refused(CheckStructure, "the signature is not base64")
	}
	named, err := certificateOf(r.User)
	if err != nil {
		return nil, err
	}
	if v.o.Format == FormatPKCS7 {
		return verifyPKCS7(raw, content, named)
	}
	return verifyRaw(v.o.Format, raw, content, named)
}

// certificateOf returns the certificate that the service names, nil for none.
func certificateOf(u User) (*x509.Certificate, error) {
	if u.Certificate.IsZero() {
		return nil, nil
	}
	der, err := decodeBase64(strings.NewReplacer("-----BEGIN CERTIFICATE-----", "", "-----END CERTIFICATE-----", "").Replace(u.Certificate.Reveal()))
	if err != nil {
		return nil, refused(CheckStructure, "the certificate is not base64")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, refused(CheckStructure, "the certificate cannot be parsed")
	}
	return cert, nil
}

// verifyRaw verifies a bare signature by the certificate that the service names.
func verifyRaw(format Format, raw, content []byte, cert *x509.Certificate) (*signature, error) {
	if cert == nil {
		return nil, refused(CheckSigner, "the service names no certificate")
	}
	var algorithm x509.SignatureAlgorithm
	switch cert.PublicKey.(type) {
	case *rsa.PublicKey:
		algorithm = map[Format]x509.SignatureAlgorithm{FormatRaw256: x509.SHA256WithRSA, FormatRaw512: x509.SHA512WithRSA}[format]
	case *ecdsa.PublicKey:
		algorithm = map[Format]x509.SignatureAlgorithm{FormatRaw256: x509.ECDSAWithSHA256, FormatRaw512: x509.ECDSAWithSHA512}[format]
	}
	if algorithm == x509.UnknownSignatureAlgorithm || !cms.IsLong(cert) {
		return nil, refused(CheckAlgorithm, "a key of another kind, or a short one")
	}
	if cert.CheckSignature(algorithm, content, raw) != nil {
		return nil, refused(CheckSignature, "the certificate's key did not sign what we sent")
	}
	return &signature{certificate: cert}, nil
}

// verifyPKCS7 verifies a signature of one signer (RFC 2315 §9, RFC 5652 §5). The library leaves open which digests it takes, and does not
// look at the type of content.
func verifyPKCS7(raw, content []byte, named *x509.Certificate) (*signature, error) {
	p, err := cms.Parse(raw)
	if err != nil {
		return nil, refused(CheckStructure, "the signature is no PKCS#7, or deeper than any")
	}
	cert := p.GetOnlySigner()
	switch {
	case cert == nil:
		return nil, refused(CheckSigner, "there is not one signer with its certificate")
	case named != nil && !named.Equal(cert):
		return nil, refused(CheckSigner, "the service names another certificate than the signer's")
	case !cms.IsStrong(p, cert):
		return nil, refused(CheckAlgorithm, "a weak digest, or a short key")
	}
	p.Content = content // whatever content it brings, if any: it must be a signature of ours
	s := &signature{certificate: cert}
	if len(p.Signers[0].AuthenticatedAttributes) > 0 {
		if s.signedAt, err = attributes(p); err != nil {
			return nil, err
		}
	}
	if !s.signedAt.IsZero() && (s.signedAt.Before(cert.NotBefore) || s.signedAt.After(cert.NotAfter)) {
		return nil, refused(CheckValidity, "the certificate was not valid at the time of signing")
	}
	err = p.VerifyWithOpts(x509.VerifyOptions{})
	if _, other := errors.AsType[*pkcs7.MessageDigestMismatchError](err); other {
		return nil, refused(CheckContent, "it is not what we sent that was signed")
	}
	if err != nil {
		return nil, refused(CheckSignature, "the certificate's key did not make the signature")
	}
	return s, nil
}

// attributes reads what is signed along: the content's type, without which one kind of data could stand for another, and the time, if it is there.
func attributes(p *pkcs7.PKCS7) (signedAt time.Time, err error) {
	var kind asn1.ObjectIdentifier
	if err := p.UnmarshalSignedAttribute(pkcs7.OIDAttributeContentType, &kind); err != nil || !kind.Equal(pkcs7.OIDData) {
		return time.Time{}, refused(CheckContent, "the signature is over another type of content")
	}
	if err := p.UnmarshalSignedAttribute(pkcs7.OIDAttributeSigningTime, &signedAt); err != nil {
		return time.Time{}, nil
	}
	return signedAt.UTC(), nil
}
