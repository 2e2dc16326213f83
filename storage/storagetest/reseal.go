package storagetest

import (
	"fmt"
	"sync"

	"brygga/storage"
)

// fillSealed stores records of every kind that is sealed, n of most, and returns a function that demands them as they were.
func (f *fixture) fillSealed(n int) (demand func()) {
	f.Helper()
	for i := range n {
		f.pendingLogin(name("pending", i))
		f.completeLogin(name("complete", i))
		f.redeemed(name("grant", i), "app", name("sid", i))
		f.ok(f.Store.PushRequest(f.Context(), newRequest(name("request", i), "app")))
		f.notice(name("told", i), 5)
		f.signature(name("sign", i))
		f.pendingLogin(name("proven", i))
		f.ok(f.proven(name("proven", i), newEvidence(name("evidence", i), "app", 3)))
	}
	for i := range n {
		f.operator(name("operator", i), storage.RoleOwner)
		f.step(5, storage.ClearThrottle{}, tellMail(name("mail", i), newMail(name("mail", i), 6)))
	}
	session, _ := f.signedIn("s", "g", "app", "sid")
	f.ok(f.Store.ReplaceSigningKeys(f.Context(), newKeys(2), 0))
	_, err := f.Store.SecretOrCreate(f.Context(), "subject", []byte(canarySecret))
	f.ok(err)
	want := map[string]*storage.Login{}
	for i := range n {
		for _, id := range []string{name("pending", i), name("complete", i)} {
			want[id] = f.must(f.Store.Login(f.Context(), id, at(6)))
		}
	}
	return func() {
		f.Helper()
		for id, login := range want {
			f.same(f.must(f.Store.Login(f.Context(), id, at(6))), login)
		}
		for i := range n {
			id := name("grant", i)
			_, grant, err := f.Store.AccessToken(f.Context(), hash("token"+id), at(6))
			f.ok(err)
			f.same(grant.ID, id)
			_, err = f.Store.TakePushedRequest(f.Context(), hash("request"+name("request", i)), "app", at(6))
			f.ok(err)
		}
		for i := range n {
			f.documentIs(name("sign", i), 6)
			f.same(f.evidence(name("evidence", i), at(6)), newEvidence(name("evidence", i), "app", 3))
		}
		f.same(len(f.claim(at(6), 10*n)), n)
		for i := range n {
			f.same(f.operatorAt(name("operator", i)).PasswordHash.Reveal(), "canary-password-hash password")
		}
		f.same(len(f.mailIDs(at(6), 10*n)), n)
		f.sessionIs(session, at(6))
		keys, _, err := f.Store.SigningKeys(f.Context())
		f.ok(err)
		f.same(keys, newKeys(2))
		value, err := f.Store.SecretOrCreate(f.Context(), "subject", []byte("another"))
		f.ok(err)
		f.same(string(value), canarySecret)
	}
}

// replaceKey reopens the store with another master key, beside which the one of before opens, and returns the new one.
func (f *fixture) replaceKey() (next storage.Sealer) {
	f.Helper()
	next = NewSealer()
	store, err := f.Reopen(Replacing(next, f.sealer))
	f.ok(err)
	f.Store = store
	return next
}

// reseal seals anew until all is, at most limit records at once, and returns how many it were.
func (f *fixture) reseal(limit int) (records int) {
	f.Helper()
	for range 10_000 {
		done, err := f.Store.Reseal(f.Context(), limit)
		f.ok(err)
		if done.Records > limit {
			f.Fatalf("%d records at once, want at most %d", done.Records, limit)
		}
		records += done.Records
		if done.Done {
			return records
		}
	}
	f.Fatal("it never ends")
	return 0
}

// opens reopens the store with the sealer and demands that it is refused with the error, nil for none.
func (f *fixture) opens(sealer storage.Sealer, want error) {
	f.Helper()
	store, err := f.Reopen(sealer)
	f.is(err, want)
	if err == nil {
		f.Store = store
	}
}

var resealTests = map[string]func(*fixture){
	"every record is sealed anew, and opens with the new key alone": func(f *fixture) {
		demand := f.fillSealed(5)
		next := f.replaceKey()
		// Logins are two records; a session that ended leaves its grant.
		if n := f.reseal(3); n < 5*(2+2+1+1+1+1+1+3+3)+1+1+1 {
			f.Errorf("only %d records were sealed anew", n)
		}
		f.opens(f.sealer, storage.ErrWrongKey)
		f.opens(next, nil)
		demand()
		f.same(f.reseal(100), 0)
	},
	"until all is, the other key is needed": func(f *fixture) {
		demand := f.fillSealed(2)
		next := f.replaceKey()
		f.opens(next, storage.ErrKeyNeeded)
		f.opens(f.sealer, storage.ErrKeyNeeded) // the new one may have sealed something
		f.opens(next, storage.ErrWrongKey)
		f.opens(Replacing(next, f.sealer), nil)
		done, err := f.Store.Reseal(f.Context(), 1)
		f.ok(err)
		f.same(done.Done, false)
		f.opens(next, storage.ErrKeyNeeded)
		f.opens(Replacing(f.sealer, next), nil) // back again
		f.opens(Replacing(next, f.sealer), nil)
		f.reseal(4)
		f.opens(next, nil)
		demand()
	},
	"without another key there is nothing to do": func(f *fixture) {
		demand := f.fillSealed(1)
		f.same(f.reseal(10), 0)
		f.restart()
		f.same(f.reseal(10), 0)
		demand()
	},
	"an empty store takes another key at once": func(f *fixture) {
		next := f.replaceKey()
		f.same(f.reseal(10), 0)
		f.opens(next, nil)
	},
	"a context that has ended seals nothing anew": func(f *fixture) {
		f.fillSealed(1)
		f.replaceKey()
		ctx, cancel := cancelled(f.Context())
		defer cancel()
		_, err := f.Store.Reseal(ctx, 10)
		f.is(err, ctx.Err())
	},
	"logins go on meanwhile": func(f *fixture) {
		f.fillSealed(20)
		next := f.replaceKey()
		var logins sync.WaitGroup
		stop := make(chan struct{})
		var made [4][]storage.Grant
		for worker := range made {
			logins.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-stop:
						return
					default:
						made[worker] = append(made[worker], f.redeemed(fmt.Sprintf("g%d-%d", worker, i), "app", fmt.Sprintf("sid%d-%d", worker, i)))
					}
				}
			})
		}
		for range 4 {
			logins.Go(func() {
				for i := range 20 {
					_, err := f.Store.RecordHint(f.Context(), name("pending", i), "order"+name("pending", i), storage.PhaseWorking, "userSign", at(2))
					if err != nil {
						f.Error(err)
					}
				}
			})
		}
		f.reseal(2)
		close(stop)
		logins.Wait()
		f.opens(next, nil)
		for _, grants := range made {
			for _, grant := range grants {
				if !f.live(grant, 2) {
					f.Errorf("grant %s is lost", grant.ID)
				}
			}
		}
	},
}
