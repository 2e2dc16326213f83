package admin

import (
	"context"
	"strconv"

	"brygga/audit"
	"brygga/notice"
	"brygga/storage"
)

// The operations on what people are told.
const (
	ShowBanner   Name = "banner.show"
	SetBanner    Name = "banner.set"
	ShowAlarms   Name = "alarms.show"
	ChangeAlarms Name = "alarms.change"
	TestAlarms   Name = "alarms.test"
)

// The scopes that they need.
const (
	ScopeNoticesRead  = "notices:read"
	ScopeNoticesWrite = "notices:write"
)

// Banner returns the message on the login page as it is set, which may not be shown now.
func (s *Service) Banner(ctx context.Context, actor Actor) (notice.Banner, error) {
	if _, err := s.permit(ctx, actor, ShowBanner); err != nil {
		return notice.Banner{}, err
	}
	return s.banners.Get(ctx)
}

// SetBanner puts a message on the login page of every process, within seconds; the zero value takes it away. It returns notice.Problems, or
// notice.ErrConflict.
func (s *Service) SetBanner(ctx context.Context, actor Actor, b notice.Banner) error {
	if _, err := s.permit(ctx, actor, SetBanner); err != nil {
		return err
	}
	b.Actor, b.At = actor.name, s.o.Now().UTC()
	told := func(context.Context) {}
	err := s.banners.Set(ctx, b, func(before, after [][2]string) (records []storage.AuditEvent) {
		records, told = s.o.Audit.Of(audit.Event{Type: audit.BannerChanged, Actor: actor.name, SourceAddress: address(actor.from), Changes: audit.Diff(before, after)})
		return records
	})
	if err == nil {
		told(ctx)
	}
	return err
}

// Alarms are the rules and what stands.
type Alarms struct {
	Rules    notice.Rules
	Standing []notice.Standing
}

// Alarms returns the rules, with their defaults, and the alarms that stand.
func (s *Service) Alarms(ctx context.Context, actor Actor) (a Alarms, err error) {
	if _, err := s.permit(ctx, actor, ShowAlarms); err != nil {
		return a, err
	}
	if a.Rules, err = s.alarms.Rules(ctx); err != nil {
		return a, err
	}
	a.Rules = a.Rules.With()
	a.Standing, err = s.alarms.Standing(ctx)
	return a, err
}

// ChangeAlarms changes the rules. It returns notice.Problems, or notice.ErrConflict.
func (s *Service) ChangeAlarms(ctx context.Context, actor Actor, r notice.Rules) error {
	if _, err := s.permit(ctx, actor, ChangeAlarms); err != nil {
		return err
	}
	told := func(context.Context) {}
	err := s.alarms.SetRules(ctx, r, func(before, after [][2]string) (records []storage.AuditEvent) {
		records, told = s.o.Audit.Of(audit.Event{Type: audit.AlarmsChanged, Actor: actor.name, SourceAddress: address(actor.from), Changes: audit.Diff(before, after)})
		return records
	})
	if err == nil {
		told(ctx)
	}
	return err
}

// TestAlarms sends a test to all who get alarms, and returns to how many.
func (s *Service) TestAlarms(ctx context.Context, actor Actor) (sent int, err error) {
	if _, err := s.permit(ctx, actor, TestAlarms); err != nil {
		return 0, err
	}
	rules, err := s.alarms.Rules(ctx)
	if err != nil {
		return 0, err
	}
	records, told := s.o.Audit.Of(audit.Event{Type: audit.AlarmTested, Actor: actor.name, SourceAddress: address(actor.from), Message: strconv.Itoa(len(rules.Recipients))})
	if sent, err = s.alarms.Test(ctx, func() []storage.AuditEvent { return records }); err == nil {
		told(ctx)
	}
	return sent, err
}
