package storagetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"brygga/storage"
)

// racers is how many goroutines compete.
const racers = 24

var raceTests = map[string]func(*fixture){
	"a code is redeemed once": func(f *fixture) {
		grant := f.granted("g1", "app", "sid")
		var winner atomic.Int64
		winner.Store(-1)
		var reused atomic.Int64
		won := f.race(racers, func(i int) error {
			redemption := newRedemption(grant, 5)
			redemption.Token.Hash = hash(name("token", i))
			got, err := f.Store.RedeemCode(f.Context(), redemption)
			if err == nil {
				winner.Store(int64(i))
				if got.ID != "g1" {
					return fmt.Errorf("grant is %q", got.ID)
				}
				return nil
			}
			f.reused(err, "g1")
			reused.Add(1)
			return storage.ErrConflict
		}, storage.ErrConflict)
		f.same(won, 1)
		f.same(int(reused.Load()), racers-1)
		for i := range racers {
			_, _, err := f.Store.AccessToken(f.Context(), hash(name("token", i)), at(6))
			if i == int(winner.Load()) {
				f.ok(err)
			} else {
				f.is(err, storage.ErrNotFound)
			}
		}
	},
	"an order is begun once": func(f *fixture) {
		f.ok(f.Store.CreateLogin(f.Context(), newLogin("l1")))
		f.same(f.race(racers, func(i int) error {
			_, err := f.Store.BeginOrder(f.Context(), "l1", newClaim(name("claim", i), 1))
			return err
		}, storage.ErrBusy), 1)
		f.same(f.must(f.Store.Login(f.Context(), "l1", at(2))).Revision, uint64(2))
	},
	"an order is put once": func(f *fixture) {
		f.ok(f.Store.CreateLogin(f.Context(), newLogin("l1")))
		f.must(f.Store.BeginOrder(f.Context(), "l1", newClaim("c1", 1)))
		f.same(f.race(racers, func(i int) error {
			_, err := f.Store.PutOrder(f.Context(), "l1", "c1", newOrder(name("order", i), 2))
			return err
		}, storage.ErrConflict), 1)
		f.same(f.must(f.Store.Login(f.Context(), "l1", at(2))).Orders, 1)
	},
	"a login is completed once": func(f *fixture) {
		f.pendingLogin("l1")
		f.same(f.race(racers, func(int) error {
			_, err := f.Store.CompleteLogin(f.Context(), "l1", "orderl1", newResult(), at(3))
			return err
		}, storage.ErrConflict), 1)
	},
	"who asks for another order meanwhile changes nothing of the one that completes": func(f *fixture) {
		made := f.pendingLogin("l1").Order
		f.race(racers, func(i int) error {
			if i == racers/2 {
				_, err := f.Store.CompleteLogin(f.Context(), "l1", "orderl1", newResult(), at(3))
				return err
			}
			claim := newClaim(name("claim", i), 3)
			claim.Starter = stranger()
			_, err := f.Store.BeginOrder(f.Context(), "l1", claim)
			return err
		}, storage.ErrBusy, storage.ErrConflict)
		login := f.must(f.Store.Login(f.Context(), "l1", at(4)))
		f.same(login.State, storage.LoginComplete)
		f.same(login.Order.Starter, made.Starter)
	},
	"a return counts once": func(f *fixture) {
		f.pendingLogin("l1")
		f.same(f.race(racers, func(int) error {
			_, err := f.Store.RecordReturn(f.Context(), "l1", hash("nonceorderl1"), at(3))
			return err
		}, storage.ErrConflict), 1)
	},
	"completing against cancelling leaves no identity": func(f *fixture) {
		f.pendingLogin("l1")
		var cancels, completions atomic.Int64
		f.race(racers, func(i int) error {
			if i%2 == 0 {
				_, err := f.Store.CancelOrder(f.Context(), "l1", storage.Failure{Reason: "cancelled"}, at(3))
				if err == nil {
					cancels.Add(1)
				}
				return err
			}
			_, err := f.Store.CompleteLogin(f.Context(), "l1", "orderl1", newResult(), at(3))
			if err == nil {
				completions.Add(1)
			}
			return err
		}, storage.ErrConflict)
		// A cancellation ends a pending and a complete login alike, and nothing follows it.
		f.same(cancels.Load(), int64(1))
		login := f.must(f.Store.Login(f.Context(), "l1", at(4)))
		f.same(login.State, storage.LoginFailed)
		f.same(login.Identity == nil, true)
		f.same(login.Revision, uint64(3+1+completions.Load()))
	},
	"a login is answered once, with one code": func(f *fixture) {
		f.completeLogin("l1")
		var winner atomic.Int64
		f.same(f.race(racers, func(i int) error {
			grant := newGrant(name("g", i), "app", "sid")
			_, err := f.Store.AnswerLogin(f.Context(), "l1", newAnswer(grant), at(4))
			if err == nil {
				winner.Store(int64(i))
			}
			return err
		}, storage.ErrConflict), 1)
		for i := range racers {
			_, err := f.Store.RedeemCode(f.Context(), newRedemption(newGrant(name("g", i), "app", "sid"), 5))
			if i == int(winner.Load()) {
				f.ok(err)
			} else {
				f.is(err, storage.ErrNotFound)
			}
		}
	},
	"a login and a client are created once": func(f *fixture) {
		f.same(f.race(racers, func(int) error { return f.Store.CreateLogin(f.Context(), newLogin("l1")) }, storage.ErrExists), 1)
		f.same(f.race(racers, func(int) error { return f.Store.CreateClient(f.Context(), newClient("app")) }, storage.ErrExists), 1)
	},
	"a client's revision is used once": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		f.same(f.race(racers, func(i int) error {
			client := newClient("app")
			client.Name, client.Revision = name("name", i), 1
			return f.Store.UpdateClient(f.Context(), client)
		}, storage.ErrConflict), 1)
		client, err := f.Store.Client(f.Context(), "app")
		f.ok(err)
		f.same(client.Revision, uint64(2))
	},
	"a client is never older than an update that has returned": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		var reached atomic.Uint64
		const updates = 10
		f.same(f.race(racers, func(i int) error {
			for revision := uint64(1); i == 0 && revision <= updates; revision++ {
				client := newClient("app")
				client.Revision = revision
				if err := f.Store.UpdateClient(f.Context(), client); err != nil {
					return err
				}
				reached.Store(revision + 1)
			}
			for reached.Load() <= updates {
				least := reached.Load()
				client, err := f.Store.Client(f.Context(), "app")
				if err != nil {
					return err
				}
				if client.Revision < least {
					return fmt.Errorf("revision %d after %d", client.Revision, least)
				}
				time.Sleep(time.Microsecond) // the writer needs a processor too
			}
			return nil
		}), racers)
		f.ok(f.Store.RemoveClient(f.Context(), "app", at(1)))
		_, err := f.Store.Client(f.Context(), "app")
		f.is(err, storage.ErrNotFound)
	},
	"all get the same secret": func(f *fixture) {
		var mu sync.Mutex
		values := map[string]bool{}
		f.same(f.race(racers, func(i int) error {
			value, err := f.Store.SecretOrCreate(f.Context(), "subject", []byte(name("proposal", i)))
			mu.Lock()
			defer mu.Unlock()
			values[string(value)] = true
			return err
		}), racers)
		f.same(len(values), 1)
		f.restart()
		value, err := f.Store.SecretOrCreate(f.Context(), "subject", []byte("late"))
		f.ok(err)
		f.same(values[string(value)], true)
	},
	"a revision of the signing keys is replaced once": func(f *fixture) {
		for revision := range uint64(3) {
			f.same(f.race(racers, func(i int) error {
				return f.Store.ReplaceSigningKeys(f.Context(), newKeys(i+1), revision)
			}, storage.ErrConflict), 1)
		}
	},
	"each order is adopted by one collector": func(f *fixture) {
		const logins = 12
		for i := range logins {
			f.pendingLogin(name("l", i))
		}
		var mu sync.Mutex
		owner := map[string]string{}
		for i := range racers {
			f.ok(f.Store.Heartbeat(f.Context(), name("collector", i), at(50)))
		}
		f.same(f.race(racers, func(i int) error {
			collector := name("collector", i)
			adopted, err := f.Store.AdoptOrders(f.Context(), collector, at(40), at(50), 3)
			mu.Lock()
			defer mu.Unlock()
			for _, login := range adopted {
				if owner[login.ID] != "" || login.Order.Collector != collector {
					return fmt.Errorf("%s was adopted twice", login.ID)
				}
				owner[login.ID] = collector
			}
			return err
		}), racers)
		// Those who looked at the same orders may have left some; the next round finds them.
		rest, err := f.Store.AdoptOrders(f.Context(), name("collector", 0), at(40), at(50), logins)
		f.ok(err)
		f.same(len(owner)+len(rest), logins)
		for id, collector := range owner {
			f.same(f.must(f.Store.Login(f.Context(), id, at(51))).Order.Collector, collector)
		}
	},
	"a token is dead from the moment that a revocation returns": func(f *fixture) {
		grant := f.redeemed("g1", "app", "sid")
		var revoked atomic.Bool
		f.same(f.race(racers, func(i int) error {
			if i == 0 {
				err := f.Store.RevokeGrant(f.Context(), "g1", at(6))
				revoked.Store(true)
				return err
			}
			for range 50 {
				dead := revoked.Load()
				if _, _, err := f.Store.AccessToken(f.Context(), hash("tokeng1"), at(7)); err == nil && dead {
					return fmt.Errorf("the token works after its revocation")
				}
			}
			return nil
		}), racers)
		f.same(f.live(grant, 7), false)
	},
	"many logins at once lose nothing": func(f *fixture) {
		f.same(f.race(racers, func(i int) error {
			for j := range 4 {
				f.redeemed(name(fmt.Sprintf("g%d", j), i), "app", "sid")
			}
			return nil
		}), racers)
		f.restart()
		ended, err := f.Store.EndSessionID(f.Context(), "sid", at(10))
		f.ok(err)
		f.same(ended.Grants, 4*racers)
		f.same(f.sweep(at(1000000), 50), 4*racers*4)
	},
}
