package web

import (
	"testing"
)

func TestCheckIssuer(t *testing.T) {
	for issuer, good := range map[string]bool{
		"https://login.example.se": true, "http://localhost:8080": true, "https://login.example.se/": true,
		"https://login.example.se/idp": false, "login.example.se": false, "ftp://x": false, "https://a@b": false,
		"https://x?y": false, "https://x#y": false, "": false, "https://": false,
	} {
		if _, err := checkIssuer(issuer); (err == nil) != good {
			t.Errorf("%q: %v", issuer, err)
		}
	}
}
