package handling

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strings"
)

// Semicolons returns r with each semicolon of its query and of its form as data, as browsers mean it: form data is parted by & alone (WHATWG
// URL §5.1), and a semicolon may stand in a query as it is (RFC 3986 §3.4). net/url, which takes it for a mistake, then reads it. r is
// returned itself where there is none; else it is a copy.
func Semicolons(r *http.Request) *http.Request {
	query, form := strings.Contains(r.URL.RawQuery, ";"), r.Body != nil && r.Body != http.NoBody && isForm(r)
	if !query && !form {
		return r
	}
	r = r.WithContext(r.Context())
	if query {
		address := *r.URL
		address.RawQuery = strings.ReplaceAll(address.RawQuery, ";", "%3B")
		r.URL = &address
	}
	if form {
		r.Body = &escapedBody{ReadCloser: r.Body}
	}
	return r
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// escapedBody is the body of a form with its semicolons escaped.
type escapedBody struct {
	io.ReadCloser
	space [512]byte
	rest  []byte // escaped, and not read yet
	err   error  // what comes after it
}

// Read implements io.Reader.
func (b *escapedBody) Read(p []byte) (n int, err error) {
	if len(b.rest) == 0 && b.err == nil {
		n, b.err = b.ReadCloser.Read(b.space[:])
		b.rest = bytes.ReplaceAll(b.space[:n], []byte(";"), []byte("%3B"))
	}
	n = copy(p, b.rest)
	if b.rest = b.rest[n:]; len(b.rest) > 0 {
		return n, nil
	}
	return n, b.err
}
