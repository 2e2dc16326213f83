package bankid

import (
	"bytes"
	"crypto/sha1"
	"time"
)

// maxOCSP bounds the base64 text of an OCSP response. BankID's are about 3 kB.
const maxOCSP = 32 << 10

// ocspResponse is an OCSP response of the form that BankID's have (RFC 6960 §4.2.1; BankID API: signature profile).
// Nothing in it is verified.
type ocspResponse struct {
	signed    []byte // ResponseData, tag and length included: what is signed
	signature []byte
	responder []byte // DER of the included certificate

	responderName []byte // DER of the subject that the response names
	producedAt    time.Time
	nameHash      []byte // SHA-1 of the issuer's name, then of its key
	keyHash       []byte
	serial        []byte // content of the INTEGER
	good          bool
	thisUpdate    time.Time
	nextUpdate    time.Time // zero if absent, as BankID's is
	nonce         []byte
	nonceCritical bool

	otherAlgorithm bool // than SHA-256 with RSA, or SHA-1 for the issuer's hashes
}

// Values of DER that occur in every response, whole.
const (
	derBasicResponse = "\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x01"
	derNonceOID      = "\x06\x09\x2b\x06\x01\x05\x05\x07\x30\x01\x02"
	derGood          = "\x80\x00" // certStatus: [0] NULL
	derTrue          = "\x01\x01\xff"
	derSHA1          = "\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00"
	derSHA256RSA     = "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"
)

// parseOCSP reads the base64 text of an OCSP response, strictly: one answer, one certificate, and the nonce as the only
// extension of the whole. Package x/crypto/ocsp does not show that extension and passes over what follows the parts it
// knows.
func parseOCSP(text string) (*ocspResponse, error) {
	if len(text) > maxOCSP {
		return nil, refused(CheckOCSPStructure, "the OCSP response is too long")
	}
	raw, ok := decodeBase64([]byte(text))
	if !ok {
		return nil, refused(CheckOCSPStructure, "the OCSP response is not strict base64")
	}
	r := &ocspResponse{}
	all := &der{rest: raw}
	outer := all.only(tagSequence)
	successful := bytes.Equal(outer.content(tagEnumerated), []byte{0})
	typed := outer.only(tagInside0).only(tagSequence)
	typed.literal(derBasicResponse)
	basic := typed.only(tagOctetString).only(tagSequence)
	r.signed = basic.whole(tagSequence)
	r.algorithm(basic, derSHA256RSA)
	bits := basic.content(tagBitString)
	r.responder = basic.only(tagInside0).only(tagSequence).onlyWhole(tagSequence)
	if all.bad() || !successful || len(bits) == 0 || bits[0] != 0 {
		return nil, refused(CheckOCSPStructure, "the OCSP response is unsuccessful or has not the published form")
	}
	r.signature = bits[1:]
	switch {
	case !r.parseData():
		return nil, refused(CheckOCSPStructure, "the data of the OCSP response has not the published form")
	case r.otherAlgorithm:
		return nil, refused(CheckAlgorithm, "the OCSP response uses another algorithm, such as RSA with SHA-1, which was in use until 2017")
	}
	return r, nil
}

// algorithm reads the identifier of the one algorithm that is accepted, and notes when there is another.
func (r *ocspResponse) algorithm(d *der, accepted string) {
	if d.skip(accepted) {
		return
	}
	oid := accepted[2 : 4+accepted[3]]
	if bytes.HasPrefix(d.content(tagSequence), []byte(oid)) {
		d.fail() // the same in another form
	}
	r.otherAlgorithm = true
}

// parseData reads the ResponseData and reports whether all of it was understood.
func (r *ocspResponse) parseData() bool {
	all := &der{rest: r.signed}
	data := all.inside(tagSequence)
	r.responderName = data.inside(tagInside1).onlyWhole(tagSequence)
	r.producedAt = data.time()
	single := data.inside(tagSequence).only(tagSequence)
	id := single.inside(tagSequence)
	r.algorithm(id, derSHA1)
	r.nameHash, r.keyHash = id.content(tagOctetString), id.content(tagOctetString)
	r.serial = id.content(tagInteger)
	id.end()
	if r.good = single.skip(derGood); !r.good {
		single.any()
	}
	r.thisUpdate = single.time()
	if single.next(tagInside0) {
		next := single.inside(tagInside0)
		r.nextUpdate = next.time()
		next.end()
	}
	single.end()
	extension := data.only(tagInside1).only(tagSequence).only(tagSequence)
	extension.literal(derNonceOID)
	r.nonceCritical = extension.skip(derTrue)
	r.nonce = extension.content(tagOctetString)
	extension.end()
	return !all.bad()
}

// signatureNonceLength is that of the nonce by which an OCSP response belongs to a signature: the SHA-1 of the signature's
// base64 text, then twelve random bytes. They stand in the extension without an OCTET STRING of their own, unlike those of
// RFC 8954.
const signatureNonceLength = 32

// belongsTo reports whether the response was made for the signature whose base64 text has this SHA-1. BankID chose SHA-1;
// it need not resist collisions here, as the responder hashes a text that it has verified.
func (r *ocspResponse) belongsTo(sum [sha1.Size]byte) bool {
	return r.nonceCritical && len(r.nonce) == signatureNonceLength && bytes.HasPrefix(r.nonce, sum[:])
}
