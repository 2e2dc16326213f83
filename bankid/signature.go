package bankid

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"unicode/utf8"
)

// Names of BankID's signature profile. In these documents everything that is digested declares its own namespace and
// nothing stands between elements, so each is its own canonical form and can be compared byte by byte, with no XML library.
const (
	nsDSig   = "http://www.w3.org/2000/09/xmldsig#"
	nsBankID = "http://www.bankid.com/signature/v1.0.0/types"

	algorithmC14N   = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	algorithmRSA    = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	algorithmSHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
)

const (
	// maxSignature bounds the base64 text of a signature: a sign order's two texts in base64 once more, and certificates.
	maxSignature   = 512 << 10
	maxCertificate = 8 << 10 // in base64
	minKeyBits     = 2048
	maxKeyBits     = 8192 // beyond it, checking costs more than a login should
)

// strictBase64 refuses stray bits at the end; what else is lenient in it, decodeBase64 refuses.
var strictBase64 = base64.StdEncoding.Strict()

// decodeBase64 decodes text if it is the one way of writing its content.
func decodeBase64(text []byte) ([]byte, bool) {
	if bytes.ContainsAny(text, "\r\n") {
		return nil, false
	}
	out := make([]byte, strictBase64.DecodedLen(len(text)))
	n, err := strictBase64.Decode(out, text)
	return out[:n], err == nil
}

// signatureDocument is a document of the form that BankID makes today. Two that its signature profile allows besides are refused by
// intent: RSA with SHA-1, which is no proof any more, and what card readers of class 4 add (identifiers and a third Reference to
// data that is not in the document), which only old hardware makes. Nothing in it is verified; its parts lie in the document's memory.
type signatureDocument struct {
	signedInfo, keyInfo, data []byte // the elements, tags included: what is digested and signed

	dataDigest, keyInfoDigest []byte // base64
	value                     []byte // base64
	leaf                      []byte // base64 of the person's certificate
	issuer, bank              []byte // base64 of the certificates above it
	authorities               []byte // both, with the markup between them

	signedData
}

// parseSignature reads the base64 text of a signature. It knows each byte outside the content of elements beforehand: what
// is added, missing, moved, repeated or spelled another way does not fit. So there is nothing to wrap a signature in.
func parseSignature(text []byte) (*signatureDocument, error) {
	if len(text) > maxSignature {
		return nil, refused(CheckStructure, "the signature is too long")
	}
	xml, ok := decodeBase64(text)
	if !ok || !utf8.Valid(xml) {
		return nil, refused(CheckStructure, "the signature is not strict base64 of UTF-8")
	}
	s := scanner{doc: xml}
	d := s.signature()
	if s.err != nil {
		return nil, s.err
	}
	return d, nil
}

func (s *scanner) signature() *signatureDocument {
	d := &signatureDocument{}
	s.literal(`<?xml version="1.0" encoding="UTF-8" standalone="no"?><Signature xmlns="` + nsDSig + `">`)
	from := s.pos
	s.literal(`<SignedInfo xmlns="` + nsDSig + `"><CanonicalizationMethod Algorithm="`)
	s.algorithm(algorithmC14N)
	s.literal(`"></CanonicalizationMethod><SignatureMethod Algorithm="`)
	s.algorithm(algorithmRSA)
	s.literal(`"></SignatureMethod><Reference Type="` + nsBankID + `" URI="#bidSignedData">`)
	d.dataDigest = s.reference()
	s.literal(`<Reference URI="#bidKeyInfo">`)
	d.keyInfoDigest = s.reference()
	s.literal(`</SignedInfo>`)
	d.signedInfo = s.since(from)
	s.literal(`<SignatureValue>`)
	d.value = s.text(2 * maxKeyBits / 8)
	s.literal(`</SignatureValue>`)

	from = s.pos
	s.literal(`<KeyInfo xmlns="` + nsDSig + `" Id="bidKeyInfo"><X509Data><X509Certificate>`)
	d.leaf = s.text(maxCertificate)
	s.literal(`</X509Certificate><X509Certificate>`)
	above := s.pos
	d.issuer = s.text(maxCertificate)
	s.literal(`</X509Certificate><X509Certificate>`)
	d.bank = s.text(maxCertificate)
	d.authorities = s.since(above)
	s.literal(`</X509Certificate></X509Data></KeyInfo>`)
	d.keyInfo = s.since(from)

	s.literal(`<Object>`)
	from = s.pos
	s.signedData(&d.signedData)
	d.data = s.since(from)
	s.literal(`</Object></Signature>`)
	s.end()
	return d
}

// reference reads the rest of a Reference and returns its digest in base64.
func (s *scanner) reference() []byte {
	s.literal(`<Transforms><Transform Algorithm="`)
	s.algorithm(algorithmC14N)
	s.literal(`"></Transform></Transforms><DigestMethod Algorithm="`)
	s.algorithm(algorithmSHA256)
	s.literal(`"></DigestMethod><DigestValue>`)
	digest := s.text(base64.StdEncoding.EncodedLen(sha256.Size))
	s.literal(`</DigestValue></Reference>`)
	return digest
}

// verify checks both digests and the RSA signature with the key of the person's certificate, which it returns. Whether to
// believe the certificate is another question. The old RSA with SHA-1, which the profile still allows, is refused.
func (d *signatureDocument) verify() (*x509.Certificate, error) {
	if !digestIs(d.data, d.dataDigest) {
		return nil, refused(CheckDigest, "the signed data does not have its digest")
	}
	if !digestIs(d.keyInfo, d.keyInfoDigest) {
		return nil, refused(CheckDigest, "the certificates do not have their digest")
	}
	leaf, err := parseCertificate(d.leaf)
	if err != nil {
		return nil, err
	}
	key, ok := leaf.PublicKey.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < minKeyBits || key.N.BitLen() > maxKeyBits {
		return nil, refused(CheckCertificate, "the person's key is not RSA of 2048 to 8192 bits")
	}
	value, ok := decodeBase64(d.value)
	if !ok {
		return nil, refused(CheckStructure, "the signature value is not strict base64")
	}
	sum := sha256.Sum256(d.signedInfo)
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], value) != nil {
		return nil, refused(CheckSignature, "the person's key did not sign this")
	}
	return leaf, nil
}

func digestIs(part, want []byte) bool {
	sum := sha256.Sum256(part)
	var text [44]byte
	base64.StdEncoding.Encode(text[:], sum[:])
	return bytes.Equal(text[:], want)
}

func parseCertificate(text []byte) (*x509.Certificate, error) {
	der, ok := decodeBase64(text)
	if !ok {
		return nil, refused(CheckStructure, "a certificate is not strict base64")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, refused(CheckCertificate, "an included certificate cannot be parsed")
	}
	return cert, nil
}
