package templates

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"brygga/web/browsertest"
)

// TestScript shows the page script to a real browser.
func TestScript(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	left := Left{Seconds: 272, Of: 300}
	scan := QRWait{Frame: previewFrame(), Left: left, Platform: Computer}
	confirm := Progress{Step: StepConfirm, Device: OtherDevice, Platform: Computer, Left: left}

	t.Run("U-11 U-19 A-02 A-05 A-11 RowA18 follows the login", func(t *testing.T) {
		s := newStage(t, browser, scan)
		next := scan
		next.Frame = NewFrame(41, func(x, y int) bool { return (x*y+x+3*y)%5 < 2 })
		next.Left.Seconds = 59
		s.set(next, 0)
		s.until(`document.querySelector('#qr path').getAttribute('d') === '` + QRPath(next.Frame.Bits, 41) + `'`)
		s.until(`/^5\d s left$/.test(document.querySelector('[role=timer]').textContent)`)
		s.until(text("#status", "Less than a minute"))
		s.set(confirm, 0)
		s.until(view("confirm"))
		s.until(`document.title === 'Confirm in the BankID app – Norrby kommun' && document.activeElement.tagName === 'H1'`)
		s.until(text("#status", "security code"))
		s.until(`!document.querySelector('#qr')`)
		s.set(Failed{Reason: "userCancel", Device: OtherDevice, Platform: Computer}, 0)
		s.until(view("failed-userCancel"))
		s.until(`document.activeElement.matches('button[data-focus]')`)
		s.until(text("#alert", "You cancelled in BankID"))
	})

	t.Run("U-07 A-02 A-07 a renewed order keeps the focus and says nothing", func(t *testing.T) {
		s := newStage(t, browser, AppWait{LaunchURL: s0("/launch?1"), Order: "1", Left: left, Platform: Phone})
		s.do(chromedp.Focus(chromedp.CSS("#launch")))
		s.set(AppWait{LaunchURL: s0("/launch?2"), Order: "2", Left: left, Platform: Phone}, 0)
		s.until(view("app-wait.2"))
		s.until(`document.activeElement.id === 'launch' && document.activeElement.href.endsWith('?2')`)
		s.until(`document.querySelector('#status').textContent === ''`)
	})

	t.Run("launches once for each order", func(t *testing.T) {
		s := newStage(t, browser, Starting{Device: ThisDevice, Platform: Phone})
		s.set(AppWait{LaunchURL: s.url + "/launch?1", Order: "1", AutoLaunch: true, Left: left, Platform: Phone}, 0)
		s.eventually("launched", func() bool { return s.counted("/launch?1") == 1 })
		if s.referrer != s.url+"/" {
			t.Errorf("the app is told %q of the page, want its origin alone", s.referrer)
		}
		s.until(`document.activeElement.tagName === 'H1' && document.querySelector('#launch').checkVisibility()`)
		s.reload()
		s.set(AppWait{LaunchURL: s.url + "/launch?preview", AutoLaunch: true, Left: left, Platform: Phone}, 0)
		s.until(`document.querySelector('#launch').href.endsWith('?preview')`)
		s.set(AppWait{LaunchURL: s.url + "/launch?2", Order: "2", AutoLaunch: true, Left: left, Platform: Phone}, 0)
		s.eventually("launched the next order", func() bool { return s.counted("/launch?2") == 1 })
		if n := s.counted("/launch?1"); n != 1 {
			t.Errorf("launched %d times for the first order", n)
		}
		if s.counted("/launch?preview") != 0 {
			t.Error("a preview was launched")
		}
	})

	t.Run("completes once", func(t *testing.T) {
		s := newStage(t, browser, confirm)
		s.watchSubmits()
		s.set(Complete{}, 0)
		s.eventually("done was posted", func() bool { return s.counted("/login/x/done") == 1 })
		s.do(chromedp.Click(chromedp.CSS("[data-submit] button")))
		s.until(`submits.join() === 'true,false'`)
	})

	t.Run("a second press does nothing", func(t *testing.T) {
		s := newStage(t, browser, Choose{Platform: Phone})
		s.watchSubmits()
		button := chromedp.CSS(`form[action$="/leave"] button`)
		s.do(chromedp.Click(button))
		s.eventually("leave was posted", func() bool { return s.counted("/login/x/leave") == 1 })
		s.do(chromedp.Click(button))
		s.until(`submits.join() === 'true,false'`)
		s.until(`document.querySelector('form[action$="/leave"] button').getAttribute('aria-disabled') === 'true'`)
	})

	for _, v := range []View{Choose{Platform: Phone}, Complete{}} {
		t.Run("a press that leads nowhere leaves a live button "+v.Key(), func(t *testing.T) {
			s := newStage(t, browser, v)
			const button = `document.querySelector('main form button')`
			s.do(chromedp.Evaluate[chromedp.Void](`addEventListener('submit', e => { e.preventDefault(); window.pressed = (window.pressed || 0) + 1 })`))
			s.do(chromedp.Evaluate[chromedp.Void](button + `.click(), undefined`))
			s.until(button + `.getAttribute('aria-disabled') === 'true'`)
			s.until(`!` + button + `.hasAttribute('aria-disabled')`)
			s.do(chromedp.Evaluate[chromedp.Void](`window.pressed = 0, ` + button + `.click(), undefined`))
			s.until(`window.pressed === 1 && ` + button + `.getAttribute('aria-disabled') === 'true'`)
			s.until(`document.querySelectorAll('[name=touch_points]').length < 2`)
		})
	}

	for name, press := range map[string][2]string{
		"pointer": {`new PointerEvent('pointerdown', { bubbles: true })`, `new PointerEvent('pointerup', { bubbles: true })`},
		"key":     {`new KeyboardEvent('keydown', { key: ' ', bubbles: true })`, `new KeyboardEvent('keyup', { key: ' ', bubbles: true })`},
	} {
		t.Run("what is pressed stays until it is let go of, by "+name, func(t *testing.T) {
			s := newStage(t, browser, scan)
			s.do(chromedp.Evaluate[chromedp.Void](`window.later = setTimeout, window.setTimeout = (f, ms, ...a) => later(f, ms === 1000 ? 1e6 : ms, ...a), undefined`)) // a long click
			s.do(chromedp.Evaluate[chromedp.Void](`window.parse = JSON.parse, JSON.parse = text => (window.heard = parse(text)), undefined`))
			s.do(chromedp.Evaluate[chromedp.Void](`window.stop = document.querySelector('form[action$="/cancel"] button'), stop.dispatchEvent(` + press[0] + `), undefined`))
			s.set(confirm, 0)
			next := confirm
			next.Left.Seconds = 58
			s.set(next, 0)
			s.until(`window.heard?.seconds === 58`)
			s.do(chromedp.Evaluate[chromedp.Void](`stop.dispatchEvent(` + press[1] + `); if (!stop.isConnected) throw new Error('it was gone before the click')`))
			s.until(view("confirm"))
			s.until(`/^5\d s left$/.test(document.querySelector('[role=timer]').textContent)`)
		})
	}

	t.Run("a press that is not let go of holds nothing up", func(t *testing.T) {
		s := newStage(t, browser, scan)
		s.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('#qr').dispatchEvent(new PointerEvent('pointerdown', { bubbles: true })), undefined`))
		s.set(confirm, 0)
		s.until(view("confirm"))
	})

	t.Run("A-04 A-07 enlarges the code", func(t *testing.T) {
		s := newStage(t, browser, scan)
		s.do(chromedp.Click(chromedp.CSS("#qr")))
		s.until(`document.querySelector('#zoom').open`)
		s.until(`document.querySelector('#zoom path').getAttribute('d') === document.querySelector('#qr path').getAttribute('d')`)
		s.do(chromedp.KeyEvent("\u001b"))
		s.until(`!document.querySelector('#zoom').open && document.activeElement.matches('[data-enlarge]')`)
		s.do(chromedp.KeyEvent("\r"))
		s.until(`document.querySelector('#zoom').open`)
		s.set(confirm, 0)
		s.until(view("confirm"))
		s.until(`!document.querySelector('#zoom').open && document.activeElement.tagName === 'H1'`)
	})

	t.Run("A-03 says when the code is not all on the screen", func(t *testing.T) {
		s := newStage(t, browser, scan)
		s.do(chromedp.EmulateViewport(360, 240))
		s.until(`!document.querySelector('.partly').hidden`)
		s.until(text("#status", "off the screen"))
		s.do(chromedp.EmulateViewport(1280, 900))
		s.until(`document.querySelector('.partly').hidden`)
	})

	t.Run("asks when events are refused", func(t *testing.T) {
		s := newStage(t, browser, Starting{Device: OtherDevice, Platform: Computer})
		s.mu.Lock()
		s.noSSE = true
		s.mu.Unlock()
		s.reload()
		s.set(confirm, 0)
		s.until(view("confirm"))
		s.eventually("the page says how long it has been looked at", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.looking) == 0 {
				return false
			}
			seconds, err := strconv.Atoi(s.looking[len(s.looking)-1])
			return err == nil && seconds > 1
		})
	})

	t.Run("U-12 says when there is no contact, and goes on when there is", func(t *testing.T) {
		s := newStage(t, browser, scan)
		s.set(scan, http.StatusServiceUnavailable)
		s.until(`!document.querySelector('#lost').hidden`)
		s.until(text("#lost", "The connection was lost"))
		s.set(confirm, 0)
		s.until(view("confirm"))
		s.until(`document.querySelector('#lost').hidden`)
	})

	for _, code := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusGone} {
		t.Run(fmt.Sprint("U-12 stops at ", code), func(t *testing.T) {
			s := newStage(t, browser, scan)
			s.set(Notice{Kind: NoticeExpired}, code)
			s.until(view("expired"))
			s.until(`document.title.startsWith('This login has expired')`)
		})
	}
}

// s0 is an address that is not followed.
func s0(path string) string { return "http://127.0.0.1:9" + path }

// TestScriptDoesNotReloadForEver: a page that still looks alive while its status is gone is loaded anew once and no more.
func TestScriptDoesNotReloadForEver(t *testing.T) {
	t.Parallel()
	s := newStage(t, newBrowser(t), Starting{Device: OtherDevice, Platform: Computer})
	s.set(Starting{Device: OtherDevice, Platform: Computer}, http.StatusGone)
	s.until(`history.state === 'stopped'`)
	s.until(`performance.getEntriesByType('navigation')[0].type === 'reload'`)
	s.eventually("asked again after the reload", func() bool { return s.listened() >= 2 })
	s.do(chromedp.Evaluate[chromedp.Void](`window.marked = true`))
	s.do(chromedp.Sleep(300 * time.Millisecond))
	s.until(`window.marked`)
}

// TestWithoutScript: without the script the code is on the page and the page refreshes itself to the next view.
func TestWithoutScript(t *testing.T) {
	t.Parallel()
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), browsertest.Options(chromedp.Flag("blink-settings", "scriptEnabled=false"))...)
	t.Cleanup(cancel)
	browser, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	s := newStage(t, browser, QRWait{Frame: previewFrame(), Left: Left{Seconds: 272, Of: 300}, Platform: Computer})
	holds := func(want string) func() bool {
		return func() bool {
			page, err := chromedp.Run(s.ctx, chromedp.OuterHTML(chromedp.CSS("html")))
			return err == nil && strings.Contains(page, want)
		}
	}
	s.eventually("the code is on the page", holds(QRPath(previewFrame().Bits, 41)))
	s.set(Complete{}, 0)
	s.eventually("the page refreshed itself", holds(`data-view="complete"`))
	s.do(chromedp.Click(chromedp.CSS(".button")))
	s.eventually("done was posted", func() bool { return s.counted("/login/x/done") == 1 })
}
