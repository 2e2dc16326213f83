package demo

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// signed is a signature that was made for this app.
type signed struct {
	Claims          map[string]any
	Text, Signature string
	Proof           *proof
	Since           time.Time
}

// signatures keeps signatures in memory, each at an address of its own that the browser alone can read in which it was made. A page that is loaded anew,
// or in another language, shows it again, and nothing is signed anew.
type signatures struct {
	now  func() time.Time
	mu   sync.Mutex
	kept map[string]signed // by address and the cookie's value
}

const (
	signedPath   = "/signed/"
	signedCookie = "demo_signed"
)

// keep keeps the signature and returns the address of its page.
func (s *signatures) keep(w http.ResponseWriter, made signed, secure bool) string {
	path, owner := signedPath+random(), random()
	s.mu.Lock()
	if s.kept == nil || len(s.kept) >= maxSessions {
		s.kept = map[string]signed{} // a demo: what was shown is gone
	}
	s.kept[path+"\n"+owner] = made
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{
		Name: signedCookie, Value: owner, Path: path, MaxAge: int(sessionLife.Seconds()), HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	})
	return path
}

// of returns the signature that the address and the browser's cookie name.
func (s *signatures) of(r *http.Request) (signed, bool) {
	cookie, err := r.Cookie(signedCookie)
	if err != nil || strings.Contains(r.URL.Path, "\n") {
		return signed{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.kept[r.URL.Path+"\n"+cookie.Value]
	return found, ok && s.now().Before(found.Since.Add(sessionLife))
}
