package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// proxyEvery is how often one trouble with proxies is logged.
const proxyEvery = time.Hour

// The troubles with proxies: in both BankID is told the proxy's address in place of the person's, and all people share the limits
// of one address.
const (
	// proxyUnknown: a proxy that is not among TrustedProxies tells whom it speaks for, and is not believed.
	proxyUnknown = iota
	// proxySilent: a trusted proxy does not tell whom it speaks for.
	proxySilent
	proxyTroubles
)

var proxyTexts = [proxyTroubles]string{
	proxyUnknown: "X-Forwarded-For comes from an address that is not in trusted_proxies, and is not believed: if a proxy of yours is there, name it",
	proxySilent:  "a proxy of trusted_proxies sends no X-Forwarded-For that can be read: let it send the address of the browser",
}

// Proxies notices proxies that are set up wrongly. Its methods may be called concurrently, and several Sites may share one.
type Proxies struct {
	mu   sync.Mutex
	seen [proxyTroubles]struct {
		peer         netip.Addr
		last, logged time.Time
	}
}

// Troubles says what was wrong with proxies within the last hour, in a sentence each.
func (p *Proxies) Troubles(now time.Time) (texts []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for trouble, seen := range p.seen {
		if !seen.last.IsZero() && now.Sub(seen.last) < proxyEvery {
			texts = append(texts, fmt.Sprintf("%s (%s)", proxyTexts[trouble], seen.peer))
		}
	}
	return texts
}

// note remembers a trouble and reports whether it is time to log it.
func (p *Proxies) note(trouble int, peer netip.Addr, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := &p.seen[trouble]
	seen.peer, seen.last = peer, now
	if !seen.logged.IsZero() && now.Sub(seen.logged) < proxyEvery {
		return false
	}
	seen.logged = now
	return true
}

// watchProxies looks at what a request tells of the proxies before us. The load balancer's own look at our health comes without a
// browser behind it.
func (s *Site) watchProxies(r *http.Request, from netip.Addr) {
	told := strings.Join(r.Header["X-Forwarded-For"], ",")
	trouble := -1
	switch {
	case r.URL.Path == strings.TrimPrefix(routeHealth, "GET "):
	case s.trusts(from) && !readable(told):
		trouble = proxySilent
	case told != "" && !s.trusts(from) && s.behindProxy(r, from):
		trouble = proxyUnknown
	}
	if trouble < 0 || !s.Proxies.note(trouble, from, s.Now()) {
		return
	}
	s.log.LogAttrs(context.WithoutCancel(r.Context()), slog.LevelWarn, proxyTexts[trouble], slog.String("peer", from.String()))
}

// readable reports whether the last address of an X-Forwarded-For is one.
func readable(told string) bool {
	_, ok := parseHop(strings.TrimSpace(told[strings.LastIndex(told, ",")+1:]))
	return ok
}

// behindProxy reports whether the peer is probably a proxy of the operator's: it is on a network of theirs, or it speaks plain HTTP
// while browsers use https. A stranger on the open internet may write what they like into a header.
func (s *Site) behindProxy(r *http.Request, peer netip.Addr) bool {
	return r.TLS == nil && s.secure() || peer.IsLoopback() || peer.IsPrivate() || peer.IsLinkLocalUnicast()
}
