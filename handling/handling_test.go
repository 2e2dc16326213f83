package handling

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPrefetch(t *testing.T) {
	for _, test := range []struct {
		name, value string
		want        bool
	}{
		{"Sec-Purpose", "prefetch", true}, {"Sec-Purpose", "prefetch;prerender", true}, {"Purpose", "prefetch", true}, {"X-Moz", "prefetch", true},
		{"Sec-Purpose", "", false}, {"Purpose", "navigate", false}, {"X-Purpose", "prefetch", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(test.name, test.value)
		if got := Prefetch(r); got != test.want {
			t.Errorf("%s %q: %v", test.name, test.value, got)
		}
	}
}

func TestPanicHoldsNoValue(t *testing.T) {
	if got := Panic(errors.New("marked")); strings.Contains(got, "marked") || got == "" {
		t.Errorf("%q", got)
	}
	defer func() {
		if got := Panic(recover()); !strings.Contains(got, "index out of range [4]") {
			t.Errorf("%q", got)
		}
	}()
	_ = make([]int, 3)[len("four")]
}

func TestRecorder(t *testing.T) {
	early := &Recorder{ResponseWriter: httptest.NewRecorder()}
	if early.WriteHeader(http.StatusEarlyHints); early.Status != 0 {
		t.Errorf("an informational status counts: %d", early.Status)
	}
	inner := httptest.NewRecorder()
	w := &Recorder{ResponseWriter: inner}
	w.Write([]byte("four"))
	w.WriteHeader(http.StatusTeapot)
	w.Write([]byte("more"))
	if w.Status != http.StatusOK || w.Bytes != 8 || inner.Body.String() != "fourmore" {
		t.Errorf("%d, %d bytes, %q", w.Status, w.Bytes, inner.Body)
	}
	if http.NewResponseController(w).Flush() != nil || !inner.Flushed {
		t.Error("the writer below cannot be reached")
	}
}
