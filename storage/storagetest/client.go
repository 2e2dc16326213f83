package storagetest

import "brygga/storage"

var clientTests = map[string]func(*fixture){
	"create keeps every field and starts at revision 1": func(f *fixture) {
		client := newClient("app")
		client.Revision = 77
		f.ok(f.Store.CreateClient(f.Context(), client))
		client.Revision = 1
		for range 2 {
			got, err := f.Store.Client(f.Context(), "app")
			f.ok(err)
			f.same(*got, client)
			f.restart()
		}
	},
	"create refuses an ID twice": func(f *fixture) {
		first := newClient("app")
		f.ok(f.Store.CreateClient(f.Context(), first))
		second := newClient("app")
		second.Name = "another"
		f.is(f.Store.CreateClient(f.Context(), second), storage.ErrExists)
		got, err := f.Store.Client(f.Context(), "app")
		f.ok(err)
		f.same(got.Name, first.Name)
	},
	"an unknown client is not found": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		for _, id := range []string{"", "ap", "app2", "APP"} {
			_, err := f.Store.Client(f.Context(), id)
			f.is(err, storage.ErrNotFound)
			f.is(f.Store.UpdateClient(f.Context(), storage.Client{ID: id}), storage.ErrNotFound)
			f.is(f.Store.RemoveClient(f.Context(), id, at(0)), storage.ErrNotFound)
		}
	},
	"all clients come in the order of their IDs": func(f *fixture) {
		got, err := f.Store.Clients(f.Context())
		f.ok(err)
		f.same(len(got), 0)
		for _, id := range []string{"b", "a-2", "c", "a.1", "B", "a_3"} {
			f.ok(f.Store.CreateClient(f.Context(), newClient(id)))
		}
		f.ok(f.Store.RemoveClient(f.Context(), "c", at(0)))
		for range 2 {
			got, err = f.Store.Clients(f.Context())
			f.ok(err)
			var ids []string
			for _, client := range got {
				ids = append(ids, client.ID)
			}
			f.same(ids, []string{"B", "a-2", "a.1", "a_3", "b"})
			f.restart()
		}
	},
	"update replaces every field and counts": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), storage.Client{ID: "app"}))
		client := newClient("app")
		client.Revision = 1
		f.ok(f.Store.UpdateClient(f.Context(), client))
		client.Revision = 2
		for range 2 {
			got, err := f.Store.Client(f.Context(), "app")
			f.ok(err)
			f.same(*got, client)
			f.restart()
		}
	},
	"update refuses a stale revision": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		for _, revision := range []uint64{0, 2} {
			client := newClient("app")
			client.Name, client.Revision = "stale", revision
			f.is(f.Store.UpdateClient(f.Context(), client), storage.ErrConflict)
		}
		got, err := f.Store.Client(f.Context(), "app")
		f.ok(err)
		f.same(got.Name, newClient("app").Name)
		f.same(got.Revision, uint64(1))
	},
	"a stored client shares nothing with the caller's": func(f *fixture) {
		client := newClient("app")
		f.ok(f.Store.CreateClient(f.Context(), client))
		client.RedirectURIs[0] = "https://evil.example/"
		got, err := f.Store.Client(f.Context(), "app")
		f.ok(err)
		f.same(got.RedirectURIs, newClient("app").RedirectURIs)
	},
	"remove revokes what the client was granted, for ever": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		f.ok(f.Store.CreateClient(f.Context(), newClient("other")))
		redeemed, unredeemed := f.redeemed("g1", "app", "sid-1"), f.granted("g2", "app", "sid-1")
		bystander := f.redeemed("g3", "other", "sid-1")
		static := f.redeemed("g4", "in-the-configuration", "sid-1")

		f.ok(f.Store.RemoveClient(f.Context(), "app", at(10)))
		_, err := f.Store.Client(f.Context(), "app")
		f.is(err, storage.ErrNotFound)
		check := func() {
			f.Helper()
			f.same(f.live(redeemed, 11), false)
			_, err := f.Store.RedeemCode(f.Context(), newRedemption(unredeemed, 11))
			f.is(err, storage.ErrNotFound)
			f.same(f.live(bystander, 11), true)
			f.same(f.live(static, 11), true)
		}
		check()
		f.restart()
		check()
		// The ID may be taken by another app, which gets nothing of what the first one had.
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		check()
		fresh := f.redeemed("g5", "app", "sid-1")
		f.same(f.live(fresh, 11), true)
		ended, err := f.Store.EndSessionID(f.Context(), "sid-1", at(12))
		f.ok(err)
		f.same(ended, storage.Ended{Grants: 3})
	},
	"an update leaves the grants": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		grant := f.redeemed("g1", "app", "sid-1")
		client := newClient("app")
		client.Revision = 1
		f.ok(f.Store.UpdateClient(f.Context(), client))
		f.same(f.live(grant, 11), true)
	},
}
