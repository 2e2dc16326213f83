package templates

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"
)

// elements returns the elements below root with that name.
func elements(root *html.Node, name string) (found []*html.Node) {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			found = append(found, n)
		}
	}
	return found
}

// TestQRAlternative_A01: the code is a picture whose text says what to do with it, and no live region speaks of it.
func TestQRAlternative_A01(t *testing.T) {
	codes := 0
	everyPage(t, func(t *testing.T, s State, root *html.Node) {
		for _, svg := range elements(root, "svg") {
			class, _ := attr(svg, "class")
			if class != "code" {
				continue
			}
			codes++
			role, _ := attr(svg, "role")
			label, _ := attr(svg, "aria-label")
			if role != "img" || len(label) < 60 || !strings.Contains(label, "BankID") {
				t.Errorf("the code has role %q and the text %q", role, label)
			}
			for a := range svg.Ancestors() {
				live, _ := attr(a, "aria-live")
				if role, _ := attr(a, "role"); live != "" || role == "status" || role == "alert" || role == "log" {
					t.Error("the code stands in a live region")
				}
			}
		}
	})
	if codes == 0 {
		t.Error("there is no code on any page")
	}
}

// TestNothingToType_A12: nobody is asked to type, remember or solve anything; but for who they are, where an eID asks whoever is named on another device.
// What was typed in a login stands there again (WCAG 2.2 §3.3.7).
func TestNothingToType_A12(t *testing.T) {
	everyPage(t, func(t *testing.T, s State, root *html.Node) {
		_, names := s.View.(Name)
		for _, input := range elements(root, "input") {
			name, _ := attr(input, "name")
			if kind, _ := attr(input, "type"); kind != "hidden" && !(names && name == "person") {
				t.Errorf("an input of type %q", kind)
			}
		}
		if n := len(elements(root, "textarea")) + len(elements(root, "select")); n > 0 {
			t.Errorf("%d fields to fill in", n)
		}
	})
}

// TestHelpStaysInPlace_A15: help and accessibility statement are the last links of the foot on every page, in that order.
func TestHelpStaysInPlace_A15(t *testing.T) {
	everyPage(t, func(t *testing.T, s State, root *html.Node) {
		var links []string
		for _, foot := range elements(root, "footer") {
			for _, a := range elements(foot, "a") {
				address, _ := attr(a, "href")
				links = append(links, address)
			}
		}
		want := []string{s.Page.Links.Help, s.Page.Links.Accessibility}
		if len(links) < 2 || !slices.Equal(links[len(links)-2:], want) {
			t.Errorf("the foot has the links %q, want %q at its end", links, want)
		}
	})
}

// TestZoomIsNeverDisabled_A10: the reader decides how large the page is.
func TestZoomIsNeverDisabled_A10(t *testing.T) {
	everyPage(t, func(t *testing.T, _ State, root *html.Node) {
		for _, meta := range elements(root, "meta") {
			if name, _ := attr(meta, "name"); name == "viewport" {
				if content, _ := attr(meta, "content"); content != "width=device-width, initial-scale=1" {
					t.Errorf("viewport is %q", content)
				}
			}
		}
	})
}

// TestSimulatedIsMarked_T14: a page of an installation that is not for real says so, on top, and no other does.
func TestSimulatedIsMarked_T14(t *testing.T) {
	for _, l := range Languages() {
		for _, s := range Preview(l.Tag) {
			for _, simulated := range []bool{true, false} {
				s.Page.Simulated = simulated
				mark := "page.simulated"
				if s.Page.PhoneURL != "" {
					mark += ".phone"
				}
				head, _, _ := strings.Cut(doc(t, s.Page, s.View), "<main")
				if strings.Contains(head, html.EscapeString(s.Page.text(mark))) != simulated {
					t.Errorf("%s %s, simulated %t: marked otherwise", l.Tag, s.Name, simulated)
				}
			}
		}
	}
}

// TestSimulatedLeadsToThePhone: the mark of a simulator's installation is the way to its virtual phone, in a tab of its own; an
// address that could run script is none.
func TestSimulatedLeadsToThePhone(t *testing.T) {
	t.Parallel()
	p := Page{Lang: "en", Simulated: true, PhoneURL: "http://localhost:8082/"}
	if page := doc(t, p, Choose{}); !strings.Contains(page, `<a class="strip" href="http://localhost:8082/?lang=en" target="_blank" rel="noopener">`) {
		t.Error("the mark leads nowhere")
	}
	p.PhoneURL = "javascript:alert(1)"
	if page := doc(t, p, Choose{}); strings.Contains(page, "javascript:") {
		t.Error("the mark runs script")
	}
}

// sideways makes the text twice as large and lists what then cannot be reached without scrolling to the side.
const sideways = `(async () => {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(':root { font-size: 200% !important }')
  document.adoptedStyleSheets = [sheet]
  const faults = [], main = document.querySelector('main')
  for (const [name, html] of await (await fetch('/states')).json()) {
    main.innerHTML = html
    if (document.scrollingElement.scrollWidth > innerWidth) faults.push(name + ' is ' + document.scrollingElement.scrollWidth + ' wide')
    for (const e of document.querySelectorAll('main button, main a, h1, #qr, footer a')) {
      const box = e.getBoundingClientRect()
      if (box.left < 0 || box.right > innerWidth + 1) faults.push(name + ': ' + e.tagName + ' "' + e.textContent.trim().slice(0, 30) + '" stands outside')
    }
  }
  return faults.join('; ')
})()`

// TestLandscape_U18: on a small phone that lies on its side, and with text of twice the size there and on one that stands,
// everything is reached by scrolling down.
func TestLandscape_U18(t *testing.T) {
	t.Parallel()
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
			Document(stagePage, Choose{}).Render(r.Context(), w)
		}
	}))
	t.Cleanup(server.CloseClientConnections)
	ctx, cancel := chromedp.NewContext(newBrowser(t))
	t.Cleanup(cancel)
	for _, size := range [][2]int64{{568, 320}, {390, 844}} {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(size[0], size[1]), chromedp.Navigate(server.URL)); err != nil {
			t.Fatal(err)
		}
		if faults, err := chromedp.Run(ctx, chromedp.Evaluate[string](sideways, chromedp.EvalAwaitPromise)); err != nil || faults != "" {
			t.Errorf("%d by %d: %s (error %v)", size[0], size[1], faults, err)
		}
	}
}

// quick runs before the page's script: it notes how long the script wants to wait, and waits for less.
const quick = `window.waits = []
const later = window.setTimeout
window.setTimeout = (what, wait, ...more) => { if (wait >= 1000) waits.push(wait); return later(what, wait >= 1000 ? 40 : wait, ...more) }
delete window.EventSource`

// TestLostContactBacksOff_U12: when the server fails, each wait is twice the one before, up to half a minute; when it says how
// long to wait, the page waits that long; when it is back, the page goes on every two seconds.
func TestLostContactBacksOff_U12(t *testing.T) {
	t.Parallel()
	scan := QRWait{Frame: previewFrame(), Left: Left{Seconds: 272, Of: 300}, Platform: Computer}
	var asked atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+AssetPrefix+"{name}", func(w http.ResponseWriter, r *http.Request) {
		a := Assets()[r.PathValue("name")]
		w.Header().Set("Content-Type", a.ContentType)
		w.Write(a.Body)
	})
	mux.HandleFunc("GET /login/x", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		Document(stagePage, scan).Render(r.Context(), w)
	})
	mux.HandleFunc("GET /login/x/status", func(w http.ResponseWriter, r *http.Request) {
		switch n := asked.Add(1); {
		case n <= 6:
			http.Error(w, "", http.StatusBadGateway)
		case n == 7:
			w.Header().Set("Retry-After", "77")
			http.Error(w, "", http.StatusTooManyRequests)
		default:
			u, _ := NewUpdate(r.Context(), stagePage, scan)
			json.NewEncoder(w).Encode(u)
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.CloseClientConnections)
	ctx, cancel := chromedp.NewContext(newBrowser(t))
	t.Cleanup(cancel)
	s := &stage{t: t, ctx: ctx, url: server.URL}
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: quick}); err != nil {
		t.Fatal(err)
	}
	s.do(chromedp.Navigate(server.URL + "/login/x"))
	s.until(`waits.length >= 9`)
	waits, err := chromedp.Run(ctx, chromedp.Evaluate[[]float64](`waits.slice(0, 9)`))
	if want := []float64{2000, 4000, 8000, 16000, 30000, 30000, 77000, 2000, 2000}; err != nil || !slices.Equal(waits, want) {
		t.Errorf("the page waits %v ms, want %v (error %v)", waits, want, err)
	}
	s.until(`document.querySelector('#lost').hidden`)
}

// TestTimer_A05 finds the timer named and out of a reader's way until it says something; before that the calm sentence stands in its
// place.
func TestTimer_A05(t *testing.T) {
	t.Parallel()
	scan := QRWait{Frame: previewFrame(), Left: Left{Seconds: 272, Of: 300}, Platform: Computer}
	s := newStage(t, newBrowser(t), scan)
	const shown = `[...document.querySelectorAll('.left')].filter(e => e.checkVisibility({ visibilityProperty: true })).map(e => e.textContent).join()`
	s.until(shown + ` === 'The code renews itself'`)
	if heard := s.heard(); strings.Contains(heard, "timer") {
		t.Errorf("there is a timer before there is a time:\n%s", heard)
	}
	scan.Left.Seconds = 41
	s.set(scan, 0)
	s.until(`/^\d+ s left$/.test(` + shown + `)`)
	if heard := s.heard(); !strings.Contains(heard, `timer "Time left"`) {
		t.Errorf("no timer with a name:\n%s", heard)
	}
}
