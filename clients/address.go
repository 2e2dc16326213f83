package clients

import (
	"fmt"
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
	"backchannel_logout_uri": "https://app.example.se/backchannel-logout",
}

// addresses checks a list of addresses that browsers are sent to. A native app may have addresses of a scheme of its own.
func (p *problems) addresses(key string, addresses []string, native bool) {
	if len(addresses) > maxList {
		p.add(key, "has too many addresses", fmt.Sprintf("name at most %d", maxList))
		return
	}
	p.each(addresses, func(i int, address string) {
		switch {
		case slices.Contains(addresses[:i], address):
			p.add(key, quote(address)+" stands there twice", "name each address once")
		case native && privateScheme.MatchString(address):
			p.privateAddress(key, address)
		case native && ownScheme(address):
			p.add(key, quote(address)+" has a scheme without a dot, which any app may have as well", "write a domain of yours in reverse, such as se.example.app:/callback")
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
	problem := ""
	if err == nil && u.Host != "" {
		_, problem = splitAuthority(u.Host)
	}
	if err != nil || u.User != nil || problem != "" {
		p.add(key, quote(address)+" is not an address that an app can own", "write it as se.example.app:/callback")
	}
}

// privateScheme is the beginning of an address whose scheme an app of the device may own: a reversed domain name (RFC 8252 §7.1).
var privateScheme = regexp.MustCompile(`^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:`)

// webAddress accepts https, and http on loopback, without fragment (RFC 6749 §3.1.2). It takes only what browsers, which follow
// WHATWG URL, read as we do, who follow RFC 3986.
func (p *problems) webAddress(key, address string) {
	if address == "" {
		p.add(key, "an address is empty", "write it as "+examples[key])
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
		p.add(key, quote(address)+" "+problem, "write it as "+examples[key])
	case err != nil || u.Host != authority:
		p.add(key, quote(address)+" is not a web address", "write it as "+examples[key])
	case slices.ContainsFunc(strings.Split(u.EscapedPath(), "/"), dots.MatchString):
		p.add(key, quote(address)+" has a dot segment", "write the path without . and .., which browsers take away")
	case scheme == "http" && !outbound.IsLoopback(host):
		p.add(key, quote(address)+" is http on a host that is not the person's own device: everybody on the way could read it", "write it as "+examples[key]+", or with http://127.0.0.1 for an app on the person's own device")
	case key == redirectURIs:
		p.answered(key, address, u)
	}
}

const redirectURIs = "redirect_uris"

// answered refuses a redirect URI with parameters that the answer brings: none may come twice (RFC 6749 §3.1).
func (p *problems) answered(key, address string, u *url.URL) {
	for _, name := range []string{"code", "state", "iss", "error", "error_description", "error_uri"} {
		if u.Query().Has(name) {
			p.add(key, quote(address)+" has the parameter "+name+", which the answer brings itself", "leave it out")
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
	remedy := "write it as " + examples[key]
	switch {
	case scheme == "" || scheme != "http" && scheme != "https" && portFirst.MatchString(rest):
		p.add(key, quote(address)+" has no scheme", remedy)
	case scheme == "javascript", scheme == "vbscript":
		p.add(key, quote(address)+" is a script, which a browser could run, and no place to go to", remedy)
	case slices.Contains(inBrowser, scheme):
		p.add(key, quote(address)+" is within the browser or the machine, and no place that a person can be sent back to", remedy)
	case scheme == "http" || scheme == "https":
		p.add(key, quote(address)+" does not begin with https:// in small letters", remedy)
	case ownScheme(address):
		p.add(key, quote(address)+" has a scheme of an app's own, and is for an app of the web", remedy+", or set native for an app on the person's device")
	default:
		p.add(key, quote(address)+" has the scheme "+quote(scheme)+", which leads to no app", remedy)
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
		p.add(key, quote(address)+" is too long", fmt.Sprintf("write at most %d characters", maxAddress))
	case bad >= 0:
		p.add(key, quote(address)+" has a character that no address has", "write others than A-Z a-z 0-9 and the usual marks as % and two digits, and in a host as xn--…")
	case badEscape.MatchString(address):
		p.add(key, quote(address)+" has a % without two hexadecimal digits", "write a % of its own as %25")
	case strings.Contains(address, "#"):
		p.add(key, quote(address)+" has a fragment", "remove the part from # on")
	case strings.Contains(address, "*"):
		p.add(key, quote(address)+" has a wildcard", "name each address in full")
	}
	return len(*p) == before
}

var badEscape = regexp.MustCompile(`%([^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?$)`)

// splitAuthority returns the host of an authority, or says why it is not one of a host and a port alone.
func splitAuthority(authority string) (host, problem string) {
	if strings.Contains(authority, "@") {
		return "", "has a user"
	}
	host, port := authority, ""
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		host, port = authority[:colon], authority[colon+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", "has a port that is none of 1 to 65535"
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		if ip, _ := netip.ParseAddr(inner); !ok || !ip.Is6() || ip.Zone() != "" {
			return "", "has a host in brackets that is no IPv6 address"
		}
		return inner, ""
	}
	if !hostName.MatchString(host) || len(host) > maxHost {
		return "", "has no host that can be used"
	}
	// What ends in a number is an IPv4 address to browsers, however it is written (WHATWG URL §3.5).
	if ip, _ := netip.ParseAddr(host); endsInNumber.MatchString(host) && !ip.Is4() {
		return "", "has a host that is no IPv4 address although it ends in a number"
	}
	return host, ""
}

const maxHost = 253

var (
	hostName     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$`)
	endsInNumber = regexp.MustCompile(`(^|\.)([0-9]+|0[xX][0-9A-Fa-f]*)$`)
)
