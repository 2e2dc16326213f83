package bankidsim

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"sync"
	"time"
)

const keyBits = 2048

// signaturePKI is the branch under which people sign: root, bank CA, customer CA, then two certificates per BankID and
// the responder that vouches for them (BankID API: signature profile). It has nothing in common with transportPKI. Keys
// are made on first use, as they are slow to make.
type signaturePKI struct {
	from, to time.Time

	root  func() (*authority, error)
	chain func() (*bankChain, error)
	// rogue is the bank's CA certificate again, issued by a root that has the right name and the wrong key.
	rogue func() (*authority, error)

	mu     sync.Mutex
	leaves map[leafID]*authority
}

// bankChain is what stands below the root. People share two keys, one per purpose, which no verifier can mind.
type bankChain struct {
	bank, customer, responder *authority
	authKey, signKey          *rsa.PrivateKey
}

// leafID names one certificate of one BankID.
type leafID struct {
	personalNumber, policy string
	signing                bool
}

func newSignaturePKI(now time.Time) *signaturePKI {
	p := &signaturePKI{from: now.AddDate(-8, 0, 0), to: now.AddDate(12, 0, 0), leaves: make(map[leafID]*authority)}
	p.root = sync.OnceValues(p.makeRoot)
	p.chain = sync.OnceValues(p.makeChain)
	p.rogue = sync.OnceValues(p.makeRogue)
	return p
}

func (p *signaturePKI) makeRoot() (*authority, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, err
	}
	return p.newCA("Bryggans prov Root CA v1", key, nil)
}

func (p *signaturePKI) makeChain() (*bankChain, error) {
	keys := make([]*rsa.PrivateKey, 5)
	errs := make([]error, len(keys))
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() { keys[i], errs[i] = rsa.GenerateKey(rand.Reader, keyBits) })
	}
	root, err := p.root()
	wg.Wait()
	for _, e := range append(errs, err) {
		if e != nil {
			return nil, e
		}
	}
	c := &bankChain{authKey: keys[3], signKey: keys[4]}
	if c.bank, err = p.newCA("Bryggans provbank CA v1 for BankID-prov", keys[0], root); err != nil {
		return nil, err
	}
	if c.customer, err = p.newCA("Bryggans provbank Customer CA1 v1 for BankID-prov", keys[1], c.bank); err != nil {
		return nil, err
	}
	c.responder, err = p.newResponder(keys[2], c.customer)
	return c, err
}

func (p *signaturePKI) makeRogue() (*authority, error) {
	chain, err := p.chain()
	if err != nil {
		return nil, err
	}
	root, err := p.makeRoot()
	if err != nil {
		return nil, err
	}
	return p.newCA(chain.bank.cert.Subject.CommonName, chain.bank.key, root)
}

func (p *signaturePKI) newCA(name string, key crypto.Signer, parent *authority) (*authority, error) {
	attrs := []attribute{{oidCountry, "SE"}, {oidOrganization, bankName}, {oidSerialNumber, bankNumber}, {oidCommonName, name}}
	if parent == nil {
		attrs = []attribute{{oidOrganization, schemeName}, {oidOrgUnit, "Member Banks CA"}, {oidCommonName, name}}
	}
	raw, err := subject(attrs...)
	if err != nil {
		return nil, err
	}
	template, err := caTemplate(raw, p.from, p.to)
	if err != nil {
		return nil, err
	}
	template.SignatureAlgorithm = x509.SHA512WithRSA
	return issue(template, key, parent)
}

// newResponder makes the OCSP responder that the customer CA delegates to.
func (p *signaturePKI) newResponder(key crypto.Signer, ca *authority) (*authority, error) {
	raw, err := subject(
		attribute{oidCountry, "SE"}, attribute{oidOrganization, bankName}, attribute{oidSerialNumber, bankNumber},
		attribute{oidCommonName, ca.cert.Subject.CommonName + " OCSP Signing"},
	)
	if err != nil {
		return nil, err
	}
	usage, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 9}})
	if err != nil {
		return nil, err
	}
	policy, err := x509.ParseOID(caPolicy)
	if err != nil {
		return nil, err
	}
	return issue(&x509.Certificate{
		RawSubject: raw, NotBefore: p.from, NotAfter: p.to,
		SignatureAlgorithm: x509.SHA256WithRSA,
		KeyUsage:           x509.KeyUsageContentCommitment,
		Policies:           []x509.OID{policy},
		ExtraExtensions: []pkix.Extension{
			{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage},
			{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: asn1.NullBytes}, // id-pkix-ocsp-nocheck
		},
	}, key, ca)
}

// leaf returns the certificate of a BankID for identification or, when signing, for signatures.
func (p *signaturePKI) leaf(person Person, id BankID, signing bool) (*authority, error) {
	chain, err := p.chain()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := leafID{person.PersonalNumber, id.Policy, signing}
	if leaf, ok := p.leaves[key]; ok {
		return leaf, nil
	}
	leaf, err := newLeaf(chain, person, id, signing)
	if err != nil {
		return nil, fmt.Errorf("issue personal certificate: %w", err)
	}
	p.leaves[key] = leaf
	return leaf, nil
}

func newLeaf(chain *bankChain, person Person, id BankID, signing bool) (*authority, error) {
	kind, years := "BankID på fil", 2
	if id.Policy == PolicyMobile {
		kind, years = "Mobilt BankID", 5
	}
	attrs := []attribute{{oidCountry, "SE"}, {oidOrganization, bankName}}
	for _, name := range []attribute{{oidSurname, person.Surname}, {oidGivenName, person.GivenName}} {
		if name.value != "" {
			attrs = append(attrs, name)
		}
	}
	raw, err := subject(append(attrs, attribute{oidSerialNumber, person.PersonalNumber},
		attribute{oidName, fmt.Sprintf("(%s) %s - %s", id.issued.Format("060102 15.04"), person.Name(), kind)},
		attribute{oidCommonName, person.Name()})...)
	if err != nil {
		return nil, err
	}
	policy, err := x509.ParseOID(id.Policy)
	if err != nil {
		return nil, err
	}
	usage, key := x509.KeyUsageDigitalSignature, chain.authKey
	if signing {
		usage, key = x509.KeyUsageContentCommitment, chain.signKey
	}
	midnight := time.Date(id.issued.Year(), id.issued.Month(), id.issued.Day(), 0, 0, 0, 0, swedishWinter)
	return issue(&x509.Certificate{
		RawSubject: raw, NotBefore: midnight.UTC(), NotAfter: midnight.AddDate(years, 0, 0).UTC(),
		SignatureAlgorithm: x509.SHA256WithRSA,
		KeyUsage:           usage,
		Policies:           []x509.OID{policy},
		OCSPServer:         []string{"http://revocationstatus.invalid"},
	}, key, chain.customer)
}

// swedishWinter stands in for Europe/Stockholm, as a machine may lack the time zone database.
var swedishWinter = time.FixedZone("CET", 3600)
