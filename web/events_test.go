package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"brygga/bankid/bankidsim"
	"brygga/storage"
	"brygga/templates"
)

// listener is an event stream that is being read.
type listener struct {
	t *testing.T
	*http.Response
	lines *bufio.Scanner
}

// listen opens an event stream; it may be refused.
func (b *browser) listen(path string) *listener {
	b.t.Helper()
	if !strings.Contains(path, "/events") {
		path += "/events"
	}
	r, err := http.NewRequestWithContext(b.t.Context(), "GET", b.url+path, nil)
	must(b.t, err)
	r.Header.Set("User-Agent", b.agent)
	answer, err := b.http.Do(r)
	must(b.t, err)
	b.t.Cleanup(func() { answer.Body.Close() })
	return &listener{b.t, answer, bufio.NewScanner(answer.Body)}
}

// next returns the next event, or io.EOF at the end.
func (l *listener) next() (templates.Update, error) {
	l.t.Helper()
	for l.lines.Scan() {
		if data, ok := strings.CutPrefix(l.lines.Text(), "data: "); ok {
			var u templates.Update
			must(l.t, json.Unmarshal([]byte(data), &u))
			return u, nil
		}
	}
	if err := l.lines.Err(); err != nil {
		return templates.Update{}, err
	}
	return templates.Update{}, io.EOF
}

// until reads on to an event of the view.
func (l *listener) until(view string) templates.Update {
	l.t.Helper()
	for {
		u, err := l.next()
		if err != nil {
			l.t.Fatalf("stream ended before %q: %v", view, err)
		}
		if u.View == view {
			return u
		}
	}
}

// end demands that nothing but the end follows.
func (l *listener) end() {
	l.t.Helper()
	if u, err := l.next(); err != io.EOF {
		l.t.Errorf("after the final state came %q, %v", u.View, err)
	}
}

// A stream outlives the server's time-outs, shows a new frame each second, and ends with the login.
func TestEvents_U03_U04_U11_T06_RowA16(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, func(s *settings) {
		s.server.ReadTimeout, s.server.WriteTimeout = time.Second, time.Second
	}).browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "other")
	events := b.listen(path)
	if kind := events.Header.Get("Content-Type"); kind != "text/event-stream" || events.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("stream of type %q, cache %q", kind, events.Header.Get("Cache-Control"))
	}
	first, err := events.next()
	must(t, err)
	if first.View != "qr-wait" || first.HTML == "" || first.Title == "" || first.QR == "" || first.Seconds == nil {
		t.Fatalf("first event: %+v", first)
	}
	frames := map[string]bool{readQR(t, first): true}
	var last string
	for len(frames) < 3 {
		u, err := events.next()
		must(t, err)
		if u.HTML != "" {
			t.Fatal("the HTML was sent again for a new frame")
		}
		if u.QR != "" {
			last = readQR(t, u)
			if frames[last] {
				t.Error("a frame was sent twice")
			}
			frames[last] = true
		}
	}
	order, err := b.peer.Scan(bankidsim.Pickup{QR: last, PersonalNumber: b.peer.person(t)})
	must(t, err)
	if u := events.until("confirm"); u.HTML == "" || u.QR != "" || strings.Contains(u.HTML, `id="qr"`) {
		t.Error("the code is still there after it was scanned")
	}
	b.sign(order)
	if u := events.until("complete"); !strings.Contains(u.HTML, path+"/done") {
		t.Error("the complete view has no form")
	}
	b.post(path + "/done")
	events.until("complete.press")
	b.redeem(path)
	events.until("already-done")
	events.end()
}

// counted is a store that counts how often logins are read.
type counted struct {
	storage.Store
	reads atomic.Int64
}

func (c *counted) Login(ctx context.Context, id string, now time.Time) (*storage.Login, error) {
	c.reads.Add(1)
	return c.Store.Login(ctx, id, now)
}

// An open page costs the store nothing while nothing happens: frames come from the login that the stream has.
func TestStreamsReadNothing(t *testing.T) {
	t.Parallel()
	store := new(counted)
	b := newHouse(t, shared, func(s *settings) { store.Store, s.engine.Store = s.engine.Store, store }).browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "other")
	events := b.listen(path)
	events.until("qr-wait")
	for range 2 { // a hint code may come in between, which wakes the stream
		_, err := events.next()
		must(t, err)
	}
	before := store.reads.Load()
	for range 3 {
		if u, err := events.next(); err != nil || u.QR == "" {
			t.Fatalf("instead of a frame came %+v, %v", u, err)
		}
	}
	if reads := store.reads.Load() - before; reads > 0 {
		t.Errorf("three frames took %d reads of the login", reads)
	}
}

// The way back from the app opens a new tab; the old one leaves the answer to it.
func TestEventsOfTwoTabs(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(iPhone)
	path := b.begin("app")
	order := b.open(path)
	old := b.listen(path)
	order = b.sign(order)
	for b.login(path).State != storage.LoginComplete {
		time.Sleep(20 * time.Millisecond)
	}
	b.get(*order.ReturnURL)
	old.until("other-tab")
	old.end()
	fresh := b.listen(path)
	fresh.until("complete")
	b.post(path + "/done")
	b.redeem(path)
	fresh.until("already-done")
	fresh.end()
}

// A page that polls leaves the answer to the tab of the return too, as far as it says how long it has been looked at. What it says
// beyond reason is not believed, and who says nothing has just begun to look.
func TestPollingOfTwoTabs(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(iPhone)
	path := b.begin("app")
	order := b.sign(b.open(path))
	b.await(path, "await-return")
	b.get(*order.ReturnURL)
	b.ahead.Add(int64(10 * time.Second))
	for looking, want := range map[string]string{
		"60": "other-tab", "5": "complete", "0": "complete", "": "complete", "-60": "complete", "1e9": "complete", "99999999999": "complete", "60000": "other-tab",
	} {
		if u := b.status(path + "/status?looking=" + looking); u.View != want {
			t.Errorf("after looking for %q seconds the page shows %s, want %s", looking, u.View, want)
		}
	}
	again := b.listen(path + "/events?looking=60")
	again.until("other-tab")
	again.end()
	if page := b.get(path); !page.has(`data-view="complete"`) {
		t.Error("the page of the return does not go on")
	}
}

func TestEventsAreLimited(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, func(s *settings) { s.web.MaxStreams = 5 })
	one, two := h.browser(windowsPC), h.browser(windowsPC)
	open := func(b *browser) string {
		path := b.begin("app")
		b.post(path+"/start", "device", "other")
		return path
	}
	pathOne, pathTwo := open(one), open(two)
	var held []*listener
	for range 4 {
		held = append(held, one.listen(pathOne))
	}
	if fifth := one.listen(pathOne); fifth.StatusCode != 429 || fifth.Header.Get("Retry-After") == "" {
		t.Errorf("fifth stream of a login = %d", fifth.StatusCode)
	}
	two.listen(pathTwo)
	if sixth := two.listen(pathTwo); sixth.StatusCode != 429 {
		t.Errorf("one stream too many in all = %d", sixth.StatusCode)
	}
	// A place is free again when a stream has ended.
	held[0].Body.Close()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		again := one.listen(pathOne)
		if again.StatusCode == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the place of a stream that ended is not free")
		}
	}
}

func TestEventsEndAtShutdown(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	b := h.browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "other")
	events := b.listen(path)
	events.until("qr-wait")
	must(t, h.server.Config.Shutdown(t.Context()))
	for {
		if _, err := events.next(); err != nil {
			if err != io.EOF {
				t.Errorf("the stream ended with %v", err)
			}
			return
		}
	}
}

// A page that stands at the choice, or where a login has failed, follows what is done in another tab. One that has looked is none that
// holds an order, or that anything is renewed for.
func TestEventsOfIdleViews(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	path := b.begin("app")
	events := b.listen(path)
	events.until("choose")
	b.post(path+"/start", "device", "other")
	events.until("qr-wait")
	b.post(path + "/cancel")
	events.until("failed-stopped")
	b.post(path+"/start", "device", "other", "first", "1")
	events.until("qr-wait")
	for range 5 { // one more than there may be streams: HEAD is none
		if answer := b.do("HEAD", path+"/events", "", ""); answer.status != 200 {
			t.Errorf("HEAD = %d", answer.status)
		}
	}
	b.listen(path).until("qr-wait")
}

// A stream keeps the choices of the browser that it is for: what it chose last, and what fingers its screen feels.
func TestEventsOfTheChoice_U13(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(iPadAsMac)
	path := b.begin("app")
	b.http.Jar.SetCookies(mustURL(t, b.url), []*http.Cookie{{Name: "brygga-choice", Value: "this"}})
	u := b.listen(path + "/events?view=choose&touch_points=5").until("choose.tablet")
	if !strings.Contains(u.HTML, "som förra gången") {
		t.Errorf("the stream forgets the last choice:\n%s", u.HTML)
	}
	tablet := b.browser("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36")
	other := tablet.begin("app")
	if page := tablet.get(other); page.has(`value="this"`) {
		t.Error("Linux is offered an app that it has not")
	}
	if u := tablet.listen(other + "/events?view=choose&touch_points=5").until("choose.tablet"); !strings.Contains(u.HTML, `value="this"`) {
		t.Errorf("a tablet that says it is Linux is offered the code alone:\n%s", u.HTML)
	}
	tablet.post(other+"/start", "device", "this", "touch_points", "5", "first", "1")
	if u := tablet.status(other); u.View != "app-wait.1" || !strings.Contains(u.HTML, `href="bankid:///?`) || strings.Contains(u.HTML, "data-autolaunch") {
		t.Errorf("it is shown %s:\n%s", u.View, u.HTML)
	}
	if u, err := b.listen(path + "/events?view=choose&touch_points=0").next(); err != nil || u.View != "choose" || u.HTML != "" {
		t.Errorf("a Mac is told %+v, %v", u, err)
	}
}

// TestBeats: where there is nothing to tell, an event says so that scripts can hear: after two seconds where a code is awaited, after
// ten elsewhere.
func TestBeats(t *testing.T) {
	t.Parallel()
	for device, want := range map[string]time.Duration{"other": 2 * time.Second, "this": 10 * time.Second} {
		t.Run(device, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := setOut(t, setting{agents: [2]string{windowsPC, iPhone}, addresses: [2]string{attackersAddress, victimsAddress}})
				defer w.end()
				w.step(step{do: "start", who: 0, device: device})
				w.service.mu.Lock()
				w.service.frameless = true
				w.service.mu.Unlock()
				r := httptest.NewRequest("GET", "http://walk.example"+w.browsers[0].path+"/events", nil)
				ctx, stop := context.WithCancel(t.Context())
				for _, cookie := range w.browsers[0].cookies {
					r.AddCookie(cookie)
				}
				answer := &clockedAnswer{ResponseRecorder: httptest.NewRecorder()}
				var open sync.WaitGroup
				open.Go(func() { (*w.handler.Load()).ServeHTTP(answer, r.WithContext(ctx)) })
				time.Sleep(want + 1500*time.Millisecond)
				stop()
				open.Wait()
				if len(answer.beats) != 1 || answer.beats[0] < want || answer.beats[0] > want+time.Second+10*time.Millisecond {
					t.Errorf("beats %v after the words before, want one after %s", answer.beats, want)
				}
			})
		})
	}
}

// clockedAnswer notes how long after the event before each beat came.
type clockedAnswer struct {
	*httptest.ResponseRecorder
	last  time.Time
	beats []time.Duration
}

func (a *clockedAnswer) Write(text []byte) (int, error) {
	if strings.Contains(string(text), "event: beat\ndata: {}\n\n") {
		a.beats = append(a.beats, time.Since(a.last))
	}
	a.last = time.Now()
	return a.ResponseRecorder.Write(text)
}

// TestLongRequestsHaveNoStream: a stream keeps its request in memory for as long as it lasts. The page polls instead.
func TestLongRequestsHaveNoStream(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	path := b.begin("app")
	b.post(path+"/start", "device", "other")
	for _, test := range []struct {
		junk, want int
	}{{8 << 10, http.StatusOK}, {17 << 10, http.StatusTooManyRequests}} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", b.url+path+"/events", nil)
		must(t, err)
		r.Header.Set("User-Agent", windowsPC)
		r.Header.Set("X-Other", strings.Repeat("x", test.junk))
		answer, err := b.http.Do(r)
		must(t, err)
		answer.Body.Close()
		if answer.StatusCode != test.want || (test.want != http.StatusOK) != (answer.Header.Get("Retry-After") != "") {
			t.Errorf("with %d bytes of other headers: %d, Retry-After %q", test.junk, answer.StatusCode, answer.Header.Get("Retry-After"))
		}
	}
}
