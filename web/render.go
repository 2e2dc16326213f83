package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"brygga/storage"
	"brygga/templates"
)

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxKept is how long a buffer may be that is kept for the next page, in bytes.
const maxKept = 64 << 10

// giveBack keeps an empty buffer for the next page, without a byte of this one.
func giveBack(buffer *bytes.Buffer) {
	clear(buffer.Bytes())
	buffer.Reset()
	if buffer.Cap() <= maxKept {
		buffers.Put(buffer)
	}
}

// basePath returns the path of a login's page.
func basePath(id string) string { return "/login/" + id }

// pageFor returns what all screens of a visit share; l and client may be nil.
func (s *Site) pageFor(r *http.Request, l *storage.Login, client *storage.Client) templates.Page {
	var locales []string
	if l != nil {
		locales = l.Request.UILocales
	}
	p := s.pageIn(r, client, locales)
	if l != nil {
		p.BasePath, p.Reference, p.Paused = basePath(l.ID), string(l.Reference()), isPaused(r)
		p.Signing = l.Request.Kind == storage.KindSign
	}
	return p
}

// pageIn returns what all pages for a client share, in one of the languages that it asks for; client may be nil.
func (s *Site) pageIn(r *http.Request, client *storage.Client, locales []string) templates.Page {
	p := templates.Page{
		Lang: s.language(r, locales), Messages: s.Messages, ServiceName: s.ServiceName, Simulated: s.Simulated,
		PhoneURL:  s.PhoneURL,
		Reference: RequestID(r.Context()),
	}
	if client != nil {
		p.ClientName, p.ClientURL = client.NameIn(p.Lang), client.HomeURI
	}
	s.dress(&p, client)
	if s.Banner != nil {
		p.Banner = s.Banner(p.Lang)
	}
	return p
}

var presetHTML = newPreset("Content-Type", "text/html; charset=utf-8", "Vary", "Cookie, Accept-Language, Accept-Encoding")

// render sends a whole page. The page is rendered before anything is sent, so that a fault can still be told.
func (s *Site) render(w http.ResponseWriter, r *http.Request, status int, policy string, p templates.Page, v templates.View) {
	buffer := buffers.Get().(*bytes.Buffer)
	defer giveBack(buffer)
	compressed := compressible(v) && acceptsGzip(r)
	packed := compressed && s.pages.Packed(buffer, p, v)
	if !packed {
		if err := s.pages.Document(r.Context(), buffer, p, v); err != nil {
			if r.Context().Err() == nil {
				s.log.ErrorContext(r.Context(), "page not rendered", "doing", v.Key(), "err", err)
			}
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
			return
		}
	}
	h := w.Header()
	guard(h, policy)
	switch v.(type) {
	case templates.FormPost:
		h.Set("Referrer-Policy", referrerOrigin)
	case templates.AskLogOut:
		// No page that opened this one shall have a hold on it. The pages of a login lack this: browsers cut a pop-up off from its
		// opener for good then, and many apps log in by a pop-up that tells its opener.
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
	}
	presetHTML.set(h)
	h.Set("Content-Language", p.Lang)
	body := buffer.Bytes()
	if compressed {
		h.Set("Content-Encoding", "gzip")
	}
	if compressed && !packed {
		body = compress(body)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// compressible reports whether a page may be compressed: the first one, and those that tell how a login ended. The others hold a launch
// token, a QR code, an answer to the client or the proof of a session. How long such a page is when it is compressed would tell of
// its secret to anyone who can put guesses beside it, and some pages repeat their address (the attack called BREACH).
func compressible(v templates.View) bool {
	switch v.(type) {
	case templates.Choose, templates.Failed, templates.Notice:
		return true
	}
	return false
}

var compressors = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w := compressors.Get().(*gzip.Writer)
	defer compressors.Put(w)
	w.Reset(&b)
	w.Write(body) // a buffer takes everything
	w.Close()
	return b.Bytes()
}

// notice sends a page that belongs to no login.
func (s *Site) notice(w http.ResponseWriter, r *http.Request, status int, kind templates.NoticeKind) {
	s.render(w, r, status, contentPolicyNoForms, s.pageFor(r, nil, nil), templates.Notice{Kind: kind})
}

// fault logs a fault of ours and sends a page that says no more than that there was one, with the reference of the log line.
func (s *Site) fault(w http.ResponseWriter, r *http.Request, doing string, err error) {
	if r.Context().Err() != nil {
		return // nobody is there to read it
	}
	s.log.ErrorContext(r.Context(), "request failed", "doing", doing, "err", err)
	s.notice(w, r, faultStatus(w.Header(), err), templates.NoticeFault)
}

// faultStatus returns the status for a fault of ours, and says when to come again if that may help.
func faultStatus(h http.Header, err error) int {
	if !errors.Is(err, storage.ErrUnavailable) {
		return http.StatusInternalServerError
	}
	retryAfter(h, 10*time.Second)
	return http.StatusServiceUnavailable
}

// tooMany sends the page of a limit; when tells the wait.
func (s *Site) tooMany(w http.ResponseWriter, r *http.Request, p templates.Page, wait time.Duration, v func(seconds int) templates.View) {
	seconds := retryAfter(w.Header(), wait)
	s.render(w, r, http.StatusTooManyRequests, contentPolicy, p, v(seconds))
}

// retryAfter sets the header of that name (RFC 9110 §10.2.3) and returns its seconds.
func retryAfter(h http.Header, wait time.Duration) int {
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	h.Set("Retry-After", strconv.Itoa(seconds))
	return seconds
}
