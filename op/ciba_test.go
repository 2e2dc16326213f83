package op

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"brygga/limit"
	"brygga/secret"
	"brygga/storage"
)

const spelled = "18900101-9802" // number, as people write it

// call stores a login by telephone, as the engine does.
func (h *harness) call(ctx context.Context, request storage.AuthRequest, binding secret.String, _ storage.Starter) (*storage.Login, error) {
	now := h.now()
	login := storage.Login{
		ID: storage.NewID(), State: storage.LoginOpen, Revision: 1, Request: &request, BindingHash: binding.Hash(), Created: now, Expires: request.Program.Expires.Add(time.Minute),
	}
	return &login, h.store.CreateLogin(ctx, login)
}

// addCaller stores a client that may name people, with a key for what it signs.
func (h *harness) addCaller(id string, change func(*storage.Client)) *storage.Client {
	h.t.Helper()
	return h.add(id, func(c *storage.Client) {
		c.CIBA, c.JWKS = storage.CIBAPoll, jwks(jwk("P-256", "", ""))
		if change != nil {
			change(c)
		}
	})
}

// names returns a backchannel authentication request of client call that is in order, with pairs of names and values put over it.
func (h *harness) names(pairs ...string) *http.Request {
	return h.postAs("call", "/bc-authorize", with(url.Values{"scope": {"openid profile"}, "login_hint": {spelled}}, pairs...))
}

// postAs sends a form as a client with the secret of them all.
func (h *harness) postAs(client, path string, form url.Values) *http.Request {
	r := formRequest(path, form)
	r.SetBasicAuth(client, webSecret)
	return r
}

// polls returns a poll of client call.
func (h *harness) polls(authReqID string, pairs ...string) *http.Request {
	return h.postAs("call", "/token", with(url.Values{"grant_type": {GrantCIBA}, "auth_req_id": {authReqID}}, pairs...))
}

// begun sends a request that is in order, and returns the auth_req_id and the login.
func (h *harness) begun(r *http.Request) (string, *storage.Login) {
	h.t.Helper()
	w := h.do(r)
	var answer backchannelResponse
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK || answer.Interval != 2 {
		h.t.Fatalf("%d %s", w.Code, w.Body)
	}
	id, _, _ := strings.Cut(answer.ID, ".")
	login, err := h.store.Login(h.t.Context(), id, h.now())
	if err != nil {
		h.t.Fatal(err)
	}
	if h.now().Add(time.Duration(answer.ExpiresIn)*time.Second) != login.Request.Program.Expires {
		h.t.Errorf("expires_in is %d, and the person has until %s", answer.ExpiresIn, login.Request.Program.Expires)
	}
	return answer.ID, login
}

// wantError checks the answer's status and code, and that it says nothing of the person.
func wantError(t *testing.T, name string, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	if got := decode(t, w); w.Code != status || got.Error != code || got.Description == "" || strings.Contains(w.Body.String(), number) {
		t.Errorf("%s: %d %s, want %d %s", name, w.Code, w.Body, status, code)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s: the answer may be kept", name)
	}
}

// TestCIBA takes a request to its tokens, as a client that polls does.
func TestCIBA(t *testing.T) {
	h := newHarness(t, nil)
	h.addCaller("call", nil)
	id, login := h.begun(h.names("binding_message", "Ärende 7: säg K4", "requested_expiry", "60", "call_initiator", "user", "acr_values", DefaultACR))
	r := login.Request
	if r.RequiredPersonalNumber.Reveal() != number || r.UserMessage.In("sv") != "Ärende 7: säg K4" || r.Call.Initiator != storage.CallByUser || r.ACR != DefaultACR || r.ClientID != "call" {
		t.Errorf("the login is for %+v", r)
	}
	wantError(t, "before", h.do(h.polls(id)), 400, "authorization_pending")
	h.complete(login, person)
	h.move(10 * time.Second)
	w := h.do(h.polls(id))
	got := decode(t, w)
	if w.Code != http.StatusOK || got.AccessToken == "" || got.RefreshToken != "" || got.Scope != "openid profile" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	claims := payload(t, got.IDToken)
	for name, want := range map[string]any{
		"iss": issuer, "aud": "call", "personalNumber": number, "acr": DefaultACR, "urn:openid:params:jwt:claim:auth_req_id": id,
		"auth_time": float64(h.now().Add(-10 * time.Second).Unix()), "nonce": nil,
	} {
		if claims[name] != want {
			t.Errorf("%s = %v, want %v", name, claims[name], want)
		}
	}
	if status, info := h.userinfo(got.AccessToken); status != http.StatusOK || info["sub"] != claims["sub"] {
		t.Errorf("userinfo: %d %v", status, info)
	}
	wantError(t, "again", h.do(h.polls(id)), 400, "invalid_grant")
	if status, _ := h.userinfo(got.AccessToken); status != http.StatusOK {
		t.Errorf("a second poll has taken away what the first gave: %d", status)
	}
}

// TestCIBAIsOffered: discovery names what works, and nothing where there are no logins by telephone.
func TestCIBAIsOffered(t *testing.T) {
	h := newHarness(t, func(o *Options) { o.Call = nil })
	h.addCaller("call", nil)
	if body := h.do(httptest.NewRequest(http.MethodGet, issuer+pathDiscovery, nil)).Body.String(); strings.Contains(body, "backchannel_authentication") || strings.Contains(body, "ciba") {
		t.Errorf("announced: %s", body)
	}
	if w := h.do(h.names()); w.Code != http.StatusNotFound {
		t.Errorf("the endpoint is there: %d", w.Code)
	}
	wantError(t, "grant type", h.do(h.polls("x.y")), 400, "unsupported_grant_type")
}

// TestCIBARequestErrors: what is wrong with a request is told by its code, before anybody is called.
func TestCIBARequestErrors(t *testing.T) {
	h := newHarness(t, func(o *Options) {
		o.Call = func(context.Context, storage.AuthRequest, secret.String, storage.Starter) (*storage.Login, error) {
			t.Error("somebody was called")
			return nil, storage.ErrConflict
		}
	})
	caller := h.addCaller("call", func(c *storage.Client) { c.Resources, c.PersonalNumber = []string{"https://api.example/"}, false })
	nameless := h.tokensFor("call")
	changed, err := h.store.Client(t.Context(), caller.ID)
	if err != nil {
		t.Fatal(err)
	}
	allowed := *changed
	allowed.PersonalNumber = true
	if err := h.store.UpdateClient(t.Context(), allowed); err != nil {
		t.Fatal(err)
	}
	h.addCaller("number", func(c *storage.Client) { c.PersonalNumber = false })
	h.addCaller("signs", func(c *storage.Client) { c.RequireRequestObject = true })
	h.addCaller("told", func(c *storage.Client) {
		c.CIBA, c.NotificationEndpoint = storage.CIBAPing, "https://app.example.se/ciba"
	})
	h.add("off", func(c *storage.Client) { c.CIBA = storage.CIBAOff })
	hint := h.tokensOf(params("web", callback)).IDToken
	own := h.tokensFor("call")
	for _, tc := range []struct {
		name string
		r    *http.Request
		code string
	}{
		{"no scope", h.names("scope", ""), "invalid_scope"},
		{"no openid", h.names("scope", "profile"), "invalid_scope"},
		{"no hint", h.names("login_hint", ""), "invalid_request"},
		{"two hints", h.names("id_token_hint", own), "invalid_request"},
		{"no number", h.names("login_hint", "anna@example.se"), "unknown_user_id"},
		{"a wrong check digit", h.names("login_hint", "189001019803"), "unknown_user_id"},
		{"a long hint", h.names("login_hint", strings.Repeat("1", 257)), "invalid_request"},
		{"an ID token without the number", h.names("login_hint", "", "id_token_hint", nameless), "unknown_user_id"},
		{"another client's ID token", h.names("login_hint", "", "id_token_hint", hint), "invalid_request"},
		{"no ID token", h.names("login_hint", "", "id_token_hint", "x"), "invalid_request"},
		{"a hint token of nobody", h.names("login_hint", "", "login_hint_token", "x.y.z"), "invalid_request"},
		{"a long message", h.names("binding_message", strings.Repeat("x", 1200)), "invalid_binding_message"},
		{"a message that hides", h.names("binding_message", "a\u202eb"), "invalid_binding_message"},
		{"a message of blanks", h.names("binding_message", " "), "invalid_binding_message"},
		{"a message that does not fit", h.names("binding_message", unfit), "invalid_binding_message"},
		{"a message of no text", h.names("binding_message", "a\xffb"), "invalid_binding_message"},
		{"nothing to be told by", h.postAs("told", "/bc-authorize", url.Values{"scope": {"openid"}, "login_hint": {spelled}}), "invalid_request"},
		{"too little to be told by", h.postAs("told", "/bc-authorize", url.Values{"scope": {"openid"}, "login_hint": {spelled}, "client_notification_token": {strings.Repeat("x", 21)}}), "invalid_request"},
		{"too much to be told by", h.postAs("told", "/bc-authorize", url.Values{"scope": {"openid"}, "login_hint": {spelled}, "client_notification_token": {strings.Repeat("x", 1025)}}), "invalid_request"},
		{"what no header takes", h.postAs("told", "/bc-authorize", url.Values{"scope": {"openid"}, "login_hint": {spelled}, "client_notification_token": {strings.Repeat("x", 30) + " x"}}), "invalid_request"},
		{"a user code", h.names("user_code", "1234"), "invalid_request"},
		{"no time", h.names("requested_expiry", "0"), "invalid_request"},
		{"a time before", h.names("requested_expiry", "-5"), "invalid_request"},
		{"a time that is none", h.names("requested_expiry", "soon"), "invalid_request"},
		{"nobody who calls", h.names("call_initiator", "me"), "invalid_request"},
		{"another person in claims", h.names("claims", `{"id_token":{"personalNumber":{"value":"198502039822"}}}`), "invalid_request"},
		{"broken claims", h.names("claims", "{"), "invalid_request"},
		{"an unknown resource", h.names("resource", "https://other.example/"), "invalid_target"},
		{"a level that there is not", h.names("claims", `{"id_token":{"acr":{"essential":true,"value":"urn:no"}}}`), "unmet_authentication_requirements"},
		{"a signature", h.names("scope", "openid "+storage.ScopeSign), "unauthorized_client"},
		{"by address", h.names("request_uri", "https://app.example.se/r"), "invalid_request"},
		{"a request of nobody", h.names("login_hint", "", "scope", "", "request", "x.y.z"), "invalid_request"},
		{"unsigned", h.postAs("signs", "/bc-authorize", url.Values{"scope": {"openid"}, "login_hint": {spelled}}), "invalid_request"},
		{"not registered", h.postAs("web", "/bc-authorize", url.Values{"scope": {"openid"}, "login_hint": {spelled}}), "unauthorized_client"},
		{"switched off", h.postAs("off", "/bc-authorize", url.Values{"scope": {"openid"}, "login_hint": {spelled}}), "unauthorized_client"},
		{"no right to the number", h.postAs("number", "/bc-authorize", url.Values{"scope": {"openid"}, "login_hint": {spelled}}), "unauthorized_client"},
	} {
		wantError(t, tc.name, h.do(tc.r), 400, tc.code)
	}
	wrong := h.names()
	wrong.SetBasicAuth("call", "wrong")
	wantError(t, "a wrong secret", h.do(wrong), 401, "invalid_client")
	public := formRequest("/bc-authorize", url.Values{"client_id": {"app"}, "scope": {"openid"}, "login_hint": {spelled}})
	wantError(t, "a public client", h.do(public), 400, "unauthorized_client")
	if w := h.do(httptest.NewRequest(http.MethodGet, issuer+"/bc-authorize?login_hint="+number, nil)); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	if strings.Contains(h.logs.String(), number) || strings.Contains(h.logs.String(), spelled) {
		t.Errorf("the log has the number:\n%s", h.logs)
	}
}

// tokensFor logs the person in at a client in a browser, and returns the ID token.
func (h *harness) tokensFor(client string) string {
	h.t.Helper()
	r := exchange(h.code(params(client, callback)))
	r.SetBasicAuth(client, webSecret)
	return decode(h.t, h.do(r)).IDToken
}

// TestCIBAByIDToken: an ID token with the number names the person, expired as it may be.
func TestCIBAByIDToken(t *testing.T) {
	h := newHarness(t, nil)
	h.addCaller("call", nil)
	hint := h.tokensFor("call")
	h.move(48 * time.Hour)
	_, login := h.begun(h.names("login_hint", "", "id_token_hint", hint))
	if r := login.Request; r.RequiredPersonalNumber.Reveal() != number {
		t.Errorf("the login is for %+v", r)
	}
}

// TestCIBALimits: what is too much is said as everywhere, and a fault of ours says nothing of the person.
func TestCIBALimits(t *testing.T) {
	var err error
	h := newHarness(t, func(o *Options) {
		o.Call = func(context.Context, storage.AuthRequest, secret.String, storage.Starter) (*storage.Login, error) {
			return nil, err
		}
	})
	h.addCaller("call", nil)
	err = &limit.Error{RetryAfter: 7 * time.Second}
	w := h.do(h.names())
	if wantError(t, "too many", w, 429, "temporarily_unavailable"); w.Header().Get("Retry-After") != "7" {
		t.Errorf("Retry-After: %q", w.Header().Get("Retry-After"))
	}
	err = storage.ErrConflict
	wantError(t, "a fault", h.do(h.names()), 500, "server_error")
}

// TestCIBAOfferedMethods: an eID of the client's is asked, or the client learns that none of them is to be had by telephone.
func TestCIBAOfferedMethods(t *testing.T) {
	asked, offers := "", []string{"netid", "bankid"}
	h := newHarness(t, func(o *Options) {
		call := o.Call
		o.Call = func(ctx context.Context, request storage.AuthRequest, binding secret.String, starter storage.Starter) (*storage.Login, error) {
			asked = starter.Method
			return call(ctx, request, binding, starter)
		}
		o.Offered = func(r *http.Request, _ *storage.Client, request *storage.AuthRequest) []string {
			if r != nil || request.Call == nil {
				t.Error("it is asked for a browser")
			}
			return offers
		}
	})
	h.addCaller("call", nil)
	if h.begun(h.names()); asked != "netid" {
		t.Errorf("asked %q", asked)
	}
	offers = nil
	wantError(t, "none", h.do(h.names()), 400, "unmet_authentication_requirements")
}

// TestCIBAExpiry: the person has as long as the client wishes, within bounds.
func TestCIBAExpiry(t *testing.T) {
	h := newHarness(t, nil)
	h.addCaller("call", nil)
	for wish, want := range map[string]time.Duration{"": cibaLife, "1": cibaLifeLeast, "90": 90 * time.Second, "301": cibaLifeMost, "99999999999999999999": cibaLifeMost} {
		if _, login := h.begun(h.names("requested_expiry", wish)); login.Request.Program.Expires.Sub(h.now()) != want {
			t.Errorf("%q: %s, want %s", wish, login.Request.Program.Expires.Sub(h.now()), want)
		}
	}
}

// TestCIBASigned: a signed request counts whole and alone, says when and for whom it was made, and begins one login.
func TestCIBASigned(t *testing.T) {
	h := newHarness(t, nil)
	h.addCaller("call", func(c *storage.Client) { c.RequireRequestObject = true })
	h.addCaller("other", nil)
	request := func(changes ...any) string {
		claims := h.assertionClaims("call", "sub", nil, "nbf", h.now().Unix(), "scope", "openid", "login_hint", spelled, "requested_expiry", 45)
		for i := 0; i < len(changes); i += 2 {
			if claims[changes[i].(string)] = changes[i+1]; changes[i+1] == nil {
				delete(claims, changes[i].(string))
			}
		}
		return signJWS(t, storage.ES256, "P-256", "", claims)
	}
	send := func(object string, pairs ...string) *httptest.ResponseRecorder {
		return h.do(h.postAs("call", "/bc-authorize", with(url.Values{"request": {object}}, pairs...)))
	}
	good := request()
	if _, login := h.begun(h.postAs("call", "/bc-authorize", url.Values{"request": {good}})); login.Request.Program.Expires.Sub(h.now()) != 45*time.Second {
		t.Error("requested_expiry as a number was not taken")
	}
	if w := send(request("requested_expiry", "60", "aud", issuer+"/bc-authorize", "jti", "another")); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	past, ahead := h.now().Add(-time.Hour).Unix(), h.now().Add(2*time.Hour).Unix()
	for name, w := range map[string]*httptest.ResponseRecorder{
		"used before": send(good), "another's key": send(signJWS(t, storage.ES256, "other", "", h.assertionClaims("call"))),
		"no iss": send(request("iss", nil)), "no aud": send(request("aud", nil)), "no exp": send(request("exp", nil)), "no iat": send(request("iat", nil)),
		"no nbf": send(request("nbf", nil)), "no jti": send(request("jti", nil)), "another iss": send(request("iss", "other")),
		"another aud": send(request("aud", "https://other.example")), "expired": send(request("exp", past)), "for long": send(request("exp", ahead)),
		"not yet": send(request("nbf", ahead)), "made later": send(request("iat", ahead)), "an empty jti": send(request("jti", "")),
		"a number as scope": send(request("scope", 7)), "time as a list": send(request("requested_expiry", []int{1})), "time as a half": send(request("requested_expiry", 1.5)),
		"a hint beside it": send(request(), "login_hint", spelled), "a scope beside it": send(request(), "scope", "openid"),
		"a resource beside it": send(request(), "resource", "https://api.example/"), "a request within": send(request("request", good, "login_hint", nil)),
	} {
		wantError(t, name, w, 400, "invalid_request")
	}
}

// TestCIBAHintToken: a number may come in a JWT that the client has signed; it is taken in its time, and no other JWT is.
func TestCIBAHintToken(t *testing.T) {
	h := newHarness(t, nil)
	h.addCaller("call", nil)
	token := func(pairs ...any) string {
		return signJWS(t, storage.ES256, "P-256", "", h.assertionClaims("call", append([]any{"sub", nil, "personalNumber", spelled}, pairs...)...))
	}
	send := func(token string) *http.Request { return h.names("login_hint", "", "login_hint_token", token) }
	if _, login := h.begun(send(token())); login.Request.RequiredPersonalNumber.Reveal() != number {
		t.Error("the token's person was not taken")
	}
	past := h.now().Add(-time.Hour).Unix()
	for name, tc := range map[string]struct{ token, code string }{
		"expired": {token("exp", past), "expired_login_hint_token"}, "no number": {token("personalNumber", nil), "invalid_request"}, "no person": {token("personalNumber", "x"), "unknown_user_id"},
		"another aud": {token("aud", "https://other.example"), "invalid_request"}, "another iss": {token("iss", "web"), "invalid_request"}, "no exp": {token("exp", nil), "invalid_request"},
		"another's key": {signJWS(t, storage.ES256, "other", "", h.assertionClaims("call", "personalNumber", spelled)), "invalid_request"},
	} {
		wantError(t, name, h.do(send(tc.token)), 400, tc.code)
	}
}

// TestCIBAPolls: each way in which a login may stand has its answer.
func TestCIBAPolls(t *testing.T) {
	h := newHarness(t, nil)
	h.addCaller("call", nil)
	h.addCaller("other", nil)
	id, login := h.begun(h.names())
	wantError(t, "no auth_req_id", h.do(h.polls("")), 400, "invalid_request")
	wantError(t, "one that is none", h.do(h.polls("x")), 400, "invalid_grant")
	wantError(t, "an unknown one", h.do(h.polls(storage.NewID()+"."+storage.NewToken())), 400, "invalid_grant")
	wantError(t, "another's secret", h.do(h.polls(login.ID+"."+storage.NewToken())), 400, "invalid_grant")
	wantError(t, "not registered", h.do(h.postAs("web", "/token", url.Values{"grant_type": {GrantCIBA}, "auth_req_id": {id}})), 400, "unauthorized_client")
	wantError(t, "another client", h.do(h.postAs("other", "/token", url.Values{"grant_type": {GrantCIBA}, "auth_req_id": {id}})), 400, "invalid_grant")
	h.move(2 * time.Second)
	wantError(t, "pending", h.do(h.polls(id)), 400, "authorization_pending")
	h.unmade(login)
	unknown, login2 := h.begun(h.names())
	h.failed(login2, storage.PhaseWorking, "userCancel")
	h.move(h.o.CallSilence)
	first, second := h.do(h.polls(id)), h.do(h.polls(unknown))
	wantError(t, "cancelled", first, 400, "access_denied")
	if first.Body.String() != second.Body.String() {
		t.Errorf("why it failed can be told: %s, %s", first.Body, second.Body)
	}
	late, login3 := h.begun(h.names())
	h.complete(login3, person)
	h.set(login3.Request.Program.Expires)
	wantError(t, "over", h.do(h.polls(late)), 400, "expired_token")
	h.set(login3.Expires)
	wantError(t, "forgotten", h.do(h.polls(late)), 400, "invalid_grant")
}

// unmade ends a login whose order could not be made.
func (h *harness) unmade(login *storage.Login) *storage.Login {
	h.t.Helper()
	now := h.now()
	_, err := h.store.BeginOrder(h.t.Context(), login.ID, storage.Claim{ID: "claim", At: now, WindowEnds: now.Add(time.Minute), Collector: "c"})
	if err == nil {
		login, err = h.store.DropClaim(h.t.Context(), login.ID, "claim", storage.Failure{Reason: "alreadyInProgress"}, now)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return login
}

// failed ends a login whose order had come as far as phase.
func (h *harness) failed(login *storage.Login, phase storage.Phase, reason string) *storage.Login {
	h.t.Helper()
	ctx, now := h.t.Context(), h.now()
	_, err := h.store.BeginOrder(ctx, login.ID, storage.Claim{ID: "claim", At: now, WindowEnds: now.Add(time.Minute), Collector: "c"})
	if err == nil {
		_, err = h.store.PutOrder(ctx, login.ID, "claim", storage.Order{ID: "order", Method: "bankid", Started: now, Collector: "c"})
	}
	if err == nil {
		_, err = h.store.RecordHint(ctx, login.ID, "order", phase, "x", now)
	}
	if err == nil {
		login, err = h.store.FailOrder(ctx, login.ID, "order", storage.Failure{Reason: reason}, now)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	return login
}

// TestCIBASilence: a login that no app has had looks the same until an order that nobody opens has ended, whether its order was never made, as the
// number is nobody's, or was not opened; a ping keeps the same silence. What the person has done is told at once.
func TestCIBASilence(t *testing.T) {
	h := newHarness(t, nil)
	h.addCaller("call", nil)
	h.addCaller("told", func(c *storage.Client) { c.CIBA, c.NotificationEndpoint = storage.CIBAPing, "https://192.0.2.7/ciba" })
	unmade, login := h.begun(h.names())
	h.unmade(login)
	unopened, login := h.begun(h.names())
	h.failed(login, storage.PhaseWaiting, "startFailed")
	short, login := h.begun(h.names("requested_expiry", "30"))
	h.unmade(login)
	declined, login := h.begun(h.names())
	h.failed(login, storage.PhaseInApp, "userDeclinedCall")
	_, told := h.asksToBeTold()
	if h.Notify(h.unmade(told)); len(h.pings) != 0 {
		t.Error("a ping tells at once")
	}
	_, quick := h.asksToBeTold()
	if h.Notify(h.failed(quick, storage.PhaseWorking, "userCancel")); len(h.pings) != 1 {
		t.Error("what the person has done is not told at once")
	}
	wantError(t, "declined", h.do(h.polls(declined)), 400, "access_denied")
	for name, id := range map[string]string{"unmade": unmade, "unopened": unopened, "short": short} {
		wantError(t, name, h.do(h.polls(id)), 400, "authorization_pending")
	}
	h.move(h.o.CallSilence - 2*time.Second)
	wantError(t, "short", h.do(h.polls(short)), 400, "expired_token")
	for name, id := range map[string]string{"unmade": unmade, "unopened": unopened} {
		wantError(t, name, h.do(h.polls(id)), 400, "authorization_pending")
	}
	h.move(2 * time.Second)
	for name, id := range map[string]string{"unmade": unmade, "unopened": unopened} {
		wantError(t, name, h.do(h.polls(id)), 400, "access_denied")
	}
	if h.Notify(h.readLogin(told.ID)); len(h.pings) != 2 {
		t.Error("a ping is not sent when it may tell")
	}
}

func (h *harness) readLogin(id string) *storage.Login {
	h.t.Helper()
	login, err := h.store.Login(h.t.Context(), id, h.now())
	if err != nil {
		h.t.Fatal(err)
	}
	return login
}

// TestCIBASlowDown: who asks too fast slows down itself, and its other requests not.
func TestCIBASlowDown(t *testing.T) {
	h := newHarness(t, nil)
	h.addCaller("call", nil)
	fast, login := h.begun(h.names())
	calm, _ := h.begun(h.names())
	ask := func(id, want string) {
		t.Helper()
		wantError(t, want, h.do(h.polls(id)), 400, want)
	}
	ask(fast, "authorization_pending")
	h.move(time.Second)
	ask(fast, "slow_down")
	ask(calm, "authorization_pending")
	h.move(2 * time.Second)
	ask(fast, "slow_down") // seven seconds since the last time are asked for now
	ask(calm, "authorization_pending")
	h.move(12 * time.Second)
	ask(fast, "authorization_pending")
	h.complete(login, person)
	if w := h.do(h.polls(fast)); w.Code != http.StatusOK {
		t.Errorf("what is ready is not given: %d %s", w.Code, w.Body)
	}
}

// TestCIBAPollsAtOnce: of polls at once exactly one gets the tokens, and they stand.
func TestCIBAPollsAtOnce(t *testing.T) {
	h := newHarness(t, nil)
	h.addCaller("call", nil)
	id, login := h.begun(h.names())
	h.complete(login, person)
	answers := make([]*httptest.ResponseRecorder, 8)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() { answers[i] = h.do(h.polls(id)) })
	}
	all.Wait()
	var token string
	for _, w := range answers {
		switch got := decode(t, w); {
		case w.Code == http.StatusOK && token == "":
			token = got.AccessToken
		case got.Error != "invalid_grant":
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if status, _ := h.userinfo(token); status != http.StatusOK {
		t.Errorf("the tokens that were given do not stand: %d", status)
	}
}

// TestCIBABrokenOff: a process that dies after the answer was stored and before the tokens were given costs nobody a login.
func TestCIBABrokenOff(t *testing.T) {
	h := newHarness(t, nil)
	caller := h.addCaller("call", nil)
	id, login := h.begun(h.names())
	login = h.complete(login, person)
	_, token, _ := splitAuthReqID(id)
	if refusal := h.answerPolled(t.Context(), caller, login, token, h.now()); refusal != nil {
		t.Fatal(refusal)
	}
	if w := h.do(h.polls(id)); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestCIBAIsNoCookie: a browser's login is not got by an auth_req_id that is made from its cookie, even of the same client, and the code
// behind an auth_req_id is none that the other grant takes.
func TestCIBAIsNoCookie(t *testing.T) {
	h := newHarness(t, nil)
	h.addCaller("call", nil)
	cookie := storage.NewToken()
	request := storage.AuthRequest{ClientID: "call", Scopes: []string{"openid"}, RequiredPersonalNumber: secret.New(number)}
	for _, binding := range []secret.String{secret.New(cookie), cibaBinding(cookie)} {
		login := storage.Login{ID: storage.NewID(), State: storage.LoginOpen, Revision: 1, Request: &request, BindingHash: binding.Hash(), Created: h.now(), Expires: h.now().Add(time.Hour)}
		if err := h.store.CreateLogin(t.Context(), login); err != nil {
			t.Fatal(err)
		}
		h.complete(&login, person)
		wantError(t, "a browser's", h.do(h.polls(login.ID+"."+cookie)), 400, "invalid_grant")
	}
	call := request
	for owner, binding := range map[string]secret.String{ownerCIBA: secret.New(cookie), "key": cibaBinding(cookie)} {
		call.Program = &storage.Program{Owner: owner, Expires: h.now().Add(time.Minute)}
		other, _ := h.call(t.Context(), call, binding, storage.Starter{})
		h.complete(other, person)
		wantError(t, "another program's", h.do(h.polls(other.ID+"."+cookie)), 400, "invalid_grant")
	}
}

// TestCIBAPersonIsKnown: a person whom the client's policy does not know any more is refused, and the log says so.
func TestCIBAPersonIsKnown(t *testing.T) {
	h := newHarness(t, nil)
	h.addCaller("call", func(c *storage.Client) { c.Policy.PersonKeys = []string{"employeeNumber"} })
	id, login := h.begun(h.names())
	h.complete(login, person)
	wantError(t, "refused", h.do(h.polls(id)), 400, "access_denied")
	wantError(t, "and over", h.do(h.polls(id)), 400, "invalid_grant")
}

// TestCIBARefreshes: a client with the right gets refresh tokens, and tokens for one of the resources.
func TestCIBARefreshes(t *testing.T) {
	h := newHarness(t, nil)
	h.addCaller("call", func(c *storage.Client) {
		c.Scopes, c.Resources, c.AccessTokenFormat = []string{"offline_access"}, []string{"https://a.example/", "https://b.example/"}, storage.AccessTokenJWT
	})
	form := url.Values{"scope": {"openid offline_access"}, "login_hint": {spelled}, "resource": {"https://a.example/", "https://b.example/"}}
	id, login := h.begun(h.postAs("call", "/bc-authorize", form))
	h.complete(login, person)
	wantError(t, "another resource", h.do(h.polls(id, "resource", "https://c.example/")), 400, "invalid_target")
	got := decode(t, h.do(h.polls(id, "resource", "https://a.example/")))
	if got.RefreshToken == "" || payload(t, got.AccessToken)["aud"] != "https://a.example/" {
		t.Errorf("%+v", got)
	}
	w := h.do(h.postAs("call", "/token", url.Values{"grant_type": {GrantRefresh}, "refresh_token": {got.RefreshToken}}))
	if again := decode(t, w); again.IDToken == "" || payload(t, again.IDToken)["urn:openid:params:jwt:claim:auth_req_id"] != nil {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
