package web_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"brygga/storage"
	"brygga/templates"
)

var languageLink = regexp.MustCompile(`href="([^"]+)" lang="(\w+)" hreflang="\w+"`)

// click follows a link on the page at the address from, and returns what comes and where it is.
func (b *browser) click(link, from string) (p page, at string) {
	b.t.Helper()
	b.header.Set("Referer", from)
	defer b.header.Del("Referer")
	address, err := url.Parse(b.url + link)
	must(b.t, err)
	for p = b.get(address.RequestURI()); p.location != ""; p = b.get(address.RequestURI()) {
		address, err = address.Parse(p.location)
		must(b.t, err)
	}
	return p, address.RequestURI()
}

// Pages without a login offer the other language, help and the accessibility statement, and stay where they are when the language
// changes: also when their address has a query, which no link repeats.
func TestPagesWithoutALoginLeadOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, func(s *settings) {
		s.web.Links = templates.Links{Help: "https://help.example/", Accessibility: "https://access.example/"}
	})
	const secret = "id_token_hint=c2VjcmV0"
	for _, path := range []string{"/nothing", "/login/AAAAAAAAAAAAAAAAAAAAAA", "/authorize?client_id=nobody", "/nothing?" + secret, "/a%22b%3cc"} {
		b := h.browser(windowsPC)
		p := b.get(path)
		if !p.has("https://help.example/", "https://access.example/", `<html lang="sv"`) {
			t.Errorf("%s lacks a link: %s", path, p.body)
		}
		link := languageLink.FindStringSubmatch(p.body)
		if link == nil || link[2] != "en" || strings.Contains(p.body, secret) {
			t.Errorf("%s offers %q", path, link)
			continue
		}
		to, err := url.Parse(h.url + path)
		must(t, err)
		to, err = to.Parse(html.UnescapeString(link[1]))
		must(t, err)
		other, at := b.click(to.RequestURI(), h.url+path)
		if !other.has(`<html lang="en"`) || other.status != p.status {
			t.Errorf("%s in English is %d: %s", path, other.status, other.body)
		}
		if strings.Contains(path, "?") && path != at {
			t.Errorf("%s: the query is lost: %s", path, at)
		}
		if again := b.get(path); !again.has(`<html lang="en"`) {
			t.Errorf("%s forgot the choice", path)
		}
	}
}

// A link of the foot leads to our own host whatever path was asked for, and a language is not chosen by what an app has sent along.
func TestLanguageLinkStaysHere(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	for _, path := range []string{"//evil.example/", "//evil.example/%2f..", `/\evil.example/`, "/" + strings.Repeat("a", 2000)} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL = &url.URL{Path: path}
		w := httptest.NewRecorder()
		h.Handler().ServeHTTP(w, r)
		for _, link := range languageLink.FindAllStringSubmatch(w.Body.String(), -1) {
			if to, err := r.URL.Parse(html.UnescapeString(link[1])); err != nil || strings.HasPrefix(link[1], "//") || strings.Contains(link[1], `\`) || strings.Contains(to.Host, "evil") && to.Host != r.URL.Host {
				t.Errorf("%.40s leads to %s", path, link[1])
			}
		}
	}
	for _, tc := range [][2]string{
		{"/nothing?lang=en", "https://evil.example/nothing?x=1"}, {"/nothing?lang=en", h.url + "/other?x=1"}, {"/nothing?lang=en", ":"},
		{"/nothing?lang=en&", h.url + "/nothing?x=1"}, {"/authorize?client_id=nobody&lang=en", ""},
	} {
		path, from := tc[0], tc[1]
		b := h.browser(windowsPC)
		p, at := b.click(path, from)
		if strings.Contains(at, "x=1") {
			t.Errorf("%s led to %s", path, at)
		}
		if strings.Contains(path, "&") && (p.has(`<html lang="en"`) || b.get("/nothing").has(`<html lang="en"`)) {
			t.Errorf("%s chose a language", path)
		}
	}
}

// An auth request that cannot be answered leads back to the client that it named, under its name and with its looks.
func TestErrorLeadsToTheClient(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	client := &storage.Client{ID: "c", Name: "Norrby kommun", HomeURI: "https://norrby.example/start"}
	w := httptest.NewRecorder()
	h.ShowError(w, httptest.NewRequest(http.MethodGet, "/authorize?client_id=c", nil), http.StatusBadRequest, "invalid_request", "redirect_uri must be given once", client)
	if body := w.Body.String(); !strings.Contains(body, "Norrby kommun") || !strings.Contains(body, `href="https://norrby.example/start"`) {
		t.Errorf("no way back: %s", body)
	}
}

// What browsers and robots look for by themselves is there, and is no page.
func TestIconAndRobots(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	b := h.browser(windowsPC)
	if icon := b.get("/favicon.ico"); icon.status != 200 || icon.header.Get("Content-Type") != "image/x-icon" || !strings.HasPrefix(icon.body, "\x00\x00\x01\x00") {
		t.Errorf("icon: %d %s", icon.status, icon.header)
	}
	if robots := b.get("/robots.txt"); robots.status != 200 || robots.body != "User-agent: *\nDisallow: /\n" {
		t.Errorf("robots: %d %q", robots.status, robots.body)
	}
}
