package web_test

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"brygga/audit"
	"brygga/eid"
	"brygga/login"
	"brygga/netid"
	"brygga/netid/netidlogin"
	"brygga/netid/netidsim"
	"brygga/storage"
	"brygga/web"
	"brygga/web/netiddialect"
)

const astrid = "199001012385"

// spoken is what a page of the older product is told.
type spoken struct {
	Status, NiasStatus, AuthRef, LaunchURL, Location string
	Error                                            string
	code                                             int
}

// newNetID returns the method of Net iD Access against a simulator.
func newNetID(t *testing.T, change func(*netid.Options)) (eid.Method, *netidsim.Simulator) {
	t.Helper()
	sim, err := netidsim.New(netidsim.Options{})
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := sim.Server()
	go server.ServeTLS(listener, "", "")
	t.Cleanup(func() { server.Close() })
	o := netid.Options{
		URL: "https://" + listener.Addr().String() + netidsim.ServicePath,
		Profile: netid.Profile{RootCAsPEM: sim.ServerRootPEM(), Certificate: func() (*tls.Certificate, error) {
			c := sim.ClientCertificate().TLS
			return &c, nil
		}},
	}
	if change != nil {
		change(&o)
	}
	api, err := netid.New(o)
	must(t, err)
	t.Cleanup(api.Close)
	issuers, err := netid.ParseIssuers(sim.IssuerPEM())
	must(t, err)
	verifier, err := netid.NewVerifier(netid.VerifierOptions{Issuers: issuers})
	must(t, err)
	method, err := netidlogin.New(netidlogin.Options{APIs: map[string]*netid.API{"": api}, Verifier: verifier, OtherDevice: true})
	must(t, err)
	return method, sim
}

// newDialectHouse is a site with BankID and Net iD, both of which client "both" has, and a page of the older product for the latter.
func newDialectHouse(t *testing.T) (*house, *netidsim.Simulator) {
	t.Helper()
	method, sim := newNetID(t, nil)
	h := newHouse(t, shared, func(s *settings) {
		s.engine.Methods = append(s.engine.Methods, method)
		s.engine.CollectEvery = 0
		s.web.Dialects = map[string]web.Dialect{netidlogin.Name: netiddialect.New()}
	})
	for id, methods := range map[string][]string{"both": {login.MethodBankID, netidlogin.Name}, "bankid": {login.MethodBankID}} {
		must(t, h.store.CreateClient(t.Context(), storage.Client{ID: id, Name: "Journalen", RedirectURIs: []string{callback + "/" + id}, Methods: methods}))
	}
	must(t, h.store.CreateClient(t.Context(), storage.Client{ID: "typed", Name: "Journalen", RedirectURIs: []string{callback + "/typed"}, Methods: []string{netidlogin.Name}, TypedIdentifiers: true}))
	return h, sim
}

// says sends a request of the older page, as that does.
func (b *browser) says(path, body string) (s spoken) {
	b.t.Helper()
	answer := b.do("PUT", path+"/netid", "application/json", body)
	if err := json.Unmarshal([]byte(answer.body), &s); err != nil || answer.header.Get("Content-Type") != "application/json" || answer.header.Get("Cache-Control") != "no-store" {
		b.t.Fatalf("%s is answered %d %s", body, answer.status, answer.body)
	}
	s.code = answer.status
	return s
}

func (b *browser) starts(path string) spoken { b.t.Helper(); return b.says(path, `{"action":"start"}`) }

func (b *browser) polls(path, ref string) spoken {
	b.t.Helper()
	return b.says(path, `{"action":"poll","authRef":"`+ref+`"}`)
}

// becomes polls until the status is another, and returns that.
func (b *browser) becomes(path, ref, status string) spoken {
	b.t.Helper()
	var s spoken
	for range 100 {
		if s = b.polls(path, ref); s.Status == status {
			return s
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.t.Fatalf("it stays %+v", s)
	return s
}

// token is what a launch link has for the app, and back where it leads to.
func token(t *testing.T, s spoken) (token, back string) {
	t.Helper()
	u := mustURL(t, s.LaunchURL)
	if u.Scheme != "netid" {
		t.Fatalf("%q starts no app", s.LaunchURL)
	}
	return u.Query().Get("autostarttoken"), u.Query().Get("redirect")
}

// TestDialectOnThisDevice goes the whole way of an older page.
func TestDialectOnThisDevice(t *testing.T) {
	t.Parallel()
	h, sim := newDialectHouse(t)
	b := h.browser(windowsPC)
	path := b.begin("both")
	if s := b.says(path, `{"action":"poll"}`); s.code != 200 || s.Status != "ABOUT_TO_START" || s.AuthRef != "" || s.LaunchURL != "" {
		t.Errorf("before: %+v", s)
	}
	started := b.starts(path)
	ref, back := token(t, started)
	if started.Status != "PENDING" || started.NiasStatus != "OUTSTANDING_TRANSACTION" || len(started.AuthRef) < 20 || strings.Contains(ref, started.AuthRef) || strings.Contains(started.AuthRef, ref) {
		t.Errorf("started: %+v", started)
	}
	if again := b.starts(path); again != started {
		t.Errorf("started twice: %+v", again)
	}
	if n := len(sim.Orders()); n != 1 {
		t.Errorf("%d orders of one login", n)
	}
	if _, err := sim.Open(ref, astrid); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if s := b.polls(path, started.AuthRef); s.NiasStatus == "USER_SIGN" && s.Status == "PENDING" && s.LaunchURL == "" {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if _, err := sim.Sign(ref); err != nil {
		t.Fatal(err)
	}
	for range 100 { // complete, and nobody has come back
		if h.login(path).State == storage.LoginComplete {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if s := b.polls(path, started.AuthRef); s.Status != "PENDING" || s.Location != "" {
		t.Errorf("before the return: %+v", s)
	}
	if s := b.starts(path); s.Status != "PENDING" || s.AuthRef != started.AuthRef || h.login(path).State != storage.LoginComplete {
		t.Errorf("a page that starts again before the return ends what was approved: %+v", s)
	}
	b.get(strings.TrimPrefix(back, h.url))
	done := b.polls(path, started.AuthRef)
	if done.Status != "COMPLETED" || done.NiasStatus != "COMPLETE" || done.Location != path || done.AuthRef != started.AuthRef {
		t.Errorf("done: %+v", done)
	}
	if p := b.get(done.Location); !p.has(`data-view="complete`) {
		t.Errorf("the page:\n%s", p.body)
	}
	if again := b.starts(path); again.Status != "COMPLETED" {
		t.Errorf("a start of what is complete: %+v", again)
	}
	if answer := b.post(path + "/done"); !strings.HasPrefix(answer.location, callback) {
		t.Errorf("done leads to %q", answer.location)
	}
	if s := b.polls(path, started.AuthRef); s.Status != "COMPLETED" {
		t.Errorf("after the end: %+v", s)
	}
	for event, want := range map[audit.Type]int{audit.NetIDStarted: 1, audit.NetIDCompleted: 1} {
		if got := h.audits(event); got != want {
			t.Errorf("%d events %s", got, event)
		}
	}
	log := h.log.String()
	for _, secret := range []string{started.AuthRef, ref, astrid} {
		if strings.Contains(log, secret) {
			t.Errorf("%q stands in the log", secret)
		}
	}
}

// TestDialectCancel: a cancelled order stays so, whatever its person does later, and another one can follow.
func TestDialectCancel(t *testing.T) {
	t.Parallel()
	h, sim := newDialectHouse(t)
	b := h.browser(windowsPC)
	path := b.begin("both")
	first := b.starts(path)
	ref, _ := token(t, first)
	cancel := `{"action":"cancel","authRef":"` + first.AuthRef + `"}`
	for range 2 {
		if s := b.says(path, cancel); s.code != 200 || s.Status != "ERROR" || s.NiasStatus != "CANCELLED" || s.AuthRef != first.AuthRef || s.LaunchURL != "" {
			t.Errorf("cancelled: %+v", s)
		}
	}
	if _, err := sim.Open(ref, astrid); err != nil {
		t.Fatal(err)
	}
	if _, err := sim.Sign(ref); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3500 * time.Millisecond) // the service is asked no more
	if s := b.polls(path, first.AuthRef); s.Status != "ERROR" || s.NiasStatus != "CANCELLED" || h.login(path).Identity != nil {
		t.Errorf("completed after it was cancelled: %+v", s)
	}
	if n := h.audits(audit.NetIDEnded); n != 1 {
		t.Errorf("%d events of one end", n)
	}
	second := b.starts(path)
	if second.Status != "PENDING" || second.AuthRef == first.AuthRef {
		t.Errorf("started again: %+v", second)
	}
	if s := b.polls(path, first.AuthRef); s.Status != "ERROR" || s.NiasStatus != "CANCELLED" || s.AuthRef != "" || s.LaunchURL != "" {
		t.Errorf("the order before: %+v", s)
	}
	b.says(path, cancel)
	if s := b.polls(path, second.AuthRef); s.Status != "PENDING" {
		t.Errorf("who cancels the order before ends this one: %+v", s)
	}
}

// TestDialectBesideThePage: the page of the login in another tab, and another eID, take the order of the older page away from it, and it tells so.
func TestDialectBesideThePage(t *testing.T) {
	t.Parallel()
	h, _ := newDialectHouse(t)
	b := h.browser(windowsPC)
	path := b.begin("both")
	order := b.starts(path)
	if p := b.get(path); !p.has(`data-view="app-wait`) {
		t.Errorf("the page in another tab:\n%s", p.body)
	}
	b.post(path + "/choose")
	if s := b.polls(path, order.AuthRef); s.Status != "ERROR" || s.NiasStatus != "CANCELLED" {
		t.Errorf("after another choice: %+v", s)
	}
	b.post(path+"/start", "device", "other", "method", "bankid")
	bankID := h.login(path).Order.ID
	for _, body := range []string{`{"action":"poll","authRef":"` + order.AuthRef + `"}`, `{"action":"cancel","authRef":"` + order.AuthRef + `"}`, `{"action":"poll"}`, `{"action":"cancel"}`} {
		if s := b.says(path, body); s.Status != "ERROR" || s.NiasStatus != "CANCELLED" || s.LaunchURL != "" || s.AuthRef != "" {
			t.Errorf("%s beside an order by another eID: %+v", body, s)
		}
	}
	if l := h.login(path); l.State != storage.LoginPending || l.Order.ID != bankID {
		t.Errorf("the older page ended another eID's order: %s", l.State)
	}
	if s := b.starts(path); s.Status != "PENDING" || h.login(path).Order.Method != netidlogin.Name {
		t.Errorf("back to Net iD: %+v", s)
	}
	b.post(path+"/start", "device", "other", "method", "bankid")
	b.post(path + "/leave")
	if s := b.starts(path); s.code != 200 || s.Status != "ERROR" || s.NiasStatus != "CANCELLED" || s.AuthRef != "" {
		t.Errorf("after the person has left by another eID: %+v", s)
	}
}

// TestDialectIsOfItsBrowser: nobody else learns of a login, or does anything with it.
func TestDialectIsOfItsBrowser(t *testing.T) {
	t.Parallel()
	h, _ := newDialectHouse(t)
	b, stranger := h.browser(windowsPC), h.browser(windowsPC)
	path, theirs := b.begin("both"), stranger.begin("both")
	order, own := b.starts(path), stranger.starts(theirs)
	cancel := `{"action":"cancel","authRef":"` + order.AuthRef + `"}`
	for _, body := range []string{`{"action":"start"}`, `{"action":"poll","authRef":"` + order.AuthRef + `"}`, cancel} {
		s, none := stranger.says(path, body), stranger.says("/login/AAAAAAAAAAAAAAAAAAAAAA", body)
		if s.code != http.StatusNotFound || s != none {
			t.Errorf("%s by another browser: %+v, of no login %+v", body, s, none)
		}
	}
	if s := stranger.says(theirs, cancel); s.code != 200 || s.NiasStatus != "CANCELLED" {
		t.Errorf("a handle of another login: %+v", s)
	}
	if s := stranger.polls(theirs, own.AuthRef); s.Status != "PENDING" {
		t.Errorf("it ended the order: %+v", s)
	}
	if s := b.polls(path, order.AuthRef); s.Status != "PENDING" {
		t.Errorf("another browser ended the order: %+v", s)
	}
	if h.audits(audit.BindingRefused) == 0 {
		t.Error("nobody is told of the other browser")
	}
}

// TestDialectRefusals has what is no request of such a page, each with its own error and without any effect.
func TestDialectRefusals(t *testing.T) {
	t.Parallel()
	h, sim := newDialectHouse(t)
	b := h.browser(windowsPC)
	path := b.begin("both")
	for name, c := range map[string]struct {
		kind, body string
		header     http.Header
		status     int
		word       string
	}{
		"another site":         {"application/json", `{"action":"start"}`, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403, "cross_origin"},
		"another origin":       {"application/json", `{"action":"start"}`, http.Header{"Origin": {"https://evil.example"}}, 403, "cross_origin"},
		"a form":               {"application/x-www-form-urlencoded", `action=start`, nil, 415, "unsupported_media_type"},
		"plain text":           {"text/plain", `{"action":"start"}`, nil, 415, "unsupported_media_type"},
		"no type":              {"", `{"action":"start"}`, nil, 415, "unsupported_media_type"},
		"another encoding":     {"application/json; charset=utf-16", `{"action":"start"}`, nil, 415, "unsupported_media_type"},
		"too long":             {"application/json", `{"action":"start"` + strings.Repeat(" ", 4<<10) + `}`, nil, 413, "too_large"},
		"no JSON":              {"application/json", `start`, nil, 400, "invalid_request"},
		"another member":       {"application/json", `{"action":"start","pnr":"1"}`, nil, 400, "invalid_request"},
		"somebody else's name": {"application/json", `{"action":"start","identifier":"` + astrid + `"}`, nil, 403, "not_offered"},
	} {
		r := h.browser(windowsPC)
		r.http, r.header = b.http, c.header.Clone()
		if r.header == nil {
			r.header = http.Header{}
		}
		answer := r.do("PUT", path+"/netid", c.kind, c.body)
		var s spoken
		if err := json.Unmarshal([]byte(answer.body), &s); err != nil || answer.status != c.status || s.Error != c.word || strings.Contains(answer.body, astrid) {
			t.Errorf("%s: %d %s", name, answer.status, answer.body)
		}
	}
	if l := h.login(path); l.State != storage.LoginOpen || len(sim.Orders()) != 0 {
		t.Errorf("something came of it: %s", l.State)
	}
	if s := b.do("PUT", path+"/netid", "application/json; charset=UTF-8", `{"action":"poll"}`); s.status != 200 {
		t.Errorf("with its encoding: %d", s.status)
	}
	for _, other := range []string{"/bankid", "/status", "/start", "/netid/x"} {
		if s := b.do("PUT", path+other, "application/json", `{"action":"start"}`); s.status != 404 {
			t.Errorf("%s: %d", other, s.status)
		}
	}
	if s := b.get(path + "/netid"); s.status != 404 {
		t.Errorf("by GET: %d", s.status)
	}
	alone := b.begin("bankid")
	if s := b.starts(alone); s.code != 403 || s.Error != "not_offered" {
		t.Errorf("at an app that has no Net iD: %+v", s)
	}
}

// TestDialectTellsWhatFailed: each fault of the service comes as the older page knows it, and the person may try again.
func TestDialectTellsWhatFailed(t *testing.T) {
	t.Parallel()
	h, sim := newDialectHouse(t)
	b := h.browser(windowsPC)
	path := b.begin("both")
	for name, c := range map[string]struct {
		chaos netidsim.Chaos
		want  string
	}{
		"a code":           {netidsim.Chaos{Faults: 1, FaultText: "RETRY"}, "RETRY"},
		"another code":     {netidsim.Chaos{Faults: 1, FaultText: "ACCESS_DENIED_RP"}, "ACCESS_DENIED_RP"},
		"a user":           {netidsim.Chaos{Faults: 1, FaultText: "UNKNOWN_USER"}, "INVALID_PARAMETERS"},
		"a text":           {netidsim.Chaos{Faults: 1, FaultText: "It broke."}, "INTERNAL_ERROR"},
		"a web page":       {netidsim.Chaos{HTML: 1}, "INTERNAL_ERROR"},
		"closed":           {netidsim.Chaos{Down: 1}, "INTERNAL_ERROR"},
		"another language": {netidsim.Chaos{OtherNamespace: 1}, "INTERNAL_ERROR"},
	} {
		must(t, sim.SetChaos(c.chaos))
		s := b.starts(path)
		if s.code != 200 || s.Status != "ERROR" || s.NiasStatus != c.want || s.AuthRef == "" {
			t.Errorf("%s: %+v", name, s)
		}
		if again := b.polls(path, s.AuthRef); again != s {
			t.Errorf("%s, asked again: %+v", name, again)
		}
	}
	if s := b.starts(path); s.Status != "PENDING" {
		t.Errorf("after all that: %+v", s)
	}
}

// TestDialectOnAnotherDevice: a page may name somebody where the page of a login may, and is told the same of everybody.
func TestDialectOnAnotherDevice(t *testing.T) {
	t.Parallel()
	h, sim := newDialectHouse(t)
	names := func(number string) string { return `{"action":"start","identifier":"` + number + `"}` }
	b := h.browser(windowsPC)
	path := b.begin("typed")
	if s := b.says(path, names("no number")); s.code != 400 || s.Error != "invalid_identifier" {
		t.Errorf("what is no identifier: %+v", s)
	}
	known := b.says(path, names("19900101-2385"))
	stranger := h.browser(windowsPC)
	strangers := stranger.begin("typed")
	unknown := stranger.says(strangers, names("191212121212"))
	for name, s := range map[string]spoken{"somebody": known, "nobody": unknown} {
		if s.code != 200 || s.Status != "PENDING" || s.NiasStatus != "OUTSTANDING_TRANSACTION" || s.AuthRef == "" || s.LaunchURL != "" {
			t.Errorf("%s: %+v", name, s)
		}
	}
	for range 100 {
		if len(sim.Orders()) == 1 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	order := sim.Orders()[0].OrderRef
	if again := b.says(path, names(astrid)); again != known || len(sim.Orders()) != 1 {
		t.Errorf("named again: %+v", again)
	}
	other := h.browser(windowsPC)
	others := other.begin("typed")
	meant := other.says(others, names("191212121212"))
	if s := other.says(others, names(astrid)); s.Status != "PENDING" || s.AuthRef == meant.AuthRef {
		t.Errorf("somebody else is named: %+v", s)
	}
	if s := other.polls(others, meant.AuthRef); s.NiasStatus != "CANCELLED" {
		t.Errorf("who was named before: %+v", s)
	}
	if _, err := sim.Open(order, astrid); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3500 * time.Millisecond)
	if s := b.polls(path, known.AuthRef); s.NiasStatus != "OUTSTANDING_TRANSACTION" {
		t.Errorf("it tells that the person has opened the app: %+v", s)
	}
	if _, err := sim.Sign(order); err != nil {
		t.Fatal(err)
	}
	if s := b.becomes(path, known.AuthRef, "COMPLETED"); s.Location != path {
		t.Errorf("complete: %+v", s)
	}
	if s := stranger.polls(strangers, unknown.AuthRef); s != unknown {
		t.Errorf("nobody, later: %+v", s)
	}
	h.ahead.Store(int64(4 * time.Minute))
	if s := stranger.becomes(strangers, unknown.AuthRef, "ERROR"); s.NiasStatus != "EXPIRED_TRANSACTION" {
		t.Errorf("nobody, in the end: %+v", s)
	}
	if strings.Contains(h.log.String(), astrid) || strings.Contains(h.log.String(), "191212121212") {
		t.Error("who was named stands in the log")
	}
}

// TestDialectAsDocumented sends each request of docs/netid.md as it stands there, and looks for whatever else the page says of requests and answers.
func TestDialectAsDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(netidPage)
	must(t, err)
	lines := regexp.MustCompile(`(?m)^curl -s -b cookies -X PUT -H 'Content-Type: application/json' -d '(.*)' \$BRYGGA(/login/\$LOGIN/netid)$`).FindAllStringSubmatch(string(page), -1)
	if len(lines) != 3 {
		t.Fatalf("%d lines of requests", len(lines))
	}
	h, _ := newDialectHouse(t)
	b := h.browser(windowsPC)
	path, ref := b.begin("both"), ""
	for i, want := range []string{"PENDING OUTSTANDING_TRANSACTION", "PENDING OUTSTANDING_TRANSACTION", "ERROR CANCELLED"} {
		target := strings.ReplaceAll(lines[i][2], "/login/$LOGIN", path)
		answer := b.do("PUT", target, "application/json", strings.ReplaceAll(lines[i][1], "$REF", ref))
		var s spoken
		if err := json.Unmarshal([]byte(answer.body), &s); err != nil || answer.status != 200 || s.Status+" "+s.NiasStatus != want {
			t.Errorf("%s: %d %s", lines[i][0], answer.status, answer.body)
		}
		ref = s.AuthRef
	}
	for _, word := range []string{
		"ABOUT_TO_START", "PENDING", "COMPLETED", "ERROR", "status", "niasStatus", "authRef", "launchUrl", "location", "identifier", "touchPoints", "invalid_request",
		"invalid_identifier", "cross_origin", "not_offered", "client_disabled", "not_found", "too_large", "unsupported_media_type", "too_many_requests", "busy",
	} {
		if !strings.Contains(string(page), "`"+word+"`") && !strings.Contains(string(page), `"`+word+`"`) {
			t.Errorf("docs/netid.md says nothing of %s", word)
		}
	}
}

// TestDialectLimits: who asks for too much is told when to come again, and an app that is disabled has nobody log in.
func TestDialectLimits(t *testing.T) {
	t.Parallel()
	method, sim := newNetID(t, nil)
	h := newHouse(t, shared, func(s *settings) {
		s.engine.Methods = []eid.Method{method}
		s.engine.CollectEvery, s.engine.Limits.OrdersPerAddress = 0, 1
		s.web.Dialects = map[string]web.Dialect{netidlogin.Name: netiddialect.New()}
	})
	b := h.browser(windowsPC)
	first, second := b.begin("app"), b.begin("app")
	b.starts(first)
	answer := b.do("PUT", second+"/netid", "application/json", `{"action":"start"}`)
	if answer.status != http.StatusTooManyRequests || answer.header.Get("Retry-After") == "" || answer.body != `{"error":"too_many_requests"}`+"\n" {
		t.Errorf("too many: %d %v %s", answer.status, answer.header, answer.body)
	}
	if s := b.says(second, `{"action":"poll"}`); s.Status != "ABOUT_TO_START" || len(sim.Orders()) != 1 {
		t.Errorf("something came of it: %+v", s)
	}
	client, err := h.store.Client(t.Context(), "app")
	must(t, err)
	client.Disabled = true
	must(t, h.store.UpdateClient(t.Context(), *client))
	if s := b.says(second, `{"action":"poll"}`); s.code != http.StatusForbidden || s.Error != "client_disabled" {
		t.Errorf("at a client that is disabled: %+v", s)
	}
}
