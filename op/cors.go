package op

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"time"
)

const (
	// originLife is how long it is remembered whether an origin is registered: a new client's waits no longer.
	originLife = 30 * time.Second
	// maxOriginBytes bounds the memory, maxOrigin the length of what can be an origin.
	maxOriginBytes = 1 << 20
	maxOrigin      = 300
	// maxHeaderNames bounds what is repeated to a preflight.
	maxHeaderNames = 1 << 10
)

// cors is which origins may call an endpoint from a browser. No answer ever allows credentials: browsers hold none that the
// endpoints would take (Fetch §3.2).
type cors int

const (
	corsNone       cors = iota // nobody
	corsRegistered             // the origins of clients
	corsPublic                 // everybody: the document is public
)

// allowOrigin sets the headers that let the request's origin read the answer, and reports whether it may.
func (p *Provider) allowOrigin(w http.ResponseWriter, r *http.Request, who cors) bool {
	switch who {
	case corsPublic:
		w.Header()["Access-Control-Allow-Origin"] = headerAnyone
		return true
	case corsRegistered:
		w.Header()["Vary"] = headerOrigin
		if origin := r.Header.Get("Origin"); p.originRegistered(r.Context(), origin) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			return true
		}
	}
	return false
}

// preflight answers a browser that asks whether a script may send its request (Fetch §4.8). The script may send any header: tracing and
// libraries add some that it cannot leave out, and none means anything here. The asterisk stands for all but Authorization, as no
// credentials are ever allowed (§3.2.3); browsers of before it get the names that they have asked for.
func (p *Provider) preflight(w http.ResponseWriter, r *http.Request, who cors, methods string) {
	if p.allowOrigin(w, r, who) {
		h := w.Header()
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, *"+requestedHeaders(r))
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

// headerNames is a list of header names, as browsers send it: small letters, no spaces (Fetch §4.8).
var headerNames = regexp.MustCompile(`^[a-z0-9!#$%&'*+.^_|~-]+(?:, ?[a-z0-9!#$%&'*+.^_|~-]+)*$`)

// requestedHeaders returns the header names that a preflight asks for, behind a comma, or nothing when they are no such list.
func requestedHeaders(r *http.Request) string {
	names := r.Header.Get("Access-Control-Request-Headers")
	if len(names) > maxHeaderNames || !headerNames.MatchString(names) {
		return ""
	}
	return ", " + names
}

// originAnswer is whether an origin is registered, remembered so that a request from a browser costs no read of the store.
type originAnswer struct {
	registered bool
	expires    time.Time
}

// originRegistered reports whether a client has the origin. When the store cannot tell, it is as if none had.
func (p *Provider) originRegistered(ctx context.Context, origin string) bool {
	if len(origin) > maxOrigin || !strings.Contains(origin, "://") { // "null" is anybody
		return false
	}
	now := p.now()
	if answer, ok := p.scripts.Get(origin); ok && now.Before(answer.expires) {
		return answer.registered
	}
	registered, err := p.o.Store.OriginRegistered(ctx, origin)
	if err != nil {
		p.fault(ctx, "look up origin", err)
		return false
	}
	p.scripts.Put(origin, originAnswer{registered, now.Add(originLife)}, 0)
	return registered
}
