package console

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"brygga/storage"
)

// focused says what has the focus: whether it is the body, whether its outline shows, whether it is the skip link on the screen, and how many can have it.
const focused = `(() => {
  const e = document.activeElement, style = getComputedStyle(e), at = e.getBoundingClientRect()
  e.seen = (e.seen || 0) + 1
  return JSON.stringify({ Body: e === document.body, Outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2, Skip: e.className === 'skip' && at.top >= 0, Main: e.id === 'main', Times: e.seen, Name: e.outerHTML.slice(0, 120) })
})()`

type focus struct {
	Body, Outlined, Skip, Main bool
	Times                      int
	Name                       string
}

// TestKeyboard walks pages by Tab: the link past the navigation comes first and is seen, everything that can have the focus shows it, and nothing keeps
// it.
func TestKeyboard(t *testing.T) {
	s := newSite(t)
	owner := s.as(storage.RoleOwner)
	tab := newTab(t, s.server.URL+"/admin/login")
	for _, path := range []string{"", "events", "clients/app/connection", "account", "help/logins"} {
		page, err := json.Marshal(owner.get(path).body)
		s.ok(err)
		run(tab, t, chromedp.Evaluate[chromedp.Void]("document.open(), document.write("+string(page)+"), document.close(), 0"))
		run(tab, t, chromedp.Evaluate[chromedp.Void](`new Promise(done => setTimeout(done, 300))`, chromedp.EvalAwaitPromise))
		seen := 0
		for ; seen < 300; seen++ {
			f := pressKey(t, tab, kb.Tab)
			if f.Body { // the end of the page
				break
			}
			if f.Times > 12 { // a field for a time has several stops
				t.Fatalf("%s: the focus stays at %s", path, f.Name)
			}
			if seen == 0 && !f.Skip {
				t.Errorf("%s: first comes %s", path, f.Name)
			}
			if !f.Outlined && f.Times == 1 { // its other stops are the browser's own
				t.Errorf("%s: the focus does not show on %s", path, f.Name)
			}
		}
		if seen < 10 || seen == 300 {
			t.Errorf("%s: %d have had the focus when it ended", path, seen)
		}
	}
}

func pressKey(t *testing.T, tab context.Context, key string) (f focus) {
	t.Helper()
	run(tab, t, chromedp.KeyEvent(key))
	ctx, cancel := context.WithTimeout(tab, time.Minute)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](focused))
	if err == nil {
		err = json.Unmarshal([]byte(text), &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}
