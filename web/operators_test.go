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
		{"/metrics", nil, 200, "metric 1"},
		{"/debug/pprof/", nil, 200, "goroutine"},
		{"/login/x", nil, 404, ""},
	} {
		ready = tc.err
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", tc.path, nil))
		if w.Code != tc.code || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s = %d %q, want %d with %q", tc.path, w.Code, w.Body, tc.code, tc.want)
		}
	}
}
