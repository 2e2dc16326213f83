package logins

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"brygga/storage"
)

// Hour are the counts of the logins that were begun in an hour.
type Hour struct {
	Begin time.Time
	*Counts
}

// countsOf returns the counts of a client, by hour, both inclusive.
func (b *Book) countsOf(ctx context.Context, client string, from, to uint32) (map[uint32]*Counts, error) {
	keys := make([][]byte, 0, to-from+1)
	for hour := from; hour <= to; hour++ {
		keys = append(keys, countsKey(hourRow, hour, client))
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

// Hours returns the counts of n hours up to the one of that time, oldest first, each as it is even when nothing happened; of a client or, for the empty
// one, of all.
func (b *Book) Hours(ctx context.Context, client string, until time.Time, n int) ([]Hour, error) {
	last := hourOf(until)
	first := last - min(last, uint32(max(1, n)-1))
	found, err := b.countsOf(ctx, client, first, last)
	if err != nil {
		return nil, err
	}
	all := make([]Hour, 0, n)
	for hour := first; hour <= last; hour++ {
		all = append(all, Hour{timeOfHour(hour), cmp.Or(found[hour], new(Counts))})
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
