package logins

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"brygga/storage"
)

const (
	// atOnce is how many events are read into one step.
	atOnce = 2048
	// restOthers is how long another process is left to it that was quicker.
	restOthers = 30 * time.Second
	// hoursKept is how long counts of hours are kept. Those of days and months stay.
	hoursKept  = 400 * 24 * time.Hour
	pruneEvery = time.Minute
	pruneBatch = 1000
)

// turn is how far the audit log was read.
type turn struct {
	Next int64 `json:"next"`
	// Until is the time of the last event that was read.
	Until time.Time `json:"until"`
	// Ways is the version of the rows that lead to logins. While they are being made, Filled is the key of the last login that has them all. A
	// program from before knows neither, and what it writes has none: then they are made anew.
	Ways   int    `json:"ways,omitempty"`
	Filled []byte `json:"filled,omitempty"`
}

func (b *Book) turn(ctx context.Context) (at turn, stored []byte, err error) {
	found, err := b.o.Store.NotesAt(ctx, []byte{turnRow})
	if err != nil || len(found) == 0 {
		return turn{Ways: waysVersion}, nil, err
	}
	if err := json.Unmarshal(found[0].Value, &at); err != nil {
		return at, nil, fmt.Errorf("read how far logins are known: %w", err)
	}
	return at, found[0].Value, nil
}

// Advance takes what is new in the audit log into the book, and reports whether there is more. It is called every few seconds by each process
// of an installation: of several, one does it, and another goes on when that one has not for half a minute. Each event is counted once,
// whenever a process dies: the counts and how far the log was read are one step.
func (b *Book) Advance(ctx context.Context) (more bool, err error) {
	if more, err = b.advance(ctx); errors.Is(err, errOthers) {
		return false, nil
	}
	return more, err
}

func (b *Book) advance(ctx context.Context) (more bool, err error) {
	if b.o.Now().Before(b.rest) {
		return false, nil
	}
	at, stored, err := b.turn(ctx)
	if err != nil {
		return false, err
	}
	change := storage.NoteChange{Turn: []byte{turnRow}, Before: stored}
	if at.Ways != waysVersion {
		if change.Put, err = b.fill(ctx, &at); err != nil {
			return false, err
		}
		return true, b.write(ctx, change, at)
	}
	events, next, size, err := b.read(ctx, at.Next)
	if err != nil {
		return false, err
	}
	if next > at.Next {
		if change.Put, change.Remove, err = b.take(ctx, events); err != nil {
			return false, err
		}
		for i := range events {
			if events[i].Time.After(at.Until) {
				at.Until = events[i].Time
			}
		}
	}
	now := b.o.Now()
	if next == size && now.Sub(b.pruned) >= pruneEvery {
		old, err := b.old(ctx, now)
		if err != nil {
			return false, err
		}
		if b.pruned = now; len(old) >= pruneBatch {
			b.pruned = time.Time{}
		}
		change.Remove = append(change.Remove, old...)
	}
	if next == at.Next && len(change.Remove) == 0 {
		return false, nil
	}
	at.Next = next
	return next < size, b.write(ctx, change, at)
}

// errOthers means that another process was quicker.
var errOthers = errors.New("another process is at it")

// write makes the change, in which keys may be named twice and what is put is not removed, and with it the turn.
func (b *Book) write(ctx context.Context, change storage.NoteChange, at turn) (err error) {
	if change.After, err = json.Marshal(at); err != nil {
		return err
	}
	change.Put = once(change.Put)
	slices.SortFunc(change.Remove, slices.Compare[[]byte])
	change.Remove = slices.DeleteFunc(slices.CompactFunc(change.Remove, slices.Equal[[]byte]), func(key []byte) bool {
		_, put := slices.BinarySearchFunc(change.Put, key, func(n storage.Note, key []byte) int { return slices.Compare(n.Key, key) })
		return put
	})
	if err := b.o.Store.WriteNotes(ctx, change); errors.Is(err, storage.ErrConflict) {
		b.rest = b.o.Now().Add(restOthers)
		return errOthers
	} else if err != nil {
		return fmt.Errorf("write down what became of logins: %w", err)
	}
	return nil
}

// fill returns the rows that lead to the next logins that may lack some, and goes on in the turn.
func (b *Book) fill(ctx context.Context, at *turn) (rows []storage.Note, err error) {
	from := []byte{loginRow}
	if at.Filled != nil {
		from = append(at.Filled, 0)
	}
	stored, err := b.o.Store.Notes(ctx, from, []byte{loginRow + 1}, atOnce, false)
	if err != nil {
		return nil, fmt.Errorf("read what is known of logins: %w", err)
	}
	for _, row := range stored {
		l, err := decodeLogin(row.Value)
		if err != nil {
			return nil, err
		}
		rows = append(rows, l.rows(row.Key)...)
	}
	if at.Filled = nil; len(stored) == atOnce {
		at.Filled = stored[atOnce-1].Key
	} else {
		at.Ways = waysVersion
	}
	return rows, nil
}

// read returns the events from the index on, the index behind them, and how many there are in all.
func (b *Book) read(ctx context.Context, from int64) (events []storage.AuditEvent, next, size int64, err error) {
	for next = from; len(events) < atOnce; {
		found, err := b.o.Log.Follow(ctx, next, storage.TileHashes)
		if err != nil {
			return nil, 0, 0, err
		}
		for _, leaf := range found.Events {
			events = append(events, leaf.Event)
		}
		done := found.Next == next
		if next, size = found.Next, found.Size; done || next == size {
			break
		}
	}
	return events, next, size, nil
}

// page is what a step changes.
type page struct {
	book   *Book
	logins map[string]*Login   // by key
	ways   map[string][][]byte // to those that were there, as they were
	counts map[string]*Counts
	keysOf map[hours][]string
}

// take returns the rows that the events change, as they are with them, and the keys of those that lead to logins as these were.
func (b *Book) take(ctx context.Context, events []storage.AuditEvent) (rows []storage.Note, gone [][]byte, err error) {
	p, err := b.page(ctx, events)
	if err != nil {
		return nil, nil, err
	}
	for i := range events {
		p.add(&events[i])
	}
	for key, l := range p.logins {
		text, err := json.Marshal(l)
		if err != nil {
			return nil, nil, fmt.Errorf("encode login: %w", err)
		}
		rows = append(append(rows, storage.Note{Key: []byte(key), Value: text}), l.rows([]byte(key))...)
		gone = append(gone, p.ways[key]...)
	}
	for i := range events {
		if isRare(events[i].Type) {
			row, err := rareRow(&events[i])
			if err != nil {
				return nil, nil, err
			}
			rows = append(rows, row)
		}
	}
	for key, c := range p.counts {
		text, err := json.Marshal(c)
		if err != nil {
			return nil, nil, fmt.Errorf("encode counts: %w", err)
		}
		rows = append(rows, storage.Note{Key: []byte(key), Value: text})
	}
	return rows, gone, nil
}

// rows returns the rows that lead to the login, whose key that is.
func (l *Login) rows(key []byte) (rows []storage.Note) {
	for _, way := range l.ways() {
		rows = append(rows, storage.Note{Key: way, Value: key})
	}
	return rows
}

// once returns the rows in the order of their keys, each once: two logins may have one way.
func once(rows []storage.Note) []storage.Note {
	slices.SortFunc(rows, func(a, b storage.Note) int { return slices.Compare(a.Key, b.Key) })
	return slices.CompactFunc(rows, func(a, b storage.Note) bool { return string(a.Key) == string(b.Key) })
}

// keys returns the keys of the counts that an event belongs to. Hours are those in which the login was begun, so that a search knows in which
// there is something; days and months are those of the event, as invoices go by them.
func (p *page) keys(e *storage.AuditEvent) []string {
	begun := e.Time
	if isLogin(e) {
		begun = e.Reference.Begun(e.Time)
	}
	at := hours{hourOf(begun), hourOf(e.Time), e.Fields["CLIENT_ID"]}
	keys, known := p.keysOf[at]
	if !known {
		keys = at.keys()
		p.keysOf[at] = keys
	}
	return keys
}

// hours are what decides which counts an event belongs to: the hour in which its login was begun, its own, and the client.
type hours struct {
	begun, at uint32
	client    string
}

func (h hours) keys() (keys []string) {
	at := timeOfHour(h.at)
	for _, client := range []string{"", h.client} {
		keys = append(keys, string(countsKey(hourRow, h.begun, client)), string(countsKey(dayRow, hourOf(Day(at)), client)),
			string(countsKey(monthRow, hourOf(Month(at)), client)))
		if h.client == "" {
			break
		}
	}
	return keys
}

// page reads the rows that the events belong to.
func (b *Book) page(ctx context.Context, events []storage.AuditEvent) (*page, error) {
	p := &page{book: b, logins: map[string]*Login{}, ways: map[string][][]byte{}, counts: map[string]*Counts{}, keysOf: map[hours][]string{}}
	for i := range events {
		e := &events[i]
		if isLogin(e) {
			l := loginOf(e)
			key := string(l.key())
			p.logins[key] = l
		}
		if counted(e) {
			for _, key := range p.keys(e) {
				if p.counts[key] == nil {
					p.counts[key] = new(Counts)
				}
			}
		}
	}
	var keys [][]byte
	for key := range p.logins {
		keys = append(keys, []byte(key))
	}
	for key := range p.counts {
		keys = append(keys, []byte(key))
	}
	slices.SortFunc(keys, slices.Compare[[]byte])
	stored, err := b.o.Store.NotesAt(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("read what is known of logins: %w", err)
	}
	for _, row := range stored {
		if err := p.set(row); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// set takes a row as it is stored.
func (p *page) set(row storage.Note) (err error) {
	key := string(row.Key)
	if row.Key[0] != loginRow {
		p.counts[key], err = decodeCounts(row.Value)
		return err
	}
	l, err := decodeLogin(row.Value)
	if err != nil {
		return err
	}
	p.logins[key], p.ways[key] = l, l.ways()
	return nil
}

func (p *page) add(e *storage.AuditEvent) {
	first := false
	if isLogin(e) {
		l := p.logins[string(loginOf(e).key())]
		before := l.Orders
		l.add(e)
		first = before == 0 && l.Orders == 1
	}
	if !counted(e) {
		return
	}
	for _, key := range p.keys(e) {
		c := p.counts[key]
		c.add(e)
		if first {
			c.Logins++
		}
	}
}

// old returns the keys of rows whose time has come, at most a batch.
func (b *Book) old(ctx context.Context, now time.Time) (keys [][]byte, err error) {
	rows, err := b.o.Store.Notes(ctx, []byte{loginRow}, []byte{loginRow + 1}, pruneBatch/4, false)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		l, err := decodeLogin(row.Value)
		if err != nil {
			return nil, err
		}
		if now.Before(l.Expires) {
			break
		}
		keys = append(append(keys, row.Key), l.ways()...)
	}
	rare, err := b.o.Store.Notes(ctx, []byte{eventRow}, []byte{eventRow + 1}, pruneBatch/4, false)
	if err != nil {
		return nil, err
	}
	for _, row := range rare {
		var r rowOfEvent
		if err := json.Unmarshal(row.Value, &r); err != nil {
			return nil, fmt.Errorf("decode event: %w", err)
		}
		if now.Before(r.Expires) {
			break
		}
		keys = append(keys, row.Key)
	}
	hours, err := b.o.Store.Notes(ctx, []byte{hourRow}, countsKey(hourRow, hourOf(now.Add(-hoursKept)), ""), pruneBatch/4, false)
	if err != nil {
		return nil, err
	}
	for _, row := range hours {
		keys = append(keys, row.Key)
	}
	return keys, nil
}
