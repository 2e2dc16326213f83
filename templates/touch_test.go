package templates

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestTabletThatSaysMac_U13: a page that takes a tablet for a computer says how many fingers the screen feels, and shows the
// tablet's choices without taking the focus or saying anything. What a Mac says changes nothing.
func TestTabletThatSaysMac_U13(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+AssetPrefix+"{name}", func(w http.ResponseWriter, r *http.Request) {
		a := Assets()[r.PathValue("name")]
		w.Header().Set("Content-Type", a.ContentType)
		w.Write(a.Body)
	})
	mux.HandleFunc("GET /login/x", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		Document(stagePage, Choose{Platform: Computer}).Render(r.Context(), w)
	})
	mux.HandleFunc("GET /login/x/status", func(w http.ResponseWriter, r *http.Request) {
		on := Computer
		if r.URL.Query().Get("touch_points") == "5" {
			on = Tablet
		}
		u, _ := NewUpdate(r.Context(), stagePage, Choose{Platform: on})
		json.NewEncoder(w).Encode(u)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.CloseClientConnections)
	browser := newBrowser(t)
	open := func(points int64) *stage {
		ctx, cancel := chromedp.NewContext(browser)
		t.Cleanup(cancel)
		s := &stage{t: t, ctx: ctx, url: server.URL}
		err := chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			source := fmt.Sprintf(`Object.defineProperty(navigator, 'platform', { value: 'MacIntel' })
				Object.defineProperty(navigator, 'maxTouchPoints', { value: %d })`, points)
			_, err := cdp.Call(ctx, target, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: source})
			return err
		}), chromedp.Navigate(server.URL+"/login/x"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	tablet := open(5)
	tablet.until(view("choose.tablet"))
	tablet.until(text("main", "on this tablet"))
	tablet.until(`document.activeElement === document.body && document.querySelector('#status').textContent === ''`)
	mac := open(0)
	mac.until(`performance.getEntriesByType('resource').some(e => e.name.includes('/status') && e.name.includes('touch_points=0'))`)
	mac.until(view("choose"))
}
