package bankid

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"sync"
	"time"
)

// issuer is the authority that issues people's certificates, and the one above it, found to chain to the root.
type issuer struct {
	cert, root          *x509.Certificate
	alone               *x509.CertPool // cert as the only trust anchor
	nameHash, keyHash   [sha1.Size]byte
	notBefore, notAfter time.Time // when the whole chain above the person holds
}

// responder is an OCSP responder that an issuer appointed.
type responder struct {
	cert   *x509.Certificate
	issuer *issuer
}

// verifyChain verifies the person's certificate to the root at the time given, through the two authorities included and no
// other way. The authorities are verified when they are first met, together with a person's certificate, and then known by
// their bytes; in the closed tree of BankID's authorities, nothing above the issuer restricts one person and not another.
func (v *Verifier) verifyChain(doc *signatureDocument, leaf *x509.Certificate, at time.Time) (*issuer, error) {
	ca, known := v.issuers.get(doc.authorities)
	if !known {
		var err error
		if ca, err = v.newIssuer(doc, leaf, at); err != nil {
			return nil, err
		}
		v.issuers.put(doc.authorities, ca)
	}
	if at.Before(ca.notBefore) || at.After(ca.notAfter) {
		return nil, refused(CheckChain, "an authority was not valid at the time of signing")
	}
	if err := ca.vouches(leaf, at, x509.ExtKeyUsageAny); err != nil {
		return nil, refused(CheckChain, "the person's certificate was not valid at the time of signing, or another authority issued it")
	}
	return ca, nil
}

func (v *Verifier) newIssuer(doc *signatureDocument, leaf *x509.Certificate, at time.Time) (*issuer, error) {
	cert, err := parseCertificate(doc.issuer)
	if err != nil {
		return nil, err
	}
	bank, err := parseCertificate(doc.bank)
	if err != nil {
		return nil, err
	}
	between := x509.NewCertPool()
	between.AddCert(cert)
	between.AddCert(bank)
	chains, _ := leaf.Verify(x509.VerifyOptions{
		Roots: v.roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	for _, chain := range chains {
		if len(chain) == 4 && chain[1].Equal(cert) { // so the third is bank
			return newIssuer(cert, bank, chain[3])
		}
	}
	return nil, refused(CheckChain, "the certificates do not chain to the root at the time of signing, or not in the order given")
}

func newIssuer(cert, bank, root *x509.Certificate) (*issuer, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(cert.RawSubjectPublicKeyInfo, &info); err != nil {
		return nil, refused(CheckCertificate, "an authority's key cannot be read")
	}
	ca := &issuer{
		cert: cert, root: root, alone: x509.NewCertPool(),
		nameHash: sha1.Sum(cert.RawSubject), keyHash: sha1.Sum(info.Key.Bytes),
		notBefore: cert.NotBefore, notAfter: cert.NotAfter,
	}
	ca.alone.AddCert(cert)
	for _, above := range []*x509.Certificate{bank, root} {
		if above.NotBefore.After(ca.notBefore) {
			ca.notBefore = above.NotBefore
		}
		if above.NotAfter.Before(ca.notAfter) {
			ca.notAfter = above.NotAfter
		}
	}
	return ca, nil
}

// vouches verifies that ca itself issued cert, for the use given, and that cert is valid at the time given.
func (ca *issuer) vouches(cert *x509.Certificate, at time.Time, use x509.ExtKeyUsage) error {
	_, err := cert.Verify(x509.VerifyOptions{Roots: ca.alone, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{use}})
	return err
}

// verifyOCSP verifies that a responder appointed by the person's issuer says that the person's certificate was good, in
// answer to this very signature.
func (v *Verifier) verifyOCSP(e *examination, r *ocspResponse, ca *issuer, leaf *x509.Certificate, signature [sha1.Size]byte) {
	by, err := v.appointed(r, ca)
	e.step(err, CheckOCSPResponder)
	e.want(by != nil && signedBy(by, r), CheckOCSPSignature, "the responder did not sign the OCSP response")
	serial := leaf.SerialNumber.Bytes()
	if len(serial) > 0 && serial[0] >= 0x80 {
		serial = append([]byte{0}, serial...) // as DER writes positive numbers
	}
	e.want(bytes.Equal(r.nameHash, ca.nameHash[:]) && bytes.Equal(r.keyHash, ca.keyHash[:]) && bytes.Equal(r.serial, serial),
		CheckOCSPCertificate, "the OCSP response is about another certificate")
	e.want(r.good, CheckOCSPStatus, "the person's certificate is revoked or unknown")
	e.want(r.belongsTo(signature), CheckNonce, "the OCSP response was made for another signature")
	e.want(!r.thisUpdate.Before(r.producedAt.Add(-v.skew)) && !r.thisUpdate.After(r.producedAt.Add(v.skew)),
		CheckTime, "the OCSP response tells of another time than its own")
	e.want(r.nextUpdate.IsZero() || !r.nextUpdate.Before(r.producedAt), CheckTime, "the OCSP response was outdated when it was made")
}

func signedBy(responder *x509.Certificate, r *ocspResponse) bool {
	key, ok := responder.PublicKey.(*rsa.PublicKey)
	sum := sha256.Sum256(r.signed)
	return ok && rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], r.signature) == nil
}

// appointed returns the responder's certificate in the response, unless it cannot be parsed, and a *VerificationError unless ca
// issued it for that purpose and it was valid.
func (v *Verifier) appointed(r *ocspResponse, ca *issuer) (*x509.Certificate, error) {
	by, known := v.responders.get(r.responder)
	if !known || by.issuer != ca || r.producedAt.Before(by.cert.NotBefore) || r.producedAt.After(by.cert.NotAfter) {
		cert, err := x509.ParseCertificate(r.responder)
		if err != nil {
			return nil, refused(CheckCertificate, "the responder's certificate cannot be parsed")
		}
		if ca.vouches(cert, r.producedAt, x509.ExtKeyUsageOCSPSigning) != nil || !signsOCSPOnly(cert) {
			return cert, refused(CheckOCSPResponder, "the person's issuer did not appoint the responder, or not for this time")
		}
		by = &responder{cert: cert, issuer: ca}
		v.responders.put(r.responder, by)
	}
	if !bytes.Equal(r.responderName, by.cert.RawSubject) {
		return by.cert, refused(CheckOCSPResponder, "the OCSP response names another responder")
	}
	return by.cert, nil
}

// signsOCSPOnly reports whether a certificate is for OCSP responses and nothing else, so that neither a person nor an
// authority passes for a responder. (x509.Verify takes "any use" for this one too.)
func signsOCSPOnly(cert *x509.Certificate) bool {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < minKeyBits || key.N.BitLen() > maxKeyBits || cert.IsCA {
		return false
	}
	if len(cert.ExtKeyUsage) != 1 || cert.ExtKeyUsage[0] != x509.ExtKeyUsageOCSPSigning || len(cert.UnknownExtKeyUsage) > 0 {
		return false
	}
	for _, extension := range cert.Extensions {
		if extension.Id.Equal(oidExtKeyUsage) {
			return extension.Critical
		}
	}
	return false
}

var oidExtKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}

// cacheSize is how many authorities or responders are remembered. Sweden has some ten banks with BankID, each with a few.
const cacheSize = 128

// boundedCache remembers what was made of some bytes. Only what passed verification goes in, so strangers cannot fill it.
type boundedCache[T any] struct {
	mu sync.RWMutex
	m  map[string]T
}

func (c *boundedCache[T]) get(key []byte) (T, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	value, ok := c.m[string(key)]
	return value, ok
}

// put starts anew when the cache is full: certificates change a few times a year.
func (c *boundedCache[T]) put(key []byte, value T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= cacheSize {
		c.m = make(map[string]T)
	}
	c.m[string(key)] = value
}
