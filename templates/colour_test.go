package templates

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

// TestAccents_A09: whatever colour a brand has, what is shown can be read in both themes; what changed is said.
func TestAccents_A09(t *testing.T) {
	for _, tt := range []struct {
		name        string
		accents     Accents
		light, dark string // "" where any readable colour will do
		changes     int
	}{
		{"readable", Accents{"#0b5c8c", "#7CC4EE"}, "#0B5C8C", "#7CC4EE", 0},
		{"yellow on white", Accents{"#FFCC00", "#FFCC00"}, "", "#FFCC00", 1},
		{"navy on black", Accents{"#000080", "#000080"}, "#000080", "", 1},
		{"grey in both", Accents{"#808080", "#505050"}, "", "", 2},
		{"white and black", Accents{"#FFFFFF", "#000000"}, "", "", 2},
		{"no dark one", Accents{"#7A1F5C", ""}, "#7A1F5C", "", 0},
		{"no light one", Accents{"", "#FFCC00"}, "#0B5C8C", "#FFCC00", 0},
	} {
		got, changes, err := tt.accents.Checked()
		if err != nil || len(changes) != tt.changes {
			t.Errorf("%s: changes %q, error %v, want %d changes", tt.name, changes, err, tt.changes)
			continue
		}
		if tt.light != "" && got.Light != tt.light || tt.dark != "" && got.Dark != tt.dark {
			t.Errorf("%s: became %v", tt.name, got)
		}
		for _, change := range changes {
			if !strings.Contains(change, "contrast") || !strings.Contains(change, got.Light) && !strings.Contains(change, got.Dark) {
				t.Errorf("%s: %q says neither why nor what instead", tt.name, change)
			}
		}
		readable(t, tt.name, got)
		if again, changes, _ := got.Checked(); again != got || len(changes) > 0 {
			t.Errorf("%s: checking again changes %v to %v", tt.name, got, again)
		}
	}
	for _, bad := range []string{"red", "#fff", "#12345g", "#123456;}body{x:url(//evil)", "rgb(1,2,3)", " #123456"} {
		if _, _, err := (Accents{Light: bad}).Checked(); !errors.Is(err, ErrColour) {
			t.Errorf("%q: error %v", bad, err)
		}
		if sheet := BrandSheet(Accents{Dark: bad}); sheet != nil {
			t.Errorf("%q became %s", bad, sheet)
		}
	}
}

// readable computes the contrasts of a brand's style sheet by the test's own rule.
func readable(t *testing.T, name string, a Accents) {
	t.Helper()
	blocks := regexp.MustCompile(`\{(--[^{}]+)\}`).FindAllStringSubmatch(string(BrandSheet(a)), -1)
	if len(blocks) != 4 {
		t.Fatalf("%s: the sheet has %d rules", name, len(blocks))
	}
	css := string(assets["page.css"].Body)
	themes := []map[string]string{tokens(t, css, ":root {"), tokens(t, css, "@media (prefers-color-scheme: dark) {")}
	for i, block := range blocks {
		brand := map[string]string{}
		for _, property := range strings.Split(block[1], ";") {
			key, value, _ := strings.Cut(property, ":")
			brand[strings.TrimPrefix(key, "--")] = value
		}
		page := themes[i%2]
		for _, back := range []string{"card", "paper", "tint"} {
			if c := contrast(t, brand["accent"], page[back]); c < 4.5 {
				t.Errorf("%s: accent %s on %s has %.2f", name, brand["accent"], back, c)
			}
		}
		for _, back := range []string{"accent", "accent-press"} {
			if c := contrast(t, brand["on-accent"], brand[back]); c < 4.5 {
				t.Errorf("%s: text on %s has %.2f", name, back, c)
			}
		}
	}
}

// TestBrandSheet: nothing but custom properties, so that a brand can neither load nor hide anything.
func TestBrandSheet(t *testing.T) {
	sheet := string(BrandSheet(Accents{"#123456", "#ABCDEF"}))
	if rest := regexp.MustCompile(`--(accent|accent-press|on-accent):#[0-9A-F]{6};?`).ReplaceAllString(sheet, ""); strings.ContainsAny(rest, ";#") || strings.Contains(rest, "url") {
		t.Errorf("the sheet holds more than colours: %s", sheet)
	}
	if BrandSheet(Accents{}) != nil {
		t.Error("no accents have a sheet")
	}
}

// TestTokens: what stands beside our pages gets every property of both themes, and no rule that could change it otherwise.
func TestTokens(t *testing.T) {
	t.Parallel()
	sheet, page := string(Tokens()), string(assets["page.css"].Body)
	for _, start := range []string{":root {", "@media (prefers-color-scheme: dark) {"} {
		given := tokens(t, sheet, start)
		for name, value := range tokens(t, page, start) {
			if given[name] != value {
				t.Errorf("%s --%s is %q, want %q", start, name, given[name], value)
			}
		}
	}
	for line := range strings.Lines(sheet) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "--") && line != "}" && line != "" && line != ":root {" && line != "@media (prefers-color-scheme: dark) {" {
			t.Errorf("more than tokens: %s", line)
		}
	}
	if !strings.Contains(sheet, "--round:") || !strings.Contains(sheet, "--bend:") || !strings.Contains(sheet, "--type:") {
		t.Errorf("no shape or type: %s", sheet)
	}
}

// TestThemesSheet: the forced themes are those of the style sheet.
func TestThemesSheet(t *testing.T) {
	sheet := string(assets["themes.css"].Body)
	for selector, start := range map[string]string{":root[data-theme=light]{": ":root {", ":root[data-theme=dark]{": "@media (prefers-color-scheme: dark) {"} {
		forced := tokens(t, sheet, selector)
		for name, value := range tokens(t, string(assets["page.css"].Body), start) {
			if forced[name] != value {
				t.Errorf("%s --%s is %q, want %q", selector, name, forced[name], value)
			}
		}
	}
}
