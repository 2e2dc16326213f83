package conformance

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
)

// faultsOfBackEnds break what back ends ask, and what they are answered.
func faultsOfBackEnds() []fault {
	asked := func(change func(*http.Request)) func(*liar, *http.Request) *http.Response {
		return func(_ *liar, r *http.Request) *http.Response {
			if strings.HasPrefix(r.URL.Path, "/api/bankid/") {
				change(r)
			}
			return nil
		}
	}
	answered := func(change func(a *http.Response, body []byte) []byte) func(*liar, *http.Request, *http.Response) {
		return func(_ *liar, r *http.Request, a *http.Response) {
			if strings.HasPrefix(r.URL.Path, "/api/bankid/") {
				setBody(a, change(a, body(a)))
			}
		}
	}
	replace := func(old, with string) func(*liar, *http.Request, *http.Response) {
		return answered(func(_ *http.Response, body []byte) []byte { return bytes.ReplaceAll(body, []byte(old), []byte(with)) })
	}
	drop := func(names ...string) func(*liar, *http.Request) *http.Response {
		return asked(func(r *http.Request) {
			for _, name := range names {
				r.Header.Del(name)
			}
		})
	}
	plain := func(r *http.Request) {
		for _, name := range []string{"Accept", "Content-Type"} {
			if kind, _, modified := strings.Cut(r.Header.Get(name), ";"); modified {
				r.Header.Set(name, kind)
			}
		}
	}
	var one sync.Mutex
	var first string
	return []fault{
		{name: "back ends may be pages", before: drop("Origin", "Sec-Fetch-Site"), checks: []string{"backend/browser"}},
		{name: "every key is as good as the first", before: asked(func(r *http.Request) {
			one.Lock()
			defer one.Unlock()
			if first == "" && len(r.Header.Get("x-api-key")) > 20 {
				first = r.Header.Get("x-api-key")
			}
			r.Header.Set("x-api-key", first)
		}), checks: []string{"backend/foreign"}},
		{name: "parameters of media types are passed over", before: asked(plain), checks: []string{"backend/media-type-sent", "backend/media-type-accepted"}},
		{name: "a repeated start is another", before: drop("Idempotency-Key"), checks: []string{"backend/idempotency"}},
		{name: "what codes are made from is handed out", after: replace(`"qrData":`, `"qrStartSecret":`), checks: []string{"backend/no-secret"}},
		{name: "errors lead nowhere", after: replace(`"/data/attributes/endUserIp"`, `"/"`), checks: []string{"backend/pointer"}},
		{name: "a cancelled order is complete", after: replace(`"status":"failed"`, `"status":"complete"`), checks: []string{"backend/cancel"}},
		{name: "what is made has no address", after: answered(func(a *http.Response, body []byte) []byte { a.Header.Del("Location"); return body }), checks: []string{"backend/created"}},
		{name: "caches may mix the dialects", after: answered(func(a *http.Response, body []byte) []byte { a.Header.Del("Vary"); return body }), checks: []string{"backend/vary"}},
		{name: "another person completes the order", after: replace(`"personalNumber":"1`, `"personalNumber":"2`), checks: []string{"backend/complete"}},
	}
}
