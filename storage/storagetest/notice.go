package storagetest

import (
	"time"

	"brygga/storage"
)

// claim claims at most limit notices and puts them off by an hour for each attempt.
func (f *fixture) claim(now time.Time, limit int) []storage.Notice {
	f.Helper()
	notices, err := f.Store.ClaimNotices(f.Context(), now, limit, hours)
	f.ok(err)
	return notices
}

func hours(attempts int) time.Duration { return time.Duration(attempts) * time.Hour }

// notice stores a session that ends at once, and so a notice to client.
func (f *fixture) notice(client string, seconds int) {
	f.Helper()
	f.signedIn("s"+client, "g"+client, client, "sid"+client, told)
	f.same(f.end("s"+client, seconds).Notices, 1)
}

// clients returns the clients of the notices.
func clients(notices []storage.Notice) (ids []string) {
	for _, notice := range notices {
		ids = append(ids, notice.ClientID)
	}
	return ids
}

// order stores a login of a program that has a pending order, or is about to have one, and whose client is told of its end.
func (f *fixture) order(id string, kind storage.Kind, quiet time.Time, pending bool) {
	f.Helper()
	login := newLogin(id)
	login.Request.ClientID, login.Request.Kind, login.Request.Call = "app", kind, &storage.Call{Initiator: storage.CallByUser}
	login.Request.Program = &storage.Program{Owner: "key:k", Expires: at(300), Told: true, Quiet: quiet}
	f.ok(f.Store.CreateLogin(f.Context(), login))
	f.must(f.Store.BeginOrder(f.Context(), id, newClaim("c"+id, 1)))
	if pending {
		f.must(f.Store.PutOrder(f.Context(), id, "c"+id, newOrder("order"+id, 2)))
	}
}

// endings are the steps that end an order: whether the order is there, the step at the second 3, and whether it brings a result.
var endings = map[string]struct {
	pending bool
	end     func(*fixture, string) (*storage.Login, error)
	result  bool
}{
	"CompleteLogin": {true, func(f *fixture, id string) (*storage.Login, error) {
		return f.Store.CompleteLogin(f.Context(), id, "order"+id, newResult(), at(3))
	}, true},
	"CompleteLogin with evidence": {true, func(f *fixture, id string) (*storage.Login, error) {
		result, record := newResult(), newEvidence("e"+id, "app", 3)
		result.Record = record
		return f.Store.CompleteLogin(f.Context(), id, "order"+id, result, at(3))
	}, true},
	"FailOrder": {true, func(f *fixture, id string) (*storage.Login, error) {
		return f.Store.FailOrder(f.Context(), id, "order"+id, storage.Failure{Reason: "userCancel"}, at(3))
	}, false},
	"CancelOrder": {true, func(f *fixture, id string) (*storage.Login, error) {
		return f.Store.CancelOrder(f.Context(), id, storage.Failure{Reason: "cancelled"}, at(3))
	}, false},
	"DropClaim": {false, func(f *fixture, id string) (*storage.Login, error) {
		return f.Store.DropClaim(f.Context(), id, "c"+id, storage.Failure{Reason: "unavailable"}, at(3))
	}, false},
}

var noticeTests = map[string]func(*fixture){
	"none are due in an empty store": func(f *fixture) {
		f.same(len(f.claim(at(10), 10)), 0)
		f.ok(f.Store.DropNotice(f.Context(), "unknown"))
		f.ok(f.Store.DropNotice(f.Context(), ""))
	},
	"the longest due come first, up to the limit": func(f *fixture) {
		for i, client := range []string{"c", "a", "d", "b"} {
			f.notice(client, 10+i)
		}
		f.same(len(f.claim(at(13), 0)), 0)
		f.same(len(f.claim(justBefore(at(10)), 10)), 0)
		f.same(clients(f.claim(at(12), 2)), []string{"c", "a"})
		f.same(clients(f.claim(at(12), 10)), []string{"d"})
		f.restart()
		f.same(clients(f.claim(at(13), 10)), []string{"b"})
	},
	"those that wait are counted, with when the first is due": func(f *fixture) {
		waiting := func(want int, first time.Time) {
			f.Helper()
			n, due, err := f.Store.WaitingNotices(f.Context())
			f.ok(err)
			f.same(n, want)
			f.same(due, first)
		}
		waiting(0, time.Time{})
		f.notice("b", 12)
		f.notice("a", 11)
		waiting(2, at(11))
		claimed := f.claim(at(11), 1)
		waiting(2, at(12))
		f.ok(f.Store.DropNotice(f.Context(), f.claim(at(12), 1)[0].ID))
		waiting(1, at(11).Add(hours(1)))
		f.restart()
		f.ok(f.Store.DropNotice(f.Context(), claimed[0].ID))
		waiting(0, time.Time{})
	},
	"a claimed notice is put off by what retry says of its attempts": func(f *fixture) {
		f.notice("app", 10)
		due, first := at(10), f.claim(at(10), 10)[0]
		for attempts := 2; attempts <= 4; attempts++ {
			due = due.Add(hours(attempts - 1))
			f.same(len(f.claim(justBefore(due), 10)), 0)
			f.restart()
			got := f.claim(due, 10)
			want := first
			want.Attempts, want.Due = attempts, due.Add(hours(attempts))
			f.same(got, []storage.Notice{want})
		}
	},
	"a dropped notice is gone": func(f *fixture) {
		f.notice("a", 10)
		f.notice("b", 10)
		for _, notice := range f.claim(at(10), 10) {
			if notice.ClientID == "a" {
				f.ok(f.Store.DropNotice(f.Context(), notice.ID))
				f.ok(f.Store.DropNotice(f.Context(), notice.ID))
			}
		}
		f.restart()
		f.same(clients(f.claim(at(7200), 10)), []string{"b"})
	},
	"an expired notice is given up": func(f *fixture) {
		f.notice("old", 10)
		f.notice("new", 20)
		end := at(10).Add(storage.NoticeLife)
		f.same(clients(f.claim(justBefore(end), 1)), []string{"old"})
		f.same(clients(f.claim(end.Add(hours(1)), 10)), []string(nil)) // both have expired by then
	},
	"an expired notice does not stand in the way": func(f *fixture) {
		f.notice("old", 10)
		f.notice("new", 20)
		f.same(clients(f.claim(at(10).Add(storage.NoticeLife), 1)), []string{"new"})
	},
	"notices go when they expire, delivered or not": func(f *fixture) {
		f.notice("a", 10)
		f.notice("b", 10)
		dropped := f.claim(at(10), 1)
		f.claim(at(10), 1)
		f.ok(f.Store.DropNotice(f.Context(), dropped[0].ID))
		f.sweep(at(5000), 10) // logins, codes and grants
		f.same(f.sweep(justBefore(at(10).Add(storage.NoticeLife)), 10), 0)
		f.same(f.sweep(at(10).Add(storage.NoticeLife), 10), 1)
		f.same(len(f.claim(at(10).Add(storage.NoticeLife-1), 10)), 0)
	},
	"an order ends with its notice, or not at all": func(f *fixture) {
		for name, ending := range endings {
			f.order(name, storage.KindSign, time.Time{}, ending.pending)
			f.same(len(f.claim(at(3), 10)), 0)
			f.must(ending.end(f, name))
			_, err := ending.end(f, name)
			f.is(err, storage.ErrConflict)
			f.restart()
			claimed := f.claim(at(3), 10)
			f.same(len(claimed), 1)
			f.same(claimed[0], storage.Notice{
				ID: claimed[0].ID, ClientID: "app", Created: at(3), Due: at(3).Add(hours(1)), Attempts: 1, Expires: at(3).Add(storage.NoticeLife),
				Order: &storage.EndedOrder{LoginID: name, Kind: storage.KindSign, Completed: ending.result, At: at(3)},
			})
			f.ok(f.Store.DropNotice(f.Context(), claimed[0].ID))
		}
	},
	"a failure that must not be told yet is due when it may be": func(f *fixture) {
		f.order("l1", storage.KindIdentify, at(30), false)
		f.order("l2", storage.KindIdentify, at(30), true)
		f.must(endings["DropClaim"].end(f, "l1"))
		f.must(endings["CompleteLogin"].end(f, "l2"))
		f.same(f.claim(justBefore(at(30)), 10)[0].Order.LoginID, "l2")
		f.same(f.claim(at(30), 10)[0].Order.LoginID, "l1")
	},
	"nobody is told of an order without being asked to": func(f *fixture) {
		f.pendingLogin("l1")
		f.must(endings["CompleteLogin"].end(f, "l1"))
		f.same(len(f.claim(at(10), 10)), 0)
	},
}
