package clients

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"

	"brygga/storage"
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
	p.optional("pin_code", string(policy.PinCode), "yes", "no")
	p.optional("mrtd", string(policy.MRTD), "yes", "no")
	p.optional("card_reader", policy.CardReader, "class1", "class2")
	p.optional("visible_format", policy.VisibleFormat, "plaintext", "simpleMarkdownV1")
	p.optional("moderate_risk", policy.ModerateRisk, storage.ActionAccept, storage.ActionAudit, storage.ActionRefuse)
	p.optional("high_risk", policy.HighRisk, storage.ActionAccept, storage.ActionAudit, storage.ActionRefuse)
	p.optional("return", policy.Return, storage.ReturnStrict, storage.ReturnBalanced)
	p.optional("address_check", policy.AddressCheck, storage.ActionOff, storage.ActionAudit, storage.ActionRefuse)
	if policy.MinimumAge < 0 || policy.MinimumAge > maxAge {
		p.add("minimum_age", strconv.Itoa(policy.MinimumAge)+" is out of range", fmt.Sprintf("write years, 1 to %d, or 0 for any age", maxAge))
	}
	for _, id := range policy.CertificatePolicies {
		if !oid.MatchString(id) {
			p.add("certificate_policies", fmt.Sprintf("%q is no policy", id), "write an OID such as 1.2.752.78.1.5, with at most one * in place of its last part")
		}
	}
	if len(policy.CertificatePolicies) > maxPolicies {
		p.add("certificate_policies", "has too many policies", fmt.Sprintf("name at most %d", maxPolicies))
	}
	for tag, text := range policy.VisibleText {
		p.visible(tag, text)
	}
	p.text("certificate", policy.Certificate, MaxName)
	return p
}

func (p *problems) optional(key, value string, allowed ...string) {
	if value != "" {
		p.word(key, value, allowed...)
	}
}

// visible checks what the app shows in one language.
func (p *problems) visible(tag, text string) {
	if _, err := language.Parse(tag); err != nil {
		p.add("visible_text", fmt.Sprintf("%q is not a language tag", tag), "write sv, en or the like")
	}
	longest := strings.ReplaceAll(text, "{client}", strings.Repeat("x", MaxName*utf8.UTFMax))
	hidden := func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
	}
	if text == "" || len(longest) > maxVisible || !utf8.ValidString(text) || strings.ContainsFunc(text, hidden) {
		p.add("visible_text", "is empty, too long or holds characters that do not print",
			fmt.Sprintf("write at most %d bytes, with {client} for the name of the app", maxVisible-MaxName*utf8.UTFMax))
	}
}

// policyFields are the keys of a policy with the way to set each from text; an empty text takes the value away.
var policyFields = map[string]func(p *storage.Policy, value string) error{
	"pin_code":             func(p *storage.Policy, v string) error { p.PinCode = storage.Switch(v); return nil },
	"mrtd":                 func(p *storage.Policy, v string) error { p.MRTD = storage.Switch(v); return nil },
	"card_reader":          func(p *storage.Policy, v string) error { p.CardReader = v; return nil },
	"certificate_policies": func(p *storage.Policy, v string) error { p.CertificatePolicies = splitList(v); return nil },
	"visible_format":       func(p *storage.Policy, v string) error { p.VisibleFormat = v; return nil },
	"moderate_risk":        func(p *storage.Policy, v string) error { p.ModerateRisk = v; return nil },
	"high_risk":            func(p *storage.Policy, v string) error { p.HighRisk = v; return nil },
	"return":               func(p *storage.Policy, v string) error { p.Return = v; return nil },
	"address_check":        func(p *storage.Policy, v string) error { p.AddressCheck = v; return nil },
	"certificate":          func(p *storage.Policy, v string) error { p.Certificate = v; return nil },
	"minimum_age": func(p *storage.Policy, v string) (err error) {
		p.MinimumAge = 0
		if v != "" {
			p.MinimumAge, err = strconv.Atoi(v)
		}
		return err
	},
}

func splitList(text string) (list []string) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// SetPolicy sets on p what a text such as "pin_code=yes" or "visible_text.sv=…" says, and reports whether it could be read;
// CheckPolicy tells whether the value is one that may stand there. Nothing behind the = takes the value away. The maps of p
// are not written to.
func SetPolicy(p *storage.Policy, text string) bool {
	key, value, ok := strings.Cut(text, "=")
	if tag, found := strings.CutPrefix(key, "visible_text."); ok && found {
		texts := map[string]string{}
		for tag, text := range p.VisibleText {
			texts[tag] = text
		}
		if texts[tag] = value; value == "" {
			delete(texts, tag)
		}
		if p.VisibleText = texts; len(texts) == 0 {
			p.VisibleText = nil
		}
		return true
	}
	set := policyFields[key]
	return ok && set != nil && set(p, value) == nil
}

// PolicyKeys returns the keys that SetPolicy knows, in order.
func PolicyKeys() []string {
	keys := []string{"visible_text.LANGUAGE"}
	for key := range policyFields {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// PolicyPairs returns what p sets, key and value, as SetPolicy reads them, in order.
func PolicyPairs(p *storage.Policy) (pairs [][2]string) {
	add := func(key, value string) {
		if value != "" {
			pairs = append(pairs, [2]string{key, value})
		}
	}
	add("address_check", p.AddressCheck)
	add("card_reader", p.CardReader)
	add("certificate", p.Certificate)
	add("certificate_policies", strings.Join(p.CertificatePolicies, ","))
	add("high_risk", p.HighRisk)
	if p.MinimumAge != 0 {
		add("minimum_age", strconv.Itoa(p.MinimumAge))
	}
	add("moderate_risk", p.ModerateRisk)
	add("mrtd", string(p.MRTD))
	add("pin_code", string(p.PinCode))
	add("return", p.Return)
	add("visible_format", p.VisibleFormat)
	tags := make([]string, 0, len(p.VisibleText))
	for tag := range p.VisibleText {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	for _, tag := range tags {
		add("visible_text."+tag, p.VisibleText[tag])
	}
	return pairs
}
