package evidence

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"brygga/audit/tree"
	"brygga/bankid"
	"brygga/storage"
)

// Anchors are what whoever verifies trusts, from other hands than the file.
type Anchors struct {
	// Roots are what people's certificates may chain to. Without any, the roots that this program knows as BankID's are trusted.
	Roots []*x509.Certificate
	// Issuers are those that may have issued certificates to people of Net iD Access. Without any, none is trusted: each organisation has its own.
	Issuers []*x509.Certificate
	// AuditKey is the key of the audit log, as "brygga audit key" shows it; empty when nobody has it.
	AuditKey string
	// StampRoots are those of the time-stamping authority; nil when nobody has them.
	StampRoots *x509.CertPool
}

// The checks that are made besides those of bankid.
const (
	CheckRecord    = "record"     // the record is complete and written as records are
	CheckRoot      = "root"       // the root that the chain ends in is one that is trusted
	CheckLog       = "audit_log"  // the audit log names this very record
	CheckTimeStamp = "time_stamp" // an authority saw this very record
)

// Verdict is what came of a check.
type Verdict string

// The verdicts. A file is refused when one check refuses it.
const (
	Passed   Verdict = "ok"
	Refused  Verdict = "refused"
	NotAsked Verdict = "not asked" // nothing from other hands to compare with, or the file has nothing of it
	NotMade  Verdict = "not made"  // an earlier check left nothing to look at
)

// Finding is what came of one check.
type Finding struct {
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	// Reason says why it was refused, or what it would take to make it. It holds nothing of a person.
	Reason string `json:"reason,omitempty"`
}

// Verify makes every check that can be made of the file and says what it proves. It asks nobody and does not look at the clock: what was
// true on the day is true for ever, as far as the algorithms hold. It is safe for concurrent use.
func Verify(f *File, a Anchors) *Report {
	r := &Report{record: f.Record, ID: f.Record.ID, SHA256: fmt.Sprintf("%x", Hash(f.Line))}
	r.add(CheckRecord, f.Record.complaint())
	if f.Record.NetID != nil {
		r.netIDResult(f.Record, r.trust(f.Record, a.Issuers))
	} else {
		r.result(f.Record, r.trust(f.Record, a.Roots))
		r.payment(f.Record)
	}
	r.logged(f, a.AuditKey)
	r.stamped(f, a.StampRoots)
	r.conclude()
	return r
}

// complaint says what a record lacks without which nothing can be said about it.
func (r *Record) complaint() string {
	switch {
	case r.Method != "bankid" && r.Method != MethodNetID || (r.Method == MethodNetID) != (r.NetID != nil):
		return fmt.Sprintf("it is of the method %q, which this program does not know", r.Method)
	case r.ID == "" || r.Issuer == "" || r.Client.ID == "" || r.Transaction == "":
		return "it does not say whose it is"
	case r.Sent.StartedAt.IsZero() || r.Sent.EndedAt.Before(r.Sent.StartedAt):
		return "it does not say when the order ran"
	case r.Sent.EndedAt.Sub(r.Sent.StartedAt) > longestOrder:
		return fmt.Sprintf("its order ran longer than %s, which none does", longestOrder)
	case r.complaintPayment() != "":
		return r.complaintPayment()
	case r.NetID != nil:
		return r.complaintNetID()
	}
	return ""
}

// longestOrder is longer than any eID service lets an order live.
const longestOrder = time.Hour

// trust looks whether the root of the record is one that is trusted, and returns it if it can be read.
func (r *Report) trust(record *Record, trusted []*x509.Certificate) *x509.Certificate {
	root, err := x509.ParseCertificate(record.Root)
	if err != nil {
		r.add(CheckRoot, "it is no certificate")
		return nil
	}
	r.Root = Certificate{Holder: root.Subject.String(), SHA256: fingerprint(root), NotBefore: root.NotBefore.UTC(), NotAfter: root.NotAfter.UTC()}
	if record.NetID == nil {
		r.Environment = bankid.SignatureRootOf(root)
	}
	known := r.Environment != "" && len(trusted) == 0
	for _, one := range trusted {
		known = known || one.Equal(root)
	}
	switch {
	case known:
		r.add(CheckRoot, "")
	case len(trusted) > 0:
		r.add(CheckRoot, "it is not the one that is trusted")
	case record.NetID != nil:
		r.add(CheckRoot, "no issuer of people's certificates at Net iD Access is trusted; name those that are, from other hands than these")
	default:
		r.add(CheckRoot, "this program does not know it as BankID's; name the root that is trusted, from other hands than these")
	}
	return root
}

// result makes the checks of what the eID service gave.
func (r *Report) result(record *Record, root *x509.Certificate) {
	findings := unmade()
	if root != nil {
		var err error
		if findings, err = r.examine(record, root); err != nil {
			r.refuse(CheckRecord, strings.TrimPrefix(err.Error(), "bankid: verify result: "))
			findings = unmade()
		}
	}
	for _, f := range findings {
		switch {
		case f.Reason != "":
			r.add(string(f.Check), f.Reason)
		case !f.Made:
			r.Findings = append(r.Findings, Finding{string(f.Check), NotMade, ""})
		default:
			r.add(string(f.Check), "")
		}
	}
}

func unmade() (findings []bankid.Finding) {
	for _, check := range bankid.Checks() {
		findings = append(findings, bankid.Finding{Check: check})
	}
	return findings
}

func (r *Report) examine(record *Record, root *x509.Certificate) ([]bankid.Finding, error) {
	verifier, err := bankid.NewVerifier(bankid.VerifierOptions{
		RootsPEM:            pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}),
		CertificatePolicies: r.Environment.Policies(),
	})
	if err != nil {
		r.refuse(CheckRoot, "it is no root of people's signatures")
		return unmade(), nil
	}
	data := &bankid.CompletionData{User: record.Person, Signature: record.Signature, OCSPResponse: record.OCSPResponse}
	proven, findings, err := verifier.Examine(data, record.Sent)
	if err != nil {
		return nil, err
	}
	r.SignedAt, r.Policy = proven.SignedAt, proven.Policy
	if leaf, err := data.Certificate(); err == nil {
		r.Certificate = Certificate{
			Holder: leaf.Subject.String(), Issuer: leaf.Issuer.String(), SHA256: fingerprint(leaf), NotBefore: leaf.NotBefore.UTC(), NotAfter: leaf.NotAfter.UTC(),
		}
	}
	return findings, nil
}

// HashField is the field of an audit event that names a record, by the SHA-256 of its line in hex.
const HashField = "EVIDENCE_SHA256"

// logged looks whether the audit log names the record. A proof that is there is looked at even where nobody has the key: what does not fit is
// refused, what fits then proves nothing.
func (r *Report) logged(f *File, key string) {
	switch {
	case f.Proof == nil && key == "":
		r.Findings = append(r.Findings, Finding{CheckLog, NotAsked, "the file has no proof of the audit log"})
		return
	case f.Proof == nil:
		r.add(CheckLog, "the file has no proof of the audit log, which was asked for with its key")
		return
	}
	text, err := json.Marshal(f.Proof)
	if err != nil {
		r.add(CheckLog, "the proof cannot be read")
		return
	}
	trusted := key
	if key == "" {
		trusted = f.Proof.Key
	}
	events, size, err := tree.VerifyProof(text, trusted)
	if err != nil {
		r.add(CheckLog, strings.TrimPrefix(err.Error(), tree.ErrInvalid.Error()+": "))
		return
	}
	event := naming(events, r.SHA256)
	switch {
	case event == nil:
		r.add(CheckLog, "no event of the proof names this record: it was changed, or swapped for another")
	case event.Fields["CLIENT_ID"] != f.Record.Client.ID || event.Fields["TXN"] != f.Record.Transaction:
		r.add(CheckLog, "the event that names this record is of another client or transaction")
	case key == "":
		r.Findings = append(r.Findings, Finding{CheckLog, NotAsked, "it fits as far as the file's own key tells; name the key that was written down elsewhere to have it proven"})
	default:
		r.add(CheckLog, "")
	}
	if event != nil {
		r.Logged = &Logged{Event: event.ID, Type: event.Type, Time: event.Time, Events: size}
	}
}

// naming returns the event that names the record of that hash, or nil.
func naming(events []string, hash string) *storage.AuditEvent {
	for _, text := range events {
		var event storage.AuditEvent
		if json.Unmarshal([]byte(text), &event) == nil && event.Fields[HashField] == hash {
			return &event
		}
	}
	return nil
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}
