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
	"mime"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/limit"
	"brygga/secret"
)

// Bounds of what may be asked.
const (
	maxBody      = 4 << 20
	bodyTime     = 30 * time.Second
	atOnce       = 16
	perMinute    = 600 // of one address
	refusals     = 30  // keys that are refused, of one address in a minute
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
	all, refused *limit.Limiter[netip.Addr]
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
	a := &api{o, limit.New[netip.Addr](perMinute, o.Now), limit.New[netip.Addr](refusals, o.Now), make(chan struct{}, atOnce), document}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+base+"/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(a.document)
	})
	for path, methods := range byPath() {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, methods) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { write(w, notFound("there is no such path")) })
	return mux, nil
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
	body    map[string]json.RawMessage
}

// answer is what a call is answered with.
type answer struct {
	status int
	body   any
	etag   string
	// stream writes a body that is no JSON, of that kind, in place of body. What fails in it breaks the connection off, so that nobody takes it for whole.
	kind   string
	stream func(io.Writer) error
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, methods map[string]endpoint) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	e, ok := methods[r.Method]
	if !ok {
		w.Header().Set("Allow", allowed(methods))
		write(w, &problem{Status: http.StatusMethodNotAllowed, Title: "method not allowed"})
		return
	}
	select {
	case a.turns <- struct{}{}:
		defer func() { <-a.turns }()
	default:
		w.Header().Set("Retry-After", "1")
		write(w, &problem{Status: http.StatusServiceUnavailable, Title: "too many requests at once"})
		return
	}
	done, err := a.do(w, r, e)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if done.etag != "" {
		w.Header().Set("ETag", done.etag)
	}
	if done.stream != nil {
		w.Header().Set("Content-Type", done.kind)
		if err := done.stream(w); err != nil {
			a.Log.ErrorContext(r.Context(), "answer broke off", "path", r.URL.Path, "err", err)
			panic(http.ErrAbortHandler)
		}
		return
	}
	if done.body == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(done.status)
	json.NewEncoder(w).Encode(done.body)
}

// do answers the request, or returns an error, which may be a *problem.
func (a *api) do(w http.ResponseWriter, r *http.Request, e endpoint) (*answer, error) {
	from := account.From{Address: a.Address(r), Agent: r.UserAgent()}
	if err := a.all.Allow(from.Address); err != nil {
		return nil, tooMany
	}
	if err := a.refused.Check(from.Address); err != nil {
		return nil, tooMany
	}
	actor, err := a.Admin.Authenticate(r.Context(), presented(r), from)
	if errors.Is(err, admin.ErrKey) {
		a.refused.Charge(from.Address, 1)
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

// read reads the body, which is one JSON object where the endpoint takes one, and refuses query parameters that there are not.
func (c *call) read(w http.ResponseWriter, e endpoint) error {
	for name := range c.request.URL.Query() {
		if !e.takes(name) {
			return invalid(fault{Parameter: name, Detail: "there is no such parameter"})
		}
	}
	if e.body == "" {
		return nil
	}
	kind, _, _ := mime.ParseMediaType(c.request.Header.Get("Content-Type"))
	if kind != "application/json" {
		return &problem{Status: http.StatusUnsupportedMediaType, Title: "unsupported media type", Detail: "send application/json"}
	}
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime))
	decoder := json.NewDecoder(http.MaxBytesReader(w, c.request.Body, maxBody))
	err := decoder.Decode(&c.body)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("something follows the object")
		}
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return &problem{Status: http.StatusRequestEntityTooLarge, Title: "body too large"}
	}
	if err != nil || c.body == nil {
		return &problem{Status: http.StatusBadRequest, Title: "not a JSON object", Detail: "the body is not one JSON object"}
	}
	return nil
}
