package op

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"brygga/storage"
)

// pushes sends a request ahead for a client that add has made.
func (h *harness) pushes(client string, values url.Values) *httptest.ResponseRecorder {
	r := formRequest("/par", values)
	r.SetBasicAuth(client, webSecret)
	return h.do(r)
}

// pushed returns the parameters that stand for a request sent ahead.
func (h *harness) pushed(client string, values url.Values) url.Values {
	h.t.Helper()
	w := h.pushes(client, values)
	var answer pushedResponse
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusCreated {
		h.t.Fatalf("%d %s", w.Code, w.Body)
	}
	return url.Values{"client_id": {client}, "request_uri": {answer.RequestURI}}
}

// RFC 9126 §2.2, §4.
func TestPushedRequest(t *testing.T) {
	h := newHarness(t, nil)
	h.add("pushes", func(c *storage.Client) { c.RequirePAR = true })
	w := h.pushes("pushes", params("pushes", callback, "login_hint", number, "unknown", "x"))
	var answer pushedResponse
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusCreated || answer.ExpiresIn != 60 ||
		!strings.HasPrefix(answer.RequestURI, pushedPrefix) || len(answer.RequestURI) != len(pushedPrefix)+storage.TokenLength || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	values := url.Values{"client_id": {"pushes"}, "request_uri": {answer.RequestURI}, "scope": {"x"}, "state": {"outside"}, "redirect_uri": {"https://evil.example"}, "prompt": {"none"}}
	for _, wrong := range []url.Values{
		with(url.Values{"client_id": {"web"}}, "request_uri", answer.RequestURI),
		with(url.Values{"client_id": {"pushes"}}, "request_uri", answer.RequestURI+"x"),
		with(url.Values{"client_id": {"pushes"}}, "request_uri", pushedPrefix),
	} {
		if got, _ := h.browser().outcome(wrong); got != "page invalid_request_uri" {
			t.Errorf("%v: %s", wrong, got)
		}
	}
	request := h.begin(values).Request
	if request.State != "st å&te" || request.RedirectURI != callback || request.ClientID != "pushes" || len(request.Scopes) != 2 ||
		request.RequiredPersonalNumber.Reveal() != number {
		t.Errorf("%+v", request)
	}
	if got, _ := h.browser().outcome(values); got != "page invalid_request_uri" {
		t.Errorf("used twice: %s", got)
	}
	if got, _ := h.browser().outcome(with(values, "redirect_uri", callback)); got != "invalid_request_uri" {
		t.Errorf("used twice, with a redirect URI: %s", got)
	}
	late := h.pushed("pushes", params("pushes", callback))
	h.move(time.Minute)
	if got, _ := h.browser().outcome(late); got != "page invalid_request_uri" {
		t.Errorf("a minute later: %s", got)
	}
	if got, _ := h.browser().outcome(params("pushes", callback)); got != "invalid_request" {
		t.Errorf("not pushed at all: %s", got)
	}
	both := with(h.pushed("pushes", params("pushes", callback)), "request", "x")
	if got, _ := h.browser().outcome(both); got != "page invalid_request" {
		t.Errorf("with a request object beside: %s", got)
	}
	repeated := h.pushed("pushes", params("pushes", callback))
	repeated.Add("request_uri", "x")
	if got, _ := h.browser().outcome(repeated); got != "page invalid_request" {
		t.Errorf("two request_uri: %s", got)
	}
}

// Whatever /authorize would refuse is refused here, in JSON (RFC 9126 §2.1, §2.3).
func TestPushedRequestRefuses(t *testing.T) {
	h := newHarness(t, nil)
	h.add("pushes", nil)
	h.add("must", withKeys(func(c *storage.Client) { c.RequireRequestObject = true }))
	repeated := params("pushes", callback)
	repeated["nonce"] = []string{"a", "b"}
	for _, tc := range []struct {
		name, client string
		values       url.Values
		want         string
	}{
		{"no redirect URI", "pushes", params("pushes", callback, "redirect_uri", ""), "invalid_request"},
		{"strange redirect URI", "pushes", params("pushes", "https://evil.example/"), "invalid_request"},
		{"another client", "pushes", params("web", callback), "invalid_request"},
		{"a request_uri", "pushes", params("pushes", callback, "request_uri", pushedPrefix+"x"), "invalid_request"},
		{"response type", "pushes", params("pushes", callback, "response_type", "token"), "unsupported_response_type"},
		{"scope", "pushes", params("pushes", callback, "scope", "profile"), "invalid_scope"},
		{"plain", "pushes", params("pushes", callback, "code_challenge_method", "plain"), "invalid_request"},
		{"resource", "pushes", params("pushes", callback, "resource", "https://api.example"), "invalid_target"},
		{"acr", "pushes", params("pushes", callback, "claims", `{"id_token":{"acr":{"essential":true,"value":"x"}}}`), "unmet_authentication_requirements"},
		{"twice", "pushes", repeated, "invalid_request"},
		{"request object", "pushes", params("pushes", callback, "request", "x"), "invalid_request_object"},
		{"no request object", "must", params("must", callback), "invalid_request"},
	} {
		w := h.pushes(tc.client, tc.values)
		answer := decode(t, w)
		if w.Code != http.StatusBadRequest || answer.Error != tc.want || answer.Description == "" || w.Header().Get("Location") != "" ||
			w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s", tc.name, w.Code, w.Header(), w.Body)
		}
	}
	wrong := formRequest("/par", params("pushes", callback))
	wrong.SetBasicAuth("pushes", "x")
	if w := h.do(wrong); w.Code != http.StatusUnauthorized || decode(t, w).Error != "invalid_client" {
		t.Errorf("a wrong secret: %d %s", w.Code, w.Body)
	}
	if w := h.do(formRequest("/par", params("app", "http://127.0.0.1:7/callback"))); w.Code != http.StatusCreated {
		t.Errorf("a public client: %d %s", w.Code, w.Body)
	}
	if w := h.pushes("pushes", params("pushes", callback, "prompt", "none")); w.Code != http.StatusCreated {
		t.Errorf("prompt=none is for /authorize to judge: %d %s", w.Code, w.Body)
	}
}

// Beside a pushed request object nothing counts, and it is read when it is pushed (RFC 9126 §3).
func TestPushedRequestObject(t *testing.T) {
	h := newHarness(t, nil)
	h.add("must", withKeys(func(c *storage.Client) { c.RequirePAR, c.RequireRequestObject = true, true }))
	h.add("may", withKeys(nil))
	key, _ := objectKeys()
	for _, client := range []string{"must", "may"} {
		object := signed(t, key, "", members(client, map[string]any{"exp": h.now().Add(5 * time.Second).Unix()}))
		values := h.pushed(client, url.Values{"client_id": {client}, "request": {object}, "login_hint": {number}, "client_secret": {""}})
		h.move(50 * time.Second)
		if request := h.begin(values).Request; request.State != "inside" || !request.RequiredPersonalNumber.IsZero() {
			t.Errorf("%s: %+v", client, request)
		}
		h.move(-50 * time.Second)
		if w := h.pushes(client, url.Values{"request": {signed(t, key, "", members(client, map[string]any{"scope": nil}))}, "scope": {"openid"}}); decode(t, w).Error != "invalid_scope" {
			t.Errorf("%s: a scope beside the object: %d %s", client, w.Code, w.Body)
		}
	}
}

// A request_uri leads the browser that has used it back to its login, and nobody else.
func TestPushedRequestsAreLoadedAgain(t *testing.T) {
	h := newHarness(t, nil)
	h.add("pushes", nil)
	values := h.pushed("pushes", params("pushes", callback))
	load := func(begun string, values url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, issuer+"/authorize?"+values.Encode(), nil)
		r.Header.Set("X-Begun", begun)
		return h.do(r)
	}
	page := load("", values).Header().Get("Location")
	id, ok := strings.CutPrefix(page, "/login/")
	if !ok || len(id) != 22 || strings.Contains(values.Get("request_uri"), id) {
		t.Fatalf("the login is at %q", page)
	}
	for range 2 {
		if w := load(id, values); w.Header().Get("Location") != page {
			t.Errorf("loaded again: %d %v %s", w.Code, w.Header(), w.Body)
		}
	}
	for name, w := range map[string]*httptest.ResponseRecorder{
		"another browser": load("", values), "another client": load(id, with(values, "client_id", "web")),
	} {
		if w.Code != http.StatusBadRequest || !strings.HasPrefix(w.Body.String(), "page: invalid_request_uri") {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
	}
	if w := load(id, with(values, "request_uri", pushedPrefix+storage.NewToken())); w.Code != http.StatusBadRequest {
		t.Errorf("a request_uri of nobody: %d", w.Code)
	}
}
