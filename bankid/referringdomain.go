package bankid

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// ReferringDomain returns Web.ReferringDomain for pages on host, which has no port: the registrable domain, so example.se for
// login.example.se, in punycode (BankID API: auth, web). It returns "" where there is none, as for an address, a name without
// dots, localhost and a public suffix itself; then leave the member out of the order.
func ReferringDomain(host string) string {
	name := asciiHost(host)
	if name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return ""
	}
	domain, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil || !validDomain(domain) {
		return ""
	}
	return domain
}

// asciiHost returns the host in small letters and punycode, without a dot at the end, or "" if it is no name in the DNS.
func asciiHost(host string) string {
	if _, err := netip.ParseAddr(host); err == nil || !utf8.ValidString(host) {
		return ""
	}
	name, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil {
		return ""
	}
	return strings.ToLower(name)
}

// IsReferringDomain reports whether Web.ReferringDomain may be domain for pages on host: the host itself or a domain above it,
// written as BankID takes it.
func IsReferringDomain(domain, host string) bool {
	name := asciiHost(host)
	return name != "" && validDomain(domain) && (name == domain || strings.HasSuffix(name, "."+domain))
}
