// Package archive takes evidence out of the store, as files that stand by themselves.
//
// It owns what must be true before a record leaves the house: that it is the one that was written, that the audit log names no other, and that the log
// says who has it. Who may have it is its callers' business.
package archive

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"brygga/audit"
	"brygga/audit/tree"
	"brygga/evidence"
	"brygga/storage"
)

// Errors of records that leave no file behind.
var (
	// ErrErased means that nothing is left of what was in the record.
	ErrErased = errors.New("evidence/archive: the record was erased")
	// ErrAltered means that the record is not the one that was written with the result: somebody has changed the store.
	ErrAltered = errors.New("evidence/archive: the record is not the one that was written")
)

// Store has the records and the audit events.
type Store interface {
	Evidence(ctx context.Context, id string, now time.Time) (*storage.EvidenceRecord, error)
	AppendAudit(ctx context.Context, events ...storage.AuditEvent) error
	AuditEventsOf(ctx context.Context, reference storage.Reference, from, to time.Time, limit int) ([]storage.AuditEvent, error)
}

// Archive are the records of a store. Its methods may be called concurrently.
type Archive struct {
	Store Store
	Audit *audit.Log
	// Tree returns the tree over the audit log, or storage.ErrNotFound where there is none; nil for none.
	Tree func(context.Context) (*tree.Tree, error)
}

// Recipient is who gets a file.
type Recipient struct {
	// Actor and Address are who and where from, for the audit log.
	Actor, Address string
	// May reports whether a record exists for them; nil for all, and for rows of which nobody can tell whose they are.
	May func(*storage.EvidenceRecord) bool
}

// Find returns the record with that ID, or storage.ErrNotFound when none exists for who asks, or ErrAltered for a row that is no record.
func (a *Archive) Find(ctx context.Context, id string, who Recipient, now time.Time) (*storage.EvidenceRecord, error) {
	r, err := a.Store.Evidence(ctx, id, now)
	switch {
	case errors.Is(err, storage.ErrUnreadable) && who.May == nil:
		return nil, ErrAltered
	case errors.Is(err, storage.ErrUnreadable):
		return nil, storage.ErrNotFound
	case err != nil:
		return nil, err
	case who.May != nil && !who.May(r):
		return nil, storage.ErrNotFound
	}
	return r, nil
}

// Export returns the file of the record with that ID, and tells the audit log before anybody has it. Its errors are those of Find, ErrErased and ErrAltered.
// A file has no proof of the audit log when the log has the event no more, or not yet: some seconds later it does.
func (a *Archive) Export(ctx context.Context, id string, who Recipient, now time.Time) (*evidence.File, error) {
	r, err := a.Find(ctx, id, who, now)
	if err != nil {
		return nil, err
	}
	f, err := a.file(ctx, r)
	if err != nil {
		return nil, err
	}
	records, told := a.Audit.Of(Event(audit.EvidenceExported, who, r, ""))
	if err := a.Store.AppendAudit(ctx, records...); err != nil { // who looks leaves a trace, or does not look
		return nil, fmt.Errorf("record who exports evidence: %w", err)
	}
	told(ctx)
	return f, nil
}

// Event is the audit event of what somebody does with a record.
func Event(of audit.Type, who Recipient, r *storage.EvidenceRecord, message string) audit.Event {
	e := audit.Event{
		Type: of, Actor: who.Actor, Object: r.ID, ClientID: r.ClientID, Transaction: r.Transaction, Evidence: hex.EncodeToString(r.Sum[:]), Message: message, SourceAddress: who.Address,
	}
	if r.Kind != storage.KindIdentify {
		e.Kind = string(r.Kind)
	}
	return e
}

func (a *Archive) file(ctx context.Context, r *storage.EvidenceRecord) (*evidence.File, error) {
	if r.Erased != (storage.Erasure{}) {
		return nil, ErrErased
	}
	record, err := evidence.ReadRecord(r.Line)
	if err != nil || r.Whole() != nil || record.ID != r.ID || record.Client.ID != r.ClientID || record.Transaction != r.Transaction {
		return nil, ErrAltered
	}
	event, err := a.event(ctx, r)
	if err != nil {
		return nil, err
	}
	f := &evidence.File{Line: r.Line, Record: record, Stamp: r.Attested.Stamp}
	if event != nil {
		f.Proof, err = a.prove(ctx, event)
	}
	return f, err
}

// longestStep is longer than it takes from a record's making until its step has stored it, while a store fails.
const longestStep = 24 * time.Hour

// event returns the event of the completion that left the record, nil when the log has it no more, and ErrAltered when it names another.
func (a *Archive) event(ctx context.Context, r *storage.EvidenceRecord) (*storage.AuditEvent, error) {
	if kept := r.Attested.Event; kept != "" {
		event := new(storage.AuditEvent)
		if json.Unmarshal([]byte(kept), event) != nil || !names(event, r) {
			return nil, ErrAltered
		}
		return event, nil
	}
	events, err := a.Store.AuditEventsOf(ctx, r.Login, r.Created.Add(-time.Minute), r.Created.Add(longestStep), 1000)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	for i := range events {
		e := &events[i]
		if audit.Type(e.Type).Common() != audit.LoginCompleted || e.Fields["TXN"] != r.Transaction || e.Fields["CLIENT_ID"] != r.ClientID {
			continue
		}
		if !names(e, r) {
			return nil, ErrAltered
		}
		return e, nil
	}
	return nil, nil
}

func names(e *storage.AuditEvent, r *storage.EvidenceRecord) bool {
	return e.Fields[evidence.HashField] == hex.EncodeToString(r.Sum[:])
}

// prove returns the proof that the log has the event, nil while it is in no checkpoint or where there is no tree.
func (a *Archive) prove(ctx context.Context, event *storage.AuditEvent) (*tree.Proof, error) {
	if a.Tree == nil {
		return nil, nil
	}
	log, err := a.Tree(ctx)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	proof, err := log.Prove(ctx, []storage.AuditEvent{*event})
	if errors.Is(err, tree.ErrUnsigned) {
		return nil, nil
	}
	return proof, err
}
