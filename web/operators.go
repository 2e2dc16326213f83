package web

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// readyTime bounds the question whether the process is ready.
const readyTime = 5 * time.Second

// OperatorsOptions are the parts of the operators' handler.
type OperatorsOptions struct {
	// Ready returns nil when logins can be served. Its error is shown: to operators only, and it must hold no secrets. Nil
	// means always ready.
	Ready func(ctx context.Context) error
	// Details returns what /readyz?verbose says besides, name and text. Nil for nothing.
	Details func(ctx context.Context) [][2]string
	// Metrics serves /metrics; nil for none.
	Metrics http.Handler
	// Checkpoint returns the signed checkpoint of the audit log, or an error that is shown. Nil for none.
	Checkpoint func(ctx context.Context) ([]byte, error)
	// API serves what is below /api/v1/; nil for none. It looks itself who asks.
	API http.Handler
	// Console serves what is below /admin/; nil for none. It looks itself who asks.
	Console http.Handler
	// Hosts are the names that metrics and profiles may be asked under, beside those of loopback and addresses.
	Hosts []string
}

// Operators returns the handler of the operators' listener: /healthz, /readyz, /metrics, /audit/checkpoint, /api/v1, /admin and /debug/pprof. But
// for the API and the console it checks nobody's identity, so it must listen where only operators reach it. Profiles, which hold what is in memory, are for this machine alone
// wherever it listens.
func Operators(o OperatorsOptions) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { alive(w) })
	mux.HandleFunc("GET /readyz", o.ready)
	guarded := http.NewServeMux()
	if o.Metrics != nil {
		guarded.Handle("GET /metrics", o.Metrics)
	}
	if o.Checkpoint != nil {
		guarded.HandleFunc("GET /audit/checkpoint", o.checkpoint)
	}
	if o.API != nil {
		guarded.Handle("/api/v1/", o.API)
	}
	if o.Console != nil {
		guarded.Handle("/admin/", o.Console)
	}
	guarded.HandleFunc("GET /debug/pprof/", pprof.Index)
	guarded.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	guarded.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	guarded.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	guarded.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.Handle("/debug/", GuardHost(local(guarded), o.Hosts...))
	mux.Handle("/", GuardHost(guarded, o.Hosts...))
	return mux
}

// ready answers whether logins can be served, and in detail when the query has "verbose".
func (o OperatorsOptions) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	var err error
	if o.Ready != nil {
		err = o.Ready(ctx)
	}
	plainText(w.Header())
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "not ready: %v\n", err)
	} else {
		io.WriteString(w, "ok\n")
	}
	if !r.URL.Query().Has("verbose") || o.Details == nil {
		return
	}
	for _, detail := range o.Details(ctx) {
		fmt.Fprintf(w, "%s: %s\n", detail[0], detail[1])
	}
}

// checkpoint answers with the checkpoint as C2SP tlog-checkpoint has it, for those who keep them.
func (o OperatorsOptions) checkpoint(w http.ResponseWriter, r *http.Request) {
	text, err := o.Checkpoint(r.Context())
	plainText(w.Header())
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, err)
		return
	}
	w.Write(text)
}

// local lets requests of this machine pass and refuses all others.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !peer(r).IsLoopback() {
			http.Error(w, "profiles hold what is in memory: ask for them on the machine itself, by its loopback address", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// GuardHost lets requests pass that were sent to an address, a name of loopback, or one of names, and refuses all others. A page on
// the internet can have its own name lead to this machine, and would then be let read what is for this machine (DNS rebinding);
// under an address it cannot, as browsers send the name that the page came from.
func GuardHost(next http.Handler, names ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := strings.ToLower(strings.TrimSuffix(hostName(r.Host), "."))
		_, err := netip.ParseAddr(host)
		if err != nil && host != "" && host != "localhost" && !strings.HasSuffix(host, ".localhost") && !slices.ContainsFunc(names, func(name string) bool {
			return strings.EqualFold(name, host)
		}) {
			http.Error(w, "this is not served under that name: ask for it by address, or name it in admin_hosts", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostName returns the host of a Host header, without its port and brackets.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

func plainText(h http.Header) {
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
}

// alive answers that all is well.
func alive(w http.ResponseWriter) {
	plainText(w.Header())
	io.WriteString(w, "ok\n")
}
