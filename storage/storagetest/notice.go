package storagetest

import (
	"time"

	"brygga/storage"
)

// claim claims at most limit notices and puts them off by an hour for each attempt.
func (f *fixture) claim(now time.Time, limit int) []storage.LogoutNotice {
	f.Helper()
	notices, err := f.Store.ClaimLogoutNotices(f.Context(), now, limit, hours)
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
func clients(notices []storage.LogoutNotice) (ids []string) {
	for _, notice := range notices {
		ids = append(ids, notice.ClientID)
	}
	return ids
}

var noticeTests = map[string]func(*fixture){
	"none are due in an empty store": func(f *fixture) {
		f.same(len(f.claim(at(10), 10)), 0)
		f.ok(f.Store.DropLogoutNotice(f.Context(), "unknown"))
		f.ok(f.Store.DropLogoutNotice(f.Context(), ""))
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
			f.same(got, []storage.LogoutNotice{want})
		}
	},
	"a dropped notice is gone": func(f *fixture) {
		f.notice("a", 10)
		f.notice("b", 10)
		for _, notice := range f.claim(at(10), 10) {
			if notice.ClientID == "a" {
				f.ok(f.Store.DropLogoutNotice(f.Context(), notice.ID))
				f.ok(f.Store.DropLogoutNotice(f.Context(), notice.ID))
			}
		}
		f.restart()
		f.same(clients(f.claim(at(7200), 10)), []string{"b"})
	},
	"an expired notice is given up": func(f *fixture) {
		f.notice("old", 10)
		f.notice("new", 20)
		end := at(10).Add(storage.LogoutNoticeLife)
		f.same(clients(f.claim(justBefore(end), 1)), []string{"old"})
		f.same(clients(f.claim(end.Add(hours(1)), 10)), []string(nil)) // both have expired by then
	},
	"an expired notice does not stand in the way": func(f *fixture) {
		f.notice("old", 10)
		f.notice("new", 20)
		f.same(clients(f.claim(at(10).Add(storage.LogoutNoticeLife), 1)), []string{"new"})
	},
	"notices go when they expire, delivered or not": func(f *fixture) {
		f.notice("a", 10)
		f.notice("b", 10)
		dropped := f.claim(at(10), 1)
		f.claim(at(10), 1)
		f.ok(f.Store.DropLogoutNotice(f.Context(), dropped[0].ID))
		f.sweep(at(5000), 10) // logins, codes and grants
		f.same(f.sweep(justBefore(at(10).Add(storage.LogoutNoticeLife)), 10), 0)
		f.same(f.sweep(at(10).Add(storage.LogoutNoticeLife), 10), 1)
		f.same(len(f.claim(at(10).Add(storage.LogoutNoticeLife-1), 10)), 0)
	},
}
