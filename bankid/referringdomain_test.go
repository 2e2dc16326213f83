package bankid

import (
	"net/netip"
	"strings"
	"testing"
)

// hosts are hosts that an issuer may have, with the domain that BankID wants to know.
var hosts = map[string]string{
	"login.example.se":               "example.se",
	"example.se":                     "example.se",
	"a.b.c.example.se":               "example.se",
	"login.example.se.":              "example.se",
	"LOGIN.Example.SE":               "example.se",
	"login.example.co.uk":            "example.co.uk",
	"login.solna.kommun.internal":    "kommun.internal",
	"id.example.xn--p1ai":            "example.xn--p1ai",
	"löga.example.se":                "example.se",
	"login.löga.se":                  "xn--lga-sna.se",
	"login.xn--lga-sna.se":           "xn--lga-sna.se",
	"LÖGA.se":                        "xn--lga-sna.se",
	"faß.de":                         "xn--fa-hia.de",
	"id.tokyo.jp":                    "id.tokyo.jp",
	"tokyo.jp":                       "",
	"example。se":                     "example.se",
	"brygga.github.io":               "brygga.github.io",
	"github.io":                      "",
	"co.uk":                          "",
	"se":                             "",
	"localhost":                      "",
	"brygga.localhost":               "",
	"brygga":                         "",
	"":                               "",
	".":                              "",
	"127.0.0.1":                      "",
	"192.0.2.1":                      "",
	"::1":                            "",
	"2001:db8::1":                    "",
	"fe80::1%eth0":                   "",
	"under_score.example.se":         "",
	strings.Repeat("a", 300) + ".se": "",
	"example..se":                    "",
	"-a.example.se":                  "",
	"xn--.se":                        "",
	"\xff.se":                        "",
	"1.2.3":                          "2.3",
	"login.example.se:443":           "",
	"login.example.se/path":          "",
}

func TestReferringDomain(t *testing.T) {
	for host, want := range hosts {
		got := ReferringDomain(host)
		if got != want {
			t.Errorf("%q gives %q, want %q", host, got, want)
		}
		if got == "" {
			continue
		}
		request := AuthRequest{EndUserIP: netip.MustParseAddr("192.0.2.1"), Web: &Web{ReferringDomain: got}}
		if _, err := request.wire(authLimits); err != nil {
			t.Errorf("%q: no order could be sent: %v", host, err)
		}
		if !IsReferringDomain(got, host) {
			t.Errorf("%q is not a domain of %q", got, host)
		}
	}
}

func TestIsReferringDomain(t *testing.T) {
	for _, tt := range []struct {
		domain, host string
		want         bool
	}{
		{"login.example.se", "login.example.se", true},
		{"example.se", "login.example.se", true},
		{"xn--lga-sna.se", "login.löga.se", true},
		{"löga.se", "login.löga.se", false},
		{"Example.se", "login.example.se", false},
		{"ample.se", "login.example.se", false},
		{"other.se", "login.example.se", false},
		{"login.example.se", "example.se", false},
		{"se", "example.se", false},
		{"", "example.se", false},
		{"192.0.2.1", "192.0.2.1", false},
		{"localhost", "localhost", true},
	} {
		if got := IsReferringDomain(tt.domain, tt.host); got != tt.want {
			t.Errorf("%q for %q: %v", tt.domain, tt.host, got)
		}
	}
}

// FuzzReferringDomain shows that no host makes an order that cannot be sent.
func FuzzReferringDomain(f *testing.F) {
	for host := range hosts {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		domain := ReferringDomain(host)
		if domain != "" && (!validDomain(domain) || !IsReferringDomain(domain, host)) {
			t.Errorf("%q gives %q", host, domain)
		}
		if domain != "" && ReferringDomain(domain) != domain {
			t.Errorf("%q gives %q, which gives %q", host, domain, ReferringDomain(domain))
		}
	})
}
