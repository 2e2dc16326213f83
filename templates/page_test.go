package templates

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// everyPage runs check on the parsed page of every state in every language.
func everyPage(t *testing.T, check func(t *testing.T, s State, root *html.Node)) {
	for _, l := range Languages() {
		for _, s := range Preview(l.Tag) {
			t.Run(l.Tag+"/"+s.Name, func(t *testing.T) {
				root, err := html.Parse(strings.NewReader(doc(t, s.Page, s.View)))
				if err != nil {
					t.Fatal(err)
				}
				check(t, s, root)
			})
		}
	}
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func count(root *html.Node, element string) int {
	n := 0
	for d := range root.Descendants() {
		if d.Type == html.ElementNode && d.Data == element {
			n++
		}
	}
	return n
}

// TestPolicy_U18 holds every page to what a strict Content-Security-Policy lets through: no inline script or style, nothing
// loaded from elsewhere, forms to our own origin but for the answer to the client.
func TestPolicy_U18(t *testing.T) {
	loads := map[string]string{"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "use": "href"}
	everyPage(t, func(t *testing.T, s State, root *html.Node) {
		for n := range root.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s> has inline %s", n.Data, a.Key)
				}
			}
			if n.Data == "style" || n.Data == "script" && n.FirstChild != nil {
				t.Errorf("inline <%s>", n.Data)
			}
			if name, ok := loads[n.Data]; ok {
				if address, _ := attr(n, name); !strings.HasPrefix(address, AssetPrefix) {
					t.Errorf("<%s> loads %q", n.Data, address)
				}
			}
			if action, ok := attr(n, "action"); ok && s.Name != "form-post" && !strings.HasPrefix(action, "/") {
				t.Errorf("form to %q", action)
			}
			if n.Data == "form" {
				if method, _ := attr(n, "method"); method != "post" {
					t.Errorf("form by %q", method)
				}
			}
		}
	})
}

// TestStructure_A02_A11: language, title, one heading, landmarks, live regions outside of what is swapped, and the refresh without
// script in exactly those states that await something.
func TestStructure_A02_A11(t *testing.T) {
	everyPage(t, func(t *testing.T, s State, root *html.Node) {
		for _, e := range []string{"h1", "main", "header", "footer", "title"} {
			if n := count(root, e); n != 1 {
				t.Errorf("%d <%s>", n, e)
			}
		}
		refresh, marked, roles, inMain := false, false, map[string]bool{}, map[string]bool{}
		for n := range root.Descendants() {
			role, _ := attr(n, "role")
			roles[role] = true
			for a := range n.Ancestors() {
				if a.Data == "main" {
					inMain[role] = true
				}
			}
			_, live := attr(n, "data-live")
			marked = marked || live
			if n.Type == html.ElementNode && n.Data == "html" {
				if lang, _ := attr(n, "lang"); lang != s.Page.Lang {
					t.Errorf("lang is %q", lang)
				}
			}
			if n.Data == "h1" {
				if i, _ := attr(n, "tabindex"); i != "-1" {
					t.Error("the heading cannot take the focus")
				}
			}
			if n.Type == html.TextNode && n.Parent.Data == "noscript" && strings.Contains(n.Data, `http-equiv="refresh"`) {
				refresh = true
			}
		}
		if refresh != s.View.refreshes() || marked != s.View.live() {
			t.Errorf("live %t and refreshing %t, but mark %t and refresh %t", s.View.live(), s.View.refreshes(), marked, refresh)
		}
		if !roles["status"] || !roles["alert"] || inMain["status"] || inMain["alert"] {
			t.Error("the live regions must stand on the page, outside of what is swapped")
		}
	})
}

// TestListsStayLists: a list without bullets is none to VoiceOver unless it says that it is one, and an empty one is none at all.
func TestListsStayLists(t *testing.T) {
	everyPage(t, func(t *testing.T, s State, root *html.Node) {
		for _, list := range append(elements(root, "ul"), elements(root, "ol")...) {
			class, _ := attr(list, "class")
			if role, _ := attr(list, "role"); role != "list" {
				t.Errorf("%s %q has the role %q", list.Data, class, role)
			}
			if len(elements(list, "li")) == 0 {
				t.Errorf("%s %q is empty", list.Data, class)
			}
		}
	})
	for _, bare := range []Page{{Lang: "sv"}, {Lang: "sv", ClientName: "Norrby kommun"}} {
		if page := doc(t, bare, Notice{Kind: NoticeFault}); strings.Contains(page, `role="list"></ul>`) {
			t.Errorf("an empty list at the foot: %s", page)
		}
	}
}

// TestNoKeysShown finds keys and placeholders that reached the page in place of text.
func TestNoKeysShown(t *testing.T) {
	key := regexp.MustCompile(`\b(page|action|switch|time|choose|starting|qr-wait|zoom|app-wait|shown|progress|complete|failed|notice|form-post|way-out|ask-log-out)\.[a-zA-Z]`)
	everyPage(t, func(t *testing.T, s State, root *html.Node) {
		for n := range root.Descendants() {
			texts := []string{}
			if n.Type == html.TextNode {
				texts = append(texts, n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "aria-label" || a.Key == "data-say" || a.Key == "data-lost" || a.Key == "data-found" || a.Key == "data-warn" ||
					a.Key == "data-fetching" || a.Key == "data-busy" || a.Key == "data-over" {
					texts = append(texts, a.Val)
				}
			}
			for _, text := range texts {
				if key.MatchString(text) || placeholder.MatchString(text) {
					t.Errorf("unfilled text %q", text)
				}
			}
		}
	})
}

// TestFailuresHaveNextSteps_U09_A13: every failure that is not final offers another try, where one can work, and always the way back.
func TestFailuresHaveNextSteps_U09_A13(t *testing.T) {
	for _, s := range Preview("sv") {
		v, ok := s.View.(Failed)
		if !ok {
			continue
		}
		page := fragment(t, s.Page, v)
		again := !v.Final && !slices.Contains([]Reason{ReasonTooYoung, ReasonNoWayBack, ReasonNoMethod}, v.reason())
		if got := strings.Contains(page, s.Page.BasePath+"/start"); got != again {
			t.Errorf("%s: offers another try: %t", s.Name, got)
		}
		if got := strings.Count(page, "data-focus"); got != 1 {
			t.Errorf("%s: %d buttons want the focus", s.Name, got)
		}
		for _, want := range []string{s.Page.BasePath + "/leave", s.Page.Reference, "data-focus", "data-alert"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s lacks %q", s.Name, want)
			}
		}
	}
}

// TestRetryKeepsDevice: trying again starts on the device chosen before.
func TestRetryKeepsDevice(t *testing.T) {
	tests := []struct {
		device   Device
		platform Platform
		want     string
	}{
		{ThisDevice, Phone, `value="this"`},
		{OtherDevice, Phone, `value="other"`},
		{ThisDevice, ScanOnly, `value="other"`},
		{"", Computer, `value="other"`},
	}
	for _, tt := range tests {
		page := fragment(t, Page{Lang: "sv"}, Failed{Reason: "startFailed", Device: tt.device, Platform: tt.platform})
		first, _, _ := strings.Cut(page, "</form>")
		if !strings.Contains(first, tt.want) {
			t.Errorf("%s on %s: try again does not have %s", tt.device, tt.platform, tt.want)
		}
	}
}

// TestHostileValues: nothing that is put into a page becomes markup, script, or an image from elsewhere.
func TestHostileValues(t *testing.T) {
	hostile := `"><script>alert(1)</script>`
	p := Page{
		Lang: hostile, ClientName: hostile, ClientLogoURL: "//evil.example/logo.png", EIDLogoURL: "https://evil.example/b.svg",
		StyleSheets: [3]string{"https://evil.example/x.css", "//evil.example/x.css", `/\evil.example/x.css`}, Theme: hostile, ClientURL: "javascript:alert(1)", ServiceName: hostile,
		Reference: hostile, Links: Links{Help: "javascript:alert(1)", Accessibility: "data:text/html,x"},
	}
	views := []View{
		Choose{Platform: Platform(hostile)},
		AppWait{LaunchURL: "javascript:alert(1)", Order: hostile, AutoLaunch: true},
		Progress{Step: Step(hostile)},
		Failed{Reason: Reason(hostile), Device: Device(hostile)},
		Notice{Kind: NoticeKind(hostile), Code: hostile, Detail: hostile},
		FormPost{Action: "JavaScript:alert(1)", Fields: []Field{{hostile, hostile}}},
		FormPost{Action: "data:text/html,x"},
		AskLogOut{Action: "//evil.example/", Fields: []Field{{hostile, hostile}}},
	}
	bare := p
	bare.ClientName, bare.ServiceLogoURL = "", `\\evil.example\x.png`
	for _, p := range []Page{p, bare} {
		for _, v := range views {
			page := doc(t, p, v)
			for _, bad := range []string{"<script>alert", "javascript:", "JavaScript:", "data:text", "evil.example"} {
				if strings.Contains(page, bad) {
					t.Errorf("%T: page has %q", v, bad)
				}
			}
		}
	}
}

// TestLaunchLink: BankID sees our origin as the referrer, and a launch by itself happens only where it was asked for.
func TestLaunchLink(t *testing.T) {
	v := AppWait{LaunchURL: "bankid:///?autostarttoken=t&redirect=null", Order: "2", Platform: Computer}
	page := fragment(t, Page{Lang: "sv"}, v)
	for _, want := range []string{`href="bankid:///?autostarttoken=t&amp;redirect=null"`, `referrerpolicy="origin"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in %s", want, page)
		}
	}
	if strings.Contains(page, "data-autolaunch") {
		t.Error("launches by itself unasked")
	}
	v.AutoLaunch = true
	if !strings.Contains(fragment(t, Page{Lang: "sv"}, v), `data-autolaunch="2"`) {
		t.Error("does not launch by itself when asked")
	}
}

// TestWeight_U18: the largest page with everything it loads, as sent, and the script alone as it is.
func TestWeight_U18(t *testing.T) {
	total := 0
	for _, file := range []string{"page.css", "page.js", "mark.svg"} { // what a page names; others are asked for by their own address
		total += len(assets[file].Gzip)
	}
	largest := 0
	for _, s := range Preview("sv") {
		largest = max(largest, len(new(compressor).compress([]byte(doc(t, s.Page, s.View)))))
	}
	t.Logf("assets %d bytes, largest page %d bytes, both compressed", total, largest)
	// The logos of a client and of BankID may weigh 48 KiB, which makes 60 for all.
	if total+largest > 12<<10 {
		t.Errorf("a page weighs %d bytes", total+largest)
	}
	script := assets["page.js"].Body
	if n := len(script); n > 11<<10 {
		t.Errorf("the script has %d bytes", n)
	}
	for line := range bytes.Lines(script) {
		if bytes.Count(line, []byte("`"))%2 != 0 || bytes.HasPrefix(bytes.TrimSpace(line), []byte("//")) {
			t.Errorf("stripComments cannot keep or drop this line: %s", line)
		}
	}
}

func TestAssets(t *testing.T) {
	for file, a := range assets {
		if got := AssetPath(file); got != AssetPrefix+a.Name || !assetHash.MatchString(got) {
			t.Errorf("AssetPath(%q) = %q", file, got)
		}
		if a.ContentType == "" {
			t.Errorf("%s has no content type", file)
		}
		r, err := gzip.NewReader(bytes.NewReader(a.Gzip))
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(r); err != nil || !bytes.Equal(body, a.Body) {
			t.Errorf("%s: compressed bytes give something else (%v)", file, err)
		}
		if got, ok := Assets()[a.Name]; !ok || !bytes.Equal(got.Body, a.Body) {
			t.Errorf("Assets() lacks %s", a.Name)
		}
	}
}

// TestManyLanguages: up to four languages stand in a row at the foot; of more, the others are folded together, and all are there.
func TestManyLanguages(t *testing.T) {
	sv, err := os.ReadFile("messages/sv.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := BuiltIn()
	for i, tag := range []string{"fi", "nb", "da"} {
		if all, err = all.With(tag, bytes.Replace(sv, []byte("Svenska"), []byte("Språk "+tag), 1)); err != nil {
			t.Fatal(err)
		}
		page := doc(t, Page{Lang: "sv", Messages: all, BasePath: "/login/x"}, Choose{})
		if folded := strings.Contains(page, "<details"); folded != (len(all.Languages()) > 4) {
			t.Errorf("with %d languages folded: %t", 3+i, folded)
		}
		for _, l := range all.Languages() {
			if strings.Contains(page, `href="/login/x?lang=`+l.Tag+`"`) == (l.Tag == "sv") {
				t.Errorf("with %d languages: %s is offered wrongly", 3+i, l.Tag)
			}
		}
	}
}
