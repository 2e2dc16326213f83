package handling

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
)

// TestSemicolons asserts that a semicolon is data wherever a form may be read.
func TestSemicolons(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for name, tt := range map[string]struct{ kind, query, body, wantQuery, wantBody string }{
		"none":                {form, "a=b", "c=d", "a=b", "c=d"},
		"query":               {"", "state=a;b&x=;", "", "state=a%3Bb&x=%3B", ""},
		"form":                {form + "; charset=utf-8", "", "state=a;b&x=;", "", "state=a%3Bb&x=%3B"},
		"both":                {form, "a=;", "b=;", "a=%3B", "b=%3B"},
		"another body":        {"application/json", "", `{"a":";"}`, "", `{"a":";"}`},
		"a form that is long": {form, "", "a=" + strings.Repeat(";", 2000), "", "a=" + strings.Repeat("%3B", 2000)},
	} {
		r := httptest.NewRequest(http.MethodPost, "/?"+tt.query, iotest.OneByteReader(strings.NewReader(tt.body)))
		r.Header.Set("Content-Type", tt.kind)
		got := Semicolons(r)
		body, err := io.ReadAll(iotest.HalfReader(got.Body))
		if err != nil || string(body) != tt.wantBody || got.URL.RawQuery != tt.wantQuery {
			t.Errorf("%s: %s, %s, %v", name, got.URL.RawQuery, body, err)
		}
		if r.URL.RawQuery != tt.query {
			t.Errorf("%s: the request itself was changed", name)
		}
	}
}

func TestSemicolonsKeepErrors(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", io.MultiReader(strings.NewReader("a=;"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := Semicolons(r).ParseForm(); err != io.ErrUnexpectedEOF {
		t.Errorf("a broken body: %v", err)
	}
}

// FuzzSemicolons: what it makes of a query is read as a reader that parts at & alone reads it.
func FuzzSemicolons(f *testing.F) {
	for _, seed := range []string{"state=a;b", "a;b=c&d", ";", "a=%3B;%3b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := &http.Request{URL: &url.URL{RawQuery: query}}
		got, err := url.ParseQuery(Semicolons(r).URL.RawQuery)
		want := url.Values{}
		for pair := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(pair, "=")
			plainName, nameErr := url.QueryUnescape(name)
			plainValue, valueErr := url.QueryUnescape(value)
			if pair != "" && nameErr == nil && valueErr == nil {
				want.Add(plainName, plainValue)
			}
		}
		if err == nil && got.Encode() != want.Encode() {
			t.Errorf("%q: %v, want %v", query, got, want)
		}
	})
}
