package storagetest

import (
	"bytes"
	"encoding/base64"

	"brygga/storage"
)

// newKeys returns n signing keys with every field set, oldest first.
func newKeys(n int) []storage.SigningKey {
	keys := make([]storage.SigningKey, n)
	for i := range keys {
		Fill(&keys[i])
		keys[i].ID, keys[i].Private = name("key", i), []byte(canaryKey)
		keys[i].Published = at(i)
	}
	return keys
}

var keyTests = map[string]func(*fixture){
	"signing keys are one set with a revision": func(f *fixture) {
		keys, revision, err := f.Store.SigningKeys(f.Context())
		f.ok(err)
		f.same(len(keys), 0)
		f.same(revision, uint64(0))

		f.is(f.Store.ReplaceSigningKeys(f.Context(), newKeys(1), 1), storage.ErrConflict)
		f.ok(f.Store.ReplaceSigningKeys(f.Context(), newKeys(2), 0))
		f.is(f.Store.ReplaceSigningKeys(f.Context(), newKeys(1), 0), storage.ErrConflict)
		f.is(f.Store.ReplaceSigningKeys(f.Context(), newKeys(1), 2), storage.ErrConflict)
		f.ok(f.Store.ReplaceSigningKeys(f.Context(), newKeys(3), 1))
		for range 2 {
			keys, revision, err = f.Store.SigningKeys(f.Context())
			f.ok(err)
			f.same(keys, newKeys(3))
			f.same(revision, uint64(2))
			f.restart()
		}
	},
	"signing keys come oldest first": func(f *fixture) {
		want := newKeys(3)
		f.ok(f.Store.ReplaceSigningKeys(f.Context(), []storage.SigningKey{want[2], want[0], want[1]}, 0))
		got, _, err := f.Store.SigningKeys(f.Context())
		f.ok(err)
		f.same(got, want)
	},
	"a secret is replaced by who knows it": func(f *fixture) {
		replace := func(before, after string) error {
			return f.Store.ReplaceSecret(f.Context(), "subject", []byte(before), []byte(after))
		}
		f.is(replace("", "new"), storage.ErrNotFound)
		_, err := f.Store.SecretOrCreate(f.Context(), "subject", []byte("old"))
		f.ok(err)
		f.is(replace("other", "new"), storage.ErrConflict)
		f.ok(replace("old", "new"))
		f.is(replace("old", "newer"), storage.ErrConflict)
		f.restart()
		got, err := f.Store.SecretOrCreate(f.Context(), "subject", []byte("late"))
		f.ok(err)
		f.same(string(got), "new")
	},
	"secrets are listed by how they begin, and one is removed by who knows it": func(f *fixture) {
		for _, name := range []string{"sink b", "sink_c", "sink %", "sink a", "other"} {
			_, err := f.Store.SecretOrCreate(f.Context(), name, []byte(name))
			f.ok(err)
		}
		remove := func(name, value string) error { return f.Store.ReplaceSecret(f.Context(), name, []byte(value), nil) }
		f.is(remove("sink b", "another"), storage.ErrConflict)
		f.is(remove("sink z", "sink z"), storage.ErrNotFound)
		f.ok(remove("sink b", "sink b"))
		f.is(remove("sink b", "sink b"), storage.ErrNotFound)
		f.restart()
		names, err := f.Store.SecretNames(f.Context(), "sink ")
		f.ok(err)
		f.same(names, []string{"sink %", "sink a"})
		got, err := f.Store.SecretOrCreate(f.Context(), "sink b", []byte("anew"))
		f.ok(err)
		f.same(string(got), "anew")
	},
	"a secret is made once and kept": func(f *fixture) {
		for range 2 {
			for name, value := range map[string]string{"subject": canarySecret, "pseudonym": canarySecret + "2"} {
				proposed := []byte(value)
				got, err := f.Store.SecretOrCreate(f.Context(), name, proposed)
				f.ok(err)
				f.same(string(got), value)
				clear(proposed)
				clear(got)
				got, err = f.Store.SecretOrCreate(f.Context(), name, []byte("another proposal"))
				f.ok(err)
				f.same(string(got), value)
			}
			f.restart()
		}
	},
}

var wholeTests = map[string]func(*fixture){
	"another master key is refused and replaces nothing": func(f *fixture) {
		f.ok(f.Store.ReplaceSigningKeys(f.Context(), newKeys(1), 0))
		if store, err := f.Reopen(NewSealer()); err == nil {
			f.Error("the store opened with another master key")
			f.Store = store
		} else {
			f.is(err, storage.ErrWrongKey)
		}
		f.restart()
		keys, _, err := f.Store.SigningKeys(f.Context())
		f.ok(err)
		f.same(keys, newKeys(1))
	},
	"nothing personal or secret lies readable in it": func(f *fixture) {
		f.pendingLogin("l1")
		f.completeLogin("l2")
		f.redeemed("g1", "app", "sid")
		session, _ := f.signedIn("s1", "g2", "app", "sid1", told)
		f.signedIn("s2", "g3", "app", "sid2", told)
		f.served(session, "g4", "other", "sid4", offline)
		f.end("s2", 5)
		f.ok(f.Store.PushRequest(f.Context(), newRequest("1", "app")))
		f.ok(f.Store.ReplaceSigningKeys(f.Context(), newKeys(2), 0))
		_, err := f.Store.SecretOrCreate(f.Context(), "subject", []byte(canarySecret))
		f.ok(err)
		f.secured("canary-operator", storage.RoleOwner)
		f.step(6, storage.ClearThrottle{}, tellMail("mail", newMail("m", 6)))
		f.signature("canary document")
		f.pendingLogin("canary evidence")
		f.ok(f.proven("canary evidence", newEvidence("canary", "app", 3)))
		var event storage.AuditEvent
		Fill(&event)
		event.Fields["plain"] = "visible-event"
		f.ok(f.Store.AppendAudit(f.Context(), event))
		raw := f.Raw()
		if !bytes.Contains(raw, []byte("visible-event")) {
			f.Fatal("Raw does not return what is stored")
		}
		for _, canary := range []string{
			canaryNumber, canaryName, canaryGivenName, canarySurname, canaryRef, canaryAutoStart, canaryQRToken, canaryQRSecret,
			canaryRequired, canaryVisible, canaryKey, canarySecret, "codeg1", "tokeng1",
			canarySubject, canaryCert, base64.StdEncoding.EncodeToString([]byte(canaryCert)), canaryHint, canaryHSAID, canaryEmail, canaryTitle, canaryTyped, canaryDocument, canarySignature, canaryStatus, base64.StdEncoding.EncodeToString([]byte(canarySignature)), "cookies1", "refreshg4", "request1",
			"canary-password-hash", "canary-totp-secret", "canary-link", "canary-operator@", "cookie canary",
		} {
			if bytes.Contains(raw, []byte(canary)) {
				f.Errorf("%q lies readable in the store", canary)
			}
		}
	},
	"ping": func(f *fixture) {
		f.ok(f.Store.Ping(f.Context()))
		f.restart()
		f.ok(f.Store.Ping(f.Context()))
	},
	"a context that has ended changes nothing": func(f *fixture) {
		ctx, cancel := cancelled(f.Context())
		defer cancel()
		f.is(f.Store.CreateLogin(ctx, newLogin("l1")), ctx.Err())
		f.is(f.Store.CreateClient(ctx, newClient("app")), ctx.Err())
		_, err := f.Store.Login(f.Context(), "l1", at(1))
		f.is(err, storage.ErrNotFound)
		_, err = f.Store.Client(f.Context(), "app")
		f.is(err, storage.ErrNotFound)
	},
}
