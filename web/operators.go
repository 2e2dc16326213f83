package web

import (
	"context"
	"net/http"
	"net/http/pprof"
	"time"
)

// readyTime bounds the question whether the process is ready.
const readyTime = 5 * time.Second

// OperatorsOptions are the parts of the operators' handler.
type OperatorsOptions struct {
	// Ready returns nil when logins can be served. Its error is shown: to operators only, and it must hold no secrets. Nil
	// means always ready.
	Ready func(ctx context.Context) error
	// Metrics serves /metrics; nil for none.
	Metrics http.Handler
}

// Operators returns the handler of the operators' listener: /healthz, /readyz, /metrics and /debug/pprof. It checks nobody's
// identity, so it must listen where only operators reach it: on loopback.
func Operators(o OperatorsOptions) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { alive(w) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTime)
		defer cancel()
		if o.Ready != nil {
			if err := o.Ready(ctx); err != nil {
				http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		alive(w)
	})
	if o.Metrics != nil {
		mux.Handle("GET /metrics", o.Metrics)
	}
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// alive answers that all is well.
func alive(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.Write([]byte("ok\n"))
}
