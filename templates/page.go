package templates

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"
)

// Page is what stays the same through all states of one visit. Only Lang is needed; what is empty is left out.
type Page struct {
	// Lang is a language of Messages. An unknown one shows [DefaultLanguage].
	Lang string
	// Messages are the texts; nil means the built-in ones.
	Messages *Catalogue
	// ClientName is who asks, in the language of the page, as it also stands in the BankID app.
	ClientName string
	// ClientLogoURL is a path on our own origin. Any other address is ignored and the name's first letter shown instead.
	ClientLogoURL string
	// ClientURL is where a person may start again at the client, if the client registered such an address.
	ClientURL string
	// ServiceName names this installation, for pages without a client and at the foot of all.
	ServiceName string
	// BasePath is "/login/{id}", without a slash at the end. Empty on pages that belong to no login.
	BasePath string
	// LanguagePath is the path which takes ?lang=. Empty means BasePath; with both empty it is the page's own, whatever that is.
	LanguagePath string
	// OneLanguage leaves out the other languages.
	OneLanguage bool
	// Reference is the short word that support can look up, that of the login or, on pages without one, of the request; shown
	// when something went wrong.
	Reference string
	// Links stand at the foot of every page.
	Links Links
	// Method names the eID whose own texts stand in the place of others, see [Catalogue.WithEID]; empty where it has none. EID is what people call
	// it; empty means what the texts say.
	Method, EID string
	// Others says that there are other eIDs to choose from. Chosen is then the one that the page is about, and AtChoice says that it was chosen and
	// nothing more: the address of the page keeps it.
	// Naming says that the page is where a person is named, which its address keeps too.
	Others, AtChoice, Naming bool
	Chosen                   string
	// ServiceLogoURL is this installation's logo, for pages without a client; EIDLogoURL the operator's licensed logo of
	// the eID, without which our own pictures stand. StyleSheets are the brand's, the operator's and one that is
	// tried, in the order they count; empty for none.
	// All are paths on our own origin; other addresses are ignored.
	ServiceLogoURL string
	EIDLogoURL     string
	StyleSheets    [3]string
	// Banner is a message of the operator to everybody, such as of planned maintenance; empty for none.
	Banner string
	// Theme shows the "light" or the "dark" theme whatever the person's system says; empty follows it.
	Theme string
	// Paused keeps the page from refreshing itself without the script; its forms lead back to a page that is paused, too.
	Paused bool
	// Simulated marks every page as one of an installation that uses the simulator or test BankIDs.
	Simulated bool
	// Signing says that the person is to sign, and not to log in: texts that speak of the one then speak of the other.
	Signing bool
	// Picture leaves out the script: the page is only looked at.
	Picture bool
	// PhoneURL is the virtual phone of a simulator, to which that mark leads in a tab of its own; empty where there is none.
	PhoneURL string
}

// Links are addresses the operator configured; http, https, mailto and tel are shown, others not.
type Links struct {
	Help          string
	Accessibility string
}

// Device says where the person opens BankID. Its values are those of the form field "device".
type Device string

// The two devices a person can choose between.
const (
	ThisDevice  Device = "this"  // BankID is opened by a launch link on the device that shows the page.
	OtherDevice Device = "other" // BankID is on a phone that scans the QR code shown on the page.
)

// Platform is the kind of machine the page is shown on, which decides what comes first and what the texts call it.
type Platform string

// The kinds of machine. The zero value is treated as [Computer].
const (
	Phone    Platform = "phone"
	Tablet   Platform = "tablet"
	Computer Platform = "computer"
	// ScanOnly is a machine no BankID program exists for, such as Linux and ChromeOS: only the QR code is offered.
	ScanOnly Platform = "scan-only"
)

// known returns p, or Computer for anything unknown.
func (p Platform) known() Platform {
	switch p {
	case Phone, Tablet, ScanOnly:
		return p
	}
	return Computer
}

// situation names the variant of a text: the QR code, the QR code shown on a phone, this device, or this computer.
func situation(d Device, p Platform) string {
	switch {
	case d == OtherDevice && p.known() == Phone:
		return "qr.phone"
	case d == OtherDevice:
		return "qr"
	case p.known() == Phone || p == Tablet:
		return "device"
	}
	return "computer"
}

// text returns the message of key in the page's language. Beside args, {client}, {service} and {eid} are always filled in.
func (p Page) text(key string, args ...string) string {
	if p.Signing && p.has(signPrefix+key) {
		key = signPrefix + key
	}
	return fill(p.Messages.textOf(p.Method, p.Lang, key), append(args, "client", p.client(), "service", p.service(), "eid", p.eid()))
}

// eid is what people call the eID.
func (p Page) eid() string {
	if p.EID != "" {
		return p.EID
	}
	return p.Messages.textOf(p.Method, p.Lang, "eid.name")
}

// has reports whether the eID of the page or the catalogue has a text of that key.
func (p Page) has(key string) bool { return p.Messages.HasOwn(p.Method, key) || hasMessage(key) }

// signPrefix begins the keys of texts that stand in the place of others on a page for a signature.
const signPrefix = "sign."

// variant returns the message key+"."+sit. Where no such variant is written, it is the one without the last part of sit, and
// in the end that of key. What the eID of the page has of them counts before all others.
func (p Page) variant(key, sit string, args ...string) string {
	own := func(key string) bool { return p.Messages.HasOwn(p.Method, key) }
	if best := variantOf(key, sit, own); own(best) {
		return p.text(best, args...)
	}
	return p.text(variantOf(key, sit, hasMessage), args...)
}

// variantOf returns the first of key+"."+sit, without the last part of sit, and so on, that is written, in the end key.
func variantOf(key, sit string, written func(string) bool) string {
	for sit != "" && !written(key+"."+sit) {
		sit = sit[:max(strings.LastIndexByte(sit, '.'), 0)]
	}
	if sit != "" {
		key += "." + sit
	}
	return key
}

// client is how running text names who asks.
func (p Page) client() string {
	if p.ClientName != "" {
		return p.ClientName
	}
	return p.Messages.message(p.Lang, "page.client", nil)
}

func (p Page) service() string {
	if p.ServiceName != "" {
		return p.ServiceName
	}
	return "Brygga"
}

// monogram is the first letter or digit of the client's name, which stands in for a logo.
func (p Page) monogram() string {
	for _, r := range p.ClientName {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	if r, _ := utf8.DecodeRuneInString(p.ClientName); r != utf8.RuneError {
		return string(r)
	}
	return ""
}

// picture returns the address if it is a path on our own origin, else "".
func picture(address string) string {
	if ownPath(address) == blank {
		return ""
	}
	return address
}

// sheets lists the style sheets beside our own.
func (p Page) sheets() []string {
	var all []string
	if p.Theme != "" {
		all = append(all, AssetPath("themes.css"))
	}
	for _, address := range p.StyleSheets {
		if ownPath(address) != blank {
			all = append(all, address)
		}
	}
	return all
}

// phone is the address of the virtual phone, which is to speak the language of the page.
func (p Page) phone() templ.SafeURL { return link(p.PhoneURL + "?lang=" + p.language().Tag) }

// languagePath is where a change of language leads, "" for the address of the page itself, without its query.
func (p Page) languagePath() string {
	if p.LanguagePath != "" {
		return p.LanguagePath
	}
	return p.BasePath
}

// otherLanguages lists the languages to offer.
func (p Page) otherLanguages() []Language {
	if p.OneLanguage {
		return nil
	}
	own := p.language()
	var others []Language
	for _, l := range p.Messages.Languages() {
		if l.Tag != own.Tag {
			others = append(others, l)
		}
	}
	return others
}

// rowOfLanguages is how many other languages stand in a row at the foot. More are folded together.
const rowOfLanguages = 3

// inLanguage is this page in the language of that tag.
func (p Page) inLanguage(tag string) templ.SafeURL {
	if p.languagePath() == "" {
		return templ.SafeURL("?lang=" + tag)
	}
	u, err := url.Parse(p.languagePath())
	if err != nil {
		return blank
	}
	query := u.Query()
	query.Set("lang", tag)
	if (p.AtChoice || p.Naming) && p.Chosen != "" {
		query.Set(methodParameter, p.Chosen)
	}
	if p.Naming {
		query.Set(deviceParameter, string(OtherDevice))
	}
	u.RawQuery = query.Encode()
	return ownPath(u.String())
}

// language is that of the page's texts.
func (p Page) language() Language { return p.Messages.in(p.Lang).language }

// action is the address of one of the login's forms.
func (p Page) action(name string) templ.SafeURL {
	address := p.BasePath + "/" + name
	if p.Paused {
		address += pausedQuery
	}
	return templ.SafeURL(address)
}

// methodParameter is the query parameter with the eID that a person has chosen, empty for a choice anew.
const methodParameter = "method"

// choosing is the address at which the eID of that name is chosen, or the choice begins anew with none.
func (p Page) choosing(method string) templ.SafeURL {
	query := url.Values{methodParameter: {method}}
	if p.Paused {
		query.Set("refresh", "off")
	}
	return templ.SafeURL(p.BasePath + "?" + query.Encode())
}

// deviceParameter is the query parameter with the device on which a person is to be asked, who is named at that address.
const deviceParameter = "device"

// naming is the address at which a person is named.
func (p Page) naming() templ.SafeURL {
	query := url.Values{deviceParameter: {string(OtherDevice)}}
	if p.Chosen != "" {
		query.Set(methodParameter, p.Chosen)
	}
	if p.Paused {
		query.Set("refresh", "off")
	}
	return templ.SafeURL(p.BasePath + "?" + query.Encode())
}

// pausedQuery asks for a page that is paused.
const pausedQuery = "?refresh=off"

// blank is shown in place of an address that could run script or is none.
const blank = templ.SafeURL("about:invalid")

// link lets addresses for people through: the web, mail and telephone. Others become [blank].
func link(address string) templ.SafeURL {
	u, err := url.Parse(address)
	if err != nil {
		return blank
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https", "mailto", "tel":
		return templ.SafeURL(address)
	}
	return blank
}

// launch lets the launch links of eIDs through: a scheme of the app's own, and the web for app links and for simulators.
func launch(address string) templ.SafeURL { return target(address) }

// target lets a client's registered address through, a native app's own scheme too, but none that could run script.
func target(address string) templ.SafeURL {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" {
		return blank
	}
	switch strings.ToLower(u.Scheme) {
	case "javascript", "data", "vbscript", "blob", "file", "about":
		return blank
	}
	return templ.SafeURL(address)
}

// ownPath lets a path on our own origin through.
func ownPath(path string) templ.SafeURL {
	if strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.Contains(path, `\`) {
		return templ.SafeURL(path)
	}
	return blank
}
