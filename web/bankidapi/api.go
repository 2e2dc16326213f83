// Package bankidapi is BankID as a JSON:API for trusted back ends: orders over the one engine, for a registered client whose program shows the person
// the way itself.
//
// One table, endpoints, is routes and OpenAPI document in one. There are two dialects (JSON:API 1.1 by its media type, and the older contract that many
// back ends speak), which differ in forms alone. Package admin knows whose key it is, and package login makes the orders: this package turns requests into
// their calls. It takes no cookie and answers no browser: what it hands out must not reach one (BankID: qrStartSecret). It must not know HTML or OIDC.
package bankidapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/limit"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// Path is the path below which all of it is.
const Path = "/api/bankid/v1"

// Bounds of what may be asked.
const (
	maxBody  = 512 << 10
	bodyTime = 30 * time.Second
	refusals = 30      // keys that are refused, of one network in a minute
	perKey   = 120_000 // requests of one key in a minute: each of 2 000 orders once a second
	perOrder = 120     // questions about one order in a minute
)

// DefaultKept is how long the end of an order is told when Options say nothing, and MaxKept how long it can be.
const (
	DefaultKept = 5 * time.Minute
	MaxKept     = login.ProgramKept
)

// Orders makes and finds the orders of programs; a *login.Engine does.
type Orders interface {
	Order(ctx context.Context, id string, request storage.AuthRequest, starter storage.Starter) (*storage.Login, error)
	OfProgram(ctx context.Context, id, clientID, owner string) (*storage.Login, error)
	Cancel(ctx context.Context, id, ip string) (*storage.Login, error)
	Frame(l *storage.Login) secret.String
	Starting(l *storage.Login) bool
}

// Keys knows whose key is presented; an *admin.Service does.
type Keys interface {
	ClientKey(ctx context.Context, presented secret.String, from account.From) (*storage.APIKey, *storage.Client, error)
}

// Options are the parts of the API. Orders and Keys are required.
type Options struct {
	Orders Orders
	Keys   Keys
	// Issuer is what links begin with.
	Issuer string
	// Kept is how long the end of an order is told, at most MaxKept; 0 means DefaultKept.
	Kept time.Duration
	// Window is how long the person has for an order; 0 means login.DefaultWindow.
	Window time.Duration
	// Silence is how long after its beginning an order by telephone that no app has had looks as if it were pending, though it has failed: it must not say
	// whether there is such a person.
	Silence time.Duration
	// Address returns where a request comes from; nil takes the address of the peer.
	Address func(*http.Request) netip.Addr
	// Trace returns what the log calls the request of ctx; nil leaves it out.
	Trace func(ctx context.Context) string
	// Log gets errors that are no fault of who asks; nil discards them.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

type api struct {
	Options
	refused  *limit.Limiter[netip.Prefix] // by network: who has an IPv6 address has 2⁶⁴ of them
	keys     *limit.Limiter[string]
	orders   *limit.Limiter[string]
	document []byte
}

// New returns the handler of every path below Path, or an error that names the option that cannot be used.
func New(o Options) (http.Handler, error) {
	switch {
	case o.Orders == nil || o.Keys == nil:
		return nil, errors.New("bankidapi: no orders, or no keys")
	case o.Kept < 0 || o.Kept > MaxKept:
		return nil, errors.New("bankidapi: the end of an order is kept for " + MaxKept.String() + " at most")
	}
	if o.Kept == 0 {
		o.Kept = DefaultKept
	}
	if o.Window == 0 {
		o.Window = login.DefaultWindow
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Address == nil {
		o.Address = peer
	}
	if o.Trace == nil {
		o.Trace = func(context.Context) string { return "" }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	document, err := json.MarshalIndent(describe(), "", "  ")
	if err != nil {
		return nil, err
	}
	a := &api{o, limit.New[netip.Prefix](refusals, o.Now), limit.New[string](perKey, o.Now), limit.New[string](perOrder, o.Now), document}
	return a.routes(), nil
}

func peer(r *http.Request) netip.Addr {
	address, _ := netip.ParseAddrPort(r.RemoteAddr)
	return address.Addr().Unmap()
}

func (a *api) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path+"/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(a.document)
	})
	paths := map[string]map[string]endpoint{}
	for _, e := range endpoints {
		if paths[e.path] == nil {
			paths[e.path] = map[string]endpoint{}
		}
		paths[e.path][e.method] = e
	}
	for path, methods := range paths {
		mux.HandleFunc(Path+path, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, methods) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, nil) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path { // the mux would send it elsewhere
			a.serve(w, r, nil)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// call is one request of a key.
type call struct {
	context.Context
	*api
	request *http.Request
	dialect dialect // of the answer
	kind    string  // of the answer: its media type
	key     *storage.APIKey
	client  *storage.Client
}

// owner is the name of the call's program.
func (c *call) owner() string { return "key:" + c.key.ID }

// may reports whether the key has all of the scopes.
func (c *call) may(scopes ...string) bool {
	return !slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(c.key.Scopes, scope) })
}

// answer is what a call is answered with.
type answer struct {
	status   int
	body     any    // nil for none
	location string // empty for none
	raw      []byte // in place of the body, of the call's kind
}

func (a *api) serve(w http.ResponseWriter, r *http.Request, methods map[string]endpoint) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Add("Vary", "Accept")
	c := &call{Context: r.Context(), api: a, request: r, dialect: dialectOf(r), kind: jsonType}
	if c.dialect == strict {
		c.kind = jsonAPIType
	}
	done, err := c.do(w, methods)
	if err != nil {
		c.fail(w, err)
		return
	}
	if done.location != "" {
		header.Set("Location", done.location)
	}
	if done.body == nil && done.raw == nil {
		w.WriteHeader(done.status)
		return
	}
	header.Set("Content-Type", c.kind)
	w.WriteHeader(done.status)
	if done.raw != nil {
		w.Write(done.raw)
		return
	}
	write(w, done.body)
}

// write writes JSON as it was meant: HTML's characters need no escape where no browser reads.
func write(w http.ResponseWriter, body any) {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.Encode(body)
}

// do answers the request, or returns an error, which may be a *fault.
func (c *call) do(w http.ResponseWriter, methods map[string]endpoint) (*answer, error) {
	r := c.request
	if fromBrowser(r) {
		return nil, &fault{status: http.StatusForbidden, code: "browser_refused", title: "Calls from browsers are refused", detail: "this API is for back ends: the request has Origin or Sec-Fetch headers"}
	}
	if err := c.authenticate(); err != nil {
		return nil, err
	}
	e, ok := methods[r.Method]
	if r.Method == http.MethodHead { // RFC 9110 §9.3.2; net/http leaves the body out
		e, ok = methods[http.MethodGet]
	}
	switch {
	case methods == nil:
		return nil, &fault{status: http.StatusNotFound, code: "not_found", title: "Not found", detail: "there is no such path"}
	case !ok:
		w.Header().Set("Allow", allowed(methods))
		return nil, &fault{status: http.StatusMethodNotAllowed, code: "method_not_allowed", title: "Method not allowed"}
	}
	if err := c.negotiate(e); err != nil {
		return nil, err
	}
	if !c.may(e.scopes...) {
		return nil, &fault{status: http.StatusForbidden, code: "forbidden_operation", title: "Forbidden operation", detail: "the key lacks " + strings.Join(e.scopes, " or ")}
	}
	if err := c.checkQuery(); err != nil {
		return nil, err
	}
	return e.handle(c, w)
}

// fromBrowser reports whether a browser sends the request: pages get no answer, with whatever key (W3C Fetch Metadata, RFC 6454 §7).
func fromBrowser(r *http.Request) bool {
	for _, name := range []string{"Origin", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User"} {
		if len(r.Header.Values(name)) > 0 {
			return true
		}
	}
	return false
}

// authenticate finds the key and its client.
func (c *call) authenticate() (err error) {
	from := account.From{Address: c.Address(c.request), Agent: c.request.UserAgent()}
	network := limit.Network(from.Address.String())
	if err := c.refused.Check(network); err != nil {
		return err
	}
	presented := c.request.Header.Get("X-API-Key")
	if presented == "" {
		return &fault{status: http.StatusUnauthorized, code: "missing_api_key", title: "Missing API key", detail: "send the key as x-api-key", header: "x-api-key"}
	}
	c.key, c.client, err = c.Keys.ClientKey(c, secret.New(presented), from)
	if errors.Is(err, admin.ErrKey) {
		c.refused.Charge(network, 1)
		return &fault{status: http.StatusUnauthorized, code: "invalid_api_key", title: "Invalid API key", header: "x-api-key"}
	}
	if err != nil {
		return err
	}
	return c.keys.Allow(c.key.ID)
}

// allowed lists the methods of a path, as Allow has it.
func allowed(methods map[string]endpoint) string {
	var names []string
	for name := range methods {
		if names = append(names, name); name == http.MethodGet {
			names = append(names, http.MethodHead)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
