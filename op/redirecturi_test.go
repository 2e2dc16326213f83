package op

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func TestMatchURI(t *testing.T) {
	registered := []string{"http://127.0.0.1/cb", "http://[::1]:4000/cb?x=1", "http://localhost/cb", "se.example.app:/cb", "https://a.se/cb", "http://127.0.0.1", "http://localhost?a=b"}
	for uri, want := range map[string]bool{
		"http://127.0.0.1/cb":             true,
		"http://127.0.0.1:1/cb":           true,
		"http://127.0.0.1:65535/cb":       true,
		"http://[::1]/cb?x=1":             true,
		"http://[::1]:5/cb?x=1":           true,
		"http://localhost:8081/cb":        true,
		"se.example.app:/cb":              true,
		"https://a.se/cb":                 true,
		"http://127.0.0.1:0/cb":           false,
		"http://127.0.0.1:080/cb":         false,
		"http://127.0.0.1:65536/cb":       false,
		"http://127.0.0.1:-1/cb":          false,
		"http://127.0.0.1:8x/cb":          false,
		"http://127.0.0.2:8/cb":           false,
		"http://[::1]:5/cb":               false,
		"http://[::1]:5/cb?x=1&y=2":       false,
		"http://[::ffff:127.0.0.1]:5/cb":  false,
		"HTTP://127.0.0.1:8/cb":           false,
		"https://localhost:8/cb":          false,
		"https://a.se:8443/cb":            false,
		"se.example.app:8/cb":             false,
		"http://127.0.0.1:8/cb/":          false,
		"http://127.0.0.1:8/%63b":         false,
		"http://a@127.0.0.1:8/cb":         false,
		"":                                false,
		"http://127.0.0.1":                true,
		"http://127.0.0.1:5000":           true,
		"http://127.0.0.1:5000/":          false,
		"http://127.0.0.1:5000?":          false,
		"http://localhost:8?a=b":          true,
		"http://localhost:8?a=c":          false,
		"http:///cb":                      false,
		"http://:5000/cb":                 false,
		"http://127.0.0.1:/cb":            false,
		"http://127.0.0.1:5000:6/cb":      false,
		"http://127.0.0.1:000001/cb":      false,
		"http://127.0.0.1:100000/cb":      false,
		"http://127.0.0.1.evil.se:8/cb":   false,
		"http://127.0.0.1@evil.se/cb":     false,
		"http://127.0.0.1:80@evil.se/cb":  false,
		"http://localhost.evil.se/cb":     false,
		"http://localhostevil.se/cb":      false,
		"http://LOCALHOST:8/cb":           false,
		"http://[::1:5/cb?x=1":            false,
		"http://[::1]5/cb?x=1":            false,
		"http://127.0.0.1:8/cb#":          false,
		"http://127.0.0.1:8/cb#x":         false,
		"http://127.0.0.1:8/cb\\":         false,
		"http://127.0.0.1:8\\@evil.se/cb": false,
		"http:/127.0.0.1:8/cb":            false,
		"//127.0.0.1:8/cb":                false,
		"http://127.0.0.1:8/cb\n":         false,
		"http://127.0.0.1:8%2fcb":         false,
	} {
		if got := matchURI(registered, uri, true); got != want {
			t.Errorf("%s: %t", uri, got)
		}
	}
	if matchURI(registered, "http://127.0.0.1:1/cb", false) || !matchURI(registered, "http://127.0.0.1/cb", false) {
		t.Error("the loopback exception is not for native clients alone")
	}
	if matchURI([]string{"https://a.se/cb#x"}, "https://a.se/cb#x", false) {
		t.Error("a registered fragment was accepted")
	}
	if matchURI([]string{`https://a.se/\cb`}, `https://a.se/\cb`, false) {
		t.Error("what browsers read as another address was accepted")
	}
	longest := "https://a.se/" + strings.Repeat("a", maxURI-len("https://a.se/"))
	if !matchURI([]string{longest, longest + "a"}, longest, false) || matchURI([]string{longest, longest + "a"}, longest+"a", false) {
		t.Errorf("an address may have %d bytes and no more", maxURI)
	}
}

// FuzzLoopback: what is taken for a loopback address is one by net/url, too, and is the registered one but for its port.
func FuzzLoopback(f *testing.F) {
	for _, seed := range []string{"http://127.0.0.1:5000/cb", "http://[::1]/cb?x=1", "http://localhost:8", "http:///cb", "http://127.0.0.1:80@evil.se/cb", "http://127.0.0.1:0/cb", "https://127.0.0.1/cb"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		split, ok := splitLoopback(uri)
		if !ok {
			return
		}
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("%q: %v", uri, err)
		}
		ip, err := netip.ParseAddr(u.Hostname())
		loopback := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
		if u.Scheme != "http" || !loopback || u.User != nil {
			t.Errorf("%q leads to %s", uri, u.Host)
		}
		if port := u.Port(); uri != "http://"+split.host+strings.Repeat(":", min(len(port), 1))+port+split.rest {
			t.Errorf("%q is taken for %+v", uri, split)
		}
	})
}
