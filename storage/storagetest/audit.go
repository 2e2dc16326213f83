package storagetest

import (
	"context"
	"time"

	"brygga/storage"
)

func cancelled(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	cancel()
	return ctx, cancel
}

// newEvents returns n events, a second apart from the epoch on, which expire after a day.
func newEvents(n int) []storage.AuditEvent {
	events := make([]storage.AuditEvent, n)
	for i := range events {
		Fill(&events[i])
		events[i].ID, events[i].Time, events[i].Expires = name("event", i), at(i), at(86400)
	}
	return events
}

func (f *fixture) events(from, to time.Time, limit int) []storage.AuditEvent {
	f.Helper()
	events, err := f.Store.AuditEvents(f.Context(), from, to, limit)
	f.ok(err)
	return events
}

var auditTests = map[string]func(*fixture){
	"events come back whole and in the order of time": func(f *fixture) {
		want := newEvents(5)
		f.ok(f.Store.AppendAudit(f.Context()))
		f.ok(f.Store.AppendAudit(f.Context(), want[3], want[1]))
		f.ok(f.Store.AppendAudit(f.Context(), want[4]))
		f.ok(f.Store.AppendAudit(f.Context(), want[0], want[2]))
		for range 2 {
			f.same(f.events(at(-10), at(10), 100), want)
			f.restart()
		}
		f.same(f.events(at(1), at(4), 100), want[1:4])
		f.same(f.events(at(1).Add(time.Microsecond), justBefore(at(3)), 100), want[2:3])
		f.same(f.events(at(0), at(10), 2), want[:2])
		f.same(len(f.events(at(0), at(10), 0)), 0)
		f.same(len(f.events(at(5), at(10), 10)), 0)
		f.same(len(f.events(time.Time{}, at(0), 10)), 0)
	},
	"events of one moment all stay": func(f *fixture) {
		want := newEvents(3)
		for i := range want {
			want[i].Time = at(0)
		}
		f.ok(f.Store.AppendAudit(f.Context(), want...))
		f.same(f.events(at(0), at(1), 10), want)
	},
	"events are found by their login's reference": func(f *fixture) {
		all := newEvents(6)
		for i := range all {
			all[i].Reference = storage.Reference([]string{"7QX4-2MKD", "7QX4-2MKE", ""}[i%3])
		}
		all[1].Fields = map[string]string{"MESSAGE": "7QX4-2MKD"} // which is only talked of
		f.ok(f.Store.AppendAudit(f.Context(), all...))
		of := func(reference storage.Reference, from, to time.Time, limit int) []storage.AuditEvent {
			f.Helper()
			events, err := f.Store.AuditEventsOf(f.Context(), reference, from, to, limit)
			f.ok(err)
			return events
		}
		want := []storage.AuditEvent{all[0], all[3]}
		f.same(of("7QX4-2MKD", at(0), at(10), 10), want)
		f.same(of("7QX4-2MKD", at(0), at(10), 1), want[:1])
		f.same(of("7QX4-2MKD", at(1), at(10), 10), want[1:])
		f.same(of("7QX4-2MKD", at(0), at(3), 10), want[:1])
		f.same(len(of("7QX4-2MKF", at(0), at(10), 10)), 0)
		f.same(len(of("", at(0), at(2), 10)), 0)
	},
	"an event is never replaced": func(f *fixture) {
		want := newEvents(2)
		f.ok(f.Store.AppendAudit(f.Context(), want[0]))
		changed := want[0]
		changed.Type = "changed"
		f.is(f.Store.AppendAudit(f.Context(), want[1], changed), storage.ErrExists)
		f.is(f.Store.AppendAudit(f.Context(), want[1], want[1]), storage.ErrExists)
		f.same(f.events(at(0), at(10), 10), want[:1])
	},
}

// sweep sweeps until nothing is left at the time and returns how many records went.
func (f *fixture) sweep(now time.Time, limit int) int {
	f.Helper()
	total := 0
	for {
		removed, err := f.Store.Sweep(f.Context(), now, limit)
		f.ok(err)
		if removed > limit {
			f.Fatalf("a sweep of at most %d removed %d", limit, removed)
		}
		total += removed
		if removed < limit {
			return total
		}
	}
}

var sweepTests = map[string]func(*fixture){
	"an empty store has nothing to sweep": func(f *fixture) {
		f.same(f.sweep(at(100000), 10), 0)
	},
	"small batches remove what has expired and leave the rest": func(f *fixture) {
		for i := range 10 {
			login := newLogin(name("short", i))
			login.Expires = at(60)
			f.ok(f.Store.CreateLogin(f.Context(), login))
			f.ok(f.Store.CreateLogin(f.Context(), newLogin(name("long", i))))
		}
		f.same(f.sweep(justBefore(at(60)), 3), 0)
		for i := range 10 {
			f.is(f.Store.CreateLogin(f.Context(), newLogin(name("short", i))), storage.ErrExists)
		}
		f.same(f.sweep(at(60), 3), 10)
		f.same(f.sweep(at(60), 3), 0)
		for i := range 10 {
			f.must(f.Store.Login(f.Context(), name("long", i), at(61)))
			f.ok(f.Store.CreateLogin(f.Context(), newLogin(name("short", i)))) // the place is free
		}
	},
	"a swept login's order is no longer pending": func(f *fixture) {
		f.pendingLogin("l1")
		f.completeLogin("l2")
		f.same(f.sweep(at(600), 10), 2)
		for range 2 {
			pending, err := f.Store.PendingOrders(f.Context())
			f.ok(err)
			f.same(pending, 0)
			f.restart()
		}
		adopted, err := f.Store.AdoptOrders(f.Context(), "collector-b", at(500), at(1), 10)
		f.ok(err)
		f.same(len(adopted), 0)
	},
	"grants, codes and tokens go when their time has come": func(f *fixture) {
		grant := f.redeemed("g1", "app", "sid")
		f.same(f.sweep(at(600), 10), 1) // the login; the code stays to recognise a replay
		_, err := f.Store.RedeemCode(f.Context(), newRedemption(grant, 601))
		f.reused(err, "g1")
		f.same(f.sweep(at(1800), 10), 1) // the token
		f.same(f.sweep(at(3600), 10), 2) // grant and code
		f.same(f.sweep(at(1000000), 10), 0)
		again := f.redeemed("g1", "app", "sid") // every place is free
		f.same(f.live(again, 10), true)
	},
	"audit events go when they expire, one by one": func(f *fixture) {
		events := newEvents(5)
		for i := range events {
			events[i].Expires = at(1000 + i)
		}
		f.ok(f.Store.AppendAudit(f.Context(), events...))
		f.same(f.sweep(at(1002), 2), 3)
		f.same(f.events(at(0), at(10), 10), events[3:])
	},
	"a sweep of nothing removes nothing": func(f *fixture) {
		f.pendingLogin("l1")
		removed, err := f.Store.Sweep(f.Context(), at(600), 0)
		f.ok(err)
		f.same(removed, 0)
		f.same(f.sweep(at(600), 1), 1)
	},
}
