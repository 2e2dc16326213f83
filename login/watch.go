package login

import "sync"

// watches tells those who show a login that it has changed.
type watches struct {
	mu     sync.Mutex
	logins map[string]*watch
}

// watch are those who show one login.
type watch struct {
	watchers map[chan struct{}]struct{}
	// leave ends that the store tells of what other processes do.
	leave func()
}

// Watch returns a channel that receives after each change of the login, by this process at once and by another within a second, and a
// function that ends the watch. Changes that come quicker than they are received are told once. A login that ends because its time is over is not told.
func (e *Engine) Watch(id string) (changed <-chan struct{}, stop func()) {
	w, c := &e.watches, make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.logins == nil {
		w.logins = make(map[string]*watch)
	}
	if w.logins[id] == nil {
		w.logins[id] = &watch{map[chan struct{}]struct{}{}, e.Store.Follow(id, func() { w.tell(id) })}
	}
	w.logins[id].watchers[c] = struct{}{}
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		of := w.logins[id]
		delete(of.watchers, c)
		if len(of.watchers) == 0 {
			of.leave()
			delete(w.logins, id)
		}
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
	for c := range of.watchers {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
