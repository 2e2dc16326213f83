package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"brygga/login"
	"brygga/storage"
	"brygga/templates"
)

const (
	// beatEvery keeps proxies from closing a stream that says nothing, and tells the page that it still comes through: it takes 20 s
	// of silence for a fault. Where a QR code is shown it takes 4 s, so that there is a beat after frameBeat without a frame.
	beatEvery = 10 * time.Second
	frameBeat = 2 * time.Second
	// idleLook is how often a stream wakes up for a page that awaits nothing.
	idleLook = 5 * time.Second
	// writeTime bounds one write to a stream: whoever does not read for so long is gone.
	writeTime = 10 * time.Second
	// streamsPerLogin is how many tabs of a login have streams; the others poll.
	streamsPerLogin = 4
	// maxStreamRequest bounds the request of a stream, in bytes, as it stays in memory for as long as the stream lasts. Pages of
	// browsers that send more, which is cookies of other sites of the domain, poll.
	maxStreamRequest = 16 << 10
	// viewParameter is the query parameter with the key of the view that the page shows already.
	viewParameter = "view"
	// lookingParameter is the query parameter with the seconds that the page has been looked at, and maxLooking how many are believed.
	lookingParameter = "looking"
	maxLooking       = time.Hour
	// retryTime is when a browser connects again, in milliseconds.
	retryTime = "2000"
)

// streams counts the event streams.
type streams struct {
	mu     sync.Mutex
	max    int
	all    int
	logins map[string]int
}

func newStreams(max int) streams { return streams{max: max, logins: make(map[string]int)} }

// enter counts one more stream of the login; it returns false when there are too many.
func (s *streams) enter(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= s.max || s.logins[id] >= streamsPerLogin {
		return false
	}
	s.all++
	s.logins[id]++
	return true
}

func (s *streams) leave(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.logins[id]--; s.logins[id] == 0 {
		delete(s.logins, id)
	}
}

// requestBytes returns about how long the request line and the headers are.
func requestBytes(r *http.Request) int {
	n := len(r.RequestURI)
	for name, values := range r.Header {
		for _, value := range values {
			n += len(name) + len(value)
		}
	}
	return n
}

// lookingSince returns since when the page that asks has been looked at, as it says itself: just now when it says nothing.
func (s *Site) lookingSince(r *http.Request) time.Time {
	seconds, err := strconv.ParseUint(query(r).Get(lookingParameter), 10, 16)
	if err != nil {
		return s.Now()
	}
	return s.Now().Add(-min(time.Duration(seconds)*time.Second, maxLooking))
}

// status answers with the whole state of the login, for pages whose stream does not get through.
func (s *Site) status(w http.ResponseWriter, r *http.Request, v *visit) {
	s.Engine.Seen(r.Context(), v.login)
	update, err := s.pages.Update(r.Context(), v.page, s.view(r, v, s.lookingSince(r)))
	if err != nil {
		return // the request's context has ended
	}
	body, err := json.Marshal(update)
	if err != nil {
		s.log.ErrorContext(r.Context(), "request failed", "doing", "encode update", "err", err)
		plain(w, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body)
}

// events streams the state of the login as it changes, and a QR frame each second, until it awaits nothing any more (HTML:
// server-sent events). It ends when the browser goes, when the server shuts down, and when the login does.
func (s *Site) events(w http.ResponseWriter, r *http.Request, v *visit) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold the events back
	if r.Method != http.MethodGet {
		return
	}
	if requestBytes(r) > maxStreamRequest || !s.streams.enter(v.login.ID) {
		retryAfter(w.Header(), 2*time.Second)
		plain(w, http.StatusTooManyRequests)
		return
	}
	defer s.streams.leave(v.login.ID)
	changed, stop := s.Engine.Watch(v.login.ID)
	defer stop()

	stream := &stream{
		site: s, w: w, control: http.NewResponseController(w), page: v.page,
		looker: s.looker(r, v, s.lookingSince(r)), device: s.cookies.get(r, cookieDevice),
		sent: templates.Update{View: query(r).Get(viewParameter)},
	}
	stream.run(r.Context(), v.login, changed)
}

// stream is one event stream.
type stream struct {
	site    *Site
	w       http.ResponseWriter
	control *http.ResponseController
	page    templates.Page
	looker  looker
	device  string // the value of the device cookie
	// sent is what the page shows; spoke is when it was last told anything, the zero time before the first.
	sent  templates.Update
	spoke time.Time
	// idle says that what the page shows awaits nothing.
	idle bool
	// left is the time left that the page was told last, in seconds, and toldAt when.
	left   int
	toldAt time.Time
	buffer bytes.Buffer
}

func (t *stream) run(ctx context.Context, l *storage.Login, changed <-chan struct{}) {
	// What net/http writes at the end must not meet the deadline of a write long ago.
	defer func() { _ = t.control.SetWriteDeadline(time.Now().Add(writeTime)) }()
	t.buffer.WriteString("retry: " + retryTime + "\n\n")
	look := time.NewTimer(0)
	defer look.Stop()
	id := l.ID
	for {
		t.site.Engine.Seen(ctx, l)
		if !t.show(ctx, l) {
			return
		}
		next := t.nextLook(l)
		look.Reset(next)
		due := time.Now().Add(next)
		select {
		case <-ctx.Done():
			return
		case <-t.site.closing:
			return
		case <-changed:
		case <-look.C:
			t.site.Engine.Behind(login.WorkFrame, time.Since(due))
			if l.Live(t.site.Now()) {
				continue // who changes it tells
			}
		}
		now, err := t.site.Engine.Login(ctx, id)
		switch {
		case errors.Is(err, storage.ErrNotFound):
			t.send(ctx, templates.Notice{Kind: templates.NoticeExpired})
			return
		case err != nil:
			if ctx.Err() == nil {
				t.site.log.ErrorContext(ctx, "storage failed", "doing", "read login", "login", id, "err", err)
			}
			return // the browser connects again
		}
		l = now.SeenBy(t.device)
	}
}

// nextLook returns the time to the next second of the order, when the next QR frame is due.
func (t *stream) nextLook(l *storage.Login) time.Duration {
	switch {
	case t.idle:
		return idleLook
	case l.Order == nil:
		return time.Second
	}
	into := t.site.Now().Sub(l.Order.Started) % time.Second
	if into < 0 {
		into += time.Second
	}
	return time.Second - into + 5*time.Millisecond
}

// show sends what is new of the login and reports whether there is more to come.
func (t *stream) show(ctx context.Context, l *storage.Login) bool {
	view := t.site.viewFor(ctx, l, t.looker)
	t.idle = !moves(view)
	return t.send(ctx, view) && follows(view)
}

// send sends what is new of the view. The HTML is made only for a view that is not on the screen.
func (t *stream) send(ctx context.Context, view templates.View) bool {
	update := templates.NewTick(view)
	if update.View != t.sent.View {
		var err error
		if update, err = t.site.pages.Update(ctx, t.page, view); err != nil {
			return false
		}
	}
	news := update.Since(t.sent)
	t.sent = update
	if news.Seconds != nil && t.counts(*news.Seconds, news.HTML != "") {
		news.Seconds = nil
	}
	// The first event comes at once even if there is nothing to say: a page takes silence for a stream that is held back.
	if !news.Empty() || t.spoke.IsZero() {
		body, err := json.Marshal(news)
		if err != nil {
			t.site.log.ErrorContext(ctx, "request failed", "doing", "encode update", "err", err)
			return false
		}
		t.buffer.WriteString("data: ")
		t.buffer.Write(body)
		t.buffer.WriteString("\n\n")
	} else if time.Since(t.spoke) >= beatOf(view) {
		t.buffer.WriteString("event: beat\ndata: {}\n\n") // scripts see no comments
	}
	return t.flush()
}

// beatOf returns for how long nothing may be said while the view is shown.
func beatOf(view templates.View) time.Duration {
	if _, ok := view.(templates.QRWait); ok {
		return frameBeat
	}
	return beatEvery
}

// counts reports whether the page, which counts the seconds down by itself, shows as many already.
func (t *stream) counts(left int, newView bool) bool {
	now := t.site.Now()
	shown := t.left - int(now.Sub(t.toldAt)/time.Second)
	if !newView && !t.toldAt.IsZero() && left-shown <= 1 && shown-left <= 1 {
		return true
	}
	t.left, t.toldAt = left, now
	return false
}

// flush writes the buffer to the browser, within writeTime whatever the server's own time-out is.
func (t *stream) flush() bool {
	if t.buffer.Len() == 0 {
		return true
	}
	t.spoke = time.Now()
	if err := t.control.SetWriteDeadline(time.Now().Add(writeTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return false
	}
	_, err := t.w.Write(t.buffer.Bytes())
	t.buffer.Reset()
	return err == nil && t.control.Flush() == nil
}
