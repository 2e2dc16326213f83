package web

import (
	"context"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"brygga/handling"
	"brygga/login"
	"brygga/schedule"
)

const (
	// emptyChunkHead is the room for the head of a chunk (RFC 9112 §7.1): its length in hexadecimal digits, and the end of the line.
	emptyChunkHead = "0000000\r\n"
	lastChunk      = "0\r\n\r\n"
	// partingTime bounds what is being written when the server shuts down.
	partingTime = time.Second
)

// detached is a stream on a connection that net/http has handed over. No goroutine waits for it, and nothing of the request is kept:
// ten thousand pages that are looked at cost what they show.
type detached struct {
	*stream
	trace   trace
	unwatch func()
	job     atomic.Pointer[schedule.Job]
	// began is when the request came, deadline that of writes, and bytes how many of the body were sent.
	began, deadline time.Time
	bytes           int64
}

// detach takes the connection of r over for the stream, which goes on when the handler has returned. It reports false, having
// written no more than the head of the answer, where that cannot be.
func (s *Site) detach(w http.ResponseWriter, r *http.Request, t *stream) bool {
	if r.ProtoMajor != 1 || r.ProtoMinor == 0 || !s.background.Begin() {
		return false
	}
	w.Header().Set("Connection", "close") // no other request will be answered on it
	w.WriteHeader(http.StatusOK)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.background.End()
		return false
	}
	d := &detached{stream: t}
	if of := traceOf(r.Context()); of != nil {
		of.detached = true
		d.trace, d.began = *of, of.began
		d.trace.parsed = parsed{}
	}
	s.streams.own(t, conn)
	d.unwatch = s.Engine.Watch(t.login.ID, d.wake)
	d.job.Store(s.jobs.Add(0, d.due))
	if d.changed.Load() {
		d.wake()
	}
	return true
}

// wake has the stream read its login again.
func (d *detached) wake() {
	d.changed.Store(true)
	if job := d.job.Load(); job != nil {
		job.Wake()
	}
}

// due is the job of the stream.
func (d *detached) due(late time.Duration) (next time.Duration) {
	ctx := context.WithValue(context.Background(), traceKey{}, &d.trace)
	defer func() {
		if panicked := recover(); panicked != nil {
			d.site.panicked(ctx, panicked, debug.Stack())
			d.end(ctx)
			next = schedule.Over
		}
	}()
	if !d.changed.Load() {
		d.site.Engine.Behind(login.WorkFrame, late)
	}
	next, more := time.Duration(0), !(d.idle && hungUp(d.conn))
	if more {
		next, more = d.look(ctx, d)
	}
	if !more {
		d.end(ctx)
		return schedule.Over
	}
	if d.site.isClosing() {
		return 0
	}
	return next
}

// send writes the text as a chunk. The deadline is set anew only when little of it is left.
func (d *detached) send(text []byte) error {
	if now := time.Now(); d.deadline.Sub(now) < writeTime {
		d.deadline = now.Add(2 * writeTime)
		if err := d.conn.SetWriteDeadline(d.deadline); err != nil {
			return err
		}
	}
	d.bytes += int64(len(text) - len(emptyChunkHead))
	_, err := d.conn.Write(chunk(text))
	return err
}

// chunk returns the text, which has room for it in front, as a chunk.
func chunk(text []byte) []byte {
	var head [len(emptyChunkHead)]byte
	length := append(strconv.AppendInt(head[:0], int64(len(text)-len(emptyChunkHead)), 16), "\r\n"...)
	from := len(emptyChunkHead) - len(length)
	copy(text[from:], length)
	return append(text, "\r\n"...)[from:]
}

// end ends the answer, and tells of the request what would have been told when its handler returned.
func (d *detached) end(ctx context.Context) {
	d.unwatch()
	d.site.streams.leave(d.login.ID, d.stream)
	_ = d.conn.SetWriteDeadline(time.Now().Add(partingTime))
	_, _ = d.conn.Write([]byte(lastChunk)) // the browser may have gone
	_ = d.conn.Close()
	d.site.tell(ctx, http.MethodGet, RouteEvents, handling.Recorder{Status: http.StatusOK, Bytes: d.bytes}, time.Since(d.began))
	d.site.background.End()
}
