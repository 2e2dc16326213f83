package web

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"brygga/secret"
	"brygga/storage"
)

func TestSessionCookie(t *testing.T) {
	value := storage.NewToken() // what the provider gives
	for name, secure := range map[string]bool{"__Host-brygga-session-hr": true, "brygga-session-hr": false} {
		s := &Site{cookies: cookies{secure: secure}}
		w := httptest.NewRecorder()
		s.SetSessionCookie(w, "hr", secret.New(value), 45*time.Minute)
		set := w.Result().Cookies()
		if len(set) != 1 || set[0].Name != name || set[0].Value != value || set[0].MaxAge != 2700 || set[0].Path != "/" || set[0].Domain != "" ||
			set[0].Secure != secure || !set[0].HttpOnly || set[0].SameSite != http.SameSiteLaxMode {
			t.Errorf("%s: set %v", name, set)
		}
		r := httptest.NewRequest(http.MethodGet, "/authorize", nil)
		r.AddCookie(set[0])
		if got := s.SessionCookie(r, "hr").Reveal(); got != value {
			t.Errorf("%s: read %q", name, got)
		}
		if !s.SessionCookie(r, "pay").IsZero() {
			t.Errorf("%s: one group reads the session of another", name)
		}

		w = httptest.NewRecorder()
		s.DropSessionCookie(w, "hr")
		dropped := w.Result().Cookies()
		if len(dropped) != 1 || dropped[0].Name != name || dropped[0].Value != "" || dropped[0].MaxAge >= 0 || dropped[0].Secure != secure {
			t.Errorf("%s: dropped by %v", name, dropped)
		}
	}
}

// A session that is all but over must not become a cookie without an end.
func TestSessionCookieHasAnEnd(t *testing.T) {
	w := httptest.NewRecorder()
	(&Site{}).SetSessionCookie(w, "hr", secret.New("x"), time.Millisecond)
	if c := w.Result().Cookies()[0]; c.MaxAge != 1 {
		t.Errorf("%v", c)
	}
}

func TestSessionGroups(t *testing.T) {
	s := &Site{cookies: cookies{secure: true}}
	good := storage.NewToken()
	for name, tc := range map[string]struct {
		cookies []string
		want    []string
	}{
		"none":            {nil, nil},
		"two":             {[]string{"__Host-brygga-session-hr=" + good, "__Host-brygga-session-pay-2=" + good, "__Host-brygga=" + good}, []string{"hr", "pay-2"}},
		"twice":           {[]string{"__Host-brygga-session-hr=" + good, "__Host-brygga-session-hr=" + good}, []string{"hr"}},
		"not ours":        {[]string{"brygga-session-hr=" + good, "__Host-brygga-session-=" + good, "__Host-brygga-session=" + good}, nil},
		"no group":        {[]string{"__Host-brygga-session-HR=" + good, "__Host-brygga-session-a_b=" + good, "__Host-brygga-session-" + good + "=" + good}, nil},
		"value too short": {[]string{"__Host-brygga-session-hr=" + good[1:]}, nil},
		"value odd":       {[]string{"__Host-brygga-session-hr=" + good[1:] + "!"}, nil},
	} {
		r := httptest.NewRequest(http.MethodGet, "/logout", nil)
		for _, cookie := range tc.cookies {
			r.Header.Add("Cookie", cookie)
		}
		if got := s.SessionGroups(r); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
