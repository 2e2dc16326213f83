package admin

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"brygga/audit"
	"brygga/evidence"
	"brygga/evidence/archive"
	"brygga/storage"
)

// The operations on what proves signatures and logins.
const (
	ListEvidence   Name = "evidence.list"
	ExportEvidence Name = "evidence.export"
	EraseEvidence  Name = "evidence.erase"
)

// The scopes that they need. Lists name nobody; a record names the person and what was signed.
const (
	ScopeEvidenceRead   = "evidence:read"
	ScopeEvidenceExport = "evidence:export"
	ScopeEvidenceWrite  = "evidence:write"
)

// ErrErased means that the record is there and what was in it is not.
var ErrErased = fmt.Errorf("admin: the evidence was erased: %w", storage.ErrNotFound)

// ErrAltered means that the record is not the one that was written with the result.
var ErrAltered = archive.ErrAltered

// ErrReason means that an erasure came without its reason, or with one that no line holds.
var ErrReason = errors.New("admin: an erasure needs a reason, of 500 characters at most, in one line")

const maxReason = 500

// ErrEvidenceCursor means that a text is no cursor of a list of evidence.
var ErrEvidenceCursor = errors.New("admin: not a cursor of evidence")

// EvidenceFilter says which records are wanted; zero fields want all.
type EvidenceFilter struct {
	ClientID, Transaction string
	Kind                  storage.Kind
	// Reference is what the login was called on its page.
	Reference storage.Reference
	// From and To bound when the records were made.
	From, To time.Time
	// Before is the Next of the page before.
	Before string
	Limit  int
}

// EvidenceView is what is shown of a record. It names nobody.
type EvidenceView struct {
	ID          string    `json:"id"`
	ClientID    string    `json:"client_id"`
	Transaction string    `json:"txn,omitempty"`
	Reference   string    `json:"reference,omitempty"`
	Method      string    `json:"method,omitempty"`
	Kind        string    `json:"kind,omitempty"`
	Created     time.Time `json:"created"`
	Kept        time.Time `json:"kept,omitzero"`
	SHA256      string    `json:"sha256,omitempty"`
	// Stamped says that it has a time stamp.
	Stamped bool `json:"stamped"`
	// Erased is when it was erased, by whom and why.
	Erased   time.Time `json:"erased,omitzero"`
	ErasedBy string    `json:"erased_by,omitempty"`
	Reason   string    `json:"erased_reason,omitempty"`
	// Unreadable says that the store has a row that is no record: somebody or something has changed it.
	Unreadable bool `json:"unreadable,omitempty"`
}

func viewEvidence(r *storage.EvidenceRecord) EvidenceView {
	v := EvidenceView{ID: r.ID, ClientID: r.ClientID, Created: r.Created, Unreadable: r.Unreadable}
	if r.Unreadable {
		return v
	}
	v.Transaction, v.Reference, v.Method, v.Kind, v.Kept = r.Transaction, string(r.Login), r.Method, string(r.Kind), r.Kept
	v.SHA256, v.Stamped = hex.EncodeToString(r.Sum[:]), len(r.Attested.Stamp) > 0
	v.Erased, v.ErasedBy, v.Reason = r.Erased.At, r.Erased.By, r.Erased.Reason
	return v
}

// FoundEvidence is a page of records, and what the next page is asked for with, empty when this is the last.
type FoundEvidence struct {
	Records []EvidenceView
	Next    string
}

// Evidence returns a page of the records of clients that the actor may see, the newest first. A page may have fewer than were asked for and be followed by
// another: so many are looked at for it, and no more. It returns ErrEvidenceCursor.
func (s *Service) Evidence(ctx context.Context, actor Actor, f EvidenceFilter) (found FoundEvidence, err error) {
	r, err := s.permit(ctx, actor, ListEvidence)
	if err != nil {
		return found, err
	}
	wanted := s.wanted(ctx, r, &f)
	if f.Transaction != "" {
		return s.evidenceNamed(ctx, wanted, f.Transaction)
	}
	q, err := f.query(s.o.Now())
	if err != nil {
		return found, err
	}
	limit := max(1, min(f.Limit, maxEvidence))
	for looked := 0; looked < mostEvidenceLooked; {
		page, err := s.o.Store.FindEvidence(ctx, q, s.o.Now(), evidenceAtOnce)
		if err != nil {
			return found, fmt.Errorf("find evidence: %w", err)
		}
		for _, record := range page {
			if len(found.Records) == limit {
				found.Next = cursorOf(q.Before)
				return found, nil
			}
			if looked, q.Before = looked+1, record.Position(); wanted(record) {
				found.Records = append(found.Records, viewEvidence(record))
			}
		}
		if len(page) < evidenceAtOnce {
			return found, nil
		}
	}
	found.Next = cursorOf(q.Before)
	return found, nil
}

// Bounds of a page.
const (
	maxEvidence        = 1000
	evidenceAtOnce     = 200
	mostEvidenceLooked = 5000
)

// wanted returns what says of a record whether it is wanted and within reach.
func (s *Service) wanted(ctx context.Context, r reach, f *EvidenceFilter) func(*storage.EvidenceRecord) bool {
	visible := s.evidenceFor(ctx, r)
	return func(e *storage.EvidenceRecord) bool {
		return (visible == nil || visible(e)) && (f.ClientID == "" || f.ClientID == e.ClientID) && (f.Kind == "" || f.Kind == e.Kind) &&
			(f.Reference == "" || f.Reference == e.Login) && !e.Created.Before(f.From) && (f.To.IsZero() || e.Created.Before(f.To))
	}
}

// evidenceNamed is the page with the record of that transaction, if it is wanted.
func (s *Service) evidenceNamed(ctx context.Context, wanted func(*storage.EvidenceRecord) bool, id string) (found FoundEvidence, err error) {
	record, err := s.o.Store.Evidence(ctx, id, s.o.Now())
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrUnreadable) {
		return found, nil
	}
	if err == nil && wanted(record) {
		found.Records = []EvidenceView{viewEvidence(record)}
	}
	return found, err
}

// longestLogin is longer than any login lives.
const longestLogin = 24 * time.Hour

// query is the filter as the store takes it. A reference says when its login was begun, within nearly two years, so that those of the last such time are looked at
// unless a time is asked for.
func (f *EvidenceFilter) query(now time.Time) (q storage.EvidenceQuery, err error) {
	q = storage.EvidenceQuery{ClientID: f.ClientID, From: f.From, To: f.To}
	if f.Reference != "" && f.From.IsZero() {
		if !f.To.IsZero() && f.To.Before(now) {
			now = f.To
		}
		q.From = f.Reference.Begun(now)
		if end := q.From.Add(longestLogin); q.To.IsZero() || end.Before(q.To) {
			q.To = end
		}
	}
	if f.Before != "" {
		at, id, _ := strings.Cut(f.Before, " ")
		if q.Before.Created, err = time.Parse(time.RFC3339Nano, at); err != nil || id == "" {
			return q, ErrEvidenceCursor
		}
		q.Before.ID = id
	}
	return q, nil
}

func cursorOf(p storage.EvidencePosition) string {
	return p.Created.UTC().Format(time.RFC3339Nano) + " " + p.ID
}

// EvidenceRecord returns what is shown of a record, one that was erased too, or storage.ErrNotFound.
func (s *Service) EvidenceRecord(ctx context.Context, actor Actor, id string) (EvidenceView, error) {
	r, err := s.permit(ctx, actor, ListEvidence)
	if err != nil {
		return EvidenceView{}, err
	}
	record, err := s.archive.Find(ctx, id, s.recipient(ctx, actor, r), s.o.Now())
	if err != nil {
		return EvidenceView{}, err
	}
	return viewEvidence(record), nil
}

// recipient is the actor, as the archive knows who gets something.
func (s *Service) recipient(ctx context.Context, actor Actor, r reach) archive.Recipient {
	return archive.Recipient{Actor: actor.name, Address: address(actor.from), May: s.evidenceFor(ctx, r)}
}

// evidenceFor reports whether a record is one of a client within reach; nil for all. Who adds a client with the ID of another that was removed gets
// nothing of that one's. It asks once for each client.
func (s *Service) evidenceFor(ctx context.Context, r reach) func(*storage.EvidenceRecord) bool {
	if r.all {
		return nil
	}
	known := map[string]*storage.Client{}
	return func(e *storage.EvidenceRecord) bool {
		c, asked := known[e.ClientID]
		if !asked {
			if found, err := s.o.Store.Client(ctx, e.ClientID); err == nil && r.has(found) {
				c = found
			}
			known[e.ClientID] = c
		}
		return c != nil && e.Of(c)
	}
}

// ExportEvidence returns the record as a file that stands by itself, and tells the audit log before anybody has it. It returns storage.ErrNotFound, ErrErased,
// or ErrAltered when the store has another record than the one that was written.
func (s *Service) ExportEvidence(ctx context.Context, actor Actor, id string) (*evidence.File, error) {
	r, err := s.permit(ctx, actor, ExportEvidence)
	if err != nil {
		return nil, err
	}
	f, err := s.archive.Export(ctx, id, s.recipient(ctx, actor, r), s.o.Now())
	if errors.Is(err, archive.ErrErased) {
		err = ErrErased
	}
	return f, err
}

// ReadEvidence is ExportEvidence for who reads the record at once: it returns the file and what it proves, before what the installation itself trusts.
func (s *Service) ReadEvidence(ctx context.Context, actor Actor, id string) (*evidence.File, *evidence.Report, error) {
	f, err := s.ExportEvidence(ctx, actor, id)
	if err != nil {
		return nil, nil, err
	}
	var anchors evidence.Anchors
	if s.o.Anchors != nil {
		anchors = s.o.Anchors()
	}
	if log, err := s.tree(ctx); err == nil && f.Proof != nil {
		anchors.AuditKey = log.PublicKey()
	}
	return f, evidence.Verify(f, anchors), nil
}

// EraseEvidence takes out of the record what is in it, for ever, and returns what is left: its hash, when it was erased, by whom and why. It returns
// storage.ErrNotFound, storage.ErrConflict when it was erased before, or ErrReason.
func (s *Service) EraseEvidence(ctx context.Context, actor Actor, id, reason string) (EvidenceView, error) {
	r, err := s.permit(ctx, actor, EraseEvidence)
	if err != nil {
		return EvidenceView{}, err
	}
	if reason = strings.TrimSpace(reason); reason == "" || utf8.RuneCountInString(reason) > maxReason || strings.ContainsFunc(reason, unicode.IsControl) {
		return EvidenceView{}, ErrReason
	}
	who := s.recipient(ctx, actor, r)
	record, err := s.archive.Find(ctx, id, who, s.o.Now())
	if err != nil {
		return EvidenceView{}, err
	}
	records, told := s.o.Audit.Of(archive.Event(audit.EvidenceErased, who, record, reason))
	erased, err := s.o.Store.EraseEvidence(ctx, id, storage.Erasure{At: s.o.Now(), By: actor.name, Reason: reason}, records...)
	if err != nil {
		return EvidenceView{}, err
	}
	told(ctx)
	return viewEvidence(erased), nil
}
