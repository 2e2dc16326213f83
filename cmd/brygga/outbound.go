package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"brygga/cmd/brygga/config"
	"brygga/outbound"
	"brygga/storage"
)

// maxSectorFile bounds what a sector_identifier_uri answers, in bytes.
const maxSectorFile = 256 << 10

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

// errSector means that the document at a client's sector_identifier_uri does not say what it must.
var errSector = errors.New("does not list every redirect URI of the client")

// readSector fetches the client's sector_identifier_uri, if it has one, and checks that it lists all redirect URIs (OIDC Core
// §8.1, OIDC Registration §5). It returns errSector when it does not, another error when it cannot be had.
func readSector(ctx context.Context, calls *outbound.Caller, c *storage.Client) error {
	if c.SectorIdentifierURI == "" || calls == nil {
		return nil
	}
	body, _, err := calls.Get(ctx, c.SectorIdentifierURI, maxSectorFile)
	if err != nil {
		return err
	}
	var listed []string
	if json.Unmarshal(body, &listed) != nil {
		return fmt.Errorf("%w: it is no JSON list of addresses", errSector)
	}
	for _, uri := range c.RedirectURIs {
		if !slices.Contains(listed, uri) {
			return fmt.Errorf("%w: %s is missing", errSector, uri)
		}
	}
	return nil
}

// checkSector refuses a client whose sector_identifier_uri does not list its redirect URIs, or cannot be asked.
func checkSector(ctx context.Context, o *operator, c *storage.Client) error {
	if err := readSector(ctx, o.outbound, c); err != nil {
		return fail(exitUsage, "let it answer with a JSON list that holds every redirect URI; nothing was changed", "sector_identifier_uri: %w", err)
	}
	return nil
}
