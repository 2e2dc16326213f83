package netidsim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func newSimulator(t *testing.T, o Options) (*Simulator, *httptest.Server) {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Service())
	t.Cleanup(server.Close)
	return s, server
}

// send posts a message and returns the status and the body of the answer.
func send(t *testing.T, server *httptest.Server, contentType, action, message string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+ServicePath, strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	if action != "" {
		r.Header.Set("SOAPAction", action)
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func message(space, content string) string {
	return fmt.Sprintf(`<e:Envelope xmlns:e="%s" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Header/><e:Body>%s</e:Body></e:Envelope>`, space, content)
}

const begin = `<n:Authenticate xmlns:n="http://netid.secmaker.com/nias/"><n:personalNumber>199001012385</n:personalNumber><n:userNonVisibleData>x</n:userNonVisibleData></n:Authenticate>`

func TestDialects(t *testing.T) {
	const text, action = "text/xml; charset=utf-8", `"http://netid.secmaker.com/nias/Authenticate"`
	for name, c := range map[string]struct {
		kind, action, space, content string
		taken                        bool
	}{
		"SOAP 1.1":                      {text, action, namespace11, begin, true},
		"an action without quotes":      {text, strings.Trim(action, `"`), namespace11, begin, true},
		"SOAP 1.2":                      {`application/soap+xml; charset=utf-8; action=` + action, "", namespace12, begin, true},
		"SOAP 1.2 without an action":    {"application/soap+xml", "", namespace12, begin, true},
		"nobody, by nil":                {text, action, namespace11, strings.Replace(begin, "<n:personalNumber>199001012385</n:personalNumber>", `<n:personalNumber xsi:nil="true"/>`, 1), true},
		"nobody, by nothing":            {text, action, namespace11, strings.Replace(begin, "199001012385", "", 1), true},
		"no personalNumber":             {text, action, namespace11, strings.Replace(begin, "<n:personalNumber>199001012385</n:personalNumber>", "", 1), false},
		"no action":                     {text, "", namespace11, begin, false},
		"another action":                {text, `"http://netid.secmaker.com/nias/Sign"`, namespace11, begin, false},
		"another namespace":             {text, action, namespace11, strings.Replace(begin, "nias/", "nias", 1), false},
		"elements without a namespace":  {text, action, namespace11, strings.ReplaceAll(begin, "n:userNonVisibleData", "userNonVisibleData"), false},
		"the other version's envelope":  {text, action, namespace12, begin, false},
		"another kind of message":       {"application/json", action, namespace11, begin, false},
		"two calls":                     {text, action, namespace11, begin + begin, false},
		"an element of its own":         {text, action, namespace11, strings.Replace(begin, "</n:Authenticate>", "<n:more/></n:Authenticate>", 1), false},
		"elements in the wrong order":   {text, action, namespace11, strings.Replace(begin, "</n:Authenticate>", "<n:personalNumber/></n:Authenticate>", 1), false},
		"no such call":                  {text, `"http://netid.secmaker.com/nias/Cancel"`, namespace11, strings.ReplaceAll(begin, "n:Authenticate", "n:Cancel"), false},
		"text that is no XML":           {text, action, namespace11, "<", false},
		"an identifier that is unknown": {text, action, namespace11, strings.Replace(begin, "199001012385", "1", 1), false},
	} {
		_, server := newSimulator(t, Options{})
		status, body := send(t, server, c.kind, c.action, message(c.space, c.content))
		if taken := status == http.StatusOK && strings.Contains(body, "<AuthenticateResult>"); taken != c.taken || !taken && !strings.Contains(body, "Fault>") {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

func older() *Settings {
	set := DefaultSettings()
	set.Version = 1
	return &set
}

func TestOlderVersion(t *testing.T) {
	_, server := newSimulator(t, Options{Settings: older()})
	const action = `"http://netid.secmaker.com/nias/Authenticate"`
	without := strings.Replace(begin, "<n:personalNumber>199001012385</n:personalNumber>", "", 1)
	if status, body := send(t, server, "text/xml", action, message(namespace11, without)); status != http.StatusOK {
		t.Errorf("without personalNumber: %d %s", status, body)
	}
	with := strings.Replace(begin, "</n:Authenticate>", "<n:options>a</n:options></n:Authenticate>", 1)
	if status, _ := send(t, server, "text/xml", action, message(namespace11, with)); status == http.StatusOK {
		t.Error("the older version took options")
	}
}

func TestWSDLIsServed(t *testing.T) {
	for version, tells := range map[int]string{1: "nivResponse", 2: "validatorResponse"} {
		set := DefaultSettings()
		set.Version = version
		_, server := newSimulator(t, Options{Settings: &set})
		answer, err := server.Client().Get(server.URL + ServicePath + "?WSDL")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || !strings.Contains(string(text), tells) || strings.Contains(string(text), "options") != (version == 2) ||
			!strings.Contains(string(text), `location="`+server.URL+ServicePath+`"`) {
			t.Errorf("version %d: %v %s", version, err, text)
		}
	}
}

// asApp is the control API as a script meets it.
type asApp struct {
	*testing.T
	server *httptest.Server
}

func (a asApp) call(method, path, in string, out any) int {
	a.Helper()
	r, err := http.NewRequestWithContext(a.Context(), method, a.server.URL+path, strings.NewReader(in))
	if err != nil {
		a.Fatal(err)
	}
	answer, err := a.server.Client().Do(r)
	if err != nil {
		a.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(out); err != nil {
		a.Fatal(err)
	}
	return answer.StatusCode
}

func TestControlAPI(t *testing.T) {
	s, server := newSimulator(t, Options{})
	app := httptest.NewServer(s.App())
	t.Cleanup(app.Close)
	a := asApp{t, app}
	if status, body := send(t, server, "text/xml", `"http://netid.secmaker.com/nias/Authenticate"`, message(namespace11, begin)); status != http.StatusOK {
		t.Fatal(body)
	}
	var list []Order
	if a.call("GET", "/api/orders", "", &list); len(list) != 1 || list[0].UserID != "199001012385" || list[0].Caller != dummy || list[0].SecondsLeft < 170 {
		t.Fatalf("orders are %+v", list)
	}
	path := "/api/orders/" + list[0].OrderRef
	var order Order
	var refusal Refusal
	for _, step := range []struct {
		path, in string
		status   int
		code     string
	}{
		{"/sign", "", 409, ""}, {"/open", `{"userId":"198507309865"}`, 409, ""}, {"/open", `{"userId":"nobody"}`, 404, ""}, {"/status", `{"status":"COMPLETE"}`, 400, ""},
		{"/open", `{"userId":"199001012385","more":1}`, 400, ""}, {"/open", `{"userId":"199001012385"}`, 200, "USER_SIGN"}, {"/status", `{"status":"NO_CLIENT"}`, 200, "NO_CLIENT"},
		{"/sign", "", 200, "COMPLETE"}, {"/cancel", "", 409, ""},
	} {
		var into any = &refusal
		if step.status == 200 {
			into = &order
		}
		if got := a.call("POST", path+step.path, step.in, into); got != step.status || step.status == 200 && order.Status != step.code {
			t.Errorf("%s %s: %d %s", step.path, step.in, got, order.Status)
		}
	}
	if got := a.call("DELETE", path, "", &struct{}{}); got != 200 {
		t.Errorf("forgotten: %d", got)
	}
	if got := a.call("GET", path, "", &refusal); got != 404 {
		t.Errorf("after it was forgotten: %d", got)
	}
	a.rest()
}

// rest has the calls that are about no order.
func (a asApp) rest() {
	a.Helper()
	var refusal Refusal
	var user User
	if got := a.call("POST", "/api/users", `{"id":"E-17","givenName":"Nya","surname":"Namn"}`, &user); got != 200 || user.ID != "E-17" {
		a.Errorf("added: %d", got)
	}
	if got := a.call("POST", "/api/users", `{"id":"e-17","givenName":"Nya","surname":"Namn"}`, &refusal); got != 409 {
		a.Errorf("added twice: %d", got)
	}
	if got := a.call("POST", "/api/users/E-17/script", `{"statuses":["USER_SIGN"]}`, &scriptBody{}); got != 200 {
		a.Errorf("script: %d", got)
	}
	var chaos Chaos
	if got := a.call("POST", "/api/chaos", `{"faults":2,"attacks":["revoked"]}`, &chaos); got != 200 || chaos.Faults != 2 {
		a.Errorf("chaos: %d", got)
	}
	if got := a.call("POST", "/api/chaos", `{"reset":true}`, &chaos); got != 200 || chaos.Faults != 0 {
		a.Errorf("chaos ended: %d", got)
	}
	for _, wrong := range []string{`{"attacks":["none"]}`, `{"hang":-2}`, `{"latencyMs":-1}`, `{"operation":"Cancel"}`} {
		if got := a.call("POST", "/api/chaos", wrong, &refusal); got != 400 {
			a.Errorf("%s: %d", wrong, got)
		}
	}
	var set Settings
	if got := a.call("POST", "/api/settings", `{"busy":"block","blockSeconds":60}`, &set); got != 200 || set.Busy != BusyBlocked || set.Version != 2 {
		a.Errorf("settings: %d %+v", got, set)
	}
	for _, wrong := range []string{`{"busy":"wait"}`, `{"version":3}`, `{"orderSeconds":0}`, `{"blockSeconds":-1}`, `{"wsdl":1}`} {
		if got := a.call("POST", "/api/settings", wrong, &refusal); got != 400 {
			a.Errorf("%s: %d", wrong, got)
		}
	}
	var before, after clockBody
	a.call("GET", "/api/clock", "", &before)
	if got := a.call("POST", "/api/clock", `{"advance":"1h"}`, &after); got != 200 || after.Now.Sub(before.Now) < time.Hour {
		a.Errorf("clock: %d", got)
	}
	if got := a.call("POST", "/api/clock", `{"advance":"-1h"}`, &refusal); got != 400 {
		a.Errorf("clock back: %d", got)
	}
}

// TestSameDeviceOrderWantsItsToken shows that nobody's order is opened by knowing a person.
func TestSameDeviceOrderWantsItsToken(t *testing.T) {
	s, server := newSimulator(t, Options{})
	nobody := strings.Replace(begin, "199001012385", "", 1)
	if status, body := send(t, server, "text/xml", `"http://netid.secmaker.com/nias/Authenticate"`, message(namespace11, nobody)); status != http.StatusOK {
		t.Fatal(body)
	}
	order := s.Orders()[0]
	if _, err := s.Open("another", "199001012385"); err == nil || !order.SameDevice {
		t.Error("an order was opened without its token")
	}
	if o, err := s.Open(order.OrderRef, "199001012385"); err != nil || o.Holder != "199001012385" {
		t.Errorf("opened with it: %v", err)
	}
}

func TestPageIsOfThePeoplesOwn(t *testing.T) {
	s, _ := newSimulator(t, Options{StyleSheet: []byte("/* theirs */")})
	for path, want := range map[string]string{
		"/?autostarttoken=x&redirect=null": "Virtual card app", "/assets/app.css": "/* theirs */", "/assets/app.js": "autostarttoken", "/favicon.ico": "<svg",
		"/certificates/issuer.pem": "BEGIN CERTIFICATE", "/certificates/client-key.pem": "PRIVATE KEY",
	} {
		w := httptest.NewRecorder()
		s.App().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) || w.Header().Get("Content-Security-Policy") != appPolicy {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	r := httptest.NewRequest("POST", "/api/chaos", strings.NewReader(`{"reset":true}`))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	s.App().ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("another origin's page changed something: %d", w.Code)
	}
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"no settings": {Settings: &Settings{}}, "nobody": {Users: []User{{}}},
		"the same twice": {Users: []User{{ID: "1", Surname: "a"}, {ID: "1", Surname: "b"}}}, "chaos": {Chaos: &Chaos{Hang: -2}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	users, err := ReadUsers(strings.NewReader(`[{"id":"1","givenName":"A","surname":"B"}]`))
	if err != nil || len(users) != 1 {
		t.Errorf("users: %v", err)
	}
	if _, err := ReadUsers(strings.NewReader(`[{"pin":"1"}]`)); err == nil {
		t.Error("an unknown member was taken")
	}
}
