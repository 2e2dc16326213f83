package logins

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"brygga/storage"
)

// Query says which logins are wanted. What is empty wants all.
type Query struct {
	Reference storage.Reference
	// From and To bound when they were begun: from inclusive, to exclusive. A zero To is now, a zero From the beginning.
	From, To time.Time
	ClientID string
	Outcome  Outcome
	// Cause is a hint code of BankID or a reason.
	Cause           string
	Device, Browser string
	// Kind is what the person was asked for, EID one of EIDs.
	Kind storage.Kind
	EID  string
	// Network is that of the address.
	Network netip.Prefix
	// Person is a pseudonym (audit.Log.Pseudonym), Subject what the client calls the person.
	Person, Subject string
	// Visible, when not nil, reports whether a login may be seen.
	Visible func(*Login) bool
	// Before is Found.Next of the page before.
	Before string
	Limit  int
}

// Found are logins, the last begun first.
type Found struct {
	Logins []Login
	// Next, when not empty, leads to what follows. There may be more even when there are no Logins here: a search looks at so many at a time.
	Next string
}

const (
	defaultFound = 50
	// maxLooked bounds what one call looks at: a login that is passed over by its text counts once, one that is read closely so many times.
	maxLooked = 10_000
	closely   = 5
	chunk     = 1000
	// unread is how long ago events may be that were not yet read into the book, at least; maxUnread how many are looked at.
	unread    = 30 * time.Second
	maxUnread = 4000
)

// ErrCursor means that Query.Before is none that a search has given.
var ErrCursor = errors.New("logins: not a place in a search")

// Search returns the logins that are wanted, those of the last seconds too.
func (b *Book) Search(ctx context.Context, q Query) (found Found, err error) {
	s := &search{Query: q, book: b}
	if s.Limit <= 0 {
		s.Limit = defaultFound
	}
	if s.To.IsZero() {
		s.To = b.o.Now().Add(time.Minute)
	}
	if s.before, err = hex.DecodeString(q.Before); err != nil || len(s.before) > 0 && s.before[0] != loginRow {
		return found, ErrCursor
	}
	if err := s.tail(ctx); err != nil {
		return found, err
	}
	switch kind, value := s.way(); {
	case q.Reference != "":
		err = s.byReference(ctx)
	case kind != 0:
		err = s.byWay(ctx, kind, value)
	default:
		err = s.byTime(ctx)
	}
	return s.found, err
}

// search is a search under way.
type search struct {
	Query
	book   *Book
	before []byte
	looked int
	// filled says that rows by client, outcome and cause lead to all logins.
	filled bool
	// late are logins with events that the book has not read, by key.
	late  map[string]*Login
	found Found
}

// ParseNetwork reads a network such as 192.0.2.0/24, or an address, which is a network of its own.
func ParseNetwork(text string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		ip = ip.Unmap()
		return ip.Prefix(ip.BitLen())
	}
	network, err := netip.ParsePrefix(text)
	return network.Masked(), err
}

// way returns by which rows the logins are found at once, 0 for none.
func (s *search) way() (kind byte, value string) {
	switch {
	case s.Person != "":
		return personRow, s.Person
	case s.Subject != "":
		return subjectRow, s.Subject
	case s.Network.IsValid():
		ip := s.Network.Addr().Unmap()
		if bits := networkBits6; ip.Is4() && s.Network.Bits() >= networkBits4 || ip.Is6() && s.Network.Bits() >= bits {
			return networkRow, networkOf(ip.String())
		}
	}
	if s.filled {
		return s.filter()
	}
	return 0, ""
}

// filter returns the rows for client, outcome or cause by which fewest logins have to be looked at.
func (s *search) filter() (kind byte, value string) {
	switch {
	case s.Cause != "":
		return filterRow, filter(s.ClientID, "", s.Cause)
	case s.Outcome == Failed, s.Outcome == Ended:
		return filterRow, filter(s.ClientID, s.Outcome, "")
	case s.ClientID != "":
		return filterRow, filter(s.ClientID, "", "")
	}
	return 0, ""
}

// tail learns what the last seconds have brought.
func (s *search) tail(ctx context.Context) error {
	now := s.book.o.Now()
	at, _, err := s.book.turn(ctx)
	if err != nil {
		return err
	}
	s.filled = at.Ways == waysVersion
	from := now.Add(-unread)
	if at.Until.Before(from) && now.Sub(at.Until) < time.Hour {
		from = at.Until.Add(-unread)
	}
	s.late = map[string]*Login{}
	events, err := s.book.o.Store.AuditEvents(ctx, from, now.Add(time.Minute), maxUnread)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	return s.book.overlay(ctx, s.late, events)
}

// overlay makes logins, by key, what they are with the events, of which the book may have read some.
func (b *Book) overlay(ctx context.Context, logins map[string]*Login, events []storage.AuditEvent) error {
	var keys [][]byte
	for i := range events {
		if !isLogin(&events[i]) {
			continue
		}
		l := loginOf(&events[i])
		if key := l.key(); logins[string(key)] == nil {
			logins[string(key)] = l
			keys = append(keys, key)
		}
	}
	rows, err := b.o.Store.NotesAt(ctx, keys...)
	if err != nil {
		return fmt.Errorf("read what is known of logins: %w", err)
	}
	read := map[string]time.Time{}
	for _, row := range rows {
		l, err := decodeLogin(row.Value)
		if err != nil {
			return err
		}
		logins[string(row.Key)], read[string(row.Key)] = l, l.Last
	}
	for i := range events {
		if !isLogin(&events[i]) {
			continue
		}
		key := loginOf(&events[i]).key()
		if events[i].Time.After(read[string(key)]) {
			logins[string(key)].add(&events[i])
		}
	}
	return nil
}

// byReference looks where a login of that reference has its place, in each of the times that it may mean.
func (s *search) byReference(ctx context.Context) error {
	for begun := s.Reference.Begun(s.book.o.Now()); begun.After(s.From) && begun.Unix() > 0; begun = begun.Add(-s.Reference.Period()) {
		at := append([]byte{loginRow}, place(begun, s.Reference)...)
		if err := s.span(ctx, at, behind(at)); err != nil || len(s.found.Logins) > 0 {
			return err
		}
		if s.book.o.Now().Sub(begun) > longestRetention {
			break
		}
	}
	return nil
}

// longestRetention is how long ago a login may have begun of which there is something.
const longestRetention = 20 * 365 * 24 * time.Hour

// byWay follows the rows that lead to logins.
func (s *search) byWay(ctx context.Context, kind byte, value string) error {
	s.lateOnes(nil)
	prefix := wayTo(kind, value)
	from := binary.BigEndian.AppendUint32(bytes.Clone(prefix), minuteOf(s.From))
	to := binary.BigEndian.AppendUint32(bytes.Clone(prefix), minuteOf(s.To)+1)
	if len(s.before) > placeSize {
		to = append(bytes.Clone(prefix), s.before[1:1+placeSize]...)
	}
	for size := min(chunk, s.Limit); !s.full(); size = min(chunk, 2*size) {
		rows, err := s.book.o.Store.Notes(ctx, from, to, size, true)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := s.follow(ctx, rows, len(prefix)); err != nil {
			return err
		}
		to = rows[len(rows)-1].Key
	}
	return nil
}

// follow takes the logins that the rows lead to, in their order, until enough are found. Before is how long what stands before their places is.
func (s *search) follow(ctx context.Context, rows []storage.Note, before int) error {
	keys := make([][]byte, len(rows))
	for i, row := range rows {
		keys[i] = row.Value
	}
	stored, err := s.book.o.Store.NotesAt(ctx, keys...)
	if err != nil {
		return fmt.Errorf("read what is known of logins: %w", err)
	}
	texts := make(map[string][]byte, len(stored))
	for _, row := range stored {
		texts[string(row.Key)] = row.Value
	}
	marks := s.marks()
	for _, row := range rows {
		text := texts[string(row.Value)]
		s.looked += closely
		if text != nil && s.late[string(row.Value)] == nil && hasAll(text, marks) {
			l, err := decodeLogin(text)
			if err != nil {
				return err
			}
			s.take(l)
		}
		if s.full() {
			s.found.Next = hex.EncodeToString(append([]byte{loginRow}, row.Key[before:]...))
			return nil
		}
	}
	return nil
}

func (s *search) full() bool { return len(s.found.Logins) >= s.Limit || s.looked >= maxLooked }

// byTime goes through the logins of the time.
func (s *search) byTime(ctx context.Context) error {
	s.lateOnes(nil)
	from, to := binary.BigEndian.AppendUint32([]byte{loginRow}, minuteOf(s.From)), binary.BigEndian.AppendUint32([]byte{loginRow}, minuteOf(s.To.Add(time.Minute-1)))
	if len(s.before) > 0 {
		to = s.before
	}
	return s.span(ctx, from, to)
}

// span looks through the rows of logins between the keys, the last first, until enough are found.
func (s *search) span(ctx context.Context, from, to []byte) error {
	marks := s.marks()
	for !s.full() {
		rows, err := s.book.o.Store.Notes(ctx, from, to, chunk, true)
		if err != nil {
			return fmt.Errorf("read what is known of logins: %w", err)
		}
		for _, row := range rows {
			s.looked++
			to = row.Key
			if s.late[string(row.Key)] == nil && hasAll(row.Value, marks) {
				s.looked += closely - 1
				l, err := decodeLogin(row.Value)
				if err != nil {
					return err
				}
				s.take(l)
			}
			if s.full() {
				s.found.Next = hex.EncodeToString(row.Key)
				return nil
			}
		}
		if len(rows) < chunk {
			break
		}
	}
	if s.Reference != "" {
		s.lateOnes(from)
	}
	return nil
}

// lateOnes takes the logins of the last seconds, on the first page of what is found alone; with a place those that stand there.
func (s *search) lateOnes(at []byte) {
	if len(s.before) > 0 {
		return
	}
	keys := make([]string, 0, len(s.late))
	for key := range s.late {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range slices.Backward(keys) {
		if bytes.HasPrefix([]byte(key), at) {
			s.take(s.late[key])
		}
	}
}

// marks are texts that the row of a wanted login has: finding one costs far less than decoding the row.
func (s *search) marks() (marks [][]byte) {
	kind, eid := string(s.Kind), s.EID
	if s.Kind == storage.KindIdentify { // which rows do not say, as most are
		kind = ""
	}
	if eid == bankID {
		eid = ""
	}
	for _, text := range []string{s.ClientID, string(s.Outcome), s.Cause, s.Device, s.Browser, kind, eid} {
		if text != "" {
			mark, _ := json.Marshal(text) // of a text
			marks = append(marks, mark)
		}
	}
	return marks
}

func hasAll(text []byte, marks [][]byte) bool {
	for _, mark := range marks {
		if !bytes.Contains(text, mark) {
			return false
		}
	}
	return true
}

// take takes the login if it is wanted.
func (s *search) take(l *Login) {
	is := func(want, have string) bool { return want == "" || want == have }
	switch {
	case s.Reference != "" && s.Reference != l.Reference, l.Begun.Before(s.From.Truncate(time.Minute)), !l.Begun.Before(s.To),
		!is(s.ClientID, l.ClientID), !is(string(s.Outcome), string(l.Outcome)), !is(s.Cause, l.Cause), !is(s.Device, l.Device),
		!is(s.Browser, l.Browser), !l.ofKind(s.Kind), !l.byEID(s.EID), !is(s.Person, l.Person), !is(s.Subject, l.Subject), !s.near(l.Address),
		s.Visible != nil && !s.Visible(l), s.book.o.Now().After(l.Expires):
		return
	}
	s.found.Logins = append(s.found.Logins, *l)
}

// near reports whether the address is in the network that is wanted.
func (s *search) near(address string) bool {
	if !s.Network.IsValid() {
		return true
	}
	ip, err := netip.ParseAddr(address)
	return err == nil && s.Network.Contains(ip.Unmap())
}
