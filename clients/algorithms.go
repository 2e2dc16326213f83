package clients

import (
	"context"
	"fmt"
	"slices"

	"brygga/storage"
)

// Algorithms returns the algorithms that there must be keys for: those of the signatures of the client's tokens, and those by which it
// may encrypt request objects to us. A profile names some that each of its clients may use (Swedish OpenID Connect Profile §7, OpenID
// Connect Profile for Sweden Connect).
func Algorithms(c *storage.Client) (algorithms []string) {
	all := []string{c.IDTokenAlg, c.UserinfoAlg, c.RequestObjectEncryptionAlg}
	switch c.Profile {
	case storage.ProfileSwedish:
		all = append(all, "RSA-OAEP")
	case storage.ProfileSwedenConnect:
		all = append(all, "RSA-OAEP", "RSA-OAEP-256", "ECDH-ES")
	}
	for _, alg := range all {
		if alg != "" && !slices.Contains(algorithms, alg) {
			algorithms = append(algorithms, alg)
		}
	}
	return algorithms
}

// usersPage is how many clients UsedAlgorithms reads at a time.
const usersPage = 500

// UsedAlgorithms returns those of the algorithms that some client needs keys for, disabled clients included. It reads clients until
// it has found one for each, or all of them.
func UsedAlgorithms(ctx context.Context, store storage.Clients, algorithms []string) (used []string, err error) {
	for after := ""; len(used) < len(algorithms); {
		page, err := store.Clients(ctx, after, usersPage)
		if err != nil {
			return nil, fmt.Errorf("list clients: %w", err)
		}
		for _, c := range page {
			for _, alg := range Algorithms(c) {
				if slices.Contains(algorithms, alg) && !slices.Contains(used, alg) {
					used = append(used, alg)
				}
			}
		}
		if len(page) < usersPage {
			break
		}
		after = page[len(page)-1].ID
	}
	return used, nil
}
