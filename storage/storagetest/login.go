package storagetest

import (
	"errors"
	"time"

	"brygga/storage"
)

// loginSteps calls every step on the login at the given time, with IDs that fit no login.
func (f *fixture) loginSteps(id string, now time.Time) map[string]func() (*storage.Login, error) {
	ctx, store := f.Context(), f.Store
	claim, order := newClaim("claim", 0), newOrder("order", 0)
	claim.At, order.Started = now, now
	grant := newGrant("grant", "app", "sid")
	return map[string]func() (*storage.Login, error){
		"Login":      func() (*storage.Login, error) { return store.Login(ctx, id, now) },
		"BeginOrder": func() (*storage.Login, error) { return store.BeginOrder(ctx, id, claim) },
		"PutOrder":   func() (*storage.Login, error) { return store.PutOrder(ctx, id, "x", order) },
		"DropClaim":  func() (*storage.Login, error) { return store.DropClaim(ctx, id, "x", storage.Failure{}, now) },
		"TakeBack":   func() (*storage.Login, error) { return store.TakeBack(ctx, id, "x", now) },
		"RecordHint": func() (*storage.Login, error) {
			return store.RecordHint(ctx, id, "x", storage.PhaseWorking, "started", now)
		},
		"RecordSeen":    func() (*storage.Login, error) { return store.RecordSeen(ctx, id, now) },
		"FailOrder":     func() (*storage.Login, error) { return store.FailOrder(ctx, id, "x", storage.Failure{}, now) },
		"CompleteLogin": func() (*storage.Login, error) { return store.CompleteLogin(ctx, id, "x", newResult(), now) },
		"RecordReturn":  func() (*storage.Login, error) { return store.RecordReturn(ctx, id, hash("x"), now) },
		"CancelOrder":   func() (*storage.Login, error) { return store.CancelOrder(ctx, id, storage.Failure{}, now) },
		"RefuseLogin":   func() (*storage.Login, error) { return store.RefuseLogin(ctx, id, now) },
		"AnswerLogin":   func() (*storage.Login, error) { return store.AnswerLogin(ctx, id, newAnswer(grant), now) },
		"RepeatAnswer":  func() (*storage.Login, error) { return store.RepeatAnswer(ctx, id, hash("x"), now, now) },
	}
}

// open reports whether the code of that name can be redeemed at the second.
func (f *fixture) open(code string, second int) bool {
	f.Helper()
	redeemable, err := f.Store.CodeLive(f.Context(), hash(code), at(second))
	f.ok(err)
	return redeemable
}

// unchanged demands that the stored login is still want.
func (f *fixture) unchanged(want *storage.Login) {
	f.Helper()
	f.same(f.must(f.Store.Login(f.Context(), want.ID, at(1))), want)
}

var loginTests = map[string]func(*fixture){
	"create keeps every field": func(f *fixture) {
		var login storage.Login
		Fill(&login)
		login.ID, login.State, login.Expires = "l1", storage.LoginOpen, at(600)
		login.Request.Document, login.Request.Sign = storage.Hash{}, nil // see newLogin
		f.ok(f.Store.CreateLogin(f.Context(), login))
		for range 2 {
			f.unchanged(&login)
			f.restart()
		}
	},
	"create refuses an ID twice": func(f *fixture) {
		login := newLogin("l1")
		f.ok(f.Store.CreateLogin(f.Context(), login))
		again := newLogin("l1")
		again.Request.State = "another"
		f.is(f.Store.CreateLogin(f.Context(), again), storage.ErrExists)
		f.unchanged(&login)
	},
	"an unknown login is not found by any step": func(f *fixture) {
		f.ok(f.Store.CreateLogin(f.Context(), newLogin("l1")))
		for _, id := range []string{"", "l", "l2"} {
			for name, step := range f.loginSteps(id, at(1)) {
				login, err := step()
				if login != nil {
					f.Errorf("%s(%q) returned a login", name, id)
				}
				f.is(err, storage.ErrNotFound)
			}
		}
	},
	"a login ends exactly at its expiry, for every step": func(f *fixture) {
		f.pendingLogin("l1")
		before := f.must(f.Store.Login(f.Context(), "l1", justBefore(at(600))))
		for name, step := range f.loginSteps("l1", at(600)) {
			if _, err := step(); err == nil {
				f.Errorf("%s went on after the expiry", name)
			} else {
				f.is(err, storage.ErrNotFound)
			}
		}
		f.unchanged(before)
		f.must(f.Store.RecordHint(f.Context(), "l1", "orderl1", storage.PhaseWorking, "started", justBefore(at(600))))
	},
	"every step returns and stores the login as it is then": func(f *fixture) {
		ctx, store, want := f.Context(), f.Store, newLogin("l1")
		f.ok(store.CreateLogin(ctx, want))
		check := func(got *storage.Login, err error) {
			f.Helper()
			f.ok(err)
			f.same(got, &want)
			f.same(f.must(f.Store.Login(ctx, "l1", at(1))), &want)
		}
		claim, order := newClaim("c1", 1), newOrder("o1", 2)
		f.ok(want.BeginOrder(claim))
		check(store.BeginOrder(ctx, "l1", claim))
		f.ok(want.DropClaim("c1", storage.Failure{Reason: "maintenance", Detail: "CLOSED", Retry: at(9)}))
		check(store.DropClaim(ctx, "l1", "c1", storage.Failure{Reason: "maintenance", Detail: "CLOSED", Retry: at(9)}, at(2)))
		claim = newClaim("c2", 3)
		f.ok(want.BeginOrder(claim))
		check(store.BeginOrder(ctx, "l1", claim))
		f.ok(want.PutOrder("c2", order))
		check(store.PutOrder(ctx, "l1", "c2", order))
		f.ok(want.RecordHint("o1", storage.PhaseWaiting, "unheardOf", at(4)))
		check(store.RecordHint(ctx, "l1", "o1", storage.PhaseWaiting, "unheardOf", at(4)))
		f.ok(want.RecordSeen(at(5)))
		check(store.RecordSeen(ctx, "l1", at(5)))
		f.ok(want.RecordSeen(at(3)))
		check(store.RecordSeen(ctx, "l1", at(3)))
		f.same(want.Seen, at(5))
		renewal := newClaim("c3", 5)
		renewal.Replaces = "o1"
		f.ok(want.BeginOrder(renewal))
		check(store.BeginOrder(ctx, "l1", renewal))
		order = newOrder("o2", 6)
		f.ok(want.PutOrder("c3", order))
		check(store.PutOrder(ctx, "l1", "c3", order))
		f.ok(want.RecordReturn(hash("nonceo1"), at(6)))
		check(store.RecordReturn(ctx, "l1", hash("nonceo1"), at(6)))
		f.ok(want.TakeBack("o1", at(7)))
		check(store.TakeBack(ctx, "l1", "o1", at(7)))
		f.ok(want.FailOrder("o1", storage.Failure{Reason: "userCancel", At: at(7)}))
		check(store.FailOrder(ctx, "l1", "o1", storage.Failure{Reason: "userCancel", At: at(7)}, at(7)))
		claim = newClaim("c4", 8)
		f.ok(want.BeginOrder(claim))
		check(store.BeginOrder(ctx, "l1", claim))
		f.ok(want.CancelOrder(storage.Failure{Reason: "cancelled"}))
		check(store.CancelOrder(ctx, "l1", storage.Failure{Reason: "cancelled"}, at(9)))
		claim, order = newClaim("c5", 10), newOrder("o3", 11)
		f.ok(want.BeginOrder(claim))
		check(store.BeginOrder(ctx, "l1", claim))
		f.ok(want.PutOrder("c5", order))
		check(store.PutOrder(ctx, "l1", "c5", order))
		f.ok(want.RecordReturn(hash("nonceo3"), at(12)))
		check(store.RecordReturn(ctx, "l1", hash("nonceo3"), at(12)))
		f.ok(want.CompleteLogin("o3", newResult(), at(13)))
		check(store.CompleteLogin(ctx, "l1", "o3", newResult(), at(13)))
		f.restart()
		store = f.Store
		grant := newGrant("g1", "app", "sid")
		f.ok(want.AnswerLogin(&grant, newCode(grant).Hash))
		check(store.AnswerLogin(ctx, "l1", newAnswer(grant), at(14)))
	},
	"a returned login is the caller's own": func(f *fixture) {
		clean := func() {
			f.Helper()
			login := f.must(f.Store.Login(f.Context(), "l1", at(3)))
			if login.State == "spoiled" || login.Order.HintCode == "spoiled" || login.Identity != nil && login.Identity.Method == "spoiled" {
				f.Fatal("a caller's change shows in the store")
			}
		}
		spoil := func(login *storage.Login) {
			f.Helper()
			login.State, login.Order.HintCode = "spoiled", "spoiled"
			if login.Identity != nil {
				login.Identity.Method = "spoiled"
			}
			clean()
		}
		spoil(f.pendingLogin("l1"))
		spoil(f.must(f.Store.Login(f.Context(), "l1", at(3))))
		f.must(f.Store.RecordHint(f.Context(), "l1", "orderl1", storage.PhaseWorking, "started", at(3)))
		clean()
		spoil(f.must(f.Store.CompleteLogin(f.Context(), "l1", "orderl1", newResult(), at(3))))
		spoil(f.must(f.Store.Login(f.Context(), "l1", at(3))))

		given := newLogin("l2")
		given.State, given.Order = storage.LoginPending, &storage.Order{ID: "o2", HintCode: "started"}
		f.ok(f.Store.CreateLogin(f.Context(), given))
		given.Order.HintCode = "spoiled"
		f.same(f.must(f.Store.Login(f.Context(), "l2", at(3))).Order.HintCode, "started")
	},
	"after BeginOrder the pending order is judged as it was made": func(f *fixture) {
		ctx, made := f.Context(), f.pendingLogin("l1").Order
		f.same(made.Starter, newClaim("any", 1).Starter)
		f.same(made.WindowEnds, newClaim("any", 1).WindowEnds)
		claim := newClaim("c2", 3)
		claim.Starter = stranger()
		f.same(f.must(f.Store.BeginOrder(ctx, "l1", claim)).Order, made)
		f.restart()
		f.same(f.must(f.Store.Login(ctx, "l1", at(4))).Order, made)
		hinted := f.must(f.Store.RecordHint(ctx, "l1", "orderl1", storage.PhaseWorking, "started", at(4)))
		f.same(hinted.Starter(), made.Starter)
		complete := f.must(f.Store.CompleteLogin(ctx, "l1", "orderl1", storage.Result{Identity: newIdentity(), ReturnWaived: true}, at(5)))
		f.same(complete.Order.Starter, made.Starter)
		f.same(complete.Order.WindowEnds, made.WindowEnds)
		f.same(complete.SeenBy(claim.Starter.DeviceIdentifier).Answerable(), false)
		f.same(complete.SeenBy(made.Starter.DeviceIdentifier).Answerable(), true)
	},
	"an order is its claim's, whatever its maker says, and a renewal its order's": func(f *fixture) {
		ctx, claim := f.Context(), newClaim("c1", 1)
		f.ok(f.Store.CreateLogin(ctx, newLogin("l1")))
		f.must(f.Store.BeginOrder(ctx, "l1", claim))
		order := newOrder("o1", 2)
		order.Starter, order.WindowEnds = stranger(), at(9)
		f.must(f.Store.PutOrder(ctx, "l1", "c1", order))
		renewal := newClaim("c2", 30)
		renewal.Replaces, renewal.Starter = "o1", stranger()
		f.same(f.must(f.Store.BeginOrder(ctx, "l1", renewal)).Claim.Starter, claim.Starter)
		order.ID, order.Started = "o2", at(31)
		f.must(f.Store.PutOrder(ctx, "l1", "c2", order))
		f.restart()
		got := f.must(f.Store.Login(ctx, "l1", at(32))).Order
		f.same(got.Starter, claim.Starter)
		f.same(got.WindowEnds, claim.WindowEnds)
	},
	"an order that never came about leaves who asked for it, and nothing to start": func(f *fixture) {
		for id, end := range map[string]func(id string) (*storage.Login, error){
			"dropped": func(id string) (*storage.Login, error) {
				return f.Store.DropClaim(f.Context(), id, "c2", storage.Failure{Reason: "unavailable"}, at(4))
			},
			"cancelled": func(id string) (*storage.Login, error) {
				return f.Store.CancelOrder(f.Context(), id, storage.Failure{Reason: "cancelled"}, at(4))
			},
		} {
			f.pendingLogin(id)
			claim := newClaim("c2", 3)
			claim.Starter = stranger()
			f.must(f.Store.BeginOrder(f.Context(), id, claim))
			got, err := end(id)
			f.ok(err)
			f.same(got.Order, &storage.Order{Starter: claim.Starter, WindowEnds: claim.WindowEnds})
		}
	},
	"an order of a dead claim is not put": func(f *fixture) {
		pending := f.pendingLogin("l1")
		f.must(f.Store.BeginOrder(f.Context(), "l1", newClaim("c2", 3)))
		late := newOrder("o2", 3)
		late.Started = at(3).Add(storage.ClaimLife)
		_, err := f.Store.PutOrder(f.Context(), "l1", "c2", late)
		f.is(err, storage.ErrConflict)
		f.same(f.must(f.Store.Login(f.Context(), "l1", at(30))).Order, pending.Order)
		late.Started = justBefore(late.Started)
		f.must(f.Store.PutOrder(f.Context(), "l1", "c2", late))
	},
	"an answer can be repeated until its code is redeemed": func(f *fixture) {
		ctx, grant := f.Context(), f.granted("g1", "app", "sid")
		f.same(f.open("codeg1", 5), true)
		want := f.must(f.Store.Login(ctx, "loging1", at(5)))
		f.ok(want.RepeatAnswer(hash("again")))
		f.same(f.must(f.Store.RepeatAnswer(ctx, "loging1", hash("again"), at(70), at(10))), want)
		f.unchanged(want)
		f.restart()
		f.unchanged(want)
		f.same(f.open("codeg1", 11), false)
		_, err := f.Store.RedeemCode(ctx, newRedemption(grant, 11)) // no replay: nobody has redeemed it
		f.is(err, storage.ErrNotFound)
		_, err = f.Store.RepeatAnswer(ctx, "loging1", hash("again"), at(70), at(11))
		f.is(err, storage.ErrExists)
		redemption := newRedemption(grant, 65) // later than the first would have lived
		redemption.CodeHash = hash("again")
		stranger := redemption
		stranger.RedirectURI = "https://evil.example/callback"
		_, err = f.Store.RedeemCode(ctx, stranger)
		f.is(err, storage.ErrMismatch)
		f.same(f.open("again", 65), true)
		got, err := f.Store.RedeemCode(ctx, redemption)
		f.ok(err)
		f.same(got.ID, "g1")
		f.same(f.open("again", 65), false)
		_, err = f.Store.RepeatAnswer(ctx, "loging1", hash("late"), at(90), at(66))
		f.is(err, storage.ErrConflict)
		_, err = f.Store.RedeemCode(ctx, redemption)
		f.same(errors.As(err, new(*storage.CodeReusedError)), true)
	},
	"an answer is not repeated when its code is dead": func(f *fixture) {
		ctx := f.Context()
		f.granted("g1", "app", "sid")
		f.granted("g2", "app", "sid")
		f.completeLogin("l3")
		f.must(f.Store.RefuseLogin(ctx, "l3", at(4)))
		f.completeLogin("l4")
		f.ok(f.Store.RevokeGrant(ctx, "g2", at(5)))
		f.same(f.open("codeg2", 6), false)
		f.same(f.open("codeg1", 64), false)
		f.same(f.open("no such code", 6), false)
		for id, when := range map[string]int{"loging1": 64, "loging2": 6, "l3": 6, "l4": 6} {
			_, err := f.Store.RepeatAnswer(ctx, id, hash("again"), at(90), at(when))
			f.is(err, storage.ErrConflict)
		}
		f.same(f.open("again", 6), false)
	},
	"a refused login gives no code": func(f *fixture) {
		want := f.completeLogin("l1")
		f.ok(want.RefuseLogin())
		f.same(f.must(f.Store.RefuseLogin(f.Context(), "l1", at(5))), want)
		grant := newGrant("g1", "app", "sid")
		_, err := f.Store.AnswerLogin(f.Context(), "l1", newAnswer(grant), at(6))
		f.is(err, storage.ErrConflict)
		_, err = f.Store.RedeemCode(f.Context(), newRedemption(grant, 7))
		f.is(err, storage.ErrNotFound)
		f.unchanged(want)
	},
	"a refusal changes nothing": func(f *fixture) {
		ctx := f.Context()
		pending := f.pendingLogin("l1")
		_, err := f.Store.CompleteLogin(ctx, "l1", "an older order", newResult(), at(3))
		f.is(err, storage.ErrConflict)
		_, err = f.Store.RecordReturn(ctx, "l1", hash("another nonce"), at(3))
		f.is(err, storage.ErrMismatch)
		_, err = f.Store.PutOrder(ctx, "l1", "another claim", newOrder("o9", 3))
		f.is(err, storage.ErrConflict)
		grant := newGrant("g1", "app", "sid")
		_, err = f.Store.AnswerLogin(ctx, "l1", newAnswer(grant), at(3))
		f.is(err, storage.ErrConflict)
		f.unchanged(pending)

		claimed := f.must(f.Store.BeginOrder(ctx, "l1", newClaim("c2", 4)))
		_, err = f.Store.BeginOrder(ctx, "l1", newClaim("c3", 5))
		f.is(err, storage.ErrBusy)
		f.unchanged(claimed)
	},
	"without the return there is no answer": func(f *fixture) {
		f.pendingLogin("l1")
		f.must(f.Store.CompleteLogin(f.Context(), "l1", "orderl1", newResult(), at(3)))
		grant := newGrant("g1", "app", "sid")
		_, err := f.Store.AnswerLogin(f.Context(), "l1", newAnswer(grant), at(4))
		f.is(err, storage.ErrConflict)
		f.must(f.Store.RecordReturn(f.Context(), "l1", hash("nonceorderl1"), at(5)))
		_, err = f.Store.RecordReturn(f.Context(), "l1", hash("nonceorderl1"), at(5))
		f.is(err, storage.ErrConflict)
		f.must(f.Store.AnswerLogin(f.Context(), "l1", newAnswer(grant), at(6)))
	},
	"a waived return needs no return, for this order only": func(f *fixture) {
		f.pendingLogin("l1")
		waived := storage.Result{Identity: newIdentity(), ReturnWaived: true}
		got := f.must(f.Store.CompleteLogin(f.Context(), "l1", "orderl1", waived, at(3)))
		f.same(got.Answerable(), true)
		f.restart()
		f.same(f.must(f.Store.Login(f.Context(), "l1", at(3))).Answerable(), true)
		f.must(f.Store.CancelOrder(f.Context(), "l1", storage.Failure{Reason: "cancelled"}, at(4)))
		f.must(f.Store.BeginOrder(f.Context(), "l1", newClaim("c2", 5)))
		f.must(f.Store.PutOrder(f.Context(), "l1", "c2", newOrder("o2", 5)))
		got = f.must(f.Store.CompleteLogin(f.Context(), "l1", "o2", newResult(), at(6)))
		f.same(got.Answerable(), false)
	},
	"an answer with an ID that was used before changes nothing": func(f *fixture) {
		old := f.granted("g1", "app", "sid")
		complete := f.completeLogin("l2")
		grant := newGrant("g2", "app", "sid")
		_, err := f.Store.AnswerLogin(f.Context(), "l2", storage.Answer{Code: newCode(old), Grant: grant}, at(4))
		f.is(err, storage.ErrExists)
		grant.ID = "g1"
		code := newCode(grant)
		code.Hash = hash("fresh")
		_, err = f.Store.AnswerLogin(f.Context(), "l2", storage.Answer{Code: code, Grant: grant}, at(4))
		f.is(err, storage.ErrExists)
		f.unchanged(complete)
		got, err := f.Store.RedeemCode(f.Context(), newRedemption(old, 5))
		f.ok(err)
		f.same(*got, old)
	},
}

var collectorTests = map[string]func(*fixture){
	"pending orders are counted": func(f *fixture) {
		count := func(want int) {
			f.Helper()
			got, err := f.Store.PendingOrders(f.Context())
			f.ok(err)
			f.same(got, want)
		}
		count(0)
		for _, id := range []string{"l1", "l2", "l3", "l4"} {
			f.pendingLogin(id)
		}
		f.completeLogin("l5")
		count(4)
		f.must(f.Store.BeginOrder(f.Context(), "l1", newClaim("again", 3)))
		f.must(f.Store.PutOrder(f.Context(), "l1", "again", newOrder("another", 3)))
		count(4)
		f.must(f.Store.CancelOrder(f.Context(), "l1", storage.Failure{}, at(3)))
		f.must(f.Store.FailOrder(f.Context(), "l2", "orderl2", storage.Failure{}, at(3)))
		count(2)
		f.restart()
		count(2)
		f.must(f.Store.RefuseLogin(f.Context(), "l3", at(3)))
		count(1)
	},
	"only orders of silent collectors are adopted": func(f *fixture) {
		ctx := f.Context()
		f.pendingLogin("l1")
		f.completeLogin("l2")
		f.ok(f.Store.Heartbeat(ctx, "collector-a", at(20)))
		f.ok(f.Store.Heartbeat(ctx, "collector-a", at(19))) // came late; it takes nothing back
		adopted, err := f.Store.AdoptOrders(ctx, "collector-b", at(20), at(30), 10)
		f.ok(err)
		f.same(len(adopted), 0)
		adopted, err = f.Store.AdoptOrders(ctx, "collector-b", at(20).Add(time.Microsecond), at(30), 10)
		f.ok(err)
		f.same(len(adopted), 1)
		f.same(adopted[0].Order.Collector, "collector-b")
		f.same(adopted[0].Revision, uint64(4))
		f.same(adopted[0], f.must(f.Store.Login(ctx, "l1", at(30))))
		// The order is the new collector's now, who lives.
		f.ok(f.Store.Heartbeat(ctx, "collector-b", at(31)))
		adopted, err = f.Store.AdoptOrders(ctx, "collector-c", at(25), at(32), 10)
		f.ok(err)
		f.same(len(adopted), 0)
	},
	"an order whose collector was never heard of is adopted": func(f *fixture) {
		f.pendingLogin("l1")
		f.restart()
		adopted, err := f.Store.AdoptOrders(f.Context(), "collector-b", at(0), at(3), 10)
		f.ok(err)
		f.same(len(adopted), 1)
		// The collector before was held up only: whatever it brings now comes too late.
		ctx, old := f.Context(), "orderl1"
		_, err = f.Store.RecordHint(ctx, "l1", old, storage.PhaseWorking, "userSign", at(4))
		f.is(err, storage.ErrConflict)
		_, err = f.Store.FailOrder(ctx, "l1", old, storage.Failure{Reason: "userCancel"}, at(4))
		f.is(err, storage.ErrConflict)
		_, err = f.Store.CompleteLogin(ctx, "l1", old, newResult(), at(4))
		f.is(err, storage.ErrConflict)
		renewal := newClaim("late", 4)
		renewal.Replaces = old
		_, err = f.Store.BeginOrder(ctx, "l1", renewal)
		f.is(err, storage.ErrConflict)
		f.must(f.Store.CompleteLogin(ctx, "l1", adopted[0].Order.ID, newResult(), at(4)))
		adopted, err = f.Store.AdoptOrders(f.Context(), "collector-c", at(50), at(60), 10)
		f.ok(err)
		f.same(len(adopted), 0)
	},
	"adoption keeps to its limit and passes over what has expired": func(f *fixture) {
		for i := range 5 {
			login := newLogin(name("expired", i))
			login.Expires = at(20)
			f.ok(f.Store.CreateLogin(f.Context(), login))
			f.must(f.Store.BeginOrder(f.Context(), login.ID, newClaim("c", 1)))
			f.must(f.Store.PutOrder(f.Context(), login.ID, "c", newOrder("o", 1)))
			f.pendingLogin(name("live", i))
		}
		seen := map[string]bool{}
		for _, want := range []int{0, 3, 2} {
			adopted, err := f.Store.AdoptOrders(f.Context(), "collector-b", at(10), at(20), want)
			f.ok(err)
			f.same(len(adopted), want)
			f.ok(f.Store.Heartbeat(f.Context(), "collector-b", at(20)))
			for _, login := range adopted {
				f.same(seen[login.ID], false)
				f.same(login.Live(at(20)), true)
				seen[login.ID] = true
			}
		}
		f.same(len(seen), 5)
		adopted, err := f.Store.AdoptOrders(f.Context(), "collector-c", at(10), at(20), 10)
		f.ok(err)
		f.same(len(adopted), 0)
	},
}
