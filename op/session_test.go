package op

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/audit"
	"brygga/storage"
)

// sessionHouse has clients one and two in a group, and neighbours that differ in one thing each.
func sessionHouse(t *testing.T) *harness {
	t.Helper()
	h := newHarness(t, func(o *Options) { o.ACRValues = []string{level3, level2} })
	in := func(group string, change func(*storage.Client)) func(*storage.Client) {
		return func(c *storage.Client) {
			c.SessionGroup = group
			if change != nil {
				change(c)
			}
		}
	}
	zero := int64(0)
	for id, change := range map[string]func(*storage.Client){
		"one": in("hr", nil), "two": in("hr", nil), "elsewhere": in("pay", nil), "alone": nil,
		"strict":  in("hr", func(c *storage.Client) { c.Policy.PinCode = "yes" }),
		"worded":  in("hr", func(c *storage.Client) { c.Policy.VisibleText = map[string]string{"sv": "Hej"} }),
		"cards":   in("hr", func(c *storage.Client) { c.Policy.CertificatePolicies = []string{"1.2.752.78.1.5"} }),
		"fresh":   in("hr", func(c *storage.Client) { c.DefaultMaxAge = &zero }),
		"level2":  in("hr", func(c *storage.Client) { c.DefaultACRValues = []string{level2} }),
		"sweden":  in("hr", func(c *storage.Client) { c.Profile = storage.ProfileSwedenConnect }),
		"swedish": in("hr", func(c *storage.Client) { c.Profile = storage.ProfileSwedish }),
	} {
		h.add(id, change)
	}
	return h
}

// TestSessionStandsForWhatWasDemanded: a client that demands more while a login waits for its answer does not get a session for it
// that counts as if the person had met that.
func TestSessionStandsForWhatWasDemanded(t *testing.T) {
	h := sessionHouse(t)
	b := h.browser()
	w := b.get("/authorize", params("one", callback))
	login, err := b.store.Login(t.Context(), strings.TrimPrefix(w.Header().Get("Location"), "/login/"), b.now())
	if err != nil {
		t.Fatal(err)
	}
	login = b.complete(login, person)
	client, err := h.store.Client(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	stricter := *client
	stricter.Policy.PinCode = "yes"
	if err := h.store.UpdateClient(t.Context(), stricter); err != nil {
		t.Fatal(err)
	}
	b.visit(httptest.NewRequest(http.MethodPost, issuer+"/login/x/done", nil), func(w http.ResponseWriter, r *http.Request) { b.Answer(w, r, login) })
	for client, want := range map[string]string{"strict": "login_required", "two": "code"} {
		if got, _ := b.outcome(params(client, callback, "prompt", "none")); got != want {
			t.Errorf("%s, out of the session: %s, want %s", client, got, want)
		}
	}
}

// TestSessionEndsWithAStricterInstallation: an installation that demands more, for clients that leave it to it, is served by no session
// of before.
func TestSessionEndsWithAStricterInstallation(t *testing.T) {
	h := sessionHouse(t)
	b := h.browser()
	b.logIn(params("one", callback), person)
	for _, tt := range []struct {
		policy storage.Policy
		want   string
	}{
		{storage.Policy{}, "code"},
		{storage.Policy{PinCode: "no", HighRisk: "refuse"}, "code"}, // the defaults, written out
		{storage.Policy{VisibleText: map[string]string{"sv": "Hej"}}, "code"},
		{storage.Policy{PinCode: "yes"}, "login_required"},
		{storage.Policy{MinimumAge: 18}, "login_required"},
		{storage.Policy{CertificatePolicies: []string{"1.2.752.78.1.5"}}, "login_required"},
		{storage.Policy{HighRisk: "audit"}, "login_required"},
	} {
		h.o.Policy = tt.policy
		if got, _ := b.outcome(params("two", callback, "prompt", "none")); got != tt.want {
			t.Errorf("under %+v: %s, want %s", tt.policy, got, tt.want)
		}
	}
}

// TestSessionServes asks, in a browser where somebody has logged in for client one, on behalf of all kinds of requests.
func TestSessionServes(t *testing.T) {
	h := sessionHouse(t)
	claims := func(how string) string { return `{"id_token":` + how + `}` }
	for _, tc := range []struct {
		name, client string
		after        time.Duration
		pairs        []string
		want         string // with prompt=none, login means login_required
	}{
		{"itself", "one", 0, nil, "code"},
		{"its neighbour", "two", 0, nil, "code"},
		{"by form", "two", 0, []string{"response_mode", "form_post"}, "form https"},
		{"an unknown prompt", "two", 0, []string{"prompt", "strange"}, "code"},
		{"another group", "elsewhere", 0, nil, "login"},
		{"no group", "alone", 0, nil, "login"},
		{"the Swedish profile", "swedish", 0, nil, "code"},
		{"a message", "two", 0, []string{paramUserMessage, `{"message":"SGVq"}`}, "code"},

		{"another demand", "strict", 0, nil, "login"},
		{"another list of demands", "cards", 0, nil, "login"},
		{"other words", "worded", 0, nil, "code"},

		{"max_age to come", "two", 99 * time.Second, []string{"max_age", "100"}, "code"},
		{"max_age reached", "two", 100 * time.Second, []string{"max_age", "100"}, "login"},
		{"max_age 0", "two", 0, []string{"max_age", "0"}, "login"},
		{"max_age 0 by default", "fresh", 0, nil, "login"},
		{"max_age over the default", "fresh", 0, []string{"max_age", "60"}, "code"},

		{"its level", "two", 0, []string{"acr_values", level3}, "code"},
		{"one of its levels", "two", 0, []string{"acr_values", level2 + " " + level3}, "code"},
		{"another level", "two", 0, []string{"acr_values", level2}, "login"},
		{"another level by default", "level2", 0, nil, "login"},
		{"another level, essential", "two", 0, []string{"claims", claims(`{"acr":{"essential":true,"value":"` + level2 + `"}}`)}, "login"},
		{"a level that nobody has", "two", 0, []string{"acr_values", "x"}, "code"},

		{"the same person", "two", 0, []string{"login_hint", number}, "code"},
		{"another person", "two", 0, []string{"login_hint", other.PersonalNumber.Reveal()}, "login"},
		{"another subject", "two", 0, []string{"claims", claims(`{"sub":{"value":"x"}}`)}, "login"},

		{"idle for long enough", "two", DefaultSessionIdle, nil, "login"},
		{"all but idle for long enough", "two", DefaultSessionIdle - time.Second, nil, "code"},
	} {
		for _, none := range []bool{false, true} {
			b := h.browser()
			b.logIn(params("one", callback), person)
			b.move(tc.after)
			values, want := params(tc.client, callback, tc.pairs...), tc.want
			if none && !values.Has("prompt") {
				if values.Set("prompt", "none"); want == "login" {
					want = "login_required"
				}
			}
			if got, _ := b.outcome(values); got != want {
				t.Errorf("%s, prompt %s: %s, want %s", tc.name, values.Get("prompt"), got, want)
			}
			b.move(-tc.after)
		}
	}
}

// The person who is asked to log in, whatever session there is (OIDC Core §3.1.2.1).
func TestSessionGivesWay(t *testing.T) {
	h := sessionHouse(t)
	b := h.browser()
	b.logIn(params("one", callback), person)
	for _, prompt := range []string{"login", "consent", "select_account", "login consent"} {
		if got, _ := b.outcome(params("one", callback, "prompt", prompt)); got != "login" {
			t.Errorf("prompt=%s: %s", prompt, got)
		}
	}
	if got, _ := h.browser().outcome(params("one", callback, "prompt", "none")); got != "login_required" {
		t.Errorf("prompt=none in another browser: %s", got)
	}
	stolen := h.browser()
	stolen.jar["session-pay"] = &http.Cookie{Name: "session-pay", Value: b.jar["session-hr"].Value}
	if got, _ := stolen.outcome(params("elsewhere", callback)); got != "login" {
		t.Errorf("a cookie under the name of another group: %s", got)
	}
	ahead := httptest.NewRequest(http.MethodGet, issuer+"/authorize?"+params("one", callback).Encode(), nil)
	ahead.Header.Set("Sec-Purpose", "prefetch;prerender")
	if w := b.visit(ahead, b.Handler().ServeHTTP); w.Code != http.StatusServiceUnavailable || w.Header().Get("Location") != "" {
		t.Errorf("a guess of the browser: %d %s", w.Code, w.Header().Get("Location"))
	}
}

// The session tells of the login that it began with, and each client knows it by a name of its own.
func TestSessionTokens(t *testing.T) {
	h := sessionHouse(t)
	b := h.browser()
	first := payload(t, b.redeem("one", b.logIn(params("one", callback, "acr_values", level2), person)).IDToken)
	b.move(20 * time.Minute)
	_, code := b.outcome(params("one", callback, "nonce", "n-2"))
	again := payload(t, b.redeem("one", code).IDToken)
	_, code = b.outcome(params("two", callback))
	second := payload(t, b.redeem("two", code).IDToken)
	for _, name := range []string{"auth_time", "acr"} {
		if first[name] != again[name] || first[name] != second[name] || first[name] == nil {
			t.Errorf("%s: %v, then %v and %v", name, first[name], again[name], second[name])
		}
	}
	if first["acr"] != level2 || again["nonce"] != "n-2" || !slices.Equal(again["amr"].([]any), first["amr"].([]any)) {
		t.Errorf("%v, then %v", first, again)
	}
	for _, name := range []string{"sid", "txn"} {
		if first[name] != again[name] || first[name] == second[name] || len(first[name].(string)) != 22 {
			t.Errorf("%s: %v, %v, %v", name, first[name], again[name], second[name])
		}
	}
	if first["sub"] != again["sub"] {
		t.Error("another subject")
	}
	var used, logins []any
	events, err := h.store.AuditEvents(t.Context(), time.Time{}, h.now().Add(time.Hour), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Type == string(audit.SessionUsed) {
			used, logins = append(used, e.Fields["TXN"]), append(logins, e.Fields["IDENTIFIER"])
		}
	}
	if !slices.Equal(used, []any{first["txn"], second["txn"]}) || logins[0] != logins[1] || h.TransactionID(logins[0].(string), "two") != second["txn"] {
		t.Errorf("the audit log says %v of %v", used, logins)
	}
	fresh := h.browser()
	if sid := payload(t, fresh.redeem("one", fresh.logIn(params("one", callback), person)).IDToken)["sid"]; sid == first["sid"] {
		t.Error("two browsers have one sid")
	}
}

// A session ends an hour after its login, used or not; a login renews it.
func TestSessionEnds(t *testing.T) {
	h := sessionHouse(t)
	b := h.browser()
	b.logIn(params("one", callback), person)
	if age := b.jar["session-hr"].MaxAge; age != 3600 {
		t.Errorf("the cookie lasts %d s", age)
	}
	for _, after := range []time.Duration{29, 29, 1} { // minutes
		b.move(after * time.Minute)
		if got, _ := b.outcome(params("two", callback)); got != "code" {
			t.Fatalf("%d minutes later: %s", after, got)
		}
	}
	b.move(time.Minute)
	if got, _ := b.outcome(params("two", callback)); got != "login" {
		t.Errorf("after an hour: %s", got)
	}
	b.logIn(params("two", callback), person)
	b.move(25 * time.Minute)
	old := b.jar["session-hr"].Value
	b.logIn(params("two", callback, "prompt", "login"), person)
	b.move(25 * time.Minute)
	if got, _ := b.outcome(params("one", callback)); got != "code" {
		t.Errorf("a renewed session: %s", got)
	}
	b.jar["session-hr"].Value = old
	if got, _ := b.outcome(params("one", callback)); got != "login" {
		t.Errorf("the cookie of before the renewal: %s", got)
	}
}

// TestSessionOfAnother: who takes over a browser ends the session of the person before, and gets nothing of it.
func TestSessionOfAnother(t *testing.T) {
	h := sessionHouse(t)
	b := h.browser()
	before := b.redeem("one", b.logIn(params("one", callback), person))
	renewed := b.redeem("one", b.logIn(params("one", callback, "prompt", "login"), person))
	if payload(t, before.IDToken)["sid"] != payload(t, renewed.IDToken)["sid"] {
		t.Error("a login of the same person is another session")
	}
	if status, _ := h.userinfo(before.AccessToken); status != http.StatusOK {
		t.Errorf("a renewal ended the session: %d", status)
	}
	after := b.redeem("two", b.logIn(params("two", callback, "prompt", "login"), other))
	if status, _ := h.userinfo(before.AccessToken); status != http.StatusUnauthorized {
		t.Errorf("the session of the person before lives on: %d", status)
	}
	_, code := b.outcome(params("one", callback))
	now := payload(t, b.redeem("one", code).IDToken)
	if now["sub"] == payload(t, before.IDToken)["sub"] || now["sid"] == payload(t, before.IDToken)["sid"] {
		t.Errorf("the browser is still the first person's: %v", now)
	}
	if now["auth_time"] != payload(t, after.IDToken)["auth_time"] {
		t.Error("another login than the second person's")
	}
	if b.logIn(params("alone", callback), person); len(b.jar) != 1 {
		t.Errorf("a client without a group left a cookie: %v", b.jar)
	}
}

// TestSessionOfWrongPerson: a login by somebody who was not asked for makes no session, and no code.
func TestSessionOfWrongPerson(t *testing.T) {
	h := sessionHouse(t)
	b := h.browser()
	hint := b.redeem("one", b.logIn(params("one", callback), person)).IDToken
	fresh := h.browser()
	if code := fresh.logIn(params("one", callback, "id_token_hint", hint), other); code != "" || len(fresh.jar) != 0 {
		t.Errorf("code %q, cookies %v", code, fresh.jar)
	}
	if code := fresh.logIn(params("one", callback, "id_token_hint", hint), person); code == "" {
		t.Error("the person who was asked for got no code")
	}
}

// Proof of a login is kept for who asks for it; a session without proof is not passed off as one with it.
func TestSessionEvidence(t *testing.T) {
	h := sessionHouse(t)
	asks := func(client string, pairs ...string) url.Values {
		return params(client, callback, append(pairs, "claims", `{"id_token":{"https://id.oidc.se/claim/userCertificate":null}}`)...)
	}
	if !h.begin(asks("one")).Request.Evidence || h.begin(params("one", callback)).Request.Evidence {
		t.Error("proof is not kept for the client that asks for it, or for one that does not")
	}
	b := h.browser()
	b.logIn(params("one", callback), person)
	if got, _ := b.outcome(asks("two")); got != "login" {
		t.Errorf("a session without proof: %s", got)
	}
	if got, _ := b.outcome(asks("two", "prompt", "none")); got != "code" {
		t.Errorf("to have the proof is voluntary: %s", got)
	}
	proven := person
	proven.Evidence = &storage.Evidence{}
	b.logIn(asks("one", "prompt", "login"), proven)
	if got, _ := b.outcome(asks("two")); got != "code" {
		t.Errorf("a session with proof: %s", got)
	}
	client, err := h.store.Client(t.Context(), "two")
	if err != nil {
		t.Fatal(err)
	}
	for wanted, request := range map[bool]*storage.AuthRequest{true: {Evidence: true}, false: {}} {
		if answer, _ := h.answerTo(client, request, event{identity: &proven}, h.now()); (answer.Grant.Identity.Evidence != nil) != wanted {
			t.Errorf("a grant with proof, wanted: %t", wanted)
		}
	}
}

// Sweden Connect has no sessions without prompt=none, and none that would release more than before.
func TestSessionForSwedenConnect(t *testing.T) {
	h := sessionHouse(t)
	b := h.browser()
	b.logIn(params("one", callback, "scope", "openid"), person)
	for _, tc := range []struct {
		name  string
		pairs []string
		want  string
	}{
		{"no prompt", nil, "login"},
		{"unknown prompt", []string{"prompt", "strange"}, "login"},
		{"no more than before", []string{"prompt", "none", "scope", "openid"}, "code"},
		{"another scope", []string{"prompt", "none"}, "interaction_required"},
		{"another claim", []string{"prompt", "none", "scope", "openid", "claims", `{"userinfo":{"name":null}}`}, "interaction_required"},
	} {
		if got, _ := b.outcome(params("sweden", callback, tc.pairs...)); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
	if got, _ := b.outcome(params("swedish", callback, "prompt", "none")); got != "code" {
		t.Errorf("the rule is Sweden Connect's alone, but: %s", got)
	}
	if got, _ := b.outcome(params("sweden", callback, "prompt", "none")); got != "code" {
		t.Errorf("released to the group by now: %s", got)
	}
	b.logIn(params("one", callback, "scope", "openid", "prompt", "login"), person)
	if got, _ := b.outcome(params("sweden", callback, "prompt", "none")); got != "code" {
		t.Errorf("released before the same person logged in again: %s", got)
	}
}

// A POST from another site's page comes without cookies: the browser is sent round once, and no further.
func TestSessionAfterPost(t *testing.T) {
	h := sessionHouse(t)
	b := h.browser()
	b.logIn(params("one", callback), person)
	crossSite := h.do(formRequest("/authorize", params("two", callback, "state", "posted")))
	target, err := url.Parse(crossSite.Header().Get("Location"))
	if err != nil || crossSite.Code != http.StatusSeeOther || target.Path != pathAuthorize || !strings.HasPrefix(target.Query().Get("request_uri"), pushedPrefix) {
		t.Fatalf("%d %s", crossSite.Code, crossSite.Header().Get("Location"))
	}
	w := b.get(target.Path, target.Query())
	if got, _ := outcomeOf(t, w); got != "code" {
		t.Errorf("with the cookie: %s", got)
	}
	if _, answer := redirected(t, w); answer.Get("state") != "posted" {
		t.Errorf("%v", answer)
	}
	if got, _ := b.outcome(target.Query()); got != "page invalid_request_uri" {
		t.Errorf("a second time: %s", got)
	}
	if w := b.visit(formRequest("/authorize", params("two", callback)), b.Handler().ServeHTTP); w.Header().Get("Location") == "" {
		t.Errorf("a POST with the cookie: %d %s", w.Code, w.Body)
	} else if got, _ := outcomeOf(t, w); got != "code" {
		t.Errorf("a POST with the cookie: %s", got)
	}
	if got, _ := outcomeOf(t, h.do(formRequest("/authorize", params("alone", callback)))); got != "login" {
		t.Errorf("a client without sessions is sent round: %s", got)
	}
	if got, _ := outcomeOf(t, h.do(formRequest("/authorize", params("two", callback, "prompt", "login")))); got != "login" {
		t.Errorf("a request for a login is sent round: %s", got)
	}
}
