package console

import (
	"errors"
	"io"
	"strings"
	"time"

	"brygga/admin"
	"brygga/audit"
	"brygga/logins"
	"brygga/storage"
)

// eventsPages are those of the audit log.
func eventsPages() []page {
	return []page{
		{pattern: "GET /events", operation: admin.ListAudit, handle: listEvents},
		{pattern: "GET /events/file", operation: admin.ListAudit, handle: sendEvents},
	}
}

// eventQuery reads what the address asks for.
func (v *visit) eventQuery(l *list, f *form) (logins.EventQuery, error) {
	actor, err := v.actorCalled(f.get("actor"))
	q := logins.EventQuery{
		Kind: f.get("kind"), Actor: actor, ClientID: f.get("client"), Object: f.get("object"), Person: f.get("person"), Backwards: true, After: l.after(), Limit: 50,
	}
	for name, to := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		if text := f.get(name); text != "" {
			at, err := logins.ParseClock(localTime, text)
			if err != nil {
				f.fault(name, v.text("logins.around.wrong"))
			}
			*to = at
		}
	}
	return q, err
}

func listEvents(v *visit) error {
	l, f := v.list(), v.list().form()
	q, err := v.eventQuery(l, f)
	if err != nil {
		return err
	}
	var found logins.FoundEvents
	if !f.faulty() {
		if found, err = v.Admin.SearchAudit(v, v.actor, q); errors.Is(err, logins.ErrCursor) {
			return storage.ErrNotFound
		}
		if err != nil {
			return err
		}
	}
	l.next = found.Next
	var log *admin.Log
	if v.may(admin.ShowLog) {
		if log, err = v.Admin.ShowLog(v, v.actor); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	names, err := v.Admin.Named(v, v.actor, namesIn(found.Events))
	if err != nil {
		return err
	}
	body := eventList(v, l, f, found.Events, names, log)
	if f.faulty() {
		return v.refuse(v.text("events.title"), body)
	}
	return v.show(v.text("events.title"), body)
}

// forms are those in which events are sent.
var eventForms = map[string]string{"json": "application/jsonl", "csv": "text/csv; charset=utf-8", "cef": "text/plain; charset=utf-8"}

// sendEvents sends the events that the address asks for, the first first, as a file.
func sendEvents(v *visit) error {
	l, f := v.list(), v.list().form()
	q, err := v.eventQuery(l, f)
	form := f.get("form")
	if err != nil {
		return err
	}
	if f.faulty() || eventForms[form] == "" {
		return storage.ErrNotFound
	}
	q.Backwards, q.After, q.Limit = false, "", 1000
	first, err := v.Admin.SearchAudit(v, v.actor, q)
	if err != nil {
		return err
	}
	return v.file("brygga-audit."+form, eventForms[form], func(w io.Writer) error {
		writer := audit.NewWriter(form, v.Version, w)
		for found := first; ; {
			if err := writer.Write(found.Events...); err != nil || found.Next == "" {
				return err
			}
			q.After = found.Next
			if found, err = v.Admin.SearchAudit(v, v.actor, q); err != nil {
				return err
			}
		}
	})
}

// fileOf is the address of the events of the list as a file.
func (l *list) fileOf(form string) string {
	return strings.Replace(l.with("form", form), at("events"), at("events", "file"), 1)
}

// findEvent knows the numbers of events.
func findEvent(v *visit, text string) (string, error) {
	text = strings.ToUpper(text)
	if !v.may(admin.ListAudit) || len(text) < 4 {
		return "", nil
	}
	for _, t := range audit.Types() {
		if strings.HasPrefix(string(t), text) {
			return at("events") + "?kind=" + text, nil
		}
	}
	return "", nil
}

// eventKinds are the families of events, as filters.
func (v *visit) eventKinds(now string) []option {
	all := []option{{"", v.text("logins.any"), ""}}
	for _, family := range []string{"WEB_", "SEC_", "ADM_", "KEY_", "OPR_", "ALM_"} {
		all = append(all, option{family, v.text("events.family." + strings.ToLower(strings.TrimSuffix(family, "_"))), ""})
	}
	if len(now) > 4 {
		all = append(all, option{now, now, ""})
	}
	return all
}

// eventText is what an event is called.
func (v *visit) eventText(e *storage.AuditEvent) string {
	if text := logins.EventText(v.lang, e.Type); text != "" {
		return text
	}
	if key := "event." + e.Type; hasText(key) {
		return v.text(key)
	}
	return audit.Type(e.Type).Text()
}

// eventTone is its colour.
func eventTone(e *storage.AuditEvent) string {
	switch severity := audit.Type(e.Type).Severity(); {
	case severity >= 8:
		return "bad"
	case severity >= 6:
		return "warning"
	}
	return ""
}
