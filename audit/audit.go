// Package audit owns the catalogue of audit events and where they go: to the store, and as one line each to a log.
//
// It must not know who raises the events. No event holds a personal number or a name: a person appears as a pseudonym, a
// keyed MAC that an auditor with the number can recompute ([Log.Pseudonym]) and nobody else can reverse.
package audit

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"brygga/secret"
	"brygga/storage"
)

// DefaultRetention is how long events are kept when Options say nothing.
const DefaultRetention = 400 * 24 * time.Hour

// maxMessage is how many bytes of an upstream message an event keeps.
const maxMessage = 500

// Options are the parts of a Log. Store and PseudonymKey are required.
type Options struct {
	Store storage.AuditLog
	// PseudonymKey makes the pseudonyms: at least 32 bytes, the same for ever.
	PseudonymKey []byte
	// Logger gets the faults of the store. Nil discards them.
	Logger *slog.Logger
	// Lines gets a line for every event. It should write whatever the level of other lines is: for whoever looks for one event
	// later, none may be missing. Nil means Logger.
	Lines *slog.Logger
	// Failed is told of events that could not be stored, how many at once. It must be safe for concurrent use. Nil for nobody.
	Failed func(events int)
	// Told is told of each event that has happened. It must be safe for concurrent use. Nil for nobody.
	Told func(Type)
	// Retention is how long an event is kept; 0 means DefaultRetention.
	Retention time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Log records audit events. Its methods may be called concurrently.
type Log struct {
	store     storage.AuditLog
	key       []byte
	log       *slog.Logger
	lines     *slog.Logger
	failed    func(events int)
	told      func(Type)
	retention time.Duration
	now       func() time.Time
}

// New returns a Log over the options, or an error that names the option that cannot be used.
func New(o Options) (*Log, error) {
	switch {
	case o.Store == nil:
		return nil, errors.New("audit: no store")
	case len(o.PseudonymKey) < 32:
		return nil, errors.New("audit: the pseudonym key has fewer than 32 bytes")
	case o.Retention < 0:
		return nil, fmt.Errorf("audit: retention %s is negative", o.Retention)
	}
	l := &Log{store: o.Store, key: o.PseudonymKey, log: o.Logger, lines: o.Lines, failed: o.Failed, told: o.Told, retention: o.Retention, now: o.Now}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.lines == nil {
		l.lines = l.log
	}
	if l.failed == nil {
		l.failed = func(int) {}
	}
	if l.told == nil {
		l.told = func(Type) {}
	}
	if l.retention == 0 {
		l.retention = DefaultRetention
	}
	if l.now == nil {
		l.now = time.Now
	}
	return l, nil
}

// Event is something that happened, in the words of the catalogue. Empty fields are left out of the record.
type Event struct {
	Type Type
	// Identifier is the trace ID: the login, for events of a login (field IDENTIFIER).
	Identifier string
	// Reference is what people call the login; empty for events of no login.
	Reference storage.Reference
	// SourceAddress is the address of the device that acted (field SOURCE_ADDRESS).
	SourceAddress string
	// CustomerIdentifier is the client's own tag (field CUSTOMER_IDENTIFIER).
	CustomerIdentifier string
	// ClientID is the OAuth client concerned (field CLIENT_ID).
	ClientID string
	// Person is a personal number; the record gets its pseudonym (field SOURCE_USER_NAME).
	Person secret.String
	// Subject is what the client calls the person, its sub claim (field SUB).
	Subject string
	// Message is the cause, such as a hint code (field MESSAGE). Control characters are dropped and it is cut at 500 bytes.
	Message string
	// Actor is who did it where a person or command of the operator did (field ACTOR).
	Actor string
	// Transaction is what the client knows the login by, its txn claim (field TXN).
	Transaction string
	// Device is the device that was chosen for BankID, "this" or "other", and Browser the kind of browser that chose it (fields
	// DEVICE and BROWSER); Course is what happened on the way, and Took how long it was in all (fields COURSE and SECONDS).
	Device, Browser, Course string
	Took                    time.Duration
	// Kind says what the person was asked for where that is not to log in: "sign" or "payment" (field KIND). Evidence is the SHA-256 of the record that proves the
	// result, in hex (field EVIDENCE_SHA256).
	Kind, Evidence string
	// Object is what was changed where that is not the client, such as a key ID (field OBJECT).
	Object string
	// Changes are the settings that were changed, for events of administration (fields CHANGED, BEFORE.name and AFTER.name).
	Changes []Change
	// Previous is when what was changed had been changed before, so that each change leads to the one before it (field PREVIOUS).
	Previous time.Time
}

// Change is a setting with its values, as an auditor may read them: a secret appears as that it was changed, and no more.
type Change struct {
	// Name is the setting's name in the configuration file, such as redirect_uris.
	Name string
	// Before and After are empty where there was or is none.
	Before, After string
}

// Diff returns what differs between two lists of settings, name and value, in the order of the lists.
func Diff(before, after [][2]string) (changes []Change) {
	value := func(of [][2]string, name string) string {
		for _, pair := range of {
			if pair[0] == name {
				return pair[1]
			}
		}
		return ""
	}
	seen := map[string]bool{}
	for _, pair := range slices.Concat(after, before) {
		name := pair[0]
		if was, is := value(before, name), value(after, name); was != is && !seen[name] {
			changes = append(changes, Change{name, was, is})
		}
		seen[name] = true
	}
	return changes
}

// Record stores the events of what is no step of the store, such as a refusal, and logs them. A store that fails is logged and never stops
// what the events tell of: the caller has done it already.
func (l *Log) Record(ctx context.Context, events ...Event) {
	if len(events) == 0 {
		return
	}
	records := l.records(events)
	if err := l.store.AppendAudit(context.WithoutCancel(ctx), records...); err != nil {
		l.log.ErrorContext(ctx, "storage failed", "doing", "append audit events", "err", err)
		l.failed(len(records))
	}
	l.write(ctx, events, records)
}

// Of returns the records of the events for the step that they tell of, which stores them. Told logs them: call it once the step has
// succeeded.
func (l *Log) Of(events ...Event) (records []storage.AuditEvent, told func(context.Context)) {
	records = l.records(events)
	return records, func(ctx context.Context) { l.write(ctx, events, records) }
}

// OfLogin is [Log.Of] for events that are made from the login as the step leaves it.
func (l *Log) OfLogin(events func(after *storage.Login) []Event) (tell storage.Tell, told func(context.Context)) {
	return telling(l, events)
}

// OfEnd is [Log.Of] for events that are made from what ended with a session.
func (l *Log) OfEnd(events func(storage.Ended) []Event) (tell storage.TellEnd, told func(context.Context)) {
	return telling(l, events)
}

// telling returns a function for a step that may be run more than once: told logs the events of the last run.
func telling[T any](l *Log, events func(T) []Event) (tell func(T) []storage.AuditEvent, told func(context.Context)) {
	log := func(context.Context) {}
	tell = func(after T) []storage.AuditEvent {
		var records []storage.AuditEvent
		records, log = l.Of(events(after)...)
		return records
	}
	return tell, func(ctx context.Context) { log(ctx) }
}

// records returns what is stored of the events, which happen now.
func (l *Log) records(events []Event) []storage.AuditEvent {
	now := l.now().UTC().Truncate(time.Microsecond)
	records := make([]storage.AuditEvent, len(events))
	for i, e := range events {
		records[i] = storage.AuditEvent{ID: newID(now), Time: now, Type: string(e.Type), Reference: e.Reference, Fields: l.fields(e), Expires: now.Add(l.retention)}
	}
	return records
}

// write logs a line for each event.
func (l *Log) write(ctx context.Context, events []Event, records []storage.AuditEvent) {
	for i, e := range events {
		l.told(e.Type)
		attrs := make([]slog.Attr, 0, 8)
		attrs = append(attrs, slog.String("event", string(e.Type)))
		if e.Reference != "" {
			attrs = append(attrs, slog.String("reference", string(e.Reference)))
		}
		for k, name := range fieldNames {
			if value := records[i].Fields[name]; value != "" {
				attrs = append(attrs, slog.String(lineNames[k], value))
			}
		}
		for _, change := range e.Changes {
			attrs = append(attrs, slog.String(lineName(fieldBefore)+change.Name, clean(change.Before)), slog.String(lineName(fieldAfter)+change.Name, clean(change.After)))
		}
		l.lines.LogAttrs(ctx, slog.LevelInfo, e.Type.Text(), attrs...)
	}
}

// lineName returns what a field is called in a line: as other lines of the server call the same thing, in small letters.
func lineName(field string) string {
	if field == fieldIdentifier {
		return "login"
	}
	return strings.ToLower(field)
}

// Pseudonym returns what stands for a personal number in events: the first 16 bytes of a keyed MAC, in base64url.
func (l *Log) Pseudonym(personalNumber secret.String) string {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(personalNumber.Reveal()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// fieldNames are the fields of a record in the order in which a log line has them.
var fieldNames = [...]string{
	fieldIdentifier, "SOURCE_ADDRESS", "CUSTOMER_IDENTIFIER", "SOURCE_USER_NAME", "SUB", "MESSAGE", "CLIENT_ID", "TXN", "KIND", "DEVICE", "BROWSER", "COURSE", "SECONDS",
	"EVIDENCE_SHA256", "ACTOR", "OBJECT", fieldChanged,
}

// FieldNames returns the names of all fields, in the order of the log's lines. An event of administration has BEFORE.name and AFTER.name too, and PREVIOUS.
func FieldNames() []string { return slices.Clone(fieldNames[:]) }

// lineNames are what they are called there.
var lineNames = func() (names [len(fieldNames)]string) {
	for i, field := range fieldNames {
		names[i] = lineName(field)
	}
	return names
}()

// The fields of changes: the names, and before each name its value.
const (
	fieldChanged = "CHANGED"
	fieldBefore  = "BEFORE."
	fieldAfter   = "AFTER."
)

const fieldPrevious = "PREVIOUS"

// ChangesOf returns the settings that the event tells of, in the order in which it does. Long values are cut.
func ChangesOf(e *storage.AuditEvent) (changes []Change) {
	for _, name := range strings.Fields(e.Fields[fieldChanged]) {
		changes = append(changes, Change{name, e.Fields[fieldBefore+name], e.Fields[fieldAfter+name]})
	}
	return changes
}

// PreviousOf returns when what the event tells of had been changed before, the zero time when it does not say.
func PreviousOf(e *storage.AuditEvent) time.Time {
	at, err := time.Parse(time.RFC3339Nano, e.Fields[fieldPrevious])
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

const fieldIdentifier = "IDENTIFIER"

func (l *Log) fields(e Event) map[string]string {
	fields := make(map[string]string, 6)
	set := func(name, value string) {
		if value = clean(value); value != "" {
			fields[name] = value
		}
	}
	set(fieldIdentifier, e.Identifier)
	set("SOURCE_ADDRESS", e.SourceAddress)
	set("CUSTOMER_IDENTIFIER", e.CustomerIdentifier)
	set("SUB", e.Subject)
	set("MESSAGE", e.Message)
	set("CLIENT_ID", e.ClientID)
	set("TXN", e.Transaction)
	set("KIND", e.Kind)
	set("EVIDENCE_SHA256", e.Evidence)
	set("DEVICE", e.Device)
	set("BROWSER", e.Browser)
	set("COURSE", e.Course)
	if e.Took > 0 {
		set("SECONDS", strconv.FormatFloat(e.Took.Seconds(), 'f', 1, 64))
	}
	set("ACTOR", e.Actor)
	set("OBJECT", e.Object)
	names := make([]string, len(e.Changes))
	for i, change := range e.Changes {
		names[i] = change.Name
		set(fieldBefore+change.Name, change.Before)
		set(fieldAfter+change.Name, change.After)
	}
	set(fieldChanged, strings.Join(names, " "))
	if !e.Previous.IsZero() {
		set(fieldPrevious, e.Previous.UTC().Format(time.RFC3339Nano))
	}
	if !e.Person.IsZero() {
		fields["SOURCE_USER_NAME"] = l.Pseudonym(e.Person)
	}
	return fields
}

// clean drops control characters, with which a value could forge a second line, and cuts the value.
func clean(value string) string {
	value = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, value)
	if len(value) > maxMessage {
		value = strings.ToValidUTF8(value[:maxMessage], "")
	}
	return value
}

// newID returns an ID that sorts by time: 8 bytes of microseconds and 8 random ones, in hex.
func newID(now time.Time) string {
	var bytes [16]byte
	rand.Read(bytes[8:])
	binary.BigEndian.PutUint64(bytes[:], uint64(now.UnixMicro()))
	return hex.EncodeToString(bytes[:])
}
