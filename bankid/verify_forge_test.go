package bankid

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/secret"
)

// signedAt is when the forger's person signs.
var signedAt = time.Date(2026, time.March, 4, 10, 20, 30, 0, time.UTC)

// forgerKeys are slow to make, so all forgers share them.
var forgerKeys = sync.OnceValue(func() (keys struct {
	root, bank, issuer, responder, person, other, short *rsa.PrivateKey
}) {
	var wg sync.WaitGroup
	for _, key := range []**rsa.PrivateKey{&keys.root, &keys.bank, &keys.issuer, &keys.responder, &keys.person, &keys.other} {
		wg.Go(func() { *key = must(rsa.GenerateKey(rand.Reader, 2048)) })
	}
	keys.short = must(rsa.GenerateKey(rand.Reader, 1024))
	wg.Wait()
	return keys
})

// forger makes results of the published form from authorities of its own, and what a test changes in them: unlike the
// simulator it can make any fault, and every fault properly signed.
type forger struct {
	root, bank, issuer, responder, person *x509.Certificate // templates
	personKey                             crypto.Signer
	responderKey                          crypto.Signer
	responderBy                           string // "issuer", "bank"
	issuerByRoot                          bool   // and not by the bank

	data    func(string) string // changes the signed data before it is digested
	info    func(string) string // changes SignedInfo before it is signed
	xml     func(string) string // changes the document at the end
	value   func([]byte)        // changes the RSA signature
	certs   func([]string) []string
	text    func(string) string // changes the base64 of the document
	answer  func(*ocspParts)
	ocspDER func([]byte) []byte

	known          *made // authorities to use instead of new ones
	knownResponder bool  // and its responder
	issuerKey      *rsa.PrivateKey

	user User
	want Expected
	made made
}

// made are the certificates that a forger has issued.
type made struct{ root, bank, issuer, responder, person *x509.Certificate }

func newForger() *forger {
	keys := forgerKeys()
	f := &forger{
		root: caTemplate("Prov Root CA v1"), bank: caTemplate("Provbank CA v1"), issuer: caTemplate("Provbank Customer CA1 v1"),
		responder: template("Provbank Customer CA1 v1 OCSP Signing"), person: template(""),
		personKey: keys.person, issuerKey: keys.issuer, responderKey: keys.responder, responderBy: "issuer",
		user: User{
			PersonalNumber: secret.New("198502039822"), Name: secret.New("Åsa Öberg"),
			GivenName: secret.New("Åsa"), Surname: secret.New("Öberg"),
		},
		want: Expected{
			Kind: KindAuth, UserVisibleData: "Logga in på Exempel", UserNonVisibleData: []byte("bound to the request"),
			RelyingParty: RelyingParty{Name: "cn=FP Exempel,name=Exempel,serialNumber=5560000001,o=Provbank AB,c=SE", DisplayName: "Exempel"},
			StartedAt:    signedAt.Add(-20 * time.Second), EndedAt: signedAt.Add(2 * time.Second),
		},
	}
	f.root.Subject.OrganizationalUnit = []string{"Member Banks CA"}
	f.bank.MaxPathLen, f.issuer.MaxPathLenZero = 1, true
	f.responder.KeyUsage = x509.KeyUsageContentCommitment
	f.responder.ExtraExtensions = []pkix.Extension{ocspUsage(true, x509OCSPSigning)}
	f.person.Subject = pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{
		{Type: oidCountry, Value: "SE"}, {Type: oidOrganization, Value: "Provbank AB"}, {Type: oidSurname, Value: "Öberg"},
		{Type: oidGivenName, Value: "Åsa"}, {Type: oidSerialNumber, Value: "198502039822"},
		{Type: oidName, Value: "(260101 12.00) Åsa Öberg - Mobilt BankID"}, {Type: oidCommonName, Value: "Åsa Öberg"},
	}}
	f.person.KeyUsage = x509.KeyUsageDigitalSignature
	f.person.Policies = []x509.OID{must(x509.ParseOID(PolicyTestMobile))}
	return f
}

var (
	x509OCSPSigning = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 9}
	x509ClientAuth  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
)

func ocspUsage(critical bool, uses ...asn1.ObjectIdentifier) pkix.Extension {
	return pkix.Extension{Id: oidExtKeyUsage, Critical: critical, Value: must(asn1.Marshal(uses))}
}

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: new(big.Int).Add(big.NewInt(1<<62), must(rand.Int(rand.Reader, big.NewInt(1<<62)))),
		Subject:      pkix.Name{Country: []string{"SE"}, SerialNumber: "111111111111", CommonName: name},
		NotBefore:    signedAt.AddDate(0, -3, 0), NotAfter: signedAt.AddDate(0, 3, 0),
	}
}

func caTemplate(name string) *x509.Certificate {
	t := template(name)
	t.NotBefore, t.NotAfter = signedAt.AddDate(-8, 0, 0), signedAt.AddDate(8, 0, 0)
	t.IsCA, t.BasicConstraintsValid, t.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	t.SignatureAlgorithm = x509.SHA512WithRSA
	return t
}

func (f *forger) issue() {
	keys := forgerKeys()
	sign := func(t, parent *x509.Certificate, key crypto.PublicKey, by *rsa.PrivateKey) *x509.Certificate {
		return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, t, parent, key, by))))
	}
	if f.known != nil {
		f.made = *f.known
	} else {
		f.made.root = sign(f.root, f.root, keys.root.Public(), keys.root)
		f.made.bank = sign(f.bank, f.made.root, keys.bank.Public(), keys.root)
		f.made.issuer = sign(f.issuer, f.made.bank, keys.issuer.Public(), keys.bank)
		if f.issuerByRoot {
			f.made.issuer = sign(f.issuer, f.made.root, keys.issuer.Public(), keys.root)
		}
	}
	// CreateCertificate wants the key to be the parent's, which a forged one is not.
	parent := *f.made.issuer
	parent.PublicKey = f.issuerKey.Public()
	f.made.person = sign(f.person, &parent, f.personKey.Public(), f.issuerKey)
	if f.knownResponder {
		return
	}
	switch f.responderBy {
	case "issuer":
		f.made.responder = sign(f.responder, f.made.issuer, f.responderKey.Public(), keys.issuer)
	case "bank":
		f.made.responder = sign(f.responder, f.made.bank, f.responderKey.Public(), keys.bank)
	}
}

// signsAt moves the order and its result to another time.
func (f *forger) signsAt(at time.Time) {
	f.person.NotBefore, f.person.NotAfter = at.AddDate(-1, 0, 0), at.AddDate(1, 0, 0)
	f.answer = func(p *ocspParts) { p.producedAt, p.thisUpdate = derTime(at), derTime(at) }
	f.want.StartedAt, f.want.EndedAt = at, at
}

func (f *forger) rootPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.made.root.Raw})
}

// verifier trusts the root that the forger made.
func (f *forger) verifier(t testing.TB) *Verifier {
	t.Helper()
	return must(NewVerifier(VerifierOptions{RootsPEM: f.rootPEM(), CertificatePolicies: TestPolicies(), Now: func() time.Time { return signedAt }}))
}

func changed[T any](f func(T) T, v T) T {
	if f == nil {
		return v
	}
	return f(v)
}

func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// result makes the result.
func (f *forger) result() *CompletionData {
	f.issue()
	signature := changed(f.text, b64(f.document()))
	return &CompletionData{User: f.user, Signature: secret.New(signature), OCSPResponse: secret.New(f.ocsp(signature))}
}

func (f *forger) document() string {
	w := f.want
	function := "Identification"
	if w.Kind == KindSign || w.Kind == KindPhoneSign {
		function = "Signing"
	}
	data := `<bankIdSignedData xmlns="http://www.bankid.com/signature/v1.0.0/types" Id="bidSignedData">`
	if w.UserVisibleData != "" {
		format := ""
		if w.UserVisibleDataFormat == FormatSimpleMarkdownV1 {
			format = ` format="simpleMarkdownV1"`
		}
		data += `<usrVisibleData charset="UTF-8"` + format + ` visible="wysiwys">` + b64(w.UserVisibleData) + `</usrVisibleData>`
	}
	if len(w.UserNonVisibleData) > 0 {
		data += `<usrNonVisibleData>` + b64(string(w.UserNonVisibleData)) + `</usrNonVisibleData>`
	}
	data += `<srvInfo><name>` + b64(w.RelyingParty.Name) + `</name><nonce>` + b64("twenty random bytes.") + `</nonce>` +
		`<displayName>` + b64(w.RelyingParty.DisplayName) + `</displayName></srvInfo>` +
		`<clientInfo><funcId>` + function + `</funcId><version>` + b64("7.28.0") + `</version><env><ai><type>` + b64("IOS") + `</type>` +
		`<deviceInfo>` + b64("18.5") + `</deviceInfo><uhi>giCsUsVYgZEg96P/l/7QIxWjusqW</uhi><fsib>0</fsib><utb>cs1</utb>` +
		`<requirement><condition><type>CertificatePolicies</type><value>1.2.3.4.25</value></condition></requirement>` +
		`<uauth>pw</uauth></ai></env></clientInfo></bankIdSignedData>`
	data = changed(f.data, data)

	certs := changed(f.certs, []string{string(f.made.person.Raw), string(f.made.issuer.Raw), string(f.made.bank.Raw)})
	keyInfo := `<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#" Id="bidKeyInfo"><X509Data>`
	for _, cert := range certs {
		keyInfo += `<X509Certificate>` + b64(cert) + `</X509Certificate>`
	}
	keyInfo += `</X509Data></KeyInfo>`

	info := changed(f.info, `<SignedInfo xmlns="http://www.w3.org/2000/09/xmldsig#">`+
		`<CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"></CanonicalizationMethod>`+
		`<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></SignatureMethod>`+
		reference(`Type="http://www.bankid.com/signature/v1.0.0/types" URI="#bidSignedData"`, data)+
		reference(`URI="#bidKeyInfo"`, keyInfo)+`</SignedInfo>`)
	value := sign(f.personKey, []byte(info))
	if f.value != nil {
		f.value(value)
	}
	return changed(f.xml, `<?xml version="1.0" encoding="UTF-8" standalone="no"?><Signature xmlns="http://www.w3.org/2000/09/xmldsig#">`+
		info+`<SignatureValue>`+b64(string(value))+`</SignatureValue>`+keyInfo+`<Object>`+data+`</Object></Signature>`)
}

func reference(attributes, part string) string {
	sum := sha256.Sum256([]byte(part))
	return `<Reference ` + attributes + `><Transforms><Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315">` +
		`</Transform></Transforms><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></DigestMethod>` +
		`<DigestValue>` + b64(string(sum[:])) + `</DigestValue></Reference>`
}

func sign(key crypto.Signer, text []byte) []byte {
	sum := sha256.Sum256(text)
	return must(key.Sign(rand.Reader, sum[:], crypto.SHA256))
}

// ocspParts are the parts of a response as DER, to be changed one by one.
type ocspParts struct {
	status, responderName, producedAt, certID, certStatus, thisUpdate, singleRest []byte
	nonceOID, critical, nonce, extensionsRest                                     []byte
	second, dataRest, algorithm, certificate                                      []byte
	unused                                                                        byte // bits of the signature's BIT STRING
	spoil                                                                         bool // the signature
}

func tlv(tag byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	length := []byte{byte(len(content))}
	if n := len(content); n >= 0x100 {
		length = []byte{0x82, byte(n >> 8), byte(n)}
	} else if n >= 0x80 {
		length = []byte{0x81, byte(n)}
	}
	return append(append([]byte{tag}, length...), content...)
}

func derTime(at time.Time) []byte { return tlv(0x18, []byte(at.UTC().Format("20060102150405Z"))) }

func certID(issuer *x509.Certificate, serial *big.Int) []byte {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	must(asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &info))
	name, key := sha1.Sum(issuer.RawSubject), sha1.Sum(info.Key.Bytes)
	return tlv(0x30, []byte(derSHA1), tlv(0x04, name[:]), tlv(0x04, key[:]), must(asn1.Marshal(serial)))
}

// ocsp makes the response to the signature, in base64.
func (f *forger) ocsp(signature string) string {
	sum := sha1.Sum([]byte(signature))
	p := ocspParts{
		status: []byte{0x0a, 1, 0}, responderName: tlv(0xa1, f.made.responder.RawSubject), producedAt: derTime(signedAt),
		certID: certID(f.made.issuer, f.made.person.SerialNumber), certStatus: []byte{0x80, 0}, thisUpdate: derTime(signedAt),
		nonceOID: []byte(derNonceOID), critical: []byte(derTrue), nonce: append(sum[:], "twelve bytes"...),
		algorithm: []byte(derSHA256RSA), certificate: f.made.responder.Raw,
	}
	if f.answer != nil {
		f.answer(&p)
	}
	data := tlv(0x30, p.responderName, p.producedAt,
		tlv(0x30, tlv(0x30, p.certID, p.certStatus, p.thisUpdate, p.singleRest), p.second),
		tlv(0xa1, tlv(0x30, tlv(0x30, p.nonceOID, p.critical, tlv(0x04, p.nonce)), p.extensionsRest)), p.dataRest)
	value := sign(f.responderKey, data)
	if p.spoil {
		value[7] ^= 1
	}
	basic := tlv(0x30, data, p.algorithm, tlv(0x03, []byte{p.unused}, value), tlv(0xa0, tlv(0x30, p.certificate)))
	der := tlv(0x30, p.status, tlv(0xa0, tlv(0x30, []byte(derBasicResponse), tlv(0x04, basic))))
	return base64.StdEncoding.EncodeToString(changed(f.ocspDER, der))
}

// replace makes a change that must hit exactly once.
func replace(from, to string) func(string) string {
	return func(text string) string {
		if strings.Count(text, from) != 1 {
			panic("the text to change is not there once: " + from)
		}
		return strings.Replace(text, from, to, 1)
	}
}
