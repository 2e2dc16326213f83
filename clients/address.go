package clients

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
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
		if u, err := url.Parse(address); native && err == nil && privateScheme(u, address) && readAlike(u, address) {
			continue
		}
		p.webAddress(key, address)
	}
}

// privateScheme reports whether u has a scheme that an app of the device may own: a reversed domain name (RFC 8252 §7.1).
func privateScheme(u *url.URL, address string) bool {
	return strings.Contains(u.Scheme, ".") && u.User == nil && !strings.Contains(address, "#") && len(address) <= maxAddress
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
	case !readAlike(u, address):
		p.add(key, quote(address)+" is an address that browsers may read as another one",
			"write host and port in letters, digits, dots and hyphens, the port below 65536, and the path without dot segments and without any of "+unread)
	case u.Scheme == "https" || u.Scheme == "http" && loopbackHost(u.Hostname()):
	default:
		p.add(key, quote(address)+" is neither https nor http on loopback", remedy)
	}
}

// unread are the characters that no address has by itself (RFC 3986 §2) and that browsers take for others or encode.
const unread = "\\ \" < > ^ ` { | }"

var (
	plainHost = regexp.MustCompile(`^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?$`)
	// number is a last label that makes browsers read a host as an IPv4 address (WHATWG URL §3.5).
	number = regexp.MustCompile(`(?i)^(?:[0-9]+|0x[0-9a-f]*)$`)
	dots   = regexp.MustCompile(`(?i)^(?:\.|%2e){1,2}$`)
)

// readAlike reports whether browsers, which follow WHATWG URL, read an address as we do, who follow RFC 3986.
func readAlike(u *url.URL, address string) bool {
	if strings.ContainsAny(address, strings.ReplaceAll(unread, " ", "")) || slices.ContainsFunc(strings.Split(u.EscapedPath(), "/"), dots.MatchString) {
		return false
	}
	if u.Host == "" {
		return true
	}
	if !plainHost.MatchString(u.Host) {
		return false
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return false
		}
	}
	host := u.Hostname()
	if last := host[strings.LastIndexByte(host, '.')+1:]; number.MatchString(last) || strings.Contains(host, ":") {
		_, err := netip.ParseAddr(host)
		return err == nil
	}
	return true
}

func loopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}
