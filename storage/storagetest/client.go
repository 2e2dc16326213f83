package storagetest

import (
	"errors"

	"brygga/storage"
)

// pages returns the IDs of all clients, read in pages of limit.
func (f *fixture) pages(limit int) (ids []string) {
	f.Helper()
	for after := ""; ; {
		page, err := f.Store.Clients(f.Context(), after, limit)
		f.ok(err)
		for _, client := range page {
			ids = append(ids, client.ID)
		}
		if len(page) < limit {
			return ids
		}
		after = ids[len(ids)-1]
	}
}

var clientTests = map[string]func(*fixture){
	"create keeps every field and starts at revision 1": func(f *fixture) {
		client := newClient("app")
		client.Revision, client.Disabled = 77, true
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
	"what a client holds is counted": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		f.ok(f.Store.CreateClient(f.Context(), newClient("other")))
		f.ok(f.Store.PushRequest(f.Context(), newRequest("1", "app")))
		f.ok(f.Store.PushRequest(f.Context(), newRequest("2", "other")))
		f.granted("g1", "app", "sid1")
		session, _ := f.signedIn("s1", "g2", "app", "sid2", offline)
		f.served(session, "g3", "other", "sid3")
		revoked := f.granted("g4", "app", "sid4")
		f.ok(f.Store.RevokeGrant(f.Context(), revoked.ID, at(5)))
		holds := func(id string, seconds, most int, want storage.Holdings) {
			f.Helper()
			got, err := f.Store.Holdings(f.Context(), id, at(seconds), most)
			f.ok(err)
			f.same(got, want)
		}
		for range 2 {
			holds("app", 6, 9, storage.Holdings{Grants: 2, Offline: 1, Pushed: 1})
			holds("other", 6, 9, storage.Holdings{Grants: 1, Pushed: 1})
			holds("nobody", 6, 9, storage.Holdings{})
			f.restart()
		}
		got, err := f.Store.Holdings(f.Context(), "app", at(6), 1)
		f.ok(err)
		f.same(got.Grants, 1)
		holds("app", 9000, 9, storage.Holdings{})
		client, err := f.Store.Client(f.Context(), "app")
		f.ok(err)
		off := *client
		off.Disabled = true
		f.ok(f.Store.UpdateClient(f.Context(), off))
		holds("app", 6, 9, storage.Holdings{})
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
		f.same(len(f.pages(10)), 0)
		for _, id := range []string{"b", "a-2", "c", "a.1", "B", "a_3"} {
			f.ok(f.Store.CreateClient(f.Context(), newClient(id)))
		}
		f.ok(f.Store.RemoveClient(f.Context(), "c", at(0)))
		for range 2 {
			for _, limit := range []int{1, 2, 3, 5, 6} {
				f.same(f.pages(limit), []string{"B", "a-2", "a.1", "a_3", "b"})
			}
			for after, want := range map[string]int{"": 5, "A": 5, "B": 4, "a": 4, "a.1": 2, "a_2": 2, "b": 0, "z": 0} {
				page, err := f.Store.Clients(f.Context(), after, 10)
				f.ok(err)
				f.same(len(page), want)
			}
			page, err := f.Store.Clients(f.Context(), "", 0)
			f.ok(err)
			f.same(len(page), 0)
			f.restart()
		}
	},
	"a page has every field": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		got, err := f.Store.Clients(f.Context(), "", 1)
		f.ok(err)
		want, err := f.Store.Client(f.Context(), "app")
		f.ok(err)
		f.same(got, []*storage.Client{want})
	},
	"origins are registered as long as a client has them": func(f *fixture) {
		is := func(origin string, want bool) {
			f.Helper()
			for range 2 {
				got, err := f.Store.OriginRegistered(f.Context(), origin)
				f.ok(err)
				if got != want {
					f.Fatalf("origin %q: registered %t, want %t", origin, got, want)
				}
				f.restart()
			}
		}
		first, second := newClient("app"), newClient("app2")
		first.Origins = []string{"https://a.example", "https://b.example"}
		second.Origins, second.AuthMethod = nil, storage.AuthMethodNone
		second.RedirectURIs = []string{"https://b.example/callback", "https://c.example:8443/callback", "app:/callback"}
		is("https://a.example", false)
		f.ok(f.Store.CreateClient(f.Context(), first))
		f.ok(f.Store.CreateClient(f.Context(), second))
		for _, origin := range []string{"https://a.example", "https://b.example", "https://c.example:8443"} {
			is(origin, true)
		}
		for _, origin := range []string{"", "null", "https://a.exampl", "https://a.example.", "https://c.example", "https://a.example\x00app", "app:"} {
			is(origin, false)
		}
		first.Revision, first.Origins = 1, []string{"https://a.example", "https://d.example"}
		f.ok(f.Store.UpdateClient(f.Context(), first))
		is("https://a.example", true)
		is("https://b.example", true) // the other client's
		is("https://d.example", true)
		f.ok(f.Store.RemoveClient(f.Context(), "app2", at(1)))
		is("https://b.example", false)
		is("https://c.example:8443", false)
		f.is(f.Store.UpdateClient(f.Context(), first), storage.ErrConflict)
		first.Revision, first.Origins = 2, nil
		f.ok(f.Store.UpdateClient(f.Context(), first))
		is("https://a.example", false)
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
	"disabling revokes what the client was granted and has pushed, for ever": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		f.ok(f.Store.CreateClient(f.Context(), newClient("other")))
		redeemed, unredeemed := f.redeemed("g1", "app", "sid-1"), f.granted("g2", "app", "sid-1")
		bystander := f.redeemed("g3", "other", "sid-1")
		f.ok(f.Store.PushRequest(f.Context(), newRequest("1", "app")))
		f.ok(f.Store.PushRequest(f.Context(), newRequest("2", "other")))
		client := newClient("app")
		client.Disabled = true
		for revision, disabled := range []bool{true, false} {
			client.Revision, client.Disabled = uint64(revision+1), disabled
			f.ok(f.Store.UpdateClient(f.Context(), client))
			for range 2 {
				f.same(f.live(redeemed, 11), false)
				_, err := f.Store.RedeemCode(f.Context(), newRedemption(unredeemed, 11))
				f.is(err, storage.ErrNotFound)
				f.taken("1", "app", 11)
				f.same(f.live(bystander, 11), true)
				f.restart()
			}
		}
		f.same(f.live(f.redeemed("g5", "app", "sid-1"), 11), true) // enabled again, it is granted anew
		_, err := f.Store.TakePushedRequest(f.Context(), hash("request2"), "other", at(11))
		f.ok(err)
	},
	"removing a client removes what it has pushed": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		f.ok(f.Store.PushRequest(f.Context(), newRequest("1", "app")))
		f.ok(f.Store.RemoveClient(f.Context(), "app", at(10)))
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		f.taken("1", "app", 11)
	},
	"several clients change together": func(f *fixture) {
		for _, id := range []string{"changed", "removed", "left"} {
			f.ok(f.Store.CreateClient(f.Context(), newClient(id)))
		}
		changed, created := newClient("changed"), newClient("created")
		changed.Name, changed.Revision, created.Revision = "another", 1, 0
		grant := f.redeemed("g1", "removed", "sid-1")
		event := newEvent("bulk", 3)
		f.ok(f.Store.ChangeClients(f.Context(), []storage.ClientStep{
			{Client: storage.Client{ID: "removed", Revision: 1}, Remove: true}, {Client: created}, {Client: changed},
		}, at(10), event))
		changed.Revision, created.Revision = 2, 1
		for range 2 {
			f.same(f.pages(10), []string{"changed", "created", "left"})
			for _, want := range []storage.Client{changed, created} {
				got, err := f.Store.Client(f.Context(), want.ID)
				f.ok(err)
				f.same(*got, want)
			}
			f.same(f.live(grant, 11), false)
			f.restart()
		}
		f.is(f.Store.AppendAudit(f.Context(), event), storage.ErrExists)
	},
	"of several clients none changes when one cannot": func(f *fixture) {
		for _, id := range []string{"a", "z"} {
			f.ok(f.Store.CreateClient(f.Context(), newClient(id)))
		}
		a, b := newClient("a"), newClient("b")
		a.Name, a.Revision, b.Revision = "another", 1, 0
		stale, again := newClient("z"), newClient("z")
		stale.Revision, again.Revision = 7, 0
		for _, step := range []struct {
			storage.ClientStep
			want error
		}{
			{storage.ClientStep{Client: stale}, storage.ErrConflict}, {storage.ClientStep{Client: stale, Remove: true}, storage.ErrConflict},
			{storage.ClientStep{Client: storage.Client{ID: "z"}, Remove: true}, storage.ErrConflict}, {storage.ClientStep{Client: again}, storage.ErrExists},
			{storage.ClientStep{Client: storage.Client{ID: "zz", Revision: 1}}, storage.ErrNotFound},
			{storage.ClientStep{Client: storage.Client{ID: "zz", Revision: 1}, Remove: true}, storage.ErrNotFound},
			{storage.ClientStep{Client: a}, storage.ErrExists}, // named twice
		} {
			err := f.Store.ChangeClients(f.Context(), []storage.ClientStep{{Client: a}, step.ClientStep, {Client: b}}, at(1), newEvent("bulk", 3))
			f.is(err, step.want)
			failed, ok := errors.AsType[*storage.ClientStepError](err)
			f.same(ok && failed.ID == step.Client.ID, true)
		}
		for range 2 {
			f.same(f.pages(10), []string{"a", "z"})
			got, err := f.Store.Client(f.Context(), "a")
			f.ok(err)
			f.same(got.Name, newClient("a").Name)
			f.restart()
		}
		f.ok(f.Store.AppendAudit(f.Context(), newEvent("bulk", 3)))
		f.ok(f.Store.ChangeClients(f.Context(), nil, at(1)))
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
