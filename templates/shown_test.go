package templates

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestShown_U15: while the person is to approve, the page shows the name on the certificate and the text that the app shows, and
// says what to do when they differ; where one of them is not known, it names the client in words.
func TestShown_U15(t *testing.T) {
	p := Page{Lang: "en", ClientName: "Norrby kommun", BasePath: "/login/x"}
	whole := Shown{Name: "Bron AB", Text: "I am identifying myself to log in to Norrby kommun."}
	for _, tt := range []struct {
		name  string
		view  View
		drawn bool
	}{
		{"scanned", Pending(Waiting{Taken: true, HintCode: "userSign", Device: OtherDevice, Platform: Computer, Shown: whole}), true},
		{"on this phone", Pending(Waiting{Taken: true, HintCode: "userSign", Device: ThisDevice, Platform: Phone, Shown: whole}), true},
		{"before the app opens on a phone", Pending(Waiting{Device: ThisDevice, Platform: Phone, Shown: whole}), true},
		{"before the app opens on a tablet", Pending(Waiting{Device: ThisDevice, Platform: Tablet, Shown: whole}), true},
		{"before it opens on a computer, where the page stays in sight", Pending(Waiting{Device: ThisDevice, Platform: Computer, Shown: whole}), false},
		{"no text", Pending(Waiting{Taken: true, HintCode: "userSign", Platform: Computer, Shown: Shown{Name: "Bron AB"}}), false},
		{"no name", Pending(Waiting{Taken: true, HintCode: "userSign", Platform: Computer, Shown: Shown{Text: whole.Text}}), false},
		{"while it is being scanned", Pending(Waiting{Device: OtherDevice, Platform: Computer, Shown: whole}), false},
	} {
		page := fragment(t, p, tt.view)
		for _, want := range []string{"<figure", ">Bron AB<", `<q dir="auto">I am identifying myself to log in to Norrby kommun.</q>`, "Does it say anything else? Cancel."} {
			if strings.Contains(page, want) != tt.drawn {
				t.Errorf("%s: has %q: %t", tt.name, want, !tt.drawn)
			}
		}
		if _, confirms := tt.view.(Progress); confirms && strings.Contains(page, "mentions Norrby kommun") == tt.drawn {
			t.Errorf("%s: says in words what to look for: %t", tt.name, tt.drawn)
		}
	}
	if page := fragment(t, p, Pending(Waiting{Taken: true, HintCode: "userSign", Device: ThisDevice, Platform: Computer, Shown: whole})); !strings.Contains(page, "The BankID app should say") {
		t.Errorf("on a computer: %s", page)
	}
}

// TestShownExcerpt: the first paragraph, as a person reads it.
func TestShownExcerpt(t *testing.T) {
	long := strings.Repeat("åtta bok ", 30)
	for _, tt := range []struct {
		name, want string
		shown      Shown
	}{
		{"as it is", "Logga in * på #1", Shown{Text: "Logga in * på #1"}},
		{"lines", "Logga in på A", Shown{Text: "  Logga in\r\npå A  "}},
		{"what a client adds stays in the app", "Logga in på A.", Shown{Text: "Logga in på A.\r\n\r\nDitt konto är spärrat."}},
		{"the same with a line of spaces", "Logga in på A.", Shown{Text: "Logga in på A.\n \t\nDitt konto är spärrat."}},
		{"marks", "Logga in på A", Shown{Text: "# Logga in\npå *A*\n\n+ mer", Markdown: true}},
		{"a long one", strings.TrimSpace(strings.Repeat("åtta bok ", 17)) + " åtta …", Shown{Text: long}},
		{"one long word", strings.Repeat("å", maxExcerpt) + " …", Shown{Text: strings.Repeat("å", 400)}},
		{"marks alone", "", Shown{Text: "***", Markdown: true}},
		{"nothing", "", Shown{}},
	} {
		if got := tt.shown.excerpt(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestShownIsNamed: the picture is a figure whose caption says what it is of, and all of it is said when it comes.
func TestShownIsNamed(t *testing.T) {
	figures := 0
	everyPage(t, func(t *testing.T, s State, root *html.Node) {
		for _, figure := range elements(root, "figure") {
			figures++
			if n := len(elements(figure, "figcaption")); n != 1 {
				t.Errorf("%d captions", n)
			}
			said, _ := attr(figure, "data-say")
			for _, want := range []string{s.Page.ServiceName + " (test)", s.Page.ClientName} {
				if !strings.Contains(said, want) {
					t.Errorf("%q is said, without %q", said, want)
				}
			}
		}
	})
	if figures == 0 {
		t.Error("there is no picture of the app on any page")
	}
}
