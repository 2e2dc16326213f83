package console

import (
	"errors"
	"io"
	"net/http"
	"time"

	"brygga/admin"
	"brygga/bankid"
	"brygga/evidence"
	"brygga/logins"
	"brygga/storage"
)

// evidencePages are those of what proves signatures and logins. What a record says is shown by POST alone: each time is an event.
func evidencePages() []page {
	return []page{
		{pattern: "GET /evidence", operation: admin.ListEvidence, handle: listEvidence},
		{pattern: "GET /evidence/{id}", operation: admin.ListEvidence, handle: showEvidence},
		{pattern: "POST /evidence/{id}/read", operation: admin.ExportEvidence, handle: readEvidence},
		{pattern: "POST /evidence/{id}/file", operation: admin.ExportEvidence, handle: sendEvidence},
		{pattern: "GET /evidence/{id}/erase", operation: admin.EraseEvidence, handle: askErasure},
		{pattern: "POST /evidence/{id}/erase", operation: admin.EraseEvidence, handle: eraseEvidence},
	}
}

const evidenceShown = 50

// evidenceFilter reads what the address asks for, and adds faults to the form for what it cannot be.
func (v *visit) evidenceFilter(l *list, f *form) admin.EvidenceFilter {
	q := admin.EvidenceFilter{ClientID: f.get("client"), Transaction: f.get("txn"), Kind: storage.Kind(f.get("kind")), Before: l.after(), Limit: evidenceShown}
	if text := f.get("reference"); text != "" {
		reference, err := storage.ParseReference(text)
		if err != nil {
			f.fault("reference", v.text("logins.reference.wrong"))
		}
		q.Reference = reference
	}
	for name, to := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		if text := f.get(name); text != "" {
			at, err := logins.ParseClock(localTime, text)
			if err != nil {
				f.fault(name, v.text("logins.around.wrong"))
			}
			*to = at
		}
	}
	return q
}

func listEvidence(v *visit) error {
	l, f := v.list(), v.list().form()
	q := v.evidenceFilter(l, f)
	var found admin.FoundEvidence
	var err error
	if !f.faulty() {
		if found, err = v.Admin.Evidence(v, v.actor, q); errors.Is(err, admin.ErrEvidenceCursor) {
			return storage.ErrNotFound
		}
		if err != nil {
			return err
		}
	}
	l.next = found.Next
	body := evidenceList(v, l, f, found.Records)
	if f.faulty() {
		return v.refuse(v.text("evidence.title"), body)
	}
	return v.show(v.text("evidence.title"), body)
}

// evidenceAsked is what is shown of the record of the address.
func (v *visit) evidenceAsked() (admin.EvidenceView, error) {
	return v.Admin.EvidenceRecord(v, v.actor, v.r.PathValue("id"))
}

// altered shows that a record is not the one that was written, where the error says so.
func (v *visit) altered(err error) error {
	if !errors.Is(err, admin.ErrAltered) {
		return err
	}
	return v.send(http.StatusConflict, v.text("evidence.altered"), evidenceAltered(v))
}

func showEvidence(v *visit) error {
	e, err := v.evidenceAsked()
	if err != nil {
		return v.altered(err)
	}
	return v.show(v.text("evidence.of."+e.Kind), evidenceBody(v, e))
}

// readEvidence says what a record says and what proves it.
func readEvidence(v *visit) error {
	id := v.r.PathValue("id")
	f, report, err := v.Admin.ReadEvidence(v, v.actor, id)
	if errors.Is(err, admin.ErrErased) {
		return v.leave(at("evidence", id), "")
	}
	if err != nil {
		return v.altered(err)
	}
	return v.show(v.text("evidence.says"), evidenceSays(v, id, f.Record, report))
}

// sendEvidence sends a record as a file that can be verified anywhere.
func sendEvidence(v *visit) error {
	id := v.r.PathValue("id")
	f, err := v.Admin.ExportEvidence(v, v.actor, id)
	if errors.Is(err, admin.ErrErased) {
		return v.leave(at("evidence", id), "")
	}
	if err != nil {
		return v.altered(err)
	}
	text, err := f.Text()
	if err != nil {
		return err
	}
	return v.file(fileName(id)+".evidence", "application/jsonl", func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// fileName is an ID as part of the name of a file.
func fileName(id string) string {
	name := []byte(id)
	for i, c := range name {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_' {
			name[i] = '_'
		}
	}
	return string(name)
}

func askErasure(v *visit) error {
	e, err := v.evidenceAsked()
	if err != nil {
		return v.altered(err)
	}
	return v.show(v.text("evidence.erase"), evidenceErasure(v, v.form(), e.ID))
}

func eraseEvidence(v *visit) error {
	id, f := v.r.PathValue("id"), v.form()
	_, err := v.Admin.EraseEvidence(v, v.actor, id, f.get("reason"))
	if errors.Is(err, admin.ErrReason) {
		f.fault("reason", v.text("evidence.reason.wrong"))
		return v.refuse(v.text("evidence.erase"), evidenceErasure(v, f, id))
	}
	if err != nil {
		return v.altered(err)
	}
	return v.leave(at("evidence", id), "evidence.erased.now")
}

// evidenceKinds are the kinds of evidence, as filters.
func (v *visit) evidenceKinds() []option {
	return []option{
		{"", v.text("logins.any"), ""}, {string(storage.KindSign), v.text("evidence.kind.sign"), ""}, {string(storage.KindPayment), v.text("evidence.kind.payment"), ""},
		{string(storage.KindIdentify), v.text("evidence.kind.identify"), ""},
	}
}

// evidenceState is how a record is, and its colour.
func (v *visit) evidenceState(e *admin.EvidenceView) (word, tone string) {
	switch {
	case e.Unreadable:
		return v.text("evidence.state.unreadable"), "bad"
	case !e.Erased.IsZero():
		return v.text("evidence.state.erased"), "warning"
	}
	return v.text("evidence.state.kept"), "good"
}

// verdictTone is the colour of what came of a check.
func verdictTone(verdict evidence.Verdict) string {
	switch verdict {
	case evidence.Passed:
		return "good"
	case evidence.Refused:
		return "bad"
	}
	return ""
}

// proves says whether the checks that prove something did not refuse it.
func (v *visit) proves(r *evidence.Report, question string) (word, tone string) {
	for _, s := range r.Statements {
		if s.Question != question {
			continue
		}
		if s.Proven {
			return v.text("evidence.proven"), "good"
		}
		for _, check := range s.Checks {
			if r.Verdict(check) == evidence.Refused {
				return v.text("evidence.refused"), "bad"
			}
		}
	}
	return v.text("evidence.unproven"), "warning"
}

// partyOf is whom a result is for: as its signature says, or the installation where it does not.
func partyOf(r *evidence.Record) string {
	if party := r.Sent.RelyingParty; party != (bankid.RelyingParty{}) {
		return party.DisplayName + " (" + party.Name + ")"
	}
	return r.Issuer
}

// whatWasPaid says what the person approved.
func (v *visit) whatWasPaid(p *storage.Payment) string {
	word := v.text("evidence.what.approved", "to", p.Recipient)
	if p.Amount != "" {
		word = v.text("evidence.what.paid", "sum", p.Amount+" "+p.Currency, "to", p.Recipient)
	}
	if p.RiskWarning != "" {
		word = v.text("evidence.what.warned", "what", word, "warning", p.RiskWarning)
	}
	return word
}

// whatWasDone says what the person did.
func (v *visit) whatWasDone(r *evidence.Record) string {
	word := v.text("evidence.what.identified")
	if signs := r.Sent.Kind == bankid.KindSign || r.Sent.Kind == bankid.KindPhoneSign; signs && r.Sent.UserVisibleData != "" {
		word = v.text("evidence.what.signed")
	} else if signs {
		word = v.text("evidence.what.signed-none")
	} else if r.Payment != nil {
		word = v.whatWasPaid(r.Payment)
	}
	if n := len(r.Sent.UserNonVisibleData); n > 0 {
		return v.text("evidence.what.hidden", "what", word, "n", v.number(n))
	}
	return word
}
