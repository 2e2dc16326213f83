package storagetest

import (
	"time"

	"brygga/storage"
)

// newRequest returns the pushed request "request" + ID, which expires after a minute.
func newRequest(id, clientID string) storage.PushedRequest {
	return storage.PushedRequest{
		Hash: hash("request" + id), ClientID: clientID, Expires: at(60),
		Values: map[string][]string{"login_hint": {canaryHint}, "scope": {"openid", id}},
	}
}

// taken demands that the request cannot be taken.
func (f *fixture) taken(id, clientID string, seconds int) {
	f.Helper()
	got, err := f.Store.TakePushedRequest(f.Context(), hash("request"+id), clientID, at(seconds))
	f.is(err, storage.ErrNotFound)
	f.same(got == nil, true)
}

var requestTests = map[string]func(*fixture){
	"a pushed request is taken once, with every field": func(f *fixture) {
		var want storage.PushedRequest
		Fill(&want)
		want.Expires = at(60)
		f.ok(f.Store.PushRequest(f.Context(), want))
		f.ok(f.Store.PushRequest(f.Context(), newRequest("2", "app")))
		f.restart()
		got, err := f.Store.TakePushedRequest(f.Context(), want.Hash, want.ClientID, at(1))
		f.ok(err)
		f.same(*got, want)
		for range 2 {
			_, err = f.Store.TakePushedRequest(f.Context(), want.Hash, want.ClientID, at(1))
			f.is(err, storage.ErrNotFound)
			f.restart()
		}
		got, err = f.Store.TakePushedRequest(f.Context(), hash("request2"), "app", at(1))
		f.ok(err)
		f.same(*got, newRequest("2", "app"))
	},
	"another client neither gets nor takes it": func(f *fixture) {
		f.ok(f.Store.PushRequest(f.Context(), newRequest("1", "app")))
		f.taken("1", "other", 1)
		f.taken("1", "", 1)
		_, err := f.Store.TakePushedRequest(f.Context(), hash("request1"), "app", at(1))
		f.ok(err)
	},
	"it ends exactly at its expiry": func(f *fixture) {
		f.ok(f.Store.PushRequest(f.Context(), newRequest("1", "app")))
		f.taken("1", "app", 60)
		_, err := f.Store.TakePushedRequest(f.Context(), hash("request1"), "app", justBefore(at(60)))
		f.ok(err)
	},
	"a request is not replaced": func(f *fixture) {
		f.ok(f.Store.PushRequest(f.Context(), newRequest("1", "app")))
		second := newRequest("1", "other")
		f.is(f.Store.PushRequest(f.Context(), second), storage.ErrExists)
		got, err := f.Store.TakePushedRequest(f.Context(), hash("request1"), "app", at(1))
		f.ok(err)
		f.same(*got, newRequest("1", "app"))
	},
	"an unknown request is not found": func(f *fixture) {
		f.taken("1", "app", 1)
		f.taken("1", "", 1)
	},
	"requests go when they expire, taken or not": func(f *fixture) {
		f.ok(f.Store.PushRequest(f.Context(), newRequest("1", "app")))
		f.ok(f.Store.PushRequest(f.Context(), newRequest("2", "app")))
		_, err := f.Store.TakePushedRequest(f.Context(), hash("request1"), "app", at(1))
		f.ok(err)
		f.same(f.sweep(justBefore(at(60)), 10), 0)
		f.same(f.sweep(at(60), 10), 1)
		f.ok(f.Store.PushRequest(f.Context(), newRequest("2", "app"))) // the place is free
	},
	"a key is used once until it expires": func(f *fixture) {
		use := func(key string, expires, now int) error {
			return f.Store.UseOnce(f.Context(), hash(key), at(expires), at(now))
		}
		f.ok(use("a", 60, 1))
		for range 2 {
			f.is(use("a", 60, 1), storage.ErrExists)
			f.is(use("a", 999, 59), storage.ErrExists)
			f.restart()
		}
		f.is(f.Store.UseOnce(f.Context(), hash("a"), at(999), justBefore(at(60))), storage.ErrExists)
		f.ok(use("b", 60, 1))
		f.ok(use("a", 100, 60))
		f.is(use("a", 100, 60), storage.ErrExists)
	},
	"a store that was never restored has forgotten no key": func(f *fixture) {
		f.ok(f.Store.UseOnce(f.Context(), hash("a"), at(60), at(1)))
		forgotten, err := f.Store.ForgottenBefore(f.Context())
		f.ok(err)
		f.same(forgotten, time.Time{})
	},
	"a key that has expired already is refused": func(f *fixture) {
		f.is(f.Store.UseOnce(f.Context(), hash("a"), at(10), at(10)), storage.ErrExists)
		f.is(f.Store.UseOnce(f.Context(), hash("a"), at(10), at(11)), storage.ErrExists)
	},
	"keys go when they expire, and not before": func(f *fixture) {
		f.ok(f.Store.UseOnce(f.Context(), hash("a"), at(60), at(1)))
		f.ok(f.Store.UseOnce(f.Context(), hash("b"), at(60), at(1)))
		f.ok(f.Store.UseOnce(f.Context(), hash("a"), at(100), at(60)))
		f.same(f.sweep(at(99), 10), 1)
		f.is(f.Store.UseOnce(f.Context(), hash("a"), at(200), at(99)), storage.ErrExists)
		f.same(f.sweep(at(100), 10), 1)
		f.same(f.sweep(at(1000000), 10), 0)
	},
}
