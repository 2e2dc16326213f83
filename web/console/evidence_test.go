package console

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"brygga/audit"
	"brygga/evidence"
	"brygga/storage"
	"brygga/storage/storagetest"
)

// keep stores a record of evidence of the client, of a file that is kept among the tests; the audit log names it by that sum, or by its own when there is none.
func (s *site) keep(id, client, sum string) {
	s.keepOf("signature-1", storage.KindSign, id, client, sum)
}

func (s *site) keepOf(name string, kind storage.Kind, id, client, sum string) {
	s.Helper()
	text, err := os.ReadFile("../../evidence/testdata/" + name + ".evidence")
	s.ok(err)
	f, err := evidence.Read(text)
	s.ok(err)
	f.Record.ID, f.Record.Transaction, f.Record.Client = id, id, evidence.Client{ID: client, Name: "Appen"}
	line, err := f.Record.Line()
	s.ok(err)
	at := loginsAt.AddDate(0, 0, -1) // apart from the logins
	record := storage.EvidenceRecord{
		ID: id, ClientID: client, Transaction: id, Login: "7QX4-2MKD", Method: "bankid", Kind: kind, Created: at, Kept: at.AddDate(10, 0, 0), Line: line,
	}.Summed()
	if sum == "" {
		sum = fmt.Sprintf("%x", record.Sum)
	}
	s.ok(storagetest.PutEvidence(s.Context(), s.store, record, storage.AuditEvent{
		ID: "completed " + id, Time: at, Type: string(audit.LoginCompleted), Reference: record.Login, Expires: at.AddDate(1, 0, 0),
		Fields: map[string]string{"CLIENT_ID": client, "TXN": id, evidence.HashField: sum},
	}))
}

// withEvidence stores some evidence first, once for each site.
func withEvidence(open func(*browser) shown) func(*browser) shown {
	return func(b *browser) shown {
		if _, err := b.admin.EvidenceRecord(b.Context(), root, "txn-kept"); errors.Is(err, storage.ErrNotFound) {
			b.keep("txn-kept", "app", "")
			b.keep("txn-erased", "app", "")
			b.keep("txn-altered", "app", strings.Repeat("0", 64))
			_, err := b.admin.EraseEvidence(b.Context(), root, "txn-erased", "ärende 17")
			b.ok(err)
		}
		return open(b)
	}
}

// rootOfTests trusts the roots of the evidence that is kept among the tests.
func rootOfTests() (a evidence.Anchors) {
	for _, name := range []string{"signature-1", "payment-1"} {
		text, err := os.ReadFile("../../evidence/testdata/" + name + ".evidence")
		if err != nil {
			panic(err)
		}
		f, err := evidence.Read(text)
		if err != nil {
			panic(err)
		}
		trusted, err := x509.ParseCertificate(f.Record.Root)
		if err != nil {
			panic(err)
		}
		a.Roots = append(a.Roots, trusted)
	}
	return a
}

// TestEvidenceOfAPayment: a payment is found among the others, and its page says what was approved.
func TestEvidenceOfAPayment(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	b.origin = "same-origin"
	s.keep("txn-signed", "app", "")
	s.keepOf("payment-1", storage.KindPayment, "txn-paid", "app", "")
	if list := b.get("evidence?kind=payment"); !strings.Contains(list.body, "txn-paid") || strings.Contains(list.body, "txn-signed") || strings.Contains(list.body, "Cykelboden") {
		t.Errorf("the list is %s", list.body)
	}
	s.is(b.get("evidence/txn-paid"), http.StatusOK, "Evidence of a payment")
	says := b.post("evidence/txn-paid/read")
	for _, want := range []string{"Approved a payment by card of 4999,50 SEK to Cykelboden &amp; son, with the warning “Ovanligt stort belopp”", "Nothing speaks against this evidence"} {
		if !strings.Contains(says.body, want) {
			t.Errorf("it does not say %q: %s", want, says.body)
		}
	}
}

// TestEvidencePages: the list names nobody; what a record says is shown when somebody asks for it, which the audit log tells; it is downloaded, and erased once.
func TestEvidencePages(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	b.origin = "same-origin"
	list := withEvidence(get("evidence"))(b)
	for _, body := range []string{list.body, b.get("evidence/txn-kept").body, b.get("evidence?txn=txn-kept").body} {
		if strings.Contains(body, "19850203") || strings.Contains(body, "Jag köper") || !strings.Contains(body, "txn-kept") {
			t.Errorf("a page names somebody, or not the record")
		}
	}
	if n := s.count(audit.EvidenceExported); n != 0 {
		t.Errorf("%d exports by looking at lists", n)
	}
	says := b.post("evidence/txn-kept/read")
	s.is(says, http.StatusOK, "What the evidence says")
	for _, want := range []string{"198502039822", "Jag köper *en cykel* för 100 kr.", "Nothing speaks against this evidence", "11 bytes that the app did not show"} {
		if !strings.Contains(says.body, want) {
			t.Errorf("it does not say %q: %s", want, says.body)
		}
	}
	file := b.post("evidence/txn-kept/file")
	if f, err := evidence.Read([]byte(file.body)); err != nil || f.Record.Transaction != "txn-kept" || !strings.Contains(file.Header.Get("Content-Disposition"), `"txn-kept.evidence"`) {
		t.Errorf("the file is %.100s, %v, %v", file.body, err, file.Header)
	}
	if n := s.count(audit.EvidenceExported); n != 2 {
		t.Errorf("%d exports in the log", n)
	}
	s.is(b.post("evidence/txn-altered/read"), http.StatusConflict, "The evidence was changed")
	s.is(b.post("evidence/txn-altered/file"), http.StatusConflict, "The evidence was changed")
	s.is(b.post("evidence/txn-kept/erase", "reason", " "), http.StatusUnprocessableEntity, "Erase")
	gone := b.post("evidence/txn-kept/erase", "reason", "ärende 18")
	if s.is(gone, http.StatusOK, "Evidence of a signature"); !strings.Contains(gone.body, "ärende 18") || !strings.Contains(gone.body, "The evidence is erased.") || strings.Contains(gone.body, "/erase") {
		t.Errorf("after the erasure: %s", gone.body)
	}
	s.is(b.post("evidence/txn-kept/erase", "reason", "again"), http.StatusConflict, "Somebody else has changed this")
	s.is(b.post("evidence/txn-kept/read"), http.StatusOK, "Evidence of a signature")
	auditor := s.as(storage.RoleAuditor)
	if page := auditor.get("evidence/txn-erased"); strings.Contains(page.body, "/read") || !strings.Contains(page.body, "ärende 17") {
		t.Errorf("an auditor sees %s", page.body)
	}
}

// count is how many events of the type there are.
func (s *site) count(of audit.Type) (n int) {
	events, err := s.store.AuditEvents(s.Context(), loginsAt.AddDate(-10, 0, 0), loginsAt.AddDate(10, 0, 0), 10_000)
	s.ok(err)
	for _, e := range events {
		if e.Type == string(of) {
			n++
		}
	}
	return n
}
