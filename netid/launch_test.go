package netid

import (
	"io"
	"log"
	"testing"

	"brygga/secret"
)

// quiet is for servers that are refused on purpose.
var quiet = log.New(io.Discard, "", 0)

const back = "https://id.example/login/7/return?nonce=a%2Bb&x=1"

func TestLaunchURL(t *testing.T) {
	got := LaunchURL(LaunchForm, secret.New("a b+c"), secret.New(back)).Reveal()
	const want = "netid:///?autostarttoken=a%20b%2Bc&redirect=https%3A%2F%2Fid.example%2Flogin%2F7%2Freturn%3Fnonce%3Da%252Bb%26x%3D1"
	if got != want {
		t.Errorf("the link is %s", got)
	}
	if got := LaunchURL(LaunchForm, secret.New("x"), secret.String{}).Reveal(); got != "netid:///?autostarttoken=x&redirect=null" {
		t.Errorf("without a way back the link is %s", got)
	}
}

func TestReturnURL(t *testing.T) {
	const (
		iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
		mac    = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15"
	)
	for _, c := range []struct {
		name, agent string
		touch       int
		address     string
		want        string
	}{
		{"Safari on iOS", iphone + "Version/17.5 Mobile/15E148 Safari/604.1", 5, back, back},
		{"Chrome on iOS", iphone + "CriOS/125.0 Mobile/15E148 Safari/604.1", 5, back, "googlechromes://id.example/login/7/return?nonce=a%2Bb&x=1"},
		{"Chrome on iOS without TLS", iphone + "CriOS/125.0 Mobile/15E148 Safari/604.1", 5, "http://localhost/r", "googlechrome://localhost/r"},
		{"Firefox on iOS", iphone + "FxiOS/126.0 Mobile/15E148 Safari/605.1.15", 5, "https://id.example/r?n=1", "firefox://open-url?url=https%3A%2F%2Fid.example%2Fr%3Fn%3D1"},
		{"Edge on iOS", iphone + "Version/17.0 EdgiOS/125.0 Mobile/15E148 Safari/604.1", 5, back, ""},
		{"an app on iOS", iphone + "Mobile/15E148", 5, back, ""},
		{"Safari on an iPad that asks for desktop pages", mac, 5, back, back},
		{"Safari on a Mac", mac, 0, back, ""},
		{"Chrome on Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0 Safari/537.36", 0, back, ""},
		{"nothing", "", 0, back, ""},
		{"an address that is none", iphone + "Version/17.5 Mobile/15E148 Safari/604.1", 5, "javascript:alert(1)", ""},
	} {
		if got := BrowserOf(c.agent, c.touch).ReturnURL(secret.New(c.address)); got.Reveal() != c.want || got.IsZero() != (c.want == "") {
			t.Errorf("%s: %q, want %q", c.name, got.Reveal(), c.want)
		}
	}
}
