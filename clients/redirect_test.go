package clients_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"brygga/clients"
	"brygga/storage"
)

// sound returns a client with nothing wrong, for tests to spoil.
func sound() storage.Client {
	c := clients.New("app")
	c.AuthMethod, c.RedirectURIs = storage.AuthMethodNone, []string{"https://app.example.se/cb"}
	clients.Complete(&c)
	return c
}

// redirect returns what is wrong with a redirect URI.
func redirect(uri string, native bool) clients.Problems {
	c := sound()
	c.SubjectType, c.Sector, c.Native, c.RedirectURIs = storage.SubjectPublic, "", native, []string{uri}
	return clients.Check(&c)
}

func TestRedirectURIs(t *testing.T) {
	good := []string{
		"https://a.example", "https://a.example/", "https://a.example/cb?x=1&y=%C3%A5", "https://a.example:1/cb", "https://a.example:65535/cb", "https://A.example/cb",
		"https://xn--bcher-kva.example/", "https://my_app.intern/", "https://192.0.2.7/cb", "https://[2001:db8::7]:8443/cb", "https://a.example?cb", "https://a.example/...?x=/../", "https://1a.example/",
		"http://127.0.0.1/cb", "http://127.0.0.1:8080/cb", "http://[::1]/cb", "http://localhost/cb", "http://app.localhost/cb", "https://a.example/" + strings.Repeat("x", 2000-len("https://a.example/")),
		"https://a.example/(x);y,z!$'=~:@[1]", "https://a/", "https://" + strings.Repeat("a.", 125) + "sea/",
	}
	for _, uri := range good {
		if found := redirect(uri, false); len(found) > 0 {
			t.Errorf("%.80s is refused: %v", uri, found)
		}
	}
	for uri, want := range map[string]string{
		"": "is empty", "https://a.example/" + strings.Repeat("x", 2000-len("https://a.example/")+1): "is too long",
		`https://a.example/\x`: "character", `https://a.example\@evil.example/`: "character", "https://a.example/ x": "character", "https://a.example/\tx": "character",
		"https://a.example/\x00": "character", "https://a.example/\x7f": "character", "https://a.example/\n": "character", "https://å.example/": "character",
		"https://a.example/å": "character", "https://a.example/\xff": "character", "https://ａ.example/": "character", "https://a.example/\u202e": "character",
		`https://a.example/"`: "character", "https://a.example/<": "character", "https://a.example/>": "character", "https://a.example/^": "character",
		"https://a.example/`": "character", "https://a.example/{x}": "character", "https://a.example/|": "character",
		"https://a.example/%": "% without", "https://a.example/%4": "% without", "https://a.example/%4z": "% without", "https://a.example/%zz": "% without", "https://a.example/?%": "% without",
		"https://a.example/#": "fragment", "https://a.example/cb#x": "fragment", "https://*.example/cb": "wildcard", "https://a.example/*": "wildcard",
		"https://u@a.example/": "has a user", "https://u:p@a.example/": "has a user", "https://@a.example/": "has a user", "https://a.example:80@evil.example/": "has a user",
		"https://a.example:99999/cb": "port", "https://a.example:65536/": "port", "https://a.example:0/": "port", "https://a.example:/": "port", "https://a.example:x/": "port",
		"https://a.example:-1/": "port", "https://a.example:+1/": "port", "https://[::1]:99999/": "port", "https://[::1]x/": "brackets", "https://[::1": "brackets", "https://[127.0.0.1]/": "brackets",
		"https://[fe80::1%25lo]/": "brackets", "https://[x]/": "brackets", "https://": "no host", "https:///cb": "no host", "https://a..example/": "no host", "https://a.example/x/../y": "dot segment", "https://a.example/%2E": "dot segment", "https://.example/": "no host",
		"https://a.example./": "no host", "https://ex%41mple/": "no host", "https://a,b/": "no host", "https://" + strings.Repeat("a", 64) + ".se/": "no host",
		"https://" + strings.Repeat("a.", 127) + "se/": "no host", "https://2130706433/": "IPv4", "https://127.1/": "IPv4", "https://0x7f.1/": "IPv4", "https://0x7f000001/": "IPv4",
		"https://127.0.0.256/": "IPv4", "https://a.example.1/": "IPv4", "https://0177.0.0.1/": "IPv4",
		"http://a.example/": "is http", "http://10.0.0.1/": "is http", "http://localhost.example/": "is http", "http://127.0.0.1.example/": "is http", "http://192.168.1.7:8080/cb": "is http",
		"ftp://a.example/": `the scheme "ftp"`, "ws://a.example/": "the scheme", "mailto:a@a.example": "the scheme", "intent://a.example/#Intent;end": "the scheme",
		"HTTPS://a.example/": "small letters", "hTtp://127.0.0.1/": "small letters", "https:a.example": "small letters", "https:/a.example/": "small letters", `https:\\a.example\cb`: "small letters",
		"javascript://a.example/": "is a script", "javascript:alert(1)": "is a script", "JavaScript:alert(1)": "is a script", "javascript:alert(document.domain)//https://a.example/": "is a script",
		"vbscript:x": "is a script", "javascript:alert('<b>')": "is a script",
		"data:text/html,x": "within the browser", "blob:https://a.example/x": "within the browser", "file:///etc/passwd": "within the browser", "about:blank": "within the browser",
		"//a.example/": "no scheme", "a.example/cb": "no scheme", "/cb": "no scheme", "localhost:3000/cb": "no scheme", "localhost:3000": "no scheme", "a.example:443/cb": "no scheme",
		"se.example.app:/cb": "set native", "Se.Example.app:/cb": "scheme of an app's own", "myapp://cb": "scheme of an app's own", "app:/cb": "scheme of an app's own",
		"https://a.example/cb?code=1": "parameter code", "https://a.example/cb?x=1&state=": "parameter state", "https://a.example/cb?iss=x": "parameter iss", "https://a.example/cb?%65rror=x": "parameter error",
	} {
		found := redirect(uri, false)
		if len(found) != 1 || found[0].Key != "redirect_uris" || found[0].At != "0" || !strings.Contains(found[0].Problem+found[0].Remedy, want) || found[0].Remedy == "" {
			t.Errorf("%.80q: want %q, got %v", uri, want, found)
		}
		if len(found) > 0 && len(found[0].Error()) > 500 {
			t.Errorf("%.80q is written out in full", uri)
		}
	}
}

func TestNativeRedirectURIs(t *testing.T) {
	for _, uri := range []string{"se.example.app:/cb", "se.example.app:cb", "se.example.app://cb?x", "https://a.example/cb", "http://127.0.0.1/cb"} {
		if found := redirect(uri, true); len(found) > 0 {
			t.Errorf("%s is refused: %v", uri, found)
		}
	}
	for _, uri := range []string{
		"app:/cb", "myapp://cb", "javascript:alert(1)", "data:text/html,x", "file:///x", "com.example.app", "localhost:3000/cb", "se.example.app:/#", "se.example.app:/c b", `se.example.app:\\x`, "se.example.app:/å", "se.example.app:/*", "se.example.app://u@h/",
		"Se.example.app:/cb", ".app:/cb", "se..app:/cb", "se.example.app:/" + strings.Repeat("x", 2000), "se.example.app:/%", "http://a.example/",
	} {
		if found := redirect(uri, true); len(found) != 1 {
			t.Errorf("%.80s: %v", uri, found)
		}
	}
}

// The remedy speaks of the setting that is wrong.
func TestRemediesNameTheRightThing(t *testing.T) {
	for _, key := range []string{"home_uri", "jwks_uri", "sector_identifier_uri", "backchannel_logout_uri", "post_logout_redirect_uris"} {
		c := sound()
		if err := clients.SettingOf(key).Set(&c, "http://a.example/"); err != nil {
			t.Fatal(err)
		}
		found := clients.Check(&c)
		if len(found) != 1 || found[0].Key != key || strings.Contains(found[0].Remedy, "callback,") || !strings.Contains(found[0].Remedy, "https://app.example.se/") {
			t.Errorf("%s: %v", key, found)
		}
	}
}

// FuzzRedirectURIs holds what is accepted against how net/url reads it.
func FuzzRedirectURIs(f *testing.F) {
	for _, uri := range []string{
		"https://a.example:443/cb?x=%41", `https://a.example/\x`, "https://[::1]:1/", "http://127.0.0.1:8080/", "se.example.app:/cb", "https://a.example:99999/", "https://u@a.example/",
		"https://2130706433/", "https://a.example%2f.evil.example/", "https://å/", "https:///x", "http://localhost", "https://a.example?@b.example/",
	} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if len(redirect(uri, false)) > 0 {
			return
		}
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("%q is accepted: %v", uri, err)
		}
		port, err := strconv.ParseUint(u.Port(), 10, 16)
		ip, ipErr := netip.ParseAddr(u.Hostname())
		local := u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") || ipErr == nil && ip.IsLoopback()
		switch {
		case u.Scheme != "https" && !(u.Scheme == "http" && local):
			t.Errorf("%q has the scheme %q", uri, u.Scheme)
		case u.Hostname() == "" || u.Opaque != "" || u.User != nil || u.Fragment != "" || strings.ContainsAny(uri, "#\\* "):
			t.Errorf("%q has parts that it must not have: %#v", uri, u)
		case u.Port() != "" && (err != nil || port == 0) || strings.HasSuffix(u.Host, ":"):
			t.Errorf("%q has the port %q", uri, u.Port())
		case !strings.HasPrefix(uri, u.Scheme+"://"+u.Host):
			t.Errorf("%q is read as one of the host %q", uri, u.Host)
		}
		if _, err := http.NewRequest(http.MethodGet, uri, nil); err != nil {
			t.Errorf("%q cannot be called: %v", uri, err)
		}
	})
}

// FuzzGoodRedirectURIs puts addresses together that must be accepted.
func FuzzGoodRedirectURIs(f *testing.F) {
	f.Add("app", uint16(443), "/cb", "x=1")
	f.Add("a-b", uint16(1), "/å {}", "ö")
	f.Fuzz(func(t *testing.T, label string, port uint16, path, query string) {
		label = strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r == '-' {
				return r
			}
			return -1
		}, label)
		if label == "" || len(label) > 63 || port == 0 {
			return
		}
		u := url.URL{Scheme: "https", Host: label + ".example.se:" + strconv.Itoa(int(port)), Path: "/" + path, RawQuery: url.Values{"q": {query}}.Encode()}
		uri := strings.ReplaceAll(u.String(), "*", "%2A")
		if found := redirect(uri, false); len(uri) <= 2000 && len(found) > 0 {
			t.Errorf("%q is refused: %v", uri, found)
		}
	})
}

// What is said about one of several values says which.
func TestProblemsSayWhichValue(t *testing.T) {
	c := sound()
	c.RedirectURIs = []string{"https://app.example.se/cb", "https://app.example.se/*", "http://app.example.se/"}
	c.Contacts, c.Scopes, c.Origins = []string{"a@example.se", "nobody"}, []string{"profile", "profil"}, []string{"https://app.example.se/x"}
	c.Resources, c.DefaultACRValues = []string{"https://api.example.se/", "x"}, []string{"x"}
	c.LocalNames = map[string]string{"sv": "Appen", "en": "\u200b"}
	c.Claims, c.Groups = map[string]string{"phone": "sub"}, map[string]string{"a,b": "everybody"}
	c.Policy.VisibleText, c.Policy.CertificatePolicies = map[string]string{"sv": "x", "en": ""}, []string{"1.2.752.78.1.5", "x"}
	var at []string
	for _, p := range clients.Check(&c) {
		at = append(at, p.Key+"/"+p.At)
	}
	slices.Sort(at)
	want := []string{
		"claims/phone", "contacts/1", "default_acr_values/0", "groups/a,b", "local_names/en", "origins/0", "policy.certificate_policies/1", "policy.visible_text/en",
		"redirect_uris/1", "redirect_uris/2", "resources/1", "scopes/1",
	}
	if !slices.Equal(at, want) {
		t.Errorf("%q, want %q", at, want)
	}
}
