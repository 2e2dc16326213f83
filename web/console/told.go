package console

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"

	"brygga/handling"
)

// referenceKey is that of a request's reference, by which the log names it, in its context.
type referenceKey struct{}

// referenceOf is the reference of the request that ctx belongs to.
func referenceOf(ctx context.Context) string {
	reference, _ := ctx.Value(referenceKey{}).(string)
	return reference
}

// told logs and observes the requests of a route when they have been answered, as the public site does its own. There is the route and never the
// path or the query: they name people and what was searched for.
func (c *Console) told(route string, serve http.HandlerFunc) http.Handler {
	level := slog.LevelInfo
	if route == "GET "+assetPrefix+"{name}" {
		level = slog.LevelDebug
	}
	return http.HandlerFunc(func(inner http.ResponseWriter, r *http.Request) {
		began, w := time.Now(), &handling.Recorder{ResponseWriter: inner}
		ctx := context.WithValue(r.Context(), referenceKey{}, rand.Text()[:8])
		defer func() {
			if w.Status == 0 {
				w.Status = http.StatusOK // what net/http sends for a handler that wrote nothing
			}
			took := time.Since(began)
			c.Log.LogAttrs(ctx, level, "request", slog.String("request_id", referenceOf(ctx)), slog.String("route", route), slog.String("method", methodOf(r)),
				slog.Int("status", w.Status), slog.Int64("bytes", w.Bytes), slog.Float64("took_ms", float64(took.Microseconds())/1000))
			c.Observe(route, w.Status, took)
		}()
		serve(w, r.WithContext(ctx))
	})
}

// methodOf returns the request's method, or "other" for one that is not usual: it goes into the log as it came.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return r.Method
	}
	return "other"
}
