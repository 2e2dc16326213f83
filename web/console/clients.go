package console

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"brygga/admin"
	"brygga/clients"
	"brygga/logins"
	"brygga/presets"
	"brygga/storage"
)

// clientPages are those about apps. What is no app's own has a plus in its address, which no client ID has.
func clientPages() []page {
	return []page{
		{pattern: "GET /clients", operation: admin.ListClients, handle: listClients},
		{pattern: "GET /clients.csv", operation: admin.ListClients, handle: exportClients},
		{pattern: "GET /clients/+new", operation: admin.PutClient, handle: askClient},
		{pattern: "POST /clients/+new", operation: admin.PutClient, handle: takeClient},
		{pattern: "GET /clients/{id}", operation: admin.ShowClient, handle: showClient},
		{pattern: "POST /clients/{id}/state", operation: admin.SwitchClient, handle: switchClient},
		{pattern: "GET /clients/{id}/{tab}", operation: admin.ShowClient, handle: editClient},
		{pattern: "POST /clients/{id}/{tab}", operation: admin.UpdateClient, handle: changeClient},
		{pattern: "GET /clients/{id}/secrets", operation: admin.ShowClient, handle: showSecrets},
		{pattern: "POST /clients/{id}/secrets", operation: admin.RotateSecret, handle: rotateSecret},
		{pattern: "POST /clients/{id}/webhook-secrets", operation: admin.RotateSecret, handle: rotateWebhook},
		{pattern: "POST /clients/{id}/secrets/end", operation: admin.EndSecret, handle: endSecret},
		{pattern: "GET /clients/{id}/history", operation: admin.ClientHistory, handle: showHistory},
		{pattern: "GET /clients/{id}/remove", operation: admin.RemoveClient, handle: askClientRemoval},
		{pattern: "POST /clients/{id}/remove", operation: admin.RemoveClient, handle: removeClient},
	}
}

// rowsOnPage is how many clients a page lists, rowsAtOnce how many are read at a time for a download.
const (
	rowsOnPage = 50
	rowsAtOnce = 1000
)

// clientFilter is the filter that stands in the address.
func clientFilter(l *list) admin.ClientFilter {
	f := admin.ClientFilter{Text: l.get("q"), Group: l.get("group"), Profile: l.get("profile"), Sort: l.get("sort")}
	if state := l.get("state"); state == "on" || state == "off" {
		off := state == "off"
		f.Disabled = &off
	}
	if !slices.Contains(clientSorts(), f.Sort) {
		f.Sort = admin.SortByName
	}
	return f
}

// clientSorts are the orders of the list.
func clientSorts() []string {
	return append([]string{admin.SortByName, admin.SortByID, admin.SortByChange}, admin.SortByLogins, admin.SortByFailures, admin.SortByLast)
}

func listClients(v *visit) error {
	l := v.list()
	skip, care := 0, l.get("care")
	if after := l.after(); after != "" {
		var err error
		if skip, err = strconv.Atoi(after); err != nil || skip < 0 {
			return storage.ErrNotFound
		}
	}
	if !admin.IsCare(care) {
		care = ""
	}
	found, more, err := v.Admin.ClientTable(v, v.actor, clientFilter(l), care, skip, rowsOnPage)
	if err != nil {
		return err
	}
	if more {
		l.next = strconv.Itoa(skip + rowsOnPage)
	}
	return v.show(v.text("clients.title"), clientList(v, l, found))
}

// sortOptions are the orders, careOptions what apps may need.
func (v *visit) sortOptions() (all []option) {
	for _, sort := range clientSorts() {
		all = append(all, option{sort, v.text("clients.sort." + sort), ""})
	}
	return all
}

func (v *visit) careOptions() []option {
	all := []option{{"", v.text("clients.filter.any"), ""}, {"any", v.text("care.any"), ""}}
	for _, care := range admin.Cares() {
		all = append(all, option{care, v.text("care." + care), ""})
	}
	return all
}

// dayOf is a Swedish day as a date, or says that there was none.
func (v *visit) dayOf(t time.Time) string {
	if t.IsZero() {
		return v.text("clients.unused")
	}
	return t.Format(time.DateOnly)
}

// exportClients sends the clients of the filter as comma-separated values (RFC 4180).
func exportClients(v *visit) error {
	l := v.list()
	f := clientFilter(l)
	return v.file("clients.csv", "text/csv; charset=utf-8", func(w io.Writer) error {
		out := csv.NewWriter(w)
		out.Write([]string{"id", "name", "kind", "admin_group", "profile", "state", "redirect_uris", "created", "updated", "secret_ends", "logins_7_days", "failed_percent", "cause", "last_login", "care"})
		care := l.get("care")
		if !admin.IsCare(care) {
			care = ""
		}
		for skip, more := 0, true; more; skip += rowsAtOnce {
			var page []admin.ClientRow
			var err error
			if page, more, err = v.Admin.ClientTable(v, v.actor, f, care, skip, rowsAtOnce); err != nil {
				return err
			}
			for _, c := range page {
				out.Write(clientRow(c))
			}
		}
		out.Flush()
		return out.Error()
	})
}

func clientRow(r admin.ClientRow) []string {
	c := r.Client
	moment := func(t time.Time) string {
		if t.IsZero() || c.Static {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	row := []string{c.ID, c.Name, kindOf(c), c.AdminGroup, c.Profile, stateOf(c), "", moment(c.Created), moment(c.Updated), moment(secretEnds(c))}
	last := ""
	if !r.Use.Last.IsZero() {
		last = r.Use.Last.Format(time.DateOnly)
	}
	row = append(row, strconv.FormatInt(r.Use.Week.Logins, 10), strconv.Itoa(r.Failed), r.Cause, last, strings.Join(r.Care, " "))
	for i, uri := range c.RedirectURIs {
		if i > 0 {
			row[6] += " "
		}
		row[6] += uri
	}
	for i, value := range row {
		row[i] = cell(value)
	}
	return row
}

// cell keeps a spreadsheet from taking a value for a formula.
func cell(value string) string {
	if value != "" && slices.Contains([]byte("=+-@\t\r"), value[0]) {
		return "'" + value
	}
	return value
}

// kindOf returns what kind of app a client is, as a key of the catalogue: kind.web.
func kindOf(c *storage.Client) string {
	switch {
	case presets.IsMachine(c):
		return "machine"
	case c.Native:
		return "native"
	case c.Public():
		return "page"
	case c.AuthMethod == storage.AuthMethodPrivateKey:
		return "keys"
	}
	return "web"
}

// stateOf returns whether a client may do anything: state.on, state.off.
func stateOf(c *storage.Client) string {
	if c.Disabled {
		return "off"
	}
	return "on"
}

// secretEnds returns when the client has no secret any more that works, zero for never.
func secretEnds(c *storage.Client) (last time.Time) {
	for _, s := range c.Secrets {
		if s.Expires.IsZero() {
			return time.Time{}
		}
		if s.Expires.After(last) {
			last = s.Expires
		}
	}
	return last
}

// nameOf is what an operator calls a client.
func nameOf(v *visit, c *storage.Client) string { return c.NameIn(v.lang) }

// tab is a page about one client.
type tab struct {
	path, key string
	operation admin.Name
}

// tabs are those of a client that the operator may see.
func (v *visit) tabs(c *storage.Client) (tabs []tab) {
	for _, t := range []tab{
		{"", "tab.overview", admin.ShowClient}, {"connection", "tab.connection", admin.ShowClient}, {"secrets", "tab.secrets", admin.ShowClient},
		{"rights", "tab.rights", admin.ShowClient}, {"look", "tab.look", admin.ShowClient}, {"try", "tab.try", admin.TryClient}, {"history", "tab.history", admin.ClientHistory}, {"remove", "tab.remove", admin.RemoveClient},
	} {
		if v.may(t.operation) && v.wanted(t, c) {
			tabs = append(tabs, t)
		}
	}
	return tabs
}

// wanted reports whether there is anything on the tab of that client.
func (v *visit) wanted(t tab, c *storage.Client) bool {
	switch t.path {
	case "history", "remove":
		return !c.Static
	case "secrets":
		return !c.Static && clients.UsesSecret(c)
	case "try":
		return v.Trials != nil && !c.Disabled && !presets.IsMachine(c)
	}
	return true
}

// mayChange reports whether the operator may change the settings of a client: of one with rights to the API only who may make a key with them.
func (v *visit) mayChange(c *storage.Client) bool {
	return !c.Static && v.may(admin.UpdateClient) && (len(c.APIScopes) == 0 || v.may(admin.CreateAPIKey)) && (!c.FetchEvidence || v.may(admin.ExportEvidence))
}

// clientPath is the address of a page about a client.
func clientPath(id, tab string) string {
	if tab == "" {
		return at("clients", id)
	}
	return at("clients", id, tab)
}

func (v *visit) clientID() string { return v.r.PathValue("id") }

// client is the client that the address names.
func (v *visit) client() (*storage.Client, error) { return v.Admin.Client(v, v.actor, v.clientID()) }

// revision is what the form was made of.
func revision(f *form) uint64 {
	n, err := strconv.ParseUint(f.get("revision"), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// about is what is known of a client.
type about struct {
	*storage.Client
	broken []clients.Rule
	// last is the day of the last login, zero for none lately; use counts those of the last days.
	last time.Time
	use  *logins.Counts
	// held is what would end with it; asked says that it was asked whether it is to be disabled.
	held  storage.Holdings
	asked bool
}

// useDays is how many days of logins are counted.
const useDays = 30

func (v *visit) about() (*about, error) {
	c, rules, err := v.Admin.CheckClient(v, v.actor, v.clientID())
	if err != nil {
		return nil, err
	}
	last, use, err := v.Admin.ClientUse(v, v.actor, c.ID, useDays)
	return &about{Client: c, broken: brokenFirst(rules), last: last, use: use}, err
}

// day is the day of the last login, or says that there was none.
func (a *about) day(v *visit) string {
	if a.last.IsZero() {
		return v.text("client.use.none")
	}
	return a.last.Format(time.DateOnly)
}

func showClient(v *visit) error {
	c, err := v.about()
	if err != nil {
		return err
	}
	return v.show(nameOf(v, c.Client), clientOverview(v, c, newForm()))
}

// brokenFirst returns the rules that are not kept, those that must be before those that should.
func brokenFirst(rules []clients.Rule) (broken []clients.Rule) {
	for _, must := range []bool{true, false} {
		for _, r := range rules {
			if r.Broken && r.Must == must {
				r.Key = strings.TrimSuffix(r.Key, "_file") // what the configuration file names by its file is sent here
				broken = append(broken, r)
			}
		}
	}
	return broken
}

// switchClient enables a client, or disables it for a reason, once it was shown what that ends.
func switchClient(v *visit) error {
	f := v.form()
	off := f.get("to") == "off"
	if off && f.get("reason") == "" {
		f.fault("reason", v.text("client.reason.missing"))
	}
	if off && !f.faulty() && !f.has(sureOf, "true") {
		c, err := v.doomed()
		if err != nil {
			return err
		}
		c.asked = true
		return v.show(nameOf(v, c.Client), clientOverview(v, c, f))
	}
	if !f.faulty() {
		_, err := v.Admin.SwitchClient(v, v.actor, v.clientID(), admin.Demand{Revision: revision(f)}, off, f.get("reason"))
		if errors.Is(err, storage.ErrConflict) {
			f.fault("", v.text("client.switch.overtaken"))
		} else if !v.clientFaults(f, err, "reason") {
			return v.done(err, clientPath(v.clientID(), ""), "client.switched."+map[bool]string{true: "off", false: "on"}[off])
		}
	}
	c, err := v.about()
	if err != nil {
		return err
	}
	if c.Disabled { // by somebody else, meanwhile: there is no such field now
		f.raise("reason")
	}
	return v.refuse(nameOf(v, c.Client), clientOverview(v, c, f))
}

// done leads on when there is no error.
func (v *visit) done(err error, address, key string, pairs ...string) error {
	if err != nil {
		return err
	}
	return v.leave(address, key, pairs...)
}

// queryOf is the query of a list, as the address of a download takes it.
func queryOf(l *list) string {
	if len(l.query) == 0 {
		return ""
	}
	return "?" + l.query.Encode()
}
