package netid_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"brygga/netid"
	"brygga/netid/netidsim"
	"brygga/secret"
)

// run runs a program by others: Debian's, which "make needs" installs.
func run(t *testing.T, stdin []byte, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var out, faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &faults
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, faults.String())
	}
	return out.Bytes()
}

func write(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var schemaOf = regexp.MustCompile(`(?s)<s:schema.*</s:schema>`)

// TestMessagesFitTheSchema has xmllint hold what we send, and what the simulator answers, against the schema in the WSDL of each version.
func TestMessagesFitTheSchema(t *testing.T) {
	for version := 1; version <= 2; version++ {
		h := open(t, netidsim.Options{Settings: set(func(c *netidsim.Settings) { c.Version = version })}, func(o *netid.Options) {
			if version == 2 {
				o.SOAP, o.ServiceOptions = netid.SOAP12, "a=b"
			}
		})
		h.register()
		order := h.begin(astrid)
		h.collect(order)
		h.sign(order, astrid)
		h.collect(order)
		h.begin("")
		if _, err := h.api.Sign(t.Context(), netid.SignRequest{AuthenticateRequest: netid.AuthenticateRequest{NonVisible: nonce, EndUserInfo: "x"}, Visible: "<å>\n&"}); err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(schemaOf.FindString(h.sim.WSDL("https://nias.example/")), "<s:schema ",
			`<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema" xmlns:tns="http://netid.secmaker.com/nias/" `, 1)
		schema := write(t, "nias.xsd", []byte(text))
		messages := h.sent()
		for i, message := range messages {
			path := write(t, fmt.Sprintf("%d.xml", i), bodyOf(t, message))
			run(t, nil, "xmllint", "--noout", "--nonet", "--schema", schema, path)
		}
		if len(messages) != 12 {
			t.Errorf("%d messages were looked at", len(messages))
		}
	}
}

// bodyOf returns what stands in the body of a message.
func bodyOf(t *testing.T, message []byte) []byte {
	t.Helper()
	var envelope struct {
		Body struct {
			Inner []byte `xml:",innerxml"`
		} `xml:"Body"`
	}
	if err := xml.Unmarshal(message, &envelope); err != nil {
		t.Fatalf("%v in %s", err, message)
	}
	return envelope.Body.Inner
}

// zeepAnswer is what testdata/zeep_client.py says of one binding.
type zeepAnswer struct {
	Caller, Name, Signature, OCSPResponse, Certificate, Refusal string
	Statuses                                                    []string
	Nil                                                         bool
}

// TestClientByOthers has zeep log somebody in, by nothing but the WSDL.
func TestClientByOthers(t *testing.T) {
	for version := 1; version <= 2; version++ {
		h := open(t, netidsim.Options{Settings: set(func(c *netidsim.Settings) { c.Version = version })}, nil)
		if err := h.sim.Script(astrid, []string{"OUTSTANDING_TRANSACTION", "USER_SIGN", "COMPLETE"}); err != nil {
			t.Fatal(err)
		}
		certificate := h.sim.ClientCertificate()
		out := run(t, nil, "/usr/bin/python3", "testdata/zeep_client.py", h.options.URL+"?WSDL", write(t, "ca.pem", h.sim.ServerRootPEM()),
			write(t, "client.pem", certificate.CertPEM), write(t, "key.pem", certificate.KeyPEM), astrid)
		var answers map[string]zeepAnswer
		if err := json.Unmarshal(out, &answers); err != nil {
			t.Fatal(err)
		}
		for _, port := range []string{"NetiDAccessServerSoap", "NetiDAccessServerSoap12"} {
			a := answers[port]
			if a.Caller != "Zeep" || a.Name != "Astrid Provsson" || a.Refusal != "UNKNOWN_USER" || !a.Nil ||
				!slices.Equal(a.Statuses, []string{"OUTSTANDING_TRANSACTION", "USER_SIGN", "COMPLETE"}) {
				t.Errorf("version %d, %s: %+v", version, port, a)
			}
			verifyByOpenSSL(t, h.sim, a.Signature, a.OCSPResponse, a.Certificate, "bm9uY2U=")
		}
	}
}

// verifyByOpenSSL has OpenSSL verify a result as netid does: who signed what, by which issuer, and that the certificate was good.
func verifyByOpenSSL(t *testing.T, sim *netidsim.Simulator, signature, response, certificate, content string) {
	t.Helper()
	issuer := write(t, "issuer.pem", sim.IssuerPEM())
	signed := run(t, raw(t, signature), "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-CAfile", issuer, "-purpose", "sslclient")
	if string(signed) != content {
		t.Errorf("OpenSSL reads %q", signed)
	}
	cert := write(t, "cert.pem", run(t, raw(t, certificate), "openssl", "x509", "-inform", "DER"))
	said := run(t, nil, "openssl", "ocsp", "-respin", write(t, "response.der", raw(t, response)), "-CAfile", issuer, "-issuer", issuer, "-cert", cert, "-no_nonce")
	if !bytes.Contains(said, []byte(": good")) {
		t.Errorf("OpenSSL says %s", said)
	}
}

func raw(t *testing.T, text string) []byte {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestOpenSSLAgrees has OpenSSL verify a signature that netid took, and refuse one that netid refused.
func TestOpenSSLAgrees(t *testing.T) {
	h := open(t, netidsim.Options{}, nil)
	order, err := h.api.Sign(t.Context(), netid.SignRequest{
		AuthenticateRequest: netid.AuthenticateRequest{UserID: secret.New(kim), NonVisible: nonce}, Visible: "Jag godkänner.",
	})
	if err != nil {
		t.Fatal(err)
	}
	h.sign(order, kim)
	r := h.collect(order).Result
	if _, err := h.verifier(nil).Verify(r, expected(order, kim)); err != nil {
		t.Fatal(err)
	}
	verifyByOpenSSL(t, h.sim, r.Signature.Reveal(), r.OCSPResponse.Reveal(), r.User.Certificate.Reveal(), "Jag godkänner."+nonce)

	if err := h.sim.SetChaos(netidsim.Chaos{Attacks: []string{netidsim.AttackOtherIssuer}}); err != nil {
		t.Fatal(err)
	}
	order = h.begin(kim)
	h.sign(order, kim)
	cmd := exec.CommandContext(t.Context(), "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-CAfile", write(t, "issuer.pem", h.sim.IssuerPEM()), "-purpose", "any")
	cmd.Stdin = bytes.NewReader(raw(t, h.collect(order).Result.Signature.Reveal()))
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("OpenSSL takes another issuer's card: %s", out)
	}
}
