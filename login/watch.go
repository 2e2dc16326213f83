package login

import "sync"

// watches tells those who show a login that it has changed. It is a hint for speed: a change made by another process is
// not told, so a watcher looks at the store once a second as well.
type watches struct {
	mu     sync.Mutex
	logins map[string]map[chan struct{}]struct{}
}

// Watch returns a channel that receives after each change that this process makes to the login, and a function that ends
// the watch. Changes that come quicker than they are received are told once.
func (e *Engine) Watch(id string) (changed <-chan struct{}, stop func()) {
	w, c := &e.watches, make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.logins == nil {
		w.logins = make(map[string]map[chan struct{}]struct{})
	}
	if w.logins[id] == nil {
		w.logins[id] = make(map[chan struct{}]struct{})
	}
	w.logins[id][c] = struct{}{}
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.logins[id], c)
		if len(w.logins[id]) == 0 {
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
	for c := range w.logins[id] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
