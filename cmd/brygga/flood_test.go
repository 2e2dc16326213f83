package main

import (
	"encoding/base64"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
)

// flood is a request that a stranger repeats, and how many bytes may stay in memory of each: what is meant to be kept.
type flood struct {
	name    string
	keeps   int
	request func(i int) *http.Request
}

const (
	nothing = 1500 // what a bucket of a limit and the test itself take
	aLogin  = 8 << 10
	anOrder = 40 << 10 // with that of the simulator, which is in this process, and the goroutine that collects
)

// longStream is refused: the page polls then.
const longStream = "stream with a long request"

// junk is what a stranger sends beside all that is read.
var junk = strings.Repeat("p", 60<<10)

// cookieOfLogin begins a login and returns the path of its page and its cookie.
func cookieOfLogin(t *testing.T, d *devInstance) (page, cookie string) {
	t.Helper()
	w := httptest.NewRecorder()
	d.server.site.Load().Handler().ServeHTTP(w, get(d, "/authorize?"+authorizeQuery().Encode(), 1))
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || len(cookies) == 0 {
		t.Fatalf("no login: %d %s", w.Code, w.Body)
	}
	return w.Header().Get("Location"), cookies[0].Name + "=" + cookies[0].Value
}

func authorizeQuery() url.Values {
	return url.Values{
		"client_id": {"demo"}, "redirect_uri": {"http://127.0.0.1/callback"}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}, "login_hint": {"nobody"},
		"ui_locales": {"sv"}, "prompt": {"login"}, "acr_values": {"x"},
	}
}

// get returns a request from an address of its own, so that no limit is met.
func get(d *devInstance, target string, i int, headers ...string) *http.Request {
	return asked(httptest.NewRequest(http.MethodGet, d.Issuer+target, nil), i, headers)
}

func post(d *devInstance, path, form string, i int, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, d.Issuer+path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return asked(r, i, headers)
}

func asked(r *http.Request, i int, headers []string) *http.Request {
	r.RemoteAddr = fmt.Sprintf("[2001:db8:%x::1]:1", i)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// floods returns one of each endpoint and of each thing that a stranger can make long.
func floods(t *testing.T, d *devInstance) []flood {
	page, cookie := cookieOfLogin(t, d)
	request := authorizeQuery().Encode()
	wrong := func(i int) string { return fmt.Sprintf("client_id=c%d&client_secret=x&x=%s", i, junk) }
	crowded := "a=" + junk[:40<<10] + "; " + cookie + "; brygga-device=00000000-0000-4000-8000-000000000000; brygga-lang=en; brygga-session-demo=" + strings.Repeat("A", 49)
	all := []flood{
		{"authorize", aLogin, func(i int) *http.Request { return get(d, "/authorize?"+request+"&x="+junk, i) }},
		{"authorize, posted", aLogin, func(i int) *http.Request { return post(d, "/authorize", request+"&x="+junk, i) }},
		{"authorize, names and cookies", aLogin, func(i int) *http.Request {
			return get(d, "/authorize?"+request+"&"+junk+"=", i, "Cookie", crowded, "User-Agent", junk[:40<<10], "Accept-Language", junk[:40<<10])
		}},
		{"authorize, unknown client", nothing, func(i int) *http.Request { return get(d, fmt.Sprintf("/authorize?client_id=c%d&x=%s", i, junk), i) }},
		{"authorize, long client_id", nothing, func(i int) *http.Request { return get(d, fmt.Sprintf("/authorize?client_id=c%d%s", i, junk), i) }},
		{"token, unknown client", nothing, func(i int) *http.Request { return post(d, "/token", wrong(i), i) }},
		{"token, wrong secret", nothing, func(i int) *http.Request {
			return post(d, "/token", "grant_type=authorization_code&code=c"+junk, i, "Authorization", basic("demo", junk[:30<<10]))
		}},
		{"token, name in a long header", nothing, func(i int) *http.Request {
			return post(d, "/token", "x="+junk, i, "Authorization", basic(fmt.Sprint("c", i), junk[:30<<10]))
		}},
		{"token, assertion", nothing, func(i int) *http.Request {
			return post(d, "/token", "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=e30."+junk[:15<<10]+".x&x="+junk[:40<<10], i)
		}},
		{"token, public client", nothing, func(i int) *http.Request {
			return post(d, "/token", "grant_type=authorization_code&client_id=demo-public&code=c&code_verifier=v&x="+junk, i)
		}},
		{"par", nothing, func(i int) *http.Request {
			return post(d, "/par", strings.Replace(request, "client_id=demo", "client_id=demo-public", 1)+"&x="+junk, i)
		}},
		{"introspect", nothing, func(i int) *http.Request { return post(d, "/introspect", wrong(i)+"&token=t", i) }},
		{"revoke", nothing, func(i int) *http.Request { return post(d, "/revoke", "client_id=demo-public&token=t&x="+junk, i) }},
		{"userinfo", nothing, func(i int) *http.Request { return get(d, "/userinfo?x="+junk, i, "Authorization", "Bearer "+junk) }},
		{"logout", nothing, func(i int) *http.Request {
			return get(d, "/logout?client_id=demo&ui_locales=sv&x="+junk, i, "Cookie", crowded)
		}},
		{"logout, posted", nothing, func(i int) *http.Request { return post(d, "/logout", "state=s&x="+junk, i) }},
		{"script of another site", nothing, func(i int) *http.Request {
			r := get(d, "/token", i, "Origin", fmt.Sprintf("https://o%d.example/", i)+junk)
			r.Method = http.MethodOptions
			return r
		}},
		{"logout, confirmed", nothing, func(i int) *http.Request {
			return post(d, "/logout/confirm?x="+junk, "state=s&x="+junk, i, "Cookie", crowded, "Origin", d.Issuer)
		}},
		{"leave", aLogin, func(i int) *http.Request {
			page, cookie := cookieOfLogin(t, d)
			return post(d, page+"/leave?x="+junk, "", i, "Cookie", "a="+junk+"; "+cookie, "Origin", d.Issuer)
		}},
		{"keys", nothing, func(i int) *http.Request { return get(d, "/jwks.json?x="+junk, i) }},
		{"brand", nothing, func(i int) *http.Request { return get(d, fmt.Sprintf("/brand/c%d/%s", i, junk), i) }},
		{"discovery", nothing, func(i int) *http.Request {
			return get(d, "/.well-known/openid-configuration?x="+junk, i, "Origin", "https://o.example")
		}},
		{"no such page", nothing, func(i int) *http.Request { return get(d, fmt.Sprint("/", i, junk), i) }},
		{"no such login", nothing, func(i int) *http.Request {
			return get(d, fmt.Sprintf("/login/%022d?x=%s", i, junk), i, "Cookie", crowded)
		}},
		{"foreign login", nothing, func(i int) *http.Request { return get(d, page+"?x="+junk, i) }},
		{"page", nothing, func(i int) *http.Request {
			return get(d, page+"?x="+junk, i, "Cookie", crowded, "Accept-Language", junk[:40<<10])
		}},
		{"status", nothing, func(i int) *http.Request { return get(d, page+"/status?view="+junk, i, "Cookie", crowded) }},
		{longStream, nothing, func(i int) *http.Request { return get(d, page+"/events", i, "Cookie", crowded) }},
		{"return", nothing, func(i int) *http.Request { return get(d, page+"/return?n="+junk, i, "Cookie", crowded) }},
		{"asset", nothing, func(i int) *http.Request {
			return get(d, fmt.Sprint("/assets/", i, junk), i, "X-Forwarded-For", junk, "X-Request-ID", junk)
		}},
	}
	for _, action := range []string{"cancel", "done"} {
		all = append(all, flood{action, nothing, func(i int) *http.Request {
			return post(d, page+"/"+action+"?x="+junk, "x="+junk[:3<<10], i, "Cookie", crowded, "Origin", d.Issuer)
		}})
	}
	return all
}

func basic(id, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+password))
}

// starts returns a flood of starts, each of a login of its own and with all that describes the browser in long headers.
func starts(t *testing.T, d *devInstance) flood {
	return flood{"start", anOrder, func(i int) *http.Request {
		page, cookie := cookieOfLogin(t, d)
		long := func(text string) string { return text + strings.Repeat("\t", 60<<10) + "x" }
		r := post(d, page+"/start?x="+junk, "device=other&touch_points=5", i, "Cookie", "a="+junk+"; "+cookie+
			"; brygga-device=00000000-0000-4000-8000-000000000000; brygga-lang=en", "Origin", d.Issuer, "User-Agent", long(windowsAgent),
			"Sec-CH-UA-Platform", long("Windows"), "Sec-CH-UA-Mobile", long("?0"), "Sec-CH-UA", long("Brand"))
		return r
	}}
}

const windowsAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

// liveHeap returns how many bytes are in use once all garbage is gone.
func liveHeap() int {
	var stats runtime.MemStats
	for range 3 { // pools and finalizers hold things for a collection or two
		runtime.GC()
	}
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

// TestFloodsLeaveNothingBehind sends each endpoint long requests and looks at what is alive afterwards. What came with them must
// have gone with them, but for copies of what is meant to be kept. What is kept of each request shows in every round; a map that grows
// by half, or another task of the server, in one of them.
func TestFloodsLeaveNothingBehind(t *testing.T) {
	d := newDev(t, nil)
	handler := d.server.site.Load().Handler()
	sent := 1000
	run := func(f flood, n int) {
		for range n {
			sent++
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, f.request(sent))
			limited := w.Code == http.StatusTooManyRequests && f.name != longStream
			if w.Code >= 500 || limited || f.keeps != nothing && w.Code != http.StatusSeeOther {
				t.Fatalf("%s: %d %s", f.name, w.Code, w.Body)
			}
		}
	}
	for _, f := range append(floods(t, d), starts(t, d)) {
		n := 90
		if f.keeps == anOrder {
			n = 40
		}
		run(f, 20) // what is made once
		grown := math.MaxInt
		for range 3 {
			before := liveHeap()
			run(f, n)
			grown = min(grown, (liveHeap()-before)/n)
			if grown <= f.keeps {
				break
			}
		}
		t.Logf("%s: %d bytes a request", f.name, grown)
		if grown > f.keeps {
			t.Errorf("%s: each request leaves %d bytes behind, at most %d are meant to stay", f.name, grown, f.keeps)
		}
	}
}
