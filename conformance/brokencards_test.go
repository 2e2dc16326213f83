package conformance

import (
	"bytes"
	"net/http"
	"strings"
)

// faultsOfCards break what pages of the older product ask, and what they are answered.
func faultsOfCards() []fault {
	spoken := func(r *http.Request) bool {
		return strings.HasPrefix(r.URL.Path, "/login/") && r.Method == http.MethodPut
	}
	without := func(names ...string) func(*liar, *http.Request) *http.Response {
		return func(_ *liar, r *http.Request) *http.Response {
			if spoken(r) {
				for _, name := range names {
					r.Header.Del(name)
				}
			}
			return nil
		}
	}
	replace := func(old, with string) func(*liar, *http.Request, *http.Response) {
		return func(_ *liar, r *http.Request, a *http.Response) {
			if spoken(r) {
				setBody(a, bytes.ReplaceAll(body(a), []byte(old), []byte(with)))
			}
		}
	}
	return []fault{
		{name: "older pages may be of any origin", before: without("Origin", "Sec-Fetch-Site"), checks: []string{"cards/cross-site"}},
		{name: "what was cancelled goes on", after: replace(`"ERROR"`, `"PENDING"`), checks: []string{"cards/cancel", "cards/failed"}},
		{name: "a login is complete before the person is back", after: replace(`"PENDING","niasStatus"`, `"COMPLETED","niasStatus"`), checks: []string{"cards/login"}},
		{name: "other browsers are told that there is such a login", after: replace(`"not_found"`, `"forbidden"`), checks: []string{"cards/other-browser"}},
		{name: "no choice of eID", after: func(_ *liar, r *http.Request, a *http.Response) {
			if strings.HasPrefix(r.URL.Path, "/login/") && r.Method == http.MethodGet {
				setBody(a, bytes.ReplaceAll(body(a), []byte("?method="), []byte("?eid=")))
			}
		}, checks: []string{"cards/choice"}},
	}
}
