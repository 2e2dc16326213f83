package op

import (
	"context"
	"net/http"
	"strings"
	"time"
)

const (
	// originLife is how long it is remembered whether an origin is registered: a new client's waits no longer.
	originLife = 30 * time.Second
	// maxOriginBytes bounds the memory, maxOrigin the length of what can be an origin.
	maxOriginBytes = 1 << 20
	maxOrigin      = 300
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
		w.Header().Set("Access-Control-Allow-Origin", "*")
		return true
	case corsRegistered:
		w.Header().Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); p.originRegistered(r.Context(), origin) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			return true
		}
	}
	return false
}

// preflight answers a browser that asks whether a script may send its request (Fetch §4.8).
func (p *Provider) preflight(w http.ResponseWriter, r *http.Request, who cors, methods string) {
	if p.allowOrigin(w, r, who) {
		h := w.Header()
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
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
