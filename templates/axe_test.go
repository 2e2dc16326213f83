package templates

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// axeFile is axe-core, which `make needs` installs.
const axeFile = "testdata/axe/node_modules/axe-core/axe.min.js"

// judge shows a page, with everything on it that the script may show, and returns what axe-core holds against it: as it stands,
// and with the enlarged code over it where there is one.
const judge = `async page => {
  document.open()
  document.write(page)
  document.close()
  if (document.readyState !== 'complete') await new Promise(done => addEventListener('load', done, { once: true }))
  for (const e of document.querySelectorAll('[hidden]')) e.hidden = false
  const lost = document.querySelector('#lost span')
  if (lost) lost.textContent = document.body.dataset.lost
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice', 'experimental']
  const faults = []
  const run = async where => {
    const found = await axe.run(document, { runOnly: tags, resultTypes: ['violations'], preload: false, iframes: false })
    for (const rule of found.violations) for (const node of rule.nodes) {
      faults.push(where + rule.id + ' at ' + node.target.join(' ') + ': ' + node.failureSummary.replace(/\s+/g, ' '))
    }
  }
  await run('')
  if (document.querySelector('#qr')) {
    document.querySelector('#zoom').showModal()
    await run('enlarged, ')
  }
  return faults
}`

// axeAll is the variable that has every state judged in each theme, width and language; without it a state is judged in two of the
// eight combinations, which have nothing in common and are others for its neighbours.
const axeAll = "BRYGGA_TEST_AXE_ALL"

// TestAxe_A16: axe-core finds nothing in any state, language and theme, on a narrow and on a wide page.
func TestAxe_A16(t *testing.T) {
	t.Parallel()
	axe, err := os.ReadFile(axeFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Fatal("axe-core is not there; run make needs")
	} else if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, ok := Assets()[strings.TrimPrefix(r.URL.Path, AssetPrefix)]; ok {
			w.Header().Set("Content-Type", a.ContentType)
			w.Header().Set("Cache-Control", "max-age=3600")
			w.Write(a.Body)
		}
	}))
	t.Cleanup(server.Close)
	browser := newBrowser(t)
	for _, theme := range []string{"light", "dark"} {
		t.Run(theme, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := chromedp.NewContext(browser)
			t.Cleanup(cancel)
			j := axeJudge{t: t, ctx: ctx}
			j.open(server.URL, theme, string(axe))
			if faults := j.faults(`<!DOCTYPE html><title>x</title><img src="x"><button></button><button aria-label="Yes">No</button>`); len(faults) < 4 {
				t.Fatalf("finds only %q in a page that breaks the rules", faults)
			}
			all := os.Getenv(axeAll) != ""
			for i, width := range []int64{320, 1280} {
				j.width(width)
				for k, l := range Languages() {
					combination := 4*k + 2*i + len(theme)%2 // 0 to 7; its opposite is 7 less it
					j.states(l.Tag, width, func(n int) bool { return all || n%8 == combination || n%8 == 7-combination })
				}
			}
			t.Logf("%d pages", j.judged)
		})
	}
}

// axeJudge is a tab of the browser with axe-core in it.
type axeJudge struct {
	t      *testing.T
	ctx    context.Context
	judged int
}

func (j *axeJudge) open(address, theme, axe string) {
	j.t.Helper()
	media := chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
		})
		return err
	})
	err := chromedp.Do(j.ctx, media, chromedp.Navigate(address), chromedp.Evaluate[chromedp.Void](axe+";window.judge = "+judge+";0"))
	if err != nil {
		j.t.Fatal(err)
	}
}

func (j *axeJudge) width(css int64) {
	j.t.Helper()
	if err := chromedp.Do(j.ctx, chromedp.EmulateViewport(css, 900)); err != nil {
		j.t.Fatal(err)
	}
}

// script is the page's own, which would follow a login that is not there and open the app.
var script = regexp.MustCompile(`<script [^>]*></script>`)

// states judges those states of the preview that are taken.
func (j *axeJudge) states(lang string, width int64, taken func(n int) bool) {
	j.t.Helper()
	for n, s := range Preview(lang) {
		if !taken(n) {
			continue
		}
		j.judged++
		for _, fault := range j.faults(script.ReplaceAllString(doc(j.t, s.Page, s.View), "")) {
			j.t.Errorf("%s %s, %d wide: %s", lang, s.Name, width, fault)
		}
	}
}

func (j *axeJudge) faults(page string) []string {
	j.t.Helper()
	ctx, cancel := context.WithTimeout(j.ctx, 30*time.Second)
	defer cancel()
	quoted, err := json.Marshal(page)
	if err != nil {
		j.t.Fatal(err)
	}
	faults, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](fmt.Sprintf("judge(%s)", quoted), chromedp.EvalAwaitPromise))
	if err != nil {
		j.t.Fatal(err)
	}
	return faults
}
