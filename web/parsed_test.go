package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestPresetsStay: what an answer adds to a header that was made once is no other answer's.
func TestPresetsStay(t *testing.T) {
	for _, p := range []preset{presetGuard, presetPolicy, presetPolicyNoForms, presetAll, presetSecure, presetHTML, presetAsset} {
		one, other := http.Header{}, http.Header{}
		p.set(one)
		for name, value := range one {
			if name != http.CanonicalHeaderKey(name) {
				t.Errorf("%s is not the form that net/http sends", name)
			}
			one.Add(name, "added")
			if len(value) != 1 || len(one[name]) != 2 {
				t.Errorf("%s: %q", name, one[name])
			}
		}
		p.set(other)
		for name, value := range other {
			if len(value) != 1 || value[:1:1][0] != one[name][0] || len(value[:cap(value)]) != 1 {
				t.Errorf("%s came to another answer as %q", name, value[:cap(value)])
			}
		}
	}
}

// TestParsedOnce: what is read of a request is what net/http reads, each time, and is gone with the request.
func TestParsedOnce(t *testing.T) {
	s := proxied(t)
	s.log, s.Observe, s.Proxies = slog.New(slog.DiscardHandler), nil, &Proxies{}
	var after context.Context
	handler := s.middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		after = r.Context()
		for range 2 {
			if got := sent(r); !reflect.DeepEqual(got, r.Cookies()) || len(got) != 2 {
				t.Errorf("cookies %v", got)
			}
			if got := query(r); !reflect.DeepEqual(got, r.URL.Query()) || got.Get("view") != "a b" {
				t.Errorf("query %v", got)
			}
			if got := ClientIP(r); got != "192.0.2.1" {
				t.Errorf("address %q", got)
			}
		}
		if p := traceOf(after).parsed; p.cookies == nil || p.query == nil || p.address == "" {
			t.Errorf("not kept for the next who asks: %+v", p)
		}
		io.WriteString(w, "done")
	}))
	s.Observe = func(string, int, time.Duration) {}
	r := httptest.NewRequest(http.MethodGet, "/?view=a+b", nil)
	r.Header.Set("Cookie", "a=1; b=2")
	handler.ServeHTTP(httptest.NewRecorder(), r)
	if p := traceOf(after).parsed; p.cookies != nil || p.query != nil || p.address != "" {
		t.Errorf("kept after the request: %+v", p)
	}
	if got := query(httptest.NewRequest(http.MethodGet, "/", nil)); got.Has("view") {
		t.Errorf("query %v", got)
	}
}

// TestNegotiatedOnce: a text of Accept-Language means the same each time, and any number of them takes little memory.
func TestNegotiatedOnce(t *testing.T) {
	s := proxied(t)
	for header, want := range map[string]string{
		"": "sv", "en-GB,en;q=0.9,sv;q=0.8": "en", "sv-SE,sv;q=0.9": "sv", "fi": "sv", "de;q=1, en;q=0.1": "en", "*;;;": "sv", strings.Repeat("en,", 100): "sv",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", header)
		for range 2 {
			if got := s.language(r, nil); got != want {
				t.Errorf("%.40q: %s, want %s", header, got, want)
			}
		}
	}
	for i := range 5000 {
		s.accepted("en;q=0." + strings.Repeat("1", i%100+1) + ",x-" + strings.Repeat("a", i%7+1))
	}
	if n := s.negotiated.Len(); n == 0 || n > maxNegotiated/100 {
		t.Errorf("%d texts are remembered", n)
	}
}
