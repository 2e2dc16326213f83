package clients

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"brygga/outbound"
	"brygga/storage"
)

// maxSectorFile bounds what a sector_identifier_uri answers, in bytes.
const maxSectorFile = 256 << 10

// ErrSector means that the document at a client's sector_identifier_uri does not say what it must.
var ErrSector = errors.New("does not list every redirect URI of the client")

// CheckSector fetches the client's sector_identifier_uri, if it has one and calls is not nil, and checks that it lists all redirect
// URIs (OIDC Core §8.1, OIDC Registration §5). It returns ErrSector when it does not, another error when it cannot be had.
func CheckSector(ctx context.Context, calls *outbound.Caller, c *storage.Client) error {
	if c.SectorIdentifierURI == "" || calls == nil {
		return nil
	}
	body, _, err := calls.Get(ctx, c.SectorIdentifierURI, maxSectorFile)
	if err != nil {
		return err
	}
	var listed []string
	if json.Unmarshal(body, &listed) != nil {
		return fmt.Errorf("%w: it is no JSON list of addresses", ErrSector)
	}
	for _, uri := range c.RedirectURIs {
		if !slices.Contains(listed, uri) {
			return fmt.Errorf("%w: %s is missing", ErrSector, quote(uri))
		}
	}
	return nil
}
