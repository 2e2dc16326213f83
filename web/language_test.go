package web

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestLanguage_U20(t *testing.T) {
	s := proxied(t)
	for _, tc := range []struct {
		name, cookie, accept string
		locales              []string
		want                 string
	}{
		{"nothing", "", "", nil, "sv"},
		{"browser", "", "en-GB,en;q=0.9,sv;q=0.8", nil, "en"},
		{"browser with a language we lack", "", "ja", nil, "sv"},
		{"browser with one we lack and one we have", "", "ja, en;q=0.5", nil, "en"},
		{"client wins over browser", "", "en", []string{"sv"}, "sv"},
		{"client's first that we have", "", "sv", []string{"ja", "en-US", "sv"}, "en"},
		{"client asks for what we lack", "", "en", []string{"ja"}, "en"},
		{"client asks for rubbish", "", "en", []string{"!!", strings.Repeat("a", 300)}, "en"},
		{"client asks for far too many", "", "", append(slices.Repeat([]string{"ja"}, maxLocales), "en"), "sv"},
		{"person wins over all", "en", "sv", []string{"sv"}, "en"},
		{"cookie with a language we lack", "ja", "en", nil, "en"},
		{"rubbish", "", ";;;=,,,", nil, "sv"},
		{"very long", "", strings.Repeat("en,", 200), nil, "sv"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", tc.accept)
		if tc.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "__Host-brygga-lang", Value: tc.cookie})
		}
		if got := s.language(r, tc.locales); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}
