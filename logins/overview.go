package logins

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"time"

	"brygga/storage"
)

// Hour are the counts of the logins that were begun in an hour.
type Hour struct {
	Begin time.Time
	*Counts
	hour uint32
}

// hours goes through the hours of which there is something and that are possible, the last first, of a client or, for the empty one, of all.
func (b *Book) hours(ctx context.Context, client string, from, to time.Time, possible func(hour uint32) bool) iter.Seq2[Hour, error] {
	const most = 400 // at a time
	return func(yield func(Hour, error) bool) {
		last := b.o.Now()
		if to.Before(last) {
			last = to
		}
		first := max(hourOf(from), hourOf(b.o.Now().Add(-hoursKept)))
		for end := hourOf(last); end >= first && end > 0; {
			begin := max(first, end-min(end, most-1))
			found, err := b.countsOf(ctx, client, begin, end, possible)
			if err != nil {
				yield(Hour{}, err)
				return
			}
			for hour := end; hour >= begin; hour-- {
				if c := found[hour]; c != nil && !yield(Hour{timeOfHour(hour), c, hour}, nil) {
					return
				}
			}
			if begin == 0 {
				return
			}
			end = begin - 1
		}
	}
}

// days returns a function that reports whether anything that may thinks possible can have come of a login begun in an hour, by the counts of days. A
// login may have events for a day.
func (b *Book) days(ctx context.Context, client string, from, to time.Time, may func(*Counts) bool) (possible func(hour uint32) bool, err error) {
	if oldest := b.o.Now().Add(-hoursKept); from.Before(oldest) {
		from = oldest
	}
	var keys [][]byte
	end := Day(to.Add(longestLogin))
	for day := Day(from); !day.After(end); day = Day(day.Add(36 * time.Hour)) {
		keys = append(keys, countsKey(dayRow, hourOf(day), client))
	}
	rows, err := b.o.Store.NotesAt(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	busy := map[uint32]bool{}
	for _, row := range rows {
		c, err := decodeCounts(row.Value)
		if err != nil {
			return nil, err
		}
		busy[binary.BigEndian.Uint32(row.Key[1:])] = may(c)
	}
	return func(hour uint32) bool {
		begun := timeOfHour(hour)
		for _, later := range []time.Duration{0, 12 * time.Hour, longestLogin + time.Hour} { // three days at most, of which each is among them
			if busy[hourOf(Day(begun.Add(later)))] {
				return true
			}
		}
		return false
	}, nil
}

// countsOf returns the counts of a client, by hour, both inclusive, of those hours that are possible.
func (b *Book) countsOf(ctx context.Context, client string, from, to uint32, possible func(hour uint32) bool) (map[uint32]*Counts, error) {
	keys := make([][]byte, 0, to-from+1)
	for hour := from; hour <= to; hour++ {
		if possible(hour) {
			keys = append(keys, countsKey(hourRow, hour, client))
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	rows, err := b.o.Store.NotesAt(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	found := make(map[uint32]*Counts, len(rows))
	for _, row := range rows {
		if found[binary.BigEndian.Uint32(row.Key[1:])], err = decodeCounts(row.Value); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Hours returns the counts of n hours up to the one of now, oldest first, each as it is even when nothing happened; of a client or, for the empty one,
// of all.
func (b *Book) Hours(ctx context.Context, client string, n int) ([]Hour, error) {
	last := hourOf(b.o.Now())
	first := last - min(last, uint32(max(1, n)-1))
	found, err := b.countsOf(ctx, client, first, last, func(uint32) bool { return true })
	if err != nil {
		return nil, err
	}
	all := make([]Hour, 0, n)
	for hour := first; hour <= last; hour++ {
		all = append(all, Hour{timeOfHour(hour), cmp.Or(found[hour], new(Counts)), hour})
	}
	return all, nil
}

// Client are the counts of a client.
type Client struct {
	ID string
	*Counts
}

// mostClients is how many clients of a day or a month are read.
const mostClients = 100_000

// Day returns the counts of each client on the Swedish day of that time, those with most logins first, at most limit of them.
func (b *Book) Day(ctx context.Context, at time.Time, limit int) ([]Client, error) {
	return b.clientsOf(ctx, dayRow, Day(at), limit)
}

// Month returns the counts of each client in the Swedish month of that time, as Day does.
func (b *Book) Month(ctx context.Context, at time.Time, limit int) ([]Client, error) {
	return b.clientsOf(ctx, monthRow, Month(at), limit)
}

func (b *Book) clientsOf(ctx context.Context, kind byte, begin time.Time, limit int) (all []Client, err error) {
	prefix := countsKey(kind, hourOf(begin), "")
	for from := append(prefix, 0); len(all) < mostClients; {
		rows, err := b.o.Store.Notes(ctx, from, behind(prefix), chunk, false)
		if err != nil {
			return nil, fmt.Errorf("read counts: %w", err)
		}
		for _, row := range rows {
			c, err := decodeCounts(row.Value)
			if err != nil {
				return nil, err
			}
			all = append(all, Client{string(row.Key[len(prefix):]), c})
		}
		if len(rows) < chunk {
			break
		}
		from = append(rows[len(rows)-1].Key, 0)
	}
	slices.SortStableFunc(all, func(x, y Client) int { return cmp.Compare(y.Logins, x.Logins) })
	return all[:min(limit, len(all))], nil
}

// Last returns when something happened last with a client that counts, as the Swedish day, and the counts of that many days up to now together.
func (b *Book) Last(ctx context.Context, client string, days int) (last time.Time, sum *Counts, err error) {
	now, keys := b.o.Now(), [][]byte{}
	for day := range days {
		keys = append(keys, countsKey(dayRow, hourOf(Day(Day(now).Add(12*time.Hour).AddDate(0, 0, -day))), client))
	}
	rows, err := b.o.Store.NotesAt(ctx, keys...)
	if err != nil {
		return last, nil, fmt.Errorf("read counts: %w", err)
	}
	sum = new(Counts)
	for _, row := range rows {
		c, err := decodeCounts(row.Value)
		if err != nil {
			return last, nil, err
		}
		sum.Add(c)
		if begin := timeOfHour(binary.BigEndian.Uint32(row.Key[1:])); begin.After(last) {
			last = begin
		}
	}
	return last, sum, nil
}

// Behind returns how many events of the audit log the book has not read.
func (b *Book) Behind(ctx context.Context, log storage.AuditLog) (int64, error) {
	at, _, err := b.turn(ctx)
	if err != nil {
		return 0, err
	}
	tree, err := log.AuditTree(ctx)
	return tree.Size - at.Next, err
}
