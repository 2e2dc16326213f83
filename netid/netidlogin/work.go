package netidlogin

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"brygga/netid"
	"brygga/personnummer"
	"brygga/secret"
	"brygga/storage"
)

// maxText is how many characters a text may have that is passed on.
const maxText = 200

// workOf returns what a certificate says of the person at work, nil for nothing.
func workOf(p *netid.Person) *storage.Work {
	w := storage.Work{
		Organization: clean(p.Organization), OrganizationNumber: organizationNumber(p.OrganizationID), Unit: clean(strings.Join(p.Units, ", ")), Title: clean(p.Title),
	}
	if w == (storage.Work{}) {
		return nil
	}
	return &w
}

// organizationNumber returns the ten digits out of the identifier of an organization, which may have the name of its register before them (ETSI
// EN 319 412-1 §5.1.4), and empty for what is no such number: that of somebody's own firm is a personal number.
func organizationNumber(id string) string {
	digits := strings.TrimPrefix(strings.ToUpper(id), "NTRSE-")
	if tax, ok := strings.CutPrefix(digits, "VATSE-"); ok {
		digits, ok = strings.CutSuffix(tax, "01") // the tax number is that of the organization and 01
		if !ok {
			return ""
		}
	}
	if len(digits) == 11 && digits[6] == '-' {
		digits = digits[:6] + digits[7:]
	}
	if !personnummer.IsOrganization(digits) {
		return ""
	}
	return digits
}

// email returns an address that may be one, zero for any other text.
func email(address secret.String) secret.String {
	local, domain, _ := strings.Cut(address.Reveal(), "@")
	if local == "" || domain == "" || strings.Contains(domain, "@") || !isOneWord(address.Reveal()) || len(address.Reveal()) > 254 {
		return secret.String{}
	}
	return address
}

// address returns an IP address that may be one, empty for any other text.
func address(text string) string {
	if a, err := netip.ParseAddr(text); err != nil || a.Zone() != "" {
		return ""
	}
	return text
}

// clean returns a text that can be shown, and empty for one that cannot, or is too long to be what it should.
func clean(text string) string {
	text = strings.TrimSpace(text)
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxText || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return text
}

// shown is clean for a name, which apps and operators are shown: what turns letters around or ends a line could make one look like another.
func shown(name secret.String) secret.String {
	if text := clean(name.Reveal()); text != "" {
		return secret.New(text)
	}
	return secret.String{}
}
