package storagetest

import (
	"brygga/storage"
)

var grantTests = map[string]func(*fixture){
	"redeem gives grant and token with every field": func(f *fixture) {
		grant := f.granted("g1", "app", "sid")
		redemption := newRedemption(grant, 5)
		redemption.Token.GrantID = "whatever the caller wrote"
		got, err := f.Store.RedeemCode(f.Context(), redemption)
		f.ok(err)
		f.same(*got, grant)
		for range 2 {
			token, got, err := f.Store.AccessToken(f.Context(), hash("tokeng1"), at(6))
			f.ok(err)
			f.same(*token, storage.AccessToken{Hash: hash("tokeng1"), GrantID: "g1", Expires: at(1800)})
			f.same(*got, grant)
			f.restart()
		}
	},
	"redeem refuses what does not prove, and leaves the code": func(f *fixture) {
		grant := f.granted("g1", "app", "sid")
		for name, spoil := range map[string]func(*storage.Redemption) error{
			"unknown code": func(r *storage.Redemption) error { r.CodeHash = hash("no code"); return storage.ErrNotFound },
			"other client": func(r *storage.Redemption) error { r.ClientID = "other"; return storage.ErrNotFound },
			"redirect URI": func(r *storage.Redemption) error { r.RedirectURI += "/"; return storage.ErrMismatch },
			"challenge":    func(r *storage.Redemption) error { r.Challenge = "another"; return storage.ErrMismatch },
			"no verifier":  func(r *storage.Redemption) error { r.Challenge = ""; return storage.ErrMismatch },
			"resource":     func(r *storage.Redemption) error { r.Resources = []string{"ungranted"}; return storage.ErrTarget },
			"expired":      func(r *storage.Redemption) error { r.Now = at(64); return storage.ErrNotFound },
		} {
			redemption := newRedemption(grant, 5)
			want := spoil(&redemption)
			got, err := f.Store.RedeemCode(f.Context(), redemption)
			if got != nil {
				f.Errorf("%s: a grant was returned", name)
			}
			f.is(err, want)
			f.same(f.live(grant, 6), false)
		}
		redemption := newRedemption(grant, 0)
		redemption.Now = justBefore(at(64))
		_, err := f.Store.RedeemCode(f.Context(), redemption)
		f.ok(err)
	},
	"a code works once, and a replay is known as long as the grant": func(f *fixture) {
		grant := f.redeemed("g1", "app", "sid")
		for range 2 {
			redemption := newRedemption(grant, 6)
			redemption.Token.Hash = hash("second token")
			got, err := f.Store.RedeemCode(f.Context(), redemption)
			f.same(got == nil, true)
			f.reused(err, "g1")
			f.restart()
		}
		_, _, err := f.Store.AccessToken(f.Context(), hash("second token"), at(6))
		f.is(err, storage.ErrNotFound)
		redemption := newRedemption(grant, 0)
		redemption.Now = justBefore(at(3600))
		_, err = f.Store.RedeemCode(f.Context(), redemption)
		f.reused(err, "g1")
		redemption.Now = at(3600)
		_, err = f.Store.RedeemCode(f.Context(), redemption)
		f.is(err, storage.ErrNotFound)
		redemption.Now, redemption.ClientID = at(6), "other"
		_, err = f.Store.RedeemCode(f.Context(), redemption)
		f.is(err, storage.ErrNotFound)
	},
	"a returned grant is the caller's own": func(f *fixture) {
		want := f.granted("g1", "app", "sid")
		redeemed, err := f.Store.RedeemCode(f.Context(), newRedemption(want, 5))
		f.ok(err)
		redeemed.Subject, redeemed.Revoked = "spoiled", at(1)
		for range 2 {
			_, got, err := f.Store.AccessToken(f.Context(), hash("tokeng1"), at(6))
			f.ok(err)
			f.same(*got, want)
			got.Subject, got.Expires = "spoiled", at(1)
		}
	},
	"a token ends exactly at its expiry": func(f *fixture) {
		f.redeemed("g1", "app", "sid")
		for range 2 {
			_, _, err := f.Store.AccessToken(f.Context(), hash("tokeng1"), justBefore(at(1800)))
			f.ok(err)
			_, _, err = f.Store.AccessToken(f.Context(), hash("tokeng1"), at(1800))
			f.is(err, storage.ErrNotFound)
			_, _, err = f.Store.AccessToken(f.Context(), hash("no token"), at(5))
			f.is(err, storage.ErrNotFound)
			f.restart() // nothing is in memory
		}
	},
	"a token ends with its grant": func(f *fixture) {
		grant := f.granted("g1", "app", "sid")
		redemption := newRedemption(grant, 5)
		redemption.Token.Expires = at(7200)
		_, err := f.Store.RedeemCode(f.Context(), redemption)
		f.ok(err)
		_, _, err = f.Store.AccessToken(f.Context(), hash("tokeng1"), justBefore(at(3600)))
		f.ok(err)
		_, _, err = f.Store.AccessToken(f.Context(), hash("tokeng1"), at(3600))
		f.is(err, storage.ErrNotFound)
	},
	"a token of a client's own works until its grant ends, and none is made of a client that has changed": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), storage.Client{ID: "machine", Name: "Machine"}))
		grant := storage.Grant{ID: "own", ClientID: "machine", Subject: "machine", Scopes: []string{"clients:read"}, Resources: []string{"https://api"}, AuthTime: at(1), Created: at(1), Expires: at(600)}
		token := storage.AccessToken{Hash: hash("own token"), Issued: at(1), Expires: at(600)}
		f.ok(f.Store.IssueToken(f.Context(), 1, grant, token))
		f.restart()
		got, granted, err := f.Store.AccessToken(f.Context(), hash("own token"), at(2))
		f.ok(err)
		f.same(granted.Scopes, grant.Scopes)
		f.same(got.GrantID, "own")
		_, _, err = f.Store.AccessToken(f.Context(), hash("own token"), at(600))
		f.is(err, storage.ErrNotFound)

		f.ok(f.Store.UpdateClient(f.Context(), storage.Client{ID: "machine", Name: "Machine", Disabled: true, Revision: 1}))
		_, _, err = f.Store.AccessToken(f.Context(), hash("own token"), at(3))
		f.is(err, storage.ErrNotFound)
		again := grant
		again.ID = "again"
		f.is(f.Store.IssueToken(f.Context(), 1, again, storage.AccessToken{Hash: hash("again"), Issued: at(3), Expires: at(600)}), storage.ErrConflict)
		_, _, err = f.Store.AccessToken(f.Context(), hash("again"), at(4))
		f.is(err, storage.ErrNotFound)
		again.ID, again.ClientID = "static", "of the configuration"
		f.ok(f.Store.IssueToken(f.Context(), 0, again, storage.AccessToken{Hash: hash("static"), Issued: at(3), Expires: at(600)}))
		f.ok(f.Store.RevokeGrant(f.Context(), "static", at(4)))
		_, _, err = f.Store.AccessToken(f.Context(), hash("static"), at(5))
		f.is(err, storage.ErrNotFound)
	},
	"revoking a grant kills its token and its code": func(f *fixture) {
		redeemed, unredeemed, other := f.redeemed("g1", "app", "sid"), f.granted("g2", "app", "sid"), f.redeemed("g3", "app", "sid")
		for range 2 {
			f.ok(f.Store.RevokeGrant(f.Context(), "g1", at(10)))
			f.ok(f.Store.RevokeGrant(f.Context(), "g2", at(10)))
		}
		f.ok(f.Store.RevokeGrant(f.Context(), "unknown", at(10)))
		f.ok(f.Store.RevokeGrant(f.Context(), "", at(10)))
		for range 2 {
			f.same(f.live(redeemed, 11), false)
			_, err := f.Store.RedeemCode(f.Context(), newRedemption(unredeemed, 11))
			f.is(err, storage.ErrNotFound)
			f.same(f.live(unredeemed, 11), false)
			_, err = f.Store.RedeemCode(f.Context(), newRedemption(redeemed, 11))
			f.reused(err, "g1")
			f.same(f.live(other, 11), true)
			f.restart()
		}
	},
	"ending a sid kills all of it and nothing else": func(f *fixture) {
		grants := []storage.Grant{
			f.redeemed("g1", "app", "sid"), f.redeemed("g2", "other", "sid"), f.redeemed("g3", "app", "sid"),
			f.redeemed("g4", "app", "sid2"), f.redeemed("g5", "app", "si"), f.redeemed("g6", "app", ""),
		}
		f.ok(f.Store.RevokeGrant(f.Context(), "g3", at(9)))
		end := func(sid string, want int) {
			f.Helper()
			got, err := f.Store.EndSessionID(f.Context(), sid, at(10))
			f.ok(err)
			f.same(got, storage.Ended{Grants: want})
		}
		end("sid", 2)
		end("sid", 0)
		end("unknown", 0)
		end("", 0)
		for i, want := range []bool{false, false, false, true, true, true} {
			f.same(f.live(grants[i], 11), want)
		}
		got, err := f.Store.EndSessionID(f.Context(), "sid2", at(3600)) // when its grant has expired
		f.ok(err)
		f.same(got, storage.Ended{})
	},
}
