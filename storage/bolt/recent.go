package bolt

import (
	"sync"

	"brygga/storage"
)

// maxRecent bounds the records of a kind in memory: some 40 MB of logins, 25 MB of grants.
const maxRecent = 1 << 14

// recent holds records as committed, so that neither the steps of a login, nor the page that follows it, nor the calls of a
// client that has just got its tokens unseal and parse the record each time. Only the writer changes it: what is found here is what
// the file says, and what is not found is read from there. The records in it are never changed.
type recent[T any] struct {
	mu   sync.RWMutex
	byID map[string]*T
}

func (r *recent[T]) get(id string) *T {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byID[id]
}

// update takes over what a transaction wrote, nil for what it removed. Records that are over leave: hardly anybody asks for
// them again.
func (r *recent[T]) update(written map[string]*T, over func(*T) bool) {
	if len(written) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID == nil {
		r.byID = make(map[string]*T)
	}
	for id, record := range written {
		if record == nil || over(record) {
			delete(r.byID, id)
		} else {
			r.byID[id] = record
		}
	}
	for id := range r.byID {
		if len(r.byID) <= maxRecent {
			break
		}
		delete(r.byID, id)
	}
}

// grantRow is a grant with the generation of its client.
type grantRow struct {
	grant      storage.Grant
	generation uint64
}

func loginOver(login *storage.Login) bool { return login.State == storage.LoginAnswered }
func grantOver(row *grantRow) bool        { return !row.grant.Revoked.IsZero() }

// noteLogin keeps the login as this transaction leaves it, nil when it was removed.
func (t *tx) noteLogin(id string, login *storage.Login) {
	if t.logins == nil {
		t.logins = make(map[string]*storage.Login)
	}
	t.logins[id] = login
}

// noteGrant keeps the grant as this transaction leaves it, nil when it was removed.
func (t *tx) noteGrant(id string, row *grantRow) {
	if t.grants == nil {
		t.grants = make(map[string]*grantRow)
	}
	t.grants[id] = row
}

// ownLogin returns a copy that shares nothing which a rule or a caller changes: all but the slices of the auth request and of
// what was sent, and the evidence.
func ownLogin(l *storage.Login) *storage.Login {
	own := *l
	if l.Order != nil {
		order := *l.Order
		own.Order = &order
	}
	if l.Identity != nil {
		identity := *l.Identity
		own.Identity = &identity
	}
	return &own
}
