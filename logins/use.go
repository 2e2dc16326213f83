package logins

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"
)

// Use is how much a client was used lately.
type Use struct {
	// Last is the last Swedish day on which something happened, zero for none of the days that were asked for.
	Last time.Time
	// Day are the counts of the logins begun within the last 24 hours, Week those of what happened on the last seven Swedish days.
	Day, Week Counts
}

// weekDays is how many days Use.Week has.
const weekDays = 7

// UseOf returns how much each of the clients was used, of so many days up to now, seven at least. It asks the store once for all of them.
func (b *Book) UseOf(ctx context.Context, clients []string, days int) (map[string]*Use, error) {
	now := b.o.Now()
	noon := Day(now).Add(12 * time.Hour)
	week := hourOf(Day(noon.AddDate(0, 0, 1-weekDays)))
	all, keys := make(map[string]*Use, len(clients)), make([][]byte, 0, len(clients)*(days+24))
	for _, id := range clients {
		all[id] = new(Use)
		for day := range max(weekDays, days) {
			keys = append(keys, countsKey(dayRow, hourOf(Day(noon.AddDate(0, 0, -day))), id))
		}
		for hour := range uint32(24) {
			keys = append(keys, countsKey(hourRow, hourOf(now)-hour, id))
		}
	}
	rows, err := b.o.Store.NotesAt(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("read counts: %w", err)
	}
	for _, row := range rows {
		c, err := decodeCounts(row.Value)
		if err != nil {
			return nil, err
		}
		hour, use := binary.BigEndian.Uint32(row.Key[1:]), all[string(row.Key[1+4:])]
		if row.Key[0] == hourRow {
			use.Day.Add(c)
			continue
		}
		if hour >= week {
			use.Week.Add(c)
		}
		if begin := timeOfHour(hour); begin.After(use.Last) {
			use.Last = begin
		}
	}
	return all, nil
}
