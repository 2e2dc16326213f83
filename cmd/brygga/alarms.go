package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"brygga/admin"
	"brygga/audit"
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

// expiries returns the certificates that end.
func (s *server) expiries() (all []admin.Expiry) {
	for _, name := range slices.Sorted(maps.Keys(s.apis)) {
		all = append(all, admin.Expiry{Kind: admin.ExpiresBankID, Name: certificateName(name), Ends: s.apis[name].CertificateInfo().NotAfter})
	}
	all = append(all, s.cards.expiries()...)
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
