package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// EntryKind is a kind of record that moves from one store to another.
type EntryKind uint8

// The kinds, in the order in which they move, with what their key and record are.
const (
	GenerationsEntry EntryKind = iota + 1 // no key, no record: Number is the last generation that a client was given
	ForgottenEntry                        // no key, no record: see Replays.ForgottenBefore, in Kept
	KeysEntry                             // no key, []SigningKey: Number is the revision of the set
	SecretEntry                           // name, []byte: an installation secret
	ClientEntry                           // ID, *Client: Number is its generation
	LoginEntry                            // ID, *Login
	GrantEntry                            // ID, *Grant: Number is the generation that its client had, Led whether its session and its sid lead to it
	CodeEntry                             // hash, *Code
	AccessEntry                           // hash, *AccessToken
	RefreshEntry                          // hash, *RefreshToken: Next is the hash of the one that followed
	SessionEntry                          // ID, *Session
	NoticeEntry                           // ID, *Notice
	PushedEntry                           // hash, *PushedRequest
	UsedEntry                             // key, no record: see Replays.UseOnce
	AuditEntry                            // time in microseconds since 1970 (8 bytes) + ID, *AuditEvent
	OperatorEntry                         // ID, *Operator
	ThrottleEntry                         // key, *Throttle
	MailEntry                             // ID, *Mail
	TileEntry                             // level (1 byte) + index (8 bytes), *AuditTile
	TreeEntry                             // no key, *AuditTree
	APIKeyEntry                           // ID, *APIKey
	NoteEntry                             // key, *Note
	DocumentEntry                         // ID of the login, *Document
	EvidenceEntry                         // ID, *EvidenceRecord
	lastEntry        = EvidenceEntry
)

// EntryKinds returns all kinds in the order in which they move.
func EntryKinds() (all []EntryKind) {
	for kind := GenerationsEntry; kind <= lastEntry; kind++ {
		all = append(all, kind)
	}
	return all
}

var entryNames = [...]string{
	GenerationsEntry: "client generations", ForgottenEntry: "time of the restore", KeysEntry: "signing keys", SecretEntry: "secret", ClientEntry: "client", LoginEntry: "login",
	GrantEntry: "grant", CodeEntry: "code", AccessEntry: "access token", RefreshEntry: "refresh token", SessionEntry: "session", NoticeEntry: "logout notice",
	PushedEntry: "pushed request", UsedEntry: "key that was used once", AuditEntry: "audit event",
	OperatorEntry: "operator", ThrottleEntry: "count of attempts", MailEntry: "mail",
	TileEntry: "tile of the audit tree", TreeEntry: "audit tree", APIKeyEntry: "API key", NoteEntry: "note",
	DocumentEntry: "document", EvidenceEntry: "evidence",
}

// String returns what a record of the kind is called.
func (k EntryKind) String() string { return entryNames[k] }

// Entry is a record on its way from one store to another, the same whichever of them it was read from: what backends keep more finely than
// others is rounded as all can keep it.
type Entry struct {
	Kind   EntryKind
	Key    []byte // names the record within its kind; entries of a kind follow each other in the order of its bytes
	Record any    // see EntryKind
	Number uint64
	Led    bool
	Next   []byte
	// Kept is when the record is gone, the zero time for never.
	Kept time.Time
}

// Position is where in a store an entry lies. The zero value lies before all.
type Position struct {
	Kind EntryKind `json:"kind,omitempty"`
	Key  []byte    `json:"key,omitempty"`
}

// Position returns where the entry lies.
func (e *Entry) Position() Position { return Position{e.Kind, e.Key} }

// compare returns which of two entries comes first, as cmp.Compare does.
func (e *Entry) compare(other *Entry) int {
	if e.Kind != other.Kind {
		return int(e.Kind) - int(other.Kind)
	}
	return bytes.Compare(e.Key, other.Key)
}

// microUp returns the time in microseconds, rounded up: what begins at that time begins never a nanosecond too early.
func microUp(at time.Time) time.Time { return micro(at.Add(time.Microsecond - 1)) }

// micro returns the time in microseconds, rounded down.
func micro(at time.Time) time.Time { return at.Truncate(time.Microsecond).UTC() }

// ClientEntryOf returns the entry of a client with that generation.
func ClientEntryOf(client *Client, generation uint64) Entry {
	return Entry{Kind: ClientEntry, Key: []byte(client.ID), Record: client, Number: generation}
}

// LoginEntryOf returns the entry of a login.
func LoginEntryOf(login *Login) Entry {
	return Entry{Kind: LoginEntry, Key: []byte(login.ID), Record: login, Kept: microUp(login.Expires)}
}

// GrantEntryOf returns the entry of a grant whose client had that generation. Kept is until when its session may need it, where that is
// known. A grant to which nothing leads any more, or of no session, is kept until it expires.
func GrantEntryOf(grant *Grant, generation uint64, led bool, kept time.Time) Entry {
	if !led || grant.Session == "" {
		kept = grant.Expires
	}
	grant.Revoked = micro(grant.Revoked)
	return Entry{Kind: GrantEntry, Key: []byte(grant.ID), Record: grant, Number: generation, Led: led, Kept: microUp(kept)}
}

// CodeEntryOf returns the entry of a code that is known until kept.
func CodeEntryOf(code *Code, kept time.Time) Entry {
	code.Expires, code.Spent, code.Resources = microUp(code.Expires), micro(code.Spent), someOrNil(code.Resources)
	return Entry{Kind: CodeEntry, Key: code.Hash[:], Record: code, Kept: microUp(kept)}
}

// AccessEntryOf returns the entry of an access token.
func AccessEntryOf(token *AccessToken) Entry {
	token.Expires, token.Issued = microUp(token.Expires), micro(token.Issued)
	token.Scopes, token.Resources = someOrNil(token.Scopes), someOrNil(token.Resources)
	return Entry{Kind: AccessEntry, Key: token.Hash[:], Record: token, Kept: token.Expires}
}

// RefreshEntryOf returns the entry of a refresh token that is known until kept, when its grant expires. Next is the hash of the one that followed, nil for none.
func RefreshEntryOf(token *RefreshToken, next []byte, kept time.Time) Entry {
	token.Expires, token.Spent = microUp(token.Expires), micro(token.Spent)
	return Entry{Kind: RefreshEntry, Key: token.Hash[:], Record: token, Next: next, Kept: microUp(kept)}
}

// SessionEntryOf returns the entry of a session.
func SessionEntryOf(session *Session) Entry {
	return Entry{Kind: SessionEntry, Key: []byte(session.ID), Record: session, Kept: microUp(session.Ends())}
}

// NoticeEntryOf returns the entry of a notice.
func NoticeEntryOf(notice *Notice) Entry {
	notice.Due = microUp(notice.Due)
	return Entry{Kind: NoticeEntry, Key: []byte(notice.ID), Record: notice, Kept: microUp(notice.Expires)}
}

// PushedEntryOf returns the entry of a pushed request.
func PushedEntryOf(request *PushedRequest) Entry {
	return Entry{Kind: PushedEntry, Key: request.Hash[:], Record: request, Kept: microUp(request.Expires)}
}

// UsedEntryOf returns the entry of a key that was used and is remembered until expires.
func UsedEntryOf(key []byte, expires time.Time) Entry {
	return Entry{Kind: UsedEntry, Key: key, Kept: microUp(expires)}
}

// AuditEntryOf returns the entry of an audit event.
func AuditEntryOf(event *AuditEvent) Entry {
	return Entry{Kind: AuditEntry, Key: AuditKey(event.Time, event.ID), Record: event, Kept: microUp(event.Expires)}
}

// OperatorEntryOf returns the entry of an operator.
func OperatorEntryOf(operator *Operator) Entry {
	return Entry{Kind: OperatorEntry, Key: []byte(operator.ID), Record: operator}
}

// ThrottleEntryOf returns the entry of a count of attempts.
func ThrottleEntryOf(throttle *Throttle) Entry {
	return Entry{Kind: ThrottleEntry, Key: throttle.Key[:], Record: throttle, Kept: microUp(throttle.Expires)}
}

// MailEntryOf returns the entry of a message.
func MailEntryOf(mail *Mail) Entry {
	mail.Due = microUp(mail.Due)
	return Entry{Kind: MailEntry, Key: []byte(mail.ID), Record: mail, Kept: microUp(mail.Expires)}
}

// AuditKey returns the key of an audit event's entry.
func AuditKey(at time.Time, id string) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(id)), uint64(max(0, at.UnixMicro()))), id...)
}

// Twice reports whether two of the events have the same time and ID, which no store keeps.
func Twice(events []AuditEvent) bool {
	const few = 16 // of which comparing all with all is quicker
	if len(events) > few {
		seen := make(map[string]bool, len(events))
		for i := range events {
			seen[string(AuditKey(events[i].Time, events[i].ID))] = true
		}
		return len(seen) < len(events)
	}
	for i := range events {
		for j := range i {
			if events[i].ID == events[j].ID && events[i].Time.UnixMicro() == events[j].Time.UnixMicro() {
				return true
			}
		}
	}
	return false
}

func someOrNil(texts []string) []string {
	if len(texts) == 0 {
		return nil
	}
	return slices.Clone(texts)
}

// Gone reports whether the record does not exist any more at now.
func (e *Entry) Gone(now time.Time) bool { return !e.Kept.IsZero() && !now.Before(e.Kept) }

// text returns all that the entry says, for comparing. It reveals secrets.
func (e *Entry) text() ([]byte, error) {
	record := e.Record
	switch r := record.(type) {
	case *Login:
		record = []any{requestWire(r), loginWire(r)}
	case *Grant:
		record = grantWire(r)
	case *Session:
		record = sessionWire(r)
	case *Operator:
		record = operatorWire(r)
	case *Mail:
		record = mailWire(r)
	}
	text, err := json.Marshal([]any{record, e.Number, e.Led, e.Next, e.Kept})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Kind, err)
	}
	return text, nil
}

// same reports whether two entries say the same.
func (e *Entry) same(other *Entry) (bool, error) {
	ours, err := e.text()
	if err != nil {
		return false, err
	}
	theirs, err := other.text()
	return bytes.Equal(ours, theirs), err
}

// Digest returns a hash of all that the entry says: entries that say the same have the same. It returns an error's text for one that cannot be
// encoded.
func (e *Entry) Digest() string {
	text, err := e.text()
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}
