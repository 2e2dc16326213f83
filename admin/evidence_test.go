package admin_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/audit"
	"brygga/audit/tree"
	"brygga/evidence"
	"brygga/storage"
	"brygga/storage/storagetest"
)

// kept returns a record of evidence as the engine stores it, of a file that is kept among the tests, with the ID, for the client.
func kept(t testing.TB, id, client string, created time.Time) storage.EvidenceRecord {
	t.Helper()
	text, err := os.ReadFile("../evidence/testdata/signature-1.evidence")
	if err != nil {
		t.Fatal(err)
	}
	f, err := evidence.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	f.Record.ID, f.Record.Transaction, f.Record.Client = id, id, evidence.Client{ID: client, Name: client}
	line, err := f.Record.Line()
	if err != nil {
		t.Fatal(err)
	}
	return storage.EvidenceRecord{
		ID: id, ClientID: client, Transaction: id, Login: "7QX4-2MKD", Method: "bankid", Kind: storage.KindSign, Created: created, Kept: created.AddDate(10, 0, 0), Line: line,
	}.Summed()
}

// keep stores such a record.
func (h *harness) keep(t testing.TB, id, client string) storage.EvidenceRecord {
	t.Helper()
	record := kept(t, id, client, h.now)
	completed := storage.AuditEvent{
		ID: "completed " + id, Time: h.now, Type: string(audit.LoginCompleted), Reference: record.Login, Expires: h.now.AddDate(1, 0, 0),
		Fields: map[string]string{"CLIENT_ID": client, "TXN": id, evidence.HashField: fmt.Sprintf("%x", record.Sum)},
	}
	if err := storagetest.PutEvidence(t.Context(), h.store, record, completed); err != nil {
		t.Fatal(err)
	}
	return record
}

func idsOf(found admin.FoundEvidence) (ids []string) {
	for _, v := range found.Records {
		ids = append(ids, v.ID)
	}
	return ids
}

// TestEvidenceIsFound by what belongs to it, the newest first, by those who may see its client.
func TestEvidenceIsFound(t *testing.T) {
	h := newHarness(t)
	h.put(t, "mine", "schools")
	h.put(t, "other", "hospitals")
	begun := h.now
	for i, client := range []string{"mine", "other", "mine", "gone", "mine"} {
		h.keep(t, fmt.Sprint("txn", i), client)
		h.now = h.now.Add(time.Hour)
	}
	restricted := operator(storage.RoleAdmin, true, "schools")
	for _, test := range []struct {
		name   string
		actor  admin.Actor
		filter admin.EvidenceFilter
		want   []string
	}{
		{"all", root, admin.EvidenceFilter{Limit: 10}, []string{"txn4", "txn3", "txn2", "txn1", "txn0"}},
		{"a client's", root, admin.EvidenceFilter{ClientID: "mine", Limit: 10}, []string{"txn4", "txn2", "txn0"}},
		{"one", root, admin.EvidenceFilter{Transaction: "txn1", Limit: 10}, []string{"txn1"}},
		{"one of another client", root, admin.EvidenceFilter{Transaction: "txn1", ClientID: "mine", Limit: 10}, nil},
		{"none", root, admin.EvidenceFilter{Transaction: "txn9", Limit: 10}, nil},
		{"a time", root, admin.EvidenceFilter{From: begun.Add(time.Hour), To: begun.Add(3 * time.Hour), Limit: 10}, []string{"txn2", "txn1"}},
		{"a kind", root, admin.EvidenceFilter{Kind: storage.KindSign, Limit: 1}, []string{"txn4"}},
		{"another kind", root, admin.EvidenceFilter{Kind: storage.KindIdentify, Limit: 10}, nil},
		{"a reference", root, admin.EvidenceFilter{Reference: "7QX4-2MKD", From: begun, Limit: 10}, []string{"txn4", "txn3", "txn2", "txn1", "txn0"}},
		{"another reference", root, admin.EvidenceFilter{Reference: "7QX4-2MKE", From: begun, Limit: 10}, nil},
		{"within reach", restricted, admin.EvidenceFilter{Limit: 10}, []string{"txn4", "txn2", "txn0"}},
		{"out of reach", restricted, admin.EvidenceFilter{ClientID: "other", Limit: 10}, nil},
		{"one out of reach", restricted, admin.EvidenceFilter{Transaction: "txn1", Limit: 10}, nil},
		{"of a client that is gone", restricted, admin.EvidenceFilter{ClientID: "gone", Limit: 10}, nil},
	} {
		found, err := h.Evidence(t.Context(), test.actor, test.filter)
		if err != nil || !slices.Equal(idsOf(found), test.want) {
			t.Errorf("%s: found %v, %v", test.name, idsOf(found), err)
		}
	}
	for name, actor := range map[string]admin.Actor{"an owner": root, "an admin of a group": restricted} {
		seen := 0
		for f := (admin.EvidenceFilter{ClientID: "mine", Limit: 1}); ; {
			found, err := h.Evidence(t.Context(), actor, f)
			if err != nil || len(found.Records) > 1 {
				t.Fatal(name, found, err)
			}
			if seen += len(found.Records); found.Next == "" {
				break
			}
			f.Before = found.Next
		}
		if seen != 3 {
			t.Errorf("%s: pages have %d", name, seen)
		}
	}
	for _, cursor := range []string{"x", "2026-11-26T12:00:00Z", "yesterday txn1"} {
		if _, err := h.Evidence(t.Context(), root, admin.EvidenceFilter{Before: cursor}); !errors.Is(err, admin.ErrEvidenceCursor) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
}

// TestEvidenceIsHandedOut with its event in the audit log first, or not at all.
func TestEvidenceIsHandedOut(t *testing.T) {
	broken := false
	h := newHarnessOver(t, func(s storage.Store) storage.Store { return &silentStore{s, &broken} })
	h.grow(t)
	record := h.keep(t, "txn", "app")
	f, err := h.ExportEvidence(t.Context(), operator(storage.RoleOwner, true), "txn")
	if err != nil || string(f.Line) != string(record.Line) {
		t.Fatal(f, err)
	}
	if f.Proof != nil {
		t.Error("the log has it before anything was signed")
	}
	h.grow(t)
	if f, err := h.ExportEvidence(t.Context(), operator(storage.RoleOwner, true), "txn"); err != nil || f.Proof == nil || evidence.Verify(f, evidence.Anchors{AuditKey: f.Proof.Key}).Verdict(evidence.CheckLog) != evidence.Passed {
		t.Errorf("the log does not prove it: %v", err)
	}
	if text, err := f.Text(); err != nil || !strings.Contains(string(text), `"txn":"txn"`) {
		t.Error(err)
	}
	e := h.last(t, audit.EvidenceExported)
	if e["ACTOR"] != "owner" || e["OBJECT"] != "txn" || e["CLIENT_ID"] != "app" || e["KIND"] != "sign" || e[evidence.HashField] != fmt.Sprintf("%x", record.Sum) {
		t.Errorf("the log says %v", e)
	}
	broken = true
	if f, err := h.ExportEvidence(t.Context(), root, "txn"); err == nil {
		t.Errorf("somebody has it whom the log does not name: %v", f)
	}
}

// grow makes a tree of the events, or lets it grow.
func (h *harness) grow(t testing.TB) {
	t.Helper()
	if h.tree == nil {
		proposed, err := tree.NewKey("test")
		if err != nil {
			t.Fatal(err)
		}
		key, err := tree.ReadKey(proposed)
		if err != nil {
			t.Fatal(err)
		}
		if h.tree, err = tree.New(tree.Options{Store: h.store, Key: key, Now: func() time.Time { return h.now.Add(time.Minute) }}); err != nil {
			t.Fatal(err)
		}
		h.noTree = nil
	}
	if _, err := h.tree.Grow(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// silentStore is a store that takes no events while it is broken.
type silentStore struct {
	storage.Store
	broken *bool
}

func (s *silentStore) AppendAudit(ctx context.Context, events ...storage.AuditEvent) error {
	if *s.broken {
		return storage.ErrUnavailable
	}
	return s.Store.AppendAudit(ctx, events...)
}

// last returns the fields of the last event of the type.
func (h *harness) last(t testing.TB, of audit.Type) (fields map[string]string) {
	t.Helper()
	events, err := h.AuditEvents(t.Context(), root, time.Time{}, h.now.Add(time.Hour), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Type == string(of) {
			fields = e.Fields
		}
	}
	return fields
}

// TestErasedEvidence is gone for everybody, once, and leaves who erased it, when and why.
func TestErasedEvidence(t *testing.T) {
	h := newHarness(t)
	record := h.keep(t, "txn", "app")
	for _, reason := range []string{"", "  ", "two\nlines", strings.Repeat("x", 501)} {
		if _, err := h.EraseEvidence(t.Context(), root, "txn", reason); !errors.Is(err, admin.ErrReason) {
			t.Errorf("reason %.20q: %v", reason, err)
		}
	}
	erased, err := h.EraseEvidence(t.Context(), operator(storage.RoleOwner, true), "txn", " the person has asked for it ")
	if err != nil || erased.SHA256 != fmt.Sprintf("%x", record.Sum) || erased.ErasedBy != "owner" || erased.Reason != "the person has asked for it" || !erased.Erased.Equal(h.now) {
		t.Errorf("erased is %+v, %v", erased, err)
	}
	if e := h.last(t, audit.EvidenceErased); e["ACTOR"] != "owner" || e["MESSAGE"] != erased.Reason || e["OBJECT"] != "txn" || e[evidence.HashField] != erased.SHA256 {
		t.Errorf("the log says %v", e)
	}
	if _, err := h.ExportEvidence(t.Context(), root, "txn"); !errors.Is(err, admin.ErrErased) || !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("export: %v", err)
	}
	if _, err := h.EraseEvidence(t.Context(), root, "txn", "again"); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("again: %v", err)
	}
	if e := h.last(t, audit.EvidenceErased); e["MESSAGE"] != erased.Reason {
		t.Errorf("what was not done is in the log: %v", e)
	}
	if v, err := h.EvidenceRecord(t.Context(), root, "txn"); err != nil || v != erased {
		t.Errorf("what is left is %+v, %v", v, err)
	}
}

// TestAlteredEvidence is handed out to nobody: whoever has changed the store, and has even its keys, has not changed the audit log.
func TestAlteredEvidence(t *testing.T) {
	h := newHarness(t)
	good := h.keep(t, "good", "app")
	for name, change := range map[string]func(*storage.EvidenceRecord){
		"another record": func(r *storage.EvidenceRecord) { *r = kept(t, r.ID, r.ClientID, r.Created.Add(-time.Hour)) },
		"another signature": func(r *storage.EvidenceRecord) {
			r.Line = []byte(strings.Replace(string(r.Line), `"client_name":"app"`, `"client_name":"apq"`, 1))
		},
		"no record":            func(r *storage.EvidenceRecord) { r.Line = []byte("{}") },
		"a record of another":  func(r *storage.EvidenceRecord) { r.Line = good.Line },
		"a record for another": func(r *storage.EvidenceRecord) { r.Line = kept(t, r.ID, "other", r.Created).Line },
		"an event of another":  func(r *storage.EvidenceRecord) {},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			record := kept(t, "txn", "app", h.now)
			sum := fmt.Sprintf("%x", record.Sum)
			change(&record)
			if name == "an event of another" || name == "another record" {
				sum = strings.Repeat("0", 64)
			}
			completed := storage.AuditEvent{
				ID: "e", Time: h.now, Type: string(audit.LoginCompleted), Reference: record.Login, Expires: h.now.AddDate(1, 0, 0),
				Fields: map[string]string{"CLIENT_ID": "app", "TXN": "txn", evidence.HashField: sum},
			}
			if err := storagetest.PutEvidence(t.Context(), h.store, record.Summed(), completed); err != nil {
				t.Fatal(err)
			}
			if _, err := h.ExportEvidence(t.Context(), root, "txn"); !errors.Is(err, admin.ErrAltered) {
				t.Errorf("export: %v", err)
			}
			if e := h.last(t, audit.EvidenceExported); e != nil {
				t.Errorf("the log says that it was handed out: %v", e)
			}
		})
	}
}

// TestEvidenceOutOfReach is as evidence that is not there.
func TestEvidenceOutOfReach(t *testing.T) {
	h := newHarness(t)
	h.put(t, "mine", "schools")
	h.put(t, "other", "hospitals")
	h.noTree = storage.ErrNotFound
	h.keep(t, "his", "other")
	h.keep(t, "old", "gone")
	for name, a := range map[string]admin.Actor{
		"operator": operator(storage.RoleAdmin, true, "schools"),
		"key":      admin.Key("k", []string{admin.ScopeEvidenceRead, admin.ScopeEvidenceExport, admin.ScopeEvidenceWrite}, []string{"schools"}, account.From{}),
	} {
		for _, id := range []string{"his", "old", "unknown"} {
			_, shown := h.EvidenceRecord(t.Context(), a, id)
			_, exported := h.ExportEvidence(t.Context(), a, id)
			for i, err := range []error{shown, exported} {
				if !errors.Is(err, storage.ErrNotFound) || errors.Is(err, admin.ErrErased) {
					t.Errorf("%s, operation %d on %s: %v", name, i, id, err)
				}
			}
		}
	}
	key := admin.Key("k", []string{admin.ScopeEvidenceWrite}, []string{"schools"}, account.From{})
	if _, err := h.EraseEvidence(t.Context(), key, "his", "because"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("erase: %v", err)
	}
	if v, err := h.EvidenceRecord(t.Context(), root, "his"); err != nil || !v.Erased.IsZero() {
		t.Errorf("it was erased: %+v, %v", v, err)
	}
}

// TestEvidenceOfAPredecessor: whoever adds a client with the ID of one that was removed gets nothing of what that left, and what its own logins leave.
func TestEvidenceOfAPredecessor(t *testing.T) {
	h := newHarness(t)
	h.noTree = storage.ErrNotFound
	h.keep(t, "before", "taken")
	h.now = h.now.Add(time.Hour)
	h.put(t, "taken", "schools")
	h.keep(t, "since", "taken")
	a := operator(storage.RoleAdmin, true, "schools")
	for id, want := range map[string]error{"before": storage.ErrNotFound, "since": nil} {
		_, shown := h.EvidenceRecord(t.Context(), a, id)
		_, exported := h.ExportEvidence(t.Context(), a, id)
		if !errors.Is(shown, want) || !errors.Is(exported, want) {
			t.Errorf("%s: %v, %v", id, shown, exported)
		}
	}
	found, err := h.Evidence(t.Context(), a, admin.EvidenceFilter{ClientID: "taken", Limit: 10})
	if err != nil || !slices.Equal(idsOf(found), []string{"since"}) {
		t.Errorf("listed are %v, %v", idsOf(found), err)
	}
	if all, err := h.Evidence(t.Context(), root, admin.EvidenceFilter{ClientID: "taken", Limit: 10}); err != nil || len(all.Records) != 2 {
		t.Errorf("for all clients are listed %v, %v", idsOf(all), err)
	}
}

// unreadable is a store whose rows of evidence are none any more.
type unreadable struct{ storage.Store }

func (unreadable) Evidence(context.Context, string, time.Time) (*storage.EvidenceRecord, error) {
	return nil, storage.ErrUnreadable
}

// TestUnreadableEvidence is told to those who are for all apps; for others it is not there, as nobody can tell whose it is.
func TestUnreadableEvidence(t *testing.T) {
	h := newHarnessOver(t, func(s storage.Store) storage.Store { return unreadable{s} })
	for name, test := range map[string]struct {
		actor admin.Actor
		want  error
	}{
		"an owner": {operator(storage.RoleOwner, true), admin.ErrAltered}, "an admin of a group": {operator(storage.RoleAdmin, true, "schools"), storage.ErrNotFound},
	} {
		_, shown := h.EvidenceRecord(t.Context(), test.actor, "txn")
		_, exported := h.ExportEvidence(t.Context(), test.actor, "txn")
		for _, err := range []error{shown, exported} {
			if !errors.Is(err, test.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := h.EraseEvidence(t.Context(), root, "txn", "because"); !errors.Is(err, admin.ErrAltered) {
		t.Errorf("erase: %v", err)
	}
}
