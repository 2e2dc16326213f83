package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxStreamRequest bounds the request of a stream, in bytes: on HTTP/2 it stays in memory for as long as the stream lasts. Pages of
	// browsers that send more, which is cookies of other sites of the domain, poll.
	maxStreamRequest = 16 << 10
	// viewParameter is the query parameter with the key of the view that the page shows already.
	viewParameter = "view"
	// lookingParameter is the query parameter with the seconds that the page has been looked at, and maxLooking how many are believed.
	lookingParameter = "looking"
	maxLooking       = time.Hour
)

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
	view, page := s.view(r, v, s.lookingSince(r))
	update, err := s.pages.Update(r.Context(), page, view)
	if err != nil {
		return // the request's context has ended
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(update.AppendJSON(nil))
}

// events streams the state of the login as it changes, and a QR frame each second, until it awaits nothing any more (HTML:
// server-sent events). It ends when the browser goes, when the server shuts down, and when the login does.
func (s *Site) events(w http.ResponseWriter, r *http.Request, v *visit) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold the events back
	if r.Method != http.MethodGet {
		return
	}
	t := &stream{
		site: s, page: v.page, looker: s.looker(r, v, s.lookingSince(r)).Own(), device: strings.Clone(s.cookies.get(r, cookieDevice)), login: v.login,
		shown: strings.Clone(query(r).Get(viewParameter)),
	}
	t.changed.Store(true) // what came before the watch
	if requestBytes(r) > maxStreamRequest || !s.streams.enter(v.login.ID, t) {
		retryAfter(w.Header(), 2*time.Second)
		plain(w, http.StatusTooManyRequests)
		return
	}
	if !s.detach(w, r, t) {
		t.serve(w, r)
	}
}
