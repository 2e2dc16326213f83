package storagetest

import (
	"errors"
	"fmt"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// newOperator returns an operator that was not invited yet, with every field set that a step does not.
func newOperator(id string, roles ...storage.Role) storage.Operator {
	return storage.Operator{
		ID: id, UserName: secret.New(canaryGivenName + id), Email: secret.New(canarySurname + id + "@example.se"), Name: secret.New(canaryName), Language: "sv",
		NameHandle: hash("name " + id), EmailHandle: hash("email " + id), Roles: roles, Groups: []string{"schools"},
	}
}

func newLink(purpose storage.Purpose, text string, seconds int) storage.OperatorLink {
	return storage.OperatorLink{Hash: hash("link " + text), Purpose: purpose, Expires: at(seconds)}
}

// stored returns the hash that stands for a password.
func stored(password string) secret.String { return secret.New("canary-password-hash " + password) }

func (f *fixture) step(seconds int, step storage.OperatorStep, tell ...storage.TellOperator) *storage.OperatorOutcome {
	f.Helper()
	outcome, err := f.Store.StepOperator(f.Context(), step, at(seconds), tell...)
	f.ok(err)
	return outcome
}

func (f *fixture) refused(seconds int, step storage.OperatorStep, want error) {
	f.Helper()
	_, err := f.Store.StepOperator(f.Context(), step, at(seconds), func(*storage.OperatorOutcome) storage.OperatorNews {
		f.Error("a step that was refused was told")
		return storage.OperatorNews{}
	})
	f.is(err, want)
}

// operator stores an active operator whose password is "password".
func (f *fixture) operator(id string, roles ...storage.Role) {
	f.Helper()
	f.step(1, storage.CreateOperator{Operator: newOperator(id, roles...), Link: newLink(storage.LinkInvite, id, 500)})
	f.step(2, storage.AcceptInvite{ID: id, Link: hash("link " + id), PasswordHash: stored("password")})
}

func (f *fixture) operatorAt(id string) *storage.Operator {
	f.Helper()
	o, err := f.Store.Operator(f.Context(), id)
	f.ok(err)
	return o
}

// cookie is the hash of the operator's nth cookie.
func cookie(id string, n int) storage.Hash { return hash(fmt.Sprint("cookie ", id, n)) }

func newOperatorSession(id string, n int) storage.OperatorSession {
	return storage.OperatorSession{
		ID: fmt.Sprint(id, n), Hash: cookie(id, n), Address: "192.0.2.9", Agent: "agent", IdleLife: 1800 * time.Second, Expires: at(40000),
	}
}

// logIn logs the operator in by password.
func (f *fixture) logIn(id string, n, seconds int) *storage.OperatorSession {
	f.Helper()
	return f.step(seconds, storage.LogIn{ID: id, Proof: storage.Proof{Method: storage.MethodPassword, Password: stored("password")}, Session: newOperatorSession(id, n)}).Session
}

// actor is the operator in its nth session.
func actor(id string, n int) storage.OperatorActor {
	return storage.OperatorActor{ID: id, Session: cookie(id, n)}
}

func newMail(id string, seconds int) storage.Mail {
	return storage.Mail{
		ID: id, Kind: "invite", Language: "sv", To: secret.New(canarySurname + "@example.se"), Values: map[string]secret.String{"link": secret.New("canary-link-" + id)},
		Created: at(seconds), Due: at(seconds), Expires: at(seconds + 3*86400),
	}
}

// tellMail tells one event, and of the mail.
func tellMail(event string, mails ...storage.Mail) storage.TellOperator {
	return func(*storage.OperatorOutcome) storage.OperatorNews {
		return storage.OperatorNews{Events: []storage.AuditEvent{newEvent(event, 3)}, Mail: mails}
	}
}

func no() *bool  { return new(bool) }
func yes() *bool { v := true; return &v }

var operatorTests = map[string]func(*fixture){
	"a program changes operators, and touches no owner": func(f *fixture) {
		program, disabled := storage.OperatorActor{Program: true}, true
		f.operator("owner", storage.RoleOwner)
		f.operator("other", storage.RoleOwner, storage.RoleAdmin)
		f.operator("helper", storage.RoleHelpdesk)
		f.logIn("owner", 1, 3)
		f.logIn("helper", 1, 3)
		owner := &storage.Rights{Roles: []storage.Role{storage.RoleAdmin, storage.RoleOwner}}
		admin := &storage.Rights{Roles: []storage.Role{storage.RoleAdmin}, AllClients: true}
		for _, step := range []storage.OperatorStep{
			storage.CreateOperator{Operator: newOperator("new", storage.RoleAdmin, storage.RoleOwner), Link: newLink(storage.LinkInvite, "new", 500), By: program},
			storage.GiveLink{ID: "owner", Link: newLink(storage.LinkReset, "reset", 500), By: program},
			storage.ChangeOperator{ID: "owner", Disabled: &disabled, By: program},
			storage.ChangeOperator{ID: "other", Rights: admin, By: program},
			storage.ChangeOperator{ID: "helper", Rights: owner, By: program},
			storage.EndSessions{ID: "owner", Others: true, By: program},
			storage.RemoveOperator{ID: "other", By: program},
		} {
			f.refused(4, step, storage.ErrOwner)
		}
		f.same(len(f.operatorAt("owner").Sessions), 1)
		f.step(5, storage.CreateOperator{Operator: newOperator("new", storage.RoleAdmin), Link: newLink(storage.LinkInvite, "new", 500), By: program})
		f.same(f.step(5, storage.EndSessions{ID: "helper", Others: true, By: program}).Ended, 1)
		f.same(f.step(6, storage.ChangeOperator{ID: "helper", Rights: admin, By: program}).Operator.Roles, admin.Roles)
		f.step(7, storage.RemoveOperator{ID: "helper", By: program})
	},
	"sessions of others end, and attempts are forgotten, by an owner alone": func(f *fixture) {
		f.operator("owner", storage.RoleOwner)
		f.operator("helper", storage.RoleHelpdesk)
		f.logIn("owner", 1, 3)
		f.logIn("helper", 1, 3)
		f.refused(4, storage.EndSessions{ID: "owner", Others: true, By: actor("helper", 1)}, storage.ErrForbidden)
		f.refused(4, storage.ClearThrottle{Key: hash("account"), By: actor("helper", 1)}, storage.ErrForbidden)
		f.attempts(5, 4)
		f.same(f.attempt(6), false)
		f.step(6, storage.ClearThrottle{Key: hash("account"), By: actor("owner", 1)})
		f.same(f.attempt(6), true)
		f.same(f.step(7, storage.EndSessions{ID: "helper", Others: true, By: actor("owner", 1)}).Ended, 1)
	},
	"an operator is found by ID and by each handle": func(f *fixture) {
		_, err := f.Store.Operator(f.Context(), "a")
		f.is(err, storage.ErrNotFound)
		_, err = f.Store.Operator(f.Context(), "")
		f.is(err, storage.ErrNotFound)
		outcome := f.step(1, storage.CreateOperator{Operator: newOperator("a", storage.RoleOwner), Link: newLink(storage.LinkBootstrap, "a", 500)})
		for range 2 {
			f.same(f.operatorAt("a"), outcome.Operator)
			for _, handle := range []storage.Hash{hash("name a"), hash("email a")} {
				o, err := f.Store.OperatorOf(f.Context(), handle)
				f.ok(err)
				f.same(o, outcome.Operator)
			}
			_, err = f.Store.OperatorOf(f.Context(), hash("name b"))
			f.is(err, storage.ErrNotFound)
			f.restart()
		}
		f.same(outcome.Operator.State, storage.OperatorInvited)
	},
	"every field is stored": func(f *fixture) {
		var o storage.Operator
		Fill(&o)
		o.Roles = []storage.Role{storage.RoleAuditor}
		outcome := f.step(1, storage.CreateOperator{Operator: o, Link: o.Links[0]})
		want := o
		want.State, want.Revision, want.Created, want.Links = storage.OperatorInvited, 1, at(1), o.Links[:1]
		f.same(outcome.Operator, &want)
		f.same(f.operatorAt(o.ID), &want)
		f.restart()
		f.same(f.operatorAt(o.ID), &want)
	},
	"operators come in pages": func(f *fixture) {
		for _, id := range []string{"c", "a", "b"} {
			f.operator(id, storage.RoleAdmin)
		}
		ids := func(after string, limit int) (found []string) {
			page, err := f.Store.Operators(f.Context(), after, limit)
			f.ok(err)
			for _, o := range page {
				found = append(found, o.ID)
			}
			return found
		}
		f.same(ids("", 2), []string{"a", "b"})
		f.same(ids("b", 2), []string{"c"})
		f.same(ids("c", 2), []string(nil))
		f.same(ids("", 0), []string(nil))
	},
	"no two operators share a handle, whichever it is of either": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		b := newOperator("b", storage.RoleOwner)
		for _, taken := range []storage.Operator{
			{ID: "a", NameHandle: hash("x"), Roles: b.Roles},
			{ID: "b", NameHandle: hash("name a"), Roles: b.Roles},
			{ID: "b", NameHandle: hash("email a"), Roles: b.Roles}, // a user name that is another's e-mail address
			{ID: "b", NameHandle: hash("name b"), EmailHandle: hash("name a"), Roles: b.Roles},
		} {
			f.refused(3, storage.CreateOperator{Operator: taken, Link: newLink(storage.LinkInvite, "b", 500)}, storage.ErrExists)
		}
		f.operator("b", storage.RoleOwner)
		person := storage.Hash(hash("person"))
		f.step(4, storage.ChangeOperator{ID: "a", Person: &person})
		f.refused(4, storage.ChangeOperator{ID: "b", Person: &person}, storage.ErrExists)
		f.step(5, storage.ChangeOperator{ID: "a", Person: new(storage.Hash)})
		f.step(6, storage.ChangeOperator{ID: "b", Person: &person})
		f.step(7, storage.RemoveOperator{ID: "b"})
		f.operator("b", storage.RoleOwner) // all of its handles are free again
	},
	"an operator has a role": func(f *fixture) {
		f.refused(1, storage.CreateOperator{Operator: newOperator("a"), Link: newLink(storage.LinkInvite, "a", 500)}, storage.ErrRole)
		f.refused(1, storage.CreateOperator{Operator: newOperator("a", "root"), Link: newLink(storage.LinkInvite, "a", 500)}, storage.ErrRole)
		f.operator("a", storage.RoleOwner)
		f.refused(1, storage.ChangeOperator{ID: "a", Rights: &storage.Rights{}}, storage.ErrRole)
	},
	"what is told of a step is stored with it, or not at all": func(f *fixture) {
		f.step(1, storage.CreateOperator{Operator: newOperator("a", storage.RoleOwner), Link: newLink(storage.LinkInvite, "a", 500)}, tellMail("one", newMail("m", 3)))
		_, err := f.Store.StepOperator(f.Context(), storage.RemoveOperator{ID: "a"}, at(3), tellMail("one", newMail("n", 3)))
		f.is(err, storage.ErrExists)
		f.operatorAt("a")
		events, err := f.Store.AuditEvents(f.Context(), at(0), at(10), 10)
		f.ok(err)
		f.same(len(events), 1)
		f.same(f.mailIDs(at(3), 10), []string{"m"})
	},
	"the actor must be an owner, stepped up": func(f *fixture) {
		f.operator("owner", storage.RoleOwner)
		f.operator("admin", storage.RoleAdmin)
		f.logIn("owner", 1, 3)
		f.logIn("admin", 1, 3)
		create := func(by storage.OperatorActor) storage.OperatorStep {
			return storage.CreateOperator{Operator: newOperator("new", storage.RoleOwner), Link: newLink(storage.LinkInvite, "new", 5000), By: by}
		}
		for _, by := range []storage.OperatorActor{actor("admin", 1), actor("owner", 2), {ID: "nobody"}, {ID: "owner"}, {ID: "owner", Session: cookie("admin", 1)}} {
			f.refused(4, create(by), storage.ErrForbidden)
			f.refused(4, storage.GiveLink{ID: "admin", Link: newLink(storage.LinkReset, "r", 500), By: by}, storage.ErrForbidden)
			f.refused(4, storage.ChangeOperator{ID: "admin", Disabled: yes(), By: by}, storage.ErrForbidden)
			f.refused(4, storage.RemoveOperator{ID: "admin", By: by}, storage.ErrForbidden)
		}
		f.refused(3+600, create(actor("owner", 1)), storage.ErrStepUp)
		f.refused(3+600, storage.RemoveOperator{ID: "admin", By: actor("owner", 1)}, storage.ErrStepUp)
		f.step(3+599, create(actor("owner", 1)))
		f.step(3+599, storage.RemoveOperator{ID: "admin", By: actor("owner", 1)})
	},
	"a change of what somebody else has changed is found": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		seen := f.operatorAt("a").Revision
		f.step(3, storage.ChangeOperator{ID: "a", Revision: seen, Profile: &storage.Profile{Name: secret.New("New"), Language: "en"}})
		f.refused(4, storage.ChangeOperator{ID: "a", Revision: seen, Profile: &storage.Profile{}}, storage.ErrConflict)
		f.same(f.operatorAt("a").Language, "en")
		f.refused(4, storage.ChangeOperator{ID: "b", Profile: &storage.Profile{}}, storage.ErrNotFound)
	},
	"the last owner cannot go, nor lose what it logs in by": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		f.operator("admin", storage.RoleAdmin)
		f.step(3, storage.CreateOperator{Operator: newOperator("invited", storage.RoleOwner), Link: newLink(storage.LinkInvite, "invited", 5000)}) // cannot log in yet
		for name, step := range map[string]storage.OperatorStep{
			"remove":  storage.RemoveOperator{ID: "a"},
			"disable": storage.ChangeOperator{ID: "a", Disabled: yes()},
			"demote":  storage.ChangeOperator{ID: "a", Rights: &storage.Rights{Roles: []storage.Role{storage.RoleAdmin}}},
		} {
			if _, err := f.Store.StepOperator(f.Context(), step, at(4)); !errors.Is(err, storage.ErrLastOwner) {
				f.Errorf("%s: got %v", name, err)
			}
		}
		f.operator("b", storage.RoleOwner)
		f.step(5, storage.ChangeOperator{ID: "b", Disabled: yes()})
		f.refused(6, storage.RemoveOperator{ID: "a"}, storage.ErrLastOwner)
		f.step(7, storage.ChangeOperator{ID: "b", Disabled: no()})
		f.step(8, storage.RemoveOperator{ID: "a"})
		f.refused(9, storage.RemoveOperator{ID: "b"}, storage.ErrLastOwner)
		f.step(9, storage.RemoveOperator{ID: "admin"})
	},
	"of two owners who remove each other one remains": func(f *fixture) {
		owners := []string{"a", "b"}
		for _, id := range owners {
			f.operator(id, storage.RoleOwner)
			f.logIn(id, 1, 3)
		}
		f.same(f.race(2, func(i int) error {
			_, err := f.Store.StepOperator(f.Context(), storage.RemoveOperator{ID: owners[i], By: actor(owners[1-i], 1)}, at(4))
			return err
		}, storage.ErrForbidden, storage.ErrLastOwner), 1)
		left, err := f.Store.Operators(f.Context(), "", 10)
		f.ok(err)
		f.same(len(left), 1)
	},
	"of many owners who disable, demote and remove each other on the server one remains": func(f *fixture) {
		const n = 8
		for i := range n {
			f.operator(name("o", i), storage.RoleOwner)
		}
		won := f.race(n, func(i int) error {
			steps := []storage.OperatorStep{
				storage.RemoveOperator{ID: name("o", i)}, storage.ChangeOperator{ID: name("o", i), Disabled: yes()},
				storage.ChangeOperator{ID: name("o", i), Rights: &storage.Rights{Roles: []storage.Role{storage.RoleAuditor}}},
			}
			_, err := f.Store.StepOperator(f.Context(), steps[i%len(steps)], at(4))
			return err
		}, storage.ErrLastOwner)
		f.same(won, n-1)
	},
	"one name is given to one of many": func(f *fixture) {
		won := f.race(8, func(i int) error {
			o := newOperator(name("o", i), storage.RoleAdmin)
			o.NameHandle = hash("the name")
			_, err := f.Store.StepOperator(f.Context(), storage.CreateOperator{Operator: o, Link: newLink(storage.LinkInvite, o.ID, 500)}, at(1))
			return err
		}, storage.ErrExists)
		f.same(won, 1)
	},
	"who is disabled or loses a role is logged out, and whose links end": func(f *fixture) {
		f.operator("owner", storage.RoleOwner)
		f.operator("a", storage.RoleAdmin, storage.RoleAuditor)
		f.logIn("a", 1, 3)
		f.step(4, storage.ChangeOperator{ID: "a", Rights: &storage.Rights{Roles: []storage.Role{storage.RoleAdmin, storage.RoleAuditor, storage.RoleHelpdesk}, AllClients: true}})
		f.same(len(f.operatorAt("a").Sessions), 1)
		f.same(f.step(5, storage.ChangeOperator{ID: "a", Rights: &storage.Rights{Roles: []storage.Role{storage.RoleAdmin}}}).Ended, 1)
		f.refused(6, storage.UseSession{ID: "a", Session: cookie("a", 1)}, storage.ErrNotFound)
		f.logIn("a", 2, 7)
		f.step(8, storage.GiveLink{ID: "a", Link: newLink(storage.LinkReset, "reset", 5000)})
		f.same(f.step(9, storage.ChangeOperator{ID: "a", Disabled: yes()}).Ended, 1)
		f.refused(10, storage.ResetPassword{ID: "a", Link: hash("link reset"), PasswordHash: stored("other")}, storage.ErrNotFound)
		f.refused(10, storage.GiveLink{ID: "a", Link: newLink(storage.LinkReset, "again", 5000)}, storage.ErrConflict)
		f.refused(10, storage.LogIn{ID: "a", Proof: storage.Proof{Method: storage.MethodPassword, Password: stored("password")}, Session: newOperatorSession("a", 3)}, storage.ErrNotFound)
		f.step(11, storage.ChangeOperator{ID: "a", Disabled: no()})
		f.logIn("a", 4, 12)
	},
}

// mailIDs claims mail and returns its IDs.
func (f *fixture) mailIDs(now time.Time, limit int) (ids []string) {
	f.Helper()
	claimed, err := f.Store.ClaimMail(f.Context(), now, limit, hours)
	f.ok(err)
	for _, m := range claimed {
		ids = append(ids, m.ID)
	}
	return ids
}
