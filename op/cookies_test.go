package op

import (
	"net/http"
	"strings"
	"time"

	"brygga/secret"
)

const sessionPrefix = "session-"

// SessionCookie reads the plain cookie that SetSessionCookie sets.
func (h *harness) SessionCookie(r *http.Request, group string) secret.String {
	cookie, err := r.Cookie(sessionPrefix + group)
	if err != nil {
		return secret.String{}
	}
	return secret.New(cookie.Value)
}

// SessionGroups names the groups of the cookies.
func (h *harness) SessionGroups(r *http.Request) (groups []string) {
	for _, cookie := range r.Cookies() {
		if group, ok := strings.CutPrefix(cookie.Name, sessionPrefix); ok {
			groups = append(groups, group)
		}
	}
	return groups
}

// SetSessionCookie sets a plain cookie.
func (h *harness) SetSessionCookie(w http.ResponseWriter, group string, value secret.String, life time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: sessionPrefix + group, Value: value.Reveal(), MaxAge: int(life / time.Second)})
}

// DropSessionCookie removes it.
func (h *harness) DropSessionCookie(w http.ResponseWriter, group string) {
	http.SetCookie(w, &http.Cookie{Name: sessionPrefix + group, MaxAge: -1})
}
