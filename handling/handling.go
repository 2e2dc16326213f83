// Package handling holds what those who answer HTTP requests do alike around their work: know a request that nobody made, read forms as
// browsers write them, note what was answered, and tell of a panic.
//
// It must not know any page or endpoint.
package handling

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
)

// Prefetch reports whether a browser only guesses that the person will follow a link. What happens once, or counts, must wait for them.
func Prefetch(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch") || r.Header.Get("Purpose") == "prefetch" ||
		r.Header.Get("X-Moz") == "prefetch"
}

// Panic returns what may be logged of a panic's value, which may hold what a stranger has sent: what Go says of it when it raised the
// panic itself, which is types and numbers, else its type.
func Panic(value any) string {
	if e, ok := value.(runtime.Error); ok {
		return e.Error()
	}
	return fmt.Sprintf("%T", value)
}

// Recorder notes what is answered. Like other writers it belongs to one request.
type Recorder struct {
	http.ResponseWriter
	// Status is what was sent, 0 before that; informational ones (RFC 9110 §15.2) do not count. Bytes is how much of the body was.
	Status int
	Bytes  int64
}

// Unwrap lets http.ResponseController reach the writer below.
func (w *Recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader sends the status.
func (w *Recorder) WriteHeader(status int) {
	if w.Status == 0 && status >= 200 {
		w.Status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body, with status 200 if none was sent.
func (w *Recorder) Write(body []byte) (int, error) {
	if w.Status == 0 {
		w.Status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(body)
	w.Bytes += int64(n)
	return n, err
}
