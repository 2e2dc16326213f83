package web_test

import (
	"cmp"
	"flag"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"brygga/login"
	"brygga/netid"
	"brygga/netid/netidlogin"
	"brygga/netid/netidsim"
	"brygga/secret"
	"brygga/storage"
	"brygga/templates"
)

var update = flag.Bool("update", false, "rewrite what docs/netid.md says of answers that are no good")

// badAnswer is something that Net iD Access does wrong, or that becomes of an order.
type badAnswer struct {
	name string
	// chaos is how the service misbehaves while the order is made, or by does what else there is to do with an order that was made.
	chaos *netidsim.Chaos
	by    func(s *netidsim.Simulator, token string) error
	// of is the only person who may log in; empty for anybody.
	of string
	// client is the app that asks; empty for one that knows people by their personal number.
	client string
}

// atStart is a service that misbehaves once while an order is made.
func atStart(c netidsim.Chaos) *netidsim.Chaos { c.Operation = "Authenticate"; return &c }

// signed has a person sign while the service spoils results so.
func signed(attacks ...string) func(*netidsim.Simulator, string) error {
	return func(s *netidsim.Simulator, token string) error {
		if err := s.SetChaos(netidsim.Chaos{Attacks: attacks}); err != nil {
			return err
		}
		if _, err := s.Open(token, astrid); err != nil {
			return err
		}
		_, err := s.Sign(token)
		return err
	}
}

// badAnswers are all that a test knows of.
func badAnswers() (all []badAnswer) {
	for _, code := range netid.Codes() {
		if class := code.Class(); class == netid.ClassProgress || class == netid.ClassComplete {
			continue
		}
		all = append(all, badAnswer{name: "`" + string(code) + "` in place of an order", chaos: atStart(netidsim.Chaos{Faults: 1, FaultText: string(code)})})
		if code != netid.CodeUnknown {
			all = append(all, badAnswer{name: "`" + string(code) + "` of an order", by: func(s *netidsim.Simulator, token string) error {
				_, err := s.SetStatus(token, string(code))
				return err
			}})
		}
	}
	for _, c := range []struct {
		name  string
		chaos netidsim.Chaos
	}{
		{"a fault with a text", netidsim.Chaos{Faults: 1, FaultText: "Server was unable to process request of Astrid, " + astrid + "."}},
		{"a web page", netidsim.Chaos{HTML: 1}},
		{"half an answer", netidsim.Chaos{Truncated: 1}},
		{"broken XML", netidsim.Chaos{Malformed: 1}},
		{"another namespace", netidsim.Chaos{OtherNamespace: 1}},
		{"a document type", netidsim.Chaos{DocType: 1}},
		{"503 with a web page", netidsim.Chaos{Down: 1}},
		{"no answer in time, three times", netidsim.Chaos{Hang: 3}},
		{"a connection that breaks", netidsim.Chaos{DropAnswer: 1}},
	} {
		all = append(all, badAnswer{name: c.name, chaos: atStart(c.chaos)})
	}
	return append(all,
		badAnswer{name: "a result without a signature", by: signed(netidsim.AttackUnsigned)},
		badAnswer{name: "the result of another order", by: signed(netidsim.AttackOtherNonce)},
		badAnswer{name: "a card of another issuer", by: signed(netidsim.AttackOtherIssuer)},
		badAnswer{name: "a card that has expired", by: signed(netidsim.AttackExpired)},
		badAnswer{name: "a card that is revoked", by: signed(netidsim.AttackRevoked)},
		badAnswer{name: "another person's card under the name of the one who signs", by: signed(netidsim.AttackOtherCard)},
		badAnswer{name: "another person than the app asks for", by: signed(), of: "198507309866"},
		badAnswer{name: "a card without what the app knows people by", by: signed(), client: "known by another key"},
	)
}

// newBadHouse is a site with BankID and Net iD, where the app asks for the person who is named in the request.
func newBadHouse(t *testing.T) (*house, *netidsim.Simulator) {
	t.Helper()
	method, sim := newNetID(t, func(o *netid.Options) { o.Profile.Timeout = 2 * time.Second })
	messages, err := templates.BuiltIn().WithEID(netidlogin.Name, netidlogin.Texts())
	must(t, err)
	var h *house
	h = newHouse(t, shared, func(s *settings) {
		s.engine.Methods = append(s.engine.Methods, method)
		s.engine.CollectEvery, s.web.Messages = 2*time.Second, messages
		s.web.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			client, err := h.store.Client(r.Context(), r.FormValue("client"))
			if err != nil {
				h.ShowError(w, r, http.StatusInternalServerError, "server_error", "no client", nil)
				return
			}
			request := storage.AuthRequest{ClientID: client.ID, RedirectURI: callback, ResponseMode: "query", Scopes: []string{"openid"}}
			if person := r.FormValue("of"); person != "" {
				request.RequiredPersonalNumber = secret.New(person)
			}
			h.BeginLogin(w, r, client, request, "")
		})
	})
	must(t, h.store.CreateClient(t.Context(), storage.Client{ID: "both", Name: "Journalen", RedirectURIs: []string{callback}, Methods: []string{login.MethodBankID, netidlogin.Name}}))
	must(t, h.store.CreateClient(t.Context(), storage.Client{
		ID: "known by another key", Name: "Journalen", RedirectURIs: []string{callback}, Methods: []string{login.MethodBankID, netidlogin.Name}, Policy: storage.Policy{PersonKeys: []string{storage.KeyEmployeeNumber}},
	}))
	return h, sim
}

var (
	titleOfPage = regexp.MustCompile(`(?s)<h1[^>]*>(.*?)</h1>`)
	mainOfPage  = regexp.MustCompile(`(?s)<main.*</main>`)
)

// reads returns the title of the page in a language, and looks whether it leaves a way on and speaks of Net iD alone.
func (b *browser) reads(path, language string) string {
	b.t.Helper()
	b.header.Set("Accept-Language", language)
	p := b.get(path)
	text := html.UnescapeString(strings.ReplaceAll(mainOfPage.FindString(p.body), "\u00ad", ""))
	title := titleOfPage.FindStringSubmatch(text)
	if title == nil || !strings.Contains(text, `data-view="failed-`) || strings.Contains(text, `data-view="failed-method`) {
		b.t.Errorf("no page of a failure:\n%s", p.body)
		return ""
	}
	if strings.Contains(text, "BankID") || strings.Contains(text, "Astrid") || strings.Contains(text, astrid) {
		b.t.Errorf("%q speaks of another eID, or of somebody:\n%s", title[1], text)
	}
	if !strings.Contains(text, path+"/start") || !strings.Contains(text, path+"?method=") || !strings.Contains(text, path+"/leave") {
		b.t.Errorf("%q leaves no way to try again, to choose another eID, or back to the app:\n%s", title[1], text)
	}
	return title[1]
}

// eventsOf returns the audit events of the login behind a page, but for its beginning.
func (h *house) eventsOf(path string) string {
	h.t.Helper()
	all, err := h.store.AuditEvents(h.t.Context(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour), 1000)
	must(h.t, err)
	var told []string
	started := 0
	for _, e := range all {
		switch {
		case e.Fields["IDENTIFIER"] != strings.TrimPrefix(path, "/login/"):
		case e.Type == "WEB_100009":
			started++
		default:
			told = append(told, "`"+e.Type+"` "+e.Fields["MESSAGE"])
		}
	}
	if started != 1 {
		h.t.Errorf("%d events of one start", started)
	}
	slices.Sort(told)
	return strings.TrimSpace(strings.Join(told, ", "))
}

// ended waits until the login behind a page has failed.
func (h *house) ended(path string) {
	h.t.Helper()
	for range 400 {
		if h.login(path).State == storage.LoginFailed {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	h.t.Fatalf("it is %s", h.login(path).State)
}

const (
	netidPage   = "../docs/netid.md"
	tableBegins = "<!-- made by go test ./web -run TestBadAnswers -update -->\n"
	tableEnds   = "<!-- end -->\n"
)

// TestBadAnswers has the person see a page of its own for whatever Net iD Access does wrong, with a way on, and the audit log one event of it. What
// the page and the event say stands in docs/netid.md.
func TestBadAnswers(t *testing.T) {
	h, sim := newBadHouse(t)
	cases := badAnswers()
	browsers, paths := make([]*browser, len(cases)), make([]string, len(cases))
	for i, c := range cases {
		b := h.browser(windowsPC)
		path := b.get("/authorize?" + url.Values{"client": {cmp.Or(c.client, "both")}, "of": {c.of}}.Encode()).location
		browsers[i], paths[i] = b, path
		must(t, sim.SetChaos(netidsim.Chaos{}))
		if c.chaos != nil {
			must(t, sim.SetChaos(*c.chaos))
		}
		b.post(path+"/start", "device", "this", "method", "netid")
		for range 200 {
			if l := h.login(path); !h.engine.Starting(l) {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if c.by == nil {
			continue
		}
		link := h.engine.Launch(h.login(path)).URL.Reveal()
		if link == "" {
			t.Fatalf("%s: no order", c.name)
		}
		must(t, c.by(sim, mustURL(t, link).Query().Get("autostarttoken")))
		if len(sim.Chaos().Attacks) > 0 { // a result is made when it is collected
			h.ended(path)
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%s| what comes | what the person reads | in Swedish | audit event |\n|---|---|---|---|\n", tableBegins)
	for i, c := range cases {
		h.ended(paths[i])
		en, sv := browsers[i].reads(paths[i], "en"), browsers[i].reads(paths[i], "sv")
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", c.name, en, sv, h.eventsOf(paths[i]))
	}
	table.WriteString(tableEnds)
	page, err := os.ReadFile(netidPage)
	must(t, err)
	before, rest, begins := strings.Cut(string(page), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	want := before + table.String() + after
	if *update && begins && ends {
		must(t, os.WriteFile(netidPage, []byte(want), 0o644))
		page = []byte(want)
	}
	if string(page) != want {
		t.Errorf("docs/netid.md is not what people see: run go test ./web -run TestBadAnswers -update:\n%s", table.String())
	}
}
