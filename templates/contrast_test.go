package templates

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestContrast_A09 computes the contrast of every pair of tokens that the style sheet puts on each other, in both themes
// (WCAG 2.2 §1.4.3, §1.4.11).
func TestContrast_A09(t *testing.T) {
	css := string(assets["page.css"].Body)
	light := tokens(t, css, ":root {")
	dark := tokens(t, css, "@media (prefers-color-scheme: dark) {")
	pairs := []struct {
		front, back string
		least       float64
	}{
		{"ink", "card", 4.5}, {"ink", "paper", 4.5}, {"ink", "tint", 4.5},
		{"muted", "card", 4.5}, {"muted", "paper", 4.5}, {"muted", "tint", 4.5},
		{"accent", "card", 4.5}, {"accent", "paper", 4.5}, {"accent", "tint", 4.5},
		{"on-accent", "accent", 4.5}, {"on-accent", "accent-press", 4.5},
		{"paper", "ink", 4.5},
		{"warning", "warning-tint", 4.5}, {"good", "good-tint", 4.5}, {"bad", "bad-tint", 4.5},
		{"border", "card", 3}, {"accent", "hair", 3},
	}
	for theme, token := range map[string]map[string]string{"light": light, "dark": dark} {
		for _, p := range pairs {
			if got := contrast(t, token[p.front], token[p.back]); got < p.least {
				t.Errorf("%s: %s on %s has %.2f, want %.1f", theme, p.front, p.back, got, p.least)
			}
		}
	}
	for name := range light {
		if dark[name] == "" {
			t.Errorf("the dark theme has no %s", name)
		}
	}
}

// TestDisabledContrast: a button that waits is paler, and can still be read.
func TestDisabledContrast(t *testing.T) {
	css := string(assets["page.css"].Body)
	rule := regexp.MustCompile(`\[aria-disabled=true\] \{ opacity: (0?\.\d+);`).FindStringSubmatch(css)
	if rule == nil {
		t.Fatal("no opacity for a button that waits")
	}
	opacity, err := strconv.ParseFloat(rule[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	for theme, token := range map[string]map[string]string{
		"light": tokens(t, css, ":root {"), "dark": tokens(t, css, "@media (prefers-color-scheme: dark) {"),
	} {
		for front, back := range map[string]string{"on-accent": "accent", "accent": "paper", "ink": "card"} {
			below := token["card"]
			if back == "paper" {
				below = token["paper"]
			}
			if got := contrast(t, mix(below, token[front], opacity), mix(below, token[back], opacity)); got < 4.5 {
				t.Errorf("%s: %s on %s has %.2f at opacity %v", theme, front, back, got, opacity)
			}
		}
	}
}

var token = regexp.MustCompile(`--([a-z-]+): (#[0-9A-F]{6});`)

// tokens reads the custom properties of the first rule after start.
func tokens(t *testing.T, css, start string) map[string]string {
	t.Helper()
	_, rest, ok := strings.Cut(css, start)
	block, _, _ := strings.Cut(rest, "}")
	if !ok {
		t.Fatalf("no %q in the style sheet", start)
	}
	found := map[string]string{}
	for _, m := range token.FindAllStringSubmatch(block, -1) {
		found[m[1]] = m[2]
	}
	if len(found) < 10 {
		t.Fatalf("only %d tokens after %q", len(found), start)
	}
	return found
}

// contrast is the ratio of WCAG 2.2.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + .05) / (min(la, lb) + .05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil {
		t.Fatalf("colour %q: %v", colour, err)
	}
	channel := func(shift uint) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= .04045 {
			return c / 12.92
		}
		return math.Pow((c+.055)/1.055, 2.4)
	}
	return .2126*channel(16) + .7152*channel(8) + .0722*channel(0)
}
