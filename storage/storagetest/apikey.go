package storagetest

import "brygga/storage"

// newAPIKey returns a key with every field, which is new.
func newAPIKey(id string) (key storage.APIKey) {
	Fill(&key)
	key.ID, key.Revision = id, 0
	return key
}

var apiKeyTests = map[string]func(*fixture){
	"a key keeps every field and counts its changes": func(f *fixture) {
		key := newAPIKey("a")
		for revision := range uint64(3) {
			key.Revision, key.Name = revision, name("name", int(revision))
			f.ok(f.Store.PutAPIKey(f.Context(), key))
			want := key
			want.Revision++
			for range 2 {
				got, err := f.Store.APIKey(f.Context(), "a")
				f.ok(err)
				f.same(*got, want)
				f.restart()
			}
		}
	},
	"a key is not made twice, nor changed when it is stale or unknown": func(f *fixture) {
		f.ok(f.Store.PutAPIKey(f.Context(), newAPIKey("a")))
		f.is(f.Store.PutAPIKey(f.Context(), newAPIKey("a"), newEvent("e", 1)), storage.ErrExists)
		stale, unknown := newAPIKey("a"), newAPIKey("b")
		stale.Revision, unknown.Revision = 7, 1
		f.is(f.Store.PutAPIKey(f.Context(), stale, newEvent("e", 1)), storage.ErrConflict)
		f.is(f.Store.PutAPIKey(f.Context(), unknown, newEvent("e", 1)), storage.ErrNotFound)
		f.is(f.Store.RemoveAPIKey(f.Context(), "b", newEvent("e", 1)), storage.ErrNotFound)
		f.ok(f.Store.AppendAudit(f.Context(), newEvent("e", 1)))
		for _, id := range []string{"", "b", "A", "a\x00"} {
			_, err := f.Store.APIKey(f.Context(), id)
			f.is(err, storage.ErrNotFound)
		}
	},
	"no secret of before a restore works, and what the key is for stays": func(f *fixture) {
		for _, id := range []string{"a", "b"} {
			f.ok(f.Store.PutAPIKey(f.Context(), newAPIKey(id)))
		}
		store, err := f.Restored(at(1))
		f.ok(err)
		f.Store = store
		for _, id := range []string{"a", "b"} {
			want := newAPIKey(id)
			want.Secrets, want.Revision = nil, 2
			got, err := f.Store.APIKey(f.Context(), id)
			f.ok(err)
			f.same(*got, want)
			got.Secrets = newAPIKey(id).Secrets
			f.ok(f.Store.PutAPIKey(f.Context(), *got))
		}
		f.restart()
	},
	"keys come in pages, and those that are removed no more": func(f *fixture) {
		for _, id := range []string{"c", "a", "d", "b"} {
			f.ok(f.Store.PutAPIKey(f.Context(), newAPIKey(id)))
		}
		f.ok(f.Store.RemoveAPIKey(f.Context(), "c", newEvent("e", 1)))
		f.is(f.Store.AppendAudit(f.Context(), newEvent("e", 1)), storage.ErrExists)
		for range 2 {
			var ids []string
			for after := ""; ; {
				page, err := f.Store.APIKeys(f.Context(), after, 2)
				f.ok(err)
				if len(page) == 0 {
					break
				}
				for _, key := range page {
					ids, after = append(ids, key.ID), key.ID
				}
			}
			f.same(ids, []string{"a", "b", "d"})
			f.restart()
		}
	},
}
