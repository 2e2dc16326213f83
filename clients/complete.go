package clients

import (
	"cmp"

	"brygga/storage"
)

// DefaultIDTokenAlg signs the ID tokens of clients that name no algorithm. It is that of OpenID Connect Dynamic Client Registration
// §2, which most libraries expect unless they are told.
const DefaultIDTokenAlg = storage.RS256

// Complete fills what a new client leaves to its profile, and what Derive fills.
func Complete(c *storage.Client) {
	Derive(c)
	if c.Swedish() {
		c.UserinfoAlg = cmp.Or(c.UserinfoAlg, c.IDTokenAlg)
		if c.Scopes == nil {
			c.Scopes = []string{storage.ScopeNaturalPersonInfo, storage.ScopeNaturalPersonNumber}
		}
	}
}

// Derive fills what must have a value, brings origins to the form of browsers, and fills what follows from a client's other settings:
// the content encryption, and the sector of pairwise subjects, which then stays what it is when the redirect URIs change (OIDC Core
// §8.1).
func Derive(c *storage.Client) {
	method, subjects := storage.AuthMethodSecret, storage.SubjectPairwise
	if c.Swedish() {
		method, subjects = storage.AuthMethodPrivateKey, storage.SubjectPublic
	}
	c.AuthMethod, c.SubjectType = cmp.Or(c.AuthMethod, method), cmp.Or(c.SubjectType, subjects)
	c.Name, c.IDTokenAlg = cmp.Or(c.Name, c.ID), cmp.Or(c.IDTokenAlg, DefaultIDTokenAlg)
	c.Origins = browserOrigins(c.Origins)
	for _, e := range []*storage.Encryption{&c.IDTokenEncryption, &c.UserinfoEncryption} {
		switch {
		case e.Alg == "":
			e.Enc = ""
		case e.Enc == "":
			e.Enc = encryptionEncs[0]
		}
	}
	if c.SubjectType == storage.SubjectPairwise && c.Sector == "" {
		if hosts := sectorHosts(c); len(hosts) == 1 {
			c.Sector = hosts[0]
		}
	}
}
