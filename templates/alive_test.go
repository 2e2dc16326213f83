package templates

import (
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// freezer is a TCP proxy that at times forwards nothing and closes nothing, as a network does that has gone away.
type freezer struct {
	mu     sync.Mutex
	thawed chan struct{} // closed while it forwards
}

// newFreezer returns a freezer and the address at which it stands for the server.
func newFreezer(t *testing.T, server string) (*freezer, string) {
	t.Helper()
	f := &freezer{thawed: make(chan struct{})}
	close(f.thawed)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	over := make(chan struct{})
	t.Cleanup(func() { close(over); listener.Close(); f.freeze(false); open.Wait() })
	open.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", strings.TrimPrefix(server, "http://"))
			if err != nil {
				near.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
				open.Go(func() { f.forward(way[0], way[1]) })
			}
			open.Go(func() { <-over; near.Close(); far.Close() })
		}
	})
	return f, "http://" + listener.Addr().String()
}

func (f *freezer) forward(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		f.mu.Lock()
		thawed := f.thawed
		f.mu.Unlock()
		<-thawed
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// freeze stops the forwarding, or lets it go on.
func (f *freezer) freeze(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.thawed:
		if on {
			f.thawed = make(chan struct{})
		}
	default:
		if !on {
			close(f.thawed)
		}
	}
}

var (
	aliveLeft = Left{Seconds: 272, Of: 300}
	aliveScan = QRWait{Frame: previewFrame(), Left: aliveLeft, Platform: Computer}
)

// frozen puts a freezer before the stage and opens the page through it.
func (s *stage) frozen() *freezer {
	s.t.Helper()
	f, address := newFreezer(s.t, s.url)
	s.url = address
	s.open()
	return f
}

const (
	veiled = `document.querySelector('#qr').classList.contains('stale') && +getComputedStyle(document.querySelector('#qr path')).opacity <= .15`
	lost   = `document.querySelector('#lost').checkVisibility()`
)

// covered lists what of the page's ways out cannot be clicked on as something lies over it.
const covered = `[...document.querySelectorAll('.exits button')].filter(b => {
	b.scrollIntoView({ block: 'nearest' })
	const box = b.getBoundingClientRect()
	return !b.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2))
}).map(b => b.textContent).join()`

// TestSilence: a connection that dies without a word is noticed. The code, which is no good then, is veiled; the words stand in
// its frame; and everything comes back by itself.
func TestSilence(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)

	t.Run("the code is veiled", func(t *testing.T) {
		s := newStage(t, browser, aliveScan)
		f := s.frozen()
		s.until(`!(` + veiled + `)`)
		f.freeze(true)
		s.until(veiled)
		s.until(lost + ` && document.querySelector('#qr').contains(document.querySelector('#lost'))`)
		s.until(text("#lost", "The connection was lost"))
		s.until(text("#status", "The connection was lost"))
		s.until(covered + ` === ''`)
		f.freeze(false)
		s.until(`!(` + veiled + `) && !` + lost)
		s.until(text("#status", "The connection is back"))
		before := s.listened()
		s.set(Progress{Step: StepConfirm, Device: OtherDevice, Platform: Computer, Left: aliveLeft}, 0)
		s.until(view("confirm"))
		if before < 2 {
			t.Errorf("%d streams: after the silence the page does not listen again", before)
		}
	})

	for name, v := range map[string]View{
		"in the app": Progress{Step: StepConfirm, Device: OtherDevice, Platform: Computer, Left: aliveLeft}, "at the choice": Choose{Platform: Phone},
	} {
		t.Run("the card says so "+name, func(t *testing.T) {
			s := newStage(t, browser, v)
			s.stay("beats")
			s.eventually("listens", func() bool { return s.listened() > 0 })
			before := s.listened() // more than one, if the machine stood still meanwhile
			f := s.frozen()
			s.eventually("listens", func() bool { return s.listened() > before })
			f.freeze(true)
			// Twenty seconds go by, or the lid was shut meanwhile: the clock has gone on.
			s.do(chromedp.Evaluate[chromedp.Void](`Date.now = (now => () => now() + late)(Date.now), window.late = 0, undefined`))
			s.until(`(late += 21000) && ` + lost + ` && document.querySelector('.card').contains(document.querySelector('#lost'))`)
			s.until(covered + ` === ''`)
			f.freeze(false)
			s.until(`!` + lost)
		})
	}

	t.Run("beats are no silence, and no frames", func(t *testing.T) {
		s := newStage(t, browser, aliveScan)
		s.stay("beats")
		s.until(veiled)
		s.until(text("#lost", "Getting a new code"))
		s.do(chromedp.Evaluate[chromedp.Void](`new MutationObserver(() => window.said = true).observe(document.querySelector('#status'), { childList: true })`))
		s.stay("")
		s.until(`!(` + veiled + `) && !` + lost)
		s.until(`!window.said`)
		if n := s.listened(); n != 1 {
			t.Errorf("%d streams, want the first to go on", n)
		}
	})

	t.Run("the large code is veiled", func(t *testing.T) {
		s := newStage(t, browser, aliveScan)
		s.do(chromedp.Click(chromedp.CSS("#qr")))
		s.until(`document.querySelector('#zoom').open`)
		s.stay("nothing")
		s.until(`document.querySelector('#zoom.stale #lost') && +getComputedStyle(document.querySelector('#zoom path')).opacity <= .15`)
		s.stay("")
		s.until(`!document.querySelector('#zoom.stale') && !` + lost)
	})

	t.Run("the browser knows of it", func(t *testing.T) {
		s := newStage(t, browser, aliveScan)
		s.until(`!(` + veiled + `)`)
		s.offline(true)
		s.until(veiled + ` && ` + lost)
		s.offline(false)
		s.until(`!(` + veiled + `) && !` + lost)
	})
}

// stay changes what the stage says each second.
func (s *stage) stay(hush string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hush = hush
}

// offline takes the network from the browser, or gives it back.
func (s *stage) offline(on bool) {
	s.t.Helper()
	rules := network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{}}
	if on {
		rules.MatchedNetworkConditions = append(rules.MatchedNetworkConditions, &network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
	}
	_, err := chromedp.Call(s.ctx, network.EmulateNetworkConditionsByRule, rules)
	if err == nil {
		_, err = chromedp.Call(s.ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: on, DownloadThroughput: -1, UploadThroughput: -1})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// TestFormsLeadBack: what leads back to the page is sent from it. Nothing is loaded, and the history has no more entries than before.
func TestFormsLeadBack(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	start := chromedp.CSS(`form[action$="/start"] button`)
	mark := chromedp.Evaluate[chromedp.Void](`window.entries = history.length`)
	const here = `window.entries === history.length`

	t.Run("to the code", func(t *testing.T) {
		s := newStage(t, browser, Choose{Platform: ScanOnly})
		s.late = 150 * time.Millisecond
		s.lead = &scripted{view: aliveScan}
		s.do(mark, chromedp.Click(start))
		s.until(view("qr-wait") + ` && document.activeElement.tagName === 'H1' && ` + here)
		s.until(text("#status", "scan the QR code"))
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.streams != 1 {
			t.Errorf("%d streams were opened, want the one that was there before the press", s.streams)
		}
	})
	t.Run("to the same again", func(t *testing.T) {
		v := Failed{Reason: ReasonUnavailable, Device: OtherDevice, Platform: Computer, Follows: true}
		s := newStage(t, browser, v)
		s.lead = &scripted{view: v}
		s.do(mark, chromedp.Evaluate[chromedp.Void](`window.old = document.querySelector('h1')`), chromedp.Click(start))
		s.until(`!old.isConnected && ` + view("failed-unavailable") + ` && ` + here)
		s.until(`document.querySelector('#alert').textContent && document.activeElement.matches('[data-focus]:not([aria-disabled])')`)
	})
	t.Run("to a page of its own, where the wait counts down", func(t *testing.T) {
		s := newStage(t, browser, Choose{Platform: ScanOnly})
		s.lead = &scripted{Failed{Reason: ReasonRateLimited, Device: OtherDevice, Platform: Computer, Wait: 6}, http.StatusTooManyRequests}
		s.do(chromedp.Click(start))
		s.until(view("failed-rateLimited"))
		s.until(`/Wait [1-5] second/.test(document.querySelector('[data-wait]').textContent)`) // a busy browser may not show each
		s.watchSubmits()
		s.do(chromedp.Click(start))
		s.until(`submits.join() === 'false'`)
		s.until(text(".lead", "You can try again now"))
		s.until(text("#status", "You can try again now"))
		s.lead.code = 0
		s.lead.view = aliveScan
		s.do(chromedp.Click(start))
		s.until(view("qr-wait"))
	})
	t.Run("nowhere, and the button says so and lives on", func(t *testing.T) {
		s := newStage(t, browser, Choose{Platform: ScanOnly})
		f := s.frozen()
		s.until(view("choose"))
		s.lead = &scripted{view: aliveScan}
		s.do(chromedp.Evaluate[chromedp.Void](`window.words = document.querySelector('form[action$="/start"] button').innerText`))
		f.freeze(true)
		s.do(chromedp.Click(start))
		button := `document.querySelector('form[action$="/start"] button')`
		s.until(button + `.innerText === 'One moment…' && ` + button + `.getAttribute('aria-disabled') === 'true'`)
		s.until(button + `.innerText === words && !` + button + `.hasAttribute('aria-disabled')`)
		s.do(chromedp.Click(start))
		f.freeze(false)
		s.until(view("qr-wait"))
	})
	t.Run("nothing moves where motion is unwanted", func(t *testing.T) {
		s := newStage(t, browser, Choose{Platform: ScanOnly})
		moves := `getComputedStyle(document.querySelector('button[data-busy]')).animationName`
		s.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('main button').dataset.busy = ''`))
		s.until(moves + ` === 'pulse'`)
		_, err := chromedp.Call(s.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
		if err != nil {
			t.Fatal(err)
		}
		s.until(moves + ` === 'none'`)
	})
}

// TestChooseFollows: a tab that stands at the choice, or at a failure, shows what is begun in another, and what was meanwhile when
// somebody looks at it again; while nobody does it asks for nothing.
func TestChooseFollows(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	for _, v := range []View{Choose{Platform: Computer}, Failed{Reason: "userCancel", Device: OtherDevice, Platform: Computer, Follows: true}} {
		t.Run(v.Key(), func(t *testing.T) {
			s := newStage(t, browser, v)
			s.set(aliveScan, 0)
			s.until(view("qr-wait"))
			s.set(v, 0)
			s.until(view(v.Key()))
			turn := func(away string) {
				s.do(chromedp.Evaluate[chromedp.Void](`Object.defineProperty(document, 'hidden', { configurable: true, value: ` + away + ` }), document.dispatchEvent(new Event('visibilitychange')), undefined`))
			}
			turn("true")
			s.eventually("nobody listens", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.listening == 0 })
			s.set(aliveScan, 0)
			turn("false")
			s.until(view("qr-wait"))
		})
	}
}

// TestPressLeadsOn: where the answer leads into an app it waits for the person, who may press again. What the script sends by itself
// says so, and what a person presses does not.
func TestPressLeadsOn(t *testing.T) {
	t.Parallel()
	browser := newBrowser(t)
	button := chromedp.CSS(`form[action$="/done"] button`)
	t.Run("into an app", func(t *testing.T) {
		s := newStage(t, browser, Complete{Press: true})
		s.until(`document.readyState === 'complete'`)
		for n := 1; n <= 2; n++ {
			s.do(chromedp.Click(button))
			s.eventually("done was posted", func() bool { return s.counted("/login/x/done") == n })
			s.until(`!document.querySelector('form[action$="/done"] button[aria-disabled]')`)
		}
		if got := s.posted("automatic"); got != "," {
			t.Errorf("the presses said %q, want that nothing is automatic", got)
		}
	})
	t.Run("when the first try led nowhere", func(t *testing.T) {
		s := newStage(t, browser, Complete{})
		s.eventually("done was posted", func() bool { return s.counted("/login/x/done") == 1 })
		s.until(`!document.querySelector('form[action$="/done"] button[aria-disabled]')`)
		s.do(chromedp.Click(button))
		s.eventually("done was posted again", func() bool { return s.counted("/login/x/done") == 2 })
		if got := s.posted("automatic"); got != "1," {
			t.Errorf("the forms said %q, want that the first alone was automatic", got)
		}
	})
}

// posted returns what the field had in each form that was posted.
func (s *stage) posted(field string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var values []string
	for _, form := range s.forms {
		values = append(values, form.Get(field))
	}
	return strings.Join(values, ",")
}
