package op

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// guarded sends a request through the guard and returns the form that came through, nil if none did.
func (h *harness) guarded(r *http.Request) (form url.Values, w *httptest.ResponseRecorder) {
	w = httptest.NewRecorder()
	h.guardForm(func(_ http.ResponseWriter, r *http.Request) {
		if form = r.Form; form.Encode() != r.PostForm.Encode() || r.URL.RawQuery != "" {
			h.t.Errorf("Form %v, PostForm %v, query %q", r.Form, r.PostForm, r.URL.RawQuery)
		}
	})(w, r)
	return form, w
}

func TestGuardForm(t *testing.T) {
	h := newHarness(t, nil)
	post := func(query, kind, body string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, issuer+"/par?"+query, strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		return r
	}
	twoHeaders := post("", "application/x-www-form-urlencoded", "a=1")
	twoHeaders.Header["Authorization"] = []string{"Basic YTpi", "Basic YTpi"}
	for name, test := range map[string]struct {
		request *http.Request
		want    string
	}{
		"a form":               {post("", "application/x-www-form-urlencoded", "a=1&b=2"), "a=1&b=2"},
		"with a charset":       {post("", "application/x-www-form-urlencoded; charset=utf-8", "a=1"), "a=1"},
		"a query to ignore":    {post("a=2&c=3", "application/x-www-form-urlencoded", "a=1"), "a=1"},
		"resource twice":       {post("", "application/x-www-form-urlencoded", "resource=a&resource=b"), "resource=a&resource=b"},
		"another twice":        {post("", "application/x-www-form-urlencoded", "scope=a&scope=b"), ""},
		"an empty one twice":   {post("", "application/x-www-form-urlencoded", "scope=&scope="), ""},
		"a broken parameter":   {post("", "application/x-www-form-urlencoded; charset", "a=1"), ""},
		"JSON":                 {post("", "application/json", "{}"), ""},
		"multipart":            {post("", "multipart/form-data; boundary=x", "a=1"), ""},
		"no type":              {post("", "", "a=1"), ""},
		"bad encoding":         {post("", "application/x-www-form-urlencoded", "a=%zz"), ""},
		"too long":             {post("", "application/x-www-form-urlencoded", "a="+strings.Repeat("x", maxSigning)), ""},
		"two headers":          {twoHeaders, ""},
		"as long as it may be": {post("", "application/x-www-form-urlencoded", strings.Repeat("a", maxSigning-1)+"="), strings.Repeat("a", maxSigning-1) + "="},
	} {
		form, w := h.guarded(test.request)
		if form.Encode() != test.want {
			t.Errorf("%s: %.100v", name, form)
		}
		if test.want == "" && (w.Code != http.StatusBadRequest || decode(t, w).Error != "invalid_request") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Pragma") != "no-cache" {
			t.Errorf("%s: %v", name, w.Header())
		}
	}
}

// Every endpoint has its methods and no others, and says which.
func TestMethods(t *testing.T) {
	h := newHarness(t, nil)
	for path, allowed := range map[string]string{
		pathDiscovery: "GET, HEAD", pathMetadata: "GET, HEAD", pathJWKS: "GET, HEAD", pathToken: "POST", pathUserinfo: "GET, POST",
		pathPAR: "POST", pathIntrospect: "POST", pathRevoke: "POST", pathAuthorize: "GET, POST", pathLogout: "GET, POST",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} {
			w := h.do(httptest.NewRequest(method, issuer+path, nil))
			may := false
			for one := range strings.SplitSeq(allowed, ", ") {
				may = may || one == method
			}
			if may == (w.Code == http.StatusMethodNotAllowed) || !may && w.Header().Get("Allow") != allowed {
				t.Errorf("%s %s: %d, Allow %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
	}
}
