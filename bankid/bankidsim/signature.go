package bankidsim

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

const (
	nsDSig   = "http://www.w3.org/2000/09/xmldsig#"
	nsBankID = "http://www.bankid.com/signature/v1.0.0/types"
	algC14N  = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	algRSA   = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	algSHA   = "http://www.w3.org/2001/04/xmlenc#sha256"
)

// document is what a person signs.
type document struct {
	facts   orderFacts
	signing bool
	uhi     string
}

// sign makes the XML signature of a result, in base64, and returns the certificate behind it. The document is its own
// canonical form: every element that is digested declares its own namespace and nothing stands between elements, so the
// digests are over the very bytes written (BankID API: signature profile).
func (s *Simulator) sign(d document, attacks map[string]bool) (string, *authority, error) {
	chain, err := s.sig.chain()
	if err != nil {
		return "", nil, err
	}
	leaf, err := s.sig.leaf(d.facts.person, d.facts.bankID, d.signing != attacks[AttackWrongCertificate])
	if err != nil {
		return "", nil, err
	}
	bank := chain.bank
	if attacks[AttackWrongRoot] {
		if bank, err = s.sig.rogue(); err != nil {
			return "", nil, err
		}
	}
	nonce := make([]byte, 20)
	if _, err := rand.Read(nonce); err != nil {
		return "", nil, err
	}
	if attacks[AttackForeignService] {
		d.facts.rp = relyingParty{displayName: "En annan tjänst", subject: "cn=RP En annan tjänst,name=En annan tjänst,serialNumber=5599990107,o=" + bankName + ",c=SE"}
	}
	if attacks[AttackChangedUserText] {
		request := *d.facts.request
		request.visible, request.format = b64("Something else than was asked for"), ""
		d.facts.request = &request
	}
	data := d.signedData(nonce)
	keyInfo := keyInfo(leaf, chain.customer, bank)
	info := signedInfo(data, keyInfo)
	digest := sha256.Sum256([]byte(info))
	value, err := rsa.SignPKCS1v15(nil, leaf.key.(*rsa.PrivateKey), crypto.SHA256, digest[:])
	if err != nil {
		return "", nil, err
	}
	if attacks[AttackTamperedValue] {
		value[len(value)/2] ^= 1
	}
	if attacks[AttackTamperedData] {
		data = strings.Replace(data, "<nonce>"+b64(string(nonce)), "<nonce>"+b64("tampered with, later"), 1)
	}
	xml := `<?xml version="1.0" encoding="UTF-8" standalone="no"?>` +
		`<Signature xmlns="` + nsDSig + `">` + info +
		element("SignatureValue", base64.StdEncoding.EncodeToString(value)) +
		keyInfo + element("Object", data) + `</Signature>`
	return b64(xml), leaf, nil
}

// signedInfo is what the key signs: the digests of the other two parts.
func signedInfo(data, keyInfo string) string {
	return `<SignedInfo xmlns="` + nsDSig + `">` +
		`<CanonicalizationMethod Algorithm="` + algC14N + `"></CanonicalizationMethod>` +
		`<SignatureMethod Algorithm="` + algRSA + `"></SignatureMethod>` +
		reference(` Type="`+nsBankID+`" URI="#bidSignedData"`, data) +
		reference(` URI="#bidKeyInfo"`, keyInfo) +
		`</SignedInfo>`
}

func reference(attributes, part string) string {
	digest := sha256.Sum256([]byte(part))
	return `<Reference` + attributes + `>` +
		`<Transforms><Transform Algorithm="` + algC14N + `"></Transform></Transforms>` +
		`<DigestMethod Algorithm="` + algSHA + `"></DigestMethod>` +
		element("DigestValue", base64.StdEncoding.EncodeToString(digest[:])) +
		`</Reference>`
}

// keyInfo holds the person's certificate and those above it, without the root.
func keyInfo(chain ...*authority) string {
	var certs strings.Builder
	for _, c := range chain {
		certs.WriteString(element("X509Certificate", base64.StdEncoding.EncodeToString(c.cert.Raw)))
	}
	return `<KeyInfo xmlns="` + nsDSig + `" Id="bidKeyInfo">` + element("X509Data", certs.String()) + `</KeyInfo>`
}

// signedData is the part that BankID defines.
func (d document) signedData(nonce []byte) string {
	f := d.facts
	var b strings.Builder
	b.WriteString(`<bankIdSignedData xmlns="` + nsBankID + `" Id="bidSignedData">`)
	if f.request.visible != "" {
		format := ""
		if f.request.format == simpleMarkdown {
			format = ` format="` + simpleMarkdown + `"`
		}
		b.WriteString(`<usrVisibleData charset="UTF-8"` + format + ` visible="wysiwys">` + f.request.visible + `</usrVisibleData>`)
	}
	if f.request.nonVisible != "" {
		b.WriteString(element("usrNonVisibleData", f.request.nonVisible))
	}
	b.WriteString(element("srvInfo",
		element("name", b64(f.rp.subject))+element("nonce", b64(string(nonce)))+element("displayName", b64(f.rp.displayName))))
	function := "Identification"
	if d.signing {
		function = "Signing"
	}
	client := element("funcId", function) + element("version", b64(clientVersion(f.device, d.uhi, f.at)))
	if f.rpRef != "" {
		client += element("rpRef", f.rpRef)
	}
	b.WriteString(element("clientInfo", client+element("env", element("ai", d.environment()))))
	b.WriteString(`</bankIdSignedData>`)
	return b.String()
}

// environment describes the device.
func (d document) environment() string {
	conditions := ""
	condition := func(kind, value string) {
		conditions += element("condition", element("type", kind)+element("value", value))
	}
	if len(d.facts.request.policies) > 0 {
		condition("CertificatePolicies", strings.Join(d.facts.request.policies, ","))
	}
	if d.facts.via == viaLink {
		condition("TokenStartRequired", "yes")
	}
	device := devices[d.facts.device]
	return element("type", b64(device.platform)) + element("deviceInfo", b64(device.version)) + element("uhi", d.uhi) +
		element("fsib", "0") + element("utb", "cs1") + element("requirement", conditions) + element("uauth", "pw")
}

// element writes an element whose content needs no escaping: base64, markup made here, or a checked word.
func element(name, content string) string { return "<" + name + ">" + content + "</" + name + ">" }

func b64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
