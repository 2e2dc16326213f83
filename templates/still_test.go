package templates

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/chromedp"
)

// movedBy says how far the button that enlarges the code is moved, in CSS pixels, by the time that is told in the last minute.
const movedBy = `(() => {
  const button = document.querySelector('[data-enlarge]'), timer = document.querySelector('[role=timer]')
  const at = () => { const b = button.getBoundingClientRect(), q = document.querySelector('#qr').getBoundingClientRect(); return [b.left - q.left, b.top - q.top] }
  timer.textContent = ''
  const calm = at()
  timer.textContent = timer.dataset.short.replace('{s}', 59)
  const late = at()
  timer.textContent = ''
  return Math.max(Math.abs(calm[0] - late[0]), Math.abs(calm[1] - late[1]))
})()`

// TestLastMinuteMovesNothing: whoever is about to enlarge the code finds the button where it was, however wide the letters are.
func TestLastMinuteMovesNothing(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(serveState))
	t.Cleanup(server.CloseClientConnections)
	ctx, cancel := chromedp.NewContext(newBrowser(t))
	t.Cleanup(cancel)
	for _, lang := range []string{"sv", "en"} {
		openState(t, ctx, server.URL, phoneScreen, lang, "light", "qr-wait")
		for _, spacing := range []string{"0", ".06em", ".16em"} {
			if _, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.style.letterSpacing = '`+spacing+`'`)); err != nil {
				t.Fatal(err)
			}
			for _, window := range [][2]int64{{320, 640}, {375, 812}, {844, 390}, {768, 1024}, {1366, 768}} {
				if err := chromedp.Do(ctx, chromedp.EmulateViewport(window[0], window[1])); err != nil {
					t.Fatal(err)
				}
				moved, err := chromedp.Run(ctx, chromedp.Evaluate[float64](movedBy))
				if err != nil {
					t.Fatal(err)
				}
				if moved > .5 {
					t.Errorf("%s, letters %s apart, %v: it moves by %v", lang, spacing, window, moved)
				}
			}
		}
	}
}
