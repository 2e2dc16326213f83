package console

import (
	"io"
	"strconv"
	"time"

	"brygga/admin"
	"brygga/logins"
	"brygga/notice"
)

// figuresPages are those with numbers, beside the overview.
func figuresPages() []page {
	return []page{
		{pattern: "GET /statistics", operation: admin.ShowStatistics, handle: showStatistics},
		{pattern: "GET /statistics/file", operation: admin.ShowStatistics, handle: sendStatistics},
	}
}

// sight is what the overview shows.
type sight struct {
	health  admin.Health
	figures *admin.Figures
	ending  []admin.Expiry // soon
	alarms  []notice.Standing
}

// soon is how long before its end something deserves a look.
const soon = 30 * 24 * time.Hour

// showOverview says whether all is well, and what is going on.
func showOverview(v *visit) error {
	var s sight
	var err error
	if s.health, err = v.Admin.Health(v, v.actor); err != nil {
		return err
	}
	if s.figures, err = v.Admin.Figures(v, v.actor, 24); err != nil {
		return err
	}
	if v.may(admin.ShowExpiries) {
		all, err := v.Admin.Expiries(v, v.actor)
		if err != nil {
			return err
		}
		for _, e := range all {
			if e.Ends.Sub(v.Now()) < soon {
				s.ending = append(s.ending, e)
			}
		}
	}
	if v.may(admin.ShowAlarms) {
		a, err := v.Admin.Alarms(v, v.actor)
		if err != nil {
			return err
		}
		s.alarms = a.Standing
	}
	return v.show(v.text("overview.title"), overview(v, &s))
}

// percent writes a share of all, empty when there are none.
func (v *visit) percent(part, all int64) string {
	if all == 0 {
		return ""
	}
	text := strconv.FormatFloat(100*float64(part)/float64(all), 'f', 1, 64)
	if v.lang == "sv" {
		text = text[:len(text)-2] + "," + text[len(text)-1:]
	}
	return text + "\u00a0%"
}

// finished is how many orders have come out, one way or another.
func finished(c *logins.Counts) int64 { return c.Completed + c.Failed + c.Ended }

// hourChart is what became of logins by hour, against the same hours a week before.
func (v *visit) hourChart(f *admin.Figures) chart {
	c := chart{title: v.text("overview.hours"), first: v.text("overview.hour")}
	completed, failed, ended := series{name: v.outcome(logins.Completed), tone: "good"}, series{name: v.outcome(logins.Failed), tone: "bad"}, series{name: v.outcome(logins.Ended), tone: "warning"}
	before := series{name: v.text("overview.week-before"), tone: "muted", line: true}
	for i, h := range f.Hours {
		c.labels = append(c.labels, logins.Clock(h.Begin).Format("15:04"))
		completed.values = append(completed.values, float64(h.Completed))
		failed.values = append(failed.values, float64(h.Failed))
		ended.values = append(ended.values, float64(h.Ended))
		before.values = append(before.values, float64(finished(f.Before[i].Counts)))
	}
	c.series = []series{completed, failed, ended, before}
	return c
}

// durationChart is how long logins took from the page to the end.
func (v *visit) durationChart(f *admin.Figures) chart {
	c := chart{title: v.text("overview.durations"), first: v.text("overview.seconds")}
	values := series{name: v.text("overview.logins"), tone: "accent"}
	bounds := logins.DurationBounds()
	for i := range len(bounds) + 1 {
		if i < len(bounds) {
			c.labels = append(c.labels, "≤ "+decimal(bounds[i]))
		} else {
			c.labels = append(c.labels, "> "+decimal(bounds[i-1]))
		}
		value := int64(0)
		if i < len(f.Sum.Durations) {
			value = f.Sum.Durations[i]
		}
		values.values = append(values.values, float64(value))
	}
	c.series = []series{values}
	return c
}

// causes are why orders came to nothing, the most frequent first.
func causes(c *logins.Counts) []logins.Cause { return c.TopCauses(10) }

// month is the month that the address asks for, now if none, and how the months before and after it are written.
func (v *visit) month() (at time.Time, before, after string) {
	at = v.Now()
	if asked, err := time.Parse("2006-01", v.list().get("month")); err == nil {
		at = asked.AddDate(0, 0, 14)
	}
	first := logins.Month(at)
	before = logins.MonthName(first.AddDate(0, 0, -1))
	if next := logins.Month(first.AddDate(0, 0, 32)); next.Before(v.Now()) {
		after = logins.MonthName(next)
	}
	return at, before, after
}

func showStatistics(v *visit) error {
	at, before, after := v.month()
	s, err := v.Admin.Statistics(v, v.actor, at)
	if err != nil {
		return err
	}
	return v.show(v.text("statistics.title"), statistics(v, s, before, after))
}

func sendStatistics(v *visit) error {
	at, _, _ := v.month()
	s, err := v.Admin.Statistics(v, v.actor, at)
	if err != nil {
		return err
	}
	return v.file("brygga-"+s.Month+".csv", "text/csv; charset=utf-8", func(w io.Writer) error { return s.WriteCSV(w) })
}

// today says in a sentence how today goes.
func (v *visit) today(f *admin.Figures) string {
	all := finished(&f.Today)
	if all == 0 {
		return v.text("overview.today-none")
	}
	return v.text("overview.today", "n", v.number(int(f.Today.Logins)), "share", v.percent(f.Today.Completed, all))
}

func (v *visit) percentOrNone(part, all int64) string {
	if text := v.percent(part, all); text != "" {
		return text
	}
	return "–"
}

// endTone is the colour of something that ends at that time.
func (v *visit) endTone(at time.Time) string {
	switch left := at.Sub(v.Now()); {
	case left < 7*24*time.Hour:
		return "bad"
	case left < soon:
		return "warning"
	}
	return "good"
}
