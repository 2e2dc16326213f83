package main

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brygga/bankid"
	"brygga/secret"
)

// maxEvidence bounds a file that is read as evidence: a signed text has at most 240 000 characters, in base64 twice.
const maxEvidence = 1 << 20

// verifyFlags are what "brygga bankid verify" is told.
type verifyFlags struct {
	signature, ocsp, root, at, relyingParty, output string
	showPerson                                      bool
}

func newBankIDVerify(h *host) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use: "verify", Short: "Check the signature and OCSP response of one result, without a server or network", Args: cobra.NoArgs,
		Long: "Check a result that BankID gave, from the files it was kept in: the signature as base64 or XML, the OCSP response as base64 or DER,\n" +
			"and the root of people's signatures of its environment as PEM or DER. Each check is told in plain words, with what was expected and\n" +
			"found. What nothing is known to compare with is \"not asked\": give --at and --relying-party to have that compared, too.\n\n" +
			"Personal numbers, names and texts are not shown unless --show-person is given.\n\n" +
			"It ends with 0 when no check refuses the result, with 1 when one does, and with 2 when a file cannot be used.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(f.output); err != nil {
				return err
			}
			r, err := f.verify()
			if err != nil {
				return err
			}
			return r.report(h.out, f.output)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.signature, "signature", "", "`file` with completionData.signature")
	flags.StringVar(&f.ocsp, "ocsp", "", "`file` with completionData.ocspResponse")
	flags.StringVar(&f.root, "root", "", "`file` with the member banks' root")
	flags.StringVar(&f.at, "at", "", "when the order ran, as 2026-01-31T12:00:00Z; two minutes either way pass")
	flags.StringVar(&f.relyingParty, "relying-party", "", "`name` that the result must be signed for, as \"brygga bankid check\" shows it")
	flags.BoolVar(&f.showPerson, "show-person", false, "show who signed, and what")
	outputFlag(cmd, &f.output)
	return cmd
}

// verifyReport is what "brygga bankid verify" found.
type verifyReport struct {
	OK       bool           `json:"ok"`
	SignedAt time.Time      `json:"signed_at,omitzero"`
	Kind     string         `json:"kind,omitempty"`
	Device   string         `json:"device,omitempty"`
	Person   *personReport  `json:"person,omitempty"`
	Checks   []verifiedLine `json:"checks"`
}

type personReport struct {
	PersonalNumber string `json:"personal_number"`
	Name           string `json:"name"`
	Text           string `json:"text,omitempty"`
}

// verifiedLine is one check: its verdict, and what it was about.
type verifiedLine struct {
	Check    string `json:"check"`
	Verdict  string `json:"verdict"` // ok, refused, not asked, not made
	Reason   string `json:"reason,omitempty"`
	Expected string `json:"expected,omitempty"`
	Found    string `json:"found,omitempty"`
}

func (f *verifyFlags) verify() (verifyReport, error) {
	data, verifier, err := f.read()
	if err != nil {
		return verifyReport{}, err
	}
	signed, errSigned := data.Signed()
	data.User = signed.User
	want := bankid.Expected{
		Kind: cmp.Or(signed.Kind, bankid.KindAuth), UserVisibleData: signed.UserVisibleData, UserVisibleDataFormat: signed.UserVisibleDataFormat,
		UserNonVisibleData: signed.UserNonVisibleData, RelyingParty: signed.RelyingParty, StartedAt: signed.At, EndedAt: signed.At,
	}
	if errSigned != nil || want.StartedAt.IsZero() {
		want.StartedAt, want.EndedAt = time.Now(), time.Now()
	}
	if errSigned != nil {
		want.RelyingParty = bankid.RelyingParty{Name: "cn=unknown", DisplayName: "unknown"}
	}
	if f.at != "" {
		if want.StartedAt, err = time.Parse(time.RFC3339, f.at); err != nil {
			return verifyReport{}, fail(exitUsage, "write it as 2026-01-31T12:00:00Z", "--at %q is no time", f.at)
		}
		want.EndedAt = want.StartedAt
	}
	if f.relyingParty != "" {
		want.RelyingParty.Name = f.relyingParty
	}
	evidence, findings, err := verifier.Examine(data, want)
	if err != nil {
		return verifyReport{}, fail(exitUsage, "give --relying-party as \"brygga bankid check\" shows it", "%w", err)
	}
	if signed.At.IsZero() && f.at == "" {
		ofToday(findings)
	}
	return f.told(signed, want, evidence, findings), nil
}

// ofToday says that certificates were judged as they are today, as nothing told when the person signed.
func ofToday(findings []bankid.Finding) {
	for i := range findings {
		if f := &findings[i]; f.Check == bankid.CheckChain && f.Reason != "" {
			f.Reason += ", as far as today's date tells: the OCSP response, which has the time of signing, cannot be read; give --at"
		}
	}
}

// told puts what was found into words.
func (f *verifyFlags) told(signed bankid.Signed, want bankid.Expected, evidence bankid.Evidence, findings []bankid.Finding) verifyReport {
	r := verifyReport{OK: true, SignedAt: signed.At.UTC(), Kind: function(signed.Kind), Device: strings.TrimSpace(evidence.Platform + " " + evidence.PlatformVersion)}
	if f.showPerson {
		r.Person = &personReport{PersonalNumber: signed.User.PersonalNumber.Reveal(), Name: signed.User.Name.Reveal(), Text: signed.UserVisibleData}
	}
	for _, finding := range findings {
		line := verifiedLine{Check: string(finding.Check), Verdict: "ok", Reason: finding.Reason}
		line.Expected, line.Found = f.compared(finding.Check, signed, want, evidence)
		switch {
		case finding.Reason != "":
			line.Verdict, r.OK = "refused", false
		case !finding.Made:
			line.Verdict, line.Expected, line.Found = "not made", "", ""
		case line.Expected == "" && f.silent(finding.Check):
			line.Verdict = "not asked"
		}
		r.Checks = append(r.Checks, line)
	}
	return r
}

// silent reports whether nothing but the result itself says what the check compares with.
func (f *verifyFlags) silent(check bankid.Check) bool {
	switch check {
	case bankid.CheckFunction, bankid.CheckVisibleData, bankid.CheckNonVisibleData, bankid.CheckPerson, bankid.CheckName:
		return true
	case bankid.CheckTime:
		return f.at == ""
	case bankid.CheckRelyingParty:
		return f.relyingParty == ""
	}
	return false
}

// form is what the result must be like, for the checks that compare with nothing of ours.
var form = map[bankid.Check]string{
	bankid.CheckStructure:       "the published form, byte for byte",
	bankid.CheckAlgorithm:       "RSA with SHA-256",
	bankid.CheckDigest:          "SHA-256 of the signed parts",
	bankid.CheckCertificate:     "X.509, RSA of 2048 to 8192 bits",
	bankid.CheckSignature:       "by the key of the person's certificate",
	bankid.CheckOCSPStructure:   "one answer, one certificate, one nonce",
	bankid.CheckChain:           "person, issuer, bank, the root given, valid when it was signed",
	bankid.CheckOCSPResponder:   "appointed by the person's issuer, for OCSP alone",
	bankid.CheckOCSPSignature:   "by the key of the responder",
	bankid.CheckOCSPCertificate: "the person's certificate",
	bankid.CheckOCSPStatus:      "good",
	bankid.CheckNonce:           "SHA-1 of the signature's base64 text",
	bankid.CheckKeyUsage:        "of a person, for this function alone",
	bankid.CheckPolicy:          "a kind of BankID in production or test",
}

// compared returns what a check expected and what it found, without anything of the person.
func (f *verifyFlags) compared(check bankid.Check, signed bankid.Signed, want bankid.Expected, evidence bankid.Evidence) (expected, found string) {
	switch check {
	case bankid.CheckTime:
		if f.at != "" {
			expected = second(want.StartedAt)
		}
		return expected, second(signed.At)
	case bankid.CheckRelyingParty:
		return f.relyingParty, signed.RelyingParty.Name
	case bankid.CheckFunction:
		return "", function(signed.Kind)
	case bankid.CheckPolicy:
		return form[check], evidence.Policy
	case bankid.CheckVisibleData:
		return "", fmt.Sprintf("%d bytes, %s", len(signed.UserVisibleData), cmp.Or(string(signed.UserVisibleDataFormat), "plain text"))
	case bankid.CheckNonVisibleData:
		return "", fmt.Sprintf("%d bytes", len(signed.UserNonVisibleData))
	case bankid.CheckPerson:
		return "", f.person(signed.User.PersonalNumber)
	case bankid.CheckName:
		return "", f.person(signed.User.Name)
	}
	return form[check], ""
}

// second writes a time to the second; the zero time is empty.
func second(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// person returns what may be shown of a value that tells who signed.
func (f *verifyFlags) person(value secret.String) string {
	if f.showPerson {
		return value.Reveal()
	}
	return strings.Repeat("*", len([]rune(value.Reveal())))
}

func function(kind bankid.Kind) string {
	return map[bankid.Kind]string{bankid.KindAuth: "identification", bankid.KindSign: "signature"}[kind]
}

// read returns the evidence and what checks it.
func (f *verifyFlags) read() (*bankid.CompletionData, *bankid.Verifier, error) {
	signature, errSignature := evidenceFile("signature", f.signature, xmlStart)
	ocsp, errOCSP := evidenceFile("ocsp", f.ocsp, []byte{0x30})
	root, errRoot := evidenceFile("root", f.root, nil)
	if err := cmp.Or(errSignature, errOCSP, errRoot); err != nil {
		return nil, nil, err
	}
	text := []byte(root)
	if !strings.Contains(root, "-----BEGIN") {
		text = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: text})
	}
	verifier, err := bankid.NewVerifier(bankid.VerifierOptions{RootsPEM: text, CertificatePolicies: append(bankid.ProductionPolicies(), bankid.TestPolicies()...)})
	if err != nil {
		return nil, nil, fail(exitUsage, "name the member banks' root of the environment with --root", "%s: %w", f.root, err)
	}
	return &bankid.CompletionData{Signature: secret.New(signature), OCSPResponse: secret.New(ocsp)}, verifier, nil
}

// An editor, a terminal or base64 itself may have put a mark before a text, an empty line behind it, or breaks into it. That is no part
// of what BankID sent.
var (
	byteOrderMark = []byte("\xef\xbb\xbf")
	xmlStart      = []byte("<?xml")
)

// evidenceFile reads a file in base64, or in the form that begins with raw, which is put into base64.
func evidenceFile(flag, path string, raw []byte) (string, error) {
	if path == "" {
		return "", fail(exitUsage, "give --"+flag+" FILE", "no file")
	}
	file, err := os.Open(path)
	if err != nil {
		return "", fail(exitUsage, "name a file that can be read with --"+flag, "%w", err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxEvidence+1))
	switch {
	case err != nil:
		return "", fail(exitUsage, "name a file that can be read with --"+flag, "%w", err)
	case len(content) > maxEvidence:
		return "", fail(exitUsage, "look at --"+flag, "%s is too long", path)
	case raw == nil:
		return string(content), nil
	case bytes.HasPrefix(bytes.TrimPrefix(content, byteOrderMark), xmlStart):
		return base64.StdEncoding.EncodeToString(bytes.TrimSpace(bytes.TrimPrefix(content, byteOrderMark))), nil
	case bytes.HasPrefix(content, raw):
		return base64.StdEncoding.EncodeToString(content), nil
	}
	return strings.Join(strings.Fields(string(content)), ""), nil
}

// report shows the report and returns what the command ends with.
func (r verifyReport) report(w io.Writer, output string) error {
	write := r.write
	if output == "json" {
		write = func(w io.Writer) error { return writeJSON(w, r) }
	}
	if err := write(w); err != nil || r.OK {
		return err
	}
	return fail(exitFailure, "each refused check above says what was expected", "the result proves nothing")
}

func (r verifyReport) write(w io.Writer) error {
	lines := [][2]string{{"signed", second(r.SignedAt)}, {"kind", r.Kind}, {"device", r.Device}}
	if r.Person != nil {
		lines = append(lines, [2]string{"personal number", r.Person.PersonalNumber}, [2]string{"name", r.Person.Name}, [2]string{"text", r.Person.Text})
	}
	err := pairs(w, lines...)
	fmt.Fprintln(w)
	lines = nil
	for _, line := range r.Checks {
		var words []string
		for _, part := range [][2]string{{"", line.Reason}, {"expected: ", line.Expected}, {"found: ", line.Found}} {
			if part[1] != "" {
				words = append(words, part[0]+part[1])
			}
		}
		lines = append(lines, [2]string{line.Check, strings.TrimSpace(fmt.Sprintf("%-9s  %s", line.Verdict, strings.Join(words, "; ")))})
	}
	err = errors.Join(err, pairs(w, lines...))
	if r.OK {
		_, errOK := fmt.Fprintln(w, "\nok")
		err = errors.Join(err, errOK)
	}
	return err
}
