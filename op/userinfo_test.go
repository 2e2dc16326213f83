package op

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"brygga/storage"
)

func TestUserinfo(t *testing.T) {
	h := newHarness(t, nil)
	answer := h.tokensOf(params("web", callback))
	token := answer.AccessToken
	header := func(method string, values ...string) *http.Request {
		r := httptest.NewRequest(method, issuer+"/userinfo", nil)
		r.Header["Authorization"] = values
		return r
	}
	body := func(values ...string) *http.Request {
		return formRequest("/userinfo", url.Values{"access_token": values})
	}
	both := body(token)
	both.Header.Set("Authorization", "Bearer "+token)
	noForm := body(token)
	noForm.Header.Set("Content-Type", "text/plain")
	for name, test := range map[string]struct {
		request *http.Request
		status  int
		want    string // the error in the challenge
	}{
		"header":               {header("GET", "Bearer "+token), 200, ""},
		"header, scheme lower": {header("GET", "bearer "+token), 200, ""},
		"header by POST":       {header("POST", "Bearer "+token), 200, ""},
		"form":                 {body(token), 200, ""},
		"no token":             {header("GET"), 401, ""},
		"no token by POST":     {formRequest("/userinfo", nil), 401, ""},
		"form of another type": {noForm, 401, ""},
		"header and form":      {both, 400, "invalid_request"},
		"two in the form":      {body(token, token), 400, "invalid_request"},
		"two headers":          {header("GET", "Bearer "+token, "Bearer "+token), 400, "invalid_request"},
		"in the URL":           {httptest.NewRequest("GET", issuer+"/userinfo?access_token="+token, nil), 400, "invalid_request"},
		"another scheme":       {header("GET", "Basic "+token), 400, "invalid_request"},
		"empty":                {header("GET", "Bearer "), 400, "invalid_request"},
		"unknown":              {header("GET", "Bearer "+storage.NewToken()), 401, "invalid_token"},
		"a byte more":          {header("GET", "Bearer "+token+"A"), 401, "invalid_token"},
		"an ID token":          {header("GET", "Bearer "+answer.IDToken), 401, "invalid_token"},
		"odd bytes":            {header("GET", "Bearer \xff\x00"), 401, "invalid_token"},
		"form too large":       {body(strings.Repeat("x", maxBody)), 400, "invalid_request"},
		"DELETE":               {header("DELETE", "Bearer "+token), 405, ""},
	} {
		w := h.do(test.request)
		got := w.Header().Get("WWW-Authenticate")
		if w.Code != test.status {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if challenged := w.Code == 401 || test.want != ""; challenged != strings.HasPrefix(got, "Bearer ") || (test.want != "") != strings.Contains(got, "error=") || !strings.Contains(got, test.want) {
			t.Errorf("%s: WWW-Authenticate %q", name, got)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: may be cached", name)
		}
		if w.Code == 200 && !strings.Contains(w.Body.String(), number) || w.Code != 200 && strings.Contains(w.Body.String(), number) {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
	if _, claims := h.userinfo(token); claims["sub"] != payload(t, answer.IDToken)["sub"] {
		t.Error("another subject than in the ID token")
	}
	h.move(DefaultAccessTokenLife)
	if status, _ := h.userinfo(token); status != 401 {
		t.Errorf("an expired token: %d", status)
	}
}

func TestUserinfoOfRemovedClient(t *testing.T) {
	h := newHarness(t, nil)
	token := h.tokensOf(params("web", callback)).AccessToken
	if err := h.store.RemoveClient(t.Context(), "web", h.now()); err != nil {
		t.Fatal(err)
	}
	if status, body := h.userinfo(token); status != 401 || body["error"] != "invalid_token" {
		t.Errorf("%d %v", status, body)
	}
}
