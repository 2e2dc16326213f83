package op

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
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
		"unknown":              {header("GET", "Bearer "+random()), 401, "invalid_token"},
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

func TestLogout(t *testing.T) {
	h := newHarness(t, nil)
	const bye = "https://app.example.se/bye"
	signed := func(claims string) string {
		token, err := ring.Sign(t.Context(), "ES256", "JWT", []byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	fresh := h.tokensOf(params("web", callback))
	hint := fresh.IDToken
	h.move(8 * time.Minute) // the hint has expired, the token has not
	tests := map[string]struct {
		values   url.Values
		status   int
		location string
		page     string
	}{
		"nothing":                    {url.Values{}, 200, "", "logged out"},
		"client":                     {url.Values{"client_id": {"web"}}, 200, "", "logged out of web"},
		"client and URI":             {url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {bye}, "state": {"a b"}}, 302, bye + "?state=a+b", ""},
		"URI without a client":       {url.Values{"post_logout_redirect_uri": {bye}}, 400, "", "page: invalid_request"},
		"unregistered URI":           {url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {bye + "/"}}, 400, "", "page: invalid_request"},
		"redirect URI of the login":  {url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {callback}}, 400, "", "page: invalid_request"},
		"another client's URI":       {url.Values{"client_id": {"post"}, "post_logout_redirect_uri": {bye}}, 400, "", "page: invalid_request"},
		"unknown client":             {url.Values{"client_id": {"nobody"}, "post_logout_redirect_uri": {bye}}, 400, "", "page: invalid_client"},
		"native, any port":           {url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {"http://127.0.0.1:4711/bye"}}, 302, "http://127.0.0.1:4711/bye", ""},
		"native, other path":         {url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {"http://127.0.0.1:4711/by"}}, 400, "", "page: invalid_request"},
		"hint for another client":    {url.Values{"client_id": {"post"}, "id_token_hint": {hint}}, 400, "", "page: invalid_request"},
		"hint of garbage":            {url.Values{"id_token_hint": {"a.b.c"}}, 400, "", "page: invalid_request"},
		"hint changed":               {url.Values{"id_token_hint": {hint[:len(hint)-8] + "AAAAAAAA"}}, 400, "", "page: invalid_request"},
		"hint, aud of numbers":       {url.Values{"id_token_hint": {signed(`{"iss":"` + issuer + `","aud":[1],"sid":"x"}`)}}, 400, "", "page: invalid_request"},
		"hint, aud an object":        {url.Values{"id_token_hint": {signed(`{"iss":"` + issuer + `","aud":{},"sid":"x"}`)}}, 400, "", "page: invalid_request"},
		"hint, no aud":               {url.Values{"id_token_hint": {signed(`{"iss":"` + issuer + `","sid":"x"}`)}}, 400, "", "page: invalid_request"},
		"hint, two audiences":        {url.Values{"id_token_hint": {signed(`{"iss":"` + issuer + `","aud":["web","app"]}`)}}, 400, "", "page: invalid_request"},
		"hint, another issuer":       {url.Values{"id_token_hint": {signed(`{"iss":"https://x.se","aud":"web"}`)}}, 400, "", "page: invalid_request"},
		"hint, sid a number":         {url.Values{"id_token_hint": {signed(`{"aud":"web","iss":"` + issuer + `","sid":1}`)}}, 400, "", "page: invalid_request"},
		"hint, not JSON":             {url.Values{"id_token_hint": {signed(`web`)}}, 400, "", "page: invalid_request"},
		"two states":                 {url.Values{"state": {"a", "b"}}, 400, "", "page: invalid_request"},
		"two URIs":                   {url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {bye, bye}}, 400, "", "page: invalid_request"},
		"state of odd bytes":         {url.Values{"state": {"\xff"}}, 400, "", "page: invalid_request"},
		"hint good, URI not":         {url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://evil.example"}}, 400, "", "page: invalid_request"},
		"client of an unsigned hint": {url.Values{"id_token_hint": {"eyJhbGciOiJub25lIn0.e30."}, "client_id": {"web"}}, 400, "", "page: invalid_request"},
	}
	for name, test := range tests {
		for _, post := range []bool{false, true} {
			w, status := h.get("/logout", test.values), test.status
			if post {
				w = h.do(formRequest("/logout", test.values))
				if status == http.StatusFound {
					status = http.StatusSeeOther
				}
			}
			if w.Code != status || w.Header().Get("Location") != test.location || !strings.HasPrefix(w.Body.String(), test.page) {
				t.Errorf("%s: %d %q %s", name, w.Code, w.Header().Get("Location"), w.Body)
			}
			if strings.Contains(w.Body.String(), "evil") {
				t.Errorf("%s: the page repeats what the request brought", name)
			}
		}
	}
	if status, _ := h.userinfo(fresh.AccessToken); status != http.StatusOK {
		t.Fatalf("a refused logout revoked the session: %d", status)
	}
	w := h.get("/logout", url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}})
	if w.Code != http.StatusFound || w.Header().Get("Location") != bye || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if status, _ := h.userinfo(fresh.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("the session's token lives on: %d", status)
	}
}
