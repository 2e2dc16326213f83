package templates

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"brygga/web/browsertest"
)

// stage is a server that shows one login as the web package does: page, events, status and forms, under a strict policy.
type stage struct {
	t   *testing.T
	url string
	ctx context.Context // of the browser's tab, as chromedp has it

	mu      sync.Mutex
	shown   Page
	view    View
	code    int // what events and status answer instead of the view; 0 is the view
	noSSE   bool
	late    time.Duration // how long an event takes to come through
	hush    string        // what comes each second: "" is frames, "beats" beats alone, anything else nothing
	looking []string      // what the page has said, asking for its status, of how long it has been looked at
	// lead is what a form that leads back to the page leads to; nil means that a form leads nowhere.
	lead      *scripted
	changed   chan struct{}
	posts     map[string]int
	streams   int // that were ever opened; listening is those that are
	listening int
	forms     []url.Values
	// referrer is what the last counted request said that it came from.
	referrer string
}

// scripted is what comes of a form: the view that the login then has, or with a code the answer itself.
type scripted struct {
	view View
	code int
}

// browser is the one that all tests share; TestMain ends it.
var browser struct {
	start sync.Once
	ctx   context.Context
	end   func()
	err   error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if browser.end != nil {
		browser.end()
	}
	os.Exit(code)
}

// newBrowser returns a fresh profile of the browser, which the first test starts. Its tabs see nothing of those of other tests.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	browser.start.Do(startBrowser)
	if browser.err != nil {
		t.Fatalf("start the browser: %v", browser.err)
	}
	ctx, cancel := chromedp.NewContext(browser.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a profile: %v", err)
	}
	return ctx
}

func startBrowser() {
	alloc, endAlloc := chromedp.NewExecAllocator(context.Background(), browsertest.Options()...)
	ctx, endBrowser := chromedp.NewContext(alloc)
	browser.ctx, browser.end, browser.err = ctx, func() { endBrowser(); endAlloc() }, chromedp.Do(ctx)
}

func newStage(t *testing.T, browser context.Context, v View) *stage {
	t.Helper()
	return newStageOf(t, browser, stagePage, v)
}

// newStageOf opens a page of one's own.
func newStageOf(t *testing.T, browser context.Context, p Page, v View) *stage {
	t.Helper()
	s := &stage{t: t, shown: p, view: v, changed: make(chan struct{}), posts: map[string]int{}}
	s.url = s.serve()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	s.ctx = ctx
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as the context that it is made with
		t.Fatalf("open a tab: %v", err)
	}
	s.open()
	return s
}

// open opens the page.
func (s *stage) open() {
	s.t.Helper()
	s.do(chromedp.Navigate(s.url + "/login/x"))
}

// serve starts the server and returns its address.
func (s *stage) serve() string {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{name}", func(w http.ResponseWriter, r *http.Request) {
		a := Assets()[r.PathValue("name")]
		w.Header().Set("Content-Type", a.ContentType)
		w.Write(a.Body)
	})
	mux.HandleFunc("GET /login/x", s.page)
	mux.HandleFunc("GET /login/x/events", s.events)
	mux.HandleFunc("GET /login/x/status", s.status)
	mux.HandleFunc("POST /login/x/{action}", s.count)
	mux.HandleFunc("GET /launch", s.count)
	server := httptest.NewServer(mux)
	s.t.Cleanup(server.CloseClientConnections)
	s.t.Cleanup(server.Close)
	return server.URL
}

var stagePage = Page{Lang: "en", ClientName: "Norrby kommun", BasePath: "/login/x"}

func (s *stage) now() (v View, code int, changed chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.view, s.code, s.changed
}

// set changes what the server shows, and what it answers in its place.
func (s *stage) set(v View, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view, s.code = v, code
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *stage) page(w http.ResponseWriter, r *http.Request) {
	v, _, _ := s.now()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'")
	Document(s.shown, v).Render(r.Context(), w)
}

func (s *stage) events(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.streams++
	s.listening++
	noSSE := s.noSSE
	s.mu.Unlock()
	defer func() { s.mu.Lock(); defer s.mu.Unlock(); s.listening-- }()
	if _, code, _ := s.now(); code != 0 || noSSE {
		http.Error(w, "", max(code, http.StatusInternalServerError))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	var sent Update
	for {
		v, code, changed := s.now()
		if code != 0 {
			return
		}
		u, err := NewUpdate(r.Context(), s.shown, v)
		if err != nil {
			return
		}
		b, _ := json.Marshal(u.Since(sent))
		fmt.Fprintf(w, "data: %s\n\n", b)
		w.(http.Flusher).Flush()
		sent = u
		for waiting := true; waiting; {
			select {
			case <-changed:
				time.Sleep(s.late)
				waiting = false
			case <-r.Context().Done():
				return
			case <-time.After(time.Second):
				s.goOn(w, v)
			}
		}
	}
}

// goOn says once more what is shown, as the site does each second, unless the stage has fallen silent.
func (s *stage) goOn(w http.ResponseWriter, v View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.hush {
	case "":
		b, _ := json.Marshal(Update{View: v.Key(), QR: NewTick(v).QR, Size: NewTick(v).Size})
		fmt.Fprintf(w, "data: %s\n\n", b)
	case "beats":
		fmt.Fprint(w, "event: beat\ndata: {}\n\n")
	}
	w.(http.Flusher).Flush()
}

func (s *stage) status(w http.ResponseWriter, r *http.Request) {
	v, code, _ := s.now()
	s.mu.Lock()
	s.looking = append(s.looking, r.URL.Query().Get("looking"))
	s.mu.Unlock()
	if code != 0 {
		http.Error(w, "", code)
		return
	}
	u, _ := NewUpdate(r.Context(), s.shown, v)
	json.NewEncoder(w).Encode(u)
}

// count answers 204, on which a browser stays where it is.
func (s *stage) count(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.posts[r.URL.RequestURI()]++
	s.referrer = r.Referer()
	if r.ParseForm() == nil && r.Method == http.MethodPost {
		s.forms = append(s.forms, r.PostForm)
	}
	lead := s.lead
	s.mu.Unlock()
	switch {
	case lead == nil || !strings.HasSuffix(r.URL.Path, "/start"):
		w.WriteHeader(http.StatusNoContent)
	case lead.code != 0:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(lead.code)
		Document(s.shown, lead.view).Render(r.Context(), w)
	default:
		s.set(lead.view, 0)
		http.Redirect(w, r, "/login/x", http.StatusSeeOther)
	}
}

func (s *stage) counted(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posts[path]
}

func (s *stage) listened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams
}

// watchSubmits notes in the page, for each form that is submitted, whether the script let it pass.
func (s *stage) watchSubmits() {
	s.t.Helper()
	s.do(chromedp.Evaluate[chromedp.Void](
		`window.submits = []; window.addEventListener('submit', e => { submits.push(!e.defaultPrevented) })`))
}

// do runs steps in the tab.
func (s *stage) do(steps ...chromedp.Action[chromedp.Void]) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		s.t.Fatal(err)
	}
}

// reload loads the page anew as its reader would, and waits until it listens again. A navigation that is still under way
// does not disturb it.
func (s *stage) reload() {
	s.t.Helper()
	before := s.listened()
	s.do(chromedp.Evaluate[chromedp.Void](`setTimeout(() => location.reload())`))
	s.eventually("listens again", func() bool { return s.listened() > before })
}

// until waits for the expression to be true in the page, also across a reload.
func (s *stage) until(expression string) {
	s.t.Helper()
	s.eventually(expression, func() bool {
		ok, err := chromedp.Run(s.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		return err == nil && ok
	})
}

func (s *stage) eventually(what string, done func() bool) {
	s.t.Helper()
	for range 600 {
		if done() {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	where, _ := chromedp.Run(s.ctx, chromedp.Evaluate[string](
		`document.querySelector('#main').dataset.view + ', focus on ' + document.activeElement.outerHTML.slice(0, 80)`))
	s.t.Fatalf("never came true: %s (view %s)", what, where)
}

func view(key string) string {
	return `document.querySelector('#main').dataset.view === '` + key + `'`
}

func text(selector, want string) string {
	return `document.querySelector('` + selector + `').textContent.includes('` + want + `')`
}
