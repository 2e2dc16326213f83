package web_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"brygga/audit"
	"brygga/storage"
	"brygga/web"
)

// U-01, T-13: nothing that is not a POST makes an order.
func TestGetsMakeNoOrders_U01_T13(t *testing.T) {
	t.Parallel()
	p := ownPeer(t)
	b := newHouse(t, p, nil).browser(iPhone)
	path := b.begin("app")
	for i := range 250 {
		b.get(path)
		b.do("HEAD", path, "", "")
		b.get([]string{path + "/status", path + "/start?device=other", path + "/return", path + "/status?view=choose"}[i%4])
		if i%4 == 3 && i < 16 { // more streams there may not be
			b.listen(path).until("choose")
		}
		b.do("HEAD", []string{path + "/start", path + "/events", path + "/return?n=x", path + "/done"}[i%4], "", "")
	}
	if orders := p.Orders(""); len(orders) != 0 || b.login(path).State != storage.LoginOpen {
		t.Errorf("1000 GETs and HEADs made %d orders, and the login is %s", len(orders), b.login(path).State)
	}
}

func TestPrefetchBeginsNothing_U01(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	b.header.Set("Sec-Purpose", "prefetch")
	if answer := b.get("/authorize?client_id=app"); answer.status != http.StatusServiceUnavailable || answer.header.Get("Set-Cookie") != "" {
		t.Errorf("prefetched authorize = %d, cookies %q", answer.status, answer.header.Get("Set-Cookie"))
	}
}

var reference = regexp.MustCompile(`[0-9A-Z]{4}-[0-9A-Z]{4}`)

// T-07: who does not have the login's cookie gets what an unknown login gets, and changes nothing.
func TestBrowserBinding_T07_RowA2(t *testing.T) {
	t.Parallel()
	h := newHouse(t, shared, nil)
	owner := h.browser(windowsPC)
	path := owner.begin("app")
	order := owner.scan(path)
	owner.await(path, "confirm")
	before := h.login(path)
	empty, busy := h.browser(windowsPC), h.browser(windowsPC)
	busy.begin("app")
	unknown := "/login/" + strings.Repeat("A", 22)
	requests := []struct{ method, tail string }{
		{"GET", ""}, {"GET", "?lang=en"}, {"GET", "/status"}, {"GET", "/events"}, {"GET", "/return?n=abc"},
		{"POST", "/start"}, {"POST", "/cancel"}, {"POST", "/leave"}, {"POST", "/done"},
	}
	for name, b := range map[string]*browser{"no cookie": empty, "another browser's cookie": busy} {
		for _, r := range requests {
			ask := func(path string) page {
				got := b.do(r.method, path+r.tail, "application/x-www-form-urlencoded", "device=other")
				got.body = reference.ReplaceAllString(got.body, "reference")
				got.header.Del("Date")
				return got
			}
			foreign, none := ask(path), ask(unknown)
			if foreign.status != http.StatusNotFound || foreign.status != none.status || foreign.body != none.body {
				t.Errorf("%s: %s %s = %d, and %d for an unknown login; bodies equal: %t",
					name, r.method, r.tail, foreign.status, none.status, foreign.body == none.body)
			}
			for header := range foreign.header {
				if foreign.header.Get(header) != none.header.Get(header) {
					t.Errorf("%s: %s %s: header %s tells the logins apart", name, r.method, r.tail, header)
				}
			}
			if foreign.has("Appen") || foreign.has(strings.TrimPrefix(path, "/login/")) {
				t.Errorf("%s: %s %s shows the login", name, r.method, r.tail)
			}
		}
	}
	if after := h.login(path); after.Revision != before.Revision {
		t.Errorf("strangers changed the login: %s, revision %d to %d", after.State, before.Revision, after.Revision)
	}
	if h.audits(audit.BindingRefused) == 0 {
		t.Error("the audit log does not tell of strangers")
	}
	owner.sign(order)
	owner.await(path, "complete")
	for _, b := range []*browser{empty, busy} {
		if answer := b.post(path + "/done"); answer.location != "" {
			t.Errorf("a stranger's done leads to %q", answer.location)
		}
	}
}

func TestCrossOriginPost_U01(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(windowsPC)
	path := b.begin("app")
	for _, tc := range []struct {
		name, header, value string
		want                int
	}{
		{"cross-site", "Sec-Fetch-Site", "cross-site", http.StatusForbidden},
		{"same-site", "Sec-Fetch-Site", "same-site", http.StatusForbidden},
		{"old browser, other origin", "Origin", "https://evil.example", http.StatusForbidden},
		{"old browser, no origin told", "Origin", "null", http.StatusForbidden},
		{"own page", "Sec-Fetch-Site", "same-origin", http.StatusSeeOther},
		{"old browser, own origin", "Origin", b.url, http.StatusSeeOther},
	} {
		b.header = http.Header{tc.header: {tc.value}}
		for _, action := range []string{"/start", "/cancel", "/done", "/leave"} {
			if action == "/leave" && tc.want != http.StatusForbidden {
				continue // it would end the login
			}
			if answer := b.post(path+action, "device", "other"); answer.status != tc.want {
				t.Errorf("%s: %s = %d, want %d", tc.name, action, answer.status, tc.want)
			}
		}
		if tc.want == http.StatusForbidden && b.login(path).State != storage.LoginOpen {
			t.Fatalf("%s: the login is %s", tc.name, b.login(path).State)
		}
	}
}

// secureSite is a site with an https issuer, without a server.
func secureSite(t *testing.T, change func(*web.Options)) *house {
	return newHouse(t, shared, func(s *settings) {
		s.web.Issuer = "https://login.example"
		if change != nil {
			change(&s.web)
		}
	})
}

func (h *house) serve(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestCookies(t *testing.T) {
	t.Parallel()
	h := secureSite(t, nil)
	answer := h.serve(httptest.NewRequest("GET", "/authorize?client_id=app", nil))
	binding := answer.Cookies()
	if len(binding) != 1 {
		t.Fatalf("authorize sets %d cookies, want 1", len(binding))
	}
	seen := binding
	at := answer.Header.Get("Location")
	for _, r := range []*http.Request{
		httptest.NewRequest("GET", at+"?lang=en", nil),
		httptest.NewRequest("POST", at+"/start", strings.NewReader("device=other")),
		httptest.NewRequest("POST", "/authorize", strings.NewReader("client_id=app")),
	} {
		if r.Method == "POST" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if !strings.HasPrefix(r.URL.Path, "/authorize") {
			r.AddCookie(binding[0])
		}
		set := h.serve(r).Cookies()
		if len(set) != 1 {
			t.Errorf("%s %s sets %d cookies, want 1", r.Method, r.URL.Path, len(set))
		}
		seen = append(seen, set...)
	}
	for _, c := range seen {
		if !strings.HasPrefix(c.Name, "__Host-brygga") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 {
			t.Errorf("cookie %s", c)
		}
	}
	if binding[0].Name != "__Host-brygga" || len(binding[0].Value) != 43 || binding[0].MaxAge != 3600 {
		t.Errorf("binding cookie %s", binding[0])
	}
	// The browser's other tabs go on: a good value is kept, a bad one is not.
	for value, kept := range map[string]bool{binding[0].Value: true, "short": false, strings.Repeat("A", 42) + "!": false} {
		r := httptest.NewRequest("GET", "/authorize?client_id=app", nil)
		r.AddCookie(&http.Cookie{Name: "__Host-brygga", Value: value})
		if got := h.serve(r).Cookies(); len(got) != 1 || (got[0].Value == value) != kept {
			t.Errorf("cookie %q became %v, kept should be %t", value, got, kept)
		}
	}
	// In development there is no https, and the prefix would make browsers refuse the cookie.
	plain := newHouse(t, shared, nil)
	for _, c := range plain.serve(httptest.NewRequest("GET", "/authorize?client_id=app", nil)).Cookies() {
		if c.Name != "brygga" || c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("development cookie %s", c)
		}
	}
}

func TestHeaders_T06(t *testing.T) {
	t.Parallel()
	h := secureSite(t, nil)
	begun := h.serve(httptest.NewRequest("GET", "/authorize?client_id=app", nil))
	const csp = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
	for path, policy := range map[string]string{
		begun.Header.Get("Location"):             csp, // its forms lead to the client, see headers.go
		begun.Header.Get("Location") + "/status": csp + "; form-action 'none'",
		"/authorize?client_id=unknown":           csp + "; form-action 'none'",
		"/nothing":                               csp + "; form-action 'none'",
	} {
		r := httptest.NewRequest("GET", path, nil)
		r.AddCookie(begun.Cookies()[0])
		answer := h.serve(r)
		for name, want := range map[string]string{
			"Content-Security-Policy": policy, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
			"Strict-Transport-Security": "max-age=31536000",
		} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", path, name, got, want)
			}
		}
		if answer.Header.Get("Permissions-Policy") == "" {
			t.Errorf("%s has no Permissions-Policy", path)
		}
	}
}

func TestPlainHTTPThroughProxy(t *testing.T) {
	t.Parallel()
	h := secureSite(t, func(o *web.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")} })
	for method, want := range map[string]int{"GET": http.StatusPermanentRedirect, "POST": http.StatusForbidden} {
		r := httptest.NewRequest(method, "/authorize?client_id=app", nil)
		r.Header.Set("X-Forwarded-Proto", "http")
		answer := h.serve(r)
		if answer.StatusCode != want || len(answer.Cookies()) != 0 {
			t.Errorf("%s = %d, want %d without cookies", method, answer.StatusCode, want)
		}
		if at := answer.Header.Get("Location"); method == "GET" && at != "https://login.example/authorize?client_id=app" {
			t.Errorf("redirected to %q", at)
		}
	}
}

// Whatever stands behind GET, nobody is sent to another host.
func TestPlainHTTPTargets(t *testing.T) {
	t.Parallel()
	h := secureSite(t, func(o *web.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")} })
	for target, want := range map[string]string{
		"/":                             "https://login.example/",
		"/a?b=%2F//c":                   "https://login.example/a?b=%2F//c",
		"/@evil.example/":               "https://login.example/@evil.example/",
		"x:.evil.example/a":             "",
		"x:@evil.example/a":             "",
		"x:/a":                          "",
		"http://evil.example/":          "",
		"http://login.example/":         "",
		"https://login.example:80@e.x/": "",
		"//evil.example/":               "",
		"///evil.example/":              "",
		"*":                             "",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		r.URL, r.RequestURI = u, target
		r.Header.Set("X-Forwarded-Proto", "http")
		answer := h.serve(r)
		status := http.StatusPermanentRedirect
		if want == "" {
			status = http.StatusBadRequest
		}
		if at := answer.Header.Get("Location"); answer.StatusCode != status || at != want {
			t.Errorf("%s: %d to %q, want %d to %q", target, answer.StatusCode, at, status, want)
		}
	}
}

var (
	inline   = regexp.MustCompile(`(?i)<script(?:[^>]*src=)?[^>]*>[^<]+</script>|<style|\sstyle=|\son[a-z]+=`)
	external = regexp.MustCompile(`(?i)(?:src|<link[^>]*href)="(?:https?:)?//`)
)

// What the policy forbids is not there either: the page works under it.
func TestPagesKeepThePolicy_U18(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(iPhone)
	path := b.begin("app")
	pages := []string{b.get(path).body, b.get("/nothing").body}
	b.post(path+"/start", "device", "this")
	pages = append(pages, b.get(path).body)
	b.post(path+"/start", "device", "other")
	pages = append(pages, b.get(path).body)
	for _, body := range pages {
		if found := inline.FindString(body) + external.FindString(body); found != "" {
			t.Errorf("a page holds %q", found)
		}
	}
}

// Rule 1: who started by QR code gets frames and nothing they are made from; only who started on this device gets the
// autostart token; the log gets nothing at all.
func TestSecretsStayHome_U03_T06_RowA1_RowA4_RowA16(t *testing.T) {
	t.Parallel()
	b := newHouse(t, shared, nil).browser(iPhone)
	path := b.begin("app")
	look := func(when string, mayHold string, secrets map[string]string) {
		t.Helper()
		for _, at := range []string{path, path + "/status"} {
			got := b.get(at)
			for name, text := range secrets {
				if name != mayHold && (got.has(text) || strings.Contains(got.location, text)) {
					t.Errorf("%s: %s shows %s", when, at, name)
				}
			}
		}
	}
	all := map[string]string{}
	secretsOf := func() map[string]string {
		l := b.login(path)
		found := map[string]string{
			"OrderRef": l.Order.Ref.Reveal(), "QRStartToken": l.Order.QRStartToken.Reveal(),
			"QRStartSecret": l.Order.QRStartSecret.Reveal(), "AutoStartToken": l.Order.AutoStartToken.Reveal(),
		}
		for name, text := range found {
			if text == "" { // wiped with the end of the order; what it was stands in all since it began
				delete(found, name)
				continue
			}
			all[name+l.Order.ID] = text
		}
		return found
	}
	b.scan(path)
	look("QR code", "", secretsOf())
	b.await(path, "confirm")
	look("QR code taken", "", secretsOf())
	b.post(path+"/start", "device", "this")
	look("this device", "AutoStartToken", secretsOf())
	order := b.open(path)
	b.await(path, "confirm")
	look("app opened", "", secretsOf())
	order = b.sign(order)
	b.get(*order.ReturnURL)
	b.await(path, "complete")
	secretsOf()
	look("complete", "", maps.Clone(all))
	b.post(path + "/done")
	look("answered", "", map[string]string{"personal number": order.PersonalNumber})
	_, all["nonce"], _ = strings.Cut(*order.ReturnURL, "?n=")
	all["personal number"] = order.PersonalNumber
	for _, c := range b.http.Jar.Cookies(mustURL(t, b.url)) {
		if len(c.Value) > 10 {
			all["cookie "+c.Name] = c.Value
		}
	}
	for name, text := range all {
		if text == "" || strings.Contains(b.log.String(), text) {
			t.Errorf("the log shows %s", name)
		}
	}
	if strings.Contains(b.log.String(), path) {
		t.Error("the access log shows a path")
	}
	if _, ok := b.routes.Load("POST /login/{id}/done"); !ok {
		t.Error("the route of the last request was not observed")
	}
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	must(t, err)
	return u
}
