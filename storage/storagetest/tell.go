package storagetest

import (
	"testing"
	"time"

	"brygga/storage"
)

// toldStep is a step that stores what is told of it: what makes it possible, and the step with its events. The step succeeds once.
type toldStep struct {
	prepare func(f *fixture)
	do      func(f *fixture, events ...storage.AuditEvent) error
}

// toldLogin is a step of the login l1.
func toldLogin(prepare func(f *fixture), step func(f *fixture, tell storage.Tell) (*storage.Login, error)) toldStep {
	return toldStep{prepare, func(f *fixture, events ...storage.AuditEvent) error {
		var asked *storage.Login
		after, err := step(f, func(after *storage.Login) []storage.AuditEvent {
			asked = after
			return events
		})
		if err == nil {
			f.same(asked, after)
		}
		return err
	}}
}

func toldEnd(end func(f *fixture, tell storage.TellEnd) (storage.Ended, error)) toldStep {
	return toldStep{
		func(f *fixture) { f.signedIn("s1", "g1", "app", "sid") },
		func(f *fixture, events ...storage.AuditEvent) error {
			ended, err := end(f, func(storage.Ended) []storage.AuditEvent { return events })
			if err == nil && ended.Session != "s1" {
				f.Errorf("%+v has ended", ended)
			}
			return err
		},
	}
}

// toldSteps are all steps that take events.
var toldSteps = map[string]toldStep{
	"CreateClient": {nil, func(f *fixture, events ...storage.AuditEvent) error {
		return f.Store.CreateClient(f.Context(), newClient("app"), events...)
	}},
	"UpdateClient": {
		func(f *fixture) { f.ok(f.Store.CreateClient(f.Context(), newClient("app"))) },
		func(f *fixture, events ...storage.AuditEvent) error {
			client := newClient("app")
			client.Revision = 1
			return f.Store.UpdateClient(f.Context(), client, events...)
		},
	},
	"RemoveClient": {
		func(f *fixture) { f.ok(f.Store.CreateClient(f.Context(), newClient("app"))) },
		func(f *fixture, events ...storage.AuditEvent) error {
			return f.Store.RemoveClient(f.Context(), "app", at(1), events...)
		},
	},
	"BeginOrder": toldLogin(
		func(f *fixture) { f.ok(f.Store.CreateLogin(f.Context(), newLogin("l1"))) },
		func(f *fixture, tell storage.Tell) (*storage.Login, error) {
			return f.Store.BeginOrder(f.Context(), "l1", newClaim("c1", 1), tell)
		}),
	"DropClaim": toldLogin(
		func(f *fixture) {
			f.ok(f.Store.CreateLogin(f.Context(), newLogin("l1")))
			f.must(f.Store.BeginOrder(f.Context(), "l1", newClaim("c1", 1)))
		},
		func(f *fixture, tell storage.Tell) (*storage.Login, error) {
			return f.Store.DropClaim(f.Context(), "l1", "c1", storage.Failure{Reason: "unavailable"}, at(2), tell)
		}),
	"FailOrder": toldLogin(
		func(f *fixture) { f.pendingLogin("l1") },
		func(f *fixture, tell storage.Tell) (*storage.Login, error) {
			return f.Store.FailOrder(f.Context(), "l1", "orderl1", storage.Failure{Reason: "userCancel"}, at(3), tell)
		}),
	"CompleteLogin": toldLogin(
		func(f *fixture) { f.pendingLogin("l1") },
		func(f *fixture, tell storage.Tell) (*storage.Login, error) {
			return f.Store.CompleteLogin(f.Context(), "l1", "orderl1", newResult(), at(3), tell)
		}),
	"CancelOrder": toldLogin(
		func(f *fixture) { f.pendingLogin("l1") },
		func(f *fixture, tell storage.Tell) (*storage.Login, error) {
			return f.Store.CancelOrder(f.Context(), "l1", storage.Failure{Reason: "cancelled"}, at(3), tell)
		}),
	"RefuseLogin": toldLogin(
		func(f *fixture) { f.pendingLogin("l1") },
		func(f *fixture, tell storage.Tell) (*storage.Login, error) {
			return f.Store.RefuseLogin(f.Context(), "l1", at(3), tell)
		}),
	"AnswerFromSession": {
		func(f *fixture) { f.signedIn("s1", "g1", "app", "sid") },
		func(f *fixture, events ...storage.AuditEvent) error {
			session, err := f.Store.Session(f.Context(), hash("cookies1"), at(5))
			f.ok(err)
			grant := newGrant("g2", "other", "sid2")
			return f.Store.AnswerFromSession(f.Context(), "s1", session.AuthTime, newCode(grant), grant, nil, at(5), events...)
		},
	},
	"RevokeGrant": {
		func(f *fixture) { f.redeemed("g1", "app", "sid") },
		func(f *fixture, events ...storage.AuditEvent) error {
			return f.Store.RevokeGrant(f.Context(), "g1", at(6), events...)
		},
	},
	"EndSession": toldEnd(func(f *fixture, tell storage.TellEnd) (storage.Ended, error) {
		return f.Store.EndSession(f.Context(), "s1", at(6), tell)
	}),
	"EndSessionID": toldEnd(func(f *fixture, tell storage.TellEnd) (storage.Ended, error) {
		return f.Store.EndSessionID(f.Context(), "sid", at(6), tell)
	}),
	"DropNotice": {
		func(f *fixture) { f.notice("app", 5) },
		func(f *fixture, events ...storage.AuditEvent) error {
			claimed := f.claim(at(10), 1)
			if len(claimed) == 0 {
				claimed = f.claim(at(10000), 1)
			}
			return f.Store.DropNotice(f.Context(), claimed[0].ID, events...)
		},
	},
	"ReplaceSigningKeys": {nil, func(f *fixture, events ...storage.AuditEvent) error {
		return f.Store.ReplaceSigningKeys(f.Context(), newKeys(2), 0, events...)
	}},
}

// eachTold runs the test with every step that takes events, on a store of its own where nothing but its preparation has happened.
func eachTold(test func(f *fixture, step toldStep)) func(*fixture) {
	return func(f *fixture) {
		for stepName, step := range toldSteps {
			f.Run(stepName, func(t *testing.T) {
				sub := &fixture{T: t, Instance: f.another(t, f.sealer), sealer: f.sealer, another: f.another}
				if step.prepare != nil {
					step.prepare(sub)
				}
				test(sub, step)
			})
		}
	}
}

var tellTests = map[string]func(*fixture){
	"a step stores what is told of it": eachTold(func(f *fixture, step toldStep) {
		want := newEvents(2)
		f.ok(step.do(f, want...))
		f.restart()
		f.same(f.events(at(-10), at(10), 100), want)
	}),
	"a step that is refused tells nothing": eachTold(func(f *fixture, step toldStep) {
		events := newEvents(2)
		f.ok(f.Store.AppendAudit(f.Context(), events[1]))
		f.is(step.do(f, events[0], events[1]), storage.ErrExists) // of the two one is there
		f.same(f.events(at(-10), at(10), 100), events[1:])
		f.ok(step.do(f, events[0])) // nothing of the step had been done
	}),
	"a step that comes too late tells nothing": func(f *fixture) {
		tell := func(*storage.Login) []storage.AuditEvent { return newEvents(1) }
		f.pendingLogin("l1")
		_, err := f.Store.FailOrder(f.Context(), "l1", "another", storage.Failure{Reason: "userCancel"}, at(3), tell)
		f.is(err, storage.ErrConflict)
		_, err = f.Store.CompleteLogin(f.Context(), "unknown", "orderl1", newResult(), at(3), tell)
		f.is(err, storage.ErrNotFound)
		f.is(f.Store.UpdateClient(f.Context(), newClient("unknown"), newEvents(1)...), storage.ErrNotFound)
		f.is(f.Store.RemoveClient(f.Context(), "unknown", at(3), newEvents(1)...), storage.ErrNotFound)
		f.is(f.Store.ReplaceSigningKeys(f.Context(), newKeys(1), 7, newEvents(1)...), storage.ErrConflict)
		f.same(len(f.events(at(-10), at(10), 100)), 0)
	},
	"the end of nothing tells nothing": func(f *fixture) {
		tell := func(storage.Ended) []storage.AuditEvent { return newEvents(1) }
		_, err := f.Store.EndSession(f.Context(), "unknown", at(1), tell)
		f.ok(err)
		_, err = f.Store.EndSessionID(f.Context(), "unknown", at(1), tell)
		f.ok(err)
		f.same(len(f.events(at(-10), at(10), 100)), 0)
	},
	"what became of a grant that is gone is told still": func(f *fixture) {
		f.ok(f.Store.RevokeGrant(f.Context(), "unknown", time.Time{}, newEvents(1)...))
		f.same(len(f.events(at(-10), at(10), 100)), 1)
	},
}
