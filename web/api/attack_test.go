package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/admin"
)

// state is what there is: clients with their tags, and how many events tell of changes.
func (h *harness) state() string {
	h.Helper()
	list := h.ask(h.key, "GET", "/clients?limit=1000", "")
	h.want(list, 200)
	return list.text + h.ask(h.key, "GET", "/operators", "").text + h.ask(h.key, "GET", "/keys", "").text + h.events()
}

// unchanged fails when what do does changes something, or is audited.
func (h *harness) unchanged(what string, do func()) {
	h.Helper()
	before := h.state()
	do()
	if after := h.state(); after != before {
		h.Errorf("%s changes something\n%s\n%s", what, before, after)
	}
}

// TestAmbiguousBodies: what two programs could read differently is taken by none, wherever it stands.
func TestAmbiguousBodies(t *testing.T) {
	h := newHarness(t)
	h.want(h.ask(h.key, "PUT", "/clients/app", app), 201)
	deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
	for _, test := range []struct {
		body   string
		status int
		at     string
	}{
		{`{"name":"A","name":"B"}`, 400, "/name"},
		{`{"policy":{"minimum_age":18,"minimum_age":1}}`, 400, "/policy/minimum_age"},
		{`{"na\u006de":"A","name":"B"}`, 400, "/name"},
		{`{"redirect_uris":["https://a.example.se/",{"a":1,"a":2}]}`, 400, "/redirect_uris/1/a"},
		{"{\"name\":\"\xff\"}", 400, ""},
		{`{"name":"\ud800"}`, 400, "/name"},
		{`{"name":` + deep + `}`, 400, "/name" + strings.Repeat("/0", 31)},
		{strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000), 400, strings.Repeat("/a", 32)},
		{`{"name":"a` + "\x00" + `"}`, 400, ""}, {`{"name":"A"}]`, 400, ""}, {`{"name":"A"} x`, 400, ""}, {`{"name":"A",}`, 400, ""}, {`null`, 400, ""}, {`"x"`, 400, ""},
		{`{"name":"a\u0000b"}`, 422, "/name"}, {`{"name":1}`, 422, "/name"}, {`{"redirect_uris":"https://a.example.se/"}`, 422, "/redirect_uris"}, {`{"require_pkce":"true"}`, 422, "/require_pkce"},
		{`{"Name":"A"}`, 422, "/Name"}, {`{"policy":{"minimum_age":"18"}}`, 422, "/policy/minimum_age"}, {`{"policy":{"minimum_age":1e400}}`, 422, "/policy/minimum_age"},
		{`{"policy":[]}`, 422, "/policy"},
	} {
		h.unchanged(cut(test.body), func() {
			r := h.ask(h.key, "PATCH", "/clients/app", test.body, "If-Match", "*")
			h.want(r, test.status)
			if got := strings.Join(r.pointers(), " "); got != test.at {
				t.Errorf("%s: wrong is %s, want %s", cut(test.body), cut(got), cut(test.at))
			}
		})
	}
	for path, body := range map[string]string{
		"/alarms": `{"recipients":[{"email":"kim@example.se","language":"sv","Kinds":["disk"]},{"email":1}]}`,
		"/banner": `{"sv":null}`,
		"/log":    `{"level":"debug","LEVEL":"info"}`,
	} {
		r := h.ask(h.key, "PUT", path, body)
		want := map[string]string{"/alarms": "/recipients/0/Kinds /recipients/1/email", "/banner": "/sv", "/log": "/LEVEL"}[path]
		if h.want(r, 422); strings.Join(r.pointers(), " ") != want {
			t.Errorf("%s: wrong are %v", path, r.pointers())
		}
	}
}

func cut(text string) string { return text[:min(len(text), 80)] }

// TestQueriesAreReadWhole: a parameter that cannot be read, is empty or stands there twice holds a change back, as it may have been meant to.
func TestQueriesAreReadWhole(t *testing.T) {
	h := newHarness(t)
	h.want(h.ask(h.key, "PUT", "/clients/app", app), 201)
	for query, status := range map[string]int{
		"dry_run": 422, "dry_run=": 422, "dry_run=1": 422, "dry_run=yes": 422, "dry_run=TRUE": 422, "dry_run=true&dry_run=false": 422, "dry_run=false&dry_run=true": 422,
		"x=1;dry_run=true": 400, "dry_run=true;": 400, "dry_run=%zz": 400, "DRY_RUN=true": 422, "dry-run=true": 422, "dry_run[]=true": 422, "%64ry_run=maybe": 422,
	} {
		h.unchanged(query, func() {
			h.want(h.ask(h.key, "POST", "/clients/app/disable?"+query, `{}`), status)
			h.want(h.ask(h.key, "DELETE", "/clients/app?"+query, "", "If-Match", "*"), status)
			h.want(h.ask(h.key, "POST", "/apply?"+query, `{"remove":["app"]}`), status)
		})
	}
	for _, query := range []string{"limit=0", "limit=-1", "limit=1000000000", "limit=", "limit=1e1", "limit=99999999999999999999", "limit=1&limit=2", "disabled=", "sort=size", "cursor=%ff", "cursor=a"} {
		h.want(h.ask(h.key, "GET", "/clients?"+query, ""), 422)
	}
	for _, path := range []string{"/logins?device=phone", "/logins?network=", "/logins?from=", "/statistics?format=xml", "/statistics?month=", "/figures?hours="} {
		h.want(h.ask(h.key, "GET", path, ""), 422)
	}
}

// TestCursorsAreOfTheirList: a cursor that was altered, or is of another list or another order, leads nowhere.
func TestCursorsAreOfTheirList(t *testing.T) {
	h := newHarness(t)
	for _, id := range []string{"a", "b", "c", "d"} {
		h.want(h.ask(h.key, "PUT", "/clients/"+id, app), 201)
	}
	next := func(path string) string {
		r := h.ask(h.key, "GET", path, "")
		h.want(r, 200)
		text, _ := r.body.(map[string]any)["next"].(string)
		return text
	}
	byID, byName, events, found := next("/clients?limit=2"), next("/clients?limit=2&sort=name"), next("/audit/events?limit=2"), next("/clients?limit=2&search=app")
	for _, cursor := range []string{byID, byName, events, found} {
		if cursor == "" {
			t.Fatal("a list ends before its end")
		}
	}
	altered := []byte(byID)
	altered[len(altered)-1]++
	for path, wrong := range map[string][]string{
		"/clients?limit=2":           {byName, events, found, byID[1:], byID[:len(byID)-1], byID + "A", string(altered), base64.RawURLEncoding.EncodeToString([]byte("b")), "..", "AAAA"},
		"/clients?limit=2&sort=name": {byID}, "/clients?search=app": {byID}, "/audit/events?limit=2": {byID}, "/audit/events?limit=2&backwards=true": {events}, "/logins?limit=2": {events},
		"/clients/a/history?limit=1": {events},
	} {
		for _, cursor := range wrong {
			h.want(h.ask(h.key, "GET", path+"&cursor="+cursor, ""), 422)
		}
	}
	h.want(h.ask(h.key, "GET", "/clients?limit=3&cursor="+byID, ""), 200)
}

// TestStrangePaths: an ID is one segment, whatever is in it.
func TestStrangePaths(t *testing.T) {
	h := newHarness(t)
	h.want(h.ask(h.key, "PUT", "/clients/app", app), 201)
	for path, status := range map[string]int{
		"/clients/%2e%2e": 404, "/clients/%2e": 404, "/clients/a%2f..%2fapp": 404, "/clients/..%2fapp": 404, "/clients/a%2Fb": 422, "/clients/%00": 422, "/clients/%ff": 422, "/clients/a%20b": 422,
		"/clients/" + strings.Repeat("a", 5000): 422, "/clients/": 404, "/clients/app/": 404, "/clients/%2e%2e%2foperators": 404, "/clients/%E2%80%AE": 422,
	} {
		h.unchanged(path, func() {
			r := h.ask(h.key, "PUT", path, app)
			h.want(r, status)
			if kind := r.Header.Get("Content-Type"); kind != "application/problem+json" {
				t.Errorf("%s answers with %s", path, kind)
			}
			for _, method := range []string{"GET", "DELETE"} {
				h.want(h.ask(h.key, method, path, "", "If-Match", "*"), 404)
			}
		})
	}
	h.unchanged("a path that is not tidy", func() {
		for _, path := range []string{"/clients/../clients/app", "//clients/app", "/clients//app"} {
			if r := h.raw("DELETE /api/v1" + path + " HTTP/1.1\r\nIf-Match: *"); r.StatusCode != 404 {
				t.Errorf("%s answers %d", path, r.StatusCode)
			}
		}
	})
}

// raw sends a request whose first lines are written as they are.
func (h *harness) raw(lines string) *http.Response {
	h.Helper()
	conn, err := net.Dial("tcp", h.server.Listener.Addr().String())
	h.ok(err)
	h.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "%s\r\nHost: localhost\r\nX-API-Key: %s\r\n\r\n", lines, h.key)
	return h.answerOn(conn)
}

// TestMethods: what can be read can be asked for with HEAD, and what there is not says what there is.
func TestMethods(t *testing.T) {
	h := newHarness(t)
	h.want(h.ask(h.key, "PUT", "/clients/app", app), 201)
	read, head := h.ask(h.key, "GET", "/clients/app", ""), h.ask(h.key, "HEAD", "/clients/app", "")
	h.want(head, 200)
	if head.text != "" || head.Header.Get("ETag") != read.Header.Get("ETag") || head.Header.Get("Content-Type") != read.Header.Get("Content-Type") {
		t.Errorf("HEAD answers %v, %q", head.Header, head.text)
	}
	h.want(h.ask("", "HEAD", "/clients/app", ""), 401)
	h.want(h.ask(h.key, "HEAD", "/audit/export", ""), 200)
	h.want(h.ask(h.key, "HEAD", "/clients/app/disable", ""), 405)
	h.unchanged("another method", func() {
		for _, method := range []string{"OPTIONS", "TRACE", "POST", "PROPFIND", "delete"} {
			r := h.ask(h.key, method, "/clients/app", "", "If-Match", "*")
			if h.want(r, 405); r.Header.Get("Allow") != "DELETE, GET, HEAD, PATCH, PUT" {
				t.Errorf("%s: allowed are %s", method, r.Header.Get("Allow"))
			}
		}
		h.want(h.ask(h.key, "POST", "/clients/app", app, "X-HTTP-Method-Override", "DELETE", "If-Match", "*"), 405)
	})
}

// TestStrangeBodies: what is no JSON object of a bounded size is not unpacked, and changes nothing.
func TestStrangeBodies(t *testing.T) {
	h := newHarness(t)
	h.want(h.ask(h.key, "PUT", "/clients/app", app), 201)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	io.CopyN(w, zeros{}, 64<<20)
	w.Close()
	h.unchanged("a strange body", func() {
		for _, headers := range [][]string{
			{"Content-Encoding", "gzip"}, {"Content-Encoding", "br"}, {"Content-Encoding", "identity, gzip"}, {"Content-Type", "text/json"}, {"Content-Type", "application/x-www-form-urlencoded"},
			{"Content-Type", "application/json, text/plain"}, {"Content-Type", ""}, {"Content-Type", "multipart/form-data; boundary=x"},
		} {
			r := h.ask(h.key, "PUT", "/clients/app", packed.String(), append(headers, "If-Match", "*")...)
			if h.want(r, 415); r.Header.Get("Accept") != "application/json" {
				t.Errorf("%v: taken is %q", headers, r.Header.Get("Accept"))
			}
		}
		h.want(h.ask(h.key, "PUT", "/clients/app", packed.String(), "If-Match", "*"), 400)
		h.want(h.ask(h.key, "PUT", "/clients/app", `{"name":"`+strings.Repeat("a", 5<<20)+`"}`, "If-Match", "*"), 413)
		h.want(h.ask(h.key, "PUT", "/clients/app", `{"redirect_uris":["`+strings.Repeat(`https://a.example.se/","`, 100_000)+`"]}`, "If-Match", "*"), 422)
		h.want(h.ask(h.key, "PUT", "/clients/app", `{"name":"`+strings.Repeat("a", 3<<20)+`"}`, "If-Match", "*"), 422)
	})
	many := `"` + strings.Repeat(`192.0.2.1","`, 100) + `192.0.2.1"`
	for _, body := range []string{`"networks":[` + many + `]`, `"groups":[` + many + `]`, `"groups":[""]`, `"groups":["a\u0000b"]`} {
		h.want(h.ask(h.key, "POST", "/api-keys", `{"name":"x","scopes":["clients:read"],`+body+`}`), 422)
	}
	h.want(h.ask(h.key, "PUT", "/clients/app", app, "Content-Type", "application/json; charset=utf-8", "Content-Encoding", "identity"), 200)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestConditionsAreKept: a change that was asked for on a condition is not made without, wherever one is sent.
func TestConditionsAreKept(t *testing.T) {
	h := newHarness(t)
	keyID := h.prepare()
	h.want(h.ask(h.key, "POST", "/clients/app/secrets", `{}`), 201)
	document := h.ask("", "GET", "/openapi.json", "").body.(map[string]any)
	for path, item := range document["paths"].(map[string]any) {
		for name, described := range item.(map[string]any) {
			method := strings.ToUpper(name)
			if method == "GET" {
				continue
			}
			example := examples[described.(map[string]any)["operationId"].(string)]
			h.unchanged(method+" "+path, func() {
				at := strings.Replace(example.path, "KEY", keyID, 1)
				r := h.ask(h.key, method, at, example.body, "If-Match", `"77"`)
				if path == "/api/v1/operators/{id}/invite" && r.StatusCode == 409 {
					return
				}
				h.want(r, 412)
			})
		}
	}
	h.unchanged("If-None-Match", func() {
		h.want(h.ask(h.key, "PUT", "/clients/app", app, "If-None-Match", "*"), 412)
		h.want(h.ask(h.key, "PUT", "/clients/app", app, "If-None-Match", `"1"`), 400)
		h.want(h.ask(h.key, "PUT", "/clients/app", app, "If-None-Match", "*", "If-Match", "*"), 400)
		h.want(h.ask(h.key, "PATCH", "/clients/app", `{"name":"x"}`, "If-None-Match", "*"), 400)
		h.want(h.ask(h.key, "DELETE", "/clients/app", "", "If-None-Match", "*"), 400)
		h.want(h.ask(h.key, "POST", "/clients/app/secrets", `{}`, "If-None-Match", "*"), 400)
		h.want(h.ask(h.key, "PATCH", "/operators/o", `{"name":"x"}`, "If-None-Match", "*"), 400)
		if r := h.raw("DELETE /api/v1/clients/app HTTP/1.1\r\nIf-Match: \"77\"\r\nIf-Match: *"); r.StatusCode != 412 {
			t.Errorf("two conditions: %d", r.StatusCode)
		}
	})
	h.want(h.ask(h.key, "DELETE", "/clients/app", "", "If-Match", "*"), 204)
	h.unchanged("a client that was removed", func() {
		h.want(h.ask(h.key, "PUT", "/clients/app", app, "If-Match", `"2"`), 412)
		h.want(h.ask(h.key, "PUT", "/clients/app", app, "If-Match", "*"), 412)
		h.want(h.ask(h.key, "PATCH", "/clients/app", `{"name":"x"}`, "If-Match", `"2"`), 404)
		h.want(h.ask(h.key, "DELETE", "/clients/app", "", "If-Match", `"2"`), 404)
		h.want(h.ask(h.key, "POST", "/clients/app/disable", `{}`, "If-Match", `"2"`), 404)
	})
}

// TestDryRunsLeaveNothing: a dry run of every operation that has one changes nothing and is no event.
func TestDryRunsLeaveNothing(t *testing.T) {
	h := newHarness(t)
	h.prepare()
	h.want(h.ask(h.key, "POST", "/clients/app/secrets", `{}`), 201)
	document := h.ask("", "GET", "/openapi.json", "").body.(map[string]any)
	tried := 0
	for path, item := range document["paths"].(map[string]any) {
		for name, described := range item.(map[string]any) {
			o, method := described.(map[string]any), strings.ToUpper(name)
			if method == "GET" || !slices.ContainsFunc(o["parameters"].([]any), func(p any) bool { return p.(map[string]any)["name"] == "dry_run" }) {
				continue
			}
			tried++
			example := examples[o["operationId"].(string)]
			at, _, _ := strings.Cut(example.path, "?")
			h.unchanged(method+" "+path, func() {
				var headers []string
				if example.match != "" {
					headers = []string{"If-Match", "*"}
				}
				r := h.ask(h.key, method, at+"?dry_run=true", example.body, headers...)
				if r.StatusCode >= 300 {
					t.Errorf("%s %s answers %d: %s", method, at, r.StatusCode, r.text)
				}
				if strings.Contains(r.text, "client_secret\":") || strings.Contains(r.text, "webhook_secret\":") {
					t.Errorf("%s %s shows a secret that works nowhere: %s", method, at, r.text)
				}
			})
		}
	}
	if tried < 8 {
		t.Errorf("tried %d", tried)
	}
	if r := h.ask(h.key, "PUT", "/clients/new?dry_run=true", app); r.Header.Get("ETag") != "" {
		t.Errorf("a client that there is not has the tag %s", r.Header.Get("ETag"))
	}
}

// TestNothingOfWhatIsWrong: of many changes of which one is wrong none is made, and the same twice is one event.
func TestNothingOfWhatIsWrong(t *testing.T) {
	h := newHarness(t)
	h.want(h.ask(h.key, "PUT", "/clients/app", app), 201)
	entry := func(id string) string { return fmt.Sprintf(`{"id":%q,"redirect_uris":["https://a.example.se/"]}`, id) }
	for _, last := range []string{`{"id":"z"}`, `{"id":"a b","redirect_uris":["https://a.example.se/"]}`, `{"id":"z","redirect_uris":["http://a.example.se/"]}`, `{"id":"z","nothing":1}`, `{}`, `7`, entry("a")} {
		h.unchanged(last, func() {
			h.want(h.ask(h.key, "POST", "/apply?prune=true", `{"clients":[`+entry("a")+`,`+entry("b")+`,`+last+`]}`), 422)
		})
	}
	h.unchanged("a client that is made and removed at once", func() {
		h.want(h.ask(h.key, "POST", "/apply", `{"clients":[`+entry("app")+`],"remove":["app"]}`), 422)
		h.want(h.ask(h.key, "POST", "/apply", `{"remove":["app","app"]}`), 422)
	})
	h.unchanged("the same again", func() {
		h.want(h.ask(h.key, "PUT", "/clients/app", app), 200)
		h.want(h.ask(h.key, "PUT", "/clients/app", app, "If-Match", "*"), 200)
		h.want(h.ask(h.key, "POST", "/apply?prune=true", `{"clients":[{"id":"app",`+strings.TrimPrefix(app, "{")+`]}`), 200)
	})
	h.want(h.ask(h.key, "POST", "/clients/app/disable", `{"reason":"moves"}`), 200)
	h.unchanged("disabling what is disabled", func() {
		h.want(h.ask(h.key, "POST", "/clients/app/disable", `{"reason":"moves"}`), 200)
	})
}

// TestTwoWriters: of those who change the same client as they saw it, one does.
func TestTwoWriters(t *testing.T) {
	h := newHarness(t)
	h.want(h.ask(h.key, "PUT", "/clients/app", app), 201)
	var wg sync.WaitGroup
	statuses := make(chan int, 8)
	begin := make(chan struct{})
	for i := range cap(statuses) {
		wg.Go(func() {
			<-begin
			statuses <- h.ask(h.key, "PATCH", "/clients/app", fmt.Sprintf(`{"name":"Writer %d"}`, i), "If-Match", `"1"`).StatusCode
		})
	}
	close(begin)
	wg.Wait()
	close(statuses)
	count := map[int]int{}
	for status := range statuses {
		count[status]++
	}
	if count[200] != 1 || count[412] != cap(statuses)-1 {
		t.Errorf("answers %v", count)
	}
	if r := h.ask(h.key, "GET", "/clients/app", ""); r.Header.Get("ETag") != `"2"` {
		t.Errorf("tag %s", r.Header.Get("ETag"))
	}
}

// TestBoundKeySeesNoOthers: nothing of a client out of reach shows, by whatever way it is asked for.
func TestBoundKeySeesNoOthers(t *testing.T) {
	h := newHarness(t)
	h.want(h.ask(h.key, "PUT", "/clients/hidden", `{"name":"Hidden","redirect_uris":["https://hidden.example.se/"],"admin_group":"hospitals"}`), 201)
	bound := h.made(admin.NewAPIKey{Name: "schools", Scopes: admin.Scopes(), Groups: []string{"schools"}})
	for _, asked := range [][3]string{
		{"GET", "/clients/hidden", ""}, {"GET", "/clients/hidden/check", ""}, {"GET", "/clients/hidden/history", ""}, {"GET", "/clients/hidden/holdings", ""}, {"GET", "/clients/hidden/secrets", ""},
		{"PATCH", "/clients/hidden", `{"name":"x"}`}, {"DELETE", "/clients/hidden", ""}, {"POST", "/clients/hidden/disable", `{}`}, {"POST", "/clients/hidden/secrets", `{}`}, {"POST", "/clients/hidden/webhook-secrets", `{}`},
	} {
		known, unknown := h.ask(bound, asked[0], asked[1], asked[2], matchAny(asked[0])...), h.ask(bound, asked[0], strings.Replace(asked[1], "hidden", "nothing", 1), asked[2], matchAny(asked[0])...)
		if known.StatusCode != 404 || known.text != unknown.text {
			t.Errorf("%v answers %d %s, and of none %d %s", asked, known.StatusCode, known.text, unknown.StatusCode, unknown.text)
		}
	}
	if r := h.ask(bound, "GET", "/clients", ""); strings.Contains(r.text, "idden") {
		t.Error(r.text)
	}
	h.now = h.now.Add(time.Second)
}

func matchAny(method string) []string {
	if method == "GET" {
		return nil
	}
	return []string{"If-Match", "*"}
}

// answerOn reads an answer off a connection.
func (h *harness) answerOn(conn net.Conn) *http.Response {
	h.Helper()
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	h.ok(err)
	h.Cleanup(func() { r.Body.Close() })
	return r
}
