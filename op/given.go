package op

import (
	"encoding/base32"
	"encoding/base64"
	"strings"

	"brygga/storage"
)

// givenByOperator are claims that an operator gives to apps which insist on them (Client.Claims and Groups): no eID has them, but for the address in a
// certificate.
type givenByOperator struct {
	Username string `json:"preferred_username,omitempty"`
	Email    string `json:"email,omitempty"`
	// EmailVerified is false wherever it stands: nobody has ever had mail at the stand-in.
	EmailVerified *bool    `json:"email_verified,omitempty"`
	Groups        []string `json:"groups,omitempty"`
}

// givenClaims returns which of them the client has a right to: those that it was given, but for a name that is made from something
// which it has no right to itself.
func givenClaims(client *storage.Client) (set claimSet) {
	switch client.Claims[storage.ClaimPreferredUsername] {
	case storage.SourceSubject:
		set |= claimUsername
	case storage.SourcePersonalNumber:
		if client.MayHaveNumber() {
			set |= claimUsername
		}
	case storage.SourceName:
		if client.MayHaveName() {
			set |= claimUsername
		}
	}
	switch client.Claims[storage.ClaimEmail] {
	case "":
	case storage.SourceCertificate:
		set |= claimEmail // of which nothing is known that email_verified could say
	default:
		set |= emailClaims
	}
	if len(client.Groups) > 0 {
		set |= claimGroups
	}
	return set
}

// givenTo returns those of the set, for the person of a grant.
func givenTo(client *storage.Client, grant *storage.Grant, set claimSet) (g givenByOperator) {
	if set&claimUsername != 0 {
		g.Username = usernameOf(client, grant)
	}
	if set&claimEmail != 0 {
		g.Email = emailOf(client, grant)
	}
	if set&claimEmailVerified != 0 {
		g.EmailVerified = new(bool)
	}
	if set&claimGroups != 0 {
		g.Groups = client.GroupsOf(grant.Subject)
	}
	return g
}

func usernameOf(client *storage.Client, grant *storage.Grant) string {
	switch client.Claims[storage.ClaimPreferredUsername] {
	case storage.SourceSubject:
		return grant.Subject
	case storage.SourcePersonalNumber:
		return grant.Identity.PersonalNumber.Reveal()
	case storage.SourceName:
		return grant.Identity.Name.Reveal()
	}
	return ""
}

// emailOf returns the address in the person's certificate, or the stand-in for one.
func emailOf(client *storage.Client, grant *storage.Grant) string {
	source := client.Claims[storage.ClaimEmail]
	if source == storage.SourceCertificate {
		return grant.Identity.Email.Reveal()
	}
	return standIn(grant.Subject, source)
}

// lowerBase32 has no letter that a change of case would change, and begins with none that an address may not begin with.
var lowerBase32 = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// standIn returns the address for a subject: its bytes in 52 small letters and digits, at the domain of the source "sub@…". A subject
// itself would not do, as apps write addresses in small letters, and two subjects may then be one.
func standIn(subject, source string) string {
	_, domain, _ := strings.Cut(source, "@")
	mac, err := base64.RawURLEncoding.DecodeString(subject)
	if err != nil || domain == "" {
		return ""
	}
	return lowerBase32.EncodeToString(mac) + "@" + domain
}
