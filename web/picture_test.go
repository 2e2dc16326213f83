package web_test

import (
	"regexp"
	"strings"
	"testing"

	"brygga/storage"
	"brygga/templates"
	"brygga/web"
)

// TestPicture: each state is one document with the client's looks in it, which need not be stored, that has no script and refers to nothing outside.
func TestPicture(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, func(s *settings) { s.web.Brand = storage.Brand{Accent: "#7A1F5C"} })
	brand, _, err := web.CheckBrand(storage.Brand{Accent: "#114477", Logo: []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="3"/></svg>`)})
	if err != nil {
		t.Fatal(err)
	}
	draft := &storage.Client{ID: "nobody", Name: "Utkastet", LocalNames: map[string]string{"en": "The Draft"}, Brand: brand}
	outside := regexp.MustCompile(`(src|href)="/|<script|<link rel="stylesheet"|url\(`)
	for _, lang := range templates.Languages() {
		for _, state := range web.Pictured() {
			html, ok := h.Site.Picture(t.Context(), draft, state, lang.Tag, "dark")
			page := string(html)
			if found := outside.FindString(page); !ok || found != "" {
				t.Errorf("%s in %s: %v, refers to %s", state, lang.Tag, ok, found)
			}
			for _, text := range []string{draft.NameIn(lang.Tag), "--accent:#114477", "data:image/svg+xml;base64,", `data-theme="dark"`, "<style>"} {
				if !strings.Contains(page, text) {
					t.Errorf("%s in %s has no %q", state, lang.Tag, text)
				}
			}
		}
	}
	if html, ok := h.Site.Picture(t.Context(), &storage.Client{ID: "plain"}, web.Pictured()[0], "sv", ""); !ok || !strings.Contains(string(html), "--accent:#7A1F5C") {
		t.Error("a client without looks is not shown in those of the installation")
	}
	for _, wrong := range [][2]string{{"nothing", "sv"}, {web.Pictured()[0], "xx"}} {
		if _, ok := h.Site.Picture(t.Context(), draft, wrong[0], wrong[1], ""); ok {
			t.Errorf("there is a picture of %q", wrong)
		}
	}
}
