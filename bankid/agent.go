package bankid

import (
	"regexp"
	"strings"
)

// Hints is what a browser tells of itself, as received. All of it is the browser's word: use it for convenience only.
type Hints struct {
	UserAgent string // User-Agent
	Platform  string // Sec-CH-UA-Platform, such as `"Android"`
	Mobile    string // Sec-CH-UA-Mobile, "?1" or "?0"
	Brands    string // Sec-CH-UA
	// MaxTouchPoints is navigator.maxTouchPoints if a script has told it, else 0. An iPad calls itself a Mac, an Android tablet
	// Linux at times, and each is known by it alone.
	MaxTouchPoints int
}

// Agent is what Hints amount to.
type Agent struct {
	OS      OS
	Browser Browser
	Device  DeviceType
}

// OS is an operating system.
type OS string

// The operating systems. There is no BankID app for Linux and ChromeOS. OSTouchLinux says that it is Linux and feels several fingers:
// most likely Android, whose browsers ask for pages made for computers on larger tablets, and on a phone when told to.
const (
	OSUnknown  OS = ""
	OSiOS      OS = "iOS"
	OSiPadOS   OS = "iPadOS"
	OSAndroid  OS = "Android"
	OSWindows  OS = "Windows"
	OSmacOS    OS = "macOS"
	OSLinux    OS = "Linux"
	OSChromeOS OS = "ChromeOS"

	OSTouchLinux OS = "Linux, touch"
)

// Browser is a browser, or an app that shows pages itself.
type Browser string

// The browsers. BrowserInApp is the page view of an app that is not told apart further.
const (
	BrowserUnknown    Browser = ""
	BrowserSafari     Browser = "Safari"
	BrowserChrome     Browser = "Chrome"
	BrowserFirefox    Browser = "Firefox"
	BrowserEdge       Browser = "Edge"
	BrowserOpera      Browser = "Opera"
	BrowserSamsung    Browser = "Samsung Internet"
	BrowserBrave      Browser = "Brave"
	BrowserDuckDuckGo Browser = "DuckDuckGo"
	BrowserFacebook   Browser = "Facebook"
	BrowserInstagram  Browser = "Instagram"
	BrowserInApp      Browser = "in-app"
)

// InApp reports whether the page is shown inside another app, where launches are often blocked and a return ends in
// another browser: advise the person to open the page in a browser.
func (b Browser) InApp() bool {
	return b == BrowserFacebook || b == BrowserInstagram || b == BrowserInApp
}

// DeviceType says which way of starting BankID to offer first.
type DeviceType string

// The types: on a phone this device first, on a computer the QR code first, on a tablet ask.
const (
	DeviceComputer DeviceType = "computer"
	DevicePhone    DeviceType = "phone"
	DeviceTablet   DeviceType = "tablet"
)

// osTokens are looked for in the user agent, in this order: Android's names Linux too, and Windows phones name Android.
var osTokens = []struct {
	token string
	os    OS
}{
	{"Windows Phone", OSUnknown},
	{"iPhone", OSiOS},
	{"iPod", OSiOS},
	{"iPad", OSiPadOS},
	{"Android", OSAndroid},
	{"CrOS", OSChromeOS},
	{"Windows NT", OSWindows},
	{"Macintosh", OSmacOS},
	{"Linux", OSLinux},
	{"X11", OSLinux},
}

// browserTokens are looked for in the user agent, in this order: most browsers name those that they are made of.
var browserTokens = []struct {
	token   string
	browser Browser
}{
	{"Instagram", BrowserInstagram}, {"Barcelona", BrowserInApp}, // the latter is Threads
	{"FBAN/", BrowserFacebook}, {"FBAV/", BrowserFacebook}, {"FB_IAB/", BrowserFacebook},
	{"FBIOS", BrowserFacebook}, {"GSA/", BrowserInApp}, {"LinkedInApp", BrowserInApp}, {"Snapchat", BrowserInApp},
	{"musical_ly", BrowserInApp}, {"BytedanceWebview", BrowserInApp}, {"TikTok", BrowserInApp}, {"trill_", BrowserInApp},
	{"Pinterest", BrowserInApp}, {"Twitter", BrowserInApp}, {"Line/", BrowserInApp}, {"MicroMessenger/", BrowserInApp},
	{"WhatsApp", BrowserInApp}, {"Reddit/", BrowserInApp}, {"DuckDuckGo/", BrowserDuckDuckGo}, {"Ddg/", BrowserDuckDuckGo},
	{"; wv)", BrowserInApp},
	{"Brave/", BrowserBrave},
	{"SamsungBrowser/", BrowserSamsung},
	{"EdgiOS/", BrowserEdge}, {"EdgA/", BrowserEdge}, {"Edg/", BrowserEdge}, {"Edge/", BrowserEdge},
	{"OPT/", BrowserOpera}, {"OPX/", BrowserOpera}, {"OPiOS/", BrowserOpera}, {"OPR/", BrowserOpera}, {"Opera", BrowserOpera},
	{"FxiOS/", BrowserFirefox}, {"Firefox/", BrowserFirefox},
	{"CriOS/", BrowserChrome}, {"Chrome/", BrowserChrome}, {"Chromium/", BrowserChrome},
}

// brandTokens are looked for in Sec-CH-UA, in this order: all of these name Chromium, and some Google Chrome, beside. An
// Android WebView is the page view of some app, of which only the user agent may say more.
var brandTokens = []struct {
	brand   string
	browser Browser
}{
	{`"Android WebView"`, BrowserInApp},
	{`"Brave"`, BrowserBrave},
	{`"DuckDuckGo"`, BrowserDuckDuckGo},
	{`"Samsung Internet"`, BrowserSamsung},
	{`"Microsoft Edge"`, BrowserEdge},
	{`"Opera"`, BrowserOpera}, {`"Opera GX"`, BrowserOpera}, {`"OperaMobile"`, BrowserOpera},
	{`"Google Chrome"`, BrowserChrome},
}

// platforms are the values of Sec-CH-UA-Platform that name one of ours.
var platforms = map[string]OS{
	"android": OSAndroid, "ios": OSiOS, "windows": OSWindows, "macos": OSmacOS, "linux": OSLinux,
	"chrome os": OSChromeOS, "chromeos": OSChromeOS, "chromium os": OSChromeOS,
}

// iosBrowser matches the names that browsers use on iOS and iPadOS only.
var iosBrowser = regexp.MustCompile(`\b(CriOS|FxiOS|EdgiOS|OPiOS|OPT|OPX)/`)

// maxHint bounds what is looked at: no browser sends more.
const maxHint = 2048

// DetectAgent tells operating system, browser and kind of device from what the browser says. What it does not know comes
// back as unknown, on a computer; it never fails.
func DetectAgent(h Hints) Agent {
	ua := h.UserAgent[:min(len(h.UserAgent), maxHint)]
	a := Agent{OS: detectOS(ua, h), Device: DeviceComputer}
	a.Browser = detectBrowser(ua, a.OS, h.Brands)
	// The word Mobile is how the user agent of an Android phone differs from that of a tablet.
	phone := hasWord(ua, "Mobile") || h.Mobile == "?1"
	switch {
	case a.OS == OSiOS, a.OS == OSAndroid && phone, a.OS == OSUnknown && phone:
		a.Device = DevicePhone
	case a.OS == OSiPadOS, a.OS == OSAndroid, a.OS == OSTouchLinux:
		a.Device = DeviceTablet
	}
	return a
}

// hasWord reports whether word stands in text with no letter, digit or underscore beside it.
func hasWord(text, word string) bool {
	part := func(b byte) bool {
		return b == '_' || b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z'
	}
	for at := strings.Index(text, word); at >= 0; at = strings.Index(text, word) {
		end := at + len(word)
		if (at == 0 || !part(text[at-1])) && (end == len(text) || !part(text[end])) {
			return true
		}
		text = text[end:]
	}
	return false
}

func detectOS(ua string, h Hints) OS {
	os, known := platforms[strings.ToLower(strings.Trim(h.Platform, `" `))]
	if !known {
		for _, t := range osTokens {
			if strings.Contains(ua, t.token) {
				os = t.os
				break
			}
		}
	}
	// No Mac has a touch screen or a browser made for iOS: this is an iPad that asks for pages made for computers.
	if os == OSmacOS && (h.MaxTouchPoints > 1 || iosBrowser.MatchString(ua)) {
		return OSiPadOS
	}
	if os == OSLinux && h.MaxTouchPoints > 1 {
		return OSTouchLinux
	}
	return os
}

// detectBrowser believes the client hints where they name a browser, as user agents are copied from each other, and the user
// agent otherwise. One that says it belongs to an app is believed before: such apps send the hints of what they are made of.
func detectBrowser(ua string, os OS, brands string) Browser {
	said := browserSaid(ua)
	if said.InApp() || said == BrowserDuckDuckGo {
		return said
	}
	brands = brands[:min(len(brands), maxHint)]
	for _, t := range brandTokens {
		if strings.Contains(brands, t.brand) {
			if t.browser == BrowserChrome && said != BrowserUnknown {
				return said // browsers that add themselves to Chrome's brands tell more in the user agent
			}
			return t.browser
		}
	}
	apple := os == OSiOS || os == OSiPadOS || os == OSmacOS
	switch {
	case said != BrowserUnknown:
		return said
	case apple && strings.Contains(ua, "Safari/") && strings.Contains(ua, "Version/"):
		return BrowserSafari
	case apple && os != OSmacOS && strings.Contains(ua, "AppleWebKit/"):
		return BrowserInApp
	}
	return BrowserUnknown
}

// browserSaid returns the browser that the user agent names.
func browserSaid(ua string) Browser {
	for _, t := range browserTokens {
		if strings.Contains(ua, t.token) {
			return t.browser
		}
	}
	return BrowserUnknown
}
