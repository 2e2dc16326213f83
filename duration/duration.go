// Package duration reads and writes lengths of time as people do: 90s, 30m, 12h, 90d.
package duration

import (
	"strconv"
	"strings"
	"time"
)

// Parse is time.ParseDuration with whole days besides, up to 65535d.
func Parse(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

// Format writes d in the largest unit that it is whole in: 90d and not 2160h0m0s. Parse reads it back.
func Format(d time.Duration) string {
	for _, unit := range []struct {
		name string
		is   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if d > 0 && d%unit.is == 0 {
			return strconv.Itoa(int(d/unit.is)) + unit.name
		}
	}
	return d.String()
}
