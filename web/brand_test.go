package web_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"regexp"
	"strings"
	"testing"

	"brygga/login"
	"brygga/storage"
	"brygga/web"
)

const svgLogo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>`

func pngLogo(t *testing.T) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 40, 20))
	m.Set(1, 1, color.Black)
	var b bytes.Buffer
	must(t, png.Encode(&b, m))
	return b.Bytes()
}

func TestCheckBrand(t *testing.T) {
	b, corrections, err := web.CheckBrand(storage.Brand{
		Logo: []byte(svgLogo), LogoType: "text/html", Accent: "#ffcc00", SupportURL: "mailto:help@app.example", AccessibilityURL: "https://app.example/a11y",
	})
	if err != nil || b.LogoType != "image/svg+xml" || b.Accent == "#ffcc00" || b.AccentDark == "" || len(corrections) != 1 {
		t.Errorf("got %+v, corrections %q, error %v", b, corrections, err)
	}
	if again, more, err := web.CheckBrand(b); err != nil || len(more) > 0 || again.Accent != b.Accent || !bytes.Equal(again.Logo, b.Logo) {
		t.Errorf("checked again: %+v, corrections %q, error %v", again, more, err)
	}
	_, _, err = web.CheckBrand(storage.Brand{Logo: []byte("x"), Accent: "red", SupportURL: "javascript:alert(1)", AccessibilityURL: "http://app.example/"})
	for _, want := range []string{"logo", "#rrggbb", "support_url", "accessibility_url"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v says nothing of %s", err, want)
		}
	}
	for _, address := range []string{"https://", "https://a:b@app.example/", "data:text/html,x", "//app.example", "mailto:", "https://app.example/" + strings.Repeat("x", 600)} {
		if _, _, err := web.CheckBrand(storage.Brand{SupportURL: address}); err == nil {
			t.Errorf("support link %.40q is taken", address)
		}
	}
}

func TestCheckStyleSheet(t *testing.T) {
	for _, bad := range []string{"\n@import 'x.css';", "a{background:url(https://evil.example/x)}", `a{background:URL( "//evil.example/x")}`, "\xff", strings.Repeat("a", 1<<17)} {
		if err := web.CheckStyleSheet([]byte(bad)); err == nil {
			t.Errorf("%.40q is taken", bad)
		}
	}
	if err := web.CheckStyleSheet([]byte("h1{letter-spacing:0;background:url(data:image/png;base64,xx)}")); err != nil {
		t.Error(err)
	}
}

var (
	linked   = regexp.MustCompile(`(?:href|src)="(/brand/[^"]+)"`)
	customed = regexp.MustCompile(`^[:@\w\s().{}\[\]=#;,-]+$`)
)

// The looks of a client and of the installation are on the page by addresses of our own, and served so that they can do nothing
// but be looked at.
func TestBrandIsServed(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, func(s *settings) {
		s.web.Brand = storage.Brand{Accent: "#7A1F5C", Logo: pngLogo(t), AccessibilityURL: "https://house.example/a11y"}
		s.web.StyleSheet = []byte("h1{letter-spacing:0}")
		s.web.EIDs = map[string]web.EID{login.MethodBankID: {Logo: []byte(svgLogo)}}
	})
	brand, _, err := web.CheckBrand(storage.Brand{Accent: "#1A6B3C", Logo: []byte(svgLogo), SupportURL: "https://app.example/help"})
	must(t, err)
	client, err := h.store.Client(t.Context(), "app")
	must(t, err)
	changed := *client
	changed.Brand = brand
	must(t, h.store.UpdateClient(t.Context(), changed))
	b := h.browser(iPhone)
	page := b.get(b.begin("app"))
	if !page.has("https://app.example/help", "https://house.example/a11y", `class="eid"`) {
		t.Errorf("the page lacks links or the logo of BankID:\n%s", page.body)
	}
	var sheets []string
	found := linked.FindAllStringSubmatch(page.body, -1)
	if len(found) != 4 {
		t.Fatalf("the page refers to %v, want two style sheets, the client's logo and BankID's", found)
	}
	for _, match := range found {
		file := b.get(match[1])
		want := map[bool]string{true: "image/svg+xml", false: "text/css; charset=utf-8"}[strings.HasSuffix(match[1], ".svg")]
		if file.status != 200 || file.header.Get("Content-Type") != want || file.header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(file.header.Get("Content-Security-Policy"), "sandbox") || !strings.Contains(file.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s = %d, %v", match[1], file.status, file.header)
		}
		if strings.HasSuffix(match[1], ".css") {
			sheets = append(sheets, file.body)
		}
	}
	if len(sheets) != 2 || !strings.Contains(sheets[0], "--accent:#1A6B3C") || !customed.MatchString(sheets[0]) || !strings.Contains(sheets[1], "letter-spacing") {
		t.Errorf("style sheets %q", sheets)
	}
	// Another client has the installation's looks, a page without client its logo.
	if other := b.get(b.begin("other")); other.has("/brand/app/") || !other.has(`href="/brand/`) || other.has("badge logo") {
		t.Errorf("the other client's page:\n%s", other.body)
	}
	if none := b.get("/nowhere"); !none.has("badge logo") {
		t.Errorf("the page without client:\n%s", none.body)
	}
	// What is not named by its content is not there, nor is another client's.
	name := found[0][1][strings.LastIndex(found[0][1], "/")+1:]
	for _, path := range []string{"/brand/", "/brand/app/", "/brand/app/x.css", "/brand/nobody/x.css", "/brand/other/" + name, "/brand/" + name} {
		if got := b.get(path); got.status != 404 {
			t.Errorf("%s = %d", path, got.status)
		}
	}
	// A change shows at once.
	changed.Brand.Accent = "#0B5C8C"
	client, err = h.store.Client(t.Context(), "app")
	must(t, err)
	changed.Revision = client.Revision
	must(t, h.store.UpdateClient(t.Context(), changed))
	if next := b.get(b.begin("app")); strings.Contains(next.body, found[0][1]) {
		t.Error("the page refers to the old style sheet")
	}
}

func TestBrandIsCheckedAtStart(t *testing.T) {
	h := newHouse(t, shared, nil)
	for name, o := range map[string]web.Options{
		"brand":          {Brand: storage.Brand{Accent: "red"}},
		"style sheet":    {StyleSheet: []byte("@import 'x'")},
		"logo of bankid": {EIDs: map[string]web.EID{login.MethodBankID: {Logo: []byte("x")}}},
	} {
		sound := h.Options
		sound.Brand, sound.StyleSheet, sound.EIDs = o.Brand, o.StyleSheet, o.EIDs
		if _, err := web.New(sound); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("a %s that cannot be used: error %v", name, err)
		}
	}
}
