package bankid

import (
	"strings"
	"testing"
)

// agents are real user agents, shortened in nothing that matters, and what they are.
var agents = []struct {
	name  string
	hints Hints
	want  Agent
}{
	{"iPhone Safari", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"},
		Agent{OSiOS, BrowserSafari, DevicePhone}},
	{"iPhone Chrome", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1"},
		Agent{OSiOS, BrowserChrome, DevicePhone}},
	{"iPhone Firefox", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/127.0 Mobile/15E148 Safari/605.1.15"},
		Agent{OSiOS, BrowserFirefox, DevicePhone}},
	{"iPhone Edge", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 EdgiOS/126.0.2592.56 Mobile/15E148 Safari/605.1.15"},
		Agent{OSiOS, BrowserEdge, DevicePhone}},
	{"iPhone Opera", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1 OPT/4.7.0"},
		Agent{OSiOS, BrowserOpera, DevicePhone}},
	{"iPhone DuckDuckGo", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15"},
		Agent{OSiOS, BrowserDuckDuckGo, DevicePhone}},
	{"iPhone DuckDuckGo, newer", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1 Ddg/17.5"},
		Agent{OSiOS, BrowserDuckDuckGo, DevicePhone}},
	{"iPhone Brave", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Brave/1.67 Mobile/15E148 Safari/604.1"},
		Agent{OSiOS, BrowserBrave, DevicePhone}},
	{"iPhone Facebook", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21F79 [FBAN/FBIOS;FBAV/468.0.0.42.70;FBDV/iPhone14,5;FBLC/sv_SE]"},
		Agent{OSiOS, BrowserFacebook, DevicePhone}},
	{"iPhone Instagram", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21F79 Instagram 336.0.0.24 (iPhone14,5; iOS 17_5)"},
		Agent{OSiOS, BrowserInstagram, DevicePhone}},
	{"iPhone, some app", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"},
		Agent{OSiOS, BrowserInApp, DevicePhone}},
	{"iPhone Google app", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) GSA/320.0 Mobile/15E148 Safari/604.1"},
		Agent{OSiOS, BrowserInApp, DevicePhone}},
	{"iPad, mobile pages", Hints{UserAgent: "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1"},
		Agent{OSiPadOS, BrowserSafari, DeviceTablet}},
	{"iPad as a Mac, touch points told", Hints{UserAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15", MaxTouchPoints: 5},
		Agent{OSiPadOS, BrowserSafari, DeviceTablet}},
	{"iPad as a Mac, Chrome", Hints{UserAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126 Version/11.1.1 Safari/605.1.15"},
		Agent{OSiPadOS, BrowserChrome, DeviceTablet}},
	{"Android Chrome", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", Platform: `"Android"`, Mobile: "?1",
		Brands: `"Not/A)Brand";v="8", "Chromium";v="126", "Google Chrome";v="126"`}, Agent{OSAndroid, BrowserChrome, DevicePhone}},
	{"Android tablet Chrome", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 13; SM-X200) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"},
		Agent{OSAndroid, BrowserChrome, DeviceTablet}},
	{"Android Brave", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", Platform: `"Android"`, Mobile: "?1",
		Brands: `"Not/A)Brand";v="8", "Chromium";v="126", "Brave";v="126"`}, Agent{OSAndroid, BrowserBrave, DevicePhone}},
	{"Android Edge", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36 EdgA/126.0.0.0"},
		Agent{OSAndroid, BrowserEdge, DevicePhone}},
	{"Android Samsung", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36"},
		Agent{OSAndroid, BrowserSamsung, DevicePhone}},
	{"Android Firefox", Hints{UserAgent: "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0"}, Agent{OSAndroid, BrowserFirefox, DevicePhone}},
	{"Android Opera", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Mobile Safari/537.36 OPR/82.0.0.0"},
		Agent{OSAndroid, BrowserOpera, DevicePhone}},
	{"Android DuckDuckGo", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile DuckDuckGo/5 Safari/537.36"},
		Agent{OSAndroid, BrowserDuckDuckGo, DevicePhone}},
	{"Android Facebook", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 14; SM-S911B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/468.0.0.0;]"},
		Agent{OSAndroid, BrowserFacebook, DevicePhone}},
	{"Android, some app", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 14; SM-S911B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36"},
		Agent{OSAndroid, BrowserInApp, DevicePhone}},
	{"Windows Chrome", Hints{UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", Platform: `"Windows"`, Mobile: "?0"},
		Agent{OSWindows, BrowserChrome, DeviceComputer}},
	{"Windows Edge with a touch screen", Hints{UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0", MaxTouchPoints: 10},
		Agent{OSWindows, BrowserEdge, DeviceComputer}},
	{"Mac Safari", Hints{UserAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15"},
		Agent{OSmacOS, BrowserSafari, DeviceComputer}},
	{"Mac Firefox", Hints{UserAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) Gecko/20100101 Firefox/127.0"}, Agent{OSmacOS, BrowserFirefox, DeviceComputer}},
	{"Linux Firefox", Hints{UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"}, Agent{OSLinux, BrowserFirefox, DeviceComputer}},
	{"Android tablet as Linux, touch points told", Hints{UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36", Platform: `"Linux"`, MaxTouchPoints: 5},
		Agent{OSTouchLinux, BrowserChrome, DeviceTablet}},
	{"Android tablet as Linux, Samsung", Hints{UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0.0.0 Safari/537.36", MaxTouchPoints: 10},
		Agent{OSTouchLinux, BrowserSamsung, DeviceTablet}},
	{"Linux with one touch point", Hints{UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", MaxTouchPoints: 1}, Agent{OSLinux, BrowserFirefox, DeviceComputer}},
	{"Linux Chrome", Hints{UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36", Platform: `"Linux"`}, Agent{OSLinux, BrowserChrome, DeviceComputer}},
	{"ChromeOS", Hints{UserAgent: "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", Platform: `"Chrome OS"`}, Agent{OSChromeOS, BrowserChrome, DeviceComputer}},
	{"FreeBSD", Hints{UserAgent: "Mozilla/5.0 (X11; FreeBSD amd64; rv:127.0) Gecko/20100101 Firefox/127.0"}, Agent{OSLinux, BrowserFirefox, DeviceComputer}},
	{"Windows phone", Hints{UserAgent: "Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/52.0.2743.116 Mobile Safari/537.36 Edge/15.15254"},
		Agent{OSUnknown, BrowserEdge, DevicePhone}},
	{"strange hint", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 10; K) Chrome/126 Mobile", Platform: `"Fuchsia"`, Mobile: "?1"}, Agent{OSAndroid, BrowserChrome, DevicePhone}},
	{"iPhone Threads", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Barcelona 338.0.0.29 (iPhone14,5; iOS 17_5)"}, Agent{OSiOS, BrowserInApp, DevicePhone}},
	{"iPhone Messenger", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/MessengerForiOS;FBAV/464.0.0.30;FBDV/iPhone14,5]"}, Agent{OSiOS, BrowserFacebook, DevicePhone}},
	{"iPhone LinkedIn", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [LinkedInApp]/9.29.2"}, Agent{OSiOS, BrowserInApp, DevicePhone}},
	{"iPhone TikTok", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 musical_ly_35.1.0 JsSdk/2.0 NetType/WIFI BytedanceWebview/d8a21c6"}, Agent{OSiOS, BrowserInApp, DevicePhone}},
	{"iPhone Snapchat", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1 Snapchat/12.92.0.35"}, Agent{OSiOS, BrowserInApp, DevicePhone}},
	{"iPhone Pinterest", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [Pinterest/iOS]"}, Agent{OSiOS, BrowserInApp, DevicePhone}},
	{"iPhone X", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Twitter for iPhone/10.47"}, Agent{OSiOS, BrowserInApp, DevicePhone}},
	{"iPhone WeChat", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.49"}, Agent{OSiOS, BrowserInApp, DevicePhone}},
	{"iPhone WhatsApp", Hints{UserAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 WhatsApp/2.24"}, Agent{OSiOS, BrowserInApp, DevicePhone}},
	{"Android Instagram", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 14; SM-S911B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 Instagram 336.0.0.24 Android", Platform: `"Android"`, Mobile: "?1", Brands: `"Android WebView";v="126", "Chromium";v="126"`},
		Agent{OSAndroid, BrowserInstagram, DevicePhone}},
	{"Android LinkedIn", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 14; SM-S911B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 [LinkedInApp]/4.1.950", Platform: `"Android"`, Mobile: "?1", Brands: `"Android WebView";v="126", "Chromium";v="126"`},
		Agent{OSAndroid, BrowserInApp, DevicePhone}},
	{"Android TikTok", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 14; SM-S911B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 trill_350103 JsSdk/1.0 BytedanceWebview/d8a21c6", Platform: `"Android"`, Mobile: "?1", Brands: `"Android WebView";v="126", "Chromium";v="126"`},
		Agent{OSAndroid, BrowserInApp, DevicePhone}},
	{"Android Snapchat", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 14; SM-S911B; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/126.0.0.0 Mobile Safari/537.36 Snapchat/12.92", Platform: `"Android"`, Mobile: "?1", Brands: `"Android WebView";v="126", "Chromium";v="126"`},
		Agent{OSAndroid, BrowserInApp, DevicePhone}},
	{"Android, some app by its hint", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", Platform: `"Android"`, Mobile: "?1", Brands: `"Chromium";v="126", "Android WebView";v="126"`},
		Agent{OSAndroid, BrowserInApp, DevicePhone}},
	{"Android Samsung by its hint", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", Platform: `"Android"`, Mobile: "?1", Brands: `"Chromium";v="126", "Samsung Internet";v="126"`},
		Agent{OSAndroid, BrowserSamsung, DevicePhone}},
	{"Android Edge by its hint", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", Platform: `"Android"`, Mobile: "?1", Brands: `"Chromium";v="126", "Microsoft Edge";v="126"`},
		Agent{OSAndroid, BrowserEdge, DevicePhone}},
	{"Android Opera by its hint", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", Platform: `"Android"`, Mobile: "?1", Brands: `"Chromium";v="126", "Opera";v="126"`},
		Agent{OSAndroid, BrowserOpera, DevicePhone}},
	{"Android DuckDuckGo by its hint", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", Platform: `"Android"`, Mobile: "?1", Brands: `"Chromium";v="126", "DuckDuckGo";v="126"`},
		Agent{OSAndroid, BrowserDuckDuckGo, DevicePhone}},
	{"hint of Windows, agent of a phone", Hints{UserAgent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", Platform: `"Windows"`, Mobile: "?0"}, Agent{OSWindows, BrowserChrome, DeviceComputer}},
	{"iPad Firefox as a Mac", Hints{UserAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:127.0) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/127.0 Safari/605.1.15"},
		Agent{OSiPadOS, BrowserFirefox, DeviceTablet}},
	{"Mac Chrome", Hints{UserAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", Platform: `"macOS"`, Mobile: "?0"},
		Agent{OSmacOS, BrowserChrome, DeviceComputer}},
	{"Windows Firefox", Hints{UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0"}, Agent{OSWindows, BrowserFirefox, DeviceComputer}},
	{"curl", Hints{UserAgent: "curl/8.7.1"}, Agent{OSUnknown, BrowserUnknown, DeviceComputer}},
	{"nothing", Hints{}, Agent{OSUnknown, BrowserUnknown, DeviceComputer}},
}

func TestDetectAgent(t *testing.T) {
	for _, tt := range agents {
		t.Run(tt.name, func(t *testing.T) {
			if got := DetectAgent(tt.hints); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func FuzzDetectAgent(f *testing.F) {
	for _, a := range agents {
		f.Add(a.hints.UserAgent, a.hints.Platform, a.hints.Mobile, a.hints.Brands, a.hints.MaxTouchPoints)
	}
	f.Add(strings.Repeat("å", 3000), `"`, "?1", strings.Repeat(`"Brave"`, 1000), -1)
	f.Fuzz(func(t *testing.T, ua, platform, mobile, brands string, touch int) {
		a := DetectAgent(Hints{ua, platform, mobile, brands, touch})
		l := LaunchFor(a)
		if noApp := a.OS == OSLinux || a.OS == OSChromeOS; l.SameDevice == noApp {
			t.Errorf("%+v has same device %v", a, l.SameDevice)
		}
		if l.SameDevice != (l.Form != "") || l.Redirect == "" {
			t.Errorf("%+v has form %q and redirect %q", a, l.Form, l.Redirect)
		}
	})
}
