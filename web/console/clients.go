package console

import (
	"encoding/csv"
	"io"
	"slices"
	"strconv"
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
	if !slices.Contains(admin.Sorts(), f.Sort) {
		f.Sort = admin.SortByName
	}
	return f
}

func listClients(v *visit) error {
	l := v.list()
	f := clientFilter(l)
	found, more, err := v.Admin.Clients(v, v.actor, f, l.after(), rowsOnPage)
	if err != nil {
		return err
	}
	if more {
		l.next = f.Cursor(found[len(found)-1])
	}
	return v.show(v.text("clients.title"), clientList(v, l, found))
}

// exportClients sends the clients of the filter as comma-separated values (RFC 4180).
func exportClients(v *visit) error {
	f := clientFilter(v.list())
	return v.file("clients.csv", "text/csv; charset=utf-8", func(w io.Writer) error {
		out := csv.NewWriter(w)
		out.Write([]string{"id", "name", "kind", "admin_group", "profile", "state", "redirect_uris", "created", "updated", "secret_ends"})
		for after, more := "", true; more; {
			page, next, err := v.Admin.Clients(v, v.actor, f, after, rowsAtOnce)
			if err != nil {
				return err
			}
			for _, c := range page {
				out.Write(clientRow(c))
				after = f.Cursor(c)
			}
			more = next
		}
		out.Flush()
		return out.Error()
	})
}

func clientRow(c *storage.Client) []string {
	moment := func(t time.Time) string {
		if t.IsZero() || c.Static {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	row := []string{c.ID, c.Name, kindOf(c), c.AdminGroup, c.Profile, stateOf(c), "", moment(c.Created), moment(c.Updated), moment(secretEnds(c))}
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
		unwanted := c.Static && (t.path == "history" || t.path == "remove" || t.path == "secrets") || t.path == "secrets" && !clients.UsesSecret(c) || t.path == "try" && (c.Disabled || v.Trials == nil)
		if v.may(t.operation) && !unwanted {
			tabs = append(tabs, t)
		}
	}
	return tabs
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
	held storage.Holdings
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
				broken = append(broken, r)
			}
		}
	}
	return broken
}

// switchClient enables a client, or disables it for a reason.
func switchClient(v *visit) error {
	f := v.form()
	off := f.get("to") == "off"
	if off && f.get("reason") == "" {
		f.fault("reason", v.text("client.reason.missing"))
	}
	if !f.faulty() {
		_, err := v.Admin.SwitchClient(v, v.actor, v.clientID(), admin.Demand{Revision: revision(f)}, off, f.get("reason"))
		if !v.clientFaults(f, err, "reason") {
			return v.done(err, clientPath(v.clientID(), ""), "client.switched."+map[bool]string{true: "off", false: "on"}[off])
		}
	}
	c, err := v.about()
	if err != nil {
		return err
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
