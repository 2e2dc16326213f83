package templates

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// cramped puts on what a reader may (WCAG 2.2 §1.4.12) and lists what no longer fits, and what is too small to hit (§2.5.8).
// The style comes as an object: the pages' policy lets no text in.
const cramped = `(async () => {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-block-end: 2em !important }')
  document.adoptedStyleSheets = [sheet]
  const faults = [], main = document.querySelector('main')
  for (const [name, html, dir] of await (await fetch('/states')).json()) {
    document.documentElement.dir = dir
    main.innerHTML = html
    look(name)
  }
  function look(state) {
    const name = e => e.tagName + '.' + e.className + ' "' + e.textContent.trim().slice(0, 30) + '"'
    if (document.scrollingElement.scrollWidth > innerWidth) faults.push(state + ': the page is ' + document.scrollingElement.scrollWidth + ' wide')
    for (const e of document.querySelectorAll('body *:not(svg, svg *, dialog, dialog *, .unseen, [hidden], [hidden] *)')) {
      if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth && getComputedStyle(e).overflowX !== 'visible') faults.push(state + ': ' + name(e) + ' is cut in width')
      if (e.scrollHeight > e.clientHeight + 1 && e.clientHeight && getComputedStyle(e).overflowY !== 'visible') faults.push(state + ': ' + name(e) + ' is cut in height')
    }
    for (const e of document.querySelectorAll('main button, main a, footer a')) {
      const box = e.getBoundingClientRect()
      if (box.height < 44 || box.width < 44) faults.push(state + ': ' + name(e) + ' is ' + box.width + ' by ' + box.height)
      if (box.left < 0 || box.right > innerWidth) faults.push(state + ': ' + name(e) + ' stands outside')
    }
  }
  return faults.join('; ')
})()`

// TestCramped_U18_A08_A10_A14: in 320 pixels and with the widest spacing nothing is cut or pushed outside and every control
// can be hit, from the left and from the right.
func TestCramped_U18_A08_A10_A14(t *testing.T) {
	t.Parallel()
	both := mirrored(t)
	var states [][3]string // name, fragment, direction
	seen := map[string]bool{}
	for _, s := range Preview("sv") {
		for _, lang := range []string{"sv", "he"} {
			s.Page.Lang, s.Page.Messages = lang, both
			if key := lang + " " + s.View.Key(); !seen[key] {
				seen[key] = true
				states = append(states, [3]string{key, fragment(t, s.Page, s.View), s.Page.language().Dir})
			}
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if file, ok := strings.CutPrefix(r.URL.Path, AssetPrefix); ok && strings.HasSuffix(file, ".css") {
			w.Header().Set("Content-Type", Assets()[file].ContentType)
			w.Write(Assets()[file].Body)
			return
		}
		if r.URL.Path == "/states" {
			json.NewEncoder(w).Encode(states)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		Document(stagePage, Choose{}).Render(r.Context(), w)
	}))
	t.Cleanup(server.CloseClientConnections)
	ctx, cancel := chromedp.NewContext(newBrowser(t))
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(320, 640), chromedp.Navigate(server.URL)); err != nil {
		t.Fatal(err)
	}
	faults, err := chromedp.Run(ctx, chromedp.Evaluate[string](cramped, chromedp.EvalAwaitPromise))
	if err != nil || faults != "" {
		t.Errorf("%s (error %v)", faults, err)
	}
}

// TestQuietMotionAndColours_A04_A06: what moves does so only for those who have not asked for less, and the code is black
// on white in forced colours too.
func TestQuietMotionAndColours_A04_A06(t *testing.T) {
	css := string(assets["page.css"].Body)
	before, after, _ := strings.Cut(css, "@media (prefers-reduced-motion: no-preference) {")
	_, after, _ = strings.Cut(after, "\n}\n")
	if regexp.MustCompile(`animation|@keyframes`).MatchString(before + after) {
		t.Error("an animation outside of the rule for those who want motion")
	}
	for _, selector := range []string{`\.qr`, `\.code`} {
		if !regexp.MustCompile(`(?m)^` + selector + ` \{[^}]*background: #fff;[^}]*forced-color-adjust: none;`).MatchString(css) {
			t.Errorf("%s does not stay white in forced colours", selector)
		}
	}
}
