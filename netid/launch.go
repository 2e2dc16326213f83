package netid

import (
	"net/url"
	"strings"

	"brygga/secret"
)

// LaunchForm is the part of a launch link before its parameters.
const LaunchForm = "netid:///"

// NoRedirect as the redirect of a link makes the app open nothing when the person is done.
const NoRedirect = "null"

// LaunchURL returns the link that starts the app with an order on the same device. redirect is what the app opens afterwards, see [ReturnURL];
// zero means NoRedirect. The link starts the order for whoever opens it, and its token collects it: give it only to the browser that started
// the order, in an answer that is not cached.
func LaunchURL(form string, autoStartToken, redirect secret.String) secret.String {
	back := NoRedirect
	if !redirect.IsZero() {
		back = redirect.Reveal()
	}
	return secret.New(form + "?autostarttoken=" + escape(autoStartToken.Reveal()) + "&redirect=" + escape(back))
}

// escape is percent-encoding in which a space is %20: not every reader of the link takes a plus for it.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// Browser is a browser as far as the way back to it goes.
type Browser int

// The browsers: on iOS the app must name the browser, and elsewhere it gives the focus back by itself.
const (
	OtherBrowser Browser = iota
	SafariIOS
	ChromeIOS
	FirefoxIOS
)

// OnIOS tells by the user agent of a browser, and the number of fingers that its screen knows, whether it runs on iOS or iPadOS: an iPad that asks
// for pages made for computers says that it is a Mac, and no Mac has a touch screen.
func OnIOS(userAgent string, touchPoints int) bool {
	has := func(part string) bool { return strings.Contains(userAgent, part) }
	return has("iPhone") || has("iPad") || has("iPod") || has("Macintosh") && touchPoints > 1
}

// BrowserOf tells the browser by what [OnIOS] is told.
func BrowserOf(userAgent string, touchPoints int) Browser {
	has := func(part string) bool { return strings.Contains(userAgent, part) }
	switch {
	case !OnIOS(userAgent, touchPoints):
		return OtherBrowser
	case has("CriOS/"):
		return ChromeIOS
	case has("FxiOS/"):
		return FirefoxIOS
	case has("Version/") && has("Safari/") && !has("EdgiOS/") && !has("OPT/") && !has("OPiOS/") && !has("Brave/") && !has("Ddg/"):
		return SafariIOS
	}
	return OtherBrowser
}

// ReturnURL writes an http or https address, which carries the nonce of the return, as the app must open it to come back to that browser.
// Zero means that no address leads back there.
func (b Browser) ReturnURL(address secret.String) secret.String {
	text := address.Reveal()
	rest, secure := strings.CutPrefix(text, "https://")
	plain, insecure := strings.CutPrefix(text, "http://")
	switch {
	case !secure && !insecure:
		return secret.String{}
	case b == SafariIOS:
		return address
	case b == ChromeIOS && secure:
		return secret.New("googlechromes://" + rest)
	case b == ChromeIOS:
		return secret.New("googlechrome://" + plain)
	case b == FirefoxIOS:
		return secret.New("firefox://open-url?url=" + escape(text))
	}
	return secret.String{}
}
