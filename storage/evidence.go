package storage

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// EvidenceRecord is what proves one result, for those who look at it years later. It belongs to a client and outlives its login.
type EvidenceRecord struct {
	// ID is the Transaction for those that logins leave, so that an app can name it. ClientID is who it belongs to; Transaction is what that one knows the
	// login by.
	ID          string `json:"-"`
	ClientID    string `json:"client"`
	Transaction string `json:"transaction,omitempty"`
	// Login is the reference of the login in the audit log.
	Login  Reference `json:"login,omitempty"`
	Method string    `json:"method"`
	Kind   Kind      `json:"kind"`
	// Created is when the result was taken, and Kept until when the record is.
	Created time.Time `json:"created"`
	Kept    time.Time `json:"kept"`
	// Line is what was asked for and what came back, as package evidence writes it, byte for byte.
	Line []byte `json:"line,omitempty"`
	// Sum is the SHA-256 of Line; the audit log has it too.
	Sum Hash `json:"sum"`
	// Attested is what has come to the record since.
	Attested Attestation `json:"attested,omitzero"`
	// Erased is zero until the record is erased: then nothing stands in it but what it was and its Sum.
	Erased Erasure `json:"erased,omitzero"`
	// Unreadable is set by lists for a row that is none, of which the ID, the client and the time alone are known.
	Unreadable bool `json:"-"`
}

// Attestation is what others say of a record's Sum, once it is known to the audit log.
type Attestation struct {
	// Event is the audit event that names the Sum, as the line that the log has of it. The log itself may keep it for a shorter time.
	Event string `json:"event,omitempty"`
	// Stamp is a time-stamp token of the Sum (RFC 3161 §2.4.2) in DER, nil for none.
	Stamp []byte `json:"stamp,omitempty"`
}

// Erasure is the proof that a record was erased.
type Erasure struct {
	At time.Time `json:"at"`
	// By names who did it, as the audit log does, and Reason is why.
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// EvidencePosition is where a record lies among others: by time, and by ID where that is the same.
type EvidencePosition struct {
	Created time.Time
	ID      string
}

// Position is where the record lies.
func (e *EvidenceRecord) Position() EvidencePosition { return EvidencePosition{e.Created, e.ID} }

// Before reports whether one position lies before the other.
func (p EvidencePosition) Before(q EvidencePosition) bool {
	return cmp.Or(p.Created.Compare(q.Created), cmp.Compare(p.ID, q.ID)) < 0
}

// EvidenceQuery says which records are wanted.
type EvidenceQuery struct {
	// ClientID is whose; empty for those of all clients.
	ClientID string
	// From and To bound when they were made: From inclusive, To exclusive, each zero for no bound.
	From, To time.Time
	// Before is what they lie before, zero for nothing.
	Before EvidencePosition
}

// End is what all that is wanted lies before, zero for nothing.
func (q *EvidenceQuery) End() EvidencePosition {
	to := EvidencePosition{Created: q.To}
	if q.Before == (EvidencePosition{}) || !q.To.IsZero() && to.Before(q.Before) {
		return to
	}
	return q.Before
}

// Evidences keeps evidence. Records are stored by the step that completes a login; see Result.Record.
type Evidences interface {
	// Evidence returns the record with that ID, or ErrNotFound, or ErrUnreadable.
	Evidence(ctx context.Context, id string, now time.Time) (*EvidenceRecord, error)
	// FindEvidence returns at most limit of the records that are wanted, the newest first, without their lines. Those that are erased are among them, and
	// rows that cannot be read.
	FindEvidence(ctx context.Context, q EvidenceQuery, now time.Time, limit int) ([]*EvidenceRecord, error)
	// AttestEvidence stores what has come to the record since. It returns ErrNotFound, or ErrConflict when something has come before or the record is
	// erased: of concurrent calls exactly one succeeds.
	AttestEvidence(ctx context.Context, id string, a Attestation, now time.Time) error
	// EraseEvidence takes out of the record what is in it and notes the erasure, with the events. It returns the record as it is then,
	// ErrNotFound, or ErrConflict when it was erased before: of concurrent calls exactly one succeeds. It is kept as long as it would have been.
	EraseEvidence(ctx context.Context, id string, erasure Erasure, events ...AuditEvent) (*EvidenceRecord, error)
}

// Of reports whether the record is one of the client, as it is now: that of another client of that ID, which was removed since, is not.
func (e *EvidenceRecord) Of(c *Client) bool {
	return e.ClientID == c.ID && !c.Succeeds(e.Created)
}

// Summed returns the record with its times as stores keep them, and its Sum.
func (e EvidenceRecord) Summed() EvidenceRecord {
	e.Created, e.Kept, e.Erased, e.Attested = micro(e.Created), microUp(e.Kept), Erasure{}, Attestation{}
	e.Sum = sha256.Sum256(e.Line)
	return e
}

// Whole returns nil when the record can be stored, and when one that is stored says what it said then.
func (e *EvidenceRecord) Whole() error {
	switch {
	case e.ID == "" || e.ClientID == "" || strings.ContainsRune(e.ID+e.ClientID, 0):
		return errors.New("storage: evidence without an ID or a client")
	case !e.Created.Before(e.Kept):
		return errors.New("storage: evidence that is not kept")
	case e.Erased != (Erasure{}) && (len(e.Line) > 0 || !e.Attested.empty()):
		return errors.New("storage: evidence that was erased and is there")
	case e.Erased == (Erasure{}) && e.Sum != sha256.Sum256(e.Line):
		return errors.New("storage: evidence with another sum than its own")
	}
	return nil
}

// Erase takes out what is in the record and notes the erasure. It returns ErrConflict when it was erased before. It is a rule, not a step.
func (e *EvidenceRecord) Erase(erasure Erasure) error {
	if e.Erased != (Erasure{}) {
		return ErrConflict
	}
	erasure.At = micro(erasure.At)
	e.Line, e.Attested, e.Erased = nil, Attestation{}, erasure
	return nil
}

func (a *Attestation) empty() bool { return a.Event == "" && len(a.Stamp) == 0 }

// Attest puts what has come since into the record. It returns ErrConflict when something has come before, or the record was erased. It is a rule, not a step.
func (e *EvidenceRecord) Attest(a Attestation) error {
	if e.Erased != (Erasure{}) || !e.Attested.empty() || a.empty() {
		return ErrConflict
	}
	e.Attested = a
	return nil
}

// Head returns the record as lists have it, without its line.
func (e *EvidenceRecord) Head() *EvidenceRecord {
	e.Line = nil
	return e
}

// EvidenceEntryOf returns the entry of a record of evidence.
func EvidenceEntryOf(e *EvidenceRecord) Entry {
	return Entry{Kind: EvidenceEntry, Key: []byte(e.ID), Record: e, Kept: e.Kept}
}

// EncodeEvidence returns the record, sealed: what is known of it as JSON, a line's end, and the Line as it is, which is most of it.
func (c Codec) EncodeEvidence(e *EvidenceRecord) ([]byte, error) {
	head := *e
	head.Line = nil
	text, err := json.Marshal(&head)
	if err != nil {
		return nil, fmt.Errorf("encode evidence: %w", err)
	}
	if e.Line != nil {
		text = append(append(slices.Grow(text, len(e.Line)+1), '\n'), e.Line...)
	}
	return c.sealer.Seal(string(SealedEvidence)+e.ID, text), nil
}

// DecodeEvidence returns the record of that ID from what EncodeEvidence made, or an earlier version, which had the Line in the JSON.
func (c Codec) DecodeEvidence(id string, sealed []byte) (*EvidenceRecord, error) {
	e := &EvidenceRecord{ID: id}
	text, err := c.sealer.Open(string(SealedEvidence)+id, sealed)
	head, line, apart := bytes.Cut(text, []byte{'\n'})
	if err != nil || json.Unmarshal(head, e) != nil { // either error may quote it
		return nil, fmt.Errorf("decode evidence: %w", ErrUnreadable)
	}
	if apart {
		e.Line = line
	}
	return e, nil
}
