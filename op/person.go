package op

import (
	"crypto/sha256"
	"encoding/base64"

	"brygga/secret"
	"brygga/storage"
)

// Subject returns what a client calls a person, its sub claim: that of the first key by which the client's policy knows people and which
// the person has. It is empty when there is none. The subject of a personal number is the same whatever other keys there are.
func (p *Provider) Subject(client *storage.Client, person *storage.Identity) string {
	key, known := person.KnownBy(client.Policy.Over(p.o.Policy).PersonKeys)
	switch {
	case !known:
		return ""
	case key.Name == storage.KeyPersonalNumber:
		return p.subject(client, key.Value)
	case key.Issuer != "":
		return encodeSubject(p.macs.of("key of issuer", key.Name, sectorOf(client), key.Issuer, key.Value.Reveal()))
	}
	return encodeSubject(p.macs.of("key", key.Name, sectorOf(client), key.Value.Reveal()))
}

// knows reports whether the person has a key by which the client's policy knows people.
func (p *Provider) knows(client *storage.Client, person *storage.Identity) bool {
	_, known := person.KnownBy(client.Policy.Over(p.o.Policy).PersonKeys)
	return known
}

// subject returns the sub of a person for a client (OIDC Core §8.1): a keyed MAC, so that nobody without the key can go
// through all personal numbers, as they could with a plain hash. A pairwise subject is made for the client's sector, a
// public one is the same for all clients. docs/decisions/0002-subjects.md has the reasons.
func (p *Provider) subject(client *storage.Client, personalNumber secret.String) string {
	return encodeSubject(p.macs.of(sectorOf(client), personalNumber.Reveal()))
}

func sectorOf(client *storage.Client) string {
	if client.SubjectType == storage.SubjectPublic {
		return "public"
	}
	return "pairwise " + client.SectorID()
}

func encodeSubject(mac [sha256.Size]byte) string { return base64.RawURLEncoding.EncodeToString(mac[:]) }
