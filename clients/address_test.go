package clients

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestAddresses takes addresses that browsers read as we do, and no others (RFC 3986, WHATWG URL).
func TestAddresses(t *testing.T) {
	for _, address := range []string{
		"https://a.example", "https://a.example/", "https://A.example:8443/cb?x=%2F&y=a/../b", "https://a.example:1/", "https://a.example:65535/",
		"https://a-b_c.example/a%20b/~x/.well-known/...", "https://192.0.2.1/cb", "https://[2001:db8::1]:8443/cb", "https://xn--e1afmkfd.example/",
		"http://127.0.0.1/cb", "http://[::1]:4000/cb", "http://localhost:8081/cb", "http://app.localhost/", "https://a.example/a;b=(c),'d'!$&+@:",
	} {
		if p := check(address, false); len(p) > 0 {
			t.Errorf("%s: %s", address, p[0].Problem)
		}
	}
	for _, address := range []string{
		`https://a.example/\x`, `https://a.example\@evil.example/`, `https:\\a.example\`, "https://a.example:99999/cb", "https://a.example:65536/cb", "https://a.example:0/cb",
		"https://a.example:x/cb", "https://a%2eexample/", "https://%c3%a4.example/", "https://a.example;b/", "https://a..example/", "https://.a.example/", "https://a.example./",
		"https://2130706433/", "https://127.1/", "https://0x7f.0.0.1/", "https://127.0.0.0x1/", "https://1.2.3.4.5/", "https://a.1/", "https://[::1/", "https://[fe80::1%25eth0]/", "https://[::1]x/",
		"https://a.example/a/../b", "https://a.example/./b", "https://a.example/%2e%2E/b", "https://a.example/.%2e", "https://a.example/..",
		"https://a.example/<x>", `https://a.example/"x"`, "https://a.example/{tenant}", "https://a.example/a|b", "https://a.example/^", "https://a.example/`",
		"https://a.example/\tx", "https://a.example/ x", "https://a.example/å", "https://a.example/\x7f", "https://user@a.example/", "https://*.example/",
		"https://a.example/#", "https://a.example/#x", "https:///a.example/", "https:a.example", "https:/a.example/", "//a.example/", "a.example", "", "http://a.example/",
		"javascript:alert(1)", "data:text/html,x", "ftp://a.example/", "https://a.example/" + strings.Repeat("a", maxAddress),
	} {
		if p := check(address, false); len(p) != 1 || p[0].Key != "redirect_uris" {
			t.Errorf("%s: taken, %v", address, p)
		}
	}
	for address, taken := range map[string]bool{
		"se.example.app:/cb": true, "se.example.app://cb/x": true, "se.example.app:cb": true,
		`se.example.app:/\cb`: false, "se.example.app:/<cb>": false, "se.example.app:/#": false, "se.example.app://host:99999/": false, "app:/cb": false,
	} {
		if p := check(address, true); len(p) == 0 != taken {
			t.Errorf("of an app, %s: %v", address, p)
		}
		if p := check(address, false); len(p) == 0 {
			t.Errorf("of no app, %s: taken", address)
		}
	}
}

func check(address string, native bool) problems {
	var p problems
	p.addresses("redirect_uris", []string{address}, native)
	return p
}

// FuzzAddresses: what is taken has one way to be read. Written out by its parts it is the same text, but for a port that is left out.
func FuzzAddresses(f *testing.F) {
	for _, seed := range []string{"https://a.example/cb", `https://a.example\@b/`, "https://127.1/", "https://a.example:99999/", "http://[::1]:4000/cb?x=1", "https://a.example:/cb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if len(check(address, false)) > 0 {
			return
		}
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		path, query := u.EscapedPath(), ""
		if u.RawQuery != "" || u.ForceQuery {
			query = "?" + u.RawQuery
		}
		if again := fmt.Sprintf("%s://%s%s%s", u.Scheme, u.Host, path, query); !strings.EqualFold(again, address) {
			t.Errorf("%q is read as %q", address, again)
		}
		for _, wrong := range []string{"\\", "@" + u.Host, "#", " "} {
			if strings.Contains(u.Scheme+"://"+u.Host, wrong) || strings.ContainsAny(address, "\\#") {
				t.Errorf("%q was taken", address)
			}
		}
	})
}
