package storage

import "cmp"

// Policy is what a client, or the installation for all its clients, demands of a login. A zero field leaves the matter to the
// installation, and there to the default that the field's comment names. The page and BankID's words for these are those of the
// BankID API: auth, requirement.
type Policy struct {
	// PinCode demands the security code where the person would use a fingerprint or a face: yes or no. Default no.
	PinCode Switch `json:"pin_code,omitempty" yaml:"pin_code"`
	// SignPinCode is PinCode for signatures and payments. Default yes.
	SignPinCode Switch `json:"sign_pin_code,omitempty" yaml:"sign_pin_code"`
	// MRTD demands that a passport or national identity card is read: yes or no. Default no.
	MRTD Switch `json:"mrtd,omitempty" yaml:"mrtd"`
	// CardReader is the least class of reader for BankID on card: class1, class2 or empty for any.
	CardReader string `json:"card_reader,omitempty" yaml:"card_reader"`
	// CertificatePolicies are the kinds of BankID that may be used, as OIDs, one asterisk allowed at the end. Empty means all.
	// A QR code can only be scanned by a phone, whatever stands here.
	CertificatePolicies []string `json:"certificate_policies,omitempty" yaml:"certificate_policies"`
	// VisibleText is what the app shows, by language tag; {client} stands for the client's name. Empty means our own text.
	VisibleText map[string]string `json:"visible_text,omitempty" yaml:"visible_text"`
	// VisibleFormat is plaintext or simpleMarkdownV1. Default plaintext.
	VisibleFormat string `json:"visible_format,omitempty" yaml:"visible_format"`
	// ModerateRisk and HighRisk say what to do with a result of that risk: accept, audit (accept and write an audit event) or
	// refuse. Defaults audit and refuse.
	ModerateRisk string `json:"moderate_risk,omitempty" yaml:"moderate_risk"`
	HighRisk     string `json:"high_risk,omitempty" yaml:"high_risk"`
	// Return is strict (an order for this device counts only after the return with its nonce) or balanced (without the return
	// it counts too when the app was at the address that started it, the device cookie is the same and the risk is low).
	// Default strict.
	Return string `json:"return,omitempty" yaml:"return"`
	// AddressCheck says what to do when an order for this device was completed at another address: off, audit or refuse.
	// Default audit.
	AddressCheck string `json:"address_check,omitempty" yaml:"address_check"`
	// MinimumAge is how old a person must be, in years; 0 means any age.
	MinimumAge int `json:"minimum_age,omitempty" yaml:"minimum_age"`
	// PersonKeys are what a person may be known by to the client: the first of them that the eID names counts, for the subject too, and who
	// has none of them is refused: some of PersonKeys. Empty means the personal number. An installation has none for all its clients.
	PersonKeys []string `json:"person_keys,omitempty" yaml:"person_keys"`
	// Certificate names the BankID certificate to use, one of those in the configuration. Empty means the first.
	Certificate string `json:"certificate,omitempty" yaml:"certificate"`
}

// Switch is yes, no, or empty for the default.
type Switch string

// On reports whether the switch says yes.
func (s Switch) On() bool { return s == "yes" }

// The values of Policy.ModerateRisk, HighRisk and AddressCheck.
const (
	ActionOff    = "off"
	ActionAccept = "accept"
	ActionAudit  = "audit"
	ActionRefuse = "refuse"
)

// The values of Policy.Return.
const (
	ReturnStrict   = "strict"
	ReturnBalanced = "balanced"
)

// Demands returns p without what the app shows and by what people are known, which is no demand of a login, and without what is demanded of signatures
// alone: of them no session comes.
func (p Policy) Demands() Policy {
	p.VisibleText, p.VisibleFormat, p.SignPinCode, p.PersonKeys = nil, "", "", nil
	if len(p.CertificatePolicies) == 0 {
		p.CertificatePolicies = nil
	}
	return p
}

// Judged returns what the result of an order has met that was made under p and judged under then: of what the app was asked for, p
// holds; of what is looked at in the result, then does.
func (p Policy) Judged(then Policy) Policy {
	p.ModerateRisk, p.HighRisk, p.Return = then.ModerateRisk, then.HighRisk, then.Return
	p.AddressCheck, p.MinimumAge = then.AddressCheck, then.MinimumAge
	return p.Demands()
}

// Over returns p with its zero fields taken from the installation's policy, and where that says nothing from the defaults.
func (p Policy) Over(installation Policy) Policy {
	p.PinCode = cmp.Or(p.PinCode, installation.PinCode, "no")
	p.SignPinCode = cmp.Or(p.SignPinCode, installation.SignPinCode, "yes")
	p.MRTD = cmp.Or(p.MRTD, installation.MRTD, "no")
	p.CardReader = cmp.Or(p.CardReader, installation.CardReader)
	if len(p.CertificatePolicies) == 0 {
		p.CertificatePolicies = installation.CertificatePolicies
	}
	if len(p.PersonKeys) == 0 {
		p.PersonKeys = installation.PersonKeys
	}
	if len(p.VisibleText) == 0 {
		p.VisibleText, p.VisibleFormat = installation.VisibleText, cmp.Or(p.VisibleFormat, installation.VisibleFormat)
	}
	p.VisibleFormat = cmp.Or(p.VisibleFormat, "plaintext")
	p.ModerateRisk = cmp.Or(p.ModerateRisk, installation.ModerateRisk, ActionAudit)
	p.HighRisk = cmp.Or(p.HighRisk, installation.HighRisk, ActionRefuse)
	p.Return = cmp.Or(p.Return, installation.Return, ReturnStrict)
	p.AddressCheck = cmp.Or(p.AddressCheck, installation.AddressCheck, ActionAudit)
	p.MinimumAge = cmp.Or(p.MinimumAge, installation.MinimumAge)
	p.Certificate = cmp.Or(p.Certificate, installation.Certificate)
	return p
}

// Brand is what a client, or the installation for all its clients, changes of the page's looks: checked values and never
// a style sheet. Zero fields leave the page as it is.
type Brand struct {
	// Logo is the picture as it is served: re-encoded PNG, or sanitised SVG. LogoType is its media type.
	Logo     []byte `json:"logo,omitempty" yaml:"-"`
	LogoType string `json:"logo_type,omitempty" yaml:"-"`
	// Accent and AccentDark colour buttons and links in the light and the dark theme, as #rrggbb. Whoever stores them has
	// checked their contrast.
	Accent     string `json:"accent,omitempty" yaml:"accent"`
	AccentDark string `json:"accent_dark,omitempty" yaml:"accent_dark"`
	// SupportURL and AccessibilityURL stand at the foot of every page: https or mailto.
	SupportURL       string `json:"support_url,omitempty" yaml:"support_url"`
	AccessibilityURL string `json:"accessibility_url,omitempty" yaml:"accessibility_url"`
}
