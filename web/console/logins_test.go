package console

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"brygga/admin"
	"brygga/audit"
	"brygga/audit/tree"
	"brygga/clients"
	"brygga/logins"
	"brygga/secret"
	"brygga/storage"
)

// failedLogin is the page of a login that failed, which withLogins stores.
var failedLogin = "logins/" + string((&storage.Login{ID: "login-2", Created: loginsAt.Add(2 * time.Minute)}).Reference())

// loginsAt is when the logins of the tests were.
var loginsAt = time.Date(2031, 5, 17, 9, 0, 0, 0, time.UTC)

// anna is a person who logs in.
const anna = "198001052383"

// withLogins stores some logins first, once for each site.
func withLogins(open func(*browser) shown) func(*browser) shown {
	return func(b *browser) shown {
		b.storeLogins()
		return open(b)
	}
}

// storeLogins stores some logins, of which every third failed, and lets the book read them.
func (s *site) storeLogins() {
	s.Helper()
	if found, err := s.store.AuditEvents(s.Context(), loginsAt, loginsAt.Add(time.Second), 1); err != nil || len(found) > 0 {
		s.ok(err)
		return
	}
	at := loginsAt
	log, err := audit.New(audit.Options{Store: s.store, PseudonymKey: make([]byte, 32), Now: func() time.Time { return at }})
	s.ok(err)
	for i := range 12 {
		record := storage.Login{ID: fmt.Sprintf("login-%d", i), Created: loginsAt.Add(time.Duration(i) * time.Minute)}
		at = record.Created
		e := audit.Event{
			Type: audit.LoginStarted, Identifier: record.ID, Reference: record.Reference(), ClientID: "app", Device: "other", Browser: "Firefox, Linux",
			SourceAddress: "192.0.2.7", Took: time.Second,
		}
		log.Record(s.Context(), e)
		at = at.Add(12 * time.Second)
		e.Type, e.Took, e.Course, e.Person, e.Subject = audit.LoginCompleted, 12*time.Second, "other@1 userSign@6", secret.New(anna), "sub-of-anna"
		if i%3 == 2 {
			e.Type, e.Message, e.Person, e.Subject = audit.LoginFailed, "certificateErr", secret.String{}, ""
		}
		log.Record(s.Context(), e)
	}
	s.readLogins()
}

// readLogins signs the audit log and takes it into the book, as a server does every few seconds.
func (s *site) readLogins() {
	s.Helper()
	text, err := tree.NewKey("test")
	s.ok(err)
	key, err := tree.ReadKey(text)
	s.ok(err)
	now := func() time.Time { return s.now }
	log, err := tree.New(tree.Options{Store: s.store, Key: key, Now: now})
	s.ok(err)
	_, err = log.Grow(s.Context())
	s.ok(err)
	book, err := logins.New(logins.Options{Store: s.store, Log: log, Now: now})
	s.ok(err)
	for more := true; more; {
		more, err = book.Advance(s.Context())
		s.ok(err)
	}
}

// TestFindLogin: the help desk finds a login by the reference that the person reads off the page, however it is written, and is told what to say.
func TestFindLogin(t *testing.T) {
	s := newSite(t)
	s.storeLogins()
	s.operator(storage.RoleHelpdesk)
	b := s.logIn(storage.RoleHelpdesk)
	reference := strings.TrimPrefix(failedLogin, "logins/")
	for _, typed := range []string{reference, strings.ToLower(reference), strings.ReplaceAll(reference, "-", " "), " " + strings.ReplaceAll(reference, "-", "") + " "} {
		p := b.post("search", "q", typed)
		s.is(p, http.StatusOK, "Login "+reference)
		for _, want := range []string{"Get a new one from your bank", "certificateErr", "Step by step", "The login failed."} {
			if !strings.Contains(p.body, want) {
				t.Errorf("%q: the story lacks %q", typed, want)
			}
		}
	}
	s.is(b.post("search", "q", "sub-of-anna"), http.StatusOK, "Logins")
	s.is(b.get("logins/0000-0000"), http.StatusNotFound, "There is no such page")
	if p := b.get("logins?cause=certificateErr&span=1h"); strings.Count(p.body, `href="/admin/logins/`) != 4 {
		t.Errorf("by cause: %s", p.body)
	}
}

// TestHeadingsOfNumbers: of each table, the headings of the columns with numbers stand above them.
func TestHeadingsOfNumbers(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	s.storeLogins()
	numbers := 0
	for _, path := range []string{"", "logins", "statistics"} {
		for i, table := range strings.Split(b.get(path).body, "<table>")[1:] {
			table, _, _ = strings.Cut(table, "</table>")
			rows := strings.Split(table, "<tr>")
			if len(rows) < 3 {
				continue
			}
			heads, cells := strings.Count(rows[1], `class="number"`), strings.Count(rows[2], `class="number"`)
			if heads != cells {
				t.Errorf("table %d of %q has %d headings of numbers, and %d numbers", i, path, heads, cells)
			}
			numbers += cells
		}
	}
	if numbers == 0 {
		t.Error("no table has numbers")
	}
}

// TestFindPersonOnce: a personal number that is typed leads to the person's logins and stands in no address and on no page.
func TestFindPersonOnce(t *testing.T) {
	s := newSite(t)
	s.storeLogins()
	s.operator(storage.RoleHelpdesk)
	b := s.logIn(storage.RoleHelpdesk)
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p := b.post("logins/person", "number", anna[:8]+"-"+anna[8:])
	to := p.Header.Get("Location")
	if p.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/admin/logins?person=") || strings.Contains(to, anna[2:]) {
		t.Fatalf("%d, to %q", p.StatusCode, to)
	}
	list := b.get(strings.TrimPrefix(to, "/admin/") + "&span=24h")
	if list.StatusCode != http.StatusOK || strings.Contains(list.body, anna) || strings.Contains(list.body, `class="state bad"`) || !strings.Contains(list.body, `class="state good"`) {
		t.Errorf("%d: %s", list.StatusCode, list.body)
	}
	wrong := b.post("logins/person", "number", "198001052384")
	if wrong.StatusCode != http.StatusUnprocessableEntity || strings.Contains(wrong.body, "198001052384") {
		t.Errorf("%d: %s", wrong.StatusCode, wrong.body)
	}
	b.client.CheckRedirect = nil
	if p := b.post("search", "q", anna); strings.Contains(p.body, anna) || strings.Contains(p.Request.URL.String(), anna) {
		t.Errorf("the search box leads to %s", p.Request.URL)
	}
}

// TestEventsAsFiles: what the filter shows can be fetched, in each form.
func TestEventsAsFiles(t *testing.T) {
	s := newSite(t)
	s.storeLogins()
	b := s.as(storage.RoleOwner)
	for form, want := range map[string]string{"json": `"type":"WEB_100003"`, "csv": "WEB_100003,", "cef": "|WEB_100003|"} {
		p := b.get("events/file?" + url.Values{"kind": {"WEB_100003"}, "form": {form}}.Encode())
		if p.StatusCode != http.StatusOK || strings.Count(p.body, want) != 4 || !strings.Contains(p.Header.Get("Content-Disposition"), "brygga-audit."+form) {
			t.Errorf("%s: %d, %s", form, p.StatusCode, p.body)
		}
	}
	s.is(b.get("events/file?form=xml"), http.StatusNotFound, "There is no such page")
	if p := b.get("statistics/file"); p.StatusCode != http.StatusOK || !strings.HasPrefix(p.body, "month,client_id,") {
		t.Errorf("the month: %d, %s", p.StatusCode, p.body)
	}
}

// TestSupplierText: what is copied for a supplier names nobody.
func TestSupplierText(t *testing.T) {
	text := supplierText(&logins.Story{Login: logins.Login{Reference: "7QX4-2MKD", ClientID: "app", Address: "192.0.2.7", Person: "pseudonym", Subject: "sub-1"}})
	if !strings.Contains(text, "7QX4-2MKD") || strings.Contains(text, "192.0.2.7") || strings.Contains(text, "pseudonym") || strings.Contains(text, "sub-1") {
		t.Errorf("%q", text)
	}
}

// twoEIDs is an installation with a choice.
var twoEIDs = clients.Installation{Methods: []clients.Method{{Name: "bankid"}, {Name: "netid"}}}

// TestLoginsByKindAndEID: the list is narrowed to what people were asked for, and to an eID where there are several.
func TestLoginsByKindAndEID(t *testing.T) {
	s := newSite(t)
	s.storeLogins()
	b := s.as(storage.RoleOwner)
	if p := b.get("logins"); strings.Contains(p.body, `name="eid"`) {
		t.Error("one eID can be chosen of one")
	}
	s.options.Installation = twoEIDs
	var err error
	s.console.Admin, err = admin.New(s.options)
	s.ok(err)
	for query, want := range map[string]int{"kind=identify&eid=bankid": 12, "kind=sign": 0, "eid=netid": 0} {
		p := b.get("logins?span=400d&" + query)
		if got := strings.Count(p.body, `<th scope="row"><a class="code" href="/admin/logins/`); p.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: %d logins, want %d", query, got, want)
		}
	}
	s.says(b.get("logins"), `name="kind"`, `name="eid"`, "Signature", "Net iD")
	p := b.get("logins?kind=x&eid=y")
	s.is(p, http.StatusUnprocessableEntity, "Logins")
	s.says(p, `id="fault-kind"`, `id="fault-eid"`)
}
