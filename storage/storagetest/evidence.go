package storagetest

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"brygga/storage"
)

const (
	canarySignature = "canary-signature-of-the-person"
	canaryStatus    = "canary-answer-on-the-certificate"
)

// newEvidence returns a record of the client that was made so many seconds after the epoch and is kept for an hour.
func newEvidence(id, clientID string, seconds int) *storage.EvidenceRecord {
	record := storage.EvidenceRecord{
		ID: id, ClientID: clientID, Transaction: "txn " + id, Login: "REFERENCE", Method: "bankid", Kind: storage.KindSign, Created: at(seconds), Kept: at(seconds + 3600),
		Line: []byte(`{"text":"` + canaryVisible + `","signature":"` + canarySignature + canaryStatus + canaryCert + `"}`),
	}.Summed()
	return &record
}

// proven completes a login with the record.
func (f *fixture) proven(login string, record *storage.EvidenceRecord, events ...storage.AuditEvent) error {
	result := newResult()
	result.Record = record
	_, err := f.Store.CompleteLogin(f.Context(), login, "order"+login, result, at(3), func(*storage.Login) []storage.AuditEvent { return events })
	return err
}

// evidence returns the record of that ID, nil for none.
func (f *fixture) evidence(id string, now time.Time) *storage.EvidenceRecord {
	f.Helper()
	record, err := f.Store.Evidence(f.Context(), id, now)
	if err != nil {
		f.is(err, storage.ErrNotFound)
		return nil
	}
	return record
}

// evidenceIDs returns the records that are wanted, in pages of two.
func (f *fixture) evidenceIDs(q storage.EvidenceQuery, now time.Time) (ids []string) {
	f.Helper()
	for {
		page, err := f.Store.FindEvidence(f.Context(), q, now, 2)
		f.ok(err)
		for _, record := range page {
			f.same(len(record.Line), 0)
			ids, q.Before = append(ids, record.ID), record.Position()
		}
		if len(page) < 2 {
			return ids
		}
	}
}

// evidenceOf are the records of the client.
func evidenceOf(clientID string) storage.EvidenceQuery {
	return storage.EvidenceQuery{ClientID: clientID}
}

func erasure(seconds int) storage.Erasure {
	return storage.Erasure{At: at(seconds), By: "owner", Reason: "asked for"}
}

var evidenceTests = map[string]func(*fixture){
	"evidence comes with the result, and keeps every field": func(f *fixture) {
		f.pendingLogin("l1")
		f.same(f.evidence("e1", at(3)) == nil, true)
		f.ok(f.proven("l1", newEvidence("e1", "app", 3), newEvent("told", 3)))
		for range 2 {
			f.same(f.evidence("e1", at(4)), newEvidence("e1", "app", 3))
			f.ok(f.evidence("e1", at(4)).Whole())
			f.same(f.must(f.Store.Login(f.Context(), "l1", at(4))).State, storage.LoginComplete)
			f.restart()
		}
		f.is(f.Store.AppendAudit(f.Context(), newEvent("told", 3)), storage.ErrExists)
	},
	"a result that is not taken leaves no evidence, and no event": func(f *fixture) {
		f.pendingLogin("l1")
		f.ok(f.proven("l1", newEvidence("e1", "app", 3)))
		f.is(f.proven("l1", newEvidence("e1", "app", 3)), storage.ErrConflict) // the same again, as when its answer was lost
		f.pendingLogin("l2")
		f.ok(f.Store.AppendAudit(f.Context(), newEvent("there", 3)))
		f.is(f.proven("l2", newEvidence("e2", "app", 3), newEvent("there", 3)), storage.ErrExists)       // an event is there
		f.is(f.proven("l2", newEvidence("e1", "other", 3), newEvent("told", 3)), storage.ErrExists)      // a record is there
		f.is(f.proven("l1", newEvidence("e2", "app", 3), newEvent("told", 3)), storage.ErrConflict)      // completed before
		f.is(f.proven("unknown", newEvidence("e2", "app", 3), newEvent("told", 3)), storage.ErrNotFound) // no login
		ctx, cancel := cancelled(f.Context())
		defer cancel()
		_, err := f.Store.CompleteLogin(ctx, "l2", "orderl2", storage.Result{Record: newEvidence("e2", "app", 3)}, at(3))
		f.is(err, ctx.Err())
		for range 2 {
			f.same(f.evidence("e2", at(4)) == nil, true)
			f.same(f.evidence("e1", at(4)), newEvidence("e1", "app", 3))
			f.same(f.evidenceIDs(evidenceOf("app"), at(4)), []string{"e1"})
			f.same(len(f.evidenceIDs(evidenceOf("other"), at(4))), 0)
			f.same(f.must(f.Store.Login(f.Context(), "l2", at(4))).State, storage.LoginPending)
			f.restart()
		}
		f.ok(f.proven("l2", newEvidence("e2", "app", 3), newEvent("told", 3)))
		f.same(f.evidence("e2", at(4)), newEvidence("e2", "app", 3))
	},
	"evidence that is not whole is not stored": func(f *fixture) {
		f.pendingLogin("l1")
		for what, spoil := range map[string]func(*storage.EvidenceRecord){
			"no ID":             func(e *storage.EvidenceRecord) { e.ID = "" },
			"no client":         func(e *storage.EvidenceRecord) { e.ClientID = "" },
			"not kept":          func(e *storage.EvidenceRecord) { e.Kept = e.Created },
			"another sum":       func(e *storage.EvidenceRecord) { e.Sum[0] ^= 1 },
			"another signature": func(e *storage.EvidenceRecord) { e.Line[0] ^= 1 },
			"a byte more":       func(e *storage.EvidenceRecord) { e.Line = append(e.Line[:len(e.Line):len(e.Line)], ' ') },
		} {
			record := newEvidence("e1", "app", 3)
			if spoil(record); f.proven("l1", record) == nil {
				f.Fatalf("%s: it was stored", what)
			}
		}
		f.same(f.evidence("e1", at(4)) == nil, true)
		f.same(f.must(f.Store.Login(f.Context(), "l1", at(4))).State, storage.LoginPending)
	},
	"evidence comes by its time, the newest first, in pages": func(f *fixture) {
		for i, id := range []string{"e", "b", "d", "a", "c"} {
			f.pendingLogin("l" + id)
			f.ok(f.proven("l"+id, newEvidence(id, "app", 3+(i+1)/2)))
		}
		for i, client := range []string{"ap", "app2", "app\x01", "b"} {
			f.pendingLogin("of " + client)
			f.ok(f.proven("of "+client, newEvidence(name("other", i), client, 3)))
		}
		for range 2 {
			f.same(f.evidenceIDs(evidenceOf("app"), at(4)), []string{"c", "a", "d", "b", "e"})
			f.same(f.evidenceIDs(storage.EvidenceQuery{}, at(4)), []string{"c", "a", "d", "b", name("other", 3), name("other", 2), name("other", 1), name("other", 0), "e"})
			for _, clientID := range []string{"", "app"} {
				f.same(f.evidenceIDs(storage.EvidenceQuery{ClientID: clientID, From: at(4), To: at(5)}, at(4)), []string{"d", "b"})
				f.same(f.evidenceIDs(storage.EvidenceQuery{ClientID: clientID, From: at(5), Before: storage.EvidencePosition{Created: at(5), ID: "c"}}, at(4)), []string{"a"})
				f.same(f.evidenceIDs(storage.EvidenceQuery{ClientID: clientID, From: at(4), To: at(5), Before: storage.EvidencePosition{Created: at(5), ID: "c"}}, at(4)), []string{"d", "b"})
			}
			f.same(f.evidenceIDs(evidenceOf("ap"), at(4)), []string{name("other", 0)})
			for _, unknown := range []string{"unknown", "app\x00"} {
				f.same(len(f.evidenceIDs(evidenceOf(unknown), at(4))), 0)
			}
			f.restart()
		}
	},
	"evidence outlives its login, and is swept in its time": func(f *fixture) {
		f.pendingLogin("l1")
		f.ok(f.proven("l1", newEvidence("e1", "app", 3)))
		f.same(f.sweep(at(600), 10), 1) // the login
		f.same(f.evidence("e1", justBefore(at(3603))), newEvidence("e1", "app", 3))
		f.same(f.evidence("e1", at(3603)) == nil, true)
		f.same(len(f.evidenceIDs(evidenceOf("app"), at(3603))), 0)
		_, err := f.Store.EraseEvidence(f.Context(), "e1", erasure(3603))
		f.is(err, storage.ErrNotFound)
		f.same(f.sweep(at(3602), 10), 0)
		f.same(f.sweep(at(3603), 10), 1)
		f.same(f.evidence("e1", at(4)) == nil, true)
		f.same(len(f.evidenceIDs(evidenceOf("app"), at(4))), 0)
	},
	"erasing leaves the proof that it was, and nothing of what was in it": func(f *fixture) {
		f.pendingLogin("l1")
		f.ok(f.proven("l1", newEvidence("e1", "app", 3)))
		erased, err := f.Store.EraseEvidence(f.Context(), "e1", erasure(5), newEvent("erased", 5))
		f.ok(err)
		was := newEvidence("e1", "app", 3)
		f.same(erased.Sum, was.Sum)
		f.same(erased.Erased, erasure(5))
		f.same(len(erased.Line), 0)
		f.is(f.Store.AppendAudit(f.Context(), newEvent("erased", 5)), storage.ErrExists)
		for _, id := range []string{"e1", "unknown", "", "a\x00"} {
			want := storage.ErrNotFound
			if id == "e1" {
				want = storage.ErrConflict
			}
			_, err := f.Store.EraseEvidence(f.Context(), id, erasure(6), newEvent("again", 6))
			f.is(err, want)
		}
		f.ok(f.Store.AppendAudit(f.Context(), newEvent("again", 6)))
		_, err = f.Store.EraseEvidence(f.Context(), "e1", erasure(6))
		f.is(err, storage.ErrConflict)
		for range 2 {
			f.same(f.evidence("e1", at(6)), erased)
			f.ok(f.evidence("e1", at(6)).Whole())
			f.same(f.evidenceIDs(evidenceOf("app"), at(6)), []string{"e1"})
			f.restart()
		}
		f.same(f.sweep(at(3603), 10), 2) // the login too
	},
	"what has expired hides nothing of what has not": func(f *fixture) {
		for i := range 6 {
			record := newEvidence(name("e", i), name("client", i%2), 3+i)
			if i >= 2 {
				record.Kept = at(20)
			}
			f.pendingLogin(name("l", i))
			f.ok(f.proven(name("l", i), record))
		}
		f.same(f.evidenceIDs(storage.EvidenceQuery{}, at(20)), []string{name("e", 1), name("e", 0)})
		f.same(f.evidenceIDs(evidenceOf(name("client", 0)), at(20)), []string{name("e", 0)})
	},
	"what comes to evidence later comes once, and goes when it is erased": func(f *fixture) {
		f.pendingLogin("l1")
		f.ok(f.proven("l1", newEvidence("e1", "app", 3)))
		want := newEvidence("e1", "app", 3)
		want.Attested = storage.Attestation{Event: `{"id":"event"}`, Stamp: []byte("stamp")}
		f.is(f.Store.AttestEvidence(f.Context(), "e1", storage.Attestation{}, at(4)), storage.ErrConflict)
		f.same(f.race(racers, func(int) error { return f.Store.AttestEvidence(f.Context(), "e1", want.Attested, at(4)) }, storage.ErrConflict), 1)
		f.is(f.Store.AttestEvidence(f.Context(), "unknown", want.Attested, at(4)), storage.ErrNotFound)
		f.is(f.Store.AttestEvidence(f.Context(), "e1", want.Attested, at(3603)), storage.ErrNotFound)
		for range 2 {
			f.same(f.evidence("e1", at(4)), want)
			f.ok(want.Whole())
			f.restart()
		}
		erased, err := f.Store.EraseEvidence(f.Context(), "e1", erasure(5))
		f.ok(err)
		f.ok(erased.Whole())
		f.same(erased.Attested, storage.Attestation{})
		f.is(f.Store.AttestEvidence(f.Context(), "e1", want.Attested, at(6)), storage.ErrConflict)
	},
	"of those who bring a result at the same time one has its evidence": func(f *fixture) {
		f.pendingLogin("l1")
		var won atomic.Int64
		f.same(f.race(racers, func(i int) error {
			err := f.proven("l1", newEvidence(name("e", i), "app", 3))
			if err == nil {
				won.Store(int64(i))
			}
			return err
		}, storage.ErrConflict), 1)
		f.same(f.evidenceIDs(evidenceOf("app"), at(4)), []string{name("e", int(won.Load()))})
	},
	"results of two logins do not share a record": func(f *fixture) {
		var logins []string
		for i := range racers {
			logins = append(logins, name("l", i))
			f.pendingLogin(logins[i])
		}
		f.same(f.race(racers, func(i int) error { return f.proven(logins[i], newEvidence("e1", "app", 3)) }, storage.ErrExists), 1)
		complete := slices.DeleteFunc(logins, func(id string) bool {
			return f.must(f.Store.Login(f.Context(), id, at(4))).State != storage.LoginComplete
		})
		f.same(len(complete), 1)
	},
	"evidence is erased once": func(f *fixture) {
		f.pendingLogin("l1")
		f.ok(f.proven("l1", newEvidence("e1", "app", 3)))
		f.same(f.race(racers, func(i int) error {
			_, err := f.Store.EraseEvidence(f.Context(), "e1", erasure(5+i))
			return err
		}, storage.ErrConflict), 1)
	},
}

// PutEvidence stores a record in the only way that there is: with the result of a login, which has its ID, and the events.
func PutEvidence(ctx context.Context, store storage.Store, record storage.EvidenceRecord, events ...storage.AuditEvent) error {
	id := "login of " + record.ID
	result := newResult()
	result.Record = &record
	err := store.CreateLogin(ctx, newLogin(id))
	if err == nil {
		_, err = store.BeginOrder(ctx, id, newClaim("claim"+id, 1))
	}
	if err == nil {
		_, err = store.PutOrder(ctx, id, "claim"+id, newOrder("order"+id, 2))
	}
	if err == nil {
		_, err = store.CompleteLogin(ctx, id, "order"+id, result, at(3), func(*storage.Login) []storage.AuditEvent { return events })
	}
	return err
}
