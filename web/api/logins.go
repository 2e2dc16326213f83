package api

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"brygga/admin"
	"brygga/audit"
	"brygga/logins"
	"brygga/secret"
	"brygga/storage"
)

// devices are those that BankID can be on.
var devices = storage.Devices()

// loginQuery reads which logins are wanted.
func (c *call) loginQuery() (q logins.Query, err error) {
	q = logins.Query{
		ClientID: c.query(clientID), Outcome: logins.Outcome(c.query(outcome)), Cause: c.query(cause), Device: c.query(device), Browser: c.query(browser),
		Person: c.query(person), Subject: c.query(subject), Kind: storage.Kind(c.query(orderKind)), EID: c.query(ofEID),
	}
	if q.From, q.To, err = c.times(); err != nil {
		return q, err
	}
	if q.Limit, err = c.limit(); err != nil {
		return q, err
	}
	if q.Before, err = c.behind(); err != nil {
		return q, err
	}
	var faults []fault
	if q.Device != "" && !slices.Contains(devices, q.Device) {
		faults = append(faults, fault{Parameter: device, Detail: "is none of " + strings.Join(devices, ", ")})
	}
	if q.Kind != "" && !slices.Contains(storage.Kinds(), q.Kind) {
		faults = append(faults, fault{Parameter: orderKind, Detail: "is not identify, sign or payment"})
	}
	if q.EID != "" && !slices.Contains(logins.EIDs(), q.EID) {
		faults = append(faults, fault{Parameter: ofEID, Detail: "is not bankid or netid"})
	}
	if q.Outcome != "" && !q.Outcome.Known() {
		faults = append(faults, fault{Parameter: outcome, Detail: "is none of started, completed, failed and ended"})
	}
	if text := c.query(network); c.values.Has(network) {
		if q.Network, err = logins.ParseNetwork(text); err != nil {
			faults = append(faults, fault{Parameter: network, Detail: "is no address and no network such as 192.0.2.0/24"})
		}
	}
	if faults != nil {
		return q, invalid(faults...)
	}
	return q, nil
}

func searchLogins(c *call) (*answer, error) {
	q, err := c.loginQuery()
	if err != nil {
		return nil, err
	}
	found, err := c.Admin.SearchLogins(c, c.actor, q)
	if errors.Is(err, logins.ErrCursor) {
		return nil, badCursor
	}
	if err != nil {
		return nil, err
	}
	return ok(c.page(append([]logins.Login{}, found.Logins...), found.Next))
}

// page returns a page of a list.
func (c *call) page(items any, next string) map[string]any {
	body := map[string]any{"items": items}
	if next != "" {
		body["next"] = c.cursorAt(next)
	}
	return body
}

func findPerson(c *call) (*answer, error) {
	number := ""
	if err := c.members(map[string]any{"personal_number": &number}); err != nil {
		return nil, err
	}
	pseudonym, err := c.Admin.FindPerson(c, c.actor, secret.New(number))
	if errors.Is(err, admin.ErrPersonalNumber) {
		return nil, invalid(fault{Pointer: "/personal_number", Detail: "is no personal number", Remedy: "send all twelve digits"})
	}
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{"person": pseudonym})
}

// languages are those in which stories are told.
var languages = []string{"sv", "en"}

func tellStory(c *call) (*answer, error) {
	reference, err := c.reference()
	if err != nil {
		return nil, err
	}
	in := c.query(language)
	switch in {
	case "":
		in = "en"
	case "sv", "en":
	default:
		return nil, invalid(fault{Parameter: language, Detail: "is neither sv nor en"})
	}
	stories, err := c.Admin.Stories(c, c.actor, reference, in)
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{"items": stories})
}

func countsView(counts *logins.Counts) map[string]any {
	named := func(of map[string]int64) map[string]int64 {
		if of == nil {
			return map[string]int64{}
		}
		return of
	}
	return map[string]any{
		"logins": counts.Logins, "orders": counts.Orders, "completed": counts.Completed, "signatures": counts.Signatures, "payments": counts.Payments, "failed": counts.Failed, "ended": counts.Ended, "refused": counts.Refused,
		"identified": counts.Identified(), "sessions": counts.Sessions, "alerts": counts.Alerts, "causes": named(counts.Causes), "devices": named(counts.Devices),
		"median_seconds": counts.Median().Seconds(),
	}
}

func hoursView(hours []logins.Hour) []map[string]any {
	views := make([]map[string]any, len(hours))
	for i, h := range hours {
		views[i] = map[string]any{"begin": h.Begin, "counts": countsView(h.Counts)}
	}
	return views
}

func showFigures(c *call) (*answer, error) {
	n, err := c.number(hours, 24, 1, 7*24)
	if err != nil {
		return nil, err
	}
	f, err := c.Admin.Figures(c, c.actor, n)
	if err != nil {
		return nil, err
	}
	all := make([]map[string]any, len(f.Clients))
	for i, one := range f.Clients {
		all[i] = map[string]any{"client_id": one.ID, "counts": countsView(one.Counts)}
	}
	return ok(map[string]any{
		"hours": hoursView(f.Hours), "week_before": hoursView(f.Before), "sum": countsView(&f.Sum), "today": countsView(&f.Today), "clients": all, "behind": f.Behind,
	})
}

func showStatistics(c *call) (*answer, error) {
	month := c.Now()
	if text := c.query(ofMonth); c.values.Has(ofMonth) {
		at, err := time.Parse("2006-01", text)
		if err != nil {
			return nil, invalid(fault{Parameter: ofMonth, Detail: "is no month such as 2026-11"})
		}
		month = at.AddDate(0, 0, 14)
	}
	form := c.query(format)
	if form != "" && form != "json" && form != "csv" {
		return nil, invalid(fault{Parameter: format, Detail: "is neither json nor csv"})
	}
	s, err := c.Admin.Statistics(c, c.actor, month)
	if err != nil {
		return nil, err
	}
	if form == "csv" {
		return &answer{kind: "text/csv; charset=utf-8", stream: func(w io.Writer) error { return s.WriteCSV(w) }}, nil
	}
	all := make([]map[string]any, len(s.Clients))
	for i, one := range s.Clients {
		all[i] = map[string]any{"client_id": one.ID, "name": one.Name, "counts": countsView(one.Counts)}
	}
	return ok(map[string]any{"month": s.Month, "from": s.From, "to": s.To, "clients": all})
}

func listExpiries(c *call) (*answer, error) {
	all, err := c.Admin.Expiries(c, c.actor)
	if err != nil {
		return nil, err
	}
	views := make([]map[string]any, len(all))
	for i, e := range all {
		views[i] = map[string]any{"kind": e.Kind, "name": e.Name, "ends": e.Ends}
	}
	return ok(map[string]any{"items": views})
}

// eventQuery reads which audit events are wanted.
func (c *call) eventQuery() (q logins.EventQuery, err error) {
	q = logins.EventQuery{Kind: c.query(kind), Actor: c.query(byActor), ClientID: c.query(clientID), Object: c.query(byObject), Person: c.query(person)}
	if q.From, q.To, err = c.times(); err != nil {
		return q, err
	}
	q.Backwards, err = c.is(backwards)
	return q, err
}

func listEvents(c *call) (*answer, error) {
	q, err := c.eventQuery()
	if err != nil {
		return nil, err
	}
	if q.Limit, err = c.limit(); err != nil {
		return nil, err
	}
	if q.After, err = c.behind(); err != nil {
		return nil, err
	}
	found, err := c.Admin.SearchAudit(c, c.actor, q)
	if errors.Is(err, logins.ErrCursor) {
		return nil, badCursor
	}
	if err != nil {
		return nil, err
	}
	return ok(c.page(append([]storage.AuditEvent{}, found.Events...), found.Next))
}

// forms are those of an export, with their media types.
var forms = map[string]string{"json": "application/jsonl", "csv": "text/csv; charset=utf-8", "cef": "text/plain; charset=utf-8"}

func exportEvents(c *call) (*answer, error) {
	q, err := c.eventQuery()
	if err != nil {
		return nil, err
	}
	form := c.query(format)
	if form == "" {
		form = "json"
	}
	if forms[form] == "" {
		return nil, invalid(fault{Parameter: format, Detail: "is none of json, csv and cef"})
	}
	q.Limit = maxLimit
	first, err := c.Admin.SearchAudit(c, c.actor, q) // so that a refusal is an answer of its own
	if err != nil {
		return nil, err
	}
	return &answer{kind: forms[form], stream: func(w io.Writer) error {
		writer := audit.NewWriter(form, c.Version, w)
		for found := first; ; {
			if err := writer.Write(found.Events...); err != nil || found.Next == "" {
				return err
			}
			q.After = found.Next
			if found, err = c.Admin.SearchAudit(c, c.actor, q); err != nil {
				return err
			}
		}
	}}, nil
}
