package evidence

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/audit/tree"
	"brygga/bankid"
	"brygga/secret"
)

func TestVerify(t *testing.T) {
	s := whole(t)
	text := must(s.file.Text())
	r := Verify(must(Read(text)), s.anchors)
	if !r.OK || !allProven(r) {
		t.Fatalf("got %+v", r)
	}
	for question, want := range map[string][]string{
		"who":                  {s.file.Record.Person.Name.Reveal(), signer},
		"what":                 {`signed the text "Jag köper *en cykel* för 100 kr.\n"`, "simpleMarkdownV1", "11 bytes"},
		"when":                 {r.SignedAt.UTC().Format("2006-01-02 15:04:05 UTC"), "BankID's clock"},
		"for whom":             {"Exempeltjänsten", "cn="},
		"by which certificate": {r.Certificate.SHA256, "named by whoever verifies"},
		"valid then":           {"yes"},
		"which app":            {"Portalen (portal) of https://login.example.se, transaction txn-1"},
		"seen since":           {"the audit log has it", "stamped at", "Stamp Office"},
	} {
		for _, part := range want {
			if got := statement(r, question).Answer; !strings.Contains(got, part) {
				t.Errorf("%s: %q does not say %q", question, got, part)
			}
		}
	}
	var words bytes.Buffer
	if err := r.Write(&words); err != nil || !strings.HasSuffix(words.String(), "ok: no check refuses this evidence\n") {
		t.Errorf("got %v and\n%s", err, words.String())
	}
}

func statement(r *Report, question string) Statement {
	return r.Statements[slices.IndexFunc(r.Statements, func(s Statement) bool { return s.Question == question })]
}

func allProven(r *Report) bool {
	return !slices.ContainsFunc(r.Statements, func(s Statement) bool { return !s.Proven })
}

// TestEveryCheckAnswersAQuestion: no check of a result is made without being told what for.
func TestEveryCheckAnswersAQuestion(t *testing.T) {
	asked := map[string]bool{}
	for _, q := range questions {
		for _, check := range q.checks {
			asked[check] = true
		}
	}
	for _, check := range bankid.Checks() {
		if !asked[string(check)] {
			t.Errorf("the check %s answers no question", check)
		}
	}
}

// TestWithoutAnchors: what nobody has brought from other hands is not proven, and is not refused either, but for the root.
func TestWithoutAnchors(t *testing.T) {
	s := whole(t)
	r := Verify(s.file, Anchors{Roots: s.anchors.Roots})
	if !r.OK || r.Verdict(CheckLog) != NotAsked || r.Verdict(CheckTimeStamp) != NotAsked || statement(r, "which app").Proven || statement(r, "seen since").Proven || !statement(r, "who").Proven {
		t.Errorf("got %+v", r)
	}
	if r = Verify(s.file, Anchors{}); r.OK || r.Verdict(CheckRoot) != Refused || statement(r, "who").Proven {
		t.Errorf("a root that nobody knows: got %+v", r)
	}
	bare := *s.file
	bare.Proof, bare.Stamp = nil, nil
	if r = Verify(&bare, Anchors{Roots: s.anchors.Roots}); !r.OK || r.Verdict(CheckLog) != NotAsked || r.Verdict(CheckTimeStamp) != NotAsked {
		t.Errorf("a file with a record alone: got %+v", r)
	}
	if r = Verify(&bare, s.anchors); r.Verdict(CheckLog) != Refused || r.Verdict(CheckTimeStamp) != Refused {
		t.Errorf("a proof and a stamp that were asked for: got %+v", r)
	}
}

// changes are ways to falsify evidence, each with the check that finds it first.
func changes(t *testing.T, s *sample) map[string]change {
	t.Helper()
	other := whole(t)
	in := func(do func(*Record)) *File { return s.with(do) }
	signature := func(old, new string) func(*Record) {
		return func(r *Record) {
			r.Signature = replaced(r.Signature, func(text string) string {
				xml := string(must(base64.StdEncoding.DecodeString(text)))
				if !strings.Contains(xml, old) {
					t.Fatalf("the signature has no %q", old)
				}
				return base64.StdEncoding.EncodeToString([]byte(strings.Replace(xml, old, new, 1)))
			})
		}
	}
	encoded := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	flipped := func(in secret.String, at float64) secret.String {
		return replaced(in, func(text string) string {
			raw := must(base64.StdEncoding.DecodeString(text))
			raw[int(at*float64(len(raw)-1))] ^= 1
			return base64.StdEncoding.EncodeToString(raw)
		})
	}
	text := s.file.Record.Sent.UserVisibleData
	all := map[string]change{
		"another text":           {in(func(r *Record) { r.Sent.UserVisibleData = "Jag köper två cyklar." }), bankid.CheckVisibleData},
		"one byte of the text":   {in(func(r *Record) { r.Sent.UserVisibleData = strings.Replace(text, "100", "900", 1) }), bankid.CheckVisibleData},
		"no text":                {in(func(r *Record) { r.Sent.UserVisibleData = "" }), bankid.CheckVisibleData},
		"a line's end less":      {in(func(r *Record) { r.Sent.UserVisibleData = strings.TrimSpace(text) }), bankid.CheckVisibleData},
		"another format":         {in(func(r *Record) { r.Sent.UserVisibleDataFormat = bankid.FormatPlainText }), bankid.CheckVisibleData},
		"other data":             {in(func(r *Record) { r.Sent.UserNonVisibleData = []byte("contract 18") }), bankid.CheckNonVisibleData},
		"no data":                {in(func(r *Record) { r.Sent.UserNonVisibleData = nil }), bankid.CheckNonVisibleData},
		"an identification":      {in(func(r *Record) { r.Sent.Kind = bankid.KindAuth }), bankid.CheckFunction},
		"no kind":                {in(func(r *Record) { r.Sent.Kind = "" }), CheckRecord},
		"another kind of BankID": {in(func(r *Record) { r.Sent.CertificatePolicies = []string{bankid.PolicyTestOnCard} }), bankid.CheckPolicy},
		"another relying party":  {in(func(r *Record) { r.Sent.RelyingParty.DisplayName = "En annan tjänst" }), bankid.CheckRelyingParty},
		"another holder":         {in(func(r *Record) { r.Sent.RelyingParty.Name = "cn=x,c=SE" }), bankid.CheckRelyingParty},
		"no relying party":       {in(func(r *Record) { r.Sent.RelyingParty = bankid.RelyingParty{} }), CheckRecord},
		"started later": {in(func(r *Record) {
			r.Sent.StartedAt = r.Sent.StartedAt.Add(5 * time.Minute)
			r.Sent.EndedAt = r.Sent.EndedAt.Add(5 * time.Minute)
		}), bankid.CheckTime},
		"ended earlier": {in(func(r *Record) {
			r.Sent.StartedAt = r.Sent.StartedAt.Add(-50 * time.Minute)
			r.Sent.EndedAt = r.Sent.EndedAt.Add(-5 * time.Minute)
		}), bankid.CheckTime},
		"never started":                 {in(func(r *Record) { r.Sent.StartedAt = time.Time{} }), CheckRecord},
		"ended before it started":       {in(func(r *Record) { r.Sent.EndedAt = r.Sent.StartedAt.Add(-time.Second) }), CheckRecord},
		"ran for a year":                {in(func(r *Record) { r.Sent.StartedAt = r.Sent.StartedAt.AddDate(-1, 0, 0) }), CheckRecord},
		"another person":                {in(func(r *Record) { r.Person.PersonalNumber = secret.New("199001012385") }), bankid.CheckPerson},
		"another name":                  {in(func(r *Record) { r.Person.Name = secret.New("Eva Ek") }), bankid.CheckName},
		"another given name":            {in(func(r *Record) { r.Person.GivenName = secret.New("Eva") }), bankid.CheckName},
		"another surname":               {in(func(r *Record) { r.Person.Surname = secret.New("Ek") }), bankid.CheckName},
		"another client":                {in(func(r *Record) { r.Client.ID = "shop" }), CheckLog},
		"another client's name":         {in(func(r *Record) { r.Client.Name = "Butiken" }), CheckLog},
		"no client":                     {in(func(r *Record) { r.Client.ID = "" }), CheckRecord},
		"another transaction":           {in(func(r *Record) { r.Transaction = "txn-2" }), CheckLog},
		"another installation":          {in(func(r *Record) { r.Issuer = "https://other.example.se" }), CheckLog},
		"another ID":                    {in(func(r *Record) { r.ID = "0194" }), CheckLog},
		"some seconds":                  {in(func(r *Record) { r.Sent.StartedAt = r.Sent.StartedAt.Add(-time.Second) }), CheckLog},
		"another method":                {in(func(r *Record) { r.Method = "netid" }), CheckRecord},
		"no signature":                  {in(func(r *Record) { r.Signature = secret.String{} }), bankid.CheckStructure},
		"half a signature":              {in(func(r *Record) { r.Signature = replaced(r.Signature, func(s string) string { return s[:len(s)/8*4] }) }), bankid.CheckStructure},
		"another's signature":           {in(func(r *Record) { r.Signature = other.file.Record.Signature }), bankid.CheckNonce},
		"another's answer":              {in(func(r *Record) { r.OCSPResponse = other.file.Record.OCSPResponse }), bankid.CheckNonce},
		"text changed in the signature": {in(signature(encoded(text), encoded(strings.Replace(text, "100", "900", 1)))), bankid.CheckDigest},
		"data changed in the signature": {in(signature(encoded("contract 17"), encoded("contract 18"))), bankid.CheckDigest},
		"function in the signature":     {in(signature("Signing", "Identification")), bankid.CheckDigest},
		"another algorithm":             {in(signature("rsa-sha256", "rsa-sha1")), bankid.CheckAlgorithm},
		"a space in the signature":      {in(signature("</SignedInfo>", " </SignedInfo>")), bankid.CheckStructure},
		"something after the signature": {in(func(r *Record) {
			r.Signature = replaced(r.Signature, func(s string) string { return encoded(string(must(base64.StdEncoding.DecodeString(s))) + "<x/>") })
		}), bankid.CheckStructure},
		"no answer":              {in(func(r *Record) { r.OCSPResponse = secret.String{} }), bankid.CheckOCSPStructure},
		"the answer's first bit": {in(func(r *Record) { r.OCSPResponse = flipped(r.OCSPResponse, 0) }), bankid.CheckOCSPStructure},
		"the answer's last bit":  {in(func(r *Record) { r.OCSPResponse = flipped(r.OCSPResponse, 1) }), bankid.CheckOCSPResponder},
		"no root":                {in(func(r *Record) { r.Root = nil }), CheckRoot},
		"another root":           {in(func(r *Record) { r.Root = s.office.root.Raw }), CheckRoot},
		"a person's certificate as root": {in(func(r *Record) {
			r.Root = must((&bankid.CompletionData{Signature: r.Signature}).Certificate()).Raw
		}), CheckRoot},
		"another record's proof":    {s.whose(func(f *File) { f.Proof = other.file.Proof }), CheckLog},
		"an event of another app":   {s.whose(func(f *File) { f.Proof = s.log.prove(t, f.Line, s.but("CLIENT_ID", "shop")) }), CheckLog},
		"an event of another login": {s.whose(func(f *File) { f.Proof = s.log.prove(t, f.Line, s.but("TXN", "txn-2")) }), CheckLog},
		"an event without the hash": {s.whose(func(f *File) { f.Proof = s.log.prove(t, f.Line, s.but(HashField, "")) }), CheckLog},
		"the proof's event": {s.proof(func(p *tree.Proof) {
			p.Events[0].Text = strings.Replace(p.Events[0].Text, "WEB_100002", "WEB_100003", 1)
		}), CheckLog},
		"the proof's place":      {s.proof(func(p *tree.Proof) { p.Events[0].Index++ }), CheckLog},
		"the proof's path":       {s.proof(func(p *tree.Proof) { p.Events[0].Path[0][0] ^= 1 }), CheckLog},
		"the proof's checkpoint": {s.proof(func(p *tree.Proof) { p.Checkpoint = strings.Replace(p.Checkpoint, "\n5\n", "\n6\n", 1) }), CheckLog},
		"no proof":               {s.whose(func(f *File) { f.Proof = nil }), CheckLog},
		"a proof by another key": {s.whose(func(f *File) {
			f.Proof = newLog(t).prove(t, f.Line, fieldsOf(f.Record, f.Line))
		}), CheckLog},
		"another record's stamp": {s.whose(func(f *File) { f.Stamp = s.office.stamp(other.file.Line) }), CheckTimeStamp},
		"another office's stamp": {s.whose(func(f *File) { f.Stamp = newAuthority(x509.ExtKeyUsageTimeStamping, true).stamp(f.Line) }), CheckTimeStamp},
		"a stamp by a server's certificate": {s.whose(func(f *File) {
			f.Stamp = s.office.another(x509.ExtKeyUsageServerAuth, true).stamp(f.Line)
		}), CheckTimeStamp},
		"a stamp by a certificate that need not be for stamps": {s.whose(func(f *File) {
			f.Stamp = s.office.another(x509.ExtKeyUsageTimeStamping, false).stamp(f.Line)
		}), CheckTimeStamp},
		"a bit of the stamp": {s.whose(func(f *File) { f.Stamp = bytes.Clone(f.Stamp); f.Stamp[len(f.Stamp)/2] ^= 1 }), CheckTimeStamp},
		"no stamp":           {s.whose(func(f *File) { f.Stamp = nil }), CheckTimeStamp},
	}
	return all
}

// change is falsified evidence with the check that refuses it.
type change struct {
	file  *File
	check bankid.Check
}

func (s *sample) whose(do func(*File)) *File {
	file := *s.file
	do(&file)
	return &file
}

func (s *sample) proof(do func(*tree.Proof)) *File {
	return s.whose(func(f *File) {
		proof := *f.Proof
		proof.Events = slices.Clone(proof.Events)
		proof.Events[0].Path = slices.Clone(proof.Events[0].Path)
		do(&proof)
		f.Proof = &proof
	})
}

func (s *sample) but(field, value string) map[string]string {
	fields := fieldsOf(s.file.Record, s.file.Line)
	fields[field] = value
	return fields
}

func TestEveryChangeIsRefused(t *testing.T) {
	s := whole(t)
	all := changes(t, s)
	if len(all) < 50 {
		t.Fatalf("only %d changes", len(all))
	}
	for name, c := range all {
		r := Verify(c.file, s.anchors)
		if r.OK || r.Verdict(string(c.check)) != Refused {
			t.Errorf("%s: got %t with %s, want it refused by %s; %+v", name, r.OK, r.Verdict(string(c.check)), c.check, r.Findings)
		}
	}
}

// TestStampsThatProveNothing: a stamp that others could have made proves no time, and one that is none costs nobody seconds to refuse.
func TestStampsThatProveNothing(t *testing.T) {
	s := whole(t)
	levels := []byte{5, 0}
	for range 10_000 {
		levels = must(asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: levels}))
	}
	for name, c := range map[string]struct {
		stamp  []byte
		reason string
	}{
		"signed over SHA-1": {s.office.stampBy(s.file.Line, crypto.SHA1), "forged"},
		"levels alone":      {levels, "no time stamp"},
	} {
		r := Verify(s.whose(func(f *File) { f.Stamp = c.stamp }), s.anchors)
		i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Check == CheckTimeStamp })
		if r.OK || i < 0 || r.Findings[i].Verdict != Refused || !strings.Contains(r.Findings[i].Reason, c.reason) {
			t.Errorf("%s: %+v", name, r.Findings)
		}
	}
}

// TestUnusable are texts that are no evidence, each with a word of the reason.
func TestUnusable(t *testing.T) {
	s := whole(t)
	text := string(must(s.file.Text()))
	head, line, _ := strings.Cut(text, "\n")
	swap := func(old, new string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("the file has no %q", old)
		}
		return strings.Replace(text, old, new, 1)
	}
	for name, c := range map[string]struct{ text, reason string }{
		"nothing":                 {"", "cut"},
		"half":                    {text[:len(text)/2], "cut"},
		"without its end":         {strings.TrimSuffix(text, "\n"), "cut"},
		"no head":                 {line + line, "does not begin"},
		"no record":               {head + "\n\n", "no JSON"},
		"another format":          {swap("brygga evidence 1", "brygga evidence 2"), "does not begin"},
		"another record's format": {swap(recordFormat, "brygga evidence record 2"), "is no"},
		"something more":          {text + "{}\n", "follows"},
		"a member twice":          {swap(`{"format":"brygga evidence record 1"`, `{"format":"brygga evidence record 1","id":"1"`), "was changed"},
		"a member in capitals":    {swap(`"client_id"`, `"Client_ID"`), "was changed"},
		"a member more":           {swap(`"txn":`, `"note":"x","txn":`), "was changed"},
		"a space":                 {swap(`"txn":`, ` "txn":`), "was changed"},
		"an escape":               {swap(`"txn":"txn-1"`, `"txn":"\u0074xn-1"`), "was changed"},
		"another zone":            {swap(`Z","ended_at"`, `+00:00","ended_at"`), "was changed"},
		"a list":                  {swap(`"proof":{`, `"proof":[{`), "does not begin"},
		"HTML":                    {"<!doctype html>\n<p>404</p>\n", "does not begin"},
	} {
		if _, err := Read([]byte(c.text)); !errors.Is(err, ErrUnusable) || !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%s: got %v, want ErrUnusable with %q", name, err, c.reason)
		}
	}
}

// TestTerminal: a falsified record says its words, and gives the terminal no orders.
func TestTerminal(t *testing.T) {
	s := whole(t)
	f := s.with(func(r *Record) {
		r.ID, r.Client.Name, r.Transaction = "\x1b[2J", "\x1b]0;x\a", "a\nok: no check refuses this evidence"
		r.Person.Name, r.Sent.RelyingParty.DisplayName = secret.New("\u202eEva"), "a\rb"
	})
	var words bytes.Buffer
	if err := Verify(f, s.anchors).Write(&words); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(words.String(), "\x1b\a\r\u202e") || strings.Contains(words.String(), "\nok:") {
		t.Errorf("got %q", words.String())
	}
}

// TestEveryByteCounts flips a bit of each byte of a record in turn: it is no record then, or is refused.
func TestEveryByteCounts(t *testing.T) {
	for _, s := range []*sample{whole(t), wholeOf(t, paid(t, bought, ""))} {
		text := must(s.file.Text())
		start := bytes.IndexByte(text, '\n') + 1
		for i := start; i < len(text)-1; i += 7 { // a prime number visits each of base64's four places
			changed := bytes.Clone(text)
			changed[i] ^= 1
			f, err := Read(changed)
			if err == nil && Verify(f, Anchors{Roots: s.anchors.Roots, AuditKey: s.anchors.AuditKey}).OK {
				t.Fatalf("byte %d of the record may be changed from %q to %q", i-start, text[i], changed[i])
			}
		}
	}
}

// TestOldEvidenceStaysReadable: a file of the first form, made once and kept, is believed for ever.
func TestOldEvidenceStaysReadable(t *testing.T) {
	for name, want := range map[string]string{"signature-1.evidence": "signed the text", "payment-1.evidence": "approved a payment by card of 4999,50 SEK"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		f := must(Read(text))
		root := must(x509.ParseCertificate(f.Record.Root))
		r := Verify(f, Anchors{Roots: []*x509.Certificate{root}, AuditKey: f.Proof.Key})
		if what := statement(r, "what"); !r.OK || !statement(r, "which app").Proven || !what.Proven || !strings.HasPrefix(what.Answer, want) {
			t.Errorf("%s: evidence of the first form is not believed any longer: %q, %+v", name, what.Answer, r.Findings)
		}
	}
}

func FuzzRead(f *testing.F) {
	text := must(os.ReadFile(filepath.Join("testdata", "signature-1.evidence")))
	f.Add(text)
	f.Add([]byte("{}\n{}\n"))
	f.Add(must(os.ReadFile(filepath.Join("testdata", "payment-1.evidence"))))
	genuine := must(Read(text))
	anchors := Anchors{Roots: []*x509.Certificate{must(x509.ParseCertificate(genuine.Record.Root))}, AuditKey: genuine.Proof.Key}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Read(text)
		if err != nil {
			return
		}
		if Verify(file, anchors).OK && !bytes.Equal(file.Line, genuine.Line) {
			t.Error("somebody else's record is believed")
		}
	})
}

// TestSignatureIn: what is read alone is what a whole reading finds.
func TestSignatureIn(t *testing.T) {
	file := whole(t).file
	got, err := SignatureIn(file.Line)
	if err != nil || got.IsZero() || got.Reveal() != file.Record.Signature.Reveal() {
		t.Errorf("read %d bytes, %v", len(got.Reveal()), err)
	}
	for _, line := range []string{"", "{}", `{"format":"another","result":{"signature":"x"}}`} {
		if _, err := SignatureIn([]byte(line)); !errors.Is(err, ErrUnusable) {
			t.Errorf("%q: %v", line, err)
		}
	}
}
