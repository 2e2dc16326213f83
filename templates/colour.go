package templates

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// ErrColour means that a colour is not written as #rrggbb.
var ErrColour = errors.New("a colour is written as #rrggbb, such as #0B5C8C")

// theme is one of the two sets of colours of the style sheet.
type theme struct {
	name   string
	tokens map[string]string
	// text is the colour of text on the accent; far is the end of the scale that an accent with too little contrast moves to.
	text, far string
}

// lightTheme and darkTheme are read once from the style sheet, so that a brand is held against what is really shown.
var (
	lightTheme = theme{"light", tokensOf(":root {"), "#FFFFFF", "#000000"}
	darkTheme  = theme{"dark", tokensOf("@media (prefers-color-scheme: dark) {"), "#06202F", "#FFFFFF"}
)

var (
	tokenPattern  = regexp.MustCompile(`--([a-z-]+): ([^;]+);`)
	colourPattern = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)
)

// tokensOf returns the custom properties of the first rule of the style sheet after start.
func tokensOf(start string) map[string]string {
	_, rest, _ := strings.Cut(string(assets["page.css"].Body), start)
	block, _, _ := strings.Cut(rest, "}")
	tokens := map[string]string{}
	for _, m := range tokenPattern.FindAllStringSubmatch(block, -1) {
		tokens[m[1]] = m[2]
	}
	return tokens
}

// Accents are the accent colours of a brand, one for each theme, as #rrggbb; empty for our own.
type Accents struct{ Light, Dark string }

// Checked returns accents that can be read in both themes, each with a sentence about every change it took: text in the
// accent colour on the card, the page and the tint, and text on a button, need a contrast of 4.5, a bar on its groove 3 (WCAG
// 2.2 §1.4.3, §1.4.11). A colour with too little is moved towards black or white until it has enough; a dark accent that is
// missing is made from the light one. A colour that is none is ErrColour.
func (a Accents) Checked() (Accents, []string, error) {
	var changes []string
	if a.Light == "" && a.Dark == "" {
		return a, nil, nil
	}
	if a.Light == "" {
		a.Light = lightTheme.tokens["accent"]
	}
	if a.Dark == "" {
		if !colourPattern.MatchString(a.Light) {
			return Accents{}, nil, fmt.Errorf("accent %q: %w", a.Light, ErrColour)
		}
		a.Dark, _ = darkTheme.readable(a.Light)
	}
	for _, of := range []struct {
		colour *string
		theme  theme
	}{{&a.Light, lightTheme}, {&a.Dark, darkTheme}} {
		if !colourPattern.MatchString(*of.colour) {
			return Accents{}, nil, fmt.Errorf("accent of the %s theme %q: %w", of.theme.name, *of.colour, ErrColour)
		}
		was := strings.ToUpper(*of.colour)
		use, why := of.theme.readable(was)
		if use != was {
			changes = append(changes, fmt.Sprintf("accent %s of the %s theme %s: %s is used in its place", was, of.theme.name, why, use))
		}
		*of.colour = use
	}
	return a, changes, nil
}

// readable returns the colour, moved as little as it takes to be readable in t, and what it lacked.
func (t theme) readable(colour string) (use, why string) {
	use = strings.ToUpper(colour)
	for step := 1; ; step++ {
		lack := t.lack(use)
		if lack == "" {
			return use, why
		}
		if why == "" {
			why = lack
		}
		use = mix(colour, t.far, float64(step)/100)
	}
}

// lack says which contrast is too low with the accent, "" if none. What can be read on the tint can carry the text of a button
// too, which is further away than the tint; a test computes it. White has all of them in the dark theme and black in the
// light one, so that a search ends.
func (t theme) lack(accent string) string {
	for _, pair := range []struct {
		on    string
		least float64
	}{{"card", 4.5}, {"paper", 4.5}, {"tint", 4.5}, {"hair", 3}} {
		if c := contrastOf(accent, t.tokens[pair.on]); c < pair.least {
			return fmt.Sprintf("has contrast %.1f to the %s, %.1f is needed", c, pair.on, pair.least)
		}
	}
	return ""
}

// press is the accent of a button that is pressed.
func (t theme) press(accent string) string { return mix(accent, t.far, .2) }

// sheet returns the custom properties of an accent.
func (t theme) sheet(accent string) string {
	return "--accent:" + accent + ";--accent-press:" + t.press(accent) + ";--on-accent:" + t.text
}

// BrandSheet returns the style sheet of a brand: custom properties and nothing else. It is nil for no accents, and for those
// that cannot be used; Checked tells why.
func BrandSheet(a Accents) []byte {
	a, _, err := a.Checked()
	if err != nil || a == (Accents{}) {
		return nil
	}
	light, dark := lightTheme.sheet(a.Light), darkTheme.sheet(a.Dark)
	return fmt.Appendf(nil, ":root{%s}\n@media (prefers-color-scheme:dark){:root{%s}}\n:root[data-theme=light]{%s}\n:root[data-theme=dark]{%s}\n",
		light, dark, light, dark)
}

// themesSheet returns the style sheet that lets <html data-theme> choose a theme whatever the person's system says: for the
// preview.
func themesSheet(page []byte) []byte {
	_, rest, _ := strings.Cut(string(page), ":root {")
	light, _, _ := strings.Cut(rest, "}")
	_, rest, _ = strings.Cut(rest, "@media (prefers-color-scheme: dark) {")
	_, rest, _ = strings.Cut(rest, "{")
	dark, _, _ := strings.Cut(rest, "}")
	return fmt.Appendf(nil, ":root[data-theme=light]{color-scheme:light;%s}\n:root[data-theme=dark]{color-scheme:dark;%s}\n", light, dark)
}

// contrastOf is the contrast ratio of two colours (WCAG 2.2, definition).
func contrastOf(a, b string) float64 {
	la, lb := luminanceOf(a), luminanceOf(b)
	return (max(la, lb) + .05) / (min(la, lb) + .05)
}

func luminanceOf(colour string) float64 {
	weights, sum := []float64{.2126, .7152, .0722}, 0.
	for i, c := range channels(colour) {
		c /= 255
		if c <= .04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+.055)/1.055, 2.4)
		}
		sum += weights[i] * c
	}
	return sum
}

// channels returns red, green and blue of a colour that is one, 0 to 255.
func channels(colour string) [3]float64 {
	n, _ := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	return [3]float64{float64(n >> 16 & 0xff), float64(n >> 8 & 0xff), float64(n & 0xff)}
}

// mix returns a colour between a and b, by the share of b.
func mix(a, b string, share float64) string {
	x, y := channels(a), channels(b)
	at := func(i int) int { return int(math.Round(x[i] + (y[i]-x[i])*min(share, 1))) }
	return fmt.Sprintf("#%02X%02X%02X", at(0), at(1), at(2))
}
