package evidence

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"brygga/bankid"
)

// Report is what a file proves, and what came of each check.
type Report struct {
	ID     string `json:"id"`
	SHA256 string `json:"sha256"` // of the record, as the audit log names it
	// OK is whether no check refuses the file. What the statements say is then proven, but for those that say themselves that they are not.
	OK         bool        `json:"ok"`
	Statements []Statement `json:"statements"`
	Findings   []Finding   `json:"checks"`

	Environment bankid.Environment `json:"environment,omitempty"`
	SignedAt    time.Time          `json:"signed_at,omitzero"` // by the eID service's clock
	Certificate Certificate        `json:"certificate"`
	Root        Certificate        `json:"root"`
	Policy      string             `json:"policy,omitempty"`
	Logged      *Logged            `json:"audit_event,omitempty"`
	Stamp       *Stamp             `json:"time_stamp,omitempty"`

	record *Record
}

// Certificate describes one.
type Certificate struct {
	Holder    string    `json:"holder"`
	Issuer    string    `json:"issuer,omitempty"`
	SHA256    string    `json:"sha256"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
}

// Logged is the audit event that names the record, and how many events the log had when it was proven.
type Logged struct {
	Event  string    `json:"id"`
	Type   string    `json:"type"`
	Time   time.Time `json:"time"`
	Events int64     `json:"events"`
}

// Stamp is a time stamp.
type Stamp struct {
	Time      time.Time `json:"time"`
	Authority string    `json:"authority"`
}

// Statement is one thing that the file says, in plain words, and the checks that prove it.
type Statement struct {
	Question string   `json:"question"`
	Answer   string   `json:"answer"`
	Proven   bool     `json:"proven"`
	Checks   []string `json:"checks"`
}

func (r *Report) add(check, reason string) {
	verdict := Passed
	if reason != "" {
		verdict = Refused
	}
	r.Findings = append(r.Findings, Finding{check, verdict, reason})
}

// refuse makes a check that had passed refuse the file.
func (r *Report) refuse(check, reason string) {
	for i := range r.Findings {
		if r.Findings[i].Check == check && r.Findings[i].Verdict == Passed {
			r.Findings[i] = Finding{check, Refused, reason}
		}
	}
}

// Verdict returns what came of a check, and NotMade for one that is none.
func (r *Report) Verdict(check string) Verdict {
	for _, f := range r.Findings {
		if f.Check == check {
			return f.Verdict
		}
	}
	return NotMade
}

// question is a statement that is still to be answered: which checks prove it.
type question struct {
	words  string
	answer func(*Report) string
	checks []string
}

func checks(named ...bankid.Check) (all []string) {
	for _, check := range named {
		all = append(all, string(check))
	}
	return append(all, CheckRecord, CheckRoot)
}

// questions are what a reader of evidence wants to know. Every check of bankid stands with one of them.
var questions = []question{
	{"who", (*Report).who, checks(bankid.CheckSignature, bankid.CheckCertificate, bankid.CheckChain, bankid.CheckKeyUsage, bankid.CheckPerson, bankid.CheckName)},
	{"what", (*Report).what, checks(bankid.CheckStructure, bankid.CheckAlgorithm, bankid.CheckDigest, bankid.CheckSignature, bankid.CheckFunction, bankid.CheckVisibleData, bankid.CheckNonVisibleData)},
	{"when", (*Report).when, checks(bankid.CheckOCSPStructure, bankid.CheckOCSPSignature, bankid.CheckNonce, bankid.CheckTime)},
	{"for whom", (*Report).forWhom, checks(bankid.CheckSignature, bankid.CheckDigest, bankid.CheckRelyingParty)},
	{"by which certificate", (*Report).byWhich, checks(bankid.CheckCertificate, bankid.CheckChain, bankid.CheckPolicy)},
	{"valid then", (*Report).validThen, checks(bankid.CheckChain, bankid.CheckOCSPStructure, bankid.CheckOCSPResponder, bankid.CheckOCSPSignature, bankid.CheckOCSPCertificate, bankid.CheckOCSPStatus, bankid.CheckNonce)},
	{"which app", (*Report).whichApp, []string{CheckRecord, CheckLog}},
	{"seen since", (*Report).seenSince, []string{CheckRecord, CheckTimeStamp}},
}

// paymentQuestions are those of a payment: what it was is proven by what was signed along.
func paymentQuestions() []question {
	all := slices.Clone(questions)
	for i := range all {
		if all[i].words == "what" {
			all[i].checks = append(slices.Clone(all[i].checks), CheckPayment)
		}
	}
	return all
}

// conclude says what all of it comes to.
func (r *Report) conclude() {
	r.OK = !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Verdict == Refused || f.Verdict == NotMade })
	asked := questions
	switch {
	case r.record.NetID != nil:
		asked = netIDQuestions
	case r.record.Payment != nil:
		asked = paymentQuestions()
	}
	for _, q := range asked {
		s := Statement{Question: q.words, Answer: printable(q.answer(r)), Proven: true, Checks: q.checks}
		for _, check := range q.checks {
			s.Proven = s.Proven && r.Verdict(check) == Passed
		}
		r.Statements = append(r.Statements, s)
	}
}

func (r *Report) who() string {
	if r.record.NetID != nil {
		return fmt.Sprintf("%s, known as %s", r.record.Person.Name.Reveal(), r.record.Person.PersonalNumber.Reveal())
	}
	return fmt.Sprintf("%s, personal number %s", r.record.Person.Name.Reveal(), r.record.Person.PersonalNumber.Reveal())
}

func (r *Report) signing() bool {
	return r.record.Sent.Kind == bankid.KindSign || r.record.Sent.Kind == bankid.KindPhoneSign
}

func (r *Report) what() string {
	sent := &r.record.Sent
	words := "identified themselves"
	switch {
	case r.record.Payment != nil:
		words = approved(r.record.Payment)
	case r.signing():
		words = "signed"
	}
	switch {
	case sent.UserVisibleData == "" && r.record.Payment != nil:
	case sent.UserVisibleData == "":
		words += "; the app showed no text"
	case r.signing():
		words += fmt.Sprintf(" the text %q", sent.UserVisibleData)
	default:
		words += fmt.Sprintf("; the app showed the text %q", sent.UserVisibleData)
	}
	if sent.UserVisibleDataFormat == bankid.FormatSimpleMarkdownV1 {
		words += ", formatted as simpleMarkdownV1"
	}
	if n := len(sent.UserNonVisibleData); n > 0 {
		words += fmt.Sprintf("; with it %d bytes that the app did not show, SHA-256 %x", n, Hash(sent.UserNonVisibleData))
	}
	return words
}

func (r *Report) when() string {
	if r.SignedAt.IsZero() {
		return "unknown"
	}
	return second(r.SignedAt) + " by BankID's clock"
}

func (r *Report) forWhom() string {
	party := r.record.Sent.RelyingParty
	return fmt.Sprintf("%s (%s)", party.DisplayName, party.Name)
}

func (r *Report) byWhich() string {
	if r.Certificate.SHA256 == "" {
		return "unknown"
	}
	of := "a BankID whose root " + r.Root.SHA256 + " was named by whoever verifies"
	switch r.Environment {
	case bankid.Production:
		of = "BankID"
	case bankid.Test:
		of = "BankID's TEST environment, where anybody may be anyone"
	}
	return fmt.Sprintf("SHA-256 %s, issued by %s, of %s", r.Certificate.SHA256, r.Certificate.Issuer, of)
}

func (r *Report) validThen() string {
	if r.Certificate.SHA256 == "" || r.SignedAt.IsZero() {
		return "unknown"
	}
	answer := fmt.Sprintf("yes: its life is from %s to %s, and its issuer said at the time of signing that it was not revoked", second(r.Certificate.NotBefore), second(r.Certificate.NotAfter))
	if r.Verdict(string(bankid.CheckOCSPStatus)) == Refused || r.Verdict(string(bankid.CheckChain)) == Refused {
		answer = "no"
	}
	return answer
}

func (r *Report) whichApp() string {
	client := r.record.Client
	return fmt.Sprintf("%s (%s) of %s, transaction %s", cmp.Or(client.Name, client.ID), client.ID, r.record.Issuer, r.record.Transaction)
}

func (r *Report) seenSince() string {
	var seen []string
	if r.Logged != nil {
		seen = append(seen, fmt.Sprintf("the audit log has it since %s, event %s", second(r.Logged.Time), r.Logged.Event))
	}
	if r.Stamp != nil {
		seen = append(seen, fmt.Sprintf("stamped at %s by %s", second(r.Stamp.Time), r.Stamp.Authority))
	}
	return cmp.Or(strings.Join(seen, "; "), "by nobody that the file names")
}

// printable keeps what a file says from commanding a terminal.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return unicode.ReplacementChar
		}
		return c
	}, text)
}

func second(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Write tells the report in plain words. It holds personal data.
func (r *Report) Write(w io.Writer) error {
	var text strings.Builder
	for _, s := range r.Statements {
		mark := "proven by "
		if !s.Proven {
			mark = "NOT PROVEN; it would take "
		}
		fmt.Fprintf(&text, "%-21s %s\n%21s %s%s\n", s.Question, s.Answer, "", mark, strings.Join(s.Checks, ", "))
	}
	text.WriteString("\n")
	for _, f := range r.Findings {
		fmt.Fprintln(&text, strings.TrimRight(fmt.Sprintf("%-21s %-9s %s", f.Check, f.Verdict, f.Reason), " "))
	}
	fmt.Fprintf(&text, "\nrecord %s, SHA-256 %s\n", printable(r.ID), r.SHA256)
	if r.OK {
		text.WriteString("ok: no check refuses this evidence\n")
	} else {
		text.WriteString("REFUSED: this evidence proves nothing\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}
