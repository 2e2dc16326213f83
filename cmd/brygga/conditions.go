package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"brygga/admin"
	"brygga/logins"
	"brygga/notice"
)

// lasting is how long work that is tried again and again must have failed before that is an alarm.
const lasting = 10 * time.Minute

// trouble follows work that is done again and again. The zero value is work that nobody has done yet. Its methods may be called concurrently.
type trouble struct {
	mu    sync.Mutex
	done  bool
	since time.Time
}

// note takes in how the work went.
func (t *trouble) note(err error, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch t.done = true; {
	case err == nil:
		t.since = time.Time{}
	case t.since.IsZero():
		t.since = now
	}
}

// state returns since when the work has failed, zero while it does not, and whether it was done at all.
func (t *trouble) state() (since time.Time, done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.since, t.done
}

// outlook is what a process sees that deserves an alarm, and of what it cannot tell now whether it does.
type outlook struct{ seen, unsure []notice.Condition }

// failing adds work that has failed since then. One that has not failed for long may be what was an alarm before this process began.
func (s *outlook) failing(kind notice.Kind, name string, since time.Time, done bool, now time.Time) {
	c := notice.Condition{Kind: kind, Name: name, Detail: moment(since)}
	switch {
	case !done, !since.IsZero() && now.Sub(since) < lasting:
		s.unsure = append(s.unsure, c)
	case !since.IsZero():
		s.seen = append(s.seen, c)
	}
}

// lookForAlarms takes in what deserves an alarm now.
func (s *server) lookForAlarms(ctx context.Context) {
	rules, err := s.alarms.Rules(ctx)
	var all outlook
	if err == nil {
		all, err = s.look(ctx, rules.With())
	}
	if err == nil {
		err = s.alarms.Look(ctx, all.seen, all.unsure)
	}
	if err == nil {
		err = s.measureAlarms(ctx)
	}
	if err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "alarms cannot be looked after", "err", err)
	}
}

// measureAlarms lets the metrics say what stands, whichever process has seen it.
func (s *server) measureAlarms(ctx context.Context) error {
	standing, err := s.alarms.Standing(ctx)
	if err != nil {
		return err
	}
	counts := map[notice.Kind]int{}
	for i := range standing {
		counts[standing[i].Kind]++
	}
	for _, kind := range notice.Kinds() {
		s.metrics.alarms.WithLabelValues(string(kind)).Set(float64(counts[kind]))
	}
	return nil
}

// look returns what deserves an alarm by the rules.
func (s *server) look(ctx context.Context, rules notice.Rules) (all outlook, err error) {
	now := s.now()
	all.reach(notice.BankID, s.health)
	if s.cards != nil {
		all.reach(notice.NetID, s.cards.health)
	}
	if free := freeBytes(s.config.Data); free >= 0 && s.shared.Load() == nil && free < float64(rules.FreeMiB)*(1<<20) {
		all.seen = append(all.seen, notice.Condition{Kind: notice.Disk, Name: s.config.Data, Detail: fmt.Sprintf("%.0f MiB", free/(1<<20))})
	}
	since, done := s.keeping.state()
	all.failing(notice.Keys, "maintenance", since, done, now)
	since, done = s.signing.state()
	all.failing(notice.Audit, "signing", since, done, now)
	for _, one := range s.sinks {
		all.failing(notice.Audit, one.Name, one.FailingSince(), true, now)
	}
	ending, err := s.ending(ctx, rules.Days)
	if err != nil {
		return all, err
	}
	failures, err := s.failures(ctx, rules.Share)
	if err != nil {
		return all, err
	}
	all.seen = append(append(all.seen, ending...), failures...)
	return all, nil
}

// reach adds that an eID service is out of reach. That a process has not asked yet since it began says nothing.
func (all *outlook) reach(kind notice.Kind, health *eidHealth) {
	c := notice.Condition{Kind: kind, Name: health.service}
	since, known := health.outage()
	switch c.Detail = moment(since); {
	case !known:
		all.unsure = append(all.unsure, c)
	case !since.IsZero():
		all.seen = append(all.seen, c)
	}
}

// ending returns the certificates and secrets that end within so many days.
func (s *server) ending(ctx context.Context, days int) (all []notice.Condition, err error) {
	ending, err := s.admin.Expiries(ctx, admin.Command("brygga"))
	if err != nil {
		return nil, err
	}
	for _, e := range ending {
		if e.Ends.Sub(s.now()) >= time.Duration(days)*24*time.Hour {
			continue
		}
		kind := notice.Certificates
		if e.Kind == admin.ExpiresSecret || e.Kind == admin.ExpiresAPIKey {
			kind = notice.Secrets
		}
		all = append(all, notice.Condition{Kind: kind, Name: e.Kind + " " + e.Name, Detail: moment(e.Ends)})
	}
	return all, nil
}

const (
	// fewOrders is how many orders of an hour say nothing of how many fail.
	fewOrders = 10
	// usually is how many times as large as in the week before the share of failed orders must be.
	usually = 2
)

// failures returns a condition when more than that share of this hour's and the last hour's orders failed, in percent, and far more than in the week
// before.
func (s *server) failures(ctx context.Context, share int) ([]notice.Condition, error) {
	hours, err := s.logins.Hours(ctx, "", s.now(), 7*24)
	if err != nil {
		return nil, err
	}
	var now, before logins.Counts
	for i, h := range hours {
		if i >= len(hours)-2 {
			now.Add(h.Counts)
		} else {
			before.Add(h.Counts)
		}
	}
	of := func(c *logins.Counts) float64 { return float64(c.Failed) / float64(max(1, c.Completed+c.Failed)) }
	if now.Failed < fewOrders || 100*of(&now) < float64(share) || of(&now) < usually*of(&before) {
		return nil, nil
	}
	return []notice.Condition{{Kind: notice.Failures, Name: "", Detail: fmt.Sprintf("%.0f %% (%.0f %%)", 100*of(&now), 100*of(&before))}}, nil
}
