package clients_test

import (
	"fmt"
	"testing"

	"brygga/clients"
	"brygga/storage"
)

// TestOriginsAsBrowsersWriteThem: what somebody writes is stored as browsers send it, or refused.
func TestOriginsAsBrowsersWriteThem(t *testing.T) {
	for given, want := range map[string]string{
		"https://spa.example.se":              "https://spa.example.se",
		"HTTPS://SPA.Example.se":              "https://spa.example.se",
		"https://spa.example.se:443":          "https://spa.example.se",
		"https://spa.example.se:8443":         "https://spa.example.se:8443",
		"http://localhost:80":                 "http://localhost",
		"http://localhost:443":                "http://localhost:443",
		"http://[::1]:3000":                   "http://[::1]:3000",
		"http://[0:0:0::1]:3000":              "http://[::1]:3000",
		"https://löga.se":                     "https://xn--lga-sna.se",
		"https://LÖGA.se:443":                 "https://xn--lga-sna.se",
		"capacitor://localhost":               "capacitor://localhost",
		"ionic://localhost":                   "ionic://localhost",
		"Tauri://localhost":                   "tauri://localhost",
		"http://tauri.localhost":              "http://tauri.localhost",
		"chrome-extension://abcdefghijklmnop": "chrome-extension://abcdefghijklmnop",
		"capacitor://":                        "", "capacitor://localhost/": "", "file://localhost": "", "ws://localhost": "", "null": "", "https://": "",
		"http://spa.example.se": "", "https://spa.example.se/": "", "htps://spa.example.se": "", "https://u@spa.example.se": "", "https://spa.example.se.": "",
	} {
		c := storage.Client{ID: "app", AuthMethod: storage.AuthMethodNone, RedirectURIs: []string{"https://app.example.se/cb"}, Origins: []string{given, given}}
		clients.Complete(&c)
		problems := clients.Check(&c)
		if refused := len(problems) > 0; refused != (want == "") || !refused && fmt.Sprint(c.Origins) != "["+want+"]" {
			t.Errorf("%s: stored as %v, %v", given, c.Origins, problems)
		}
	}
}

// TestSectorsHaveNoCase: the host of a redirect URI has none, while a sector that is there stays as it is.
func TestSectorsHaveNoCase(t *testing.T) {
	h := newHarness(t)
	added, err := h.Add(t.Context(), "anna", "app", func(c *storage.Client) error {
		c.RedirectURIs = []string{"https://Portal.Example.se/cb", "https://portal.example.se:443/cb"}
		return nil
	})
	if err != nil || added.Client.Sector != "portal.example.se" || added.Client.RedirectURIs[0] != "https://Portal.Example.se/cb" {
		t.Fatalf("%+v, %v", added, err)
	}
	named := func(name string) {
		t.Helper()
		updated, err := h.Update(t.Context(), "anna", "app", func(c *storage.Client) error { c.Sector, c.Name = "Portal.Example.se", name; return nil })
		if err != nil || updated.Client.Sector != "Portal.Example.se" {
			t.Errorf("%+v, %v", updated, err)
		}
	}
	named("as before")
	if updated, err := h.Update(t.Context(), "anna", "app", func(c *storage.Client) error { c.Name = "now"; return nil }); err != nil || updated.Client.Sector != "Portal.Example.se" {
		t.Errorf("another change made the sector %s, %v", updated.Client.Sector, err)
	}
}

func TestFormerSector(t *testing.T) {
	uris := []string{"https://Portal.example.se/cb"}
	for name, tt := range map[string]struct {
		client storage.Client
		want   string
	}{
		"capitals":       {storage.Client{RedirectURIs: uris}, "Portal.example.se"},
		"of a document":  {storage.Client{RedirectURIs: uris, SectorIdentifierURI: "https://Sector.example.se/s"}, "Sector.example.se"},
		"small letters":  {storage.Client{RedirectURIs: []string{"https://portal.example.se/cb"}}, ""},
		"chosen":         {storage.Client{RedirectURIs: uris, Sector: "portal.example.se"}, ""},
		"public":         {storage.Client{RedirectURIs: uris, SubjectType: storage.SubjectPublic}, ""},
		"Swedish":        {storage.Client{RedirectURIs: uris, Profile: storage.ProfileSwedish}, ""},
		"Swedish, pairs": {storage.Client{RedirectURIs: uris, Profile: storage.ProfileSwedish, SubjectType: storage.SubjectPairwise}, "Portal.example.se"},
		"loopback":       {storage.Client{RedirectURIs: []string{"https://LocalHost/cb"}}, ""},
		"two hosts":      {storage.Client{RedirectURIs: append(uris, "https://portal.example.se/cb")}, ""},
	} {
		if got := clients.FormerSector(&tt.client); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
