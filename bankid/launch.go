package bankid

import (
	"cmp"
	"errors"
	"net/url"
	"strings"

	"brygga/secret"
)

// Form is the part of a launch link before its parameters.
type Form string

// The two forms. A simulator adds its own, by ParseForm.
const (
	AppLink Form = "https://app.bankid.com/" // on phones and tablets; opens the app, or a page of BankID where it is not followed
	Scheme  Form = "bankid:///"              // on computers
)

// ParseForm returns the form for a virtual phone at an http or https address without query or fragment, such as
// "http://localhost:8082/". It is for development: a launch link gives the order to whoever answers there.
func ParseForm(text string) (Form, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(text, "?#") {
		return "", errors.New("bankid: a launch base must be an http or https address without query, such as http://localhost:8082/")
	}
	if u.Path == "" {
		text += "/"
	}
	return Form(text), nil
}

// NoRedirect as a redirect makes the app open nothing when the person is done; except on iOS it then gives the focus back.
const NoRedirect = "null"

// LaunchURL returns the link that starts the BankID app with an order. An empty redirect means NoRedirect; any other is a
// URL that the app opens afterwards, unless the order has a ReturnURL, which wins. The link starts the order for whoever
// opens it: give it only to the browser that started the order, in an answer that is not cached (BankID API: autostart).
func LaunchURL(form Form, autoStartToken secret.String, redirect string) secret.String {
	if redirect == "" {
		redirect = NoRedirect
	}
	return secret.New(string(form) + "?autostarttoken=" + escape(autoStartToken.Reveal()) + "&redirect=" + escape(redirect))
}

// escape is percent-encoding in which a space is %20: not every reader of the link takes a plus for it.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// Launch is how to start BankID on the device that shows the page, and how the person comes back.
type Launch struct {
	// SameDevice tells whether there is a BankID app for the device at all. If not, offer the QR code only.
	SameDevice bool
	// Form is the form of link that this browser follows.
	Form Form
	// NeedsTap says that the link works only when a person taps it. Otherwise a script may click it once, and it stays to be
	// tapped in case nothing happens.
	NeedsTap bool
	// FocusReturns says that the app brings this browser back to the front by itself, with the page as it was, if the order
	// has no ReturnURL; with one, the device's default browser opens it. If false, only a return address leads back, or the
	// person.
	FocusReturns bool
	// ReloadsOnReturn says that the return address is loaded anew, perhaps in another tab: keep nothing in the page.
	ReloadsOnReturn bool
	// ReturnScheme is how an address is written so that it opens in this browser and not in the device's default one; see
	// ReturnURL. Empty means as it is.
	ReturnScheme string
	// NoReturnURL says that no address leads back into this browser, only Redirect or the person.
	NoReturnURL bool
	// Redirect is the launch link's redirect for an order without ReturnURL: NoRedirect, or what brings the app to the front.
	Redirect string
}

// launches is the matrix of systems and browsers; the first row that fits counts. An empty browser fits all.
//
// It follows BankID's guide of 2026 as implementers quote it (BankID: autostart): the app link in every browser of a phone or
// tablet, since the scheme is blocked on phones that an employer manages, and the scheme on computers; the app is opened by
// itself with a visible link beside it, but on Android in Chrome, Edge, Samsung Internet and Brave, which want a tap. What a
// row returns with is our own: the guide has no return address for Edge and Opera on iOS, but a login needs one, and their
// schemes are known. Not confirmed by BankID, and to be tried on devices: those two, Brave and DuckDuckGo on iOS,
// DuckDuckGo on Android, and Samsung Internet, which in 2024 showed a page of BankID's for the app link. Pages inside
// other apps want a tap, as launches without one are blocked there.
var launches = []struct {
	systems []OS
	browser Browser
	launch  Launch
}{
	{iOS, BrowserSafari, Launch{Form: AppLink, ReloadsOnReturn: true}},
	{iOS, BrowserChrome, Launch{Form: AppLink, ReloadsOnReturn: true, ReturnScheme: "googlechromes://", Redirect: "googlechromes://"}},
	{iOS, BrowserFirefox, Launch{Form: AppLink, ReloadsOnReturn: true, ReturnScheme: "firefox://open-url?url=", Redirect: "firefox://"}},
	{iOS, BrowserEdge, Launch{Form: AppLink, ReloadsOnReturn: true, ReturnScheme: "microsoft-edge-"}},
	{iOS, BrowserOpera, Launch{Form: AppLink, ReloadsOnReturn: true, ReturnScheme: "touch-"}},
	{iOS, BrowserBrave, Launch{Form: AppLink, ReloadsOnReturn: true, ReturnScheme: "brave://open-url?url="}},
	{iOS, BrowserDuckDuckGo, Launch{Form: AppLink, ReloadsOnReturn: true, ReturnScheme: "ddgQuickLink://"}},
	{iOS, BrowserFacebook, Launch{Form: AppLink, NeedsTap: true, NoReturnURL: true, Redirect: "fb://"}},
	{iOS, BrowserInstagram, Launch{Form: AppLink, NeedsTap: true, NoReturnURL: true, Redirect: "instagram://"}},
	{iOS, BrowserInApp, Launch{Form: AppLink, NeedsTap: true, NoReturnURL: true}},
	{iOS, "", Launch{Form: AppLink, NoReturnURL: true}},

	{[]OS{OSAndroid}, BrowserFirefox, Launch{Form: AppLink, FocusReturns: true}},
	{[]OS{OSAndroid}, BrowserOpera, Launch{Form: AppLink, FocusReturns: true}},
	{[]OS{OSAndroid}, BrowserFacebook, Launch{Form: AppLink, NeedsTap: true, FocusReturns: true, NoReturnURL: true}},
	{[]OS{OSAndroid}, BrowserInstagram, Launch{Form: AppLink, NeedsTap: true, FocusReturns: true, NoReturnURL: true}},
	{[]OS{OSAndroid}, BrowserInApp, Launch{Form: AppLink, NeedsTap: true, FocusReturns: true, NoReturnURL: true}},
	{[]OS{OSAndroid}, "", Launch{Form: AppLink, NeedsTap: true, FocusReturns: true}}, // Chrome, Edge, Samsung Internet, Brave, others

	// It may be a computer with a touch screen after all, where an app link would lead to a web page: the scheme, and nothing by itself.
	{[]OS{OSTouchLinux}, "", Launch{Form: Scheme, NeedsTap: true, FocusReturns: true}},

	{[]OS{OSWindows, OSmacOS}, "", Launch{Form: Scheme, FocusReturns: true}},
	// A phone that hides what it is has no second device to show a QR code on, so it gets a link to try.
	{[]OS{OSUnknown}, "", Launch{Form: Scheme, NeedsTap: true}},
}

var iOS = []OS{OSiOS, OSiPadOS}

// LaunchFor returns how to start BankID in a. Linux, ChromeOS and whatever the table does not hold have no same-device start.
func LaunchFor(a Agent) Launch {
	for _, row := range launches {
		for _, os := range row.systems {
			if os == a.OS && (row.browser == "" || row.browser == a.Browser) {
				l := row.launch
				l.SameDevice = true
				l.Redirect = cmp.Or(l.Redirect, NoRedirect)
				if a.OS == OSUnknown && a.Device != DeviceComputer {
					l.Form = AppLink
				}
				return l
			}
		}
	}
	return Launch{Redirect: NoRedirect}
}

// Via returns the launch of a virtual phone behind form: a link to tap, which any device can follow and which comes back
// as an ordinary page.
func (Launch) Via(form Form) Launch {
	return Launch{SameDevice: true, Form: form, NeedsTap: true, ReloadsOnReturn: true, Redirect: NoRedirect}
}

// URL returns the launch link for an order, with l's form and redirect. See LaunchURL.
func (l Launch) URL(autoStartToken secret.String) secret.String {
	return LaunchURL(l.Form, autoStartToken, l.Redirect)
}

// ReturnURL writes an http or https address of ours as this browser's own, for AuthRequest.ReturnURL: iOS would open it in
// Safari otherwise, where our cookie is missing. It is empty if no address leads back; then leave ReturnURL out of the
// order and let the page notice by itself that the person is back.
func (l Launch) ReturnURL(address secret.String) secret.String {
	text := address.Reveal()
	switch {
	case l.NoReturnURL || !l.SameDevice:
		return secret.String{}
	case l.ReturnScheme == "":
		return address
	case strings.HasSuffix(l.ReturnScheme, "="):
		return secret.New(l.ReturnScheme + escape(text))
	case strings.HasSuffix(l.ReturnScheme, "-"):
		return secret.New(l.ReturnScheme + text)
	}
	scheme := l.ReturnScheme
	rest, plain := strings.CutPrefix(text, "http://")
	if plain && scheme == "googlechromes://" {
		scheme = "googlechrome://"
	}
	return secret.New(scheme + strings.TrimPrefix(rest, "https://"))
}
