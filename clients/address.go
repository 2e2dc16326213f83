package clients

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"brygga/outbound"
)

// maxAddress is how many bytes an address may have.
const maxAddress = 2000

// examples are right values of the settings that are addresses.
var examples = map[string]string{
	"home_uri": "https://app.example.se/", "redirect_uris": "https://app.example.se/callback", "post_logout_redirect_uris": "https://app.example.se/signed-out",
	"jwks_uri": "https://app.example.se/jwks.json", "sector_identifier_uri": "https://app.example.se/redirect-uris.json",
	"backchannel_logout_uri": "https://app.example.se/backchannel-logout", notificationEndpoint: "https://app.example.se/ciba", "webhook_uri": "https://app.example.se/webhook",
}

// addresses checks a list of addresses that browsers are sent to. A native app may have addresses of a scheme of its own.
func (p *problems) addresses(key string, addresses []string, native bool) {
	p.each(addresses, func(i int, address string) {
		switch {
		case slices.Contains(addresses[:i], address):
			p.add(key, "address.twice", quote(address))
		case native && privateScheme.MatchString(address):
			p.privateAddress(key, address)
		case native && ownScheme(address):
			p.add(key, "address.undotted", quote(address))
		default:
			p.webAddress(key, address)
		}
	})
}

func (p *problems) privateAddress(key, address string) {
	if !p.characters(key, address) {
		return
	}
	u, err := url.Parse(address)
	var problem code
	if err == nil && u.Host != "" {
		_, problem = splitAuthority(u.Host)
	}
	if err != nil || u.User != nil || problem != "" {
		p.add(key, "address.unownable", quote(address))
	}
}

// privateScheme is the beginning of an address whose scheme an app of the device may own: a reversed domain name (RFC 8252 §7.1).
var privateScheme = regexp.MustCompile(`^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:`)

// webAddress accepts https, and http on loopback, without fragment (RFC 6749 §3.1.2). It takes only what browsers, which follow
// WHATWG URL, read as we do, who follow RFC 3986.
func (p *problems) webAddress(key, address string) {
	if address == "" {
		p.add(key, "address.empty", examples[key])
		return
	}
	if !p.scheme(key, address) || !p.characters(key, address) {
		return
	}
	scheme, rest, _ := strings.Cut(address, "://")
	authority := rest[:min(len(rest), strings.IndexAny(rest+"/", "/?"))]
	host, problem := splitAuthority(authority)
	u, err := url.Parse(address)
	switch {
	case problem != "":
		p.add(key, problem, quote(address), examples[key])
	case err != nil || u.Host != authority:
		p.add(key, "address.invalid", quote(address), examples[key])
	case slices.ContainsFunc(strings.Split(u.EscapedPath(), "/"), dots.MatchString):
		p.add(key, "address.dots", quote(address))
	case scheme == "http" && !outbound.IsLoopback(host):
		p.add(key, "address.http", quote(address), examples[key])
	case key == redirectURIs:
		p.answered(key, address, u)
	}
}

const redirectURIs = "redirect_uris"

// answered refuses a redirect URI with parameters that the answer brings: none may come twice (RFC 6749 §3.1).
func (p *problems) answered(key, address string, u *url.URL) {
	for _, name := range []string{"code", "state", "iss", "error", "error_description", "error_uri"} {
		if u.Query().Has(name) {
			p.add(key, "address.parameter", quote(address), name)
			return
		}
	}
}

// dots is a segment of a path that browsers resolve, in any spelling (WHATWG URL §4.4).
var dots = regexp.MustCompile(`(?i)^(?:\.|%2e){1,2}$`)

// anyScheme is what stands before an address, whoever reads it.
var anyScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

// scheme accepts http and https with two slashes, and says of any other beginning what it is.
func (p *problems) scheme(key, address string) bool {
	if strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://") {
		return true
	}
	written := strings.TrimSuffix(anyScheme.FindString(address), ":")
	scheme, rest := strings.ToLower(written), strings.TrimPrefix(address[len(written):], ":")
	switch {
	case scheme == "" || scheme != "http" && scheme != "https" && portFirst.MatchString(rest):
		p.add(key, "address.no-scheme", quote(address), examples[key])
	case scheme == "javascript", scheme == "vbscript":
		p.add(key, "address.script", quote(address), examples[key])
	case slices.Contains(inBrowser, scheme):
		p.add(key, "address.inside", quote(address), examples[key])
	case scheme == "http" || scheme == "https":
		p.add(key, "address.capitals", quote(address), examples[key])
	case ownScheme(address):
		p.add(key, "address.own-scheme", quote(address), examples[key])
	default:
		p.add(key, "address.foreign", quote(address), examples[key], quote(scheme))
	}
	return false
}

// portFirst is what follows a host that was taken for a scheme, as in localhost:3000/callback.
var portFirst = regexp.MustCompile(`^[0-9]{1,5}(/|\?|$)`)

// The schemes that no app can own: of what browsers hold themselves, and of other protocols.
var (
	inBrowser = []string{"data", "blob", "file", "filesystem", "about", "view-source", "chrome", "resource", "jar"}
	foreign   = []string{"ftp", "ftps", "sftp", "ws", "wss", "mailto", "tel", "sms", "urn", "ldap", "ldaps", "ssh", "gopher", "irc", "intent"}
)

// ownScheme reports whether the address has a scheme that an app may have made up for itself.
func ownScheme(address string) bool {
	scheme := strings.ToLower(strings.TrimSuffix(anyScheme.FindString(address), ":"))
	taken := slices.Concat(inBrowser, foreign, []string{"http", "https", "javascript", "vbscript"})
	return scheme != "" && !slices.Contains(taken, scheme) && !portFirst.MatchString(address[len(scheme)+1:])
}

// characters accepts what may stand in an address at all (RFC 3986 §2), without fragment and wildcard. A backslash is a slash to
// browsers, and letters beyond ASCII are written in several ways.
func (p *problems) characters(key, address string) bool {
	before := len(*p)
	bad := strings.IndexFunc(address, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\\\"<>^`{|}", r) })
	switch {
	case len(address) > maxAddress:
		p.add(key, "address.long", quote(address), number(maxAddress))
	case bad >= 0:
		p.add(key, "address.character", quote(address))
	case badEscape.MatchString(address):
		p.add(key, "address.escape", quote(address))
	case strings.Contains(address, "#"):
		p.add(key, "address.fragment", quote(address))
	case strings.Contains(address, "*"):
		p.add(key, "address.wildcard", quote(address))
	}
	return len(*p) == before
}

var badEscape = regexp.MustCompile(`%([^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)`)

// splitAuthority returns the host of an authority, or says why it is not one of a host and a port alone.
func splitAuthority(authority string) (host string, problem code) {
	if strings.Contains(authority, "@") {
		return "", "address.user"
	}
	host, port := authority, ""
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		host, port = authority[:colon], authority[colon+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", "address.port"
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		if ip, _ := netip.ParseAddr(inner); !ok || !ip.Is6() || ip.Zone() != "" {
			return "", "address.ipv6"
		}
		return inner, ""
	}
	if !hostName.MatchString(host) || len(host) > maxHost {
		return "", "address.host"
	}
	// What ends in a number is an IPv4 address to browsers, however it is written (WHATWG URL §3.5).
	if ip, _ := netip.ParseAddr(host); endsInNumber.MatchString(host) && !ip.Is4() {
		return "", "address.ipv4"
	}
	return host, ""
}

const maxHost = 253

var (
	hostName     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$`)
	endsInNumber = regexp.MustCompile(`(^|\.)([0-9]+|0[xX][0-9A-Fa-f]*)$`)
)
