package console

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"brygga/storage"
	"brygga/web/browsertest"
)

// axeFile is axe-core, which `make needs` installs.
const axeFile = "../../templates/testdata/axe/node_modules/axe-core/axe.min.js"

// The variables that have every page judged in each theme, width and language, and that name a directory for pictures of them.
const (
	axeAll   = "BRYGGA_TEST_AXE_ALL"
	pictures = "BRYGGA_TEST_PICTURES"
)

// judge shows a page and returns what axe-core holds against it, and whether something is wider than the screen.
const judge = `async page => {
  document.open()
  document.write(page)
  document.close()
  if (document.readyState !== 'complete') await new Promise(done => addEventListener('load', done, { once: true }))
  while (![...document.querySelectorAll('link[rel=stylesheet]')].every(link => link.sheet)) await new Promise(next => setTimeout(next, 10))
  for (const details of document.querySelectorAll('details')) details.open = true
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice', 'experimental']
  const found = await axe.run(document, { runOnly: tags, resultTypes: ['violations'], preload: false, iframes: false })
  const faults = found.violations.flatMap(rule => rule.nodes.map(node => rule.id + ' at ' + node.target.join(' ') + ': ' + node.failureSummary.replace(/\s+/g, ' ')))
  const wide = document.scrollingElement.scrollWidth - innerWidth
  if (wide > 0) faults.push('is ' + wide + ' pixels wider than the screen')
  return faults
}`

// TestAxe: axe-core finds nothing on any page, in both languages and themes, on a narrow and on a wide screen. Without the variable a page is judged in
// two of the eight combinations, which have nothing in common and are others for its neighbours.
func TestAxe(t *testing.T) {
	axe, err := os.ReadFile(axeFile)
	if err != nil {
		t.Fatalf("axe-core is not there; run make needs: %v", err)
	}
	s := newSite(t)
	s.operator(storage.RoleOwner)
	tab := newTab(t, s.server.URL+"/admin/login")
	run(tab, t, chromedp.Evaluate[chromedp.Void](string(axe)+";window.judge = "+judge+";0"))
	if faults := faultsOf(t, tab, `<!DOCTYPE html><title>x</title><img src="x"><button></button>`); len(faults) < 3 {
		t.Fatalf("finds only %q in a page that breaks the rules", faults)
	}
	all, dir, combination := os.Getenv(axeAll) != "", os.Getenv(pictures), 0
	for _, theme := range []string{"light", "dark"} {
		run(tab, t, emulate(theme))
		for _, width := range []int64{320, 1280} {
			run(tab, t, chromedp.EmulateViewport(width, 900))
			for _, lang := range languages {
				owner := s.browser()
				owner.post("login", "user", "owner", "password", password)
				for n, l := range looked() {
					if !all && n%8 != combination && n%8 != 7-combination {
						continue
					}
					page := l.see(owner, lang)
					name := fmt.Sprintf("%s, %s, %s, %d wide", l.name, lang, theme, width)
					for _, fault := range faultsOf(t, tab, page.body) {
						t.Errorf("%s: %s", name, fault)
					}
					if dir != "" {
						picture(t, tab, filepath.Join(dir, strings.NewReplacer(", ", "-", " ", "-").Replace(name)+".png"))
					}
				}
				combination++
			}
		}
	}
}

// see opens the page in that language, as the owner or as who is not logged in.
func (l look) see(owner *browser, lang string) shown {
	owner.Helper()
	b := owner
	if l.out {
		b = owner.browser()
	}
	b.setCookie("brygga-console-lang", lang)
	page := l.open(b)
	if page.heading() == "" || strings.Contains(page.body, textIn(lang, "notice.fault")) {
		owner.Errorf("%s: status %d, heading %q", l.name, page.StatusCode, page.heading())
	}
	return page
}

// newTab opens the address in a browser.
func newTab(t *testing.T, address string) context.Context {
	t.Helper()
	alloc, end := chromedp.NewExecAllocator(context.Background(), browsertest.Options()...)
	t.Cleanup(end)
	ctx, endTab := chromedp.NewContext(alloc)
	t.Cleanup(endTab)
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	return ctx
}

func run(ctx context.Context, t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// emulate shows pages in a theme, without motion.
func emulate(theme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
		})
		return err
	})
}

func faultsOf(t *testing.T, tab context.Context, page string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	defer cancel()
	quoted, err := json.Marshal(page)
	if err != nil {
		t.Fatal(err)
	}
	faults, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](fmt.Sprintf("judge(%s)", quoted), chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return faults
}

func picture(t *testing.T, tab context.Context, file string) {
	t.Helper()
	png, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(file, png, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
