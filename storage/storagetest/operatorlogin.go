package storagetest

import (
	"sync/atomic"
	"time"

	"brygga/secret"
	"brygga/storage"
)

var testPolicy = storage.ThrottlePolicy{Free: 3, First: time.Minute, Longest: 5 * time.Minute, Forget: time.Hour}

// attempt counts an attempt on the account and reports whether it is let through.
func (f *fixture) attempt(seconds int) bool {
	f.Helper()
	return f.step(seconds, storage.CountAttempt{Keys: []storage.Hash{hash("account")}, Policies: []storage.ThrottlePolicy{testPolicy}}).Until.IsZero()
}

// attempts counts n of them.
func (f *fixture) attempts(seconds, n int) {
	f.Helper()
	for range n {
		f.attempt(seconds)
	}
}

func proof(method string) storage.Proof { return storage.Proof{Method: method} }

func byPassword() storage.Proof {
	return storage.Proof{Method: storage.MethodPassword, Password: stored("password")}
}

func byTOTP(step int64) storage.Proof {
	return storage.Proof{Method: storage.MethodTOTP, TOTPStep: step}
}

// secured stores an operator with an authenticator app, whose code of step 10 was shown, recovery codes and a session.
func (f *fixture) secured(id string, roles ...storage.Role) {
	f.Helper()
	f.operator(id, roles...)
	f.logIn(id, 1, 3)
	f.step(4, storage.BeginTOTP{ID: id, Session: cookie(id, 1), Secret: secret.New("canary-totp-secret")})
	f.step(5, storage.ConfirmTOTP{ID: id, Session: cookie(id, 1), Secret: secret.New("canary-totp-secret"), Step: 10, Recovery: []storage.Hash{hash("r1"), hash("r2")}})
}

// raise raises the nth session of the operator, which goes on under the next cookie.
func raise(id string, n int, p storage.Proof) storage.RaiseSession {
	return storage.RaiseSession{ID: id, Session: cookie(id, n), Next: cookie(id, n+1), Proof: p}
}

var operatorLoginTests = map[string]func(*fixture){
	"a password that fits begins a session": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		session := f.logIn("a", 1, 3)
		f.same(session.Pending, false)
		f.same(session.SteppedBy, storage.MethodPassword)
		f.restart()
		o := f.operatorAt("a")
		f.same(o.Session(cookie("a", 1), at(4)), session)
		f.same(o.Session(cookie("a", 2), at(4)), (*storage.OperatorSession)(nil))
		f.same(o.LastLogin, storage.LoginTrace{At: at(3), Address: "192.0.2.9", Agent: "agent", Method: storage.MethodPassword})
		for _, p := range []storage.Proof{{}, proof(storage.MethodTOTP), proof(storage.MethodRecovery)} {
			f.refused(4, storage.LogIn{ID: "a", Proof: p, Session: newOperatorSession("a", 2)}, storage.ErrNotFound)
		}
		for _, p := range []storage.Proof{proof(storage.MethodPassword), {Method: storage.MethodPassword, Password: stored("other")}, proof(storage.MethodPasskey), proof(storage.MethodBankID)} {
			f.refused(4, storage.LogIn{ID: "a", Proof: p, Session: newOperatorSession("a", 2)}, storage.ErrMismatch)
		}
	},
	"a session ends when it is idle, and after its time": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		f.logIn("a", 1, 3)
		f.refused(3+1800, storage.UseSession{ID: "a", Session: cookie("a", 1)}, storage.ErrNotFound)
		for used := 1000; used < 39000; used += 1500 {
			f.step(used, storage.UseSession{ID: "a", Session: cookie("a", 1)})
		}
		f.step(39999, storage.UseSession{ID: "a", Session: cookie("a", 1)})
		f.refused(40000, storage.UseSession{ID: "a", Session: cookie("a", 1)}, storage.ErrNotFound)
	},
	"with a second factor the password makes half a session, under another cookie than the whole": func(f *fixture) {
		f.secured("a", storage.RoleOwner)
		session := f.logIn("a", 2, 6)
		f.same(session.Pending, true)
		f.same(f.operatorAt("a").LastLogin.At, at(3))
		by := storage.RemoveOperator{ID: "a", By: actor("a", 2)}
		f.refused(7, by, storage.ErrForbidden)
		f.refused(7, storage.SetRecovery{ID: "a", Session: cookie("a", 2), Codes: nil}, storage.ErrNotFound)
		f.refused(7, raise("a", 2, byTOTP(10)), storage.ErrMismatch) // shown before
		f.refused(6+600, raise("a", 2, byTOTP(11)), storage.ErrNotFound)
		session = f.step(8, raise("a", 2, byTOTP(11))).Session
		f.same(session.Pending, false)
		f.same(session.Methods, []string{storage.MethodPassword, storage.MethodTOTP})
		f.refused(9, storage.UseSession{ID: "a", Session: cookie("a", 2)}, storage.ErrNotFound)
		f.step(9, storage.UseSession{ID: "a", Session: cookie("a", 3)})
		f.same(f.operatorAt("a").LastLogin.Method, storage.MethodTOTP)
		f.same(f.operatorAt("a").LoginBefore.At, at(3)) // of which the operator is told
	},
	"a code is taken once, by one": func(f *fixture) {
		f.secured("a", storage.RoleOwner)
		for n := 2; n < 10; n++ {
			f.logIn("a", 10*n, 6)
		}
		f.same(f.race(8, func(i int) error {
			_, err := f.Store.StepOperator(f.Context(), raise("a", 10*(i+2), byTOTP(11)), at(7))
			return err
		}, storage.ErrMismatch), 1)
		f.same(f.race(8, func(i int) error {
			_, err := f.Store.StepOperator(f.Context(), raise("a", 10*(i+2), storage.Proof{Method: storage.MethodRecovery, Recovery: hash("r1")}), at(7))
			return err
		}, storage.ErrMismatch, storage.ErrNotFound), 1)
	},
	"a passkey whose counter does not rise is refused": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		f.logIn("a", 1, 3)
		for _, id := range []string{"counts", "counts not"} {
			f.step(4, storage.AddPasskey{ID: "a", Session: cookie("a", 1), Passkey: storage.Passkey{ID: []byte(id), PublicKey: []byte("key"), Label: "phone"}, Recovery: []storage.Hash{hash("r")}})
		}
		f.refused(4, storage.AddPasskey{ID: "a", Session: cookie("a", 1), Passkey: storage.Passkey{ID: []byte("counts")}}, storage.ErrExists)
		by := func(id string, counter uint32, n int) storage.LogIn {
			return storage.LogIn{ID: "a", Proof: storage.Proof{Method: storage.MethodPasskey, Passkey: []byte(id), Counter: counter}, Session: newOperatorSession("a", n)}
		}
		f.same(f.step(5, by("counts", 7, 2)).Session.Pending, false)
		f.refused(6, by("counts", 7, 3), storage.ErrMismatch)
		f.refused(6, by("counts", 0, 3), storage.ErrMismatch)
		f.refused(6, by("unknown", 8, 3), storage.ErrMismatch)
		f.step(6, by("counts", 8, 3))
		f.step(7, by("counts not", 0, 4))
		f.step(7, by("counts not", 0, 5))
		f.same(f.logIn("a", 6, 8).Pending, true) // a passkey is a second factor
	},
	"the last way to log in stays": func(f *fixture) {
		f.operator("owner", storage.RoleOwner)
		o := newOperator("a", storage.RoleAdmin)
		o.Passkeys = []storage.Passkey{{ID: []byte("only")}}
		f.step(1, storage.CreateOperator{Operator: o, Link: newLink(storage.LinkInvite, "a", 500)})
		f.step(2, storage.ChangeOperator{ID: "a", Disabled: yes()})
		f.step(2, storage.ChangeOperator{ID: "a", Disabled: no()}) // active, with a passkey and no password
		f.step(3, storage.LogIn{ID: "a", Proof: storage.Proof{Method: storage.MethodPasskey, Passkey: []byte("only")}, Session: newOperatorSession("a", 1)})
		f.refused(4, storage.RemovePasskey{ID: "a", Session: cookie("a", 1), Passkey: []byte("only")}, storage.ErrLastWayIn)
		f.refused(4, storage.RemovePasskey{ID: "a", Session: cookie("a", 1), Passkey: []byte("other")}, storage.ErrNotFound)
		f.step(4, storage.AddPasskey{ID: "a", Session: cookie("a", 1), Passkey: storage.Passkey{ID: []byte("second")}})
		f.step(5, storage.RemovePasskey{ID: "a", Session: cookie("a", 1), Passkey: []byte("only")})
		f.refused(6, storage.LogIn{ID: "a", Proof: storage.Proof{Method: storage.MethodPasskey, Passkey: []byte("only")}, Session: newOperatorSession("a", 2)}, storage.ErrMismatch)
	},
	"a BankID login resets, confirms and enrols nothing": func(f *fixture) {
		f.secured("a", storage.RoleOwner)
		person := storage.Hash(hash("person"))
		f.step(6, storage.ChangeOperator{ID: "a", Person: &person})
		f.step(6, storage.GiveLink{ID: "a", Link: newLink(storage.LinkConfirm, "c", 500)})
		byBankID := storage.Proof{Method: storage.MethodBankID, Person: person}
		f.refused(7, storage.LogIn{ID: "a", Proof: storage.Proof{Method: storage.MethodBankID, Person: hash("other")}, Session: newOperatorSession("a", 2)}, storage.ErrMismatch)
		session := f.step(7, storage.LogIn{ID: "a", Proof: byBankID, Session: newOperatorSession("a", 2)}).Session
		f.same(session.Pending, false)
		none := func(n int) {
			f.Helper()
			before := f.operatorAt("a")
			for _, step := range []storage.OperatorStep{
				storage.ChangePassword{ID: "a", Session: cookie("a", n), Before: stored("password"), After: stored("other")},
				storage.AskEmailChange{ID: "a", Session: cookie("a", n), Link: newLink(storage.LinkEmailChange, "e", 500)},
				storage.BeginTOTP{ID: "a", Session: cookie("a", n), Secret: secret.New("another")},
				storage.ConfirmTOTP{ID: "a", Session: cookie("a", n), Secret: secret.New("canary-totp-secret"), Step: 20},
				storage.RemoveTOTP{ID: "a", Session: cookie("a", n)},
				storage.SetRecovery{ID: "a", Session: cookie("a", n)},
				storage.AddPasskey{ID: "a", Session: cookie("a", n), Passkey: storage.Passkey{ID: []byte("p")}},
				storage.RemovePasskey{ID: "a", Session: cookie("a", n), Passkey: []byte("p")},
			} {
				f.refused(8, step, storage.ErrStepUp)
			}
			f.same(f.operatorAt("a"), before)
		}
		none(2)
		f.step(8, raise("a", 2, byTOTP(11))) // a second factor makes no first one of BankID
		none(3)
		f.step(8, raise("a", 3, byPassword()))
		none(4) // the password alone is none where there is a second factor
		f.step(8, raise("a", 4, byTOTP(12)))
		f.step(9, storage.SetRecovery{ID: "a", Session: cookie("a", 5), Codes: []storage.Hash{hash("new")}})
		f.step(9, raise("a", 5, byBankID)) // and BankID takes it away again
		none(6)
		f.step(10, storage.ChangeOperator{ID: "a", Profile: &storage.Profile{Language: "en"}, By: actor("a", 6)}) // which is no credential
	},
	"taking the personal number away ends the sessions by BankID": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		person := storage.Hash(hash("person"))
		f.step(3, storage.ChangeOperator{ID: "a", Person: &person})
		f.logIn("a", 1, 4)
		f.step(4, storage.LogIn{ID: "a", Proof: storage.Proof{Method: storage.MethodBankID, Person: person}, Session: newOperatorSession("a", 2)})
		f.same(f.step(5, storage.ChangeOperator{ID: "a", Person: new(storage.Hash)}).Ended, 1)
		f.step(6, storage.UseSession{ID: "a", Session: cookie("a", 1)})
	},
	"an operator chooses its language, in a session of its own that waits for nothing": func(f *fixture) {
		f.secured("a", storage.RoleAuditor)
		f.step(6, storage.ChooseLanguage{ID: "a", Session: cookie("a", 1), Language: "en"})
		f.same(f.operatorAt("a").Language, "en")
		f.refused(7, storage.ChooseLanguage{ID: "a", Session: cookie("a", 3), Language: "sv"}, storage.ErrNotFound)
		f.refused(7, storage.ChooseLanguage{ID: "b", Session: cookie("a", 1), Language: "sv"}, storage.ErrNotFound)
		f.step(7, storage.LogIn{ID: "a", Proof: byPassword(), Session: newOperatorSession("a", 2)})
		f.refused(8, storage.ChooseLanguage{ID: "a", Session: cookie("a", 2), Language: "sv"}, storage.ErrNotFound)
		f.same(f.operatorAt("a").Language, "en")
	},
	"a changed password ends the other sessions, and this one goes on under another cookie": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		f.logIn("a", 1, 3)
		f.logIn("a", 2, 3)
		f.step(3, storage.GiveLink{ID: "a", Link: newLink(storage.LinkReset, "reset", 500)})
		change := storage.ChangePassword{ID: "a", Session: cookie("a", 2), Next: cookie("a", 3), Before: stored("password"), After: stored("other")}
		f.refused(3+600, change, storage.ErrStepUp)
		wrong := change
		wrong.Before = stored("wrong")
		f.refused(4, wrong, storage.ErrConflict)
		outcome := f.step(5, change)
		f.same(outcome.Ended, 1)
		f.same(outcome.Session.Hash, cookie("a", 3))
		f.refused(6, change, storage.ErrNotFound)
		f.refused(6, storage.ResetPassword{ID: "a", Link: hash("link reset"), PasswordHash: stored("third")}, storage.ErrNotFound)
		f.refused(6, storage.Rehash{ID: "a", Before: stored("password"), After: stored("password, harder")}, storage.ErrConflict)
		f.step(6, storage.Rehash{ID: "a", Before: stored("other"), After: stored("other, harder")})
	},
	"sessions are ended one by one, or all but one": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		for n := 1; n <= 4; n++ {
			f.logIn("a", n, 3)
		}
		f.same(f.step(4, storage.EndSessions{ID: "a", Session: "a2"}).Ended, 1)
		f.same(f.step(4, storage.EndSessions{ID: "a", Session: "a2"}).Ended, 0)
		f.same(f.step(5, storage.EndSessions{ID: "a", Session: "a3", Others: true}).Ended, 2)
		f.step(6, storage.UseSession{ID: "a", Session: cookie("a", 3)})
		f.same(f.step(7, storage.EndSessions{ID: "a", Others: true}).Ended, 1)
	},
	"one login too many ends the session that was used longest ago": func(f *fixture) {
		f.operator("a", storage.RoleOwner)
		for n := range storage.MaxOperatorSessions {
			f.logIn("a", n, 10+n)
		}
		f.step(50, storage.UseSession{ID: "a", Session: cookie("a", 0)})
		f.logIn("a", 100, 60)
		f.step(61, storage.UseSession{ID: "a", Session: cookie("a", 0)})
		f.refused(61, storage.UseSession{ID: "a", Session: cookie("a", 1)}, storage.ErrNotFound)
		f.same(len(f.operatorAt("a").Sessions), storage.MaxOperatorSessions)
	},
	"attempts wait longer and longer, and never longer than that": func(f *fixture) {
		f.attempts(0, 2)
		tripped := f.step(0, storage.CountAttempt{Keys: []storage.Hash{hash("account")}, Policies: []storage.ThrottlePolicy{testPolicy}})
		f.same(tripped.Tripped, []storage.Hash{hash("account")})
		f.same(f.attempt(59), false)
		f.restart()
		f.same(f.attempt(60), true)
		f.same(f.attempt(60+119), false) // what waits is not counted
		f.same(f.attempt(60+120), true)
		f.same(f.attempt(180+239), false)
		f.same(f.attempt(180+240), true)
		for _, seconds := range []int{420, 720, 1020} { // five minutes is the longest
			f.same(f.attempt(seconds+299), false)
			f.same(f.attempt(seconds+300), true)
		}
		f.same(f.sweep(at(1319+3600), 10), 0)
		f.same(f.attempt(1320+3600), true) // forgotten
		f.attempts(1320+3600, 1)
		f.same(f.attempt(1320+3600), true)
		f.step(1321+3600, storage.ClearThrottle{Key: hash("account")})
		f.same(f.attempt(1321+3600), true)
		f.same(f.sweep(at(1321+7200), 10), 1)
	},
	"of concurrent attempts no more get through than may fail": func(f *fixture) {
		var through atomic.Int64
		f.race(20, func(i int) error {
			outcome, err := f.Store.StepOperator(f.Context(), storage.CountAttempt{
				Keys: []storage.Hash{hash("account"), hash(name("address", i))}, Policies: []storage.ThrottlePolicy{testPolicy, testPolicy},
			}, at(1))
			if err == nil && outcome.Until.IsZero() {
				through.Add(1)
			}
			return err
		})
		f.same(through.Load(), int64(3))
	},
	"a login is no failure, and half of one clears none": func(f *fixture) {
		f.secured("a", storage.RoleOwner)
		for range 10 { // who knows the password alone does not get to try codes for ever
			if !f.attempt(6) {
				break
			}
			f.step(6, storage.LogIn{ID: "a", Proof: byPassword(), Session: newOperatorSession("a", 2), Account: hash("account")})
			if !f.attempt(6) {
				break
			}
			f.refused(6, raise("a", 2, byTOTP(10)), storage.ErrMismatch)
			f.step(6, storage.EndSessions{ID: "a", Session: "a2"})
		}
		f.same(f.attempt(6), false)
		f.same(f.attempt(66), true)
		f.step(66, storage.LogIn{ID: "a", Proof: byPassword(), Session: newOperatorSession("a", 4), Account: hash("account")})
		f.step(66, storage.RaiseSession{ID: "a", Session: cookie("a", 4), Next: cookie("a", 5), Proof: byTOTP(12), Account: hash("account")})
		for range 3 {
			f.same(f.attempt(67), true)
		}
		f.same(f.attempt(67), false)
	},
	"mail is kept until it is handed over, put off by each attempt, and claimed by one": func(f *fixture) {
		f.step(1, storage.ClearThrottle{}, tellMail("one", newMail("b", 20), newMail("a", 10)))
		n, err := f.Store.PendingMail(f.Context())
		f.ok(err)
		f.same(n, 2)
		f.same(f.mailIDs(at(9), 10), []string(nil))
		f.same(f.mailIDs(at(20), 0), []string(nil))
		f.restart()
		claimed, err := f.Store.ClaimMail(f.Context(), at(20), 1, hours)
		f.ok(err)
		want := newMail("a", 10)
		want.Attempts, want.Due = 1, at(20+3600)
		f.same(claimed, []storage.Mail{want})
		var won atomic.Int64
		f.race(8, func(int) error {
			claimed, err := f.Store.ClaimMail(f.Context(), at(21), 10, hours)
			won.Add(int64(len(claimed)))
			return err
		})
		f.same(won.Load(), int64(1))
		f.ok(f.Store.DropMail(f.Context(), "b", newEvent("sent", 4)))
		f.ok(f.Store.DropMail(f.Context(), "b"))
		f.same(f.mailIDs(at(20+3599), 10), []string(nil))
		f.same(f.mailIDs(at(20+3600), 10), []string{"a"})
		f.same(f.mailIDs(at(10+3*86400), 10), []string(nil))
		f.same(f.sweep(at(10+3*86400), 10), 3) // with both events
	},
}
