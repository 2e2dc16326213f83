package bolt

import (
	"sync"

	"brygga/storage"
)

// maxRecent bounds the logins in memory: some 40 MB.
const maxRecent = 1 << 14

// recentLogins holds logins as committed, so that neither the steps of a login nor the page that follows it unseal and parse the
// record each time. Only the writer changes it: what is found here is what the file says, and what is not found is read
// from there. The records in it are never changed.
type recentLogins struct {
	mu   sync.RWMutex
	byID map[string]*storage.Login
}

func (r *recentLogins) get(id string) *storage.Login {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.byID[id]
}

// update takes over what a transaction wrote. Answered logins leave: hardly anybody asks for them again.
func (r *recentLogins) update(written map[string]*storage.Login) {
	if len(written) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID == nil {
		r.byID = make(map[string]*storage.Login)
	}
	for id, login := range written {
		if login == nil || login.State == storage.LoginAnswered {
			delete(r.byID, id)
		} else {
			r.byID[id] = login
		}
	}
	for id := range r.byID {
		if len(r.byID) <= maxRecent {
			break
		}
		delete(r.byID, id)
	}
}

// noteLogin keeps the login as this transaction leaves it, nil when it was removed.
func (t *tx) noteLogin(id string, login *storage.Login) {
	if t.logins == nil {
		t.logins = make(map[string]*storage.Login)
	}
	t.logins[id] = login
}

// ownLogin returns a copy that shares nothing which a rule or a caller changes: all but the slices of the auth request and of what was sent.
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
