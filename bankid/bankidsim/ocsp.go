package bankidsim

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"time"
)

var (
	oidBasicResponse = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidNonce         = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	oidSHA1          = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	oidSHA256RSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
)

// The structures of RFC 6960 §4.2.1, as far as BankID's answers use them.

type ocspOuter struct {
	Status asn1.Enumerated
	Bytes  ocspBytes `asn1:"explicit,tag:0"`
}

type ocspBytes struct {
	Type     asn1.ObjectIdentifier
	Response []byte
}

type ocspBasic struct {
	Data         asn1.RawValue
	Algorithm    pkix.AlgorithmIdentifier
	Signature    asn1.BitString
	Certificates []asn1.RawValue `asn1:"explicit,tag:0"`
}

type ocspData struct {
	Responder  asn1.RawValue
	ProducedAt time.Time `asn1:"generalized"`
	Responses  []ocspSingle
	Extensions []pkix.Extension `asn1:"explicit,tag:1"`
}

type ocspSingle struct {
	ID         ocspCertID
	Status     asn1.RawValue
	ThisUpdate time.Time `asn1:"generalized"`
}

type ocspCertID struct {
	Algorithm         pkix.AlgorithmIdentifier
	NameHash, KeyHash []byte
	Serial            *big.Int
}

// ocspResponse makes the answer that binds a signature to a moment and vouches for the certificate, in base64 of DER.
// Package x/crypto/ocsp cannot write it, as the nonce is an extension of the whole response.
func (s *Simulator) ocspResponse(f orderFacts, leaf *authority, signature string, attacks map[string]bool) (string, error) {
	chain, err := s.sig.chain()
	if err != nil {
		return "", err
	}
	if attacks[AttackOtherPersonOCSP] {
		other := s.otherPerson(f.person)
		if leaf, err = s.sig.leaf(other, other.BankIDs[0], f.kind.signing()); err != nil {
			return "", err
		}
	}
	nonce, err := signatureNonce(signature, attacks[AttackWrongNonce])
	if err != nil {
		return "", err
	}
	at := f.at.UTC().Truncate(time.Second)
	id, err := certID(chain.customer, leaf)
	if err != nil {
		return "", err
	}
	status := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0} // good
	if attacks[AttackRevoked] {
		if status, err = revoked(at.Add(-time.Hour)); err != nil {
			return "", err
		}
	}
	data, err := asn1.Marshal(ocspData{
		Responder:  asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true, Bytes: chain.responder.cert.RawSubject},
		ProducedAt: at,
		Responses:  []ocspSingle{{ID: id, Status: status, ThisUpdate: at}},
		Extensions: []pkix.Extension{{Id: oidNonce, Critical: true, Value: nonce}},
	})
	if err != nil {
		return "", err
	}
	return signOCSP(chain.responder, data)
}

// signatureNonce ties the answer to the signature: SHA-1 over its base64 text, then random bytes, 32 in all and without
// an OCTET STRING of their own, unlike RFC 8954.
func signatureNonce(signature string, wrong bool) ([]byte, error) {
	text := []byte(signature)
	if wrong {
		var err error
		if text, err = base64.StdEncoding.DecodeString(signature); err != nil {
			return nil, err
		}
	}
	sum := sha1.Sum(text)
	nonce := append(sum[:], make([]byte, 12)...)
	_, err := rand.Read(nonce[len(sum):])
	return nonce, err
}

func certID(issuer, leaf *authority) (ocspCertID, error) {
	bits, err := publicKeyBits(issuer.cert.PublicKey)
	if err != nil {
		return ocspCertID{}, err
	}
	name, key := sha1.Sum(issuer.cert.RawSubject), sha1.Sum(bits)
	return ocspCertID{
		Algorithm: pkix.AlgorithmIdentifier{Algorithm: oidSHA1, Parameters: asn1.NullRawValue},
		NameHash:  name[:], KeyHash: key[:], Serial: leaf.cert.SerialNumber,
	}, nil
}

func revoked(since time.Time) (asn1.RawValue, error) {
	der, err := asn1.MarshalWithParams(since, "generalized")
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true, Bytes: der}, err
}

func signOCSP(responder *authority, data []byte) (string, error) {
	digest := sha256.Sum256(data)
	signature, err := responder.key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return "", err
	}
	basic, err := asn1.Marshal(ocspBasic{
		Data:         asn1.RawValue{FullBytes: data},
		Algorithm:    pkix.AlgorithmIdentifier{Algorithm: oidSHA256RSA, Parameters: asn1.NullRawValue},
		Signature:    asn1.BitString{Bytes: signature, BitLength: len(signature) * 8},
		Certificates: []asn1.RawValue{{FullBytes: responder.cert.Raw}},
	})
	if err != nil {
		return "", err
	}
	der, err := asn1.Marshal(ocspOuter{Bytes: ocspBytes{oidBasicResponse, basic}})
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(der), nil
}
