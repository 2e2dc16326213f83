package storage_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

// TestCourseWords holds that a word of a course is letters and digits, up to the ones at the ends of the alphabet.
func TestCourseWords(t *testing.T) {
	long := strings.Repeat("x", 40)
	for word, want := range map[string]string{
		"a": "a", "z": "z", "A": "A", "Z": "Z", "0": "0", "9": "9", long: long,
		long + "x": "unknown", "": "unknown", "@": "unknown", "[": "unknown", "`": "unknown", "{": "unknown", "/": "unknown", ":": "unknown",
	} {
		l := pending()
		l.Course, l.Created = "", t0
		if err := l.RecordHint(l.Order.ID, storage.PhaseInApp, word, t0.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if l.Course != want+"@1" {
			t.Errorf("%q stands in the course as %q", word, l.Course)
		}
	}
}

func TestStarting(t *testing.T) {
	for name, tt := range map[string]struct {
		claim storage.Claim
		want  bool
	}{
		"asked for":      {storage.Claim{ID: "c1", At: t0}, true},
		"a renewal":      {storage.Claim{ID: "c1", At: t0, Replaces: "o1"}, false},
		"too long ago":   {storage.Claim{ID: "c1", At: t0.Add(-storage.ClaimLife)}, false},
		"nothing at all": {storage.Claim{At: t0}, false},
	} {
		l := storage.Login{Claim: tt.claim}
		if got := l.Starting(t0); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWebOrigins(t *testing.T) {
	uris := []string{"https://app.example.se/cb", "https://app.example.se/other", "http://localhost:8080/cb", "se.example.app:/cb", "ftp://app.example.se/cb"}
	own := []string{"https://spa.example.se"}
	for name, tt := range map[string]struct {
		client storage.Client
		want   []string
	}{
		"registered": {storage.Client{Origins: own, RedirectURIs: uris, AuthMethod: storage.AuthMethodNone}, own},
		"public":     {storage.Client{RedirectURIs: uris, AuthMethod: storage.AuthMethodNone}, []string{"https://app.example.se", "http://localhost:8080"}},
		"as browsers write them": {
			storage.Client{RedirectURIs: []string{"https://SPA.Example.se:443/cb", "https://spa.example.se/cb", "http://LOCALHOST:80/", "https://a.example:8443/"}, AuthMethod: storage.AuthMethodNone},
			[]string{"https://spa.example.se", "http://localhost", "https://a.example:8443"},
		},
		"with a secret":           {storage.Client{RedirectURIs: uris, AuthMethod: storage.AuthMethodPost}, nil},
		"registered and a secret": {storage.Client{Origins: own, RedirectURIs: uris, AuthMethod: storage.AuthMethodPost}, own},
	} {
		if got := tt.client.WebOrigins(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func TestSwedishProfiles(t *testing.T) {
	for profile, want := range map[string]bool{storage.ProfileSwedish: true, storage.ProfileSwedenConnect: true, "standard": false, "": false} {
		if got := (&storage.Client{Profile: profile}).Swedish(); got != want {
			t.Errorf("profile %q: %v", profile, got)
		}
	}
}
