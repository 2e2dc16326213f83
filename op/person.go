package op

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"brygga/secret"
	"brygga/storage"
)

// Subject returns what a client calls a person, its sub claim; see subject.
func (p *Provider) Subject(client *storage.Client, personalNumber secret.String) string {
	return p.subject(client, personalNumber)
}

// subject returns the sub of a person for a client (OIDC Core §8.1): a keyed MAC, so that nobody without the key can go
// through all personal numbers, as they could with a plain hash. A pairwise subject is made for the client's sector, a
// public one is the same for all clients. docs/decisions/0002-subjects.md has the reasons.
func (p *Provider) subject(client *storage.Client, personalNumber secret.String) string {
	sector := "public"
	if client.SubjectType != storage.SubjectPublic {
		sector = "pairwise " + client.SectorID()
	}
	mac := hmac.New(sha256.New, p.o.SubjectKey)
	mac.Write([]byte(sector))
	mac.Write([]byte{0})
	mac.Write([]byte(personalNumber.Reveal()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
