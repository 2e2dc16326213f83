package login_test

import (
	"testing"

	"brygga/login"
	"brygga/storage"
)

// following is a store that other processes use too: it knows who follows a login.
type following struct {
	storage.Store
	changed map[string]func()
	begun   int
}

func (f *following) Follow(id string, changed func()) (stop func()) {
	f.begun++
	f.changed[id] = changed
	return func() { delete(f.changed, id) }
}

// watch returns a channel that receives after a change of the login, and what ends that.
func watch(e *login.Engine, id string) (<-chan struct{}, func()) {
	changed := make(chan struct{}, 1)
	return changed, e.Watch(id, func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
}

// TestWatchFollowsTheStore: who watches a login is woken by what another process does; the store is asked once for all who watch it, and no longer
// than they do.
func TestWatchFollowsTheStore(t *testing.T) {
	store := &following{changed: map[string]func(){}}
	h := newHouse(t, func(o *login.Options) { store.Store, o.Store = o.Store, store })
	defer h.close()
	first, stopFirst := watch(h.Engine, "l1")
	second, stopSecond := watch(h.Engine, "l1")
	if store.begun != 1 {
		t.Errorf("the login is followed %d times", store.begun)
	}
	store.changed["l1"]()
	for _, woken := range []<-chan struct{}{first, second} {
		select {
		case <-woken:
		default:
			t.Error("a watcher was not woken")
		}
	}
	stopFirst()
	if store.changed["l1"] == nil {
		t.Error("the login is not followed any more while somebody watches")
	}
	late := store.changed["l1"]
	stopSecond()
	if store.changed["l1"] != nil {
		t.Error("the login is followed although nobody watches")
	}
	late() // which crossed the end
}
