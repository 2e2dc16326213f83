package templates

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// unforced lists the pictures, but for the code, whose colours are not those that the person has forced on the page: browsers leave
// those of SVG alone.
const unforced = `(() => {
  const probe = document.createElement('p')
  document.body.append(probe)
  const name = (e, what) => e.getAttribute('class') + ': ' + what
  const paint = colour => { probe.style.color = colour; return getComputedStyle(probe).color }
  const canvas = paint('Canvas'), ours = new Set(['CanvasText', 'ButtonText', 'LinkText', 'GrayText', 'Canvas'].map(paint))
  const faults = []
  for (const svg of document.querySelectorAll('svg:not(.code)')) {
    const { color, backgroundColor } = getComputedStyle(svg)
    if (!ours.has(color)) faults.push(name(svg, color))
    if (![canvas, 'rgba(0, 0, 0, 0)'].includes(backgroundColor)) faults.push(name(svg, 'on ' + backgroundColor))
    for (const cut of svg.querySelectorAll('.cut')) if (getComputedStyle(cut).fill !== canvas) faults.push(name(svg, 'a mark'))
  }
  return faults
})()`

// TestForcedColours_A16: in forced colours no picture keeps its own, on a wide page and on a narrow one.
func TestForcedColours_A16(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(serveState))
	t.Cleanup(server.CloseClientConnections)
	ctx, cancel := chromedp.NewContext(newBrowser(t))
	t.Cleanup(cancel)
	forced := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "forced-colors", Value: "active"}}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, forced); err != nil {
		t.Fatal(err)
	}
	for _, s := range []screen{phoneScreen, laptopScreen} {
		for _, name := range []string{"choose-computer", "qr-wait", "confirm-qr", "failed-startFailed-device", "complete"} {
			openState(t, ctx, server.URL, s, "en", "dark", name)
			faults, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](unforced))
			if err != nil || len(faults) > 0 {
				t.Errorf("%s on a %s: %q (error %v)", name, s.name, faults, err)
			}
		}
	}
}
