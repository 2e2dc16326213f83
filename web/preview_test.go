package web_test

import (
	"regexp"
	"strings"
	"testing"

	"brygga/storage"
	"brygga/templates"
	"brygga/web"
)

// The preview shows every state in every language and theme as the real pages are shown, and nothing in it leads anywhere.
func TestPreview(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, func(s *settings) {
		s.web.Preview = true
		s.web.Brand = storage.Brand{Accent: "#7A1F5C"}
	})
	b := h.browser(windowsPC)
	index := b.get("/preview")
	real := b.get(b.begin("app"))
	leads := regexp.MustCompile(`action="([^"]+)"|id="launch"[^>]*href="([^"]+)"`)
	for _, lang := range templates.Languages() {
		for _, state := range templates.Preview(lang.Tag) {
			for _, theme := range []string{"light", "dark"} {
				path := "/preview/" + state.Name + "?lang=" + lang.Tag + "&theme=" + theme
				if !strings.Contains(index.body, strings.ReplaceAll(path, "&", "&amp;")) {
					t.Errorf("the index has no %s", path)
				}
				p := b.get(path)
				if p.status != 200 || !p.has(`data-view="`+state.View.Key()+`"`, `lang="`+lang.Tag+`"`, `data-theme="`+theme+`"`, "/assets/themes.", "/brand/") {
					t.Errorf("%s = %d", path, p.status)
				}
				if got, want := p.header.Get("Content-Security-Policy"), real.header.Get("Content-Security-Policy"); got != want {
					t.Errorf("%s has policy %q, the real page %q", path, got, want)
				}
				for _, to := range leads.FindAllStringSubmatch(p.body, -1) {
					if address := to[1] + to[2]; !strings.HasPrefix(strings.TrimPrefix(address, h.url), "/preview/") {
						t.Errorf("%s leads to %s", path, address)
					}
				}
			}
		}
	}
	if u := b.status("/preview/qr-wait/status?lang=en"); u.View != "qr-wait" || u.QR == "" {
		t.Errorf("the status of a preview is %+v", u)
	}
	for path, want := range map[string]int{"/preview/qr-wait/launch": 204, "/preview/qr-wait/events": 204, "/preview/nothing": 404, "/preview/nothing/status": 404} {
		if got := b.get(path); got.status != want {
			t.Errorf("%s = %d, want %d", path, got.status, want)
		}
	}
	if got := b.post("/preview/complete/done"); got.status != 204 {
		t.Errorf("a form = %d", got.status)
	}
	if p := b.get("/preview/choose-phone?client=other"); !p.has("Andra") {
		t.Error("the client's name is not shown")
	}
}

// The preview is there for development alone.
func TestPreviewIsForDevelopment(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	if p := h.browser(windowsPC).get("/preview"); p.status != 404 {
		t.Errorf("unasked the preview = %d", p.status)
	}
	o := h.Options
	o.Preview, o.Issuer = true, "https://login.example.se"
	if _, err := web.New(o); err == nil || !strings.Contains(err.Error(), "preview") {
		t.Errorf("a preview beside real logins: error %v", err)
	}
}
