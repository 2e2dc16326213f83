package web

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"brygga/cache"
	"brygga/templates"
)

func proxied(t *testing.T, prefixes ...string) *Site {
	t.Helper()
	s := &Site{cookies: cookies{secure: true}, languages: newMatcher(nil), negotiated: cache.New[string](maxNegotiated), pages: templates.NewStencils(1 << 20)}
	for _, text := range prefixes {
		s.TrustedProxies = append(s.TrustedProxies, netip.MustParsePrefix(text))
	}
	return s
}

func TestClientAddress(t *testing.T) {
	s := proxied(t, "10.0.0.0/8", "2001:db8:1::/48")
	for _, tc := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"direct", "192.0.2.1:4711", nil, "192.0.2.1"},
		{"direct, with a lie", "192.0.2.1:4711", []string{"198.51.100.7"}, "192.0.2.1"},
		{"one proxy", "10.0.0.1:80", []string{"198.51.100.7"}, "198.51.100.7"},
		{"one proxy, with a lie before", "10.0.0.1:80", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"},
		{"a lie that names a proxy", "10.0.0.1:80", []string{"10.0.0.9, 198.51.100.7"}, "198.51.100.7"},
		{"two proxies", "10.0.0.1:80", []string{"203.0.113.9, 198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"two headers", "10.0.0.1:80", []string{"203.0.113.9", "198.51.100.7"}, "198.51.100.7"},
		{"only proxies", "10.0.0.1:80", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"nothing forwarded", "10.0.0.1:80", nil, "10.0.0.1"},
		{"rubbish", "10.0.0.1:80", []string{"unknown"}, "10.0.0.1"},
		{"rubbish behind a good one", "10.0.0.1:80", []string{"198.51.100.7, _hidden"}, "10.0.0.1"},
		{"with port", "10.0.0.1:80", []string{"198.51.100.7:1234"}, "198.51.100.7"},
		{"IPv6", "[2001:db8:1::2]:80", []string{"2001:db8:2::7"}, "2001:db8:2::7"},
		{"IPv6 with port", "[2001:db8:1::2]:80", []string{"[2001:db8:2::7]:1234"}, "2001:db8:2::7"},
		{"IPv6 in brackets", "[2001:db8:1::2]:80", []string{"[2001:db8:2::7]"}, "2001:db8:2::7"},
		{"mapped IPv4", "[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{"endless chain", "10.0.0.1:80", []string{"198.51.100.7" + strings.Repeat(", 10.0.0.2", 100)}, "10.0.0.2"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tc.peer
		for _, text := range tc.forwarded {
			r.Header.Add("X-Forwarded-For", text)
		}
		if got := s.clientAddress(r, peer(r)).String(); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

func TestForwardedProtoAndRequestID(t *testing.T) {
	s := proxied(t, "10.0.0.0/8")
	for _, tc := range []struct {
		name, peer, proto, id string
		insecure, kept        bool
	}{
		{"proxy, plain", "10.0.0.1:80", "http", "abc-123456", true, true},
		{"proxy, https", "10.0.0.1:80", "https", "abc-123456", false, true},
		{"stranger", "192.0.2.1:80", "http", "abc-123456", false, false},
		{"ill-formed", "10.0.0.1:80", "https", "a b\nc", false, false},
		{"too long", "10.0.0.1:80", "https", strings.Repeat("a", 65), false, false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tc.peer
		r.Header.Set("X-Forwarded-Proto", tc.proto)
		r.Header.Set("X-Request-ID", tc.id)
		if got := s.forwardedInsecurely(r, peer(r)); got != tc.insecure {
			t.Errorf("%s: insecure = %t", tc.name, got)
		}
		if id := s.requestID(r, peer(r)); (id == tc.id) != tc.kept || !goodRequestID.MatchString(id) {
			t.Errorf("%s: request ID %q", tc.name, id)
		}
	}
	if a, b := s.requestID(httptest.NewRequest("GET", "/", nil), netip.Addr{}), s.requestID(httptest.NewRequest("GET", "/", nil), netip.Addr{}); a == b || len(a) != 9 {
		t.Errorf("request IDs %q and %q", a, b)
	}
}
