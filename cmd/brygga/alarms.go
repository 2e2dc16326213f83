package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"brygga/admin"
	"brygga/audit"
	"brygga/logins"
	"brygga/notice"
	"brygga/storage"
)

const (
	// bannerEvery is how often the banner is looked at, alarmEvery the conditions for alarms.
	bannerEvery = 5 * time.Second
	alarmEvery  = 30 * time.Second
)

// lookAtBanner learns what other processes have set.
func (s *server) lookAtBanner(ctx context.Context) {
	if err := s.banners.Look(ctx); err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "storage failed", "doing", "read the banner", "err", err)
	}
}

// newAlarms returns what looks after alarms.
func (s *server) newAlarms() *notice.Alarms {
	process := s.node()
	if process == "" {
		process = "brygga"
	}
	return &notice.Alarms{Store: s.store, Process: process, Now: s.now, Tell: func(of notice.Standing, over bool) ([]storage.AuditEvent, func()) {
		kind := audit.AlarmRaised
		if over {
			kind = audit.AlarmOver
		}
		records, told := s.audit.Of(audit.Event{Type: kind, Object: string(of.Kind) + " " + of.Name, Message: of.Detail})
		return records, func() { told(context.Background()) }
	}}
}

// lookForAlarms takes in what deserves an alarm now.
func (s *server) lookForAlarms(ctx context.Context) {
	rules, err := s.alarms.Rules(ctx)
	var seen []notice.Condition
	if err == nil {
		seen, err = s.conditions(ctx, rules.With())
	}
	if err == nil {
		err = s.alarms.Look(ctx, seen)
	}
	if err != nil && ctx.Err() == nil {
		s.log.ErrorContext(ctx, "alarms cannot be looked after", "err", err)
	}
}

// conditions returns what deserves an alarm by the rules.
func (s *server) conditions(ctx context.Context, rules notice.Rules) (all []notice.Condition, err error) {
	if since := s.health.outage(); !since.IsZero() {
		all = append(all, notice.Condition{Kind: notice.BankID, Name: "BankID", Detail: moment(since)})
	}
	if free := freeBytes(s.config.Data); free >= 0 && s.shared.Load() == nil && free < float64(rules.FreeMiB)*(1<<20) {
		all = append(all, notice.Condition{Kind: notice.Disk, Name: s.config.Data, Detail: fmt.Sprintf("%.0f MiB", free/(1<<20))})
	}
	ending, err := s.admin.Expiries(ctx, admin.Command("brygga"))
	if err != nil {
		return nil, err
	}
	for _, e := range ending {
		left := e.Ends.Sub(s.now())
		if left >= time.Duration(rules.Days)*24*time.Hour {
			continue
		}
		kind := notice.Certificates
		if e.Kind == admin.ExpiresSecret || e.Kind == admin.ExpiresAPIKey {
			kind = notice.Secrets
		}
		all = append(all, notice.Condition{Kind: kind, Name: e.Kind + " " + e.Name, Detail: moment(e.Ends)})
	}
	failing, err := s.failing(ctx, rules.Share)
	if err != nil {
		return nil, err
	}
	return append(all, failing...), nil
}

const (
	// fewOrders is how many orders of an hour say nothing of how many fail.
	fewOrders = 10
	// usually is how many times as large as in the week before the share of failed orders must be.
	usually = 2
)

// failing returns a condition when more than that share of this hour's and the last hour's orders failed, in percent, and far more than in the week
// before.
func (s *server) failing(ctx context.Context, share int) ([]notice.Condition, error) {
	hours, err := s.logins.Hours(ctx, "", 7*24)
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

// expiries returns the certificates that end.
func (s *server) expiries() (all []admin.Expiry) {
	for _, name := range slices.Sorted(maps.Keys(s.apis)) {
		all = append(all, admin.Expiry{Kind: admin.ExpiresBankID, Name: certificateName(name), Ends: s.apis[name].CertificateInfo().NotAfter})
	}
	if s.listener != nil {
		leaf, _ := s.listener.state()
		all = append(all, admin.Expiry{Kind: admin.ExpiresListener, Name: leaf.Subject.CommonName, Ends: leaf.NotAfter})
	}
	return all
}

// settings returns the configuration in force: what was taken over since the start, and of the rest what the server has started with.
func (s *server) settings() []admin.Setting {
	began, taken := s.config.Settings(), s.taken.Load().Settings()
	all := make([]admin.Setting, len(began))
	for i, of := range began {
		live := isLiveKey(of.Key)
		if live {
			of = taken[i]
		}
		source := of.File
		if of.Line > 0 {
			source = fmt.Sprintf("%s:%d", of.File, of.Line)
		}
		all[i] = admin.Setting{Key: of.Key, Value: of.Value, Source: source, Live: live}
	}
	return all
}
