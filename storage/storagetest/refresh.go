package storagetest

import (
	"brygga/storage"
)

// newRotation returns the right use of the grant's refresh token, which gives "refresh" and "token" + next.
func newRotation(grant storage.Grant, token, next string, seconds int) storage.Rotation {
	return storage.Rotation{
		Hash: hash(token), ClientID: grant.ClientID, Now: at(seconds),
		Next:  storage.RefreshToken{Hash: hash("refresh" + next), Expires: at(seconds + 1000)},
		Token: storage.AccessToken{Hash: hash("token" + next), Expires: at(seconds + 600)},
	}
}

// family stores an offline grant and redeems its code: its first refresh token is "refresh" + ID.
func (f *fixture) family(id, clientID string) storage.Grant {
	f.Helper()
	f.completeLogin("login" + id)
	grant := newGrant(id, clientID, "sid"+id)
	grant.Offline = true
	f.must(f.Store.AnswerLogin(f.Context(), "login"+id, newAnswer(grant), at(4)))
	f.redeem(grant)
	return grant
}

// notAgain demands that the spent token is taken for stolen at the time, with a grace of twenty seconds.
func (f *fixture) notAgain(grant storage.Grant, token string, seconds int) {
	f.Helper()
	rotation := newRotation(grant, token, "none", seconds)
	rotation.Grace = at(30).Sub(at(10))
	got, err := f.Store.RotateRefreshToken(f.Context(), rotation)
	f.same(got == nil, true)
	f.tokenReused(err, grant.ID)
	_, _, err = f.Store.AccessToken(f.Context(), hash("tokennone"), at(seconds))
	f.is(err, storage.ErrNotFound)
}

// noRefresh demands that the refresh token is unknown at the time, to a look and to a use.
func (f *fixture) noRefresh(grant storage.Grant, token string, seconds int) {
	f.Helper()
	_, _, err := f.Store.RefreshToken(f.Context(), hash(token), at(seconds))
	f.is(err, storage.ErrNotFound)
	_, err = f.Store.RotateRefreshToken(f.Context(), newRotation(grant, token, "none", seconds))
	f.is(err, storage.ErrNotFound)
	_, _, err = f.Store.AccessToken(f.Context(), hash("tokennone"), at(seconds))
	f.is(err, storage.ErrNotFound)
}

var refreshTests = map[string]func(*fixture){
	"the code of an offline grant begins a family": func(f *fixture) {
		f.completeLogin("loging1")
		grant := newGrant("g1", "app", "sid")
		grant.Offline = true
		f.must(f.Store.AnswerLogin(f.Context(), "loging1", newAnswer(grant), at(4)))
		redemption := newRedemption(grant, 5)
		redemption.Refresh.GrantID, redemption.Refresh.Generation, redemption.Refresh.Spent = "another", 7, at(1)
		_, err := f.Store.RedeemCode(f.Context(), redemption)
		f.ok(err)
		for range 2 {
			token, got, err := f.Store.RefreshToken(f.Context(), hash("refreshg1"), at(6))
			f.ok(err)
			f.same(*token, storage.RefreshToken{Hash: hash("refreshg1"), GrantID: "g1", Generation: 1, Expires: at(2000)})
			f.same(*got, grant)
			f.restart()
		}
	},
	"other codes begin none": func(f *fixture) {
		f.noRefresh(f.redeemed("g1", "app", "sid"), "refreshg1", 6)
		f.completeLogin("loging2")
		grant := newGrant("g2", "app", "sid")
		grant.Offline = true
		f.must(f.Store.AnswerLogin(f.Context(), "loging2", newAnswer(grant), at(4)))
		redemption := newRedemption(grant, 5)
		redemption.Refresh = storage.RefreshToken{Expires: at(2000)}
		_, err := f.Store.RedeemCode(f.Context(), redemption)
		f.ok(err)
		_, _, err = f.Store.RefreshToken(f.Context(), [32]byte{}, at(6))
		f.is(err, storage.ErrNotFound)
	},
	"each use gives the next token, with every field": func(f *fixture) {
		grant := f.family("g1", "app")
		for i, token := range []string{"refreshg1", "refresh2", "refresh3"} {
			next := string(rune('2' + i))
			rotation := newRotation(grant, token, next, 10+i)
			rotation.Next.GrantID, rotation.Next.Generation, rotation.Next.Spent = "another", 9, at(1)
			rotation.Token = storage.AccessToken{
				Hash: hash("token" + next), GrantID: "another", Issued: at(10 + i), Expires: at(700), Scopes: []string{"openid"}, Resources: []string{"r"},
			}
			got, err := f.Store.RotateRefreshToken(f.Context(), rotation)
			f.ok(err)
			f.same(*got.Grant, grant)
			f.same(got.Used, at(10+i))
			f.restart()
			spent, _, err := f.Store.RefreshToken(f.Context(), hash(token), at(20))
			f.ok(err)
			f.same(spent.Spent, at(10+i))
			live, _, err := f.Store.RefreshToken(f.Context(), hash("refresh"+next), at(20))
			f.ok(err)
			f.same(*live, storage.RefreshToken{Hash: hash("refresh" + next), GrantID: "g1", Generation: i + 2, Expires: at(1010 + i)})
			access, _, err := f.Store.AccessToken(f.Context(), hash("token"+next), at(20))
			f.ok(err)
			rotation.Token.GrantID = "g1"
			f.same(*access, rotation.Token)
		}
		f.same(f.live(grant, 20), true) // the access token of before goes on
	},
	"a token ends exactly at its expiry, and its family with the grant": func(f *fixture) {
		grant := f.family("g1", "app")
		rotation := newRotation(grant, "refreshg1", "2", 0)
		rotation.Now = at(2000)
		_, err := f.Store.RotateRefreshToken(f.Context(), rotation)
		f.is(err, storage.ErrNotFound)
		rotation.Now, rotation.Next.Expires = justBefore(at(2000)), at(9999)
		_, err = f.Store.RotateRefreshToken(f.Context(), rotation)
		f.ok(err)
		next, _, err := f.Store.RefreshToken(f.Context(), hash("refresh2"), at(2001))
		f.ok(err)
		f.same(next.Expires, grant.Expires)
		rotation = newRotation(grant, "refresh2", "3", 0)
		rotation.Now = justBefore(at(3600))
		_, err = f.Store.RotateRefreshToken(f.Context(), rotation)
		f.ok(err)
		f.noRefresh(grant, "refresh3", 3600)
		f.noRefresh(grant, "refreshg1", 3600)
	},
	"a token works once, and a replay is known as long as the grant": func(f *fixture) {
		grant := f.family("g1", "app")
		_, err := f.Store.RotateRefreshToken(f.Context(), newRotation(grant, "refreshg1", "2", 10))
		f.ok(err)
		for _, seconds := range []int{10, 2500, 3599} { // its own expiry is at 2000
			got, err := f.Store.RotateRefreshToken(f.Context(), newRotation(grant, "refreshg1", "again", seconds))
			f.same(got == nil, true)
			f.tokenReused(err, "g1")
			f.restart()
			f.sweep(at(seconds), 10)
		}
		for _, token := range []string{"tokenagain", "refreshagain"} {
			_, _, err := f.Store.AccessToken(f.Context(), hash(token), at(10))
			f.is(err, storage.ErrNotFound)
			_, _, err = f.Store.RefreshToken(f.Context(), hash(token), at(10))
			f.is(err, storage.ErrNotFound)
		}
		other := newRotation(grant, "refreshg1", "again", 10)
		other.ClientID = "other"
		_, err = f.Store.RotateRefreshToken(f.Context(), other)
		f.is(err, storage.ErrNotFound) // another client learns nothing
	},
	"within the grace a token comes again, while the next is unused": func(f *fixture) {
		grant := f.family("g1", "app")
		_, err := f.Store.RotateRefreshToken(f.Context(), newRotation(grant, "refreshg1", "2", 10))
		f.ok(err)
		for i, seconds := range []int{10, 15, 29} { // an answer may be lost with the process
			f.restart()
			rotation := newRotation(grant, "refreshg1", name("again", i), seconds)
			rotation.Grace = at(30).Sub(at(10))
			got, err := f.Store.RotateRefreshToken(f.Context(), rotation)
			f.ok(err)
			f.same(*got.Grant, grant)
			f.same(got.Used, at(10))
			access, _, err := f.Store.AccessToken(f.Context(), hash("token"+name("again", i)), at(30))
			f.ok(err)
			f.same(access.GrantID, "g1")
			_, _, err = f.Store.RefreshToken(f.Context(), hash("refresh"+name("again", i)), at(30))
			f.is(err, storage.ErrNotFound)
		}
		spent, _, err := f.Store.RefreshToken(f.Context(), hash("refreshg1"), at(30))
		f.ok(err)
		f.same(spent.Spent, at(10))
		f.notAgain(grant, "refreshg1", 30)
		f.notAgain(grant, "refreshg1", 40)
		_, err = f.Store.RotateRefreshToken(f.Context(), newRotation(grant, "refresh2", "3", 29))
		f.ok(err)
		f.notAgain(grant, "refreshg1", 29) // the next is used
		f.same(f.live(grant, 30), true)    // to revoke the grant is the caller's step
	},
	"a token before last does not come again": func(f *fixture) {
		grant := f.family("g1", "app")
		for i, token := range []string{"refreshg1", "refresh2"} {
			_, err := f.Store.RotateRefreshToken(f.Context(), newRotation(grant, token, string(rune('2'+i)), 10))
			f.ok(err)
		}
		f.notAgain(grant, "refreshg1", 10)
		rotation := newRotation(grant, "refresh2", "again", 10)
		rotation.Grace = at(20).Sub(at(10))
		_, err := f.Store.RotateRefreshToken(f.Context(), rotation)
		f.ok(err)
		f.ok(f.Store.RevokeGrant(f.Context(), "g1", at(11)))
		rotation.Now = at(12)
		_, err = f.Store.RotateRefreshToken(f.Context(), rotation)
		f.is(err, storage.ErrNotFound)
	},
	"a kept token goes on": func(f *fixture) {
		grant := f.family("g1", "app")
		for i := range 3 {
			rotation := newRotation(grant, "refreshg1", name("-", i), 10+i)
			rotation.Keep, rotation.Next.Expires = true, at(3000+i)
			got, err := f.Store.RotateRefreshToken(f.Context(), rotation)
			f.ok(err)
			f.same(got.Used, at(10+i))
			f.restart()
			kept, _, err := f.Store.RefreshToken(f.Context(), hash("refreshg1"), at(20))
			f.ok(err)
			f.same(*kept, storage.RefreshToken{Hash: hash("refreshg1"), GrantID: "g1", Generation: 1, Expires: at(3000 + i)})
			_, _, err = f.Store.AccessToken(f.Context(), hash("token"+name("-", i)), at(20))
			f.ok(err)
			_, _, err = f.Store.RefreshToken(f.Context(), hash("refresh"+name("-", i)), at(20))
			f.is(err, storage.ErrNotFound)
		}
		rotation := newRotation(grant, "refreshg1", "2", 0)
		rotation.Keep, rotation.Now = true, at(3002)
		_, err := f.Store.RotateRefreshToken(f.Context(), rotation)
		f.is(err, storage.ErrNotFound)
		_, err = f.Store.RotateRefreshToken(f.Context(), newRotation(grant, "refreshg1", "2", 2999))
		f.ok(err)
		f.notAgain(grant, "refreshg1", 3030)
		f.sweep(at(3600), 20)
		f.same(f.sweep(at(3600), 20), 0)
	},
	"another client's use spends nothing": func(f *fixture) {
		grant := f.family("g1", "app")
		rotation := newRotation(grant, "refreshg1", "2", 10)
		rotation.ClientID = "other"
		_, err := f.Store.RotateRefreshToken(f.Context(), rotation)
		f.is(err, storage.ErrNotFound)
		rotation.ClientID = "app"
		_, err = f.Store.RotateRefreshToken(f.Context(), rotation)
		f.ok(err)
	},
	"an unknown token is not found": func(f *fixture) {
		f.noRefresh(f.family("g1", "app"), "refresh", 6)
	},
	"revoking the grant kills the family": func(f *fixture) {
		grant, other := f.family("g1", "app"), f.family("g2", "app")
		_, err := f.Store.RotateRefreshToken(f.Context(), newRotation(grant, "refreshg1", "2", 10))
		f.ok(err)
		f.ok(f.Store.RevokeGrant(f.Context(), "g1", at(11)))
		for range 2 {
			f.noRefresh(grant, "refreshg1", 12)
			f.noRefresh(grant, "refresh2", 12)
			f.same(f.live(grant, 12), false)
			f.restart()
		}
		_, err = f.Store.RotateRefreshToken(f.Context(), newRotation(other, "refreshg2", "3", 12))
		f.ok(err)
	},
	"removing the client kills its families, for ever": func(f *fixture) {
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		grant := f.family("g1", "app")
		f.ok(f.Store.RemoveClient(f.Context(), "app", at(10)))
		f.noRefresh(grant, "refreshg1", 11)
		f.ok(f.Store.CreateClient(f.Context(), newClient("app")))
		f.noRefresh(grant, "refreshg1", 12)
	},
	"a long family goes in small batches": func(f *fixture) {
		grant := f.family("g1", "app")
		token := "refreshg1"
		for i := range 20 {
			_, err := f.Store.RotateRefreshToken(f.Context(), newRotation(grant, token, name("-", i), 10+i))
			f.ok(err)
			token = "refresh" + name("-", i)
		}
		f.same(f.sweep(justBefore(at(3600)), 4), 22) // the login and the access tokens
		f.same(f.sweep(at(3600), 4), 23)             // grant, code and all refresh tokens
		for i := range 20 {
			_, _, err := f.Store.RefreshToken(f.Context(), hash("refresh"+name("-", i)), at(10))
			f.is(err, storage.ErrNotFound)
		}
		f.family("g1", "app") // every place is free
	},
	"a family goes when its grant does": func(f *fixture) {
		grant := f.family("g1", "app")
		_, err := f.Store.RotateRefreshToken(f.Context(), newRotation(grant, "refreshg1", "2", 10))
		f.ok(err)
		f.same(f.sweep(at(3599), 10), 3) // the login and two access tokens
		f.same(f.sweep(at(3600), 10), 4) // grant, code and two refresh tokens
		f.same(f.sweep(at(1000000), 10), 0)
	},
}
