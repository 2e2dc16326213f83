package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"brygga/templates"
)

// secrets is how what must not be compressed looks on a page: a launch token, a QR code, fields that go to a client or prove a session.
var secrets = regexp.MustCompile(`autostarttoken|<input type="hidden" name="(code|state|session|id_token|access_token)"|id="launch"|id="qr"`)

// TestCompression: pages are compressed for browsers that take it, unless they hold a secret, and are the same.
func TestCompression(t *testing.T) {
	s := proxied(t)
	compressed, plain := 0, 0
	for _, state := range templates.Preview("sv") {
		show := func(accept string) *httptest.ResponseRecorder {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept-Encoding", accept)
			s.render(w, r, http.StatusOK, contentPolicy, state.Page, state.View)
			return w
		}
		whole, short := show("identity"), show("br, gzip")
		if got := whole.Header().Get("Content-Encoding"); got != "" {
			t.Errorf("%s: %s for a browser that takes none", state.Name, got)
		}
		if secrets.MatchString(whole.Body.String()) {
			plain++
			if short.Header().Get("Content-Encoding") != "" {
				t.Errorf("%s holds a secret and is compressed", state.Name)
			}
			continue
		}
		switch state.View.(type) {
		case templates.Choose, templates.Failed, templates.Notice:
		default:
			continue
		}
		compressed++
		if short.Body.Len() > whole.Body.Len()*11/20 { // prepared pieces are compressed each by itself
			t.Errorf("%s has %d bytes, compressed %d", state.Name, whole.Body.Len(), short.Body.Len())
		}
		unpacked, err := gzip.NewReader(short.Body)
		if err != nil {
			t.Fatalf("%s: %v", state.Name, err)
		}
		if body, err := io.ReadAll(unpacked); err != nil || string(body) != whole.Body.String() {
			t.Errorf("%s is another page when it is compressed (%v)", state.Name, err)
		}
	}
	if compressed < 60 || plain < 6 {
		t.Errorf("only %d pages without secrets and %d with", compressed, plain)
	}
}
