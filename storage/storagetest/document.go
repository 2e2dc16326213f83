package storagetest

import "brygga/storage"

const canaryDocument = "canary-what-is-signed-77b1"

// newDocument returns what is signed with a login.
func newDocument(text string) storage.Document {
	return storage.Document{Visible: []byte(canaryDocument + text), Format: "plaintext", Hidden: []byte("canary-hidden-" + text + "\x00\xff")}
}

// signature stores a login whose person is to sign the document of its name, and returns it.
func (f *fixture) signature(id string) *storage.Login {
	f.Helper()
	f.ok(f.Store.CreateSignature(f.Context(), newLogin(id), newDocument(id)))
	return f.must(f.Store.Login(f.Context(), id, at(1)))
}

// documentIs demands the document of that login, as it was given.
func (f *fixture) documentIs(id string, seconds int) {
	f.Helper()
	got, err := f.Store.Document(f.Context(), id, at(seconds))
	f.ok(err)
	want := newDocument(id)
	want.Login, want.Expires = id, at(600)
	f.same(*got, want)
}

func (f *fixture) noDocument(id string, seconds int) {
	f.Helper()
	_, err := f.Store.Document(f.Context(), id, at(seconds))
	f.is(err, storage.ErrNotFound)
}

var documentTests = map[string]func(*fixture){
	"a document is kept with its login, which knows its sum": func(f *fixture) {
		login, document := f.signature("l1"), newDocument("l1")
		f.same(login.Request.Kind, storage.KindSign)
		f.same(login.Request.Document, document.Sum())
		f.must(f.Store.BeginOrder(f.Context(), "l1", newClaim("c", 1)))
		order := newOrder("o", 2)
		order.Sent.Document = login.Request.Document
		f.must(f.Store.PutOrder(f.Context(), "l1", "c", order))
		f.must(f.Store.RecordHint(f.Context(), "l1", "o", storage.PhaseWorking, "reading", at(3)))
		for range 2 {
			f.documentIs("l1", 4)
			f.same(f.must(f.Store.Login(f.Context(), "l1", at(4))).Order.Sent.Document, document.Sum())
			f.restart()
		}
	},
	"only a login that is one of a document has one": func(f *fixture) {
		f.ok(f.Store.CreateLogin(f.Context(), newLogin("plain")))
		for _, id := range []string{"plain", "unknown", "", "a\x00"} {
			f.noDocument(id, 1)
		}
		f.is(f.Store.CreateSignature(f.Context(), newLogin("plain"), newDocument("other")), storage.ErrExists)
		f.noDocument("plain", 1)
		f.signature("l1")
		f.is(f.Store.CreateSignature(f.Context(), newLogin("l1"), newDocument("other")), storage.ErrExists)
		f.is(f.Store.CreateLogin(f.Context(), newLogin("l1")), storage.ErrExists)
		f.documentIs("l1", 1)
		if f.Store.CreateSignature(f.Context(), newLogin("empty"), storage.Document{Format: "plaintext"}) == nil {
			f.Error("nothing can be signed")
		}
		_, err := f.Store.Login(f.Context(), "empty", at(1))
		f.is(err, storage.ErrNotFound)
	},
	"a login without a request is none": func(f *fixture) {
		l := newLogin("l1")
		if l.Request = nil; f.Store.CreateLogin(f.Context(), l) == nil || f.Store.CreateSignature(f.Context(), l, newDocument("l1")) == nil {
			f.Error("nobody has asked for it")
		}
		f.noDocument("l1", 1)
	},
	"a document ends with its login": func(f *fixture) {
		f.signature("l1")
		f.documentIs("l1", 599)
		f.noDocument("l1", 600)
		f.same(f.sweep(at(600), 10), 1)
		f.noDocument("l1", 1)
		f.signature("l1") // and nothing of the one before is in its way
		f.documentIs("l1", 1)
	},
	"of those who store a login at the same time one has its document": func(f *fixture) {
		won := -1
		f.same(f.race(racers, func(i int) error {
			err := f.Store.CreateSignature(f.Context(), newLogin("l1"), newDocument(name("text", i)))
			if err == nil {
				won = i
			}
			return err
		}, storage.ErrExists), 1)
		got, err := f.Store.Document(f.Context(), "l1", at(1))
		f.ok(err)
		want := newDocument(name("text", won))
		f.same(got.Visible, want.Visible)
		f.same(f.must(f.Store.Login(f.Context(), "l1", at(1))).Request.Document, want.Sum())
	},
}
