package op

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"brygga/audit"
	"brygga/secret"
	"brygga/storage"
)

func TestCodeExchange_RowA8_RowA9(t *testing.T) {
	h := newHarness(t, nil)
	w := h.do(exchange(h.code(params("web", callback))))
	answer := decode(t, w)
	if w.Code != http.StatusOK || answer.AccessToken == "" || answer.TokenType != "Bearer" || answer.ExpiresIn != 600 ||
		answer.Scope != "openid profile" || strings.Count(answer.IDToken, ".") != 2 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Pragma": "no-cache", "Content-Type": "application/json", "X-Content-Type-Options": "nosniff",
		"Access-Control-Allow-Origin": "", "Access-Control-Allow-Credentials": "", "WWW-Authenticate": "",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestCodeComesWithStateAndIss_RowA9(t *testing.T) {
	h := newHarness(t, nil)
	login := h.complete(h.begin(params("web", callback+"?tenant=a%2Fb+c")), person)
	w := h.answer(login)
	if !strings.HasPrefix(w.Header().Get("Location"), callback+"?tenant=a%2Fb+c&") {
		t.Errorf("the registered URI was changed: %s", w.Header().Get("Location"))
	}
	_, answer := redirected(t, w)
	if answer.Get("state") != "st å&te" || answer.Get("iss") != issuer || len(answer.Get("code")) != storage.TokenLength {
		t.Errorf("%v", answer)
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%v", w.Header())
	}

	login = h.complete(h.begin(params("web", callback, "response_mode", "form_post", "state", "")), person)
	action, query, _ := strings.Cut(strings.TrimPrefix(h.answer(login).Body.String(), "form: "), "?")
	values, _ := url.ParseQuery(query)
	if action != callback || values.Get("iss") != issuer || values.Get("code") == "" || values.Has("state") {
		t.Errorf("form_post: %s %v", action, values)
	}
}

// Every one of these fails, and the code is still good for its client afterwards: nobody burns a stranger's code.
func TestCodeExchangeRefuses(t *testing.T) {
	h := newHarness(t, nil)
	code := h.code(params("web", callback))
	other := func(pairs ...string) *http.Request {
		r := exchange(code, append(pairs, "client_id", "post", "client_secret", "post-secret")...)
		r.Header.Del("Authorization")
		return r
	}
	public := exchange(code, "client_id", "app")
	public.Header.Del("Authorization")
	for name, test := range map[string]struct {
		request *http.Request
		want    string
	}{
		"unknown code":            {exchange(storage.NewToken()), "invalid_grant"},
		"code with a byte more":   {exchange(code + "A"), "invalid_grant"},
		"no code":                 {exchange(code, "code", ""), "invalid_request"},
		"another redirect URI":    {exchange(code, "redirect_uri", callback+"?tenant=a%2Fb+c"), "invalid_grant"},
		"no redirect URI":         {exchange(code, "redirect_uri", ""), "invalid_request"},
		"no verifier":             {exchange(code, "code_verifier", ""), "invalid_grant"},
		"another verifier":        {exchange(code, "code_verifier", strings.Repeat("a", 43)), "invalid_grant"},
		"challenge as verifier":   {exchange(code, "code_verifier", challenge43), "invalid_grant"},
		"short verifier":          {exchange(code, "code_verifier", verifier[:42]), "invalid_grant"},
		"long verifier":           {exchange(code, "code_verifier", strings.Repeat("a", 129)), "invalid_grant"},
		"verifier with a space":   {exchange(code, "code_verifier", verifier+" "), "invalid_grant"},
		"another client":          {other(), "invalid_grant"},
		"another, public client":  {public, "invalid_grant"},
		"no grant type":           {exchange(code, "grant_type", ""), "invalid_request"},
		"refresh token":           {exchange(code, "grant_type", "refresh_token", "refresh_token", "x"), "unauthorized_client"},
		"client credentials":      {exchange(code, "grant_type", "client_credentials"), "unsupported_grant_type"},
		"JWT bearer":              {exchange(code, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion", "e30.e30.x"), "unsupported_grant_type"},
		"device code":             {exchange(code, "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", "x"), "unsupported_grant_type"},
		"unknown grant type":      {exchange(code, "grant_type", "gränt"), "unsupported_grant_type"},
		"grant type of odd bytes": {exchange(code, "grant_type", "\xff\x00"), "unsupported_grant_type"},
	} {
		w := h.do(test.request)
		answer := decode(t, w)
		if w.Code != http.StatusBadRequest || answer.Error != test.want || answer.Description != ascii(answer.Description) {
			t.Errorf("%s: %d %s, want %s", name, w.Code, w.Body, test.want)
		}
		if answer.AccessToken != "" || answer.IDToken != "" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s", name, w.Body)
		}
	}
	if w := h.do(exchange(code)); w.Code != http.StatusOK {
		t.Errorf("the code was burnt: %d %s", w.Code, w.Body)
	}
}

func TestVerifierWithoutChallenge(t *testing.T) {
	h := newHarness(t, nil)
	code := h.code(params("web", callback, "code_challenge", "", "code_challenge_method", ""))
	for _, one := range []string{verifier, "short"} {
		if w := h.do(exchange(code, "code_verifier", one)); decode(t, w).Error != "invalid_grant" {
			t.Errorf("the verifier %q for a code without challenge: %d %s", one, w.Code, w.Body)
		}
	}
	if w := h.do(exchange(code, "code_verifier", "")); w.Code != http.StatusOK {
		t.Errorf("no verifier for a code without challenge: %d %s", w.Code, w.Body)
	}
}

// A client may make its challenge from anything; a verifier that can be guessed is refused all the same (RFC 7636 §4.1).
func TestShortVerifierOfItsOwnChallenge(t *testing.T) {
	h := newHarness(t, nil)
	code := h.code(params("web", callback, "code_challenge", s256("short")))
	if w := h.do(exchange(code, "code_verifier", "short")); decode(t, w).Error != "invalid_grant" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// What may stand in a verifier is good to the ends of each range, and what stands beside them is not (RFC 7636 §4.1).
func TestVerifierCharacters(t *testing.T) {
	h := newHarness(t, nil)
	for _, c := range "AZaz09-._~" + "@[`{/:%+=é" {
		v := strings.Repeat("v", 42) + string(c)
		want := http.StatusBadRequest
		if strings.ContainsRune("AZaz09-._~", c) {
			want = http.StatusOK
		}
		code := h.code(params("web", callback, "code_challenge", s256(v)))
		if w := h.do(exchange(code, "code_verifier", v)); w.Code != want {
			t.Errorf("a verifier with %q: %d %s, want %d", c, w.Code, w.Body, want)
		}
	}
}

func TestCodeExpires(t *testing.T) {
	h := newHarness(t, nil)
	code := h.code(params("web", callback))
	h.move(DefaultCodeLife)
	if w := h.do(exchange(code)); decode(t, w).Error != "invalid_grant" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestCodeReplayRevokes(t *testing.T) {
	h := newHarness(t, nil)
	code := h.code(params("web", callback))
	answer := decode(t, h.do(exchange(code)))
	if status, _ := h.userinfo(answer.AccessToken); status != http.StatusOK {
		t.Fatalf("userinfo: %d", status)
	}
	stranger := exchange(code, "client_id", "app")
	stranger.Header.Del("Authorization")
	if w := h.do(stranger); decode(t, w).Error != "invalid_grant" {
		t.Errorf("another client: %d %s", w.Code, w.Body)
	}
	if status, _ := h.userinfo(answer.AccessToken); status != http.StatusOK {
		t.Error("another client's replay revoked the token")
	}
	h.move(2 * DefaultCodeLife) // a replay counts after the code's own time, too
	r := exchange(code)
	r.RemoteAddr = "192.0.2.7:1234"
	if w := h.do(r); decode(t, w).Error != "invalid_grant" {
		t.Errorf("replay: %d %s", w.Code, w.Body)
	}
	if status, claims := h.userinfo(answer.AccessToken); status != http.StatusUnauthorized || claims["error"] != "invalid_token" {
		t.Errorf("the token lives on: %d %v", status, claims)
	}
	events, err := h.store.AuditEvents(t.Context(), time.Time{}, time.Now().Add(time.Hour), 10)
	if err != nil || len(events) != 1 {
		t.Fatalf("%d audit events, %v", len(events), err)
	}
	fields := events[0].Fields
	if events[0].Type != string(audit.CodeReused) || fields["CLIENT_ID"] != "web" || fields["SOURCE_ADDRESS"] != "192.0.2.7" ||
		fields["CUSTOMER_IDENTIFIER"] != "tag-7" || fields["OBJECT"] == "" {
		t.Errorf("%+v", events[0])
	}
}

func TestCodeIsRedeemedOnce_RowA12(t *testing.T) {
	h := newHarness(t, nil)
	for range 5 {
		code := h.code(params("web", callback))
		var good, bad atomic.Int32
		var work sync.WaitGroup
		for range 16 {
			work.Go(func() {
				switch w := h.do(exchange(code)); w.Code {
				case http.StatusOK:
					good.Add(1)
				case http.StatusBadRequest:
					bad.Add(1)
				}
			})
		}
		work.Wait()
		if good.Load() != 1 || bad.Load() != 15 {
			t.Errorf("%d succeeded, %d were refused", good.Load(), bad.Load())
		}
	}
}

func TestLoginIsAnsweredOnce_RowA8_RowA12(t *testing.T) {
	h := newHarness(t, nil)
	login := h.complete(h.begin(params("web", callback)), person)
	var codes, over atomic.Int32
	var work sync.WaitGroup
	for i := range 16 {
		work.Go(func() {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, issuer+"/login/x/done", nil)
			if i%4 == 0 {
				h.Refuse(w, r, login, "access_denied", "the person cancelled")
			} else {
				h.Answer(w, r, login)
			}
			switch {
			case w.Header().Get("Location") != "":
				codes.Add(1)
			case w.Code == http.StatusConflict && strings.Contains(w.Body.String(), LoginOver):
				over.Add(1)
			}
		})
	}
	work.Wait()
	if codes.Load() != 1 || over.Load() != 15 {
		t.Errorf("%d answers, %d refusals", codes.Load(), over.Load())
	}
}

func TestAnswerNeedsACompleteLogin(t *testing.T) {
	h := newHarness(t, nil)
	login := h.begin(params("web", callback))
	if w := h.answer(login); w.Code != http.StatusConflict || w.Header().Get("Location") != "" {
		t.Errorf("open login: %d %s", w.Code, w.Header().Get("Location"))
	}
	forged := *login
	forged.State, forged.Identity, forged.Order = storage.LoginComplete, &person, &storage.Order{}
	if w := h.answer(&forged); w.Code != http.StatusConflict || w.Header().Get("Location") != "" {
		t.Errorf("a login that the store knows as open: %d %s", w.Code, w.Header().Get("Location"))
	}
	done := h.complete(login, person)
	h.move(time.Hour)
	if w := h.answer(done); w.Code != http.StatusConflict || w.Header().Get("Location") != "" {
		t.Errorf("expired login: %d %s", w.Code, w.Header().Get("Location"))
	}
}

func TestAnswerAsksWhetherTheClientIsStillThere(t *testing.T) {
	h := newHarness(t, nil)
	first, second := h.complete(h.begin(params("web", callback)), person), h.complete(h.begin(params("web", callback)), person)
	client, err := h.store.Client(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	changed := *client
	changed.RedirectURIs = []string{"https://app.example.se/other"}
	if err := h.store.UpdateClient(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	if w := h.answer(first); w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" {
		t.Errorf("redirect URI removed: %d %s", w.Code, w.Header().Get("Location"))
	}
	if err := h.store.RemoveClient(t.Context(), "web", h.now()); err != nil {
		t.Fatal(err)
	}
	if w := h.answer(second); w.Code != http.StatusBadRequest || w.Header().Get("Location") != "" {
		t.Errorf("client removed: %d %s", w.Code, w.Header().Get("Location"))
	}
}

func TestRefuse(t *testing.T) {
	h := newHarness(t, nil)
	w := httptest.NewRecorder()
	h.Refuse(w, httptest.NewRequest(http.MethodPost, issuer+"/login/x/cancel", nil), h.begin(params("web", callback)), "access_denied", "the \"person\"\r\n cancelled: åå")
	base, answer := redirected(t, w)
	if w.Code != http.StatusSeeOther || base != callback || answer.Get("error") != "access_denied" || answer.Get("state") != "st å&te" ||
		answer.Get("iss") != issuer || answer.Get("error_description") != "the person cancelled: " {
		t.Errorf("%d %s %v", w.Code, base, answer)
	}
}

func TestClientAuthentication(t *testing.T) {
	h := newHarness(t, nil)
	basic := func(id, password string, pairs ...string) *http.Request {
		r := exchange("no such code", pairs...)
		r.SetBasicAuth(id, password)
		return r
	}
	body := func(pairs ...string) *http.Request {
		r := exchange("no such code", pairs...)
		r.Header.Del("Authorization")
		return r
	}
	header := func(values ...string) *http.Request {
		r := exchange("no such code", "client_id", "app")
		r.Header["Authorization"] = values
		return r
	}
	twice := basic("web", webSecret)
	twice.Header["Authorization"] = append(twice.Header["Authorization"], twice.Header["Authorization"]...)
	expired := storage.Client{
		ID: "expired", AuthMethod: storage.AuthMethodBasic, RedirectURIs: []string{callback}, IDTokenAlg: storage.ES256,
		Secrets: []storage.ClientSecret{{Hash: secret.New("old").Hash(), Expires: h.now().Add(-time.Second)}, {Hash: secret.New("new").Hash()}},
	}
	h.addClients(expired, storage.Client{ID: "either", AuthMethod: storage.AuthMethodSecret, Secrets: secrets("s"), RedirectURIs: []string{callback}, IDTokenAlg: storage.ES256})
	const proven = "invalid_grant" // the client is authenticated and only its code is wrong
	for name, test := range map[string]struct {
		request *http.Request
		status  int
		want    string
	}{
		"basic":                         {basic("web", webSecret), 400, proven},
		"basic, same client in body":    {basic("web", webSecret, "client_id", "web"), 400, proven},
		"post":                          {body("client_id", "post", "client_secret", "post-secret"), 400, proven},
		"either, in the header":         {basic("either", "s"), 400, proven},
		"either, in the form":           {body("client_id", "either", "client_secret", "s"), 400, proven},
		"either, in both":               {basic("either", "s", "client_secret", "s"), 400, "invalid_request"},
		"either, wrong in the form":     {body("client_id", "either", "client_secret", "x"), 401, "invalid_client"},
		"either, no secret":             {body("client_id", "either"), 401, "invalid_client"},
		"none":                          {body("client_id", "app"), 400, proven},
		"rotated secret":                {basic("expired", "new"), 400, proven},
		"expired secret":                {basic("expired", "old"), 401, "invalid_client"},
		"wrong secret":                  {basic("web", "wrong"), 401, "invalid_client"},
		"empty secret":                  {basic("web", ""), 401, "invalid_client"},
		"unknown client":                {basic("nobody", webSecret), 401, "invalid_client"},
		"unknown client, empty secret":  {basic("nobody", ""), 401, "invalid_client"},
		"unknown public client":         {body("client_id", "nobody"), 401, "invalid_client"},
		"no secret":                     {body("client_id", "web"), 401, "invalid_client"},
		"post for basic":                {body("client_id", "web", "client_secret", webSecret), 401, "invalid_client"},
		"basic for post":                {basic("post", "post-secret"), 401, "invalid_client"},
		"basic for none":                {basic("app", "x"), 401, "invalid_client"},
		"secret for none":               {body("client_id", "app", "client_secret", "x"), 401, "invalid_client"},
		"two methods":                   {basic("web", webSecret, "client_id", "web", "client_secret", webSecret), 400, "invalid_request"},
		"two methods, one without ID":   {basic("web", webSecret, "client_secret", webSecret), 400, "invalid_request"},
		"another client in the body":    {basic("web", webSecret, "client_id", "post"), 400, "invalid_request"},
		"assertion":                     {body("client_assertion", "e30.eyJhdWQiOlsxXX0.x", "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), 401, "invalid_client"},
		"nobody at all":                 {body(), 401, "invalid_client"},
		"another scheme":                {header("Bearer x"), 401, "invalid_client"},
		"basic that is not base64":      {header("Basic !"), 401, "invalid_client"},
		"basic without a colon":         {header("Basic d2Vi"), 401, "invalid_client"},
		"two headers":                   {twice, 400, "invalid_request"},
		"basic that does not unescape":  {basic("%zz", "x"), 401, "invalid_client"},
		"basic with an odd client name": {basic("\x00\xff", "x"), 401, "invalid_client"},
	} {
		w := h.do(test.request)
		answer := decode(t, w)
		if w.Code != test.status || answer.Error != test.want {
			t.Errorf("%s: %d %s, want %d %s", name, w.Code, w.Body, test.status, test.want)
		}
		if got := w.Header().Get("WWW-Authenticate"); (w.Code == 401) != strings.HasPrefix(got, "Basic ") {
			t.Errorf("%s: %d with WWW-Authenticate %q", name, w.Code, got)
		}
	}
	unknown, wrong := h.do(basic("nobody", "x")), h.do(basic("web", "x"))
	if unknown.Body.String() != wrong.Body.String() || fmt.Sprint(unknown.Header()) != fmt.Sprint(wrong.Header()) {
		t.Errorf("an unknown client can be told from a wrong secret: %s, %s", unknown.Body, wrong.Body)
	}
}

// The library would take all of these.
func TestTokenTakesCleanRequestsOnly(t *testing.T) {
	h := newHarness(t, nil)
	code := h.code(params("web", callback))
	values := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {verifier}}
	request := func(method, query, kind, body string) *http.Request {
		r := httptest.NewRequest(method, issuer+"/token?"+query, strings.NewReader(body))
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		r.SetBasicAuth("web", webSecret)
		return r
	}
	const form = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		request *http.Request
		status  int
	}{
		"GET with a query":       {request("GET", values.Encode(), "", ""), 405},
		"DELETE":                 {request("DELETE", "", form, values.Encode()), 405},
		"PUT":                    {request("PUT", "", form, values.Encode()), 405},
		"POST with a query":      {request("POST", values.Encode(), form, ""), 400},
		"half in the query":      {request("POST", "code="+code, form, "grant_type=authorization_code&redirect_uri="+url.QueryEscape(callback)+"&code_verifier="+verifier), 400},
		"no content type":        {request("POST", "", "", values.Encode()), 400},
		"JSON":                   {request("POST", "", "application/json", `{"grant_type":"authorization_code"}`), 400},
		"multipart":              {request("POST", "", "multipart/form-data; boundary=x", values.Encode()), 400},
		"repeated code":          {request("POST", "", form, values.Encode()+"&code="+code), 400},
		"repeated grant type":    {request("POST", "", form, values.Encode()+"&grant_type=authorization_code"), 400},
		"repeated, unknown":      {request("POST", "", form, values.Encode()+"&x=1&x=2"), 400},
		"bad encoding":           {request("POST", "", form, values.Encode()+"&x=%zz"), 400},
		"too large":              {request("POST", "", form, values.Encode()+"&x="+strings.Repeat("x", maxBody)), 400},
		"secret in the query":    {request("POST", "client_secret="+webSecret, form, "grant_type=authorization_code"), 400},
		"content type of rubish": {request("POST", "", ";;", values.Encode()), 400},
	} {
		w := h.do(test.request)
		if answer := decode(t, w); w.Code != test.status || answer.Error != "invalid_request" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := h.do(request("POST", "", "text/plain", values.Encode())); !strings.Contains(w.Body.String(), "content type") {
		t.Errorf("the client is not told of its content type: %s", w.Body)
	}
	if w := h.do(request("POST", "code=other&code=other", form+"; charset=UTF-8", values.Encode())); w.Code != http.StatusOK {
		t.Errorf("a clean form with a query to ignore: %d %s", w.Code, w.Body)
	}
}

// The library routes these by itself; they are not ours to answer.
func TestOtherPathsAreNotServed(t *testing.T) {
	h := newHarness(t, nil)
	for _, path := range []string{"/", "/healthz", "/ready", "/device_authorization", "/keys", "/token/", "/authorize/callback", "/end_session"} {
		if w := h.do(httptest.NewRequest(http.MethodGet, issuer+path, nil)); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func FuzzToken(f *testing.F) {
	h := newHarness(f, nil)
	code := h.code(params("web", callback))
	values := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {challenge43}}
	f.Add([]byte(values.Encode()), "Basic d2ViOndlYi1zZWNyZXQ=", "application/x-www-form-urlencoded")
	f.Add([]byte(values.Encode()+"&client_id=app"), "", "application/x-www-form-urlencoded; charset=x")
	f.Add([]byte("grant_type=authorization_code&client_assertion=e30.eyJhdWQiOlsxXX0.x&client_assertion_type=x"), "", "application/x-www-form-urlencoded")
	f.Add([]byte("%"), "Basic", "multipart/form-data")
	f.Add([]byte("grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=e30.eyJhdWQiOlsxXX0.x"), "Basic OjoN", "application/x-www-form-urlencoded")
	f.Add([]byte("grant_type=refresh_token&refresh_token=x&client_id=app&resource=a&resource=b"), "", "application/x-www-form-urlencoded")
	n := 0
	f.Fuzz(func(t *testing.T, body []byte, authorization, kind string) {
		r := httptest.NewRequest(http.MethodPost, issuer+"/token", bytes.NewReader(body))
		n++ // another address each time: the limits are not what is tried here
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1", n>>16&255, n>>8&255, n&255)
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Content-Type", kind)
		w := h.do(r)
		if answer := decode(t, w); w.Code < 400 || w.Code >= 500 || answer.Error == "" || answer.AccessToken != "" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
