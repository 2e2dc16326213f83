package account

import (
	"net/mail"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"brygga/secret"
	"brygga/storage"
)

// Bounds of what an operator is called, in characters and, for an address, in bytes (RFC 5321 §4.5.3.1.3).
const (
	minUserName = 2
	maxUserName = 60
	maxName     = 100
	maxEmail    = 254
)

// foldUserName returns the user name as it is compared: RFC 8265's UsernameCaseMapped, in which "Åsa", its decomposed form and "ÅSA" are one. It
// returns an empty string for one that nobody may have: with spaces, control characters, or an @, which would make it an address.
func foldUserName(name string) string {
	folded, err := precis.UsernameCaseMapped.String(name)
	if err != nil || strings.ContainsAny(folded, "@<>\"") {
		return ""
	}
	if n := utf8.RuneCountInString(folded); n < minUserName || n > maxUserName {
		return ""
	}
	return folded
}

// parseEmail returns the address as it is written to, and as it is compared: in one case, its domain in the letters of the DNS. Both are empty
// for what is none, or is more than an address.
func parseEmail(text string) (address, folded string) {
	text = strings.TrimSpace(text)
	parsed, err := mail.ParseAddress(text)
	if err != nil || parsed.Address != text || len(text) > maxEmail || strings.ContainsAny(text, "\r\n\x00 \"(),:;<>[]\\") {
		return "", ""
	}
	at := strings.LastIndexByte(text, '@')
	domain, err := idna.Lookup.ToASCII(text[at+1:])
	if err != nil || !strings.Contains(domain, ".") {
		return "", ""
	}
	local := text[:at]
	return local + "@" + domain, foldText(local) + "@" + strings.ToLower(domain)
}

// foldText returns the text in one case and one form (Unicode §3.13, canonical caseless matching).
func foldText(text string) string {
	return norm.NFC.String(cases.Fold().String(norm.NFKC.String(text)))
}

// handle returns what leads to the operator of that user name or e-mail address, however it is spelled. What is neither has a handle that leads to nobody.
func (a *Accounts) handle(name string) storage.Hash {
	if folded := foldUserName(strings.TrimSpace(name)); folded != "" {
		return a.mac("name", folded)
	}
	if _, folded := parseEmail(name); folded != "" {
		return a.mac("name", folded)
	}
	return a.mac("neither", foldText(name[:min(len(name), 4*maxEmail)]))
}

// personHandle returns what stands for a personal number.
func (a *Accounts) personHandle(number secret.String) storage.Hash {
	return a.mac("person", number.Reveal())
}
