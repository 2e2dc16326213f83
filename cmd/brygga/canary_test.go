package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"brygga/admin"
	"brygga/audit"
	"brygga/bankid/bankidsim"
	"brygga/cmd/brygga/config"
	"brygga/secret"
	"brygga/storage"
	"brygga/web"
	"brygga/web/api"
)

// syncBuffer is a buffer that many goroutines may write to.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// canaries collects what must never be seen outside of its one destination.
type canaries map[string]string

func (c canaries) add(what string, values ...string) {
	for _, v := range values {
		if len(v) >= 5 {
			c[v] = what
		}
	}
}

func (c canaries) search(t *testing.T, where, text string) {
	t.Helper()
	if text == "" {
		t.Errorf("%s is empty: nothing was searched", where)
	}
	for value, what := range c {
		for _, form := range []string{value, url.QueryEscape(value), strings.ReplaceAll(value, "/", `\/`)} {
			if strings.Contains(text, form) {
				t.Errorf("%s shows a %s: %s", where, what, around(text, form))
				break
			}
		}
	}
}

func around(text, found string) string {
	at := strings.Index(text, found)
	return strings.ReplaceAll(text[max(0, at-120):min(len(text), at+len(found)+60)], "\n", "⏎")
}

// spy sits between visitor and servers and notes the secrets that pass.
type spy struct {
	next  http.RoundTripper
	found canaries
}

func (s *spy) RoundTrip(r *http.Request) (*http.Response, error) {
	s.query(r.URL)
	response, err := s.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	for _, cookie := range response.Cookies() {
		if !strings.HasSuffix(cookie.Name, "-choice") && !strings.HasSuffix(cookie.Name, "-lang") { // words, and no secrets
			s.found.add("cookie", cookie.Value)
		}
	}
	if location, err := response.Location(); err == nil {
		s.query(location)
	}
	return response, nil
}

func (s *spy) query(u *url.URL) {
	q := u.Query()
	s.found.add("code", q.Get("code"))
	s.found.add("return nonce", q.Get("n"))
	s.found.add("state", q.Get("state"))
	s.found.add("nonce", q.Get("nonce"))
	s.found.add("code verifier or challenge", q.Get("code_challenge"))
}

// TestCanary runs whole flows at debug level, and then searches every log line, metric, error page and audit event for what
// must not be there.
func TestCanary(t *testing.T) {
	t.Parallel()
	var out syncBuffer
	log := slog.New(web.WithRequestID(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	old := slog.Default()
	slog.SetDefault(log) // libraries log there
	defer slog.SetDefault(old)
	d := newDev(t, func(o *devOptions) { o.log, o.chaos = log, bankidsim.MildChaos() })
	found := canaries{}
	pages := canaryFlows(t, d, found)

	for _, p := range d.sim.People() {
		if p.PersonalNumber == person {
			found.add("name", p.Name(), p.GivenName, p.Surname)
		}
	}
	found.add("personal number", person, person[2:8]+"-"+person[8:], person[:8]+"-"+person[8:])
	for _, o := range d.sim.Orders("") {
		found.add("order reference", o.OrderRef)
		found.add("autostart token", o.AutoStartToken)
	}
	found.add("client secret", "demo-secret")
	found.add("master key", d.server.config.MasterKey.Reveal())
	if len(found) < 20 {
		t.Fatalf("only %d canaries: the flows brought too little", len(found))
	}
	// What an app calls the person stands in the event of the login, in the field for that, and nowhere else.
	found.search(t, "the log", regexp.MustCompile(`("event":"WEB_10000[25]"[^\n]*)"sub":"[^"]*",`).ReplaceAllString(out.String(), "$1"))
	found.search(t, "an error page", pages)
	found.search(t, "/metrics", fetch(t, d.AdminURL+"/metrics"))
	found.search(t, "the goroutine profile", fetch(t, d.AdminURL+"/debug/pprof/goroutine?debug=2"))
	events := ""
	audited, err := d.server.store.AuditEvents(t.Context(), d.server.now().Add(-1<<40), d.server.now().Add(1<<40), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range audited {
		for name, value := range e.Fields {
			if name != "SUB" {
				events += name + "=" + value + " "
			}
		}
	}
	found.search(t, "the audit log", events)
	checkDeclared(t, audited)
	found.add("address", "127.0.0.1")
	found.add("pseudonym of a person", d.server.audit.Pseudonym(secret.New(person)))
	found.search(t, "the messages of hooks", outlines(t, audited))
	for _, want := range []string{"WEB_100001", "WEB_100002", "WEB_100003", "WEB_100004", "ready"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log lacks %s: the flows did not reach it", want)
		}
	}
}

// keepLogins has what proves logins kept, for the clients to fetch.
func keepLogins(t *testing.T, d *devInstance) {
	t.Helper()
	operations, err := d.server.operator().administration(func(*admin.Options) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{demoClient, demoPublicClient} {
		_, err := operations.UpdateClient(t.Context(), admin.Command("root"), id, admin.Demand{}, func(c *storage.Client) error {
			c.Evidence, c.FetchEvidence = storage.EvidenceAll, !c.Public()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// handOutEvidence has the evidence of the last login exported over the API, fetched by the app if it is the app's, and erased.
func handOutEvidence(t *testing.T, d *devInstance, v *visitor, found canaries) {
	t.Helper()
	operations, err := d.server.operator().administration(func(*admin.Options) {})
	if err != nil {
		t.Fatal(err)
	}
	all, err := operations.Evidence(t.Context(), admin.Command("root"), admin.EvidenceFilter{Limit: 1})
	if err != nil || len(all.Records) != 1 {
		t.Fatalf("evidence is %+v, %v", all, err)
	}
	_, key, err := operations.CreateAPIKey(t.Context(), admin.Command("root"), admin.NewAPIKey{Name: "canary", Scopes: []string{"evidence:export", "evidence:write"}})
	if err != nil {
		t.Fatal(err)
	}
	remote, err := api.NewRemote(api.RemoteOptions{Server: d.AdminURL, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	id := all.Records[0].ID
	f, err := remote.ExportEvidence(t.Context(), id)
	if err != nil || f.Record.Person.PersonalNumber.Reveal() != person {
		t.Fatalf("exported is %v, %v", f, err)
	}
	found.add("API key", key.Reveal())
	trusting, err := d.server.operator().administration(func(o *admin.Options) { o.Anchors = d.server.anchors })
	if err != nil {
		t.Fatal(err)
	}
	if _, report, err := trusting.ReadEvidence(t.Context(), admin.Command("root"), id); err != nil || !report.OK || !report.Statements[0].Proven {
		t.Errorf("the console would say %+v, %v", report, err)
	}
	found.add("signature", f.Record.Signature.Reveal()[:60])
	var token struct {
		AccessToken string `json:"access_token"`
	}
	answer := v.post(d.Issuer+"/token", "grant_type", "client_credentials", "scope", "evidence", "client_id", demoClient, "client_secret", "demo-secret")
	if err := json.Unmarshal([]byte(answer.body), &token); err != nil || token.AccessToken == "" {
		t.Fatalf("%v: %s", err, answer.body)
	}
	found.add("access token", token.AccessToken)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.Issuer+"/evidence/"+id, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	fetched, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer fetched.Body.Close()
	if want := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[all.Records[0].ClientID == demoClient]; fetched.StatusCode != want {
		t.Errorf("the app is answered with %d, want %d", fetched.StatusCode, want)
	}
	if _, err := remote.EraseEvidence(t.Context(), id, "a canary"); err != nil {
		t.Error(err)
	}
}

// checkDeclared holds events to what the catalogue says of their fields.
func checkDeclared(t *testing.T, events []storage.AuditEvent) {
	t.Helper()
	for _, e := range events {
		i := slices.IndexFunc(audit.Catalogue(), func(entry audit.Entry) bool { return string(entry.Type) == e.Type })
		for name := range e.Fields {
			if i < 0 || !audit.Catalogue()[i].Has(name) {
				t.Errorf("%s has the field %s, of which the catalogue does not know", e.Type, name)
			}
		}
	}
}

// outlines returns what hooks tell of the events.
func outlines(t *testing.T, events []storage.AuditEvent) string {
	t.Helper()
	var all strings.Builder
	for _, e := range events {
		if audit.HookOf(audit.Type(e.Type)) == "" {
			continue
		}
		if err := json.NewEncoder(&all).Encode(audit.OutlineOf(&e)); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

// canaryFlows runs a login by QR code, one on the same device, a cancelled one, a failed one, and requests that are refused.
// It returns the error pages together.
func canaryFlows(t *testing.T, d *devInstance, found canaries) (pages string) {
	visitor := func(agent string) *visitor {
		v := newVisitor(t, d, agent)
		v.client.Transport = &spy{v.client.Transport, found}
		return v
	}
	keepLogins(t, d)
	v := visitor(computerAgent)
	shown := loginByQR(v)
	handOutEvidence(t, d, v, found)
	got := claims(t, shown)
	for _, name := range []string{"sub", "nonce"} {
		value, _ := got[name].(string)
		found.add(name, value)
	}
	for _, part := range strings.Split(shown.body, `"`) {
		if strings.HasPrefix(part, "eyJ") {
			found.add("ID token", part, strings.Split(part, ".")[1], strings.Split(part, ".")[2])
		}
	}

	phone := visitor(phoneAgent)
	login := phone.begin("")
	phone.post(login+"/start", "device", "this")
	link := phone.launch(login)
	order := phone.phone("open", map[string]string{"url": link, "personalNumber": person})
	phone.await(login, "confirm")
	order = phone.phone("orders/"+order.OrderRef+"/sign", nil)
	phone.get(*order.ReturnURL)
	phone.await(login, "complete")
	claims(t, phone.post(login+"/done"))

	cancelled := visitor(computerAgent)
	login = cancelled.begin("")
	cancelled.post(login+"/start", "device", "other")
	frame := cancelled.frame(login)
	found.add("QR frame", frame)
	found.add("QR token or code", strings.Split(frame, ".")[1], strings.Split(frame, ".")[3])
	pages += cancelled.post(login + "/cancel").body

	failed := visitor(computerAgent)
	login = failed.begin("")
	failed.post(login+"/start", "device", "other")
	order = failed.phone("scan", map[string]string{"qr": failed.frame(login), "personalNumber": person})
	failed.phone("orders/"+order.OrderRef+"/fail", map[string]string{"hintCode": "certificateErr"})
	failed.await(login, "failed-certificateErr")
	pages += failed.get(login).body

	caller := visitor(computerAgent)
	call := caller.ask(person, "binding_message", "canary-binding")
	_, proof, _ := strings.Cut(call.AuthReqID, ".")
	found.add("auth_req_id", proof)
	found.add("message", "canary-binding")
	order = caller.rings(person)
	caller.phone("open", map[string]string{"orderRef": order.OrderRef, "personalNumber": person})
	caller.phone("orders/"+order.OrderRef+"/confirm", nil)
	caller.phone("orders/"+order.OrderRef+"/sign", nil)
	got = caller.ended(call)
	for _, name := range []string{"access_token", "id_token"} {
		token, _ := got[name].(string)
		found.add(name, token)
	}
	for _, wrong := range []string{"login_hint", "scope", "call_initiator", "requested_expiry", "acr_values", "claims"} { // as if one had taken the place of another
		pages += caller.post(d.Issuer+"/bc-authorize", "client_id", "demo", "client_secret", "demo-secret", "scope", "openid", wrong, person).body
	}

	// Refused: another browser, a wrong return nonce, an unknown client, a replayed code, a token that is none.
	stranger := visitor(computerAgent)
	pages += stranger.get(login).body
	pages += stranger.get(login + "/return?n=canary-nonce").body
	found.add("return nonce", "canary-nonce")
	pages += stranger.get(d.Issuer + "/authorize?client_id=nobody&redirect_uri=https://x.example/&state=canary-state&login_hint=" + person).body
	found.add("state", "canary-state")
	for code, what := range found {
		if what == "code" {
			pages += stranger.post(d.Issuer+"/token", "grant_type", "authorization_code", "code", code, "redirect_uri", d.DemoURL+"/callback",
				"client_id", "demo-public", "code_verifier", strings.Repeat("v", 43)).body
		}
	}
	pages += stranger.get(d.Issuer + "/userinfo?access_token=canary-token").body
	found.add("token", "canary-token")
	return pages
}

// TestRefusalHasReference: the reference on the page of a refused request leads to the log line that says why.
func TestRefusalHasReference(t *testing.T) {
	t.Parallel()
	var out syncBuffer
	log := slog.New(web.WithRequestID(slog.NewJSONHandler(&out, nil)))
	d := newDev(t, func(o *devOptions) { o.log = log })
	for _, path := range []string{
		"/authorize?client_id=nobody&redirect_uri=https://x.example/", "/authorize?client_id=demo&redirect_uri=https://evil.example/cb",
		"/logout?client_id=demo&post_logout_redirect_uri=https://evil.example/bye", "/logout?id_token_hint=x&post_logout_redirect_uri=https://evil.example/bye",
	} {
		page := newVisitor(t, d, computerAgent).get(d.Issuer + path).body
		reference := regexp.MustCompile(`[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}`).FindString(page)
		found := 0
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, `"request refused"`) && strings.Contains(line, `"request_id":"`+reference+`"`) {
				found++
			}
		}
		if reference == "" || found != 1 {
			t.Errorf("%s: %d lines of reference %q", path, found, reference)
		}
	}
}

// TestLogLinesHaveEachFieldOnce: programs that read JSON may refuse a line with a member twice, or take either.
func TestLogLinesHaveEachFieldOnce(t *testing.T) {
	t.Parallel()
	var out syncBuffer
	d := newDev(t, func(o *devOptions) { o.log = newLogs(&host{err: &out}, config.Log{Level: "debug", Format: "json"}).log })
	newVisitor(t, d, computerAgent).get(d.Issuer + "/authorize?client_id=nobody")
	for line := range strings.Lines(out.String()) {
		seen := map[string]bool{}
		for _, member := range regexp.MustCompile(`[{,]"([a-z_.]+)":`).FindAllStringSubmatch(line, -1) {
			if seen[member[1]] {
				t.Errorf("%s stands twice in %s", member[1], line)
			}
			seen[member[1]] = true
		}
	}
	if !strings.Contains(out.String(), `"msg":"request"`) {
		t.Error("the request was not logged")
	}
}

func fetch(t *testing.T, address string) string {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s = %d, %v", address, response.StatusCode, err)
	}
	return string(text)
}
