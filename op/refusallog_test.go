package op

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"brygga/storage"
)

// refusals returns the log lines of refused requests that do writes.
func refusals(h *harness, do func()) (lines []map[string]any) {
	h.t.Helper()
	var text bytes.Buffer
	was := h.Provider.log
	h.Provider.log = slog.New(slog.NewJSONHandler(&text, nil))
	do()
	h.Provider.log = was
	for line := range strings.Lines(text.String()) {
		fields := map[string]any{}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			h.t.Fatal(err)
		}
		if fields["msg"] == "request refused" {
			lines = append(lines, fields)
		}
	}
	return lines
}

// Every authorization and logout request that is refused, on a page or by redirect, leaves one line that says of whom, why and what.
func TestRefusalsAreLogged(t *testing.T) {
	h := newHarness(t, nil)
	h.add("par", func(c *storage.Client) { c.RequirePAR = true })
	h.add("jar", withKeys(nil))
	twice := params("web", callback)
	twice["nonce"] = []string{"a", "b"}
	for _, tc := range []struct {
		name, path, client, code, value string
		values                          url.Values
	}{
		{"unknown client", "authorize", "", "invalid_client", "nobody", params("nobody", callback)},
		{"no client", "authorize", "", "invalid_request", "", url.Values{}},
		{"strange address", "authorize", "web", "invalid_request", "https://evil.example/cb?…", params("web", "https://evil.example/cb?state=1")},
		{"no address", "authorize", "web", "invalid_request", "", params("web", "")},
		{"scope", "authorize", "web", "invalid_scope", "profile email", params("web", callback, "scope", "profile email")},
		{"response type", "authorize", "web", "unsupported_response_type", "token", params("web", callback, "response_type", "token")},
		{"response mode", "authorize", "web", "invalid_request", "fragment", params("web", callback, "response_mode", "fragment")},
		{"challenge method", "authorize", "web", "invalid_request", "plain", params("web", callback, "code_challenge_method", "plain")},
		{"prompt", "authorize", "web", "invalid_request", "none login", params("web", callback, "prompt", "none login")},
		{"no session", "authorize", "web", "login_required", "", params("web", callback, "prompt", "none")},
		{"max_age", "authorize", "web", "invalid_request", "soon", params("web", callback, "max_age", "soon")},
		{"resource", "authorize", "web", "invalid_target", "https://api.example/x", params("web", callback, "resource", "https://api.example/x")},
		{"no resource", "authorize", "web", "invalid_target", "/x#…", params("web", callback, "resource", "/x#y")},
		{"level", "authorize", "web", "unmet_authentication_requirements", "loa9", params("web", callback, "claims", `{"id_token":{"acr":{"essential":true,"value":"loa9"}}}`)},
		{"provider", "authorize", "web", "invalid_request", "https://other.example", params("web", callback, paramAuthnProvider, "https://other.example")},
		{"twice", "authorize", "web", "invalid_request", "", twice},
		{"hint", "authorize", "web", "invalid_request", "", params("web", callback, "id_token_hint", "canary.token.x")},
		{"not pushed", "authorize", "par", "invalid_request", "", params("par", callback)},
		{"unknown request_uri", "authorize", "web", "invalid_request_uri", "", url.Values{"client_id": {"web"}, "request_uri": {pushedPrefix + "canary"}}},
		{"bad object", "authorize", "jar", "invalid_request_object", "", beside("jar", "canary.object.x")},
		{"logout hint", "logout", "", "invalid_request", "", url.Values{"id_token_hint": {"canary.token.x"}}},
		{"logout client", "logout", "", "invalid_client", "nobody", url.Values{"client_id": {"nobody"}}},
		{"logout address", "logout", "web", "invalid_request", "https://evil.example/bye", url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {"https://evil.example/bye"}}},
		{"logout address without client", "logout", "", "invalid_request", "https://evil.example/bye", url.Values{"post_logout_redirect_uri": {"https://evil.example/bye"}}},
		{"pushed", "par", "web", "invalid_scope", "profile", params("web", callback, "scope", "profile")},
		{"token", "token", "web", "unsupported_grant_type", "", url.Values{"grant_type": {"password"}}},
	} {
		tc.values.Set("login_hint", number)
		if tc.values.Has("client_id") {
			tc.values.Set("state", "canary-state")
		}
		lines := refusals(h, func() {
			if tc.path == "par" || tc.path == "token" {
				r := formRequest("/"+tc.path, tc.values)
				r.SetBasicAuth("web", webSecret)
				h.do(r)
				return
			}
			h.get("/"+tc.path, tc.values)
		})
		if len(lines) != 1 {
			t.Errorf("%s: %d lines", tc.name, len(lines))
			continue
		}
		line := lines[0]
		client, _ := line["client_id"].(string)
		value, _ := line["value"].(string)
		if line["doing"] != tc.path || client != tc.client || line["error"] != tc.code || value != tc.value || line["reason"] == "" || line["level"] != "INFO" {
			t.Errorf("%s: %v", tc.name, line)
		}
		if text := string(must(json.Marshal(line))); strings.Contains(text, "canary") || strings.Contains(text, number) {
			t.Errorf("%s: %s", tc.name, text)
		}
	}
	if lines := refusals(h, func() { h.begin(params("web", callback)) }); len(lines) != 0 {
		t.Errorf("a request that was served: %v", lines)
	}
	login := h.complete(h.begin(params("web", callback)), person)
	if err := h.store.RemoveClient(t.Context(), "web", h.now()); err != nil {
		t.Fatal(err)
	}
	if lines := refusals(h, func() { h.answer(login) }); len(lines) != 1 || lines[0]["doing"] != "answer" {
		t.Errorf("an answer that cannot be given: %v", lines)
	}
}

// A logout that is sent by POST is answered by the navigation that follows, and what is refused of it is told there alone.
func TestPostedLogoutIsLoggedOnce(t *testing.T) {
	h := newHarness(t, nil)
	for name, values := range map[string]url.Values{
		"hint": {"id_token_hint": {"x.y.z"}}, "client": {"client_id": {"nobody"}},
		"address": {"client_id": {"web"}, "post_logout_redirect_uri": {"https://evil.example/bye"}},
	} {
		lines := refusals(h, func() {
			w := h.do(formRequest(pathLogout, values))
			if w.Code != http.StatusSeeOther {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
			h.do(httptest.NewRequest(http.MethodGet, issuer+w.Header().Get("Location"), nil))
		})
		if len(lines) != 1 {
			t.Errorf("%s: %d lines: %v", name, len(lines), lines)
		}
	}
}

func TestLoggable(t *testing.T) {
	for value, want := range map[string]string{
		"https://app.example/cb":                           "https://app.example/cb",
		"http://127.0.0.1:50123/cb":                        "http://127.0.0.1:50123/cb",
		"http://192.168.100.200:8080/":                     "http://192.168.100.200:8080/",
		"https://a.example/cb?code=x":                      "https://a.example/cb?…",
		"https://a.example/cb%3Fcode=x":                    "https://a.example/cb?…",
		"https://a.example/#x":                             "https://a.example/#…",
		"https://kim:word@a.example/":                      "https://…@a.example/",
		"https://kim%3aword%40a.example/":                  "https://…@a.example/",
		"198502039822":                                     "[digits]",
		"https://a.example/19850203-9822/x":                "https://a.example/[digits]/x",
		"https://a.example/850203+9822":                    "https://a.example/[digits]",
		"1985 0203 9822":                                   "[digits]",
		"%31%39%38%35%30%32%30%33%39%38%32%32":             "[digits]",
		"%2531%2539%2538%2535%2530%2532%2530%2533":         "[digits]",
		"%zz/%31%39%38%35%30%32%30%33":                     "%zz/[digits]",
		"\u0661\u0669\u0668\u0665\u0660\u0662\u0660\u0663": "[digits]",
		"1234567":                   "1234567",
		"eyJhbGciOiJub25lIn0.e30.x": "[secret]",
		"https://a.example/" + strings.Repeat("aB3_", 8): "https://a.example/[secret]",
		"a\nb\x1b[2J\u202ec":                             `a\nb\x1b[2J\u202ec`,
		`say "hi"`:                                       `say \"hi\"`,
		strings.Repeat("å ", 200):                        strings.Repeat("å ", 66) + "å…",
		"":                                               "",
	} {
		if got := loggable(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

// FuzzLoggable: one line of bounded length, without eight digits in a row.
func FuzzLoggable(f *testing.F) {
	for _, seed := range []string{"https://a.example/cb?x=1", "%31%39%38%35%30%32%30%33%39%38%32%32", "19850203-9822", "a\nb", "//x@y", "\xff%ff"} {
		f.Add(seed)
	}
	eight := regexp.MustCompile(`[0-9]{8}`)
	f.Fuzz(func(t *testing.T, value string) {
		got := loggable(value)
		text, err := strconv.Unquote(`"` + got + `"`)
		if err != nil || len(text) > maxLoggedValue+len("…") || strings.ContainsFunc(got, unicode.IsControl) || eight.MatchString(text) {
			t.Errorf("%q: %q, %v", value, got, err)
		}
	})
}

// What aborts a handler goes on to the server, which closes the connection; every other panic is answered.
func TestPanics(t *testing.T) {
	h := newHarness(t, nil)
	for name, wrap := range map[string]func(http.HandlerFunc) http.Handler{
		"api":  func(f http.HandlerFunc) http.Handler { return h.api("x", f, http.MethodGet) },
		"page": func(f http.HandlerFunc) http.Handler { return h.page("x", f) },
	} {
		w := httptest.NewRecorder()
		wrap(func(http.ResponseWriter, *http.Request) { panic("canary-panic") }).ServeHTTP(w, httptest.NewRequest(http.MethodGet, issuer+"/x", nil))
		if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "server_error") || strings.Contains(h.logs.String(), "canary-panic") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		w = httptest.NewRecorder()
		h.observed = nil
		wrap(func(w http.ResponseWriter, _ *http.Request) {
			w.Write([]byte("half"))
			panic("canary-panic")
		}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, issuer+"/x", nil))
		if w.Code != http.StatusOK || w.Body.String() != "half" || len(h.observed) != 1 || h.observed[0] != "x server_error" {
			t.Errorf("%s, after half an answer: %d %s, %v", name, w.Code, w.Body, h.observed)
		}
		aborted := func() (value any) {
			defer func() { value = recover() }()
			wrap(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, issuer+"/x", nil))
			return nil
		}()
		if aborted != http.ErrAbortHandler {
			t.Errorf("%s: an abort became %v", name, aborted)
		}
	}
}
