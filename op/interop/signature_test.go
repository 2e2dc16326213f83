package interop

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// signature has a person sign a text for a client that is made of jose, and holds what the client was handed against OpenSSL, which knows nothing of
// BankID: the digest of what was signed, the signature, the chain to the root, and the OCSP response.
func signature(t *testing.T, p *provider) {
	key, jwks := newKey(t)
	p.register(t, "signer", "--redirect-uri", redirectURI, "--auth-method", "private_key_jwt", "--jwks-file", jwks, "--scope", "https://id.oidc.se/scope/sign")
	r, b := runNode(t, p, "signature.mjs", settings{Issuer: p.issuer, ClientID: "signer", RedirectURI: redirectURI, Scope: "openid https://id.oidc.se/scope/sign", Key: key})
	if r.Claims["personalNumber"] != b.person || r.Userinfo["personalNumber"] != b.person {
		t.Errorf("signed by %v, userinfo is of %v, want %s", r.Claims["personalNumber"], r.Userinfo["personalNumber"], b.person)
	}
	s := signedFiles(t, p, r.Claims)
	s.checkDigests()
	s.checkSignature()
	s.checkOCSP()
	if person := s.openssl("x509", "-in", "leaf.pem", "-noout", "-subject", "-nameopt", "RFC2253"); !strings.Contains(person, "serialNumber="+b.person) && !strings.Contains(person, hex.EncodeToString([]byte(b.person))) {
		t.Errorf("the certificate is of %s", person)
	}
}

// signed is a signature with its parts in files, for OpenSSL.
type signed struct {
	t          *testing.T
	dir        string
	xml, token string
}

// The parts of a BankID signature. It is written so that the canonical form of each is the text itself.
var (
	xmlInfo   = regexp.MustCompile(`(?s)<SignedInfo .*</SignedInfo>`)
	xmlKeys   = regexp.MustCompile(`(?s)<KeyInfo .*</KeyInfo>`)
	xmlData   = regexp.MustCompile(`(?s)<bankIdSignedData .*</bankIdSignedData>`)
	xmlDigest = regexp.MustCompile(`<DigestValue>([^<]*)</DigestValue>`)
	xmlValue  = regexp.MustCompile(`<SignatureValue>([^<]*)</SignatureValue>`)
	xmlCert   = regexp.MustCompile(`<X509Certificate>([^<]*)</X509Certificate>`)
)

func signedFiles(t *testing.T, p *provider, claims map[string]any) *signed {
	t.Helper()
	token, _ := claims["https://id.oidc.se/claim/userSignature"].(string)
	s := &signed{t: t, dir: t.TempDir(), token: token}
	s.xml = string(s.decode(token))
	s.write("info", xmlInfo.FindString(s.xml))
	s.write("keys", xmlKeys.FindString(s.xml))
	s.write("data", xmlData.FindString(s.xml))
	s.write("value", string(s.decode(part(xmlValue, s.xml))))
	certificates := xmlCert.FindAllStringSubmatch(s.xml, -1)
	if len(certificates) != 3 {
		t.Fatalf("the signature has %d certificates", len(certificates))
	}
	chain := ""
	for i, name := range []string{"leaf.pem", "issuer.pem", "bank.pem"} {
		s.write("der", string(s.decode(certificates[i][1])))
		s.openssl("x509", "-inform", "DER", "-in", "der", "-out", name)
		chain += map[bool]string{true: s.read(name)}[i > 0]
	}
	s.write("chain.pem", chain)
	if mine, _ := claims["https://id.oidc.se/claim/userCertificate"].(string); mine != certificates[0][1] {
		t.Error("the claim userCertificate is not the certificate of the signature")
	}
	evidence, _ := claims["https://id.oidc.se/claim/authnEvidence"].(string)
	s.write("ocsp", string(s.decode(evidence)))
	response, err := http.Get(p.phone + "/certificates/signature-root.pem")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	root, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("the root of signatures: %s, %v", response.Status, err)
	}
	s.write("root.pem", string(root))
	return s
}

// checkDigests holds the digests in the signature against those of the parts that they are of.
func (s *signed) checkDigests() {
	digests := xmlDigest.FindAllStringSubmatch(s.read("info"), -1)
	if len(digests) != 2 {
		s.t.Fatalf("the signature has %d digests", len(digests))
	}
	for i, file := range []string{"data", "keys"} {
		want := hex.EncodeToString(s.decode(digests[i][1]))
		if got := s.openssl("dgst", "-sha256", "-r", file); !strings.HasPrefix(got, want) {
			s.t.Errorf("the digest of %s is %s, want %s", file, got, want)
		}
	}
}

// checkSignature verifies the signature by the person's key, and the chain of the certificate to the root.
func (s *signed) checkSignature() {
	s.write("key.pem", s.openssl("x509", "-in", "leaf.pem", "-noout", "-pubkey"))
	if got := s.openssl("dgst", "-sha256", "-verify", "key.pem", "-signature", "value", "info"); !strings.Contains(got, "Verified OK") {
		s.t.Errorf("the signature: %s", got)
	}
	if got := s.openssl("verify", "-CAfile", "root.pem", "-untrusted", "chain.pem", "leaf.pem"); !strings.Contains(got, "leaf.pem: OK") {
		s.t.Errorf("the chain: %s", got)
	}
	s.write("info", strings.Replace(s.read("info"), "bidSignedData", "bidSignedDatA", 1))
	if out, err := s.run("dgst", "-sha256", "-verify", "key.pem", "-signature", "value", "info"); err == nil {
		s.t.Errorf("a signature of another text: %s", out)
	}
}

// checkOCSP verifies the OCSP response, that it says of the person's certificate that it was good, and that it was asked for this signature: its
// nonce holds the SHA-1 of the signature as it was handed out (BankID: signature verification).
func (s *signed) checkOCSP() {
	got := s.openssl("ocsp", "-respin", "ocsp", "-issuer", "issuer.pem", "-cert", "leaf.pem", "-CAfile", "root.pem", "-verify_other", "chain.pem", "-no_nonce", "-validity_period", "600", "-resp_text")
	if !strings.Contains(got, "Response verify OK") || !strings.Contains(got, "leaf.pem: good") {
		s.t.Errorf("the OCSP response: %s", got)
	}
	sum := sha1.Sum([]byte(s.token))
	nonce := part(regexp.MustCompile(`OCSP Nonce:[^\n]*\n *([0-9A-F]+)\n`), got)
	if !strings.HasPrefix(nonce, strings.ToUpper(hex.EncodeToString(sum[:]))) {
		s.t.Errorf("the nonce of the OCSP response is %q, without %X", nonce, sum)
	}
}

func part(pattern *regexp.Regexp, text string) string {
	if found := pattern.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return ""
}

func (s *signed) decode(text string) []byte {
	s.t.Helper()
	plain, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(plain) == 0 {
		s.t.Fatalf("%d bytes of base64, %v", len(text), err)
	}
	return plain
}

func (s *signed) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil || text == "" {
		s.t.Fatalf("write %s of %d bytes: %v", name, len(text), err)
	}
}

func (s *signed) read(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *signed) openssl(arguments ...string) string {
	s.t.Helper()
	out, err := s.run(arguments...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *signed) run(arguments ...string) (string, error) {
	cmd := exec.CommandContext(s.t.Context(), "openssl", arguments...)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("openssl %s: %w: %s", strings.Join(arguments, " "), err, out)
	}
	return string(out), err
}
