package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/audit"
	"brygga/audit/tree"
	"brygga/keys"
	"brygga/storage"
	"brygga/storage/bolt"
	"brygga/storage/storagetest"
	"brygga/web/api"
)

type harness struct {
	*testing.T
	server *httptest.Server
	admin  *admin.Service
	// accounts are those of operators.
	accounts *account.Accounts
	store    storage.Store
	tree     *tree.Tree
	key      string     // for everything
	address  netip.Addr // of who asks; zero for the peer
	now      time.Time
}

var root = admin.Command("root")

func newHarness(t *testing.T) *harness {
	t.Helper()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "brygga.db"), storagetest.NewSealer(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	h := &harness{T: t, store: store, now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return h.now }
	log, err := audit.New(audit.Options{Store: store, PseudonymKey: make([]byte, 32), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	h.accounts, err = account.New(account.Options{Store: store, Audit: log, Key: make([]byte, 32), Mail: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.New(t.Context(), keys.Options{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ring.Close() })
	proposed, err := tree.NewKey("test")
	if err != nil {
		t.Fatal(err)
	}
	key, err := tree.ReadKey(proposed)
	if err != nil {
		t.Fatal(err)
	}
	h.tree, err = tree.New(tree.Options{Store: store, Key: key, Now: func() time.Time { return h.now.Add(time.Minute) }})
	if err != nil {
		t.Fatal(err)
	}
	h.admin, err = admin.New(admin.Options{
		Registrars: map[string]admin.Registrar{"netid": {Register: func(_ context.Context, r admin.Registration) (admin.Registered, error) {
			return admin.Registered{Service: "NiAS", Version: "1", Name: r.Name, ID: "1"}, nil
		}}},
		Log: &testLog{}, Sinks: &testSinks{"archive": 7},
		Store: store, Audit: log, Accounts: h.accounts, Now: now, Keys: func(context.Context) (*keys.Ring, error) { return ring, nil },
		Tree: func(context.Context) (*tree.Tree, error) { return h.tree, nil },
		Health: func(context.Context) ([]admin.Detail, error) {
			return []admin.Detail{{Name: "version", Text: "devel"}}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := api.New(api.Options{Admin: h.admin, Now: now, Address: func(r *http.Request) netip.Addr {
		if h.address.IsValid() {
			return h.address
		}
		return netip.MustParseAddrPort(r.RemoteAddr).Addr()
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.server = httptest.NewServer(handler)
	t.Cleanup(h.server.Close)
	h.key = h.made(admin.NewAPIKey{Name: "all", Scopes: admin.Scopes()})
	return h
}

func (h *harness) made(n admin.NewAPIKey) string {
	h.Helper()
	_, value, err := h.admin.CreateAPIKey(h.Context(), root, n)
	if err != nil {
		h.Fatal(err)
	}
	return value.Reveal()
}

// reply is an answer with its body.
type reply struct {
	*http.Response
	text string
	body any
}

// ask sends a request with the key, "" for none, and headers as name and value.
func (h *harness) ask(key, method, path, body string, headers ...string) reply {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), method, h.server.URL+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		h.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := h.server.Client().Do(r)
	if err != nil {
		h.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		h.Fatal(err)
	}
	got := reply{Response: response, text: string(text)}
	if kind := response.Header.Get("Content-Type"); len(text) > 0 && !strings.Contains(kind, "json") || strings.Contains(kind, "jsonl") {
		got.body = got.text
	} else if len(text) > 0 {
		if err := json.Unmarshal(text, &got.body); err != nil {
			h.Fatalf("%s %s answers %d and no JSON: %s", method, path, response.StatusCode, text)
		}
	}
	if path != "/openapi.json" && method != http.MethodHead {
		if fault := h.checker().answer(response, got.text); fault != "" {
			h.Errorf("%s %s answers %d otherwise than the document says: %s: %s", method, path, response.StatusCode, fault, got.text)
		}
	}
	return got
}

// pointers returns where a problem says that something is wrong.
func (r reply) pointers() (all []string) {
	body, _ := r.body.(map[string]any)
	errors, _ := body["errors"].([]any)
	for _, one := range errors {
		if at, ok := one.(map[string]any)["pointer"].(string); ok {
			all = append(all, at)
		}
	}
	slices.Sort(all)
	return all
}

func (h *harness) want(r reply, status int) {
	h.Helper()
	if r.StatusCode != status {
		h.Errorf("%s %s answers %d, want %d: %s", r.Request.Method, r.Request.URL.Path, r.StatusCode, status, r.text)
	}
}

const app = `{"redirect_uris":["https://app.example.se/cb"],"webhook_uri":"https://app.example.se/hook"}`

// examples are valid requests for each operation of the document, and what they are prepared by; wrong is one that is refused with that status.
var examples = map[string]struct {
	path, body string
	match      string
	wrong      string
	status     int
}{
	"get_clients":                          {path: "/clients?search=app&disabled=false&limit=5", wrong: "/clients?limit=0", status: 422},
	"get_clients_id":                       {path: "/clients/app", wrong: "/clients/unknown", status: 404},
	"put_clients_id":                       {path: "/clients/new", body: app, wrong: "/clients/bad%20id", status: 422},
	"patch_clients_id":                     {path: "/clients/app", body: `{"name":"Another"}`, match: "*", wrong: "/clients/unknown", status: 404},
	"delete_clients_id":                    {path: "/clients/app", match: `"1"`, wrong: "/clients/unknown", status: 404},
	"get_clients_id_check":                 {path: "/clients/app/check", wrong: "/clients/unknown/check", status: 404},
	"get_clients_id_history":               {path: "/clients/app/history?limit=5", wrong: "/clients/app/history?cursor=x", status: 422},
	"get_clients_id_secrets":               {path: "/clients/app/secrets", wrong: "/clients/unknown/secrets", status: 404},
	"get_clients_id_holdings":              {path: "/clients/app/holdings", wrong: "/clients/unknown/holdings", status: 404},
	"post_clients_id_disable":              {path: "/clients/app/disable", body: `{"reason":"moves"}`, wrong: "/clients/unknown/disable", status: 404},
	"post_clients_id_enable":               {path: "/clients/app/enable", wrong: "/clients/unknown/enable", status: 404},
	"post_clients_id_webhook_secrets":      {path: "/clients/app/webhook-secrets", body: `{"keep":"1h"}`, wrong: "/clients/unknown/webhook-secrets", status: 404},
	"post_clients_id_secrets":              {path: "/clients/app/secrets", body: `{"keep":"1h"}`, wrong: "/clients/unknown/secrets", status: 404},
	"delete_clients_id_secrets_created":    {path: "/clients/app/secrets/2026-11-26T11:00:00Z", wrong: "/clients/app/secrets/yesterday", status: 404},
	"post_apply":                           {path: "/apply?dry_run=true&prune=true", body: `{"clients":[{"id":"app","redirect_uris":["https://app.example.se/cb"]}]}`, wrong: "/apply?dry_run=maybe", status: 422},
	"get_keys":                             {path: "/keys", wrong: "/keys?all=1", status: 422},
	"post_keys_rotate":                     {path: "/keys/rotate", body: `{"now":true}`, wrong: "/keys/rotate?now=1", status: 422},
	"get_audit_events":                     {path: "/audit/events?from=2026-01-01T00:00:00Z", wrong: "/audit/events?from=yesterday", status: 422},
	"get_audit_log":                        {path: "/audit/log?from=2026-01-01T00:00:00Z", wrong: "/audit/log?from=yesterday", status: 422},
	"get_audit_check":                      {path: "/audit/check", wrong: "/audit/check?x=1", status: 422},
	"get_audit_sinks":                      {path: "/audit/sinks", wrong: "/audit/sinks?x=1", status: 422},
	"delete_audit_sinks_name":              {path: "/audit/sinks/archive", wrong: "/audit/sinks/unknown", status: 404},
	"get_audit_checkpoint":                 {path: "/audit/checkpoint", wrong: "/audit/checkpoint?x=1", status: 422},
	"get_logins_reference":                 {path: "/logins/7QX4-2MKD", wrong: "/logins/nothing", status: 404},
	"get_logins_reference_proof":           {path: "/logins/7QX4-2MKD/proof", wrong: "/logins/nothing/proof", status: 404},
	"get_logins":                           {path: "/logins?outcome=failed&device=this&network=192.0.2.0/24&limit=5", wrong: "/logins?outcome=well&network=x", status: 422},
	"get_logins_reference_story":           {path: "/logins/7QX4-2MKD/story?language=sv", wrong: "/logins/7QX4-2MKD/story?language=fi", status: 422},
	"post_find_person":                     {path: "/find-person", body: `{"personal_number":"198001012395"}`, wrong: "/find-person?number=1", status: 422},
	"get_expiries":                         {path: "/expiries", wrong: "/expiries?x=1", status: 422},
	"post_eids_id_register":                {path: "/eids/netid/register", body: `{"name":"Region Prov","image":"iVBORw0KGgo="}`, wrong: "/eids/bankid/register", status: 404},
	"get_settings":                         {path: "/settings", wrong: "/settings?x=1", status: 422},
	"get_log":                              {path: "/log", wrong: "/log?x=1", status: 422},
	"put_log":                              {path: "/log", body: `{"level":"debug","for":"10m"}`, wrong: "/log?level=debug", status: 422},
	"get_banner":                           {path: "/banner", wrong: "/banner?x=1", status: 422},
	"put_banner":                           {path: "/banner", body: `{"sv":"Underhåll","to":"2027-01-01T00:00:00Z"}`, wrong: "/banner?x=1", status: 422},
	"delete_banner":                        {path: "/banner", wrong: "/banner?x=1", status: 422},
	"get_alarms":                           {path: "/alarms", wrong: "/alarms?x=1", status: 422},
	"put_alarms":                           {path: "/alarms", body: `{"recipients":[{"email":"kim@example.se","language":"sv","kinds":["disk"]}],"days":14}`, wrong: "/alarms?x=1", status: 422},
	"post_alarms_test":                     {path: "/alarms/test", wrong: "/alarms/test?x=1", status: 422},
	"get_figures":                          {path: "/figures?hours=48", wrong: "/figures?hours=0", status: 422},
	"get_statistics":                       {path: "/statistics?month=2026-11", wrong: "/statistics?month=13", status: 422},
	"get_audit_export":                     {path: "/audit/export?kind=ADM_&format=csv", wrong: "/audit/export?format=xml", status: 422},
	"get_evidence":                         {path: "/evidence?client_id=app&order_kind=sign&reference=7QX4-2MKD&from=2026-01-01T00:00:00Z&limit=5", wrong: "/evidence?order_kind=call&reference=x", status: 422},
	"get_evidence_id":                      {path: "/evidence/txn-1", wrong: "/evidence/unknown", status: 404},
	"get_evidence_id_file":                 {path: "/evidence/txn-1/file", wrong: "/evidence/unknown/file", status: 404},
	"post_evidence_id_erase":               {path: "/evidence/txn-1/erase", body: `{"reason":"the person has asked for it"}`, wrong: "/evidence/unknown/erase", status: 404},
	"get_operators":                        {path: "/operators", wrong: "/operators?x=1", status: 422},
	"post_operators":                       {path: "/operators", body: `{"user_name":"bo","email":"bo@example.se","roles":["admin"],"groups":["schools"]}`, wrong: "/operators?x=1", status: 422},
	"get_operators_id":                     {path: "/operators/o", wrong: "/operators/unknown", status: 404},
	"patch_operators_id":                   {path: "/operators/o", body: `{"name":"Bo","roles":["helpdesk"],"personal_number":"191212121212"}`, match: "*", wrong: "/operators/unknown", status: 404},
	"post_operators_id_invite":             {path: "/operators/o/invite", wrong: "/operators/unknown/invite", status: 404},
	"post_operators_id_unlock":             {path: "/operators/o/unlock", wrong: "/operators/unknown/unlock", status: 404},
	"get_operators_id_sessions":            {path: "/operators/o/sessions", wrong: "/operators/unknown/sessions", status: 404},
	"delete_operators_id_sessions":         {path: "/operators/o/sessions", wrong: "/operators/unknown/sessions", status: 404},
	"delete_operators_id_sessions_session": {path: "/operators/o/sessions/s", wrong: "/operators/unknown/sessions/s", status: 404},
	"delete_operators_id":                  {path: "/operators/o", wrong: "/operators/unknown", status: 404},
	"get_api_keys":                         {path: "/api-keys", wrong: "/api-keys?x=1", status: 422},
	"post_api_keys":                        {path: "/api-keys", body: `{"name":"CI","scopes":["clients:read"],"networks":["192.0.2.0/24"],"expires":"2027-01-01T00:00:00Z"}`, wrong: "/api-keys?x=1", status: 422},
	"post_api_keys_id_rotate":              {path: "/api-keys/KEY/rotate", body: `{}`, wrong: "/api-keys/unknown/rotate", status: 404},
	"delete_api_keys_id":                   {path: "/api-keys/KEY", wrong: "/api-keys/unknown", status: 404},
	"get_health":                           {path: "/health", wrong: "/health?x=1", status: 422},
}

// prepare stores what the examples are about.
func (h *harness) prepare() (keyID string) {
	h.Helper()
	now := h.now
	h.now = now.Add(-time.Hour)
	h.want(h.ask(h.key, "PUT", "/clients/app", app), 201)
	h.now = now
	reference, err := storage.ParseReference("7QX4-2MKD")
	h.ok(err)
	h.ok(h.store.AppendAudit(h.Context(), storage.AuditEvent{ID: "e", Time: reference.Begun(h.now).Add(time.Second), Type: "WEB_100001", Reference: reference,
		Fields: map[string]string{"IDENTIFIER": "l", "CLIENT_ID": "app"}, Expires: h.now.Add(time.Hour)}))
	_, err = h.store.StepOperator(h.Context(), storage.CreateOperator{Operator: storage.Operator{ID: "o", NameHandle: storage.Hash{1}, Language: "sv", Roles: []storage.Role{storage.RoleAdmin}}}, h.now)
	h.ok(err)
	h.keep("txn-1", "app")
	all, err := h.admin.APIKeys(h.Context(), root)
	h.ok(err)
	return all[0].ID
}

func (h *harness) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// grow makes leaves of the events.
func (h *harness) grow() {
	h.Helper()
	_, err := h.tree.Grow(h.Context())
	h.ok(err)
}

func TestPreconditions(t *testing.T) {
	h := newHarness(t)
	first := h.ask(h.key, "PUT", "/clients/app", app)
	h.want(first, 201)
	if first.Header.Get("ETag") != `"1"` || first.body.(map[string]any)["client_secret"] == nil {
		t.Errorf("tag %q, %s", first.Header.Get("ETag"), first.text)
	}
	again := h.ask(h.key, "PUT", "/clients/app", app)
	h.want(again, 200)
	if again.body.(map[string]any)["action"] != "unchanged" {
		t.Errorf("the same again: %s", again.text)
	}
	other := `{"redirect_uris":["https://app.example.se/cb"],"name":"Another"}`
	h.want(h.ask(h.key, "PUT", "/clients/app", other), 428)
	h.want(h.ask(h.key, "PATCH", "/clients/app", `{"name":"Another"}`), 428)
	h.want(h.ask(h.key, "DELETE", "/clients/app", ""), 428)
	h.want(h.ask(h.key, "PUT", "/clients/app", other, "If-None-Match", "*"), 412)
	h.want(h.ask(h.key, "PUT", "/clients/new", other, "If-Match", "*"), 412)
	for _, tag := range []string{`"2"`, `"0"`, `W/"1"`, "1", `"1`, `"-1"`, `"99999999999999999999"`} {
		h.want(h.ask(h.key, "PUT", "/clients/app", other, "If-Match", tag), 412)
		h.want(h.ask(h.key, "DELETE", "/clients/app", "", "If-Match", tag), 412)
	}
	h.want(h.ask(h.key, "PUT", "/clients/app", other, "If-Match", `"1"`), 200)
	h.want(h.ask(h.key, "PUT", "/clients/app", app, "If-Match", `"1"`), 412)
	read := h.ask(h.key, "GET", "/clients/app", "")
	if read.Header.Get("ETag") != `"2"` {
		t.Errorf("tag %q", read.Header.Get("ETag"))
	}
	// What was read can be sent back as it is.
	back := h.ask(h.key, "PUT", "/clients/app", read.text, "If-Match", `"2"`)
	if h.want(back, 200); back.body.(map[string]any)["action"] != "unchanged" {
		t.Errorf("what was read is a change: %s", back.text)
	}
}

func TestDryRunMakesNoSecret(t *testing.T) {
	h := newHarness(t)
	r := h.ask(h.key, "PUT", "/clients/app?dry_run=true", app)
	if h.want(r, 200); r.body.(map[string]any)["client_secret"] != nil {
		t.Errorf("a secret that works nowhere: %s", r.text)
	}
	h.want(h.ask(h.key, "GET", "/clients/app", ""), 404)
}

// TestPointers: a problem leads to each member that is wrong.
func TestPointers(t *testing.T) {
	h := newHarness(t)
	for body, want := range map[string][]string{
		`{"redirect_uri":["x"],"name":1,"scopes":"profile"}`:                                        {"/name", "/redirect_uri", "/scopes"},
		`{"redirect_uris":["https://*.example.se/"],"scopes":["profil"],"id_token_alg":"none"}`:     {"/id_token_alg", "/redirect_uris/0", "/scopes/0"},
		`{"redirect_uris":["https://app.example.se/cb","javascript:alert(1)"]}`:                     {"/redirect_uris/1"},
		`{"redirect_uris":["https://app.example.se/cb"],"groups":{"a/b,~c":"everybody"}}`:           {"/groups/a~1b,~0c"},
		`{"redirect_uris":["https://app.example.se/cb"],"policy":{"minimum_age":-1}}`:               {"/policy/minimum_age"},
		`{"policy":{"Minimum_Age":18,"visible_text":"x","minimum_age":"18"},"a/b.c":1,"name~":"x"}`: {"/a~1b.c", "/name~0", "/policy/Minimum_Age", "/policy/minimum_age", "/policy/visible_text"},
		`{"redirect_uris":["https://app.example.se/cb"],"policy":{"nothing":1}}`:                    {"/policy/nothing"},
	} {
		r := h.ask(h.key, "PUT", "/clients/app", body)
		if h.want(r, 422); !slices.Equal(r.pointers(), want) {
			t.Errorf("%s: wrong are %v: %s", body, r.pointers(), r.text)
		}
	}
	r := h.ask(h.key, "POST", "/apply", `{"clients":[{"id":"a","redirect_uris":["https://a.example.se/"]},{"id":"b"},{"redirect_uris":[]}]}`)
	if h.want(r, 422); !slices.Equal(r.pointers(), []string{"/clients/2/id"}) {
		t.Errorf("wrong are %v", r.pointers())
	}
	r = h.ask(h.key, "POST", "/apply", `{"clients":[{"id":"a","redirect_uris":["https://a.example.se/"]},{"id":"b"}],"remove":["c"]}`)
	if h.want(r, 422); !slices.Equal(r.pointers(), []string{"/clients/1/redirect_uris", "/remove/0"}) {
		t.Errorf("wrong are %v", r.pointers())
	}
	h.want(h.ask(h.key, "GET", "/clients/a", ""), 404)
}

func TestPages(t *testing.T) {
	h := newHarness(t)
	h.want(h.ask(h.key, "POST", "/apply", `{"clients":[{"id":"a","redirect_uris":["https://a.example.se/"]},{"id":"b","redirect_uris":["https://a.example.se/"]},{"id":"c","redirect_uris":["https://a.example.se/"]}]}`), 200)
	for path, field := range map[string]string{"/clients?limit=2": "id", "/audit/events?limit=2": "id"} {
		seen := map[any]bool{}
		for next := ""; ; {
			r := h.ask(h.key, "GET", path+"&cursor="+next, "")
			if h.want(r, 200); r.StatusCode != 200 {
				break
			}
			body := r.body.(map[string]any)
			for _, item := range body["items"].([]any) {
				id := item.(map[string]any)[field]
				if seen[id] {
					t.Errorf("%s shows %v twice", path, id)
				}
				seen[id] = true
			}
			more, ok := body["next"].(string)
			if !ok {
				break
			}
			next = more
		}
		if len(seen) < 3 {
			t.Errorf("%s shows %d", path, len(seen))
		}
	}
	h.want(h.ask(h.key, "GET", "/audit/events?cursor=eA", ""), 422)
	h.want(h.ask(h.key, "GET", "/clients?cursor=%25", ""), 422)
}

func TestKeyInHeader(t *testing.T) {
	h := newHarness(t)
	h.want(h.ask("", "GET", "/clients", "", "X-API-Key", h.key), 200)
	h.want(h.ask("", "GET", "/clients", "", "Cookie", "key="+h.key), 401)
	r := h.ask("", "GET", "/clients", "")
	if r.Header.Get("WWW-Authenticate") == "" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", r.Header)
	}
}

func TestGuessingEnds(t *testing.T) {
	h := newHarness(t)
	var last reply
	h.address = netip.MustParseAddr("2001:db8::1")
	for range 40 {
		h.address = h.address.Next() // of the same network
		last = h.ask("brygga_a_b", "GET", "/clients", "")
	}
	h.want(last, 429)
	h.now = h.now.Add(time.Minute)
	h.want(h.ask(h.key, "GET", "/clients", ""), 200)
}

// testLog is a log whose level can be set.
type testLog struct{ level admin.LogLevel }

func (l *testLog) LogLevel() admin.LogLevel { return l.level }

func (l *testLog) SetLogLevel(level string, until time.Time) admin.LogLevel {
	before := l.level
	l.level = admin.LogLevel{Level: level, Configured: "info", Until: until}
	return before
}

// testSinks are sinks of before, with how many events each is behind.
type testSinks map[string]int64

func (s *testSinks) Sinks(context.Context) (all []admin.Sink, err error) {
	for name, behind := range *s {
		all = append(all, admin.Sink{Name: name, Kind: admin.RemovedSink, Behind: behind})
	}
	return all, nil
}

func (s *testSinks) ForgetSink(_ context.Context, name string) error {
	if _, known := (*s)[name]; !known {
		return storage.ErrNotFound
	}
	delete(*s, name)
	return nil
}
