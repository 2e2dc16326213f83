package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"brygga/login"
	"brygga/secret"
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
	// retryTime is when a browser connects again, in milliseconds.
	retryTime = "2000"
)

// stream is one event stream. It is looked after by one goroutine at a time.
type stream struct {
	site   *Site
	page   templates.Page
	looker looker
	device string // the value of the device cookie
	login  *storage.Login
	// changed says that login may be older than what is stored.
	changed atomic.Bool
	// shown is the key of the view on the page, frame the text of its QR code; framed says that the view changes only by frames while the
	// login stays as it is. spoke is when the page was last told anything, the zero time before the first.
	shown  string
	frame  secret.String
	framed bool
	spoke  time.Time
	// idle says that what the page shows awaits nothing.
	idle bool
	// left is the time left that the page was told last, in seconds, and toldAt when.
	left   int
	toldAt time.Time
	// conn is the stream's own connection, nil where a request's goroutine serves it.
	conn net.Conn
}

// sender sends events to a page. It may change the text, which has room in front for the head of a chunk.
type sender interface{ send(text []byte) error }

// texts are buffers for events.
var texts = sync.Pool{New: func() any { return new([]byte) }}

// look tells the page what is new of its login, and returns the time until there may be more; false when there will be none.
func (t *stream) look(ctx context.Context, to sender) (next time.Duration, more bool) {
	if t.site.isClosing() {
		return 0, false
	}
	expired, err := t.read(ctx)
	if err != nil {
		return 0, false // the browser connects again
	}
	buffer := texts.Get().(*[]byte)
	defer func() {
		clear(*buffer) // it may hold a launch link
		texts.Put(buffer)
	}()
	text := append((*buffer)[:0], emptyChunkHead...)
	if t.spoke.IsZero() {
		text = append(text, "retry: "+retryTime+"\n\n"...)
	}
	if expired {
		text, _ = t.view(ctx, text, templates.Notice{Kind: templates.NoticeExpired}, secret.String{})
	} else {
		t.site.Engine.Seen(ctx, t.login)
		text, more = t.show(ctx, text)
	}
	*buffer = text
	if len(text) > len(emptyChunkHead) {
		t.spoke = time.Now()
		more = to.send(text) == nil && more
	}
	return t.nextLook(), more
}

// read reads the login if it has changed. It reports whether its time is over.
func (t *stream) read(ctx context.Context) (expired bool, err error) {
	if !t.changed.Swap(false) && t.login.Live(t.site.Now()) {
		return false, nil // who changes it tells
	}
	now, err := t.site.Engine.Login(ctx, t.login.ID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return true, nil
	case err != nil:
		if ctx.Err() == nil {
			t.site.log.ErrorContext(ctx, "storage failed", "doing", "read login", "login", t.login.ID, "err", err)
		}
		return false, err
	}
	t.login, t.framed = now.SeenBy(t.device), false
	return false, nil
}

// nextLook returns the time to the next second of the order, when the next QR frame is due.
func (t *stream) nextLook() time.Duration {
	switch {
	case t.idle:
		return idleLook
	case t.login.Order == nil:
		return time.Second
	}
	into := t.site.Now().Sub(t.login.Order.Started) % time.Second
	if into < 0 {
		into += time.Second
	}
	return time.Second - into + 5*time.Millisecond
}

// show appends what is new of the login and reports whether there is more to come. The view is made only when more than the frame may be new.
func (t *stream) show(ctx context.Context, text []byte) ([]byte, bool) {
	frame := t.site.Engine.Frame(t.login)
	if t.framed && !frame.IsZero() && t.counts(t.site.secondsLeft(t.login), false) {
		return t.tick(text, frame), true
	}
	view := t.site.viewWith(ctx, t.login, t.looker, frame)
	if t.idle = !moves(view); !t.idle {
		t.looker.chosen.anew = false // whatever comes of it is to be seen
	}
	text, ok := t.view(ctx, text, view, frame)
	wait, coded := view.(templates.QRWait)
	t.frame, t.framed = frame, coded && wait.Frame.Size > 0
	return text, ok && follows(view)
}

// tick appends the frame if the page does not show it.
func (t *stream) tick(text []byte, frame secret.String) []byte {
	if frame.Equal(t.frame) {
		return t.beat(text, frameBeat)
	}
	t.frame = frame
	text = append(text, "data: "...)
	text = templates.AppendFrame(text, t.shown, encodeQR(frame))
	return append(text, "\n\n"...)
}

// view appends what is new of the view, which was made with the frame, and reports whether it could be. The HTML is made only for a view that
// is not on the screen.
func (t *stream) view(ctx context.Context, text []byte, view templates.View, frame secret.String) ([]byte, bool) {
	update := templates.NewTick(view)
	fresh := update.View != t.shown
	if fresh {
		var err error
		if update, err = t.site.pages.Update(ctx, t.site.about(t.page, t.login, &t.looker), view); err != nil {
			return text, false
		}
	}
	t.shown = update.View
	if _, coded := view.(templates.QRWait); coded && !fresh && frame.Equal(t.frame) {
		update.QR, update.Size = "", 0
	}
	if update.Seconds != nil && t.counts(*update.Seconds, fresh) {
		update.Seconds = nil
	}
	// The first event comes at once even if there is nothing to say: a page takes silence for a stream that is held back.
	if update.Empty() && !t.spoke.IsZero() {
		return t.beat(text, beatOf(view)), true
	}
	text = update.AppendJSON(append(text, "data: "...))
	return append(text, "\n\n"...), true
}

// beat appends a beat when nothing was said for so long. Scripts see no comments.
func (t *stream) beat(text []byte, after time.Duration) []byte {
	if time.Since(t.spoke) < after {
		return text
	}
	return append(text, "event: beat\ndata: {}\n\n"...)
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

// served is the answer to a request whose goroutine runs the stream.
type served struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// send writes the text and flushes it, within writeTime whatever the server's own time-out is.
func (s served) send(text []byte) error {
	if err := s.extend(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.w.Write(text[len(emptyChunkHead):]); err != nil {
		return err
	}
	return s.control.Flush()
}

func (s served) extend() error { return s.control.SetWriteDeadline(time.Now().Add(writeTime)) }

// serve runs the stream in the goroutine of its request, until the browser goes, the server shuts down, or the login ends: where the
// connection carries other requests too (HTTP/2), it cannot be detached.
func (t *stream) serve(w http.ResponseWriter, r *http.Request) {
	id, to := t.login.ID, served{w, http.NewResponseController(w)}
	defer t.site.streams.leave(id, t)
	// What net/http writes at the end must not meet the deadline of a write long ago.
	defer func() { _ = to.extend() }()
	woken := make(chan struct{}, 1)
	defer t.site.Engine.Watch(id, func() {
		t.changed.Store(true)
		select {
		case woken <- struct{}{}:
		default:
		}
	})()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next, more := t.look(r.Context(), to)
		if !more {
			return
		}
		timer.Reset(next)
		due := time.Now().Add(next)
		select {
		case <-r.Context().Done():
			return
		case <-t.site.closing:
			return
		case <-woken:
		case <-timer.C:
			t.site.Engine.Behind(login.WorkFrame, time.Since(due))
		}
	}
}
