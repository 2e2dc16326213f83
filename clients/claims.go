package clients

import (
	"fmt"
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
		p.standIn(source)
	case "groups":
		p.add("claims", "groups has a setting of its own", "set groups, such as staff=everybody")
	default:
		p.add("claims", "there is no claim "+quote(name)+" to give", nearOrAll(name, []string{storage.ClaimPreferredUsername, storage.ClaimEmail}))
	}
}

func (p *problems) username(c *storage.Client, source string) {
	switch {
	case source == storage.SourcePersonalNumber && !c.MayHaveNumber():
		p.add("claims", "preferred_username is made from the personal number, which the client has no right to", "write preferred_username=sub, or give it that right")
	case source == storage.SourceName && !c.MayHaveName():
		p.add("claims", "preferred_username is made from the name, which the client has no right to", "write preferred_username=sub, or let it ask for the scope profile")
	case source != storage.SourceSubject && source != storage.SourcePersonalNumber && source != storage.SourceName:
		p.add("claims", "preferred_username cannot be made from "+quote(source), "write sub, personalNumber or name")
	}
}

// domain is a name under which mail could be sent, in small letters, as apps compare addresses in them.
var domain = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$`)

// maxDomain leaves room for the 52 characters before it and the @ (RFC 5321 §4.5.3.1.3).
const maxDomain = maxContact - 53

func (p *problems) standIn(source string) {
	name, ok := strings.CutPrefix(source, storage.SourceSubject+"@")
	if !ok || len(name) > maxDomain || !domain.MatchString(name) || endsInNumber.MatchString(name) {
		p.add("claims", "email cannot be made from "+quote(source), "write sub@ and a domain of yours in small letters, or one that nobody has, such as sub@journal.invalid")
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
				p.add("groups", quote(name)+" is no name of a group", "write it without a comma, as apps write lists with them")
			}
			p.text("groups", name, MaxName)
			p.members(name, groups[name])
		})
	}
	if len(groups) > maxList || bytes > maxGroupBytes {
		p.add("groups", "has too many groups", fmt.Sprintf("name at most %d, with %d bytes in all", maxList, maxGroupBytes))
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
		p.add("groups", quote(group)+" has no members", "write everybody, or the sub of each, with spaces between")
	case len(all) > maxMembers:
		p.add("groups", quote(group)+" has too many members", fmt.Sprintf("name at most %d", maxMembers))
	case wrong >= 0:
		p.add("groups", fmt.Sprintf("member %d of %s is no sub", wrong+1, quote(group)), "write everybody, or the sub of each as the app gets it, 43 characters, with spaces between")
	}
}
