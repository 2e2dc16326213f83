// Package api is the management API: the operations of package admin over HTTP, with the document that describes them.
//
// One table, [endpoints], is routes and OpenAPI document in one. Package admin looks at rights, and tells the audit log; this package turns
// requests into its calls and its errors into problems (RFC 9457). It takes no cookie, so that no browser can be made to ask for what its user
// did not want (CSRF). It must not know HTML.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/handling"
	"brygga/limit"
	"brygga/secret"
)

// Bounds of what may be asked.
const (
	maxBody      = 4 << 20
	bodyTime     = 30 * time.Second
	atOnce       = 16
	perMinute    = 600 // of one address
	refusals     = 30  // keys that are refused, of one network in a minute
	defaultLimit = 100
	maxLimit     = 1000
)

// Options are the parts of the API. Admin is required.
type Options struct {
	Admin *admin.Service
	// Address returns where a request comes from; nil takes the address of the peer.
	Address func(*http.Request) netip.Addr
	// Version is the program's, for events in CEF.
	Version string
	// Metadata is where the API is described as a protected resource (RFC 9728), empty for nowhere.
	Metadata string
	// Log gets errors that are no fault of who asks; nil discards them.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

type api struct {
	Options
	all, refused *limit.Limiter[netip.Prefix] // by network: who has an IPv6 address has 2⁶⁴ of them
	turns        chan struct{}
	document     []byte
}

// New returns the handler of every path below /api/v1/.
func New(o Options) (http.Handler, error) {
	if o.Admin == nil {
		return nil, errors.New("api: no operations")
	}
	if o.Address == nil {
		o.Address = peer
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	document, err := json.MarshalIndent(describe(), "", "  ")
	if err != nil {
		return nil, err
	}
	a := &api{o, limit.New[netip.Prefix](perMinute, o.Now), limit.New[netip.Prefix](refusals, o.Now), make(chan struct{}, atOnce), document}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(a.document)
	})
	for pattern, methods := range byPath() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, methods) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { write(w, noSuchPath) })
	return tidy(mux), nil
}

// tidy refuses paths that mean another one, before they lead to it: an ID of two dots must not make a request for a client one for all of them.
func tidy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path {
			write(w, noSuchPath)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func peer(r *http.Request) netip.Addr {
	address, _ := netip.ParseAddrPort(r.RemoteAddr)
	return address.Addr().Unmap()
}

// byPath returns the endpoints of each path, by method.
func byPath() map[string]map[string]endpoint {
	paths := map[string]map[string]endpoint{}
	for _, e := range endpoints {
		if paths[base+e.path] == nil {
			paths[base+e.path] = map[string]endpoint{}
		}
		paths[base+e.path][e.method] = e
	}
	return paths
}

// call is one request that was authenticated.
type call struct {
	context.Context
	*api
	actor   admin.Actor
	request *http.Request
	values  url.Values // of the query
	body    map[string]json.RawMessage
}

// answer is what a call is answered with.
type answer struct {
	status int
	body   any
	// etag and location are headers, empty for none.
	etag, location string
	// stream writes a body that is no JSON, of that kind, in place of body. What fails behind its first byte breaks the connection off, so that
	// nobody takes it for whole.
	kind   string
	stream func(io.Writer) error
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, methods map[string]endpoint) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	e, ok := methods[r.Method]
	if r.Method == http.MethodHead { // RFC 9110 §9.3.2; net/http leaves the body out
		e, ok = methods[http.MethodGet]
	}
	if !ok {
		w.Header().Set("Allow", allowed(methods))
		write(w, &problem{Status: http.StatusMethodNotAllowed, Title: "method not allowed"})
		return
	}
	select {
	case a.turns <- struct{}{}:
		defer func() { <-a.turns }()
	default:
		w.Header().Set("Retry-After", busyTime)
		write(w, &problem{Status: http.StatusServiceUnavailable, Title: "too many requests at once"})
		return
	}
	done, err := a.do(w, r, e)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	for name, value := range map[string]string{"ETag": done.etag, "Location": done.location} {
		if value != "" {
			w.Header().Set(name, value)
		}
	}
	switch {
	case done.stream != nil:
		a.stream(w, r, done)
	case done.body == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(done.status)
		json.NewEncoder(w).Encode(done.body)
	}
}

// stream writes the body, unless nobody wants it. What fails before there is any of it is answered as any other failure.
func (a *api) stream(w http.ResponseWriter, r *http.Request, done *answer) {
	header := func(h http.Header) { h.Set("Content-Type", done.kind) }
	if r.Method == http.MethodHead {
		header(w.Header())
		return
	}
	if err := handling.Stream(w, header, done.stream, func(err error) {
		a.Log.ErrorContext(r.Context(), "answer broke off", "path", r.URL.Path, "err", err)
	}); err != nil {
		a.fail(w, r, err)
	}
}

// do answers the request, or returns an error, which may be a *problem.
func (a *api) do(w http.ResponseWriter, r *http.Request, e endpoint) (*answer, error) {
	from := account.From{Address: a.Address(r), Agent: r.UserAgent()}
	network := limit.Network(from.Address.String())
	if err := a.all.Allow(network); err != nil {
		return nil, tooMany
	}
	if err := a.refused.Check(network); err != nil {
		return nil, tooMany
	}
	actor, err := a.Admin.Authenticate(r.Context(), presented(r), from)
	if errors.Is(err, admin.ErrKey) {
		a.refused.Charge(network, 1)
		return nil, unauthorized
	}
	if err != nil {
		return nil, err
	}
	c := &call{Context: r.Context(), api: a, actor: actor, request: r}
	if err := c.read(w, e); err != nil {
		return nil, err
	}
	done, err := e.handle(c)
	if done != nil && done.status == 0 {
		done.status = http.StatusOK
	}
	return done, err
}

// presented returns the key that the request brings.
func presented(r *http.Request) secret.String {
	if key := r.Header.Get("X-API-Key"); key != "" {
		return secret.New(key)
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return secret.New(strings.TrimSpace(token))
	}
	return secret.String{}
}
