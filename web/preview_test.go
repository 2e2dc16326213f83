package web_test

import (
	"html"
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
	real := b.get(b.begin("app"))
	leads := regexp.MustCompile(`action="([^"]+)"|id="launch"[^>]*href="([^"]+)"`)
	for _, lang := range templates.Languages() {
		for _, theme := range []string{"light", "dark"} {
			index := b.get("/preview?lang=" + lang.Tag + "&theme=" + theme)
			for _, state := range templates.Preview(lang.Tag) {
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

// The overview has pictures of the states that are looked for, as the choices have them; what stands in a frame is the page without its
// script, and no page that is not a picture may be framed.
func TestPreviewOverview(t *testing.T) {
	t.Parallel()
	trouble := ""
	h := newHouse(t, shared, func(s *settings) {
		s.web.Preview, s.web.Trouble = true, func() string { return trouble }
	})
	b := h.browser(windowsPC)
	all := b.get("/preview")
	if n := strings.Count(all.body, "<iframe"); n != len(templates.Preview("sv")) || strings.Count(all.body, `loading="lazy"`) != n {
		t.Errorf("%d pictures of %d states", n, len(templates.Preview("sv")))
	}
	for query, want := range map[string][]string{
		"q=RIKTA+kameran&lang=sv":      {"/preview/qr-wait?lang=sv&amp;picture=1", `value="RIKTA kameran"`},
		"q=inloggningen+har+g%C3%A5tt": {"/preview/notice-expired?"}, // a soft hyphen stands in the heading
		"q=rateLimited-wait&lang=en":   {"/preview/failed-rateLimited-wait?lang=en"},
		"theme=dark&size=computer":     {"size-computer", `data-theme="dark"`, "theme=dark"},
		"client=other":                 {"client=other&amp;", `<option value="other" selected>`},
		"accent=%237a1f5c":             {"accent=%237A1F5C&amp;", "picture=1"},
		"q=nothing+says+this":          {"Inget läge"},
		"lang=en":                      {`<html lang="sv">`, "lang=en&amp;"},
		"size=%22%3E%3Cb%3E&lang=xx":   {"size-phone", "lang=sv&amp;"},
	} {
		p := b.get("/preview?" + query)
		if p.status != 200 || !p.has(want...) {
			t.Errorf("%s lacks %q", query, want)
		}
		if strings.HasPrefix(query, "q=") && strings.Count(p.body, "<iframe") > 12 {
			t.Errorf("%s finds %d states", query, strings.Count(p.body, "<iframe"))
		}
	}
	if policy := all.header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-src 'self'") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Errorf("the overview has policy %q", policy)
	}
	picture, page := b.get("/preview/qr-wait?picture=1&accent=%237A1F5C"), b.get("/preview/qr-wait")
	if picture.has("<script") || !page.has("<script") || picture.header.Get("X-Frame-Options") != "SAMEORIGIN" || page.header.Get("X-Frame-Options") != "DENY" ||
		!strings.Contains(picture.header.Get("Content-Security-Policy"), "frame-ancestors 'self'") {
		t.Errorf("a picture comes with %v", picture.header)
	}
	sheet := regexp.MustCompile(`/preview/brand\.css[^"]*`).FindString(picture.body)
	if css := b.get(html.UnescapeString(sheet)); !css.has("--accent:#7A1F5C") || css.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%q: %d %s", sheet, css.status, css.body)
	}
	if css := b.get("/preview/brand.css?accent=red;}body{}"); css.body != "" {
		t.Errorf("a colour that is none: %s", css.body)
	}
	if trouble = "fi.yaml: line 3"; !b.get("/preview").has("fi.yaml: line 3") {
		t.Error("the overview does not tell what is wrong")
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
