package netidsim

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Attacks spoil results in ways that a client must notice.
const (
	AttackUnsigned         = "unsigned"         // COMPLETE without a signature
	AttackOtherNonce       = "otherNonce"       // a signature over a nonce of the service's own
	AttackOtherText        = "otherText"        // a signature over another text than was asked for
	AttackOtherIssuer      = "otherIssuer"      // a card of another authority with the same name
	AttackExpired          = "expired"          // a card that has expired
	AttackOtherPerson      = "otherPerson"      // another person's card, and all that belongs to it
	AttackOtherCard        = "otherCard"        // another person's card, under the name of the one who was asked for
	AttackOtherUser        = "otherUser"        // userInfo names another person than the certificate
	AttackNobody           = "nobody"           // userInfo names nobody
	AttackOtherCertificate = "otherCertificate" // userInfo has another certificate than signed
	AttackWeakDigest       = "weakDigest"       // SHA-1
	AttackRevoked          = "revoked"          // the OCSP response says revoked
	AttackNoOCSP           = "noOCSP"           // there is no OCSP response
	AttackOtherOCSP        = "otherOCSP"        // it is about another person's certificate
	AttackOwnOCSP          = "ownOCSP"          // the card itself signed it
	AttackOldOCSP          = "oldOCSP"          // it is two days old
	AttackOtherOrder       = "otherOrder"       // it names another person as the one who was asked for
)

var attacks = []string{
	AttackUnsigned, AttackOtherNonce, AttackOtherText, AttackOtherIssuer, AttackExpired, AttackOtherPerson, AttackOtherCard, AttackOtherUser, AttackNobody,
	AttackOtherCertificate, AttackWeakDigest, AttackRevoked, AttackNoOCSP, AttackOtherOCSP, AttackOwnOCSP, AttackOldOCSP, AttackOtherOrder,
}

// Attacks returns every attack mode.
func Attacks() []string { return slices.Clone(attacks) }

// evidence is what a result is made of.
type evidence struct {
	signer, named *card // whose key signs, and whose certificate userInfo has
	said          *User // whom userInfo names
	content       string
	requested     string
	ocsp          string
}

// result returns a complete result. The caller holds the lock.
func (s *Simulator) result(o *order) (string, error) {
	e := evidence{said: o.holder, content: o.visible + o.nonVisible, requested: o.userID}
	var err error
	if e.signer, err = s.signer(o, &e); err != nil {
		return "", err
	}
	if e.named = e.signer; s.attacks(AttackOtherCertificate) {
		if e.named, err = s.cardOf(s.another(o.holder)); err != nil {
			return "", err
		}
	}
	if e.ocsp, err = s.answerOf(&e, o); err != nil {
		return "", err
	}
	switch {
	case s.attacks(AttackOtherNonce):
		e.content = o.visible + "bm90IHlvdXJz"
	case s.attacks(AttackOtherText):
		e.content = "Something else." + o.nonVisible
	}
	signature, err := sign(e.signer, e.content, o.format, s.attacks(AttackWeakDigest))
	if s.attacks(AttackUnsigned) {
		signature = ""
	}
	if s.attacks(AttackOtherOrder) {
		e.requested = s.another(o.holder).ID
	}
	return s.write(&e, signature), err
}

// signer returns the card that signs an order.
func (s *Simulator) signer(o *order, e *evidence) (*card, error) {
	card, err := s.cardOf(o.holder)
	switch {
	case err != nil:
		return nil, err
	case s.attacks(AttackOtherIssuer):
		other, err := newAuthority(s.pki.issuerOf(o.holder).ca.cert.Subject.CommonName)
		if err != nil {
			return nil, err
		}
		return newCard(other, o.holder, validTo, card.key)
	case s.attacks(AttackExpired):
		return newCard(s.pki.issuerOf(o.holder).ca, o.holder, time.Now().Add(-time.Hour), card.key)
	case s.attacks(AttackOtherPerson):
		e.said = s.another(o.holder)
		return s.cardOf(e.said)
	case s.attacks(AttackOtherCard):
		return s.cardOf(s.another(o.holder))
	case s.attacks(AttackOtherUser):
		e.said = s.another(o.holder)
	}
	return card, nil
}

// another returns somebody else.
func (s *Simulator) another(u *User) *User {
	for _, other := range s.users {
		if other != u {
			return other
		}
	}
	return u
}

// answerOf returns the OCSP response that goes with a result.
func (s *Simulator) answerOf(e *evidence, o *order) (string, error) {
	about, st := e.signer.cert, status{revoked: s.attacks(AttackRevoked)}
	issuer := s.pki.issuerOfCertificate(about)
	responder := issuer.responder
	switch {
	case s.attacks(AttackNoOCSP):
		return "", nil
	case s.attacks(AttackOldOCSP):
		st.age = 48 * time.Hour
	case s.attacks(AttackOwnOCSP):
		responder = e.signer
	case s.attacks(AttackOtherOCSP):
		other, err := s.cardOf(s.another(o.holder))
		if err != nil {
			return "", err
		}
		about = other.cert
	}
	return st.answer(issuer.ca, responder, about)
}

// write returns the elements of a result in the order of the WSDL.
func (s *Simulator) write(e *evidence, signature string) string {
	var b strings.Builder
	b.WriteString(tag("progressStatus", complete))
	if s.set.Version == 2 {
		b.WriteString(tag("requestedUserId", e.requested))
	}
	b.WriteString(tag("signature", signature) + "<userInfo>" + s.userInfo(e) + "</userInfo>" + tag("ocspResponse", e.ocsp))
	b.WriteString("<deviceInfo>" + tag("name", "iOS") + tag("version", "17.5") + tag("address", "192.0.2.17") + "</deviceInfo>")
	return b.String()
}

func (s *Simulator) userInfo(e *evidence) string {
	u, cert := e.said, e.named.cert
	names := tag("givenName", u.GivenName) + tag("surname", u.Surname)
	text := tag("name", u.name())
	if !s.attacks(AttackNobody) {
		number := u.PersonalNumber
		if number == "" {
			number = u.ID
		}
		text += tag("personalNumber", number)
		if s.set.Version == 2 {
			text += tag("userUniqueName", u.PrincipalName)
		}
		text += tag("userId", u.ID)
	}
	const local = "2006-01-02T15:04:05"
	text += tag("notBefore", cert.NotBefore.Format(local)) + tag("notAfter", cert.NotAfter.Format(local)) + names
	text += tag("certificate", base64.StdEncoding.EncodeToString(cert.Raw))
	if s.set.Version == 2 {
		sum := sha1.Sum(cert.Raw) // as Windows shows certificates
		text += tag("thumbprint", strings.ToUpper(hex.EncodeToString(sum[:])))
	}
	return text
}
