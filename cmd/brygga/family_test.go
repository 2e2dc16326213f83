package main

import (
	"bytes"
	"net/http"
	"testing"

	"brygga/templates"
)

// TestFamily: the hosted page, the demo app and the virtual phone have their colours, corners and type from one place, and one mark.
func TestFamily(t *testing.T) {
	t.Parallel()
	d := newDev(t, nil)
	v := newVisitor(t, d, computerAgent)
	for _, address := range []string{d.Issuer + templates.AssetPath("page.css"), d.DemoURL + "/demo.css", d.PhoneURL + "/assets/phone.css"} {
		if sheet := v.get(address); sheet.status != http.StatusOK || !bytes.Contains([]byte(sheet.body), templates.Tokens()) {
			t.Errorf("%s = %d without the tokens of all pages", address, sheet.status)
		}
	}
	if start := v.get(d.Issuer + "/"); start.url.String() != d.DemoURL+"/" {
		t.Errorf("the issuer's own address leads to %s", start.url)
	}
	for _, address := range []string{d.Issuer + templates.AssetPath("mark.svg"), d.DemoURL + "/icon.svg", d.PhoneURL + "/assets/icon.svg"} {
		if icon := v.get(address); icon.status != http.StatusOK || icon.body != string(templates.Mark()) {
			t.Errorf("%s = %d is not the mark", address, icon.status)
		}
	}
}
