package templates

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// inTurn shows each state in turn and lists what the function finds in it.
const inTurn = `(async find => {
  const faults = [], main = document.querySelector('main')
  for (const [name, html] of await (await fetch('/states')).json()) {
    main.innerHTML = html
    main.classList.add('new')
    for (const fault of await find(main)) faults.push(name + ': ' + fault)
  }
  return faults
})`

// borderless finds what has an edge only by its colour, which forced colours take away, text in the colour of what is behind it, and
// a code that is not black on white.
const borderless = `async main => {
  const faults = []
  const name = e => e.tagName.toLowerCase() + (e.className ? '.' + e.className : '')
  for (const e of document.querySelectorAll('.card, .button, .note, .shown, .scene, .partly, .strip, .letter')) {
    const s = getComputedStyle(e)
    if (!(parseFloat(s.borderTopWidth) >= 1) || s.borderTopStyle !== 'solid' || s.borderTopColor === 'rgba(0, 0, 0, 0)' || s.borderTopColor === getComputedStyle(document.body).backgroundColor) faults.push(name(e) + ' has no edge')
  }
  for (const e of document.querySelectorAll('main p, main h1, main button, main a, main li')) {
    const s = getComputedStyle(e), behind = s.backgroundColor === 'rgba(0, 0, 0, 0)' ? getComputedStyle(document.body).backgroundColor : s.backgroundColor
    if (s.color === behind) faults.push(name(e) + ' has text of the colour behind it')
  }
  for (const e of main.querySelectorAll('.code')) {
    const code = [getComputedStyle(e).backgroundColor, getComputedStyle(e.querySelector('path:not(.ghost)')).fill].join(' ')
    if (code !== 'rgb(255, 255, 255) rgb(0, 0, 0)') faults.push('the code is ' + code)
  }
  return faults
}`

// movingParts finds what moves by itself.
const movingParts = `async main => document.getAnimations().map(a => a.animationName || a.transitionProperty)`

// usable finds what there is to press or to scan, and what support needs and is not seen.
const usable = `async main => {
  const faults = [], seen = e => e.checkVisibility()
  for (const e of main.querySelectorAll('a, button, input:not([type=hidden]), .code')) if (seen(e)) faults.push(e.outerHTML.slice(0, 60))
  for (const e of main.querySelectorAll('h1, .lead, .reference b')) if (!seen(e)) faults.push('no ' + e.textContent)
  return faults
}`

// TestForcedColoursAndMotion_A04_A06 looks at every state as people see it who have asked for their own few colours, or for nothing to
// move: buttons and notes keep an edge and the code stays black on white; nothing moves. On paper there is what is said, the
// reference too, and nothing that could log anyone in.
func TestForcedColoursAndMotion_A04_A06(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	for _, tt := range []struct {
		name     string
		features map[string]string
		find     string
		faults   bool
	}{
		{"forced colours, light", map[string]string{"forced-colors": "active", "prefers-color-scheme": "light"}, borderless, false},
		{"forced colours, dark", map[string]string{"forced-colors": "active", "prefers-color-scheme": "dark"}, borderless, false},
		{"without them edges are left out", map[string]string{"forced-colors": "none", "prefers-color-scheme": "light"}, borderless, true},
		{"less motion", map[string]string{"prefers-reduced-motion": "reduce"}, movingParts, false},
		{"paper", map[string]string{"media": "print"}, usable, false},
		{"the screen", nil, usable, true},
		{"as much as there is", map[string]string{"prefers-reduced-motion": "no-preference"}, movingParts, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := chromedp.NewContext(browser)
			t.Cleanup(cancel)
			media := emulation.SetEmulatedMediaParams{Media: tt.features["media"]}
			for name, value := range tt.features {
				if name != "media" {
					media.Features = append(media.Features, &emulation.MediaFeature{Name: name, Value: value})
				}
			}
			as := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, media)
				return err
			})
			if err := chromedp.Do(ctx, as, chromedp.Navigate(statesServer(t))); err != nil {
				t.Fatal(err)
			}
			faults, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](inTurn+"("+tt.find+")", chromedp.EvalAwaitPromise))
			if err != nil {
				t.Fatal(err)
			}
			if !tt.faults && len(faults) > 0 {
				t.Errorf("%d faults, the first: %s", len(faults), strings.Join(faults[:min(len(faults), 8)], "; "))
			}
			if tt.faults && len(faults) == 0 {
				t.Error("finds nothing where there is something to find")
			}
		})
	}
}

// statesServer serves a page without a script, and at /states the main part of every state in Swedish.
func statesServer(t *testing.T) string {
	t.Helper()
	var states [][2]string
	for _, s := range Preview("sv") {
		states = append(states, [2]string{s.Name, fragment(t, s.Page, s.View)})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, ok := Assets()[strings.TrimPrefix(r.URL.Path, AssetPrefix)]; ok && strings.HasSuffix(r.URL.Path, ".css") {
			w.Header().Set("Content-Type", a.ContentType)
			w.Write(a.Body)
		} else if r.URL.Path == "/states" {
			json.NewEncoder(w).Encode(states)
		} else {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			p := stagePage
			p.Simulated = true
			Document(p, Choose{}).Render(r.Context(), w)
		}
	}))
	t.Cleanup(server.CloseClientConnections)
	return server.URL
}
