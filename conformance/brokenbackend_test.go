package conformance

import (
	"bytes"
	"io"
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
	rewrite := func(change func(text string) string) func(*liar, *http.Request) *http.Response {
		return asked(func(r *http.Request) {
			if r.Body == nil {
				return
			}
			text, _ := io.ReadAll(r.Body)
			changed := change(string(text))
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(changed)), int64(len(changed))
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
		{name: "another sum is paid", before: rewrite(func(text string) string { return strings.ReplaceAll(text, paymentAmount, "9999,50") }), checks: []string{"backend/payment"}},
		{name: "what is paid is not looked at", before: rewrite(func(text string) string {
			return strings.ReplaceAll(text, `"card","recipient":{"name":"Cykelboden"}}`, `"npa","recipient":{"name":"Cykelboden"}}`)
		}), checks: []string{"backend/payment-money"}},
		{name: "payments are made in the older contract", before: func(l *liar, r *http.Request) *http.Response {
			if !strings.HasSuffix(r.URL.Path, "/payment") || r.Header.Get("Content-Type") != "application/json" {
				return nil
			}
			r.Header.Set("Content-Type", jsonAPIType)
			return rewrite(func(text string) string { return `{"data":{"type":"bankIdPayment","attributes":` + text + `}}` })(l, r)
		}, checks: []string{"backend/payment-newer"}},
		{name: "another person completes the order", after: replace(`"personalNumber":"1`, `"personalNumber":"2`), checks: []string{"backend/complete"}},
	}
}
