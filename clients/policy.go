package clients

import (
	"maps"
	"regexp"
	"slices"
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
	if many := counts(policySettings, policy); many != nil {
		return many
	}
	var p problems
	checkValues(&p, policySettings, policy)
	if policy.MinimumAge < 0 || policy.MinimumAge > maxAge {
		p.add("minimum_age", "policy.age", number(policy.MinimumAge), number(maxAge))
	}
	p.each(policy.CertificatePolicies, func(_ int, id string) {
		if !oid.MatchString(id) {
			p.add("certificate_policies", "policy.oid", quote(id))
		}
	})
	if len(policy.CertificatePolicies) > maxPolicies {
		p.add("certificate_policies", "policy.many", number(maxPolicies))
	}
	for _, tag := range slices.Sorted(maps.Keys(policy.VisibleText)) {
		p.at(tag, func() { p.visible(tag, policy.VisibleText[tag], policy.VisibleFormat) })
	}
	p.personKeys(policy.PersonKeys)
	p.text("certificate", policy.Certificate, MaxName)
	return p
}

// visible checks what the app shows in one language.
func (p *problems) visible(tag, text, format string) {
	if _, err := language.Parse(tag); err != nil {
		p.add("visible_text", "language.tag", quote(tag))
	}
	longest := strings.ReplaceAll(text, "{client}", strings.Repeat("x", MaxName*utf8.UTFMax))
	if text == "" || len(longest) > maxVisible || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && hidden(r) }) {
		p.add("visible_text", "visible.unusable", number(maxVisible-MaxName*utf8.UTFMax))
		return
	}
	if problem := visibletext.Check(text, format); problem != "" {
		p.add("visible_text", "visible."+code(problem), quote(tag))
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
	{personKeys, "", "by what it knows people, of which the first counts that they have: " + strings.Join(storage.PersonKeys(), ", "), storage.KeyPersonalNumber, nil,
		func(p *policy) any { return (*words)(&p.PersonKeys) }},
	{"pin_code", "", "whether the security code must be written", "no", yesNo,
		func(p *policy) any { return (*string)(&p.PinCode) }},
	{"return", "", "whether an order for this device counts without the return", storage.ReturnStrict, []string{storage.ReturnStrict, storage.ReturnBalanced},
		func(p *policy) any { return &p.Return }},
	{"sign_pin_code", "", "whether the security code must be written for a signature or a payment", "yes", yesNo,
		func(p *policy) any { return (*string)(&p.SignPinCode) }},
	{"visible_format", "", "how the text of the app is written", "plaintext", []string{"plaintext", "simpleMarkdownV1"},
		func(p *policy) any { return &p.VisibleFormat }},
	{visibleText, "", "what the app shows, by language", "our own text", nil,
		func(p *policy) any { return &p.VisibleText }},
}

// PolicySettings returns all settings of a policy, by key.
func PolicySettings() []Setting[storage.Policy] { return slices.Clone(policySettings) }

// personKeys is the setting of what people are known by.
const personKeys = "person_keys"

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
		return Fault("policy", "policy.pair", quote(text), strings.Join(PolicyKeys(), ", "))
	}
	name, language, isText := strings.Cut(key, ".")
	i := slices.IndexFunc(policySettings, func(s Setting[policy]) bool { return s.Key == name })
	if i < 0 || isText != (name == visibleText) {
		return Fault("policy", "policy.unknown", quote(key)).Near(key, PolicyKeys())
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
