package storagetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"brygga/storage"
)

var sessionRaceTests = map[string]func(*fixture){
	"a refresh token is used once": func(f *fixture) {
		grant := f.family("g1", "app")
		var winner, reused atomic.Int64
		won := f.race(racers, func(i int) error {
			_, err := f.Store.RotateRefreshToken(f.Context(), newRotation(grant, "refreshg1", name("-", i), 10))
			if err == nil {
				winner.Store(int64(i))
				return nil
			}
			f.tokenReused(err, "g1")
			reused.Add(1)
			return storage.ErrConflict
		}, storage.ErrConflict)
		f.same(won, 1)
		f.same(int(reused.Load()), racers-1)
		for i := range racers {
			_, _, access := f.Store.AccessToken(f.Context(), hash("token"+name("-", i)), at(11))
			_, _, refresh := f.Store.RefreshToken(f.Context(), hash("refresh"+name("-", i)), at(11))
			if i == int(winner.Load()) {
				f.ok(access)
				f.ok(refresh)
			} else {
				f.is(access, storage.ErrNotFound)
				f.is(refresh, storage.ErrNotFound)
			}
		}
	},
	"within the grace all uses at once succeed, and one token follows": func(f *fixture) {
		grant := f.family("g1", "app")
		var first atomic.Int64
		f.same(f.race(racers, func(i int) error {
			rotation := newRotation(grant, "refreshg1", name("-", i), 10)
			rotation.Now, rotation.Grace = rotation.Now.Add(time.Duration(i)*time.Millisecond), at(20).Sub(at(10))
			got, err := f.Store.RotateRefreshToken(f.Context(), rotation)
			if err == nil {
				first.Store(int64(got.Used.Sub(at(10)) / time.Millisecond))
			}
			return err
		}, storage.ErrConflict), racers)
		for i := range racers {
			_, _, err := f.Store.AccessToken(f.Context(), hash("token"+name("-", i)), at(11))
			f.ok(err)
			_, _, err = f.Store.RefreshToken(f.Context(), hash("refresh"+name("-", i)), at(11))
			if i == int(first.Load()) {
				f.ok(err)
			} else {
				f.is(err, storage.ErrNotFound)
			}
		}
	},
	"a token comes again until the next is used, in whichever order": func(f *fixture) {
		grant := f.family("g1", "app")
		_, err := f.Store.RotateRefreshToken(f.Context(), newRotation(grant, "refreshg1", "2", 10))
		f.ok(err)
		var used atomic.Int64
		won := f.race(racers, func(i int) error {
			rotation := newRotation(grant, "refreshg1", name("-", i), 11)
			if i%4 == 0 {
				rotation.Hash = hash("refresh2")
			}
			rotation.Grace = at(20).Sub(at(10))
			_, err := f.Store.RotateRefreshToken(f.Context(), rotation)
			if i%4 == 0 && err == nil {
				used.Add(1) // the first of them, and the others by the grace
			}
			if err != nil {
				f.tokenReused(err, "g1")
				return storage.ErrConflict
			}
			return nil
		}, storage.ErrConflict)
		f.same(int(used.Load()), racers/4)
		f.same(won >= racers/4, true)
		f.notAgain(grant, "refreshg1", 11)
	},
	"a pushed request is taken once": func(f *fixture) {
		f.ok(f.Store.PushRequest(f.Context(), newRequest("1", "app")))
		f.same(f.race(racers, func(int) error {
			_, err := f.Store.TakePushedRequest(f.Context(), hash("request1"), "app", at(1))
			return err
		}, storage.ErrNotFound), 1)
	},
	"a request is pushed once": func(f *fixture) {
		f.same(f.race(racers, func(int) error {
			return f.Store.PushRequest(f.Context(), newRequest("1", "app"))
		}, storage.ErrExists), 1)
	},
	"a key is used once": func(f *fixture) {
		for round := range 3 {
			f.same(f.race(racers, func(int) error {
				return f.Store.UseOnce(f.Context(), hash("key"), at(10*round+10), at(10*round))
			}, storage.ErrExists), 1)
		}
	},
	"each notice is claimed by one": func(f *fixture) {
		const notices = 12
		for i := range notices {
			f.notice(name("app", i), 10)
		}
		var mu sync.Mutex
		seen := map[string]bool{}
		f.same(f.race(racers, func(int) error {
			claimed, err := f.Store.ClaimNotices(f.Context(), at(10), 2, hours)
			mu.Lock()
			defer mu.Unlock()
			for _, notice := range claimed {
				if seen[notice.ID] {
					return fmt.Errorf("%s was claimed twice", notice.ClientID)
				}
				seen[notice.ID] = true
			}
			return err
		}), racers)
		f.same(len(seen), notices)
	},
	"no grant of a session outlives its end": func(f *fixture) {
		session, _ := f.signedIn("s1", "g1", "app", "sid1", told)
		var answered atomic.Int64
		var ended storage.Ended
		f.race(racers, func(i int) error {
			if i == racers/2 {
				var err error
				ended, err = f.Store.EndSession(f.Context(), "s1", at(10))
				return err
			}
			grant := newGrant(name("g", i), "app", name("sid", i))
			grant.Backchannel = true
			err := f.use(session, grant, at(9), "name")
			if err == nil {
				answered.Add(1)
				_, err = f.Store.RedeemCode(f.Context(), newRedemption(grant, 10))
			}
			return err
		}, storage.ErrNotFound)
		f.same(ended.Grants, int(answered.Load())+1)
		f.same(ended.Notices, int(answered.Load())+1)
		for i := range racers {
			grant := newGrant(name("g", i), "app", "")
			f.same(f.live(grant, 11), false)
			_, err := f.Store.RedeemCode(f.Context(), newRedemption(grant, 11))
			if err == nil {
				f.Errorf("the code of %s works after the end", grant.ID)
			}
		}
		f.noSession("cookies1", at(11))
	},
	"a session ends once": func(f *fixture) {
		session, _ := f.signedIn("s1", "g1", "app", "sid1", told)
		f.served(session, "g2", "other", "sid2", told, offline)
		var grants, notices atomic.Int64
		f.same(f.race(racers, func(i int) error {
			end := f.Store.EndSession
			id := "s1"
			if i%2 == 0 {
				end, id = f.Store.EndSessionID, "sid2"
			}
			ended, err := end(f.Context(), id, at(10))
			grants.Add(int64(ended.Grants))
			notices.Add(int64(ended.Notices))
			return err
		}), racers)
		f.same([]int64{grants.Load(), notices.Load()}, []int64{1, 2})
		f.same(f.told(10), []string{"app sid1", "other sid2"})
	},
	"an offline family goes on through the end of its session": func(f *fixture) {
		session, _ := f.signedIn("s1", "g1", "app", "sid1")
		grant := f.served(session, "g2", "other", "sid2", offline)
		f.same(f.race(racers, func(i int) error {
			if i == 0 {
				_, err := f.Store.EndSession(f.Context(), "s1", at(10))
				return err
			}
			_, err := f.Store.RotateRefreshToken(f.Context(), newRotation(grant, "refreshg2", name("-", i), 10))
			if err != nil {
				f.tokenReused(err, "g2")
				return storage.ErrConflict
			}
			return nil
		}, storage.ErrConflict), 2)
	},
	"no token of a family outlives its revocation": func(f *fixture) {
		grant := f.family("g1", "app")
		f.race(racers, func(i int) error {
			if i == racers/2 {
				return f.Store.RevokeGrant(f.Context(), "g1", at(10))
			}
			_, err := f.Store.RotateRefreshToken(f.Context(), newRotation(grant, "refreshg1", name("-", i), 10))
			if !errors.Is(err, storage.ErrNotFound) {
				return storage.ErrConflict
			}
			return err
		}, storage.ErrNotFound, storage.ErrConflict)
		for i := range racers {
			_, _, err := f.Store.AccessToken(f.Context(), hash("token"+name("-", i)), at(11))
			f.is(err, storage.ErrNotFound)
			f.noRefresh(grant, "refresh"+name("-", i), 11)
		}
	},
	"a session has one cookie, however often it is renewed": func(f *fixture) {
		f.signedIn("s1", "g0", "app", "sid0")
		for i := range racers {
			f.completeLogin(name("login", i))
		}
		f.same(f.race(racers, func(i int) error {
			session := newSession("s1")
			session.CookieHash = hash(name("cookie", i))
			answer := newAnswer(newGrant(name("g", i), "app", "sid"))
			answer.Session = &session
			_, err := f.Store.AnswerLogin(f.Context(), name("login", i), answer, at(4))
			return err
		}), racers)
		lead := 0
		for i := range racers {
			if _, err := f.Store.Session(f.Context(), hash(name("cookie", i)), at(5)); err == nil {
				lead++
			}
		}
		f.same(lead, 1)
		f.noSession("cookies1", at(5))
		f.same(f.end("s1", 6).Grants, racers+1)
	},
}
