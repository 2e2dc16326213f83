package bankidsim

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

// evidence is a completed order as a relying party has it, with what it knows from its own request.
type evidence struct {
	completionData
	rpSubject, visible string
	signing            bool
	root               *x509.Certificate
}

var errBad = errors.New("evidence refused")

func between(doc []byte, from, to string) ([]byte, error) {
	i := bytes.Index(doc, []byte(from))
	j := bytes.Index(doc, []byte(to))
	if i < 0 || j < i || bytes.Count(doc, []byte(from)) != 1 {
		return nil, fmt.Errorf("%w: no single %s", errBad, from)
	}
	return doc[i : j+len(to)], nil
}

func inner(doc []byte, name string) string {
	m := regexp.MustCompile(`<` + name + `(?: [^>]*)?>([^<]*)</` + name + `>`).FindSubmatch(doc)
	if m == nil {
		return "(no " + name + ")"
	}
	return string(m[1])
}

func plain(t *testing.T, text string) string {
	t.Helper()
	out, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return string(out)
}

// verify checks evidence with nothing of the simulator's code: raw bytes, crypto/x509, crypto/rsa and x/crypto/ocsp. It
// says which check failed first.
func (e evidence) verify(t *testing.T) error {
	t.Helper()
	doc := []byte(plain(t, e.Signature))
	info, err := between(doc, `<SignedInfo `, `</SignedInfo>`)
	if err != nil {
		return err
	}
	data, err := between(doc, `<bankIdSignedData `, `</bankIdSignedData>`)
	if err != nil {
		return err
	}
	keys, err := between(doc, `<KeyInfo `, `</KeyInfo>`)
	if err != nil {
		return err
	}
	digests := regexp.MustCompile(`<DigestValue>([^<]*)</DigestValue>`).FindAllSubmatch(info, -1)
	for i, part := range [][]byte{data, keys} {
		if sum := sha256.Sum256(part); string(digests[i][1]) != base64.StdEncoding.EncodeToString(sum[:]) {
			return fmt.Errorf("digest: %w", errBad)
		}
	}
	var chain []*x509.Certificate
	for _, m := range regexp.MustCompile(`<X509Certificate>([^<]*)</X509Certificate>`).FindAllSubmatch(keys, -1) {
		cert, err := x509.ParseCertificate([]byte(plain(t, string(m[1]))))
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, cert)
	}
	sum := sha256.Sum256(info)
	if rsa.VerifyPKCS1v15(chain[0].PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], []byte(plain(t, inner(doc, "SignatureValue")))) != nil {
		return fmt.Errorf("signature: %w", errBad)
	}
	if err := e.verifyOCSP(t, chain); err != nil {
		return err
	}
	return e.verifyMeaning(t, data, chain[0])
}

func (e evidence) verifyOCSP(t *testing.T, chain []*x509.Certificate) error {
	t.Helper()
	der := []byte(plain(t, e.OCSPResponse))
	resp, err := ocsp.ParseResponseForCert(der, chain[0], chain[1])
	if err != nil {
		return fmt.Errorf("ocsp: %v: %w", err, errBad)
	}
	if resp.Status != ocsp.Good {
		return fmt.Errorf("status: %w", errBad)
	}
	roots, middle := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(e.root)
	for _, c := range chain[1:] {
		middle.AddCert(c)
	}
	for cert, usage := range map[*x509.Certificate]x509.ExtKeyUsage{chain[0]: x509.ExtKeyUsageAny, resp.Certificate: x509.ExtKeyUsageOCSPSigning} {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: middle, CurrentTime: resp.ProducedAt, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
			return fmt.Errorf("chain: %v: %w", err, errBad)
		}
	}
	nonce, critical := responseNonce(t, der)
	want := sha1.Sum([]byte(e.Signature))
	if !critical || len(nonce) != 32 || !bytes.Equal(nonce[:20], want[:]) {
		return fmt.Errorf("nonce: %w", errBad)
	}
	return nil
}

// responseNonce reads the extension of the whole response, which x/crypto/ocsp does not show.
func responseNonce(t *testing.T, der []byte) ([]byte, bool) {
	t.Helper()
	var outer struct {
		Status asn1.Enumerated
		Bytes  struct {
			Type     asn1.ObjectIdentifier
			Response []byte
		} `asn1:"explicit,tag:0"`
	}
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		t.Fatal(err)
	}
	var basic struct {
		Data struct {
			Responder  asn1.RawValue
			ProducedAt time.Time `asn1:"generalized"`
			Responses  asn1.RawValue
			Extensions []struct {
				ID       asn1.ObjectIdentifier
				Critical bool `asn1:"optional"`
				Value    []byte
			} `asn1:"explicit,tag:1"`
		}
		Rest []asn1.RawValue `asn1:"optional"`
	}
	var seq asn1.RawValue
	if _, err := asn1.Unmarshal(outer.Bytes.Response, &seq); err != nil {
		t.Fatal(err)
	}
	if _, err := asn1.Unmarshal(seq.Bytes, &basic.Data); err != nil {
		t.Fatal(err)
	}
	if n := len(basic.Data.Extensions); n != 1 {
		t.Fatalf("%d extensions", n)
	}
	x := basic.Data.Extensions[0]
	if x.ID.String() != "1.3.6.1.5.5.7.48.1.2" {
		t.Fatalf("extension %s", x.ID)
	}
	return x.Value, x.Critical
}

func (e evidence) verifyMeaning(t *testing.T, data []byte, leaf *x509.Certificate) error {
	t.Helper()
	number, name := "", ""
	for _, n := range leaf.Subject.Names {
		switch n.Type.String() {
		case "2.5.4.5":
			number = n.Value.(string)
		case "2.5.4.3":
			name = n.Value.(string)
		}
	}
	function, usage := "Identification", x509.KeyUsageDigitalSignature
	if e.signing {
		function, usage = "Signing", x509.KeyUsageContentCommitment
	}
	switch {
	case e.User == nil || e.User.PersonalNumber != number || e.User.Name != name:
		return fmt.Errorf("user: %w", errBad)
	case plain(t, inner(data, "name")) != e.rpSubject:
		return fmt.Errorf("service: %w", errBad)
	case inner(data, "funcId") != function:
		return fmt.Errorf("function: %w", errBad)
	case leaf.KeyUsage != usage:
		return fmt.Errorf("usage: %w", errBad)
	case inner(data, "usrVisibleData") != e.visible:
		return fmt.Errorf("text: %w", errBad)
	}
	return nil
}

// complete runs an order to its end and returns what collect delivers.
func (r *rig) complete(t *testing.T, endpoint, body, person string, a Approval) (evidence, string) {
	t.Helper()
	o := r.start(endpoint, body)
	must(t)(r.Open(Pickup{URL: "bankid:///?autostarttoken=" + o.AutoStartToken + "&redirect=null&rpref=cmVmZXJlbmNl", PersonalNumber: person}))
	must(t)(r.Sign(o.OrderRef, a))
	r.advance(2 * time.Second)
	status, m := r.call("collect", `{"orderRef":"`+o.OrderRef+`"}`)
	if status != 200 || m["status"] != "complete" {
		t.Fatalf("collect: %d %v", status, m)
	}
	text, err := json.Marshal(m["completionData"])
	if err != nil {
		t.Fatal(err)
	}
	rp, err := readRP(r.ClientCertificate().TLS.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	e := evidence{signing: endpoint == "sign", rpSubject: rp.subject}
	if err := json.Unmarshal(text, &e.completionData); err != nil {
		t.Fatal(err)
	}
	root, err := r.sig.root()
	if err != nil {
		t.Fatal(err)
	}
	e.root, e.visible = root.cert, "SGVqIMOlw6TDtg=="
	if m["orderRef"] != o.OrderRef {
		return e, "orderRef"
	}
	return e, ""
}

func testResult(t *testing.T) {
	r := newRig(t, Options{})
	plainBody := `{"endUserIp":"192.0.2.1","userVisibleData":"SGVqIMOlw6TDtg=="}`
	for _, tt := range []struct {
		name, endpoint, body, person string
		approval                     Approval
		check                        func(t *testing.T, e evidence, xml string)
	}{
		{"auth", "auth", plainBody, asa, Approval{Risk: "high"}, func(t *testing.T, e evidence, xml string) {
			if want := (userData{asa, "Åsa Märta Elin Öberg-Ström", "Åsa Märta Elin", "Öberg-Ström"}); *e.User != want {
				t.Errorf("user %+v", e.User)
			}
			if e.Device.IPAddress != "192.0.2.1" || e.Risk != "" || e.StepUp != nil || len(e.Device.UHI) != 28 {
				t.Errorf("unexpected %+v %q %+v", e.Device, e.Risk, e.StepUp)
			}
			if !strings.Contains(xml, `<usrVisibleData charset="UTF-8" visible="wysiwys">SGVqIMOlw6TDtg==</usrVisibleData><srvInfo>`) {
				t.Error("the text is not as it should be")
			}
			if !strings.Contains(xml, `<rpRef>cmVmZXJlbmNl</rpRef>`) {
				t.Error("no rpRef")
			}
		}},
		{"sign", "sign", `{"endUserIp":"192.0.2.1","userVisibleData":"SGVqIMOlw6TDtg==","userVisibleDataFormat":"simpleMarkdownV1","userNonVisibleData":"AAEC"}`, erik, Approval{},
			func(t *testing.T, e evidence, xml string) {
				if !strings.Contains(xml, `<usrVisibleData charset="UTF-8" format="simpleMarkdownV1" visible="wysiwys">SGVqIMOlw6TDtg==</usrVisibleData><usrNonVisibleData>AAEC</usrNonVisibleData><srvInfo>`) {
					t.Error("the text is not as it should be")
				}
			}},
		{"all asked for", "auth", `{"endUserIp":"2001:db8::1","returnRisk":true,"userVisibleData":"SGVqIMOlw6TDtg==","requirement":{"certificatePolicies":["1.2.3.4.5"]}}`, both,
			Approval{Risk: "moderate", IPAddress: "203.0.113.9"}, func(t *testing.T, e evidence, xml string) {
				if e.Risk != "moderate" || e.Device.IPAddress != "203.0.113.9" {
					t.Errorf("risk %q, device %+v", e.Risk, e.Device)
				}
				if !strings.Contains(xml, `<condition><type>CertificatePolicies</type><value>1.2.3.4.5</value></condition>`) {
					t.Error("no condition")
				}
			}},
		{"risk not known", "auth", `{"endUserIp":"192.0.2.1","returnRisk":true,"userVisibleData":"SGVqIMOlw6TDtg=="}`, asa, Approval{Risk: "none"}, func(t *testing.T, e evidence, xml string) {
			if e.Risk != "" {
				t.Errorf("risk %q", e.Risk)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, _ := r.complete(t, tt.endpoint, tt.body, tt.person, tt.approval)
			if err := e.verify(t); err != nil {
				t.Fatal(err)
			}
			xml := plain(t, e.Signature)
			if !strings.HasPrefix(xml, `<?xml version="1.0" encoding="UTF-8" standalone="no"?><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><CanonicalizationMethod`) {
				t.Errorf("the document begins %.200s", xml)
			}
			tt.check(t, e, xml)
		})
	}
}

func testLeafShape(t *testing.T) {
	r := newRig(t, Options{})
	e, _ := r.complete(t, "auth", `{"endUserIp":"192.0.2.1"}`, asa, Approval{})
	xml := plain(t, e.Signature)
	leaf, err := x509.ParseCertificate([]byte(plain(t, inner([]byte(xml), "X509Certificate"))))
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, n := range leaf.Subject.Names {
		order = append(order, n.Type.String())
	}
	if got := strings.Join(order, " "); got != "2.5.4.6 2.5.4.10 2.5.4.4 2.5.4.42 2.5.4.5 2.5.4.41 2.5.4.3" {
		t.Errorf("subject order %s", got)
	}
	if leaf.BasicConstraintsValid || len(leaf.ExtKeyUsage) != 0 || len(leaf.Policies) != 1 || leaf.Policies[0].String() != PolicyMobile {
		t.Errorf("extensions: %v %v %v", leaf.BasicConstraintsValid, leaf.ExtKeyUsage, leaf.Policies)
	}
	if leaf.NotAfter.Sub(leaf.NotBefore) < 4*365*24*time.Hour || leaf.SerialNumber.BitLen() != 63 {
		t.Errorf("validity %v to %v, serial %x", leaf.NotBefore, leaf.NotAfter, leaf.SerialNumber)
	}
	if _, err := time.Parse(time.DateOnly, e.BankIDIssueDate[:10]); err != nil {
		t.Errorf("issue date %q", e.BankIDIssueDate)
	}
}

func testStepUpShowsOnlyWhenAskedFor(t *testing.T) {
	r := newRig(t, Options{})
	o := r.start("auth", `{"endUserIp":"192.0.2.1","requirement":{"mrtd":true}}`)
	must(t)(r.Scan(Pickup{OrderRef: o.OrderRef, PersonalNumber: asa}))
	must(t)(r.ReadDocument(o.OrderRef, true))
	must(t)(r.Sign(o.OrderRef, Approval{}))
	_, m := r.call("collect", `{"orderRef":"`+o.OrderRef+`"}`)
	data := m["completionData"].(map[string]any)
	if stepUp, _ := data["stepUp"].(map[string]any); stepUp["mrtd"] != true {
		t.Errorf("step up %v", data["stepUp"])
	}
	if ip := data["device"].(map[string]any)["ipAddress"]; ip != farAddress {
		t.Errorf("a scanned order comes from %v", ip)
	}
}

// testAttacks runs each attack against the checks above: every one but those of the transport must be seen, and by the
// check that it is made for.
func testAttacks(t *testing.T) {
	r := newRig(t, Options{})
	seen := map[string]string{
		AttackTamperedValue: "signature", AttackTamperedData: "digest", AttackWrongNonce: "nonce", AttackForeignService: "service",
		AttackWrongRoot: "chain", AttackOtherPersonOCSP: "ocsp", AttackRevoked: "status", AttackSignForAuth: "function",
		AttackOtherUser: "user", AttackMissingUser: "user", AttackChangedUserText: "text", AttackWrongCertificate: "usage",
	}
	for _, attack := range attacks {
		t.Run(attack, func(t *testing.T) {
			if err := r.SetChaos(Chaos{Attacks: []string{attack}}); err != nil {
				t.Fatal(err)
			}
			e, fault := r.complete(t, "auth", `{"endUserIp":"192.0.2.1","userVisibleData":"SGVqIMOlw6TDtg=="}`, asa, Approval{})
			err := e.verify(t)
			switch {
			case attack == AttackOtherIP:
				if e.Device.IPAddress == "192.0.2.1" {
					t.Error("the address is the user's")
				}
			case attack == AttackOtherOrderRef:
				if fault != "orderRef" {
					t.Error("the answer names the order")
				}
			case err == nil || !strings.HasPrefix(err.Error(), seen[attack]+":"):
				t.Errorf("got %v, want a fault in %q", err, seen[attack])
			}
		})
	}
}
