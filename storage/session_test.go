package storage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brygga/storage"
)

func TestSessionEnds(t *testing.T) {
	for _, test := range []struct {
		name          string
		idle, expires time.Duration
		want          time.Duration
	}{
		{"idle first", time.Minute, time.Hour, time.Minute},
		{"expiry first", time.Hour, time.Minute, time.Minute},
		{"both at once", time.Hour, time.Hour, time.Hour},
		{"no idle life", 0, time.Hour, 0},
	} {
		s := storage.Session{Used: t0, IdleLife: test.idle, Expires: t0.Add(test.expires)}
		want := t0.Add(test.want)
		if got := s.Ends(); !got.Equal(want) {
			t.Errorf("%s: ends at %v, want %v", test.name, got, want)
		}
		if s.Live(want) || test.want > 0 && !s.Live(want.Add(-1)) {
			t.Errorf("%s: must live until it ends and no longer", test.name)
		}
	}
}

func TestSessionUse(t *testing.T) {
	before := storage.Session{
		Used: t0, IdleLife: time.Hour, Expires: t0.Add(2 * time.Hour), Released: map[string][]string{"app": {"name", "sub"}, "other": {"x"}},
	}
	now := t0.Add(time.Minute)
	used, err := before.Use("app", []string{"birthdate", "name", "birthdate"}, now)
	if err != nil {
		t.Fatal(err)
	}
	want := before
	want.Used, want.Released = now, map[string][]string{"app": {"birthdate", "name", "sub"}, "other": {"x"}}
	if diff := cmp.Diff(want, used); diff != "" {
		t.Errorf("used session (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string][]string{"app": {"name", "sub"}, "other": {"x"}}, before.Released); diff != "" {
		t.Errorf("the session of before was changed:\n%s", diff)
	}
	if _, err := before.Use("app", nil, t0.Add(time.Hour)); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("a session that is over: got %v", err)
	}
}

func TestAnswerBound(t *testing.T) {
	grant := storage.Grant{ID: "g1", Session: "another"}
	if got, err := (storage.Answer{Grant: grant}).Bound(); err != nil || got.Grant.Session != "" {
		t.Errorf("a grant without a session belongs to %q, error %v", got.Grant.Session, err)
	}
	if got, err := (storage.Answer{Grant: grant, Session: &storage.Session{ID: "s1"}}).Bound(); err != nil || got.Grant.Session != "s1" {
		t.Errorf("the grant belongs to session %q, error %v", got.Grant.Session, err)
	}
	for name, nameless := range map[string]storage.Answer{"grant": {}, "session": {Grant: grant, Session: &storage.Session{}}} {
		if _, err := nameless.Bound(); err == nil {
			t.Errorf("a %s without an ID was taken", name)
		}
	}
}

func TestAnswerKept(t *testing.T) {
	early, late := t0.Add(time.Minute), t0.Add(time.Hour)
	for name, tt := range map[string]struct {
		grant, code     time.Time
		session         *storage.Session
		wantGrant, want time.Time
	}{
		"a grant that outlives its code": {grant: late, code: early, wantGrant: late, want: late},
		"a code that outlives its grant": {grant: early, code: late, wantGrant: early, want: late},
		"a session that outlives both":   {grant: early, code: early, session: &storage.Session{Expires: late}, wantGrant: late, want: early},
		"a session that ends before":     {grant: late, code: early, session: &storage.Session{Expires: early}, wantGrant: late, want: late},
	} {
		answer := storage.Answer{Code: storage.Code{Expires: tt.code}, Grant: storage.Grant{Expires: tt.grant}, Session: tt.session}
		if grant, code := answer.Kept(); !grant.Equal(tt.wantGrant) || !code.Equal(tt.want) {
			t.Errorf("%s: the grant is kept until %v, the code until %v", name, grant, code)
		}
	}
}

// TestNotices: who has several grants of one sid is told once.
func TestNotices(t *testing.T) {
	var notices storage.Notices
	for _, tt := range []struct {
		name  string
		grant storage.Grant
		want  bool
	}{
		{"a client", storage.Grant{ClientID: "app", SessionID: "sid", Backchannel: true}, true},
		{"the same sid", storage.Grant{ClientID: "app", SessionID: "sid", Backchannel: true}, false},
		{"another sid", storage.Grant{ClientID: "app", SessionID: "sid2", Backchannel: true}, true},
		{"another client", storage.Grant{ClientID: "app2", SessionID: "sid", Backchannel: true}, true},
		{"one that is not to be told", storage.Grant{ClientID: "app3", SessionID: "sid"}, false},
		{"one that knows no sid", storage.Grant{ClientID: "app4", Backchannel: true}, false},
	} {
		if got := notices.Of(&tt.grant, t0); (got != nil) != tt.want || got != nil && got.ClientID != tt.grant.ClientID {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func TestLogoutNotice(t *testing.T) {
	grant := storage.Grant{ID: "g1", ClientID: "app", SessionID: "sid", Subject: "sub", Session: "s1"}
	one, two := grant.LogoutNotice(t0), grant.LogoutNotice(t0)
	if one.ID == two.ID || len(one.ID) < 22 {
		t.Errorf("IDs %q and %q must be random", one.ID, two.ID)
	}
	want := storage.Notice{
		ID: one.ID, ClientID: "app", SessionID: "sid", Subject: "sub", Created: t0, Due: t0, Expires: t0.Add(24 * time.Hour),
	}
	if diff := cmp.Diff(want, one); diff != "" {
		t.Errorf("notice (-want +got):\n%s", diff)
	}
}

func TestUserMessage(t *testing.T) {
	message := &storage.UserMessage{Text: map[string]string{"": "Hello", "sv": "Hej", "en": ""}}
	for language, want := range map[string]string{"sv": "Hej", "en": "Hello", "fi": "Hello", "": "Hello"} {
		if got := message.In(language); got != want {
			t.Errorf("%q: got %q, want %q", language, got, want)
		}
	}
	if got := (*storage.UserMessage)(nil).In("sv"); got != "" {
		t.Errorf("no message says %q", got)
	}
}
