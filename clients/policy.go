package clients

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"

	"brygga/storage"
	"brygga/visibletext"
)

// Lengths of what stands in a policy. BankID takes 1 500 characters of base64, which are 1 125 bytes; a client's name may
// have MaxName characters of up to four bytes.
const (
	maxVisible  = 1125
	maxPolicies = 20
	maxAge      = 150
)

// oid is an object identifier; from the fifth component on, one asterisk may stand at the end (BankID API: auth, requirement).
var oid = regexp.MustCompile(`^[0-9]+(\.[0-9]+){3,}(\.[0-9]+|\.\*)$`)

// IsPolicy reports whether id is written as a certificate policy.
func IsPolicy(id string) bool { return oid.MatchString(id) }

// CheckPolicy returns everything that is wrong with a policy, a client's or the installation's.
func CheckPolicy(policy *storage.Policy) []Problem {
	var p problems
	checkValues(&p, policySettings, policy)
	if policy.MinimumAge < 0 || policy.MinimumAge > maxAge {
		p.add("minimum_age", strconv.Itoa(policy.MinimumAge)+" is out of range", fmt.Sprintf("write years, 1 to %d, or 0 for any age", maxAge))
	}
	p.each(policy.CertificatePolicies, func(_ int, id string) {
		if !oid.MatchString(id) {
			p.add("certificate_policies", quote(id)+" is no policy", "write an OID such as 1.2.752.78.1.5, with at most one * in place of its last part")
		}
	})
	if len(policy.CertificatePolicies) > maxPolicies {
		p.add("certificate_policies", "has too many policies", fmt.Sprintf("name at most %d", maxPolicies))
	}
	if len(policy.VisibleText) > maxList {
		p.add("visible_text", "has too many languages", fmt.Sprintf("name at most %d", maxList))
	}
	for _, tag := range slices.Sorted(maps.Keys(policy.VisibleText)) {
		p.at(tag, func() { p.visible(tag, policy.VisibleText[tag], policy.VisibleFormat) })
	}
	p.text("certificate", policy.Certificate, MaxName)
	return p
}

// visible checks what the app shows in one language.
func (p *problems) visible(tag, text, format string) {
	if _, err := language.Parse(tag); err != nil {
		p.add("visible_text", quote(tag)+" is not a language tag", "write sv, en or the like")
	}
	longest := strings.ReplaceAll(text, "{client}", strings.Repeat("x", MaxName*utf8.UTFMax))
	if text == "" || len(longest) > maxVisible || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && hidden(r) }) {
		p.add("visible_text", "is empty, too long or holds characters that do not print",
			fmt.Sprintf("write at most %d bytes, with {client} for the name of the app", maxVisible-MaxName*utf8.UTFMax))
		return
	}
	if problem := visibletext.Problem(text, format); problem != "" {
		p.add("visible_text", "is none that the BankID app shows for "+quote(tag)+": it has "+problem, "write it without, as every login would fail")
	}
}

type policy = storage.Policy

// policySettings are all settings of a policy, by key. Another one is an entry here and a field of the record.
var policySettings = []Setting[policy]{
	{"address_check", "", "what becomes of an order for this device that was completed at another address", storage.ActionAudit,
		[]string{storage.ActionOff, storage.ActionAudit, storage.ActionRefuse},
		func(p *policy) any { return &p.AddressCheck }},
	{"card_reader", "", "the least class of reader for BankID on card", "any", []string{"class1", "class2"},
		func(p *policy) any { return &p.CardReader }},
	{"certificate", "", "the BankID certificate to use", "the first", nil,
		func(p *policy) any { return &p.Certificate }},
	{"certificate_policies", "", "the kinds of BankID that may be used, as OIDs", "all", nil,
		func(p *policy) any { return (*words)(&p.CertificatePolicies) }},
	{"high_risk", "", "what becomes of a result of high risk", storage.ActionRefuse, riskActions,
		func(p *policy) any { return &p.HighRisk }},
	{"minimum_age", "", "how old a person must be, in years", "any", nil,
		func(p *policy) any { return &p.MinimumAge }},
	{"moderate_risk", "", "what becomes of a result of moderate risk", storage.ActionAudit, riskActions,
		func(p *policy) any { return &p.ModerateRisk }},
	{"mrtd", "", "whether a passport or identity card must be read", "no", yesNo,
		func(p *policy) any { return (*string)(&p.MRTD) }},
	{"pin_code", "", "whether the security code must be written", "no", yesNo,
		func(p *policy) any { return (*string)(&p.PinCode) }},
	{"return", "", "whether an order for this device counts without the return", storage.ReturnStrict, []string{storage.ReturnStrict, storage.ReturnBalanced},
		func(p *policy) any { return &p.Return }},
	{"visible_format", "", "how the text of the app is written", "plaintext", []string{"plaintext", "simpleMarkdownV1"},
		func(p *policy) any { return &p.VisibleFormat }},
	{visibleText, "", "what the app shows, by language", "our own text", nil,
		func(p *policy) any { return &p.VisibleText }},
}

// PolicySettings returns all settings of a policy, by key.
func PolicySettings() []Setting[storage.Policy] { return slices.Clone(policySettings) }

// visibleText is the setting that has a text for each language.
const visibleText = "visible_text"

var (
	riskActions = []string{storage.ActionAccept, storage.ActionAudit, storage.ActionRefuse}
	yesNo       = []string{"yes", "no"}
)

// SetPolicy sets on p what a text such as "pin_code=yes" or "visible_text.sv=…" says. The error is a [Problem] that says why it
// cannot be read; CheckPolicy tells whether the value is one that may stand there. Nothing behind the = takes the value away. The
// maps of p are not written to.
func SetPolicy(p *storage.Policy, text string) error {
	key, value, ok := strings.Cut(text, "=")
	if !ok {
		return Problem{Key: "policy", Problem: quote(text) + " has no =", Remedy: "write key=value with one of: " + strings.Join(PolicyKeys(), ", ")}
	}
	name, language, isText := strings.Cut(key, ".")
	i := slices.IndexFunc(policySettings, func(s Setting[policy]) bool { return s.Key == name })
	if i < 0 || isText != (name == visibleText) {
		return Problem{Key: "policy", Problem: "there is no " + quote(key), Remedy: nearOrAll(key, PolicyKeys())}
	}
	s := &policySettings[i]
	if !isText {
		return s.Set(p, value)
	}
	others := slices.DeleteFunc(s.Lines(p), func(pair string) bool { return strings.HasPrefix(pair, language+"=") })
	if value != "" {
		others = append(others, language+"="+value)
	}
	return s.Set(p, others...)
}

// PolicyKeys returns the keys that SetPolicy knows, in order.
func PolicyKeys() (keys []string) {
	for _, s := range policySettings {
		if s.Key == visibleText {
			s.Key += ".LANGUAGE"
		}
		keys = append(keys, s.Key)
	}
	return keys
}

// PolicyLines returns what p sets, as SetPolicy reads it, in order.
func PolicyLines(p *storage.Policy) (lines []Line) {
	for _, s := range policySettings {
		for _, value := range s.Lines(p) {
			lines = append(lines, line(s.Key, value, s.Kind()))
		}
	}
	return lines
}
