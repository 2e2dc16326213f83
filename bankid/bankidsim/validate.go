package bankidsim

import (
	"encoding/base64"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// startRequest is a valid request to start an order.
type startRequest struct {
	endUserIP      string
	visible        string // base64 as received
	nonVisible     string // base64 as received
	format         string
	returnURL      string
	returnRisk     bool
	personalNumber string // of the requirement, or of a phone order
	policies       []string
	pinCode        bool
	mrtd           bool
	transaction    *Transaction // of a payment
}

const (
	maxAuthText    = 1_500
	maxSignText    = 40_000
	maxSignHidden  = 200_000
	simpleMarkdown = "simpleMarkdownV1"
)

// parseStart reads and checks the body of a call that starts an order (BankID API: auth, sign, payment).
func parseStart(o *object, k Kind) (*startRequest, *apiError) {
	r := &startRequest{}
	switch {
	case k.phone():
		if number, ok := o.text("personalNumber", 1, 64); ok { // optional, as newer clients have it
			r.personalNumber = personalNumber(o, number)
		}
		if by := o.required("callInitiator", 1, 64); by != "user" && by != "RP" {
			o.fail("callInitiator", "must be user or RP")
		}
	case k.pushed():
		r.personalNumber = personalNumber(o, o.required("personalNumber", 1, 64))
	default:
		r.endUserIP = o.required("endUserIp", 1, 64)
		if ip, err := netip.ParseAddr(r.endUserIP); err != nil || ip.Zone() != "" || ip.Is4In6() && !o.lenient {
			o.fail("endUserIp", "must be an IPv4 or IPv6 address, and not the one in the other's form")
		}
		r.returnURL = returnURL(o)
		r.returnRisk = o.flag("returnRisk")
		callerFacts(o)
	}
	if k.payment() {
		r.transaction = transaction(o)
	}
	texts(o, k, r)
	requirement(o.child("requirement"), k, r)
	o.finish()
	return r, *o.fault
}

func texts(o *object, k Kind, r *startRequest) {
	visible, hidden := maxAuthText, maxAuthText
	if k.signing() {
		visible, hidden = maxSignText, maxSignHidden
		if _, ok := o.members["userVisibleData"]; !ok {
			o.fail("userVisibleData", "is required")
		}
	}
	if text, ok := o.text("userVisibleData", 1, visible); ok {
		if plain, err := strictBase64(text); err != nil || !utf8.Valid(plain) {
			o.fail("userVisibleData", "must be base64 of UTF-8 text")
		}
		r.visible = text
	}
	if text, ok := o.text("userNonVisibleData", 1, hidden); ok {
		if _, err := strictBase64(text); err != nil {
			o.fail("userNonVisibleData", "must be base64")
		}
		r.nonVisible = text
	}
	if format, ok := o.text("userVisibleDataFormat", 1, 64); ok {
		if r.visible == "" && !o.lenient {
			o.fail("userVisibleDataFormat", "needs userVisibleData")
		}
		if format == simpleMarkdown && !o.lenient {
			if !formattable(r.visible) {
				o.fail("userVisibleData", "has characters that "+simpleMarkdown+" does not allow")
			}
			if !listed(r.visible) {
				o.fail("userVisibleData", "Initial token for unordered list items must be '+' and it must be followed by space")
			}
		}
		if format != "plaintext" && format != simpleMarkdown {
			o.fail("userVisibleDataFormat", "must be plaintext or "+simpleMarkdown)
		}
		r.format = format
	}
}

// formattable says whether a text in base64 has only characters that simpleMarkdownV1 allows, as far as they are known:
// no emoji, and of control characters line breaks only (BankID: guidelines for formatted text).
func formattable(visible string) bool {
	text, err := strictBase64(visible)
	return err != nil || !strings.ContainsFunc(string(text), func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' || r >= 0x1F000 || r == 0xFE0F
	})
}

// item is the beginning of what Markdown has for a list, but that which BankID takes.
var item = regexp.MustCompile(`(?m)^[ \t]*(?:\+(?:[^ ]|$)|[-*][ \t])`)

// listed says whether the lists of a text in base64 are such as simpleMarkdownV1 has.
func listed(visible string) bool {
	text, err := strictBase64(visible)
	return err != nil || !item.Match(text)
}

// strictBase64 decodes the standard alphabet with padding and without line breaks, which encoding/base64 would skip.
func strictBase64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, base64.CorruptInputError(0)
	}
	return base64.StdEncoding.Strict().DecodeString(text)
}

func returnURL(o *object) string {
	text, ok := o.text("returnUrl", 1, 512)
	if !ok {
		return ""
	}
	if u, err := url.Parse(text); err != nil || u.Scheme == "" {
		o.fail("returnUrl", "must be a URL with a scheme")
	}
	return text
}

// callerFacts checks web and app, of which one at most may be there, with one member at least.
func callerFacts(o *object) {
	web, app := o.child("web"), o.child("app")
	if web != nil && app != nil {
		o.fail("web", "and app exclude each other")
	}
	if web != nil {
		if len(web.members) == 0 {
			o.fail("web", "needs a member")
		}
		if domain, ok := web.text("referringDomain", 3, 253); ok && strings.Trim(domain, "0123456789abcdefghijklmnopqrstuvwxyz.-") != "" {
			web.fail("referringDomain", "has characters that are not allowed")
		}
		web.text("userAgent", 1, 256)
		web.text("deviceIdentifier", 1, 64)
		web.finish()
	}
	if app != nil {
		if len(app.members) == 0 {
			o.fail("app", "needs a member")
		}
		app.text("appIdentifier", 1, 256)
		app.text("deviceOS", 1, 64)
		app.text("deviceModelName", 1, 64)
		app.text("deviceIdentifier", 1, 64)
		app.finish()
	}
}

func requirement(o *object, k Kind, r *startRequest) {
	if o == nil {
		return
	}
	r.pinCode = o.flag("pinCode")
	r.mrtd = o.flag("mrtd")
	if reader, ok := o.text("cardReader", 1, 64); ok && reader != "class1" && reader != "class2" {
		o.fail("cardReader", "must be class1 or class2")
	}
	r.policies = o.texts("certificatePolicies")
	if slices.ContainsFunc(r.policies, func(p string) bool { return !validPolicy(p) }) {
		o.fail("certificatePolicies", "has an entry that is not an object identifier, or a * in the wrong place")
	}
	if !k.pushed() {
		if number, ok := o.text("personalNumber", 1, 64); ok {
			r.personalNumber = personalNumber(o, number)
		}
	}
	o.finish()
}

func personalNumber(o *object, text string) string {
	if !isPersonalNumber(text) {
		o.fail("personalNumber", "must have twelve digits")
	}
	return text
}

// validPolicy says whether text is an object identifier in which one component, the fifth or a later one, may be *.
func validPolicy(text string) bool {
	components, stars := strings.Split(text, "."), 0
	for i, component := range components {
		switch {
		case component == "*" && i >= 4:
			stars++
		case component == "" || strings.Trim(component, "0123456789") != "":
			return false
		}
	}
	return len(components) > 1 && stars <= 1
}

// policyAllowed says whether a BankID of the policy may be used; no list allows every type. A * at the end stands for all that
// may follow, elsewhere for one component.
func policyAllowed(list []string, policy string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(allowed string) bool {
		return policyMatches(strings.Split(allowed, "."), strings.Split(policy, "."))
	})
}

func policyMatches(pattern, policy []string) bool {
	for i, component := range pattern {
		switch {
		case i == len(policy):
			return false
		case component == "*" && i == len(pattern)-1:
			return true
		case component != "*" && component != policy[i]:
			return false
		}
	}
	return len(pattern) == len(policy)
}
