package op

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"brygga/audit"
)

// ownToken returns the claims as a token of ours.
func ownToken(t *testing.T, typ, claims string) string {
	t.Helper()
	token, err := ring.Sign(t.Context(), "ES256", typ, []byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// hintWith returns an ID token with the claims put behind the issuer's.
func hintWith(t *testing.T, claims string) string {
	return ownToken(t, "JWT", `{"iss":"`+issuer+`",`+claims+`}`)
}

// afterBounce follows the answer to a POST to the GET that it leads to, if it does.
func (b *tab) afterBounce(w *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	query, ok := strings.CutPrefix(w.Header().Get("Location"), pathLogout)
	if !ok || w.Code != http.StatusSeeOther {
		return w
	}
	values, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.get("/logout", values)
}

func TestLogout(t *testing.T) {
	h := newHarness(t, nil)
	fresh := h.tokensOf(params("web", callback))
	good := fresh.IDToken
	h.move(8 * time.Minute) // the hint has expired, the token has not
	tests := map[string]struct {
		values   url.Values
		status   int
		location string
		page     string
	}{
		"nothing":                         {url.Values{}, 200, "", "logged out"},
		"client":                          {url.Values{"client_id": {"web"}}, 200, "", "logged out of web"},
		"language":                        {url.Values{"client_id": {"web"}, "ui_locales": {"en sv"}, "logout_hint": {"somebody"}}, 200, "", "logged out of web in [en sv]"},
		"client and URI":                  {url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {bye}, "state": {"a b"}}, 302, bye + "?state=a+b", ""},
		"URI without a client":            {url.Values{"post_logout_redirect_uri": {bye}}, 200, "", "logged out; refused: post_logout_redirect_uri needs client_id"},
		"unregistered URI":                {url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {bye + "/"}}, 200, "", "logged out of web; refused: post_logout_redirect_uri is not one"},
		"URI with a query added":          {url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {bye + "?a=b"}}, 200, "", "logged out of web; refused: post_logout_redirect_uri is not one"},
		"redirect URI of the login":       {url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {callback}}, 200, "", "logged out of web; refused: post_logout_redirect_uri is not one"},
		"another client's URI":            {url.Values{"client_id": {"post"}, "post_logout_redirect_uri": {bye}}, 200, "", "logged out of post; refused: post_logout_redirect_uri is not one"},
		"unknown client":                  {url.Values{"client_id": {"nobody"}, "post_logout_redirect_uri": {bye}}, 200, "", "logged out; refused: no client is registered"},
		"native, any port":                {url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {"http://127.0.0.1:4711/bye"}}, 302, "http://127.0.0.1:4711/bye", ""},
		"native, other path":              {url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {"http://127.0.0.1:4711/by"}}, 200, "", "logged out of app; refused: post_logout_redirect_uri is not one"},
		"hint for another client":         {url.Values{"client_id": {"post"}, "id_token_hint": {good}}, 200, "", "logged out of post"},
		"hint of garbage":                 {url.Values{"id_token_hint": {"a.b.c"}}, 200, "", "logged out"},
		"hint of encrypted garbage":       {url.Values{"id_token_hint": {"a.b.c.d.e"}}, 200, "", "logged out"},
		"hint changed":                    {url.Values{"id_token_hint": {good[:len(good)-8] + "AAAAAAAA"}}, 200, "", "logged out"},
		"hint, aud a number":              {url.Values{"id_token_hint": {hintWith(t, `"aud":1,"sid":"x"`)}}, 200, "", "logged out"},
		"hint, aud of numbers":            {url.Values{"id_token_hint": {hintWith(t, `"aud":[1],"sid":"x"`)}}, 200, "", "logged out"},
		"hint, aud an object":             {url.Values{"id_token_hint": {hintWith(t, `"aud":{},"sid":"x"`)}}, 200, "", "logged out"},
		"hint, aud null":                  {url.Values{"id_token_hint": {hintWith(t, `"aud":null,"sid":"x"`)}}, 200, "", "logged out"},
		"hint, no aud":                    {url.Values{"id_token_hint": {hintWith(t, `"sid":"x"`)}}, 200, "", "logged out"},
		"hint, two audiences":             {url.Values{"id_token_hint": {hintWith(t, `"aud":["web","app"],"sid":"x"`)}}, 200, "", "logged out"},
		"hint, azp another":               {url.Values{"id_token_hint": {hintWith(t, `"aud":"web","azp":"app","sid":"x"`)}}, 200, "", "logged out"},
		"hint, another issuer":            {url.Values{"id_token_hint": {ownToken(t, "JWT", `{"iss":"https://x.se","aud":"web","sid":"x"}`)}}, 200, "", "logged out"},
		"hint, sid a number":              {url.Values{"id_token_hint": {hintWith(t, `"aud":"web","sid":1`)}}, 200, "", "logged out"},
		"hint, no sid":                    {url.Values{"id_token_hint": {hintWith(t, `"aud":"web"`)}}, 200, "", "logged out"},
		"hint, not JSON":                  {url.Values{"id_token_hint": {ownToken(t, "JWT", `web`)}}, 200, "", "logged out"},
		"hint, an access token":           {url.Values{"id_token_hint": {ownToken(t, "at+jwt", `{"iss":"`+issuer+`","aud":"web","sid":"x"}`)}}, 200, "", "logged out"},
		"hint, a logout token":            {url.Values{"id_token_hint": {hintWith(t, `"aud":"web","sid":"x","events":{}`)}}, 200, "", "logged out"},
		"client removed":                  {url.Values{"id_token_hint": {hintWith(t, `"aud":"nobody","sid":"x"`)}}, 200, "", "logged out"},
		"two states":                      {url.Values{"state": {"a", "b"}}, 400, "", "page: invalid_request"},
		"two URIs":                        {url.Values{"client_id": {"web"}, "post_logout_redirect_uri": {bye, bye}}, 400, "", "page: invalid_request"},
		"state of odd bytes":              {url.Values{"state": {"\xff"}}, 400, "", "page: invalid_request"},
		"client of an unsigned hint":      {url.Values{"id_token_hint": {"eyJhbGciOiJub25lIn0.e30."}, "client_id": {"web"}}, 200, "", "logged out of web"},
		"hint of garbage, and a way back": {url.Values{"id_token_hint": {"a.b.c"}, "post_logout_redirect_uri": {bye}}, 200, "", "logged out; refused: id_token_hint is not"},
		"hint of garbage, and whose":      {url.Values{"id_token_hint": {"a.b.c"}, "post_logout_redirect_uri": {bye}, "client_id": {"web"}}, 302, bye, ""},
		"unknown sid":                     {url.Values{"id_token_hint": {hintWith(t, `"aud":"web","azp":"web","sid":"x"`)}}, 200, "", "logged out of web"},
	}
	b := h.openTab()
	for name, test := range tests {
		for _, post := range []bool{false, true} {
			w, status := b.get("/logout", test.values), test.status
			if post {
				w = b.afterBounce(b.post("/logout", test.values))
			}
			body := w.Body.String()
			exact := !strings.HasPrefix(test.page, "logged out") || strings.Contains(test.page, ";") || body == test.page
			if w.Code != status || w.Header().Get("Location") != test.location || !strings.HasPrefix(body, test.page) || !exact {
				t.Errorf("%s, post %t: %d %q %s", name, post, w.Code, w.Header().Get("Location"), w.Body)
			}
			if strings.Contains(w.Body.String(), "evil") {
				t.Errorf("%s: the page repeats what the request brought", name)
			}
		}
	}
	if !h.alive(t, fresh.AccessToken) {
		t.Fatal("a refused logout ended the session")
	}
	foreign := h.tokensOf(params("web", callback))
	w := h.get("/logout", url.Values{"id_token_hint": {foreign.IDToken}, "post_logout_redirect_uri": {"https://evil.example"}})
	if w.Code != http.StatusOK || w.Header().Get("Location") != "" || !strings.Contains(w.Body.String(), "refused: post_logout") || h.alive(t, foreign.AccessToken) {
		t.Errorf("a good hint with a foreign address: %d %v %s", w.Code, w.Header(), w.Body)
	}
	w = h.get("/logout", url.Values{"id_token_hint": {good}, "post_logout_redirect_uri": {bye}})
	if w.Code != http.StatusFound || w.Header().Get("Location") != bye || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if h.alive(t, fresh.AccessToken) {
		t.Error("the session's token lives on")
	}
}

// What a browser fetches ahead ends nothing.
func TestLogoutPrefetch(t *testing.T) {
	b := newHarness(t, nil).newTab(nil)
	answer := b.logIn("hr-a")
	r := httptest.NewRequest(http.MethodGet, issuer+"/logout?id_token_hint="+answer.IDToken, nil)
	r.Header.Set("Sec-Purpose", "prefetch")
	if w := b.send(r, b.Handler().ServeHTTP); w.Code != http.StatusServiceUnavailable || !b.signedIn("hr-a") {
		t.Errorf("prefetched logout: %d", w.Code)
	}
}

// An ID token ends what its sid names, for all clients of the session and without a question; the browser forgets its cookie.
func TestLogoutByHint(t *testing.T) {
	for _, post := range []bool{false, true} {
		b := newHarness(t, nil).newTab(nil)
		a, other, pay := b.logIn("hr-a"), b.logIn("hr-b"), b.logIn("pay")
		b.move(6 * time.Minute)
		values := url.Values{"id_token_hint": {a.IDToken}, "post_logout_redirect_uri": {bye}, "state": {"x"}}
		w := b.get
		if post {
			w = func(path string, values url.Values) *httptest.ResponseRecorder { return b.post(path, values) }
		}
		if got := w("/logout", values); got.Header().Get("Location") != bye+"?state=x" {
			t.Fatalf("%d %v %s", got.Code, got.Header(), got.Body)
		}
		if b.cookies["session-hr"] != "" || b.cookies["session-pay"] == "" {
			t.Errorf("cookies afterwards: %v", b.cookies)
		}
		if b.signedIn("hr-a") || b.signedIn("hr-b") || !b.signedIn("pay") {
			t.Error("not this session has ended, and no other")
		}
		if b.alive(t, a.AccessToken) || b.alive(t, other.AccessToken) || !b.alive(t, pay.AccessToken) {
			t.Error("not the tokens of this session have ended, and no others")
		}
		events, err := b.store.AuditEvents(t.Context(), b.now().Add(-time.Hour), b.now().Add(time.Hour), 100)
		if err != nil {
			t.Fatal(err)
		}
		ended := 0
		for _, e := range events {
			if e.Type == string(audit.SessionEnded) {
				ended++
				if e.Fields["CLIENT_ID"] != "hr-a" || e.Fields["CUSTOMER_IDENTIFIER"] != "tag-hr" || e.Fields["OBJECT"] != payload(t, a.IDToken)["sid"] || e.Fields["SOURCE_ADDRESS"] == "" {
					t.Errorf("audited as %v", e.Fields)
				}
			}
		}
		if ended != 1 {
			t.Errorf("%d ends in the audit log", ended)
		}
	}
}

// An ID token that was encrypted to us is as good.
func TestLogoutByEncryptedHint(t *testing.T) {
	b := newHarness(t, nil).newTab(nil)
	answer := b.logIn("hr-a")
	if w := b.get("/logout", url.Values{"id_token_hint": {encryptedToUs(t, answer.IDToken)}}); w.Code != http.StatusOK || b.signedIn("hr-a") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// The ID token of another browser's session ends that one, and leaves this browser what it has.
func TestLogoutOfAnotherBrowser(t *testing.T) {
	b := newHarness(t, nil).newTab(nil)
	there := b.openTab()
	foreign := there.logIn("hr-a")
	b.logIn("hr-a")
	b.get("/logout", url.Values{"id_token_hint": {foreign.IDToken}})
	if !b.signedIn("hr-a") || there.signedIn("hr-a") {
		t.Errorf("this browser is signed in: %t, the other: %t", b.signedIn("hr-a"), there.signedIn("hr-a"))
	}
}

// A grant for offline access outlives the session (OIDC Core §11).
func TestLogoutLeavesOfflineGrants(t *testing.T) {
	b := newHarness(t, nil).newTab(nil)
	online, offline := b.logIn("hr-a"), b.logIn("hr-b", "scope", "openid offline_access")
	b.get("/logout", url.Values{"id_token_hint": {online.IDToken}})
	if b.alive(t, online.AccessToken) || !b.alive(t, offline.AccessToken) {
		t.Errorf("online alive: %t, offline: %t", b.alive(t, online.AccessToken), b.alive(t, offline.AccessToken))
	}
}

// A logout that cannot be proven ends nothing by itself, and does not leave the person alone with an error: they are asked, told that they
// will not be sent back, and logged out when they say so.
func TestUnprovenLogoutAsks(t *testing.T) {
	const unregistered = "post_logout_redirect_uri is not one that the client has registered"
	for name, tc := range map[string]struct {
		values   url.Values
		refused  string
		location string
	}{
		"a hint that cannot be verified":  {url.Values{"id_token_hint": {"x"}}, "", ""},
		"with a way back of nobody":       {url.Values{"id_token_hint": {"x"}, "post_logout_redirect_uri": {bye}}, "id_token_hint is not an ID token of this provider, or its key has retired", ""},
		"with a way back of the client":   {url.Values{"id_token_hint": {"x"}, "client_id": {"hr-a"}, "post_logout_redirect_uri": {bye}}, "", bye},
		"a way back that is unregistered": {url.Values{"client_id": {"hr-a"}, "post_logout_redirect_uri": {"https://evil.example/"}}, unregistered, ""},
		"an unknown client":               {url.Values{"client_id": {"nobody"}, "post_logout_redirect_uri": {bye}}, errUnknownClient.description, ""},
	} {
		b := newHarness(t, nil).newTab(nil)
		a := b.logIn("hr-a")
		page, fields := b.question(b.afterBounce(b.post("/logout", tc.values)))
		if told := strings.HasPrefix(page, "refused: "+tc.refused+"; "); told != (tc.refused != "") || !b.signedIn("hr-a") || !b.alive(t, a.AccessToken) {
			t.Errorf("%s: %q; signed in: %t", name, page, b.signedIn("hr-a"))
		}
		if !strings.Contains(b.logs.String(), "request refused") {
			t.Errorf("%s: nothing is logged", name)
		}
		w := b.post(pathLogoutConfirm, fields, "Origin", issuer)
		if w.Header().Get("Location") != tc.location || b.signedIn("hr-a") || b.alive(t, a.AccessToken) {
			t.Errorf("%s: confirmed: %d %v %s", name, w.Code, w.Header(), w.Body)
		}
	}
}
