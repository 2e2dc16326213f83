package clients

import (
	"context"
	"encoding/json"
	"errors"
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
		return unlisted{Fault(sectorURI, "sector.no-list")}
	}
	for _, uri := range c.RedirectURIs {
		if !slices.Contains(listed, uri) {
			return unlisted{Fault(sectorURI, "sector.unlisted", quote(uri))}
		}
	}
	return nil
}

const sectorURI = "sector_identifier_uri"

// unlisted is an ErrSector that says what the document lacks.
type unlisted struct{ Problem }

func (u unlisted) Error() string { return u.Problem.Problem }

func (unlisted) Is(target error) bool { return target == ErrSector }

// SectorProblem is an error of CheckSector as a problem of the client.
func SectorProblem(err error) Problem {
	if u, ok := errors.AsType[unlisted](err); ok {
		return u.Problem
	}
	return Fault(sectorURI, "sector.unreachable", err.Error())
}
