package clients

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

func (p *problems) addresses(key string, addresses []string, native bool) {
	if len(addresses) > maxList {
		p.add(key, "has too many addresses", fmt.Sprintf("name at most %d", maxList))
		return
	}
	for i, address := range addresses {
		if slices.Contains(addresses[:i], address) {
			p.add(key, quote(address)+" stands there twice", "name each address once")
			continue
		}
		if u, err := url.Parse(address); native && err == nil && privateScheme(u) {
			continue
		}
		p.webAddress(key, address)
	}
}

// privateScheme reports whether u has a scheme that an app of the device may own: a reversed domain name (RFC 8252 §7.1).
func privateScheme(u *url.URL) bool {
	return strings.Contains(u.Scheme, ".") && u.User == nil && u.Fragment == "" && !strings.HasSuffix(u.String(), "#") && len(u.String()) <= maxAddress
}

// webAddress accepts https, and http on loopback, without fragment (RFC 6749 §3.1.2).
func (p *problems) webAddress(key, address string) {
	u, err := url.Parse(address)
	const remedy = "write it as https://app.example.se/callback, or http://127.0.0.1/callback for an app on the person's own device"
	switch {
	case err != nil || u.Host == "" || len(address) > maxAddress || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > 126 }):
		p.add(key, quote(address)+" is not a web address", remedy)
	case strings.Contains(address, "#"):
		p.add(key, quote(address)+" has a fragment", "remove the part from # on")
	case u.User != nil || strings.Contains(address, "*"):
		p.add(key, quote(address)+" has a user or a wildcard", "name each address in full")
	case u.Scheme == "https" || u.Scheme == "http" && loopbackHost(u.Hostname()):
	default:
		p.add(key, quote(address)+" is neither https nor http on loopback", remedy)
	}
}

func loopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}
