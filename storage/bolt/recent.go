package bolt

import (
	"strings"

	"brygga/cache"
	"brygga/storage"
)

// What the records in memory may take, in bytes: some 15 000 logins of the usual kind, 20 000 grants, 20 000 access tokens, 10 000 clients.
const (
	maxTokenBytes  = 8 << 20
	maxLoginBytes  = 40 << 20
	maxGrantBytes  = 24 << 20
	maxClientBytes = 32 << 20
)

// stateBytes is about how long the row is of what changes of a login.
const stateBytes = 1 << 10

// What a record takes in memory beside the bytes of its row, which has all its texts.
const (
	loginOverhead  = 2 << 10
	grantOverhead  = 1 << 9
	clientOverhead = 1 << 10
	tokenOverhead  = 1 << 8
)

// recent holds records as committed, so that neither the steps of a login, nor the page that follows it, nor the calls of a
// client that has just got its tokens unseal and parse the record each time. Only the writer changes it: what is found here is what
// the file says, or will say soon where that can wait, and what is not found is read from there. The records in it are never changed, and share no memory with what a
// request brought.
type recent[T any] struct{ *cache.Cache[*T] }

func newRecent[T any](limit int) recent[T] { return recent[T]{cache.New[*T](limit)} }

// get returns the record, or nil.
func (r recent[T]) get(id string) *T {
	record, _ := r.Get(id)
	return record
}

// written is a record as a transaction leaves it, nil when it was removed, and what it takes in memory.
type written[T any] struct {
	record *T
	bytes  int
}

// update takes over what a transaction wrote. Records that are over leave: hardly anybody asks for them again.
func (r recent[T]) update(all map[string]written[T], over func(*T) bool) {
	for id, w := range all {
		if w.record == nil || over(w.record) {
			r.Remove(id)
		} else {
			r.Put(id, w.record, w.bytes)
		}
	}
}

// grantRow is a grant with the generation of its client.
type grantRow struct {
	grant      storage.Grant
	generation uint64
}

func loginOver(login *storage.Login) bool { return login.State == storage.LoginAnswered }
func grantOver(row *grantRow) bool        { return !row.grant.Revoked.IsZero() }
func tokenOver(*storage.AccessToken) bool { return false }

// noteLogin keeps the login as this transaction leaves it, nil when it was removed.
func (t *tx) noteLogin(id string, login *storage.Login, rowBytes int) {
	if t.logins == nil {
		t.logins = make(map[string]written[storage.Login])
	}
	t.logins[id] = written[storage.Login]{login, rowBytes + loginOverhead}
}

// noteGrant keeps the grant as this transaction leaves it, nil when it was removed.
func (t *tx) noteGrant(id string, row *grantRow, rowBytes int) {
	if t.grants == nil {
		t.grants = make(map[string]written[grantRow])
	}
	t.grants[id] = written[grantRow]{row, rowBytes + grantOverhead}
}

// noteToken keeps the access token as this transaction leaves it, nil when it was removed. One that is narrower than its grant is not kept: its
// scopes and resources are memory of a request.
func (t *tx) noteToken(hash []byte, token *storage.AccessToken) {
	if token != nil && (token.Scopes != nil || token.Resources != nil) {
		return
	}
	if t.tokens == nil {
		t.tokens = make(map[string]written[storage.AccessToken])
	}
	if token != nil {
		token = &storage.AccessToken{
			Hash: token.Hash, GrantID: strings.Clone(token.GrantID), Issued: token.Issued.UTC().Round(0), Expires: token.Expires.UTC().Round(0),
		}
	}
	t.tokens[string(hash)] = written[storage.AccessToken]{token, tokenOverhead}
}
