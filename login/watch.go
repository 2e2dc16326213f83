package login

import (
	"slices"
	"sync"
)

// watches tells those who show a login that it has changed.
type watches struct {
	mu     sync.Mutex
	logins map[string]*watch
}

// watch are those who show one login.
type watch struct {
	watchers []*func()
	// leave ends that the store tells of what other processes do.
	leave func()
}

// Watch calls changed after each change of the login, by this process at once and by another within a second, until stop is called. It is
// called where the change is made and must not block, nor begin or stop a watch. A login that ends because its time is over is not told.
func (e *Engine) Watch(id string, changed func()) (stop func()) {
	w := &e.watches
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.logins == nil {
		w.logins = make(map[string]*watch)
	}
	if w.logins[id] == nil {
		w.logins[id] = &watch{leave: e.Store.Follow(id, func() { w.tell(id) })}
	}
	w.logins[id].watchers = append(w.logins[id].watchers, &changed)
	return func() { w.stop(id, &changed) }
}

func (w *watches) stop(id string, watcher *func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	of := w.logins[id]
	i := slices.Index(of.watchers, watcher)
	if of.watchers = slices.Delete(of.watchers, i, i+1); len(of.watchers) == 0 {
		of.leave()
		delete(w.logins, id)
	}
}

// Tell wakes those who watch the login, as it has had its answer.
func (e *Engine) Tell(id string) { e.watches.tell(id) }

// tell wakes everybody who watches the login.
func (w *watches) tell(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	of := w.logins[id]
	if of == nil {
		return
	}
	for _, changed := range of.watchers {
		(*changed)()
	}
}
