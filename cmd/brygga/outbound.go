package main

import (
	"crypto/x509"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"brygga/cmd/brygga/config"
	"brygga/outbound"
)

// loopback are the networks of this machine. A server whose issuer is there may call its clients there too, by http.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// newOutbound returns what calls the addresses that clients have registered. local says that the issuer is on loopback.
func newOutbound(c config.Outbound, local bool) (*outbound.Caller, error) {
	o := outbound.Options{Allow: c.Allow, InsecureHTTP: local}
	if local {
		o.Allow = slices.Concat(o.Allow, loopback)
	}
	if c.RootCAFile != "" {
		text, err := os.ReadFile(c.RootCAFile)
		if err != nil {
			return nil, fmt.Errorf("outbound.root_ca_file: %w", err)
		}
		if o.Roots, err = x509.SystemCertPool(); err != nil {
			o.Roots = x509.NewCertPool()
		}
		if !o.Roots.AppendCertsFromPEM(text) {
			return nil, fail(exitUsage, "name a file with certificates in PEM", "outbound.root_ca_file: %s holds no certificate", c.RootCAFile)
		}
	}
	return outbound.New(o), nil
}
