package outbound

import (
	"net/netip"
	"strings"
)

// IsLoopback reports whether host, as it stands in a URL without port and brackets, means the machine of whoever reads it: a loopback
// address, localhost or a name below that (RFC 6761 §6.3).
func IsLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}
