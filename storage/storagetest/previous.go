package storagetest

import "brygga/storage"

// renewedLogin stores a login whose order "order" + id has silently replaced "before" + id.
func (f *fixture) renewedLogin(id string) *storage.Login {
	f.Helper()
	ctx := f.Context()
	f.ok(f.Store.CreateLogin(ctx, newLogin(id)))
	f.must(f.Store.BeginOrder(ctx, id, newClaim("first"+id, 1)))
	f.must(f.Store.PutOrder(ctx, id, "first"+id, newOrder("before"+id, 2)))
	renewal := newClaim("renewal"+id, 30)
	renewal.Replaces = "before" + id
	f.must(f.Store.BeginOrder(ctx, id, renewal))
	return f.must(f.Store.PutOrder(ctx, id, "renewal"+id, newOrder("order"+id, 30)))
}

var previousTests = map[string]func(*fixture){
	"the order before a renewal comes back as it was made, after a restart too": func(f *fixture) {
		renewed := f.renewedLogin("l1")
		f.same(renewed.Previous.ID, "beforel1")
		f.must(f.Store.RecordReturn(f.Context(), "l1", hash("noncebeforel1"), at(31)))
		f.restart()
		got := f.must(f.Store.TakeBack(f.Context(), "l1", "beforel1", at(32)))
		f.same(got.Order, renewed.Previous)
		f.same(got.Returned, at(31))
		f.same(got.Previous == nil, true)
		f.unchanged(got)
		_, err := f.Store.CompleteLogin(f.Context(), "l1", "orderl1", newResult(), at(33))
		f.is(err, storage.ErrConflict)
		f.must(f.Store.CompleteLogin(f.Context(), "l1", "beforel1", newResult(), at(33)))
	},
	"the order before is the caller's own": func(f *fixture) {
		f.renewedLogin("l1").Previous.HintCode = "spoiled"
		f.must(f.Store.Login(f.Context(), "l1", at(31))).Previous.HintCode = "spoiled"
		f.same(f.must(f.Store.Login(f.Context(), "l1", at(31))).Previous.HintCode, "")
	},
	"an order is taken back once": func(f *fixture) {
		f.renewedLogin("l1")
		f.same(f.race(racers, func(int) error {
			_, err := f.Store.TakeBack(f.Context(), "l1", "beforel1", at(32))
			return err
		}, storage.ErrConflict), 1)
	},
	"of two orders that apps have one goes on": func(f *fixture) {
		f.renewedLogin("l1")
		f.same(f.race(2, func(i int) error {
			if i == 0 {
				_, err := f.Store.TakeBack(f.Context(), "l1", "beforel1", at(32))
				return err
			}
			_, err := f.Store.RecordHint(f.Context(), "l1", "orderl1", storage.PhaseWorking, "started", at(32))
			return err
		}, storage.ErrConflict), 1)
	},
	"what a person wants is not undone by an order from before": func(f *fixture) {
		for _, id := range []string{"l1", "l2"} {
			f.renewedLogin(id)
		}
		f.race(racers, func(i int) error {
			if i%2 == 0 {
				_, err := f.Store.TakeBack(f.Context(), "l1", "beforel1", at(32))
				return err
			}
			_, err := f.Store.CancelOrder(f.Context(), "l1", storage.Failure{Reason: "cancelled"}, at(32))
			return err
		}, storage.ErrConflict)
		f.same(f.must(f.Store.Login(f.Context(), "l1", at(33))).State, storage.LoginFailed)

		f.must(f.Store.BeginOrder(f.Context(), "l2", newClaim("wish", 31)))
		f.race(racers, func(i int) error {
			if i > 0 {
				_, err := f.Store.TakeBack(f.Context(), "l2", "beforel2", at(32))
				return err
			}
			_, err := f.Store.PutOrder(f.Context(), "l2", "wish", newOrder("wanted", 32))
			return err
		}, storage.ErrConflict)
		f.same(f.must(f.Store.Login(f.Context(), "l2", at(33))).Order.ID, "wanted")
	},
}
