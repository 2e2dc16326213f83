package web

import (
	"net/http"
	"net/url"
)

// parsed is what was read of one request, so that it is read once, by the goroutine that answers it. It goes with the request, whatever goes
// on after that.
type parsed struct {
	address string
	cookies []*http.Cookie
	query   url.Values
}

// sent returns the cookies that the browser has sent.
func sent(r *http.Request) []*http.Cookie {
	t := traceOf(r.Context())
	if t == nil || t.parsed.cookies == nil {
		all := r.Cookies()
		if t != nil {
			t.parsed.cookies = all
		}
		return all
	}
	return t.parsed.cookies
}

// query returns the parameters of the request's address, which must not be changed.
func query(r *http.Request) url.Values {
	if r.URL.RawQuery == "" {
		return nil
	}
	t := traceOf(r.Context())
	if t == nil || t.parsed.query == nil {
		all := r.URL.Query()
		if t != nil {
			t.parsed.query = all
		}
		return all
	}
	return t.parsed.query
}
