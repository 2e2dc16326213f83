package storagetest

import (
	"maps"
	"time"

	"brygga/storage"
)

// noSession demands that the cookie leads to no session at the time.
func (f *fixture) noSession(cookie string, now time.Time) {
	f.Helper()
	session, err := f.Store.Session(f.Context(), hash(cookie), now)
	f.is(err, storage.ErrNotFound)
	f.same(session == nil, true)
}

// sessionIs demands that the session's cookie leads to what is wanted.
func (f *fixture) sessionIs(want storage.Session, now time.Time) {
	f.Helper()
	got, err := f.Store.Session(f.Context(), want.CookieHash, now)
	f.ok(err)
	f.same(*got, want)
}

// use is AnswerFromSession with the code of the grant.
func (f *fixture) use(session storage.Session, grant storage.Grant, now time.Time, released ...string) error {
	return f.Store.AnswerFromSession(f.Context(), session.ID, session.AuthTime, newCode(grant), grant, released, now)
}

var sessionTests = map[string]func(*fixture){
	"a login's session keeps every field": func(f *fixture) {
		session, grant := f.signedIn("s1", "g1", "app", "sid")
		f.signedIn("s2", "g2", "app", "sid2")
		for range 2 {
			f.sessionIs(session, at(5))
			f.restart()
		}
		got, err := f.Store.RedeemCode(f.Context(), newRedemption(grant, 5))
		f.ok(err)
		f.same(got.Session, "s1")
		f.same(*got, grant)
	},
	"only its cookie leads to it": func(f *fixture) {
		f.signedIn("s1", "g1", "app", "sid")
		for _, cookie := range []string{"", "s1", "cookie", "cookies2"} {
			f.noSession(cookie, at(5))
		}
		_, err := f.Store.Session(f.Context(), [32]byte{}, at(5))
		f.is(err, storage.ErrNotFound)
	},
	"a grant belongs to the answer's session or to none": func(f *fixture) {
		f.signedIn("s1", "g1", "app", "sid")
		f.completeLogin("login")
		grant := newGrant("g2", "app", "sid2")
		grant.Session = "s1"
		f.must(f.Store.AnswerLogin(f.Context(), "login", newAnswer(grant), at(4)))
		got, err := f.Store.RedeemCode(f.Context(), newRedemption(grant, 5))
		f.ok(err)
		f.same(got.Session, "")
		ended, err := f.Store.EndSession(f.Context(), "s1", at(6))
		f.ok(err)
		f.same(ended.Grants, 1)
		f.same(f.live(grant, 7), true)
	},
	"an idle session ends exactly, and each use puts that off": func(f *fixture) {
		session, _ := f.signedIn("s1", "g1", "app", "sid")
		f.sessionIs(session, justBefore(at(1804)))
		f.noSession("cookies1", at(1804))
		f.is(f.use(session, newGrant("g2", "app", "sid"), at(1804)), storage.ErrNotFound)
		f.ok(f.use(session, newGrant("g3", "app", "sid"), justBefore(at(1804))))
		_, err := f.Store.Session(f.Context(), hash("cookies1"), justBefore(justBefore(at(3604))))
		f.ok(err)
		f.noSession("cookies1", justBefore(at(3604)))
	},
	"however much it is used, it ends at its expiry": func(f *fixture) {
		session, _ := f.signedIn("s1", "g1", "app", "sid")
		for i := 1; i <= 4; i++ {
			f.ok(f.use(session, newGrant(name("g", i), "app", "sid"), at(i*1200)))
		}
		_, err := f.Store.Session(f.Context(), hash("cookies1"), justBefore(at(5000)))
		f.ok(err)
		f.noSession("cookies1", at(5000))
		f.is(f.use(session, newGrant("g9", "app", "sid"), at(5000)), storage.ErrNotFound)
	},
	"a use gives code and grant, and notes what was released": func(f *fixture) {
		session, _ := f.signedIn("s1", "g1", "app", "sid")
		want := session
		for i, client := range []string{"app", "other", "other"} {
			grant := newGrant(name("g", i), client, "sid"+client)
			grant.Session = "whatever the caller wrote"
			released := []string{name("claim", i), "name"}
			f.ok(f.use(session, grant, at(10+i), released...))
			var err error
			want, err = want.Use(client, released, at(10+i))
			f.ok(err)
			f.sessionIs(want, at(20))
			f.restart()
			f.sessionIs(want, at(20))
			got, err := f.Store.RedeemCode(f.Context(), newRedemption(grant, 20))
			f.ok(err)
			grant.Session = "s1"
			f.same(*got, grant)
		}
		f.same(len(want.Released), len(session.Released)+2)
	},
	"a refused use changes nothing": func(f *fixture) {
		session, old := f.signedIn("s1", "g1", "app", "sid")
		grant := newGrant("g2", "app", "sid")
		unknown, stale := session, session
		unknown.ID, stale.AuthTime = "s2", session.AuthTime.Add(-time.Microsecond)
		f.is(f.use(unknown, grant, at(10)), storage.ErrNotFound)
		f.is(f.use(storage.Session{}, grant, at(10)), storage.ErrNotFound)
		f.is(f.use(stale, grant, at(10)), storage.ErrConflict)
		f.is(f.Store.AnswerFromSession(f.Context(), "s1", session.AuthTime, newCode(old), grant, nil, at(10)), storage.ErrExists)
		same := grant
		same.ID = "g1"
		code := newCode(same)
		code.Hash = hash("fresh")
		f.is(f.Store.AnswerFromSession(f.Context(), "s1", session.AuthTime, code, same, nil, at(10)), storage.ErrExists)
		f.sessionIs(session, at(11))
		_, err := f.Store.RedeemCode(f.Context(), newRedemption(grant, 11))
		f.is(err, storage.ErrNotFound)
		got, err := f.Store.RedeemCode(f.Context(), newRedemption(old, 11))
		f.ok(err)
		f.same(*got, old)
	},
	"a login renews the session and its cookie": func(f *fixture) {
		session, grant := f.signedIn("s1", "g1", "app", "sid")
		f.redeem(grant)
		f.completeLogin("again")
		renewed := newSession("s1")
		renewed.CookieHash, renewed.AuthTime, renewed.Used, renewed.Expires = hash("new cookie"), at(100), at(100), at(6000)
		answer := newAnswer(newGrant("g2", "app", "sid2"))
		answer.Session = &renewed
		f.must(f.Store.AnswerLogin(f.Context(), "again", answer, at(100)))
		for range 2 {
			f.noSession("cookies1", at(101))
			f.sessionIs(renewed, at(101))
			f.restart()
		}
		f.is(f.use(session, newGrant("g3", "app", "sid3"), at(102)), storage.ErrConflict) // who saw the old login must look again
		f.ok(f.use(renewed, newGrant("g3", "app", "sid3"), at(102)))
		f.same(f.live(grant, 103), true)
		ended, err := f.Store.EndSession(f.Context(), "s1", at(103))
		f.ok(err)
		f.same(ended.Grants, 3)
	},
	"another session's cookie is refused": func(f *fixture) {
		session, _ := f.signedIn("s1", "g1", "app", "sid")
		complete := f.completeLogin("login")
		thief := newSession("s2")
		thief.CookieHash = session.CookieHash
		answer := newAnswer(newGrant("g2", "app", "sid2"))
		answer.Session = &thief
		_, err := f.Store.AnswerLogin(f.Context(), "login", answer, at(4))
		f.is(err, storage.ErrExists)
		f.unchanged(complete)
		f.sessionIs(session, at(5))
	},
	"a swept session's cookie is free": func(f *fixture) {
		session, grant := f.signedIn("s1", "g1", "app", "sid")
		f.ok(f.use(session, newGrant("g2", "app", "sid"), at(1000)))
		f.same(f.sweep(at(2799), 1), 1)    // the login
		f.same(f.sweep(at(2800), 1), 1)    // the session, idle since 1000
		f.same(f.sweep(at(3600), 1), 2)    // the codes
		f.same(f.sweep(at(5000), 1), 2)    // the grants, kept as long as the session might have lived
		f.same(f.sweep(at(1000000), 1), 0) // nothing is left
		again, _ := f.signedIn("s1", "g1", "app", "sid")
		f.sessionIs(again, at(5))
		f.redeem(grant)
	},
	"a returned session is the caller's own": func(f *fixture) {
		session, _ := f.signedIn("s1", "g1", "app", "sid")
		got, err := f.Store.Session(f.Context(), session.CookieHash, at(5))
		f.ok(err)
		maps.DeleteFunc(got.Released, func(string, []string) bool { return true })
		got.Group = "spoiled"
		f.sessionIs(session, at(5))
	},
}
