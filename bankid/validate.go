package bankid

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"brygga/secret"
)

// limits are the rules in which the starting calls differ. Lengths count base64 characters.
type limits struct {
	visible, nonVisible int
	visibleRequired     bool
}

var (
	authLimits = limits{visible: 1500, nonVisible: 1500}
	signLimits = limits{visible: 40_000, nonVisible: 200_000, visibleRequired: true}
)

// Limits of single members, in bytes: what is allowed as characters is then allowed too.
const (
	maxReturnURL        = 512
	maxUserAgent        = 256
	maxReferringDomain  = 253
	minReferringDomain  = 3
	maxDeviceIdentifier = 64
	maxAppMember        = 256
	wildcardFrom        = 5 // the first component of a policy that may be "*"
)

// checker turns plain members into wire ones and keeps the first fault.
type checker struct{ err error }

func (c *checker) fail(field, reason string, args ...any) {
	if c.err == nil {
		c.err = &InvalidRequestError{Field: field, Reason: fmt.Sprintf(reason, args...)}
	}
}

func (c *checker) must(ok bool, field, reason string, args ...any) {
	if !ok {
		c.fail(field, reason, args...)
	}
}

func (r AuthRequest) wire(l limits) (*wireRequest, error) {
	var c checker
	ip := r.EndUserIP.Unmap()
	c.must(ip.IsValid(), "endUserIp", "is missing")
	c.must(ip.Zone() == "", "endUserIp", "must not have a zone")
	c.must(r.Web == nil || r.App == nil, "web", "and app exclude each other")
	w := &wireRequest{
		EndUserIP:   ip.String(),
		ReturnURL:   c.returnURL(r.ReturnURL),
		ReturnRisk:  r.ReturnRisk,
		Requirement: c.requirement(r.Requirement),
		Web:         c.web(r.Web),
		App:         c.app(r.App),
	}
	c.texts(w, l, r.UserVisibleData, r.UserNonVisibleData, r.UserVisibleDataFormat)
	return w, c.err
}

func (r PhoneAuthRequest) wire(l limits) (*wireRequest, error) {
	var c checker
	c.must(!r.PersonalNumber.IsZero(), "personalNumber", "is missing")
	c.must(r.CallInitiator == CallByUser || r.CallInitiator == CallByRelyingParty,
		"callInitiator", "must be %q or %q", CallByUser, CallByRelyingParty)
	c.must(r.Requirement.PersonalNumber.IsZero(), "requirement.personalNumber", "is not allowed in a phone order")
	w := &wireRequest{
		PersonalNumber: c.personalNumber("personalNumber", r.PersonalNumber),
		CallInitiator:  string(r.CallInitiator),
		Requirement:    c.requirement(r.Requirement),
	}
	c.texts(w, l, r.UserVisibleData, r.UserNonVisibleData, r.UserVisibleDataFormat)
	return w, c.err
}

func (c *checker) texts(w *wireRequest, l limits, visible string, nonVisible []byte, format DataFormat) {
	c.must(visible != "" || !l.visibleRequired, "userVisibleData", "is missing")
	c.must(utf8.ValidString(visible), "userVisibleData", "is not UTF-8")
	c.must(format == "" || format == FormatPlainText || format == FormatSimpleMarkdownV1,
		"userVisibleDataFormat", "must be %q or %q", FormatPlainText, FormatSimpleMarkdownV1)
	w.UserVisibleData = c.base64("userVisibleData", []byte(visible), l.visible)
	w.UserNonVisibleData = c.base64("userNonVisibleData", nonVisible, l.nonVisible)
	w.UserVisibleDataFormat = string(format)
}

func (c *checker) base64(field string, data []byte, limit int) string {
	if n := base64.StdEncoding.EncodedLen(len(data)); n > limit {
		c.fail(field, "has %d characters in base64; at most %d are allowed", n, limit)
		return ""
	}
	return base64.StdEncoding.EncodeToString(data)
}

func (c *checker) returnURL(s secret.String) string {
	text := s.Reveal()
	c.must(len(text) <= maxReturnURL, "returnUrl", "is longer than %d characters", maxReturnURL)
	if u, err := url.Parse(text); text != "" && (err != nil || !u.IsAbs()) {
		c.fail("returnUrl", "is not an absolute URL")
	}
	return text
}

func (c *checker) requirement(r Requirement) *wireRequirement {
	c.must(r.CardReader == "" || r.CardReader == CardReaderClass1 || r.CardReader == CardReaderClass2,
		"requirement.cardReader", "must be %q or %q", CardReaderClass1, CardReaderClass2)
	for _, policy := range r.CertificatePolicies {
		c.must(validPolicy(policy), "requirement.certificatePolicies",
			"must be OIDs, with at most one * from the fifth component on")
	}
	if !r.PinCode && !r.MRTD && r.CardReader == "" && len(r.CertificatePolicies) == 0 && r.PersonalNumber.IsZero() {
		return nil
	}
	return &wireRequirement{
		PinCode:             r.PinCode,
		MRTD:                r.MRTD,
		CardReader:          string(r.CardReader),
		CertificatePolicies: r.CertificatePolicies,
		PersonalNumber:      c.personalNumber("requirement.personalNumber", r.PersonalNumber),
	}
}

// validPolicy reports whether text is an OID in which one component, the fifth or a later one, may be "*".
func validPolicy(text string) bool {
	parts, wildcards := strings.Split(text, "."), 0
	for i, part := range parts {
		if part == "*" && i+1 >= wildcardFrom {
			wildcards++
		} else if !digits(part) {
			return false
		}
	}
	return len(parts) > 1 && wildcards <= 1 && len(text) <= 128
}

// personalNumber checks the form only: which numbers exist is BankID's to know.
func (c *checker) personalNumber(field string, s secret.String) string {
	text := s.Reveal()
	c.must(text == "" || len(text) == 12 && digits(text), field, "must have 12 digits")
	return text
}

func (c *checker) web(w *Web) *wireWeb {
	if w == nil {
		return nil
	}
	c.must(w.ReferringDomain == "" || validDomain(w.ReferringDomain), "web.referringDomain",
		"must be a lower-case domain of %d to %d characters", minReferringDomain, maxReferringDomain)
	out := &wireWeb{
		ReferringDomain:  w.ReferringDomain,
		UserAgent:        cutText(w.UserAgent, maxUserAgent),
		DeviceIdentifier: c.short("web.deviceIdentifier", w.DeviceIdentifier.Reveal(), maxDeviceIdentifier),
	}
	c.must(*out != wireWeb{}, "web", "has no member")
	return out
}

func (c *checker) app(a *App) *wireApp {
	if a == nil {
		return nil
	}
	out := &wireApp{
		AppIdentifier:    c.short("app.appIdentifier", a.AppIdentifier, maxAppMember),
		DeviceOS:         c.short("app.deviceOS", a.DeviceOS, maxAppMember),
		DeviceModelName:  c.short("app.deviceModelName", a.DeviceModelName, maxAppMember),
		DeviceIdentifier: c.short("app.deviceIdentifier", a.DeviceIdentifier.Reveal(), maxDeviceIdentifier),
	}
	c.must(*out != wireApp{}, "app", "has no member")
	return out
}

func (c *checker) short(field, text string, limit int) string {
	c.must(len(text) <= limit, field, "is longer than %d bytes", limit)
	c.must(utf8.ValidString(text), field, "is not UTF-8")
	return text
}

func validDomain(text string) bool {
	if len(text) < minReferringDomain || len(text) > maxReferringDomain {
		return false
	}
	return !strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-", r)
	})
}

// cutText returns the start of text, at most limit bytes, without cutting a character in two and without bytes that are no
// UTF-8: a browser may send anything.
func cutText(text string, limit int) string {
	text = strings.ToValidUTF8(text, "")
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// digits reports whether text is one or more ASCII digits.
func digits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}
