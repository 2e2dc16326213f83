package web

import (
	"net/http"
	"strings"
	"time"

	"brygga/secret"
	"brygga/storage"
)

// cookieSession begins the names of session cookies, after the prefix; the group of clients follows. There is one for each
// group, so that no client learns of, or ends, what people do at the clients of another.
const cookieSession = "-session-"

// maxGroup is how long the name of a group may be.
const maxGroup = 32

// SessionCookie returns the cookie of the browser's session with the group's clients, or the zero value when it has none.
func (s *Site) SessionCookie(r *http.Request, group string) secret.String {
	value := s.cookies.get(r, cookieSession+group)
	if !storage.IsToken(value) || !wellFormed(value, len(value)) {
		return secret.String{}
	}
	return secret.New(value)
}

// SetSessionCookie gives the browser the cookie of its session with the group's clients, in place of any that it has. The
// browser keeps it for life at most, over its own restart too.
func (s *Site) SetSessionCookie(w http.ResponseWriter, group string, value secret.String, life time.Duration) {
	s.cookies.set(w, cookieSession+group, value.Reveal(), max(life, time.Second))
}

// DropSessionCookie takes the group's cookie back from the browser.
func (s *Site) DropSessionCookie(w http.ResponseWriter, group string) {
	s.cookies.set(w, cookieSession+group, "", -time.Second)
}

// SessionGroups returns the groups whose session cookie the browser has sent, well-formed, each once.
func (s *Site) SessionGroups(r *http.Request) []string {
	var groups []string
	prefix := s.cookies.name(cookieSession)
	seen := make(map[string]bool)
	for _, cookie := range sent(r) {
		group, ok := strings.CutPrefix(cookie.Name, prefix)
		if ok && isGroup(group) && !seen[group] && !s.SessionCookie(r, group).IsZero() {
			seen[group] = true
			groups = append(groups, group)
		}
	}
	return groups
}

// isGroup reports whether text may name a group.
func isGroup(text string) bool {
	return text != "" && len(text) <= maxGroup && wellFormed(text, len(text)) && !strings.ContainsAny(text, "_ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}
