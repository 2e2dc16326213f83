package storagetest

import (
	"slices"
	"strings"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// end is EndSession at the time.
func (f *fixture) end(id string, seconds int) storage.Ended {
	f.Helper()
	ended, err := f.Store.EndSession(f.Context(), id, at(seconds))
	f.ok(err)
	return ended
}

// endSID is EndSessionID at the time.
func (f *fixture) endSID(sid string, seconds int) storage.Ended {
	f.Helper()
	ended, err := f.Store.EndSessionID(f.Context(), sid, at(seconds))
	f.ok(err)
	return ended
}

// told returns who is to be told at the time, as "client sid", sorted; it claims those notices for an hour.
func (f *fixture) told(seconds int) (recipients []string) {
	f.Helper()
	for _, notice := range f.claim(at(seconds), 100) {
		recipients = append(recipients, notice.ClientID+" "+notice.SessionID)
	}
	slices.Sort(recipients)
	return recipients
}

var logoutTests = map[string]func(*fixture){
	"the end revokes every grant but the offline ones": func(f *fixture) {
		session, first := f.signedIn("s1", "g1", "app", "sid1")
		f.redeem(first)
		second, long := f.served(session, "g2", "other", "sid2"), f.served(session, "g3", "third", "sid3", offline)
		unredeemed := newGrant("g4", "other", "sid2")
		f.ok(f.use(session, unredeemed, at(5)))
		bystander, mine := f.signedIn("s2", "g5", "app", "sid5")
		f.redeem(mine)

		f.same(f.end("s1", 10), storage.Ended{Session: "s1", Group: session.Group, Grants: 3})
		for range 2 {
			f.noSession("cookies1", at(11))
			f.is(f.use(session, newGrant("g6", "app", "sid6"), at(11)), storage.ErrNotFound)
			for grant, want := range map[*storage.Grant]bool{&first: false, &second: false, &long: true, &mine: true} {
				f.same(f.live(*grant, 11), want)
			}
			_, err := f.Store.RedeemCode(f.Context(), newRedemption(unredeemed, 11))
			f.is(err, storage.ErrNotFound)
			f.sessionIs(bystander, at(11))
			f.restart()
		}
		_, err := f.Store.RotateRefreshToken(f.Context(), newRotation(long, "refreshg3", "next", 12))
		f.ok(err)
	},
	"each client and sid that is to be told gets one notice": func(f *fixture) {
		session, _ := f.signedIn("s1", "g1", "app", "sid1", told)
		f.served(session, "g2", "app", "sid1", told)
		f.served(session, "g3", "app", "sid2", told)
		f.served(session, "g4", "other", "sid1", told, offline)
		f.served(session, "g5", "quiet", "sid5")
		f.served(session, "g6", "without-sid", "", told)
		f.served(session, "g7", "revoked", "sid7", told)
		f.ok(f.Store.RevokeGrant(f.Context(), "g7", at(6)))
		f.same(f.end("s1", 10), storage.Ended{Session: "s1", Group: session.Group, Grants: 5, Notices: 4})
		f.restart()
		ids := map[string]bool{}
		for _, notice := range f.claim(at(10), 100) {
			ids[notice.ID] = len(notice.ID) >= 16
			notice.ID = ""
			f.same(notice, storage.Notice{
				ClientID: notice.ClientID, SessionID: notice.SessionID, Subject: canarySubject, Created: at(10), Due: at(3610), Attempts: 1,
				Expires: at(10).Add(storage.NoticeLife),
			})
			f.same(slices.Contains([]string{"app sid1", "app sid2", "other sid1", "revoked sid7"}, notice.ClientID+" "+notice.SessionID), true)
		}
		f.same(len(ids), 4)
		for _, good := range ids {
			f.same(good, true)
		}
	},
	"what has ended does not end again": func(f *fixture) {
		session, _ := f.signedIn("s1", "g1", "app", "sid1", told)
		long := f.served(session, "g2", "other", "sid2", told, offline)
		f.same(f.end("s1", 10).Notices, 2)
		f.same(f.told(10), []string{"app sid1", "other sid2"})
		for range 2 {
			f.same(f.end("s1", 11), storage.Ended{})
			f.same(f.endSID("sid1", 11), storage.Ended{})
			f.same(f.endSID("sid2", 11), storage.Ended{})
			f.same(len(f.told(11)), 0)
			f.same(f.live(long, 12), true)
			f.restart()
		}
	},
	"an unknown session is no error": func(f *fixture) {
		f.signedIn("s1", "g1", "app", "sid1")
		for _, id := range []string{"", "s", "s11", "sid1"} {
			f.same(f.end(id, 10), storage.Ended{})
		}
		for _, sid := range []string{"", "sid", "sid11", "s1"} {
			f.same(f.endSID(sid, 10), storage.Ended{})
		}
		f.same(f.end("s1", 10).Grants, 1)
	},
	"any sid of a session ends all of it": func(f *fixture) {
		for i, sid := range []string{"sid-a", "sid-b", "sid-c"} {
			id := name("s", i)
			session, grant := f.signedIn(id, "g1"+id, "app", "sid-a"+id, told)
			f.redeem(grant)
			second, long := f.served(session, "g2"+id, "other", "sid-b"+id, told), f.served(session, "g3"+id, "third", "sid-c"+id, told, offline)
			f.same(f.endSID(sid+id, 10), storage.Ended{Session: id, Group: session.Group, Grants: 2, Notices: 3})
			f.same(f.live(grant, 11) || f.live(second, 11), false)
			f.same(f.live(long, 11), true)
			f.noSession("cookie"+id, at(11))
			f.same(f.told(11), []string{"app sid-a" + id, "other sid-b" + id, "third sid-c" + id})
		}
	},
	"the sid of grants without a session ends those alone": func(f *fixture) {
		session, inside := f.signedIn("s1", "g1", "app", "sid1", told)
		f.redeem(inside)
		grants := []storage.Grant{}
		for i, edits := range [][]func(*storage.Grant){{told}, {told, offline}, {}} {
			f.completeLogin(name("login", i))
			grant := newGrant(name("g", i), "app", "alone")
			for _, edit := range edits {
				edit(&grant)
			}
			f.must(f.Store.AnswerLogin(f.Context(), name("login", i), newAnswer(grant), at(4)))
			f.redeem(grant)
			grants = append(grants, grant)
		}
		f.same(f.endSID("alone", 10), storage.Ended{Grants: 2, Notices: 1})
		f.same([]bool{f.live(grants[0], 11), f.live(grants[1], 11), f.live(grants[2], 11)}, []bool{false, true, false})
		f.same(f.told(11), []string{"app alone"})
		f.same(f.endSID("alone", 12), storage.Ended{})
		f.same(f.live(inside, 12), true)
		f.sessionIs(session, at(12))
	},
	"a login may end another session in its step": func(f *fixture) {
		old, grant := f.signedIn("s1", "g1", "app", "sid1", told)
		f.redeem(grant)
		f.completeLogin("login")
		session := newSession("s2")
		answer := newAnswer(newGrant("g2", "app", "sid2"))
		answer.Session, answer.Ends = &session, "s1"
		f.must(f.Store.AnswerLogin(f.Context(), "login", answer, at(4)))
		f.noSession("cookies1", at(5))
		f.same(f.live(grant, 5), false)
		f.same(f.told(5), []string{"app sid1"})
		f.sessionIs(session, at(5))
		f.redeem(answer.Grant)
		f.is(f.use(old, newGrant("g3", "app", "sid3"), at(6)), storage.ErrNotFound)

		complete := f.completeLogin("refused") // a refused answer ends nothing
		answer.Grant.Identity.PersonalNumber = secret.New(canaryRequired)
		answer.Ends = "s2"
		_, err := f.Store.AnswerLogin(f.Context(), "refused", answer, at(4))
		f.is(err, storage.ErrConflict)
		answer = newAnswer(newGrant("g2", "app", "sid2"))
		answer.Ends = "s2"
		_, err = f.Store.AnswerLogin(f.Context(), "refused", answer, at(4))
		f.is(err, storage.ErrExists)
		f.unchanged(complete)
		f.sessionIs(session, at(5))
	},
	"clients are told as long as the session might have lived": func(f *fixture) {
		short := func(g *storage.Grant) { g.Expires = at(100) }
		for _, test := range []struct {
			seconds int
			want    []string
		}{{99, []string{"app sid", "other sid2"}}, {100, []string{"app sid", "other sid2"}}, {4999, []string{"app sid", "other sid2"}}, {5000, nil}} {
			session, _ := f.signedIn("s1", "g1", "app", "sid", told, short)
			f.served(session, "g2", "other", "sid2", told, short, offline)
			f.sweep(epoch.Add(time.Duration(test.seconds)*time.Second), 10)
			ended := f.endSID("sid", test.seconds)
			f.same(ended.Notices, len(test.want))
			f.same(ended.Session, map[bool]string{true: "s1"}[test.seconds < 1804])
			f.same(f.told(test.seconds), test.want)
			f.sweep(epoch.Add(1000*time.Hour), 10)
		}
	},
	"a session that is over is none, but its grants end": func(f *fixture) {
		_, grant := f.signedIn("s1", "g1", "app", "sid1", told)
		f.redeem(grant)
		f.same(f.end("s1", 1804), storage.Ended{Grants: 1, Notices: 1})
		f.same(f.live(grant, 1799), false)
		f.signedIn("s2", "g2", "app", "sid2")
		f.same(f.end("s2", 1803).Session, "s2")
	},
	"a grant without a session is told of until it expires": func(f *fixture) {
		for i, want := range []int{1, 0} {
			f.completeLogin(name("login", i))
			grant := newGrant(name("g", i), "app", "alone")
			grant.Backchannel, grant.Expires = true, at(100)
			f.must(f.Store.AnswerLogin(f.Context(), name("login", i), newAnswer(grant), at(4)))
			ended := f.endSID("alone", 99+i)
			f.same(ended, storage.Ended{Grants: want, Notices: want})
		}
	},
	"a renewed session keeps its grants longer": func(f *fixture) {
		short := func(g *storage.Grant) { g.Expires = at(100) }
		long := func(g *storage.Grant) { g.Expires = at(9000) }
		session, _ := f.signedIn("s1", "g1", "app", "sid1", told, short)
		f.served(session, "g2", "other", "sid2", told, long)
		f.completeLogin("login")
		renewed := newSession("s1")
		renewed.CookieHash, renewed.Used, renewed.Expires = hash("new cookie"), at(4000), at(8000)
		answer := newAnswer(newGrant("g3", "third", "sid3"))
		answer.Session = &renewed
		f.must(f.Store.AnswerLogin(f.Context(), "login", answer, at(5)))
		f.restart()
		f.sweep(at(7999), 10)
		f.same(f.endSID("sid1", 7999), storage.Ended{Grants: 1, Notices: 2})
		f.same(f.told(7999), []string{"app sid1", "other sid2"})
		f.sweep(at(1000000), 10)
		f.same(f.sweep(at(1000000), 10), 0)
	},
	"a renewed session shortens the time of no grant": func(f *fixture) {
		session, _ := f.signedIn("s1", "g1", "app", "sid1")
		f.served(session, "g2", "other", "sid2", told, func(g *storage.Grant) { g.Expires = at(9000) })
		f.completeLogin("login")
		session.CookieHash, session.Expires = hash("new cookie"), at(8000)
		answer := newAnswer(newGrant("g3", "third", "sid3"))
		answer.Session = &session
		f.must(f.Store.AnswerLogin(f.Context(), "login", answer, at(5)))
		f.sweep(at(8999), 10)
		f.same(f.endSID("sid2", 8999), storage.Ended{Grants: 1, Notices: 1})
		f.sweep(at(1000000), 10)
		f.same(f.sweep(at(1000000), 10), 0)
	},
	"a removed client is not told": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		session, _ := f.signedIn("s1", "g1", "app", "sid1", told)
		f.served(session, "g2", "other", "sid2", told)
		f.ok(f.Store.RemoveClient(f.Context(), "app", at(5)))
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		f.same(f.end("s1", 10), storage.Ended{Session: "s1", Group: session.Group, Grants: 1, Notices: 1})
		f.same(strings.Join(f.told(10), ", "), "other sid2")
	},
}
