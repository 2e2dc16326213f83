package console

import (
	"strings"
	"time"

	"brygga/admin"
	"brygga/notice"
)

// part is what a part of the installation is called.
func (v *visit) part(d admin.Detail) string {
	if key := "health." + d.Part; hasText(key) {
		return strings.TrimSpace(v.text(key) + " " + d.Of)
	}
	return d.Name
}

// condition says how a part of the installation is; it is empty for an error, whose text is the program's own.
func (v *visit) condition(d admin.Detail) string {
	if d.State == "" {
		return ""
	}
	pairs := []string{"n", v.number(d.N), "time", v.moment(d.At)}
	for name, value := range d.Values {
		pairs = append(pairs, name, value)
	}
	if key := "condition." + d.State; hasText(key) {
		return v.text(key, pairs...)
	}
	if d.N == 1 {
		return v.text("condition."+d.State+".one", pairs...)
	}
	return v.text("condition."+d.State+".many", pairs...)
}

// alarmTime is how alarms write times.
const alarmTime = "2006-01-02 15:04Z"

// alarmWords say what an alarm is about: what ends is named by its kind, and times are those of clocks in Sweden.
func (v *visit) alarmWords(s notice.Standing) string {
	name, detail := s.Name, s.Detail
	if kind, of, ok := strings.Cut(name, " "); ok && hasText("expiry."+kind) {
		name = v.text("expiry."+kind) + " " + of
	}
	if at, err := time.Parse(alarmTime, detail); err == nil {
		detail = v.moment(at)
	}
	return strings.Trim(name+", "+detail, ", ")
}
