package clients

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"brygga/spelling"
	"brygga/storage"
)

// Problem is one thing wrong with a client. Key is the name it has in the configuration file, such as redirect_uris. At says which of several
// values it is about: the index in a list, from 0, or the name of a text; it is empty for all of them, and for what is one value.
type Problem struct {
	Key, At, Problem, Remedy string

	// what the problem is, and what helps where that is said apart; see In.
	what, helps said
}

// Error returns the problem on one line.
func (p Problem) Error() string {
	text := p.Problem
	if p.Key != "" {
		text = p.Key + ": " + text
	}
	if p.Remedy != "" {
		text += " - " + p.Remedy
	}
	return text
}

// Problems are all that is wrong with a client, as one error.
type Problems []Problem

// Error returns a line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// MaxName is how many characters a name that people read may have.
const MaxName = 60

// Bounds of what else stands in a client.
const (
	maxClientID = 128
	maxList     = 100
	maxReason   = 200
)

// Check returns everything that is wrong with a client, whoever registers it.
func Check(c *storage.Client) Problems {
	if many := counted(c); many != nil {
		return many
	}
	var p problems
	checkValues(&p, settings, c)
	p.clientID(c.ID)
	p.text("name", c.Name, MaxName)
	p.texts("local_names", c.LocalNames)
	p.text("custom_identifier", c.CustomIdentifier, MaxName)
	p.text("disabled_reason", c.DisabledReason, maxReason)
	p.text("admin_group", c.AdminGroup, MaxName)
	p.text("sector", c.Sector, maxClientID)
	p.authentication(c)
	p.tokens(c)
	p.requests(c)
	p.subject(c)
	p.sessions(c)
	if c.HomeURI != "" {
		p.webAddress("home_uri", c.HomeURI)
	}
	for _, scope := range c.APIScopes {
		if !slices.Contains(storage.APIScopes, scope) {
			p.suggest("api_scopes", "api-scope.unknown", scope, storage.APIScopes)
		}
	}
	for _, detail := range c.LoginDetails {
		if !slices.Contains(storage.LoginDetails(), detail) {
			p.suggest("login_details", "detail.unknown", detail, storage.LoginDetails())
		}
	}
	if len(c.APIScopes) > 0 && c.Public() {
		p.add("api_scopes", "api-scope.public")
	}
	p.evidence(c)
	p.methods(c.Methods)
	p.ciba(c)
	if len(c.RedirectURIs) == 0 && len(c.APIScopes) == 0 && !c.MayNamePeople() {
		p.add("redirect_uris", "address.none")
	}
	p.addresses("redirect_uris", c.RedirectURIs, c.Native)
	p.addresses("post_logout_redirect_uris", c.PostLogoutRedirectURIs, c.Native)
	p.scopes(c)
	p.claims(c)
	p.groups(c.Groups)
	for _, problem := range CheckPolicy(&c.Policy) {
		problem.Key = "policy." + problem.Key
		p = append(p, problem)
	}
	return Problems(p)
}

// maxEvidenceDays is a hundred years.
const maxEvidenceDays = 36525

func (p *problems) evidence(c *storage.Client) {
	if c.EvidenceDays < 0 || c.EvidenceDays > maxEvidenceDays {
		p.add("evidence_days", "evidence.days", number(c.EvidenceDays), number(maxEvidenceDays))
	}
	if c.FetchEvidence && c.Public() {
		p.add("fetch_evidence", "evidence.public")
	}
}

type problems Problems

func (p *problems) add(key string, what code, args ...string) {
	*p = append(*p, Fault(key, what, args...))
}

// suggest adds that a word is none of known.
func (p *problems) suggest(key string, what code, word string, known []string) {
	*p = append(*p, Fault(key, what, quote(word)).Near(word, known))
}

// each checks every value of a list: what is found is said to be about that one.
func (p *problems) each(list []string, check func(i int, value string)) {
	for i, value := range list {
		p.at(strconv.Itoa(i), func() { check(i, value) })
	}
}

func (p *problems) at(name string, check func()) {
	before := len(*p)
	check()
	for i := range (*p)[before:] {
		(*p)[before+i].At = name
	}
}

// quote writes a value that somebody gave into a message, cut when it is long.
func quote(value string) string {
	if len(value) <= maxQuoted {
		return strconv.Quote(value)
	}
	return fmt.Sprintf("%q… (%d bytes)", strings.ToValidUTF8(value[:maxQuoted], ""), len(value))
}

const maxQuoted = 100

// number writes a number into a message.
func number(n int) string { return strconv.Itoa(n) }

// required refuses a setting without a value, which Derive would have filled.
func (p *problems) required(key, value string) {
	if value == "" {
		p.add(key, "missing", strings.Join(SettingOf(key).Values, ", "))
	}
}

// checkValues refuses values that a setting has not got.
func checkValues[R any](p *problems, of []Setting[R], record *R) {
	for _, s := range of {
		if s.Values == nil || s.Kind() != Text {
			continue
		}
		for _, value := range s.Lines(record) {
			if !slices.Contains(s.Values, value) {
				p.add(s.Key, "value.unknown", quote(value), strings.Join(s.Values, ", "))
			}
		}
	}
}

// nearOrAll is the remedy for a word that is none of known.
func nearOrAll(word string, known []string) said {
	if near := spelling.Nearest(word, known); near != "" {
		return say("near", near)
	}
	return say("some-of", strings.Join(known, ", "))
}

func (p *problems) clientID(id string) {
	if strings.HasPrefix(id, storage.TrialPrefix) {
		p.add("id", "id.trial", storage.TrialPrefix)
	}
	allowed := func(r rune) bool {
		return r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.", r))
	}
	if strings.Trim(id, ".") == "" || len(id) > maxClientID || strings.ContainsFunc(id, func(r rune) bool { return !allowed(r) }) {
		p.add("id", "id.invalid", quote(id))
	}
}

// text refuses what people could be deceived with: characters that show nothing or change the direction, and overlong names.
func (p *problems) text(key, text string, most int) {
	if utf8.RuneCountInString(text) > most || strings.ContainsFunc(text, hidden) || text != "" && strings.TrimSpace(text) == "" {
		p.add(key, "text.unusable", number(most))
	}
}

// texts refuses such texts by language tag.
func (p *problems) texts(key string, texts map[string]string) {
	for _, tag := range slices.Sorted(maps.Keys(texts)) {
		p.at(tag, func() {
			if _, err := language.Parse(tag); err != nil {
				p.add(key, "language.tag", quote(tag))
			}
			p.text(key, texts[tag], MaxName)
		})
	}
}

// CheckTexts returns what is wrong with names that people read, by language tag.
func CheckTexts(key string, texts map[string]string) Problems {
	var p problems
	p.texts(key, texts)
	return Problems(p)
}

// hidden reports whether people do not see r: what Unicode calls no graphic character, letters and symbols without a picture, and the
// replacement character, which stands for bytes that are no text.
func hidden(r rune) bool {
	return !unicode.IsGraphic(r) || strings.ContainsRune("\u115f\u1160\u2800\u3164\uffa0\ufffd", r)
}

// scopes refuses scopes that give nothing: an app that may ask for one would get nothing for it, and no error.
func (p *problems) scopes(c *storage.Client) {
	known := storage.Scopes()
	p.each(c.Scopes, func(_ int, scope string) {
		switch {
		case slices.Contains(known, scope) || scope == storage.ScopeEmail && c.Claims[storage.ClaimEmail] != "":
		case scope == storage.ScopeEmail:
			p.add("scopes", "scope.email")
		default:
			p.suggest("scopes", "scope.unknown", scope, known[1:])
		}
	})
}
