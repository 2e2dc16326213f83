package op

import (
	"net/url"
	"slices"
	"strings"
)

// matchURI reports whether presented is one of the registered URIs, as an exact string (OIDC Core §3.1.2.1). For native
// clients a registered loopback URI matches with any port (RFC 8252 §7.3): http only, and the host, path and query must
// be the registered ones, so that neither another scheme nor another host passes.
func matchURI(registered []string, presented string, native bool) bool {
	if presented == "" || len(presented) > maxURI {
		return false
	}
	if strings.ContainsAny(presented, "#\\") { // a fragment (RFC 6749 §3.1.2), and what browsers take for a slash
		return false
	}
	if slices.Contains(registered, presented) {
		return true
	}
	if !native {
		return false
	}
	want, ok := splitLoopback(presented)
	return ok && slices.ContainsFunc(registered, func(uri string) bool {
		have, ok := splitLoopback(uri)
		return ok && have == want
	})
}

// loopbackURI is a loopback redirect URI without its port.
type loopbackURI struct{ host, rest string }

// splitLoopback takes an http URI on a loopback host apart. It works on the text and not on a parsed URL, so that two URIs
// that differ in their spelling stay different.
func splitLoopback(uri string) (loopbackURI, bool) {
	after, ok := strings.CutPrefix(uri, "http://")
	if !ok {
		return loopbackURI{}, false
	}
	end := strings.IndexAny(after, "/?")
	if end < 0 {
		end = len(after)
	}
	authority, rest := after[:end], after[end:]
	for _, host := range [...]string{"127.0.0.1", "[::1]", "localhost"} {
		port, ok := strings.CutPrefix(authority, host)
		if ok && (port == "" || validPort(port)) {
			_, err := url.Parse(uri)
			return loopbackURI{host: host, rest: rest}, err == nil
		}
	}
	return loopbackURI{}, false
}

// validPort reports whether text is a colon and a port number from 1 to 65535, without leading zeros.
func validPort(text string) bool {
	digits, ok := strings.CutPrefix(text, ":")
	if !ok || digits == "" || len(digits) > 5 || digits[0] == '0' {
		return false
	}
	port := 0
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return false
		}
		port = port*10 + int(c-'0')
	}
	return port <= 65535
}
