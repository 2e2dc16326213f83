package templates

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// listening notes in the page what a screen reader would say by itself: what takes the focus, and what the live regions get.
const listening = `(() => {
  const clean = text => text.replace(/\u00AD/g, '').replace(/\s+/g, ' ').trim()
  const roles = { H1: 'heading', BUTTON: 'button', A: 'link' }
  window.said = []
  document.addEventListener('focusin', e => said.push(['focus', roles[e.target.tagName] + ' "' + clean(e.target.textContent) + '"']))
  for (const id of ['status', 'alert']) {
    const region = document.getElementById(id)
    new MutationObserver(() => { if (region.textContent) said.push([id, region.textContent]) }).observe(region, { childList: true })
  }
})()`

// pieces lists what there is to say of the view that is shown: its heading, and all that is marked to be said.
const pieces = `[document.querySelector('h1').textContent, ...[...document.querySelectorAll('main [data-say]')].map(e => e.dataset.say || e.textContent)]`

// TestSaid_A02_A17 goes through whole logins and holds what a screen reader says at each change against a golden file: the heading or,
// after a failure, the next step by taking the focus, and the rest in a live region, each once and nothing left out.
func TestSaid_A02_A17(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	for _, journey := range []struct {
		name   string
		states func(lang string) []string
	}{
		{"qr", func(string) []string {
			return []string{"choose-computer", "starting-qr", "qr-wait", "started-qr", "confirm-qr", "complete"}
		}},
		{"phone", func(string) []string {
			return []string{"choose-phone", "starting-device", "app-wait-device", "started-device", "confirm-device", "await-return-phone", "complete"}
		}},
		{"computer", func(string) []string {
			return []string{"choose-computer", "starting-device", "app-wait-computer", "started-computer", "confirm-computer", "processing-computer", "complete"}
		}},
		{"checks", func(string) []string {
			return []string{"starting-qr", "call-confirm-qr", "mrtd-qr", "face-qr", "step-up-qr", "in-progress", "notice-other-tab", "notice-already-done"}
		}},
		{"failures", failedStates},
	} {
		for _, l := range Languages() {
			t.Run(journey.name+"-"+l.Tag, func(t *testing.T) {
				t.Parallel()
				states := map[string]State{}
				for _, s := range Preview(l.Tag) {
					states[s.Name] = s
				}
				names := journey.states(l.Tag)
				first := states[names[0]]
				first.Page.BasePath = stagePage.BasePath
				s := newStageOf(t, browser, first.Page, first.View)
				s.do(chromedp.EmulateViewport(1280, 900))
				script := s.opened(names[0])
				for _, name := range names[1:] {
					v := states[name].View
					change := func() { s.set(v, 0) }
					if starting, ok := v.(Starting); ok {
						change = s.press(starting)
					}
					if failed, ok := v.(Failed); ok {
						failed.Follows = true // and so goes on to what comes next
						v = failed
					}
					script += s.said(name, v, change)
					switch v.(type) {
					case Failed:
						s.said("another try", first.View, func() { s.set(first.View, 0) })
					case Notice:
						s.set(first.View, 0)
						s.reload()
						s.opened(names[0])
					}
				}
				compareScript(t, "said-"+journey.name+"-"+l.Tag+".txt", script)
			})
		}
	}
}

// failedStates lists each failure once, after the state that it comes from.
func failedStates(lang string) []string {
	names, seen := []string{"starting-qr"}, map[string]bool{}
	for _, s := range Preview(lang) {
		if v, ok := s.View.(Failed); ok && (!seen[v.Key()] || v.Wait > 0 || v.Final) {
			seen[v.Key()] = true
			names = append(names, s.Name)
		}
	}
	return names
}

// opened waits for the page to be open and returns what is said then.
func (s *stage) opened(name string) string {
	s.t.Helper()
	s.do(chromedp.Evaluate[chromedp.Void](listening + `, undefined`))
	title, err := chromedp.Run(s.ctx, chromedp.Evaluate[string](`document.title`))
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf("== %s\npage: %q\n", name, title)
}

// press returns what presses the button that starts an order, by key.
func (s *stage) press(leadsTo Starting) func() {
	s.t.Helper()
	s.mu.Lock()
	s.lead = &scripted{view: leadsTo}
	s.mu.Unlock()
	s.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('form:has([name=device][value=` + string(leadsTo.Device) + `]) button').focus(), undefined`))
	return func() { s.do(chromedp.KeyEvent("\r")) }
}

// said returns what is said when the view changes to v.
func (s *stage) said(name string, v View, change func()) string {
	s.t.Helper()
	s.do(chromedp.Evaluate[chromedp.Void](`said.length = 0, undefined`))
	change()
	s.until(view(v.Key()))
	s.until(`said.some(([where]) => where === 'focus') && said.some(([where]) => where !== 'focus')`)
	said, err := chromedp.Run(s.ctx, chromedp.Evaluate[[][]string](`said`))
	if err != nil {
		s.t.Fatal(err)
	}
	parts, err := chromedp.Run(s.ctx, chromedp.Evaluate[[]string](pieces))
	if err != nil {
		s.t.Fatal(err)
	}
	script, all := "== "+name+"\n", ""
	for _, line := range said {
		script += line[0] + ": " + line[1] + "\n"
		all += line[1] + "\n"
	}
	for _, part := range parts {
		part = strings.ReplaceAll(part, softHyphen, "")
		if n := strings.Count(all, part); n != 1 {
			s.t.Errorf("%s: %q is said %d times in\n%s", name, part, n, script)
		}
	}
	if strings.Contains(all, softHyphen) {
		s.t.Errorf("%s: says a soft hyphen", name)
	}
	return script
}

// TestToldMeanwhile_A03_A05_A17 holds what is told while the code stands, without the focus being taken: that a part of it is off the
// screen, that contact is lost and back, that there is little time left.
func TestToldMeanwhile_A03_A05_A17(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	for _, l := range Languages() {
		t.Run(l.Tag, func(t *testing.T) {
			t.Parallel()
			scan := QRWait{Frame: previewFrame(), Left: Left{Seconds: 272, Of: 300}, Platform: Computer}
			late := scan
			late.Left.Seconds = 58
			p := stagePage
			p.Lang = l.Tag
			s := newStageOf(t, browser, p, scan)
			s.do(chromedp.EmulateViewport(1280, 900))
			script := s.opened("qr-wait")
			script += s.told("scrolled", func() { s.do(chromedp.EmulateViewport(360, 240)) })
			script += s.told("whole again", func() { s.do(chromedp.EmulateViewport(1280, 900)) })
			script += s.told("contact lost", func() { s.set(scan, http.StatusServiceUnavailable) })
			script += s.told("contact back", func() { s.set(scan, 0) })
			script += s.told("the last minute", func() { s.set(late, 0) })
			compareScript(t, "told-"+l.Tag+".txt", script)
		})
	}
}

// told returns what is said because of what happens.
func (s *stage) told(name string, happens func()) string {
	s.t.Helper()
	s.do(chromedp.Evaluate[chromedp.Void](`said.length = 0, undefined`))
	happens()
	s.until(`said.length > 0`)
	said, err := chromedp.Run(s.ctx, chromedp.Evaluate[[][]string](`said`))
	if err != nil || len(said) != 1 {
		s.t.Fatalf("%s: %q (error %v)", name, said, err)
	}
	return "== " + name + "\n" + said[0][0] + ": " + said[0][1] + "\n"
}
