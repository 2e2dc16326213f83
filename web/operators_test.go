package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOperators(t *testing.T) {
	broken := errors.New("store is closed")
	var ready error
	h := Operators(OperatorsOptions{
		Ready:   func(context.Context) error { return ready },
		Details: func(context.Context) [][2]string { return [][2]string{{"proxies", "well"}} },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("metric 1\n")) }),
	})
	for _, tc := range []struct {
		path string
		err  error
		code int
		want string
	}{
		{"/healthz", broken, 200, "ok"},
		{"/readyz", nil, 200, "ok"},
		{"/readyz", broken, 503, "store is closed"},
		{"/readyz?verbose", nil, 200, "ok\nproxies: well\n"},
		{"/readyz?verbose", broken, 503, "not ready: store is closed\nproxies: well\n"},
		{"/metrics", nil, 200, "metric 1"},
		{"/debug/pprof/", nil, 200, "goroutine"},
		{"/login/x", nil, 404, ""},
	} {
		ready = tc.err
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", tc.path, nil)
		r.Host, r.RemoteAddr = "localhost:9090", "127.0.0.1:4711"
		h.ServeHTTP(w, r)
		if w.Code != tc.code || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s = %d %q, want %d with %q", tc.path, w.Code, w.Body, tc.code, tc.want)
		}
	}
}

// TestForeignHosts: a page on the internet whose name leads to this machine reads neither metrics nor memory.
func TestForeignHosts(t *testing.T) {
	h := Operators(OperatorsOptions{
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("metric 1\n")) }), Hosts: []string{"Metrics.internal"},
	})
	for _, tc := range []struct {
		path, host, peer string
		code             int
	}{
		{"/metrics", "evil.example", "127.0.0.1:1", 421},
		{"/metrics", "evil.example:9090", "127.0.0.1:1", 421},
		{"/metrics", "localhost.evil.example", "127.0.0.1:1", 421},
		{"/metrics", "127.0.0.1.evil.example", "127.0.0.1:1", 421},
		{"/metrics", "evillocalhost", "127.0.0.1:1", 421},
		{"/metrics", "localhost:9090", "127.0.0.1:1", 200},
		{"/metrics", "LOCALHOST.", "127.0.0.1:1", 200},
		{"/metrics", "127.0.0.1:9090", "127.0.0.1:1", 200},
		{"/metrics", "[::1]:9090", "[::1]:1", 200},
		{"/metrics", "[::1]", "[::1]:1", 200},
		{"/metrics", "10.0.0.7:9090", "10.0.0.9:1", 200},
		{"/metrics", "metrics.internal:9090", "10.0.0.9:1", 200},
		{"/metrics", "", "10.0.0.9:1", 200},
		{"/debug/pprof/", "evil.example", "127.0.0.1:1", 421},
		{"/debug/pprof/heap", "evil.example", "127.0.0.1:1", 421},
		{"/debug/pprof/heap", "127.0.0.1:9090", "127.0.0.1:1", 200},
		{"/debug/pprof/heap", "10.0.0.7:9090", "10.0.0.9:1", 403},
		{"/debug/pprof/cmdline", "metrics.internal", "10.0.0.9:1", 403},
		{"/healthz", "evil.example", "127.0.0.1:1", 200},
		{"/readyz", "evil.example", "127.0.0.1:1", 200},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", tc.path, nil)
		r.Host, r.RemoteAddr = tc.host, tc.peer
		if h.ServeHTTP(w, r); w.Code != tc.code {
			t.Errorf("%s under %q from %s = %d, want %d", tc.path, tc.host, tc.peer, w.Code, tc.code)
		}
	}
}
