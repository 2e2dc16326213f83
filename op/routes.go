package op

import (
	"cmp"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"brygga/handling"
	"brygga/storage"
)

// The paths of the provider, below the issuer.
const (
	pathDiscovery  = "/.well-known/openid-configuration"
	pathMetadata   = "/.well-known/oauth-authorization-server"
	pathJWKS       = "/jwks.json"
	pathAuthorize  = "/authorize"
	pathToken      = "/token"
	pathUserinfo   = "/userinfo"
	pathLogout     = "/logout"
	pathPAR        = "/par"
	pathIntrospect = "/introspect"
	pathRevoke     = "/revoke"
	// pathLogoutConfirm takes the form of our own page that asks whether to log out.
	pathLogoutConfirm = "/logout/confirm"
)

// Limits on what strangers send, in bytes.
const (
	maxBody  = 64 << 10
	maxQuery = 64 << 10
	maxURI   = 2048
	// maxSigning bounds an auth request, which may have a text and data to sign: in base64, within a JWT, within another.
	maxSigning = 1 << 20
)

// bodyLimit returns the most that the body of a request to that path may have.
func bodyLimit(path string) int64 {
	if path == pathPAR || path == pathAuthorize {
		return maxSigning
	}
	return maxBody
}

// Handler returns the handler of every path of the provider; it answers 404 for others. Clients call all but the documents and
// /logout/confirm from their own origins, with POST too: a guard against cross-origin requests must let these paths pass.
func (p *Provider) Handler() http.Handler { return p.handler }

func (p *Provider) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(pathDiscovery, p.document("discovery", p.serveDiscovery))
	mux.Handle(pathMetadata, p.document("discovery", p.serveDiscovery))
	for _, api := range p.ownAPIs() {
		mux.Handle(pathResource+api.path, p.document("resource", p.serveResource(api)))
	}
	if p.o.EvidenceOf != nil {
		mux.Handle(pathEvidence+"/{txn}", p.backend("evidence", p.guardBearer(p.serveEvidence), http.MethodGet))
	}
	mux.Handle(pathJWKS, p.document("jwks", p.serveJWKS))
	mux.Handle(pathToken, p.api("token", p.guardForm(p.serveToken), http.MethodPost))
	mux.Handle(pathPAR, p.api("par", p.guardForm(p.servePAR), http.MethodPost))
	if p.o.Call != nil {
		mux.Handle(pathBackchannel, p.backend("bc_authorize", p.guardForm(p.serveBackchannel), http.MethodPost))
	}
	mux.Handle(pathUserinfo, p.api("userinfo", p.guardBearer(p.serveUserinfo), http.MethodGet, http.MethodPost))
	mux.Handle(pathIntrospect, p.backend("introspect", p.guardForm(p.serveIntrospect), http.MethodPost))
	mux.Handle(pathRevoke, p.api("revoke", p.guardForm(p.serveRevoke), http.MethodPost))
	mux.Handle(pathAuthorize, p.page("authorize", p.serveAuthorize))
	mux.Handle(pathLogout, p.page("logout", p.serveLogout))
	mux.Handle(pathLogoutConfirm, p.page("logout_confirm", p.serveLogoutConfirm))
	return mux
}

// document wraps a public document, which scripts of every origin may read.
func (p *Provider) document(name string, handle http.HandlerFunc) http.Handler {
	return p.endpoint(name, handle, corsPublic, http.MethodGet, http.MethodHead)
}

// api wraps an endpoint that clients call, from browsers too where their origin is registered. Whoever calls must hold a code or
// a token: browsers send nothing along by themselves.
func (p *Provider) api(name string, handle http.HandlerFunc, methods ...string) http.Handler {
	return p.endpoint(name, handle, corsRegistered, methods...)
}

// backend wraps an endpoint that servers call, and no script.
func (p *Provider) backend(name string, handle http.HandlerFunc, methods ...string) http.Handler {
	return p.endpoint(name, handle, corsNone, methods...)
}

// endpoint wraps an endpoint that programs call: it answers preflights and methods that are not allowed.
func (p *Provider) endpoint(name string, handle http.HandlerFunc, who cors, methods ...string) http.Handler {
	allowed := strings.Join(methods, ", ")
	return http.HandlerFunc(func(inner http.ResponseWriter, r *http.Request) {
		w := &response{Recorder: handling.Recorder{ResponseWriter: inner}}
		defer p.finish(name, w, r, answerFault)
		w.Header()["X-Content-Type-Options"] = headerNosniff
		if r.Method == http.MethodOptions && who != corsNone {
			p.preflight(w, r, who, allowed)
			return
		}
		if p.allowOrigin(w, r, who) {
			w.Header()["Access-Control-Expose-Headers"] = headerExposed
		}
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", allowed)
			writeError(w, invalid("method not allowed").at(http.StatusMethodNotAllowed))
			return
		}
		handle(w, r)
	})
}

// answerFault answers a program's request whose handler has panicked.
func answerFault(w *response) { writeError(w, newError(oidc.ServerError, internalError)) }

// The values of headers that are always the same, made once: a header that is set is a slice of its own otherwise. Nobody changes them.
var (
	headerNosniff = []string{"nosniff"}
	headerExposed = []string{"WWW-Authenticate, Retry-After"}
	headerAnyone  = []string{"*"}
	headerOrigin  = []string{"Origin"}
	headerJSON    = []string{"application/json"}
	headerNoStore = []string{"no-store"}
	headerNoCache = []string{"no-cache"}
)

// page wraps an endpoint that browsers visit. It has no CORS header: no script may read what comes back.
func (p *Provider) page(name string, handle http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(inner http.ResponseWriter, r *http.Request) {
		w := &response{Recorder: handling.Recorder{ResponseWriter: inner}}
		defer p.finish(name, w, r, func(w *response) {
			p.o.Pages.ShowError(w, r, http.StatusInternalServerError, string(oidc.ServerError), internalError, w.party)
		})
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodPost {
			w.Header().Set("Allow", "GET, POST")
			p.showError(w, r, invalid("method not allowed").at(http.StatusMethodNotAllowed))
			return
		}
		if err := p.limits.addresses.Allow(p.o.ClientIP(r)); err != nil {
			p.showTooMany(w, r, err)
			return
		}
		handle(w, r)
	})
}

// showError shows the page for a request that cannot be answered by a redirect.
func (p *Provider) showError(w http.ResponseWriter, r *http.Request, e *oauthError) {
	var client *storage.Client
	if w, ok := w.(*response); ok {
		client = w.party
	} else { // a login's answer, which passes no endpoint of ours
		p.logRefusal(r.Context(), "answer", "", e)
	}
	note(w, e)
	p.o.Pages.ShowError(w, r, cmp.Or(e.status, http.StatusBadRequest), e.code, e.description, client)
}

// showTooMany shows the page for a request beyond a limit.
func (p *Provider) showTooMany(w http.ResponseWriter, r *http.Request, err error) {
	setRetryAfter(w, err)
	p.showError(w, r, newError(errTooMany, "too many requests").at(http.StatusTooManyRequests))
}

// showFault logs a fault of ours and shows a page that says no more than that there was one.
func (p *Provider) showFault(w http.ResponseWriter, r *http.Request, doing string, err error) {
	e := p.fault(r.Context(), doing, err)
	if e.over != nil {
		setRetryAfter(w, e.over)
	}
	p.showError(w, r, e.at(e.statusOf()))
}

// finish tells of the outcome. After a panic it logs what can be logged, which is never the panic's own text, and answers
// when nothing was sent yet.
func (p *Provider) finish(name string, w *response, r *http.Request, answer func(*response)) {
	if v := recover(); v != nil {
		if v == http.ErrAbortHandler {
			panic(v)
		}
		p.log.ErrorContext(r.Context(), "panic", "doing", name, "err", handling.Panic(v), "stack", string(debug.Stack()))
		w.outcome = string(oidc.ServerError)
		if w.Status == 0 {
			answer(w)
		}
	}
	p.logRefusal(r.Context(), name, w.client, w.refused)
	if w.outcome == "" {
		w.outcome = "ok"
		if w.Status >= 400 {
			w.outcome = http.StatusText(w.Status)
		}
	}
	known := ""
	if w.party != nil {
		known = w.party.ID
	}
	p.o.Observe(name, w.outcome, known)
}

// response notes what was sent, and adds the challenge that a 401 must have (RFC 9110 §11.6.1).
type response struct {
	handling.Recorder
	outcome   string
	challenge string
	bearer    bool // errors carry the challenge of a protected resource
	// over is the *limit.Error for an address that has had too many access tokens refused.
	over error
	// refused is the error that the request was answered with, client in whose name it was sent.
	refused *oauthError
	client  string
	party   *storage.Client // the same, where the client is known
}

// WriteHeader sends the status.
func (w *response) WriteHeader(status int) {
	if w.Status == 0 && status == http.StatusUnauthorized && w.challenge != "" {
		w.Header().Set("WWW-Authenticate", w.challenge)
	}
	w.Recorder.WriteHeader(status)
}
