package bankid

import (
	"net/url"
	"testing"

	"brygga/secret"
)

func TestLaunchURL(t *testing.T) {
	simulator, err := ParseForm("http://localhost:8082")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name            string
		form            Form
		token, redirect string
		want            string
	}{
		{"app link", AppLink, testAutoStart, "", "https://app.bankid.com/?autostarttoken=" + testAutoStart + "&redirect=null"},
		{"scheme", Scheme, testAutoStart, NoRedirect, "bankid:///?autostarttoken=" + testAutoStart + "&redirect=null"},
		{"simulator", simulator, testAutoStart, "", "http://localhost:8082/?autostarttoken=" + testAutoStart + "&redirect=null"},
		{"with a redirect", AppLink, "t", "https://id.example.se/a b?c=d&e=å#f+g",
			"https://app.bankid.com/?autostarttoken=t&redirect=https%3A%2F%2Fid.example.se%2Fa%20b%3Fc%3Dd%26e%3D%C3%A5%23f%2Bg"},
		{"a token that would break out", Scheme, "t&redirect=https://evil.example", "",
			"bankid:///?autostarttoken=t%26redirect%3Dhttps%3A%2F%2Fevil.example&redirect=null"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := LaunchURL(tt.form, secret.New(tt.token), tt.redirect).Reveal()
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			u, err := url.Parse(got)
			if err != nil || u.Query().Get("autostarttoken") != tt.token {
				t.Errorf("token does not come out again: %v, error %v", u, err)
			}
		})
	}
}

func TestParseForm(t *testing.T) {
	for _, text := range []string{"", "localhost:8082", "bankid:///", "javascript:alert(1)", "http://", "http://a:b@localhost/", "http://localhost/?x=1", "http://localhost/#", "http://[::1/"} {
		if form, err := ParseForm(text); err == nil {
			t.Errorf("%q became %q", text, form)
		}
	}
	if form, err := ParseForm("http://localhost:8082/phone"); err != nil || form != "http://localhost:8082/phone" {
		t.Errorf("got %q, error %v", form, err)
	}
}

func TestLaunchFor_RowA17(t *testing.T) {
	const address = "https://id.example.se/login/1/return?n=Zt3k"
	const escaped = "https%3A%2F%2Fid.example.se%2Flogin%2F1%2Freturn%3Fn%3DZt3k"
	tests := []struct {
		os         OS
		browser    Browser
		form       Form
		tap        bool
		focus      bool
		reload     bool
		redirect   string
		returnTo   string
		sameDevice bool
	}{
		{OSiOS, BrowserSafari, AppLink, false, false, true, "null", address, true},
		{OSiOS, BrowserChrome, AppLink, false, false, true, "googlechromes://", "googlechromes://id.example.se/login/1/return?n=Zt3k", true},
		{OSiOS, BrowserFirefox, AppLink, false, false, true, "firefox://", "firefox://open-url?url=" + escaped, true},
		{OSiOS, BrowserEdge, AppLink, false, false, true, "null", "microsoft-edge-" + address, true},
		{OSiOS, BrowserOpera, AppLink, false, false, true, "null", "touch-" + address, true},
		{OSiOS, BrowserBrave, AppLink, false, false, true, "null", "brave://open-url?url=" + escaped, true},
		{OSiOS, BrowserDuckDuckGo, AppLink, false, false, true, "null", "ddgQuickLink://id.example.se/login/1/return?n=Zt3k", true},
		{OSiOS, BrowserFacebook, AppLink, true, false, false, "fb://", "", true},
		{OSiOS, BrowserInstagram, AppLink, true, false, false, "instagram://", "", true},
		{OSiOS, BrowserInApp, AppLink, true, false, false, "null", "", true},
		{OSiOS, BrowserUnknown, AppLink, false, false, false, "null", "", true},
		{OSiPadOS, BrowserSafari, AppLink, false, false, true, "null", address, true},
		{OSiPadOS, BrowserChrome, AppLink, false, false, true, "googlechromes://", "googlechromes://id.example.se/login/1/return?n=Zt3k", true},
		{OSAndroid, BrowserChrome, AppLink, true, true, false, "null", address, true},
		{OSAndroid, BrowserEdge, AppLink, true, true, false, "null", address, true},
		{OSAndroid, BrowserSamsung, AppLink, true, true, false, "null", address, true},
		{OSAndroid, BrowserBrave, AppLink, true, true, false, "null", address, true},
		{OSAndroid, BrowserDuckDuckGo, AppLink, true, true, false, "null", address, true},
		{OSAndroid, BrowserUnknown, AppLink, true, true, false, "null", address, true},
		{OSAndroid, BrowserFirefox, AppLink, false, true, false, "null", address, true},
		{OSAndroid, BrowserOpera, AppLink, false, true, false, "null", address, true},
		{OSAndroid, BrowserFacebook, AppLink, true, true, false, "null", "", true},
		{OSAndroid, BrowserInstagram, AppLink, true, true, false, "null", "", true},
		{OSAndroid, BrowserInApp, AppLink, true, true, false, "null", "", true},
		{OSWindows, BrowserChrome, Scheme, false, true, false, "null", address, true},
		{OSWindows, BrowserEdge, Scheme, false, true, false, "null", address, true},
		{OSmacOS, BrowserSafari, Scheme, false, true, false, "null", address, true},
		{OSmacOS, BrowserFirefox, Scheme, false, true, false, "null", address, true},
		{OSUnknown, BrowserUnknown, Scheme, true, false, false, "null", address, true},
		{OSTouchLinux, BrowserChrome, Scheme, true, true, false, "null", address, true},
		{OSLinux, BrowserFirefox, "", false, false, false, "null", "", false},
		{OSLinux, BrowserChrome, "", false, false, false, "null", "", false},
		{OSChromeOS, BrowserChrome, "", false, false, false, "null", "", false},
	}
	for _, tt := range tests {
		t.Run(string(tt.os)+" "+string(tt.browser), func(t *testing.T) {
			l := LaunchFor(Agent{OS: tt.os, Browser: tt.browser, Device: DeviceComputer})
			if l.SameDevice != tt.sameDevice || l.Form != tt.form || l.NeedsTap != tt.tap || l.FocusReturns != tt.focus ||
				l.ReloadsOnReturn != tt.reload || l.Redirect != tt.redirect {
				t.Errorf("got %+v", l)
			}
			if got := l.ReturnURL(secret.New(address)).Reveal(); got != tt.returnTo {
				t.Errorf("returns to %q, want %q", got, tt.returnTo)
			}
		})
	}
}

func TestReturnURLWithoutTLS(t *testing.T) {
	tests := map[Browser]string{
		BrowserSafari:     "http://localhost:8080/r",
		BrowserChrome:     "googlechrome://localhost:8080/r",
		BrowserEdge:       "microsoft-edge-http://localhost:8080/r",
		BrowserDuckDuckGo: "ddgQuickLink://localhost:8080/r",
	}
	for browser, want := range tests {
		l := LaunchFor(Agent{OS: OSiOS, Browser: browser})
		if got := l.ReturnURL(secret.New("http://localhost:8080/r")).Reveal(); got != want {
			t.Errorf("%s: got %q, want %q", browser, got, want)
		}
	}
}

func TestVirtualPhone(t *testing.T) {
	form, err := ParseForm("http://localhost:8082/")
	if err != nil {
		t.Fatal(err)
	}
	for _, os := range []OS{OSLinux, OSiOS, OSChromeOS, OSWindows} {
		l := LaunchFor(Agent{OS: os, Browser: BrowserChrome}).Via(form)
		if got, want := l.URL(secret.New("t")).Reveal(), "http://localhost:8082/?autostarttoken=t&redirect=null"; !l.SameDevice || got != want {
			t.Errorf("%s: got %s, want %s", os, got, want)
		}
		if got := l.ReturnURL(secret.New("http://localhost:8080/r")).Reveal(); got != "http://localhost:8080/r" {
			t.Errorf("%s: returns to %q", os, got)
		}
	}
}

func TestInApp(t *testing.T) {
	for _, b := range []Browser{BrowserFacebook, BrowserInstagram, BrowserInApp} {
		if !b.InApp() {
			t.Errorf("%s is a browser of its own", b)
		}
	}
	if BrowserSafari.InApp() || BrowserUnknown.InApp() {
		t.Error("a browser counts as in-app")
	}
}
