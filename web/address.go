package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxHops bounds how many addresses of X-Forwarded-For are looked at, from the nearest on.
const maxHops = 32

// peer returns the address at the other end of the connection.
func peer(r *http.Request) netip.Addr {
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// trusts reports whether address is one of our own proxies.
func (s *Site) trusts(address netip.Addr) bool {
	for _, prefix := range s.TrustedProxies {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// clientAddress returns the address of the browser: that of the peer, which the request comes from, or when that is a trusted proxy, the nearest address in
// X-Forwarded-For that is not one. What stands before that one is the word of a stranger. An address that cannot be read
// ends the search at the proxy that reported it.
func (s *Site) clientAddress(r *http.Request, from netip.Addr) netip.Addr {
	address := from
	if !s.trusts(address) {
		return address
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= max(0, len(hops)-maxHops); i-- {
		hop, ok := parseHop(strings.TrimSpace(hops[i]))
		if !ok {
			return address
		}
		address = hop
		if !s.trusts(address) {
			return address
		}
	}
	return address
}

// parseHop reads an address of X-Forwarded-For, which some proxies write with a port.
func parseHop(text string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		address = withPort.Addr()
	}
	return address.Unmap().WithZone(""), true
}

// forwardedInsecurely reports whether a trusted proxy says that the browser came by plain HTTP to an https issuer.
func (s *Site) forwardedInsecurely(r *http.Request, from netip.Addr) bool {
	return s.secure() && r.Header.Get("X-Forwarded-Proto") == "http" && s.trusts(from)
}

// Address returns the address of the browser that sent r, for handlers beside the Site's own, by the rule that the Site has.
func (s *Site) Address(r *http.Request) netip.Addr { return s.clientAddress(r, peer(r)) }
