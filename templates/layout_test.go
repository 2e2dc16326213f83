package templates

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// layout is where the parts of a page stand, in CSS pixels.
type layout struct {
	Wide, High float64 // the window
	Needs      float64 // the width that the page would take
	QR         box     // of no size where there is none
	Picture    box
	Words      []box // what stands beside or below the picture in the card
	Card       box
	Exits      []exit
	Foot       box
	Moving     []string // what is animated, but for the ring around a picture
}

type box struct{ Left, Top, Right, Bottom float64 }

// exit is one of the ways out below the card.
type exit struct {
	box
	Does string // the device that it starts, the action, the address, or nothing
}

func (b box) meets(c box) bool {
	return b.Left < c.Right && c.Left < b.Right && b.Top < c.Bottom && c.Top < b.Bottom
}

const measure = `(() => {
  const box = e => { const b = e ? e.getBoundingClientRect() : new DOMRect(); return { Left: b.left, Top: b.top, Right: b.right, Bottom: b.bottom } }
  const $ = s => document.querySelector(s), all = s => [...document.querySelectorAll(s)]
  const seen = e => e.getClientRects().length > 0
  return {
    Wide: innerWidth, High: innerHeight, Needs: document.documentElement.scrollWidth,
    QR: box($('#qr')), Picture: box($('.scene, .picture')), Card: box($('.card')), Foot: box($('.foot')),
    Moving: document.getAnimations().filter(a => !a.effect.pseudoElement).map(a => a.animationName),
    Words: all('h1, .lead, .card > form, .card > a, .note, .steps, .choices').filter(seen).map(box),
    Exits: all('.exits > *').filter(e => seen(e) && getComputedStyle(e).position !== 'absolute').map(e => ({ ...box(e), Does: e.elements?.device?.value || e.action?.split('/').pop() || e.href || '' })),
  }
})()`

// shot is how one state looks in one window.
type shot struct {
	State
	layout
}

// in reports whether the window has one of the sizes.
func (s shot) in(windows ...[2]float64) bool {
	return slices.Contains(windows, [2]float64{s.Wide, s.High})
}

// TestLayout opens every screen of the preview in windows of many sizes and looks at where its parts stand.
func TestLayout(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(serveState))
	t.Cleanup(server.CloseClientConnections)
	ctx, cancel := chromedp.NewContext(newBrowser(t))
	t.Cleanup(cancel)
	windows := [][2]int64{
		{320, 640}, {375, 667}, {375, 812}, {568, 320}, {667, 375}, {844, 390}, {768, 1024}, {896, 600}, {960, 540},
		{1280, 720}, {1366, 768}, {1440, 1400}, {2560, 1440}, {3840, 2160},
	}
	var shots []shot
	seen := map[string]bool{}
	for _, s := range Preview("sv") {
		if seen[s.View.Key()] {
			continue
		}
		seen[s.View.Key()] = true
		openState(t, ctx, server.URL, phoneScreen, "sv", "light", s.Name)
		for _, window := range windows {
			shots = append(shots, shot{s, measured(t, ctx, window)})
		}
	}
	t.Run("A-10 nothing sticks out or moves, and no picture lies on words", func(t *testing.T) { nothingSticksOut(t, shots) })
	t.Run("U-18 the whole code is on the screen", func(t *testing.T) { wholeCode(t, shots) })
	t.Run("all is above the fold on a low screen of a computer", func(t *testing.T) { aboveTheFold(t, shots) })
	t.Run("the ways out keep their order and place", func(t *testing.T) { waysOut(t, shots) })
	t.Run("a tall screen has the page a little above its middle", func(t *testing.T) { tallScreens(t, shots) })
}

func measured(t *testing.T, ctx context.Context, window [2]int64) layout {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(window[0], window[1])); err != nil {
		t.Fatal(err)
	}
	l, err := chromedp.Run(ctx, chromedp.Evaluate[layout](measure))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func nothingSticksOut(t *testing.T, shots []shot) {
	for _, s := range shots {
		if len(s.Moving) > 0 {
			t.Errorf("%s: %q moves", s.Name, s.Moving)
		}
		if s.Needs > s.Wide {
			t.Errorf("%s is %v wide in a window of %v by %v", s.Name, s.Needs, s.Wide, s.High)
		}
		for _, words := range s.Words {
			if s.Picture.meets(words) {
				t.Errorf("%s in a window of %v by %v: the picture %v lies on %v", s.Name, s.Wide, s.High, s.Picture, words)
			}
		}
	}
}

// wholeCode: all of the code is seen at once, and its modules are large enough to be read, on phones both ways and on the low screens
// of computers.
func wholeCode(t *testing.T, shots []shot) {
	codes := 0
	for _, s := range shots {
		if s.QR == (box{}) || !s.in([2]float64{568, 320}, [2]float64{667, 375}, [2]float64{844, 390}, [2]float64{375, 667}, [2]float64{960, 540}, [2]float64{1280, 720}) {
			continue
		}
		codes++
		if s.QR.Top < 0 || s.QR.Left < 0 || s.QR.Bottom > s.High || s.QR.Right > s.Wide || s.QR.Right-s.QR.Left < 264 {
			t.Errorf("%s: the code %v is cut or small in a window of %v by %v", s.Name, s.QR, s.Wide, s.High)
		}
	}
	if codes == 0 {
		t.Error("there is no code on any page")
	}
}

func aboveTheFold(t *testing.T, shots []shot) {
	for _, s := range shots {
		if s.in([2]float64{1280, 720}, [2]float64{1366, 768}) && s.Foot.Bottom > s.High {
			t.Errorf("%s ends %v below a window of %v by %v", s.Name, s.Foot.Bottom-s.High, s.Wide, s.High)
		}
	}
}

// waysOut: they stand in one column below the card, a little apart, in one order: another device, the app to install, cancel or back.
// On a computer's screen they keep their place through all states.
func waysOut(t *testing.T, shots []shot) {
	places := map[float64]string{}
	for _, s := range shots {
		if !s.in([2]float64{375, 812}, [2]float64{768, 1024}, [2]float64{1366, 768}) {
			continue
		}
		above, gap := s.Card.Bottom, 12.
		for _, e := range s.Exits {
			if got := e.Top - above; got < gap-.6 || got > gap+.6 {
				t.Errorf("%s, %v wide: a way out stands %v below what is above it, want %v", s.Name, s.Wide, got, gap)
			}
			if off := (e.Left + e.Right - s.Card.Left - s.Card.Right) / 2; off < -1 || off > 1 {
				t.Errorf("%s, %v wide: a way out stands %v from the middle", s.Name, s.Wide, off)
			}
			above, gap = e.Bottom, 8
		}
		if !slices.IsSortedFunc(s.Exits, func(a, b exit) int { return rank(a) - rank(b) }) {
			t.Errorf("%s: the ways out stand in the order %v", s.Name, s.Exits)
		}
		if s.Wide > 1000 && len(s.Exits) > 0 {
			places[s.Exits[0].Top] = s.Name
		}
	}
	if len(places) != 1 {
		t.Errorf("on a computer's screen the first way out stands in different places: %v", places)
	}
}

// rank is the place of a way out among the others.
func rank(e exit) int {
	switch {
	case e.Does == string(ThisDevice) || e.Does == string(OtherDevice):
		return 0
	case strings.HasPrefix(e.Does, "https://install.bankid.com/"):
		return 1
	case e.Does == "":
		return 3 // the reference, where it stands among them
	}
	return 2
}

func tallScreens(t *testing.T, shots []shot) {
	for _, s := range shots {
		if s.Name != "qr-wait" || !s.in([2]float64{1440, 1400}, [2]float64{2560, 1440}, [2]float64{3840, 2160}) {
			continue
		}
		above, below := s.Card.Top-60, s.High-s.Exits[len(s.Exits)-1].Bottom-60 // but for who asks, and the foot
		if share := above / (above + below); share < .3 || share > .45 {
			t.Errorf("%v by %v: %v above and %v below", s.Wide, s.High, above, below)
		}
		if wide := (s.Card.Right - s.Card.Left) / s.Wide; wide < .3 {
			t.Errorf("%v by %v: the card takes %v of the width", s.Wide, s.High, wide)
		}
	}
}

// TestStripTakesOneLine: the way to the virtual phone is no headline, on a small phone either.
func TestStripTakesOneLine(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(serveState))
	t.Cleanup(server.CloseClientConnections)
	ctx, cancel := chromedp.NewContext(newBrowser(t))
	t.Cleanup(cancel)
	for _, lang := range []string{"sv", "en"} {
		openState(t, ctx, server.URL, phoneScreen, lang, "light", "choose-virtual-phone")
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(360, 740)); err != nil {
			t.Fatal(err)
		}
		lines, err := chromedp.Run(ctx, chromedp.Evaluate[int](`(strip => Math.round(strip.querySelector('span').getBoundingClientRect().height / parseFloat(getComputedStyle(strip).lineHeight)))(document.querySelector('a.strip'))`))
		if err != nil || lines != 1 {
			t.Errorf("%s: %d lines, error %v", lang, lines, err)
		}
	}
}
