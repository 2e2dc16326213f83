package handling

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strings"
)

const formType = "application/x-www-form-urlencoded"

// Semicolons returns r with each semicolon of its query and of its form as data, as browsers mean it: form data is parted by & alone (WHATWG
// URL §5.1), and a semicolon may stand in a query as it is (RFC 3986 §3.4). net/url, which takes it for a mistake, then reads it. r is
// returned itself where its query has none, with another body when that is a form; else it is a copy.
func Semicolons(r *http.Request) *http.Request {
	if strings.Contains(r.URL.RawQuery, ";") {
		address := *r.URL
		address.RawQuery = strings.ReplaceAll(address.RawQuery, ";", "%3B")
		r = r.WithContext(r.Context())
		r.URL = &address
	}
	if _, done := r.Body.(*escapedBody); !done && r.Body != nil && r.Body != http.NoBody && isForm(r) {
		r.Body = &escapedBody{ReadCloser: r.Body}
	}
	return r
}

func isForm(r *http.Request) bool {
	kind := r.Header.Get("Content-Type")
	if kind == formType {
		return true
	}
	kind, _, err := mime.ParseMediaType(kind)
	return err == nil && kind == formType
}

// escapedBody is the body of a form with its semicolons escaped.
type escapedBody struct {
	io.ReadCloser
	rest []byte // escaped, and not read yet
	err  error  // what comes after it
}

// Read implements io.Reader.
func (b *escapedBody) Read(p []byte) (n int, err error) {
	if len(b.rest) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		n, err = b.ReadCloser.Read(p)
		if bytes.IndexByte(p[:n], ';') < 0 {
			return n, err
		}
		b.rest, b.err = bytes.ReplaceAll(p[:n], []byte(";"), []byte("%3B")), err
	}
	n = copy(p, b.rest)
	if b.rest = b.rest[n:]; len(b.rest) > 0 {
		return n, nil
	}
	return n, b.err
}
