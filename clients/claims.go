package clients

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"brygga/storage"
)

// Bounds of what an operator gives. The names of groups stand in every ID token, which may come back in an address.
const (
	maxMembers    = 1000
	maxGroupBytes = 4 << 10
)

// claims checks the claims that the client is given by name: each is one that there is, made from something that the client has a right
// to itself.
func (p *problems) claims(c *storage.Client) {
	for _, name := range slices.Sorted(maps.Keys(c.Claims)) {
		p.at(name, func() { p.claim(c, name, c.Claims[name]) })
	}
}

func (p *problems) claim(c *storage.Client, name, source string) {
	switch name {
	case storage.ClaimPreferredUsername:
		p.username(c, source)
	case storage.ClaimEmail:
		p.email(source)
	case "groups":
		p.add("claims", "claim.groups")
	default:
		p.suggest("claims", "claim.unknown", name, []string{storage.ClaimPreferredUsername, storage.ClaimEmail})
	}
}

func (p *problems) username(c *storage.Client, source string) {
	switch {
	case source == storage.SourcePersonalNumber && !c.MayHaveNumber():
		p.add("claims", "claim.number")
	case source == storage.SourceName && !c.MayHaveName():
		p.add("claims", "claim.name")
	case source != storage.SourceSubject && source != storage.SourcePersonalNumber && source != storage.SourceName:
		p.add("claims", "claim.username", quote(source))
	}
}

// domain is a name under which mail could be sent, in small letters, as apps compare addresses in them.
var domain = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$`)

// maxDomain leaves room for the 52 characters before it and the @ (RFC 5321 §4.5.3.1.3).
const maxDomain = maxContact - 53

func (p *problems) email(source string) {
	name, ok := strings.CutPrefix(source, storage.SourceSubject+"@")
	if source == storage.SourceCertificate {
		return
	}
	if !ok || len(name) > maxDomain || !domain.MatchString(name) || endsInNumber.MatchString(name) {
		p.add("claims", "claim.email", quote(source))
	}
}

// subject is the form of every sub.
var subject = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// groups checks the values of the claim groups and who is in them.
func (p *problems) groups(groups map[string]string) {
	bytes := 0
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		bytes += len(name)
		p.at(name, func() {
			if name == "" || strings.Contains(name, ",") {
				p.add("groups", "group.name", quote(name))
			}
			p.text("groups", name, MaxName)
			p.members(name, groups[name])
		})
	}
	if bytes > maxGroupBytes {
		p.add("groups", "group.names", number(maxGroupBytes))
	}
}

func (p *problems) members(group, members string) {
	if members == storage.GroupOfAll {
		return
	}
	all := strings.Fields(members)
	wrong := slices.IndexFunc(all, func(member string) bool { return !subject.MatchString(member) })
	switch {
	case len(all) == 0:
		p.add("groups", "group.empty", quote(group))
	case len(all) > maxMembers:
		p.add("groups", "group.long", quote(group), number(maxMembers))
	case wrong >= 0:
		p.add("groups", "group.member", quote(group), number(wrong+1))
	}
}
