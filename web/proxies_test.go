package web

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestWrongProxiesAreNoticed(t *testing.T) {
	const unknown, silent = "not in trusted_proxies", "sends no X-Forwarded-For"
	for _, tc := range []struct {
		name, peer, path string
		forwarded        []string
		tls              bool
		want             string
	}{
		{"right", "10.0.0.1:80", "/", []string{"198.51.100.7"}, false, ""},
		{"right, for somebody beside the proxy", "10.0.0.1:80", "/", []string{"10.0.0.1"}, false, ""},
		{"a proxy that is not named", "127.0.0.1:80", "/", []string{"198.51.100.7"}, false, unknown},
		{"a proxy with a public address that is not named", "192.0.2.1:80", "/", []string{"198.51.100.7"}, false, unknown},
		{"a private one, by TLS", "172.16.0.1:80", "/", []string{"198.51.100.7"}, true, unknown},
		{"a stranger's header", "192.0.2.1:80", "/", []string{"198.51.100.7"}, true, ""},
		{"nothing told", "10.0.0.1:80", "/", nil, false, silent},
		{"told as unknown", "10.0.0.1:80", "/", []string{"198.51.100.7", "unknown"}, false, silent},
		{"the proxy's look at our health", "10.0.0.1:80", "/healthz", nil, false, ""},
		{"no proxy at all", "192.0.2.1:80", "/", nil, true, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var log bytes.Buffer
			now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			s := proxied(t, "10.0.0.0/8")
			s.Proxies, s.log, s.Now = &Proxies{}, slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now }
			r := httptest.NewRequest("GET", tc.path, nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = tc.peer, tc.forwarded
			if tc.tls {
				r.TLS = &tls.ConnectionState{}
			}
			s.watchProxies(r, peer(r))
			s.watchProxies(r, peer(r))
			want := 0
			if tc.want != "" {
				want = 1
			}
			if got := strings.Count(log.String(), "level=WARN"); got != want || !strings.Contains(log.String(), tc.want) {
				t.Errorf("log = %q, want %d lines with %q", log.String(), want, tc.want)
			}
			if got := s.Proxies.Troubles(now); len(got) != want || want == 1 && !strings.Contains(got[0], tc.want) {
				t.Errorf("troubles = %q", got)
			}
			now = now.Add(proxyEvery)
			if got := s.Proxies.Troubles(now); len(got) != 0 {
				t.Errorf("an hour later: %q", got)
			}
			if s.watchProxies(r, peer(r)); strings.Count(log.String(), "level=WARN") != 2*want {
				t.Errorf("an hour later the log says %q", log.String())
			}
		})
	}
}
