package api_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"brygga/admin"
	"brygga/audit"
	"brygga/evidence"
	"brygga/secret"
	"brygga/storage"
	"brygga/storage/storagetest"
	"brygga/web/api"
)

// keep stores a record of evidence with that ID, of a file that is kept among the tests, for the client.
func (h *harness) keep(id, client string) {
	h.Helper()
	text, err := os.ReadFile("../../evidence/testdata/signature-1.evidence")
	h.ok(err)
	f, err := evidence.Read(text)
	h.ok(err)
	f.Record.ID, f.Record.Transaction, f.Record.Client = id, id, evidence.Client{ID: client, Name: client}
	line, err := f.Record.Line()
	h.ok(err)
	record := storage.EvidenceRecord{
		ID: id, ClientID: client, Transaction: id, Login: "7QX4-2MKD", Method: "bankid", Kind: storage.KindSign, Created: h.now, Kept: h.now.AddDate(10, 0, 0), Line: line,
	}.Summed()
	h.ok(storagetest.PutEvidence(h.Context(), h.store, record, storage.AuditEvent{
		ID: "completed " + id, Time: h.now, Type: string(audit.LoginCompleted), Reference: record.Login, Expires: h.now.AddDate(1, 0, 0),
		Fields: map[string]string{"CLIENT_ID": client, "TXN": id, evidence.HashField: fmt.Sprintf("%x", record.Sum)},
	}))
}

// TestEvidence is listed without naming anybody, exported with its proof, and erased once.
func TestEvidence(t *testing.T) {
	h := newHarness(t)
	h.prepare()
	h.keep("txn-2", "app")
	h.keep("txn-3", "other")
	h.grow()
	first := h.ask(h.key, "GET", "/evidence?client_id=app&limit=1", "")
	h.want(first, 200)
	next, _ := first.body.(map[string]any)["next"].(string)
	second := h.ask(h.key, "GET", "/evidence?client_id=app&limit=1&cursor="+next, "")
	h.want(second, 200)
	if all := first.text + second.text; !strings.Contains(all, "txn-1") || !strings.Contains(all, "txn-2") || strings.Contains(all, "txn-3") || strings.Contains(all, "19850203") || strings.Contains(all, "Portalen") {
		t.Errorf("lists are %s and %s", first.text, second.text)
	}
	file := h.ask(h.key, "GET", "/evidence/txn-1/file", "")
	h.want(file, 200)
	f, err := evidence.Read([]byte(file.text))
	if err != nil || f.Proof == nil || f.Record.Transaction != "txn-1" {
		t.Errorf("exported is %s, %v", file.text, err)
	}
	for _, body := range []string{`{}`, `{"reason":""}`, `{"reason":"two\nlines"}`} {
		if r := h.ask(h.key, "POST", "/evidence/txn-1/erase", body); r.StatusCode != 422 {
			t.Errorf("%s is answered with %d", body, r.StatusCode)
		}
	}
	h.want(h.ask(h.key, "POST", "/evidence/txn-1/erase", `{"reason":"asked for"}`), 200)
	h.want(h.ask(h.key, "POST", "/evidence/txn-1/erase", `{"reason":"asked for"}`), 409)
	gone := h.ask(h.key, "GET", "/evidence/txn-1/file", "")
	if h.want(gone, 404); !strings.Contains(gone.text, "erased") {
		t.Errorf("answered with %s", gone.text)
	}
	left := h.ask(h.key, "GET", "/evidence/txn-1", "")
	if h.want(left, 200); !strings.Contains(left.text, `"erased_reason":"asked for"`) || !strings.Contains(left.text, `"erased_by":"key:`) {
		t.Errorf("left is %s", left.text)
	}
}

// TestRemoteEvidence: what a command asks a server for is what it would have here.
func TestRemoteEvidence(t *testing.T) {
	h := newHarness(t)
	h.prepare()
	remote, err := api.NewRemote(api.RemoteOptions{Server: h.server.URL, Key: secret.New(h.key)})
	h.ok(err)
	found, err := remote.Evidence(t.Context(), admin.EvidenceFilter{Reference: "7QX4-2MKD", From: h.now.Add(-1), Kind: storage.KindSign, Limit: 10})
	if err != nil || len(found.Records) != 1 || found.Records[0].ID != "txn-1" {
		t.Fatalf("found %+v, %v", found, err)
	}
	if f, err := remote.ExportEvidence(t.Context(), "txn-1"); err != nil || f.Record.Transaction != "txn-1" {
		t.Errorf("exported %v, %v", f, err)
	}
	if v, err := remote.EraseEvidence(t.Context(), "txn-1", "asked for"); err != nil || v.Reason != "asked for" {
		t.Errorf("erased %+v, %v", v, err)
	}
	if v, err := remote.EvidenceRecord(t.Context(), "txn-1"); err != nil || v.Erased.IsZero() {
		t.Errorf("left is %+v, %v", v, err)
	}
	if _, err := remote.ExportEvidence(t.Context(), "txn-1"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("export: %v", err)
	}
	if _, err := remote.EraseEvidence(t.Context(), "txn-1", "again"); err == nil || err.Error() != "it was erased before" {
		t.Errorf("again: %v", err)
	}
}
