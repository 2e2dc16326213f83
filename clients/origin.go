package clients

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"brygga/outbound"
	"brygga/storage"
)

// shells are the schemes of pages that an app of the device brings along: of Capacitor, Ionic and Tauri, and of browsers' extensions.
var shells = []string{"capacitor", "ionic", "tauri", "chrome-extension", "moz-extension", "safari-web-extension"}

// usualPorts are those that browsers leave out of an origin, by scheme.
var usualPorts = map[string]string{"https": ":443", "http": ":80"}

// browserOrigin returns an origin as browsers write it: in small letters, the host in A-labels, without the port that the scheme has
// anyway (RFC 6454 §6.2, WHATWG URL). What is no origin at all comes back as it was, or no better.
func browserOrigin(origin string) string {
	scheme, authority, ok := strings.Cut(origin, "://")
	if !ok {
		return origin
	}
	scheme = strings.ToLower(scheme)
	host, port := authority, ""
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		host, port = authority[:colon], authority[colon:]
	}
	if port == usualPorts[scheme] {
		port = ""
	}
	return scheme + "://" + browserHost(host) + port
}

// browserHost returns a host as browsers write it, an IPv6 address in brackets.
func browserHost(host string) string {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		if ip, err := netip.ParseAddr(strings.TrimSuffix(inner, "]")); err == nil && !ip.Is4In6() {
			return "[" + ip.String() + "]"
		}
	}
	isASCII := !strings.ContainsFunc(host, func(r rune) bool { return r >= 0x80 })
	if label, err := idna.Lookup.ToASCII(host); !isASCII && err == nil {
		host = label
	}
	return strings.ToLower(host)
}

// browserOrigins returns the origins as browsers write them, each once.
func browserOrigins(origins []string) []string {
	var all []string
	for _, origin := range origins {
		if written := browserOrigin(origin); !slices.Contains(all, written) {
			all = append(all, written)
		}
	}
	return all
}

// webOrigin reports whether origin is one that a browser may send: of a site, of this machine, or of an app's shell.
func webOrigin(origin string) bool {
	scheme, authority, _ := strings.Cut(origin, "://")
	host, problem := splitAuthority(authority)
	known := scheme == "https" || scheme == "http" && outbound.IsLoopback(host) || slices.Contains(shells, scheme)
	return problem == "" && known && origin == browserOrigin(origin)
}

// sectorHosts returns the hosts that the client's sector may be named after, as browsers write them: that of its
// sector_identifier_uri, or those of its redirect URIs but for loopback and the schemes of apps, which anybody's app may have.
func sectorHosts(c *storage.Client) (hosts []string) {
	for _, host := range writtenHosts(c) {
		if host = browserHost(host); !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// writtenHosts returns the hosts of sectorHosts in the letters that somebody wrote them in.
func writtenHosts(c *storage.Client) (hosts []string) {
	if u, err := url.Parse(c.SectorIdentifierURI); err == nil && u.Host != "" {
		return []string{u.Hostname()}
	}
	for _, uri := range c.RedirectURIs {
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "https" || outbound.IsLoopback(browserHost(u.Hostname())) || slices.Contains(hosts, u.Hostname()) {
			continue
		}
		hosts = append(hosts, u.Hostname())
	}
	return hosts
}

// FormerSector returns the sector that a client without one had before hosts were brought to small letters, and that its pairwise
// subjects may have been made for; "" where that is the one that it has now.
func FormerSector(c *storage.Client) string {
	hosts := writtenHosts(c)
	pairwise := cmp.Or(c.SubjectType, storage.SubjectPairwise) == storage.SubjectPairwise && (c.SubjectType != "" || !c.Swedish())
	if c.Sector != "" || !pairwise || len(hosts) != 1 || hosts[0] == browserHost(hosts[0]) {
		return ""
	}
	return hosts[0]
}
