package handling

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestStream: a body that fails before its first byte leaves the answer open, and one that fails later breaks it off.
func TestStream(t *testing.T) {
	wrong := errors.New("wrong")
	answer := func(body func(io.Writer) error) (w *httptest.ResponseRecorder, panicked any, broke, err error) {
		w = httptest.NewRecorder()
		defer func() { panicked = recover() }()
		err = Stream(w, func(h http.Header) { h.Set("Content-Type", "text/csv") }, body, func(err error) { broke = err })
		return
	}
	w, panicked, broke, err := answer(func(w io.Writer) error { return wrong })
	if err != wrong || broke != nil || panicked != nil || w.Header().Get("Content-Type") != "" {
		t.Errorf("before the first byte: %v, %v, %v, %v", err, broke, panicked, w.Header())
	}
	_, panicked, broke, _ = answer(func(w io.Writer) error { io.WriteString(w, "a,b"); return wrong })
	if broke != wrong || panicked != http.ErrAbortHandler {
		t.Errorf("after it: %v, %v", broke, panicked)
	}
	w, _, _, err = answer(func(w io.Writer) error { return nil })
	if err != nil || w.Header().Get("Content-Type") != "text/csv" {
		t.Errorf("without any: %v, %v", err, w.Header())
	}
}
