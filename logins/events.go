package logins

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"brygga/storage"
)

// eventRow begins the keys of rows for events that are no steps of logins, which are few among many: when (8 bytes) + ID → rowOfEvent.
const eventRow byte = 'e'

// rowOfEvent is what an event is found by.
type rowOfEvent struct {
	Type    string    `json:"type"`
	Actor   string    `json:"actor,omitempty"`
	Client  string    `json:"client_id,omitempty"`
	Object  string    `json:"object,omitempty"`
	Expires time.Time `json:"expires"`
}

// isRare reports whether an event has such a row.
func isRare(kind string) bool { return !strings.HasPrefix(kind, "WEB_1") }

// rareRow returns the row of an event.
func rareRow(e *storage.AuditEvent) (storage.Note, error) {
	text, err := json.Marshal(rowOfEvent{e.Type, e.Fields["ACTOR"], e.Fields["CLIENT_ID"], e.Fields["OBJECT"], e.Expires})
	if err != nil {
		return storage.Note{}, fmt.Errorf("encode event: %w", err)
	}
	return storage.Note{Key: append([]byte{eventRow}, storage.AuditKey(e.Time, e.ID)...), Value: text}, nil
}

// EventQuery says which audit events are wanted. What is empty wants all.
type EventQuery struct {
	// From and To bound their times: from inclusive, to exclusive. A zero To is now.
	From, To time.Time
	// Kind is the number of the event, or how it begins, such as ADM_.
	Kind, Actor, ClientID, Object string
	// Person is a pseudonym.
	Person string
	// Backwards wants the last first.
	Backwards bool
	// After is FoundEvents.Next of the page before.
	After string
	Limit int
}

// FoundEvents are events in the order that was asked for.
type FoundEvents struct {
	Events []storage.AuditEvent
	// Next, when not empty, leads to what follows. There may be more even when there are no Events here.
	Next string
}

// wants reports whether the event is one of those that are wanted.
func (q *EventQuery) wants(e *storage.AuditEvent) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	return strings.HasPrefix(e.Type, q.Kind) && is(q.Actor, e.Fields["ACTOR"]) && is(q.ClientID, e.Fields["CLIENT_ID"]) &&
		is(q.Object, e.Fields["OBJECT"]) && is(q.Person, e.Fields["SOURCE_USER_NAME"]) && !e.Time.Before(q.From) && e.Time.Before(q.To)
}

// AuditEvents returns the events that are wanted.
func (b *Book) AuditEvents(ctx context.Context, q EventQuery) (found FoundEvents, err error) {
	if q.To.IsZero() {
		q.To = b.o.Now().Add(time.Minute)
	}
	if q.Limit <= 0 {
		q.Limit = defaultFound
	}
	s := &eventSearch{EventQuery: q, book: b, limit: q.Limit}
	if q.After != "" {
		if s.after, err = hex.DecodeString(q.After); err != nil || len(s.after) < 9 {
			return found, ErrCursor
		}
	}
	switch {
	case q.Person != "":
		err = s.ofPerson(ctx)
	case q.Kind != "" && isRare(q.Kind) && len(q.Kind) > 1 || q.Actor != "" || q.Object != "":
		err = s.rare(ctx)
	case q.Backwards:
		err = s.backwards(ctx)
	default:
		err = s.forwards(ctx)
	}
	return s.found, err
}

const (
	// maxRead is how many events one call reads.
	maxRead = 2500
	// maxLate is how many of those are read that the book has not, which are few unless nobody has advanced it for long.
	maxLate = 20_000
	// window is how much of the log is read at once when it is read backwards, at first.
	window = 5 * time.Minute
)

// eventSearch is a search for events under way.
type eventSearch struct {
	EventQuery
	book   *Book
	after  []byte // the key of the last event that was shown, as storage.AuditKey makes them
	limit  int
	looked int
	found  FoundEvents
}

// take takes the event if it is wanted and not behind what was shown, and reports whether the search is over.
func (s *eventSearch) take(e *storage.AuditEvent) bool {
	key := storage.AuditKey(e.Time, e.ID)
	if order := bytes.Compare(key, s.after); s.after != nil && (!s.Backwards && order <= 0 || s.Backwards && order >= 0) {
		return false
	}
	s.looked++
	if s.wants(e) {
		s.found.Events = append(s.found.Events, *e)
	}
	if len(s.found.Events) >= s.limit || s.looked >= maxRead {
		s.found.Next = hex.EncodeToString(key)
		return true
	}
	return false
}

func (s *eventSearch) forwards(ctx context.Context) error {
	from := s.From
	if s.after != nil {
		from = timeOf(s.after)
	}
	for limit := min(chunk, 2*s.limit); ; {
		events, err := s.book.o.Store.AuditEvents(ctx, from, s.To, limit)
		if err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
		for i := range events {
			if s.take(&events[i]) {
				return nil
			}
		}
		if len(events) < limit {
			return nil
		}
		last := &events[len(events)-1]
		if limit = max(limit, min(chunk, 2*limit)); !last.Time.After(from) { // more of one moment than was read
			limit *= 2
			continue
		}
		from, s.after = last.Time, storage.AuditKey(last.Time, last.ID)
	}
}

// backwards reads the log in windows of time, which grow while there is little in them.
func (s *eventSearch) backwards(ctx context.Context) error {
	to, wide := s.To, window
	if s.after != nil {
		to = timeOf(s.after).Add(time.Microsecond)
	}
	first := s.From
	if oldest := s.book.o.Now().Add(-longestRetention); first.Before(oldest) {
		first = oldest
	}
	for to.After(first) {
		from := to.Add(-wide)
		if from.Before(first) {
			from = first
		}
		events, err := s.book.o.Store.AuditEvents(ctx, from, to, maxRead)
		if err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
		if len(events) == maxRead && wide > time.Millisecond { // the end of the window is missing
			wide /= 8
			continue
		}
		for i := len(events) - 1; i >= 0; i-- {
			if s.take(&events[i]) {
				return nil
			}
		}
		if len(events) < chunk {
			wide *= 4
		}
		to = from
	}
	return nil
}

// rare finds events by their rows, and those that the book has not read in the log.
func (s *eventSearch) rare(ctx context.Context) error {
	at, _, err := s.book.turn(ctx)
	if err != nil {
		return err
	}
	if s.Backwards {
		if err := s.late(ctx, at); err != nil || s.found.Next != "" {
			return err
		}
	}
	from, to := append([]byte{eventRow}, storage.AuditKey(s.From, "")...), append([]byte{eventRow}, storage.AuditKey(s.To, "")...)
	if s.after != nil && s.Backwards {
		to = append([]byte{eventRow}, s.after...)
	} else if s.after != nil {
		from = append(append([]byte{eventRow}, s.after...), 0)
	}
	for {
		rows, err := s.book.o.Store.Notes(ctx, from, to, chunk, s.Backwards)
		if err != nil {
			return fmt.Errorf("read what is known of events: %w", err)
		}
		for _, row := range rows {
			if over, err := s.row(ctx, row); err != nil || over {
				return err
			}
			if s.Backwards {
				to = row.Key
			} else {
				from = append(row.Key, 0)
			}
		}
		if len(rows) < chunk {
			break
		}
	}
	if s.Backwards {
		return nil
	}
	return s.late(ctx, at)
}

// row takes the event of a row if it may be wanted, and reports whether the search is over.
func (s *eventSearch) row(ctx context.Context, row storage.Note) (over bool, err error) {
	var r rowOfEvent
	if err := json.Unmarshal(row.Value, &r); err != nil {
		return false, fmt.Errorf("decode event: %w", err)
	}
	is := func(want, have string) bool { return want == "" || want == have }
	if !strings.HasPrefix(r.Type, s.Kind) || !is(s.Actor, r.Actor) || !is(s.ClientID, r.Client) || !is(s.Object, r.Object) {
		if s.looked++; s.looked >= maxRead {
			s.found.Next = hex.EncodeToString(row.Key[1:])
		}
		return s.found.Next != "", nil
	}
	at, id := timeOf(row.Key[1:]), string(row.Key[9:])
	events, err := s.book.o.Store.AuditEvents(ctx, at, at.Add(time.Microsecond), maxUnread)
	if err != nil {
		return false, fmt.Errorf("read the audit log: %w", err)
	}
	for i := range events {
		if events[i].ID == id {
			over = s.take(&events[i])
		}
	}
	return over, nil
}

// late takes events that the book has not read, which are those since shortly before the last one that it has. What has a row comes by that.
func (s *eventSearch) late(ctx context.Context, at turn) error {
	from := at.Until.Add(-unread)
	if from.Before(s.From) {
		from = s.From
	}
	events, err := s.book.o.Store.AuditEvents(ctx, from, s.To, maxLate)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	var keys [][]byte
	var late []*storage.AuditEvent
	for i := range events {
		if isRare(events[i].Type) && s.wants(&events[i]) {
			late = append(late, &events[i])
			keys = append(keys, append([]byte{eventRow}, storage.AuditKey(events[i].Time, events[i].ID)...))
		}
	}
	rows, err := s.book.o.Store.NotesAt(ctx, keys...)
	if err != nil {
		return fmt.Errorf("read what is known of events: %w", err)
	}
	known := map[string]bool{}
	for _, row := range rows {
		known[string(row.Key)] = true
	}
	for i := range late {
		j := i
		if s.Backwards {
			j = len(late) - 1 - i
		}
		if !known[string(keys[j])] && s.take(late[j]) {
			return nil
		}
	}
	return nil
}

// ofPerson finds the events of a person's logins by these, and of them those that are wanted.
func (s *eventSearch) ofPerson(ctx context.Context) error {
	found, err := s.book.Search(ctx, Query{Person: s.Person, From: s.From.Add(-longestLogin), To: s.To, Limit: chunk})
	if err != nil {
		return err
	}
	var all []storage.AuditEvent
	for i := range found.Logins {
		l := &found.Logins[i]
		events, err := s.book.o.Store.AuditEventsOf(ctx, l.Reference, l.Begun, l.Last.Add(time.Second), maxSteps)
		if err != nil {
			return fmt.Errorf("read the audit log: %w", err)
		}
		all = append(all, events...)
	}
	sortEvents(all, s.Backwards)
	for i := range all {
		if s.take(&all[i]) {
			return nil
		}
	}
	return nil
}

// sortEvents orders events by time, each once.
func sortEvents(all []storage.AuditEvent, backwards bool) {
	slices.SortFunc(all, func(a, b storage.AuditEvent) int {
		order := bytes.Compare(storage.AuditKey(a.Time, a.ID), storage.AuditKey(b.Time, b.ID))
		if backwards {
			return -order
		}
		return order
	})
}

// timeOf returns the time at the start of what storage.AuditKey has made.
func timeOf(key []byte) time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(key))).UTC()
}
