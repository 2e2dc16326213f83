package web

import (
	"net/http/httptest"
	"strings"
	"testing"

	"brygga/templates"
)

func TestAssets(t *testing.T) {
	s := proxied(t)
	s.assets = templates.Assets()
	css := strings.TrimPrefix(templates.AssetPath("page.css"), templates.AssetPrefix)
	for accept, coding := range map[string]string{
		"": "", "gzip": "gzip", "br, gzip;q=0.5": "gzip", "gzip;q=0": "", "gzip; q=0.000": "", "identity": "", "GZIP": "gzip",
	} {
		r := httptest.NewRequest("GET", templates.AssetPrefix+css, nil)
		r.SetPathValue("name", css)
		r.Header.Set("Accept-Encoding", accept)
		w := httptest.NewRecorder()
		s.asset(w, r)
		if got := w.Header().Get("Content-Encoding"); w.Code != 200 || got != coding || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("Accept-Encoding %q: %d with coding %q, want %q", accept, w.Code, got, coding)
		}
	}
}
