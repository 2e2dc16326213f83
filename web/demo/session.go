package demo

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	pendingLife = 30 * time.Minute
	sessionLife = 8 * time.Hour
	maxSessions = 1000
)

// random returns 256 random bits as text.
func random() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// pending is what one login needs when its answer comes. It stays in a cookie of the browser that began: whoever brings the
// answer in another browser has no such cookie and is refused. Each login has a cookie of its own, so that two tabs can
// log in at once. The cookie needs no signature: who can forge cookies of this site can as well take a session.
type pending struct {
	State, Nonce, Verifier string
	Began                  time.Time
	Text                   string // that is to be signed; empty for a login
}

// data is what the app has signed along with the text, and nobody is shown.
func (p pending) data() []byte { return []byte("demo " + p.State) }

func pendingCookie(state string) string { return "demo_login_" + state }

func (p pending) keep(w http.ResponseWriter, secure bool) {
	http.SetCookie(w, &http.Cookie{
		Name: pendingCookie(p.State), Value: strings.Join([]string{p.Nonce, p.Verifier, strconv.FormatInt(p.Began.UnixMilli(), 10), base64.RawURLEncoding.EncodeToString([]byte(p.Text))}, "."), Path: "/callback", MaxAge: int(pendingLife.Seconds()),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	})
}

// takePending returns the login with that state, once: its cookie is removed.
func takePending(w http.ResponseWriter, r *http.Request, state string, secure bool) (pending, bool) {
	if state == "" {
		return pending{}, false
	}
	cookie, err := r.Cookie(pendingCookie(state))
	if err != nil {
		return pending{}, false
	}
	http.SetCookie(w, &http.Cookie{Name: cookie.Name, Path: "/callback", MaxAge: -1, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode})
	parts := strings.Split(cookie.Value, ".")
	if len(parts) != 4 || parts[0] == "" || parts[1] == "" {
		return pending{}, false
	}
	began, err := strconv.ParseInt(parts[2], 10, 64)
	text, errText := base64.RawURLEncoding.DecodeString(parts[3])
	return pending{State: state, Nonce: parts[0], Verifier: parts[1], Began: time.UnixMilli(began), Text: string(text)}, err == nil && errText == nil
}

// logoutCookie holds the state of a logout that is under way at the provider.
const logoutCookie = "demo_logout"

func keepLogout(w http.ResponseWriter, state string, secure bool) {
	http.SetCookie(w, &http.Cookie{
		Name: logoutCookie, Value: state, Path: "/", MaxAge: int(pendingLife.Seconds()), HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	})
}

// takeLogout reports whether the provider has brought back the state of this browser's logout, once: its cookie is removed.
func takeLogout(w http.ResponseWriter, r *http.Request, state string, secure bool) bool {
	cookie, err := r.Cookie(logoutCookie)
	if err != nil || state == "" || cookie.Value != state {
		return false
	}
	http.SetCookie(w, &http.Cookie{Name: logoutCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode})
	return true
}

// session is somebody who has logged in.
type session struct {
	Claims, UserInfo map[string]any
	IDToken          string // for logging out
	LogoutState      string // what the provider brings back when that is done
	Since            time.Time
	Took             time.Duration // from the press on the button
}

// sessions keeps sessions in memory, by the random value of a cookie.
type sessions struct {
	now  func() time.Time
	mu   sync.Mutex
	byID map[string]session
}

const sessionCookie = "demo_session"

func (s *sessions) of(r *http.Request) (session, bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.byID[cookie.Value]
	return found, ok && s.now().Before(found.Since.Add(sessionLife))
}

// begin keeps the session under a new value: one that somebody planted in the browser before never becomes a session.
func (s *sessions) begin(w http.ResponseWriter, r *http.Request, begun session, secure bool) {
	id := random()
	s.mu.Lock()
	if old, err := r.Cookie(sessionCookie); err == nil {
		delete(s.byID, old.Value)
	}
	if s.byID == nil || len(s.byID) >= maxSessions {
		s.byID = map[string]session{} // a demo: everybody logs in again
	}
	s.byID[id] = begun
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: id, Path: "/", MaxAge: int(sessionLife.Seconds()), HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	})
}

func (s *sessions) end(w http.ResponseWriter, r *http.Request, secure bool) {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		s.mu.Lock()
		delete(s.byID, cookie.Value)
		s.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode})
}
