package evidence

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"slices"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"

	"brygga/cms"
)

// oidTSTInfo is the type of what a time-stamping authority signs (RFC 3161 §2.4.2).
var oidTSTInfo = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}

// stamped looks whether an authority saw the record, and when.
func (r *Report) stamped(f *File, roots *x509.CertPool) {
	if len(f.Stamp) == 0 {
		if roots != nil {
			r.add(CheckTimeStamp, "the file has no time stamp, which was asked for with the authority's root")
			return
		}
		r.Findings = append(r.Findings, Finding{CheckTimeStamp, NotAsked, "the file has no time stamp"})
		return
	}
	stamp, authority, err := readStamp(f.Stamp, roots)
	hash := Hash(f.Line)
	switch {
	case err != nil:
		r.add(CheckTimeStamp, err.Error())
	case stamp.HashAlgorithm != crypto.SHA256 || !bytes.Equal(stamp.HashedMessage, hash[:]):
		r.add(CheckTimeStamp, "it is of another record, or this one was changed since")
	case roots == nil:
		r.Findings = append(r.Findings, Finding{CheckTimeStamp, NotAsked, "it fits as far as the file's own certificates tell; name the authority's root to have it proven"})
	default:
		r.add(CheckTimeStamp, "")
	}
	if err == nil {
		r.Stamp = &Stamp{Time: stamp.Time.UTC(), Authority: authority.Subject.String()}
	}
}

// readStamp reads a token and verifies its signature, and the authority's chain at the time of the stamp if there are roots.
func readStamp(token []byte, roots *x509.CertPool) (*timestamp.Timestamp, *x509.Certificate, error) {
	signed, err := cms.Parse(token)
	if err != nil {
		return nil, nil, errors.New("it is no time stamp")
	}
	stamp, err := timestamp.Parse(token)
	if err != nil {
		return nil, nil, errors.New("it is no time stamp, or was changed since")
	}
	authority := signed.GetOnlySigner()
	var content asn1.ObjectIdentifier
	// Without signed attributes the type of what was signed is not signed along, and other content could pass for it.
	if err := signed.UnmarshalSignedAttribute(pkcs7.OIDAttributeContentType, &content); err != nil || !content.Equal(oidTSTInfo) || authority == nil {
		return nil, nil, errors.New("it is signed as something else than a time stamp")
	}
	if !cms.IsStrong(signed, authority) {
		return nil, nil, errors.New("it is signed in a way that can be forged")
	}
	if !stampsOnly(authority) {
		return nil, nil, errors.New("its signer is no time-stamping authority")
	}
	if err := signed.VerifyWithOpts(stampOptions(signed, roots, stamp.Time)); err != nil {
		return nil, nil, errors.New("its signer does not chain to the authority's root, or was not valid then")
	}
	return stamp, authority, nil
}

var oidExtKeyUsage = asn1.ObjectIdentifier{2, 5, 29, 37}

// stampsOnly reports whether a certificate is for time stamps and nothing else, and says so in an extension that nobody may pass over (RFC 3161 §2.3).
func stampsOnly(c *x509.Certificate) bool {
	return slices.Equal(c.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}) && len(c.UnknownExtKeyUsage) == 0 &&
		slices.ContainsFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidExtKeyUsage) && e.Critical })
}

func stampOptions(signed *pkcs7.PKCS7, roots *x509.CertPool, at time.Time) x509.VerifyOptions {
	between := x509.NewCertPool()
	for _, certificate := range signed.Certificates {
		between.AddCert(certificate)
	}
	return x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping},
	}
}
