package templates

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

var (
	sheetDir    = flag.String("sheet", "", "write contact sheets of every state to this directory")
	sheetStates = flag.String("sheet-states", "", "only the states whose names begin with one of these, separated by commas")
	sheetOnly   = flag.String("sheet-only", "", "only the sheet of that name, such as phone-dark")
	sheetWidth  = flag.Int("sheet-width", 0, "the width of one picture on a sheet, in place of the usual")
)

// screen is a window that pages are looked at in, in CSS pixels, and how wide its picture is on a contact sheet.
type screen struct {
	name          string
	width, height int64
	shown         int
}

var (
	phoneScreen  = screen{"phone", 375, 812, 132}
	sideScreen   = screen{"side", 568, 320, 180} // a small phone on its side
	tabletScreen = screen{"tablet", 768, 1024, 156}
	laptopScreen = screen{"laptop", 1366, 768, 216}
	wallScreen   = screen{"wall", 3840, 2160, 216}
)

// TestContactSheet lays pictures of every state side by side: on each screen, in both themes, the languages in turn. It writes
// them where the flag -sheet says, and otherwise looks at one small sheet.
func TestContactSheet(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	if *sheetDir == "" {
		sheet := contactSheet(t, browser, phoneScreen, "sv", "dark", func(name string) bool { return name == "complete" })
		if box := sheet.Bounds(); box.Dx() < phoneScreen.shown || box.Dy() < 2*phoneScreen.shown {
			t.Errorf("the sheet of one picture is %v", box)
		}
		return
	}
	if err := os.MkdirAll(*sheetDir, 0o755); err != nil {
		t.Fatal(err)
	}
	wanted := func(name string) bool {
		return slices.ContainsFunc(strings.Split(*sheetStates, ","), func(start string) bool { return strings.HasPrefix(name, start) })
	}
	for i, s := range []screen{phoneScreen, sideScreen, tabletScreen, laptopScreen, wallScreen} {
		for k, theme := range []string{"light", "dark"} {
			name, lang := s.name+"-"+theme, []string{"sv", "en"}[(i+k)%2]
			if *sheetOnly == "" || *sheetOnly == name {
				writeSheet(t, name+".png", contactSheet(t, browser, s, lang, theme, wanted))
			}
		}
	}
}

// contactSheet returns the picture of a table of pictures, with the name of the state below each.
func contactSheet(t *testing.T, browser context.Context, s screen, lang, theme string, wanted func(name string) bool) image.Image {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	defer cancel()
	shown := s.shown
	if *sheetWidth > 0 {
		shown = *sheetWidth
	}
	var pictures [][]byte
	var cells strings.Builder
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/picture/")); err == nil {
			w.Write(pictures[n])
		} else if r.URL.Path == "/sheet" {
			fmt.Fprintf(w, sheetHTML, shown, cells.String())
		} else {
			serveState(w, r)
		}
	}))
	defer server.Close()
	defer server.CloseClientConnections()
	seen := map[string]bool{}
	add := func(name string) {
		fmt.Fprintf(&cells, `<figure><img src="/picture/%d"><figcaption>%s</figcaption></figure>`, len(pictures), html.EscapeString(name))
		pictures = append(pictures, photograph(t, ctx, float64(s.width), float64(s.height), float64(shown)/float64(s.width)))
	}
	for _, state := range Preview(lang) {
		if seen[state.View.Key()] || !wanted(state.Name) {
			continue
		}
		seen[state.View.Key()] = true
		openState(t, ctx, server.URL, s, lang, theme, state.Name)
		add(state.Name)
		if state.Name == "qr-wait" || state.Name == "confirm-qr" {
			if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](loseContact)); err != nil {
				t.Fatal(err)
			}
			add(state.Name + ", no contact")
		}
	}
	cell := int64(shown + 12)
	wide := max(1, 1740/cell)*cell + 12
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(wide, 100), chromedp.Navigate(server.URL+"/sheet")); err != nil {
		t.Fatal(err)
	}
	size, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](`[document.documentElement.scrollWidth, document.body.offsetHeight]`))
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := png.Decode(bytes.NewReader(photograph(t, ctx, size[0], size[1], 1)))
	if err != nil {
		t.Fatal(err)
	}
	return sheet
}

// loseContact does what the script does when nothing comes from the server.
const loseContact = `(() => {
  const lost = document.querySelector('#lost'), qr = document.querySelector('#qr')
  lost.querySelector('span').textContent = document.body.dataset.lost
  lost.hidden = false
  if (qr) { qr.classList.add('stale'); qr.append(lost) } else document.querySelector('.card').prepend(lost)
})()`

const sheetHTML = `<!DOCTYPE html><style>
body { display: flex; flex-wrap: wrap; gap: 12px; margin: 0; padding: 12px; background: #99a3aa; font: 9px/1.3 sans-serif; }
figure { margin: 0; width: %dpx; overflow: hidden; } img { display: block; width: 100%%; border-radius: 4px; }
</style><body>%s`

// serveState serves a state of the preview at /{language}/{theme}/{name}, without the script, and the assets.
func serveState(w http.ResponseWriter, r *http.Request) {
	if a, ok := Assets()[strings.TrimPrefix(r.URL.Path, AssetPrefix)]; ok {
		w.Header().Set("Content-Type", a.ContentType)
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Write(a.Body)
		return
	}
	lang, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	theme, name, _ := strings.Cut(rest, "/")
	states := Preview(lang)
	at := slices.IndexFunc(states, func(s State) bool { return s.Name == name })
	if at < 0 {
		http.NotFound(w, r)
		return
	}
	state := states[at]
	state.Page.Theme = theme
	var page strings.Builder
	Document(state.Page, state.View).Render(r.Context(), &page)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(script.ReplaceAllString(page.String(), "")))
}

// openState shows a state of the preview on a screen.
func openState(t *testing.T, ctx context.Context, server string, s screen, lang, theme, name string) {
	t.Helper()
	address := fmt.Sprintf("%s/%s/%s/%s", server, lang, theme, name)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(s.width, s.height), chromedp.Navigate(address)); err != nil {
		t.Fatalf("%s on a %s: %v", name, s.name, err)
	}
}

// photograph returns the PNG of the top left of the page, scaled.
func photograph(t *testing.T, ctx context.Context, width, height, scale float64) []byte {
	t.Helper()
	beyond := true
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Clip: &page.Viewport{Width: width, Height: height, Scale: scale}, CaptureBeyondViewport: &beyond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return shot.Data
}

// writeSheet writes the picture with few colours, which makes it small.
func writeSheet(t *testing.T, name string, sheet image.Image) {
	t.Helper()
	few := image.NewPaletted(sheet.Bounds(), commonColours(sheet, 96))
	draw.Draw(few, few.Bounds(), sheet, image.Point{}, draw.Src)
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, few); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*sheetDir, name), out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %v, %d bytes", name, sheet.Bounds().Size(), out.Len())
}

// tokenColours returns the colours of both themes.
func tokenColours() (all color.Palette) {
	for _, m := range token.FindAllStringSubmatch(string(assets["page.css"].Body), -1) {
		c := channels(m[2])
		all = append(all, color.RGBA{uint8(c[0]), uint8(c[1]), uint8(c[2]), 0xff})
	}
	return all
}

// commonColours returns the colours of the themes, and the n that most of the picture has.
func commonColours(of image.Image, n int) color.Palette {
	counts := map[color.RGBA]int{}
	box := of.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			r, g, b, _ := of.At(x, y).RGBA()
			counts[color.RGBA{uint8(r>>8) &^ 3, uint8(g>>8) &^ 3, uint8(b>>8) &^ 3, 0xff}]++
		}
	}
	all := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int { return counts[b] - counts[a] })
	palette := tokenColours()
	for _, c := range all[:min(n, len(all))] {
		palette = append(palette, c)
	}
	return palette
}
