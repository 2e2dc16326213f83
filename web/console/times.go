package console

import (
	"strconv"
	"strings"
	"time"

	"brygga/logins"
)

// number writes a number with thin groups of three, as both languages read it.
func (v *visit) number(n int) string {
	digits := strconv.Itoa(n)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteRune('\u00a0')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// moment writes a time to the minute, as clocks in Sweden show it; empty for the zero time.
func (v *visit) moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return logins.Clock(t).Format("2006-01-02 15:04")
}

// since writes how long ago, or how far ahead, a time is.
func (v *visit) since(t time.Time) string {
	d, key := v.Now().Sub(t), "time.ago"
	if d < 0 {
		d, key = -d, "time.ahead"
	}
	switch {
	case d < time.Minute:
		return v.text("time.now")
	case d < time.Hour:
		return v.text(key, "length", v.count("time.minutes", int(d/time.Minute)))
	case d < 48*time.Hour:
		return v.text(key, "length", v.count("time.hours", int(d/time.Hour)))
	}
	return v.text(key, "length", v.count("time.days", int(d/(24*time.Hour))))
}
