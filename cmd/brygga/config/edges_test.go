package config_test

import (
	"strings"
	"testing"

	"brygga/cmd/brygga/config"
)

// TestIssuers has a row for each condition on the issuer's address.
func TestIssuers(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://login.example.se":         "",
		"https://login.example.se:8443":    "",
		"http://127.0.0.1:8080":            "",
		"http://localhost:8080":            "",
		"http://login.example.se":          "is http",
		"https://user@login.example.se":    "user, query or fragment",
		"https://login.example.se?a=b":     "user, query or fragment",
		"https://login.example.se?":        "user, query or fragment",
		"https://login.example.se#":        "user, query or fragment",
		"https://login.example.se/":        "closing slash",
		"https://login.example.se/x":       "closing slash",
		"https://Login.example.se":         "capital letters",
		"https://login.example.se.":        "not the name of a host",
		"https://login.example.se.:8443":   "not the name of a host",
		"https://login.example.se:443":     "leave out",
		"https://192.0.2.1":                "",
		"https://[2001:db8::1]":            "",
		"http://[::1]:8080":                "",
		"https://192.0.2":                  "browsers write otherwise",
		"https://0x7f000001":               "browsers write otherwise",
		"https://192.0.2.01":               "browsers write otherwise",
		"https://login.example.1":          "browsers write otherwise",
		"https://[2001:db8:0::1]":          "browsers write otherwise",
		"https://1.example":                "",
		"http://localhost:80":              "leave out",
		"https://login.löga.se":            "xn--: login.xn--lga-sna.se",
		"https://login.xn--lga-sna.se":     "",
		"ftp://login.example.se":           "not an https address",
		"login.example.se":                 "not an https address",
		"https://":                         "not an https address",
		"https://login.example.se:x":       "not an https address",
		"https:///login.example.se":        "not an https address",
		"https://login.example.se:80%zz.x": "not an https address",
	} {
		text := strings.Replace(minimal, "https://login.example.se", "'"+issuer+"'", 1)
		_, err := config.Load(write(t, text), nil)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", issuer, err, want)
		}
	}
}

// TestFormerSectorsMustBeChosen: small letters in a sector would change the sub of everybody at an app of the file.
func TestFormerSectorsMustBeChosen(t *testing.T) {
	for more, want := range map[string]string{
		"":                            "it was Portal.example.se and would be portal.example.se",
		"  sector: Portal.example.se": "", "  sector: portal.example.se": "", "  subject_type: public": "",
	} {
		text := minimal + "clients:\n- id: app\n  secret: " + strings.Repeat("s", 32) + "\n  redirect_uris: ['https://Portal.example.se/cb']\n" + more + "\n"
		_, err := config.Load(write(t, text), nil)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", more, err, want)
		}
	}
}

// TestSecretsOfClientsAreLong stands on both sides of the shortest one.
func TestSecretsOfClientsAreLong(t *testing.T) {
	for length, long := range map[int]bool{31: false, 32: true} {
		text := minimal + "clients:\n- client_id: app\n  redirect_uris: [https://app.example.se/cb]\n  secret: " + strings.Repeat("s", length) + "\n"
		_, err := config.Load(write(t, text), nil)
		if refused := err != nil && strings.Contains(err.Error(), "fewer than 32"); refused == long {
			t.Errorf("%d characters: %v", length, err)
		}
	}
}
