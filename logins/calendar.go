package logins

import "time"

// Days and months are those of Sweden, as invoices are. Its clocks follow the European rule: they are put forward on the last Sunday of March
// and back on the last of October, both at 01:00 UTC (directive 2000/84/EC). All processes count alike by it, whatever time zones
// their machines know.

// swedish returns the time as clocks in Sweden show it.
func swedish(at time.Time) time.Time {
	at = at.UTC()
	if !at.Before(lastSunday(at.Year(), time.March)) && at.Before(lastSunday(at.Year(), time.October)) {
		return at.In(summerTime)
	}
	return at.In(standardTime)
}

var standardTime, summerTime = time.FixedZone("CET", 3600), time.FixedZone("CEST", 2*3600)

// lastSunday returns 01:00 UTC on the last Sunday of a month of 31 days.
func lastSunday(year int, month time.Month) time.Time {
	last := time.Date(year, month, 31, 1, 0, 0, 0, time.UTC)
	return last.AddDate(0, 0, -int(last.Weekday()))
}

// midnight returns when a day begins in Sweden. Months may be out of their range, as for time.Date.
func midnight(year int, month time.Month, day int) time.Time {
	standard := time.Date(year, month, day, 0, 0, 0, 0, standardTime)
	if summer := time.Date(year, month, day, 0, 0, 0, 0, summerTime); summer.Hour() == swedish(summer).Hour() {
		return summer.UTC()
	}
	return standard.UTC()
}

// Day returns when the Swedish day of that time begins, and Month when its month does.
func Day(at time.Time) time.Time {
	year, month, day := swedish(at).Date()
	return midnight(year, month, day)
}

// Month returns when the Swedish month of that time begins.
func Month(at time.Time) time.Time {
	year, month, _ := swedish(at).Date()
	return midnight(year, month, 1)
}

// MonthName returns the Swedish month of that time, such as 2026-11.
func MonthName(at time.Time) string { return swedish(at).Format("2006-01") }

// Clock returns the time as clocks in Sweden show it.
func Clock(at time.Time) time.Time { return swedish(at) }

// ParseClock returns when clocks in Sweden show the text, for a layout of package time without a zone, or that package's error. Of the hour
// that is twice when they are put back it is the first.
func ParseClock(layout, text string) (time.Time, error) {
	if summer, err := time.ParseInLocation(layout, text, summerTime); err != nil || swedish(summer).Hour() == summer.Hour() {
		return summer, err
	}
	return time.ParseInLocation(layout, text, standardTime)
}
