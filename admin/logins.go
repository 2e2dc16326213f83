package admin

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"brygga/audit"
	"brygga/logins"
	"brygga/personnummer"
	"brygga/secret"
	"brygga/storage"
)

// The operations on logins and their figures.
const (
	SearchLogins   Name = "logins.search"
	FindPerson     Name = "logins.find_person"
	ShowFigures    Name = "figures.show"
	ShowStatistics Name = "statistics.show"
)

// The scopes that they need beside ScopeLoginsRead.
const (
	ScopeLoginsPerson   = "logins:person"
	ScopeStatisticsRead = "statistics:read"
)

// SearchLogins finds logins of clients that the actor may see, the last begun first. The query's Person is a pseudonym; its Visible is not looked at.
func (s *Service) SearchLogins(ctx context.Context, actor Actor, q logins.Query) (logins.Found, error) {
	r, err := s.permit(ctx, actor, SearchLogins)
	if err != nil {
		return logins.Found{}, err
	}
	q.Visible = s.loginsFor(ctx, r)
	return s.logins.Search(ctx, q)
}

// ErrPersonalNumber means that what was typed is no personal number of twelve digits, and nothing else that people are known by.
var ErrPersonalNumber = errors.New("admin: not a personal number")

// FindPerson returns the pseudonym of a personal number, by which SearchLogins and AuditEvents find what a person did, or ErrPersonalNumber. Who has no
// personal number is found by the first key that their eID names, such as an HSA-ID; who has one, by that alone. What was typed
// is used for nothing else; that it was looked for stands in the audit log, with the pseudonym.
func (s *Service) FindPerson(ctx context.Context, actor Actor, number secret.String) (pseudonym string, err error) {
	if _, err := s.permit(ctx, actor, FindPerson); err != nil {
		return "", err
	}
	if !personnummer.Valid(number.Reveal()) {
		key, ok := s.readPerson(number)
		if !ok {
			return "", ErrPersonalNumber
		}
		number = key.Person()
	}
	records, told := s.o.Audit.Of(audit.Event{Type: audit.PersonSought, Actor: actor.name, Person: number, SourceAddress: address(actor.from)})
	if err := s.o.Store.AppendAudit(ctx, records...); err != nil { // who looks leaves a trace, or does not look
		return "", fmt.Errorf("record who looks for a person: %w", err)
	}
	told(ctx)
	return s.o.Audit.Pseudonym(number), nil
}

func (s *Service) readPerson(text secret.String) (storage.PersonKey, bool) {
	if s.o.ReadPerson == nil {
		return storage.PersonKey{}, false
	}
	return s.o.ReadPerson(text)
}

// Stories tells the stories of the logins of that reference which the actor may see, in a language, or returns storage.ErrNotFound.
func (s *Service) Stories(ctx context.Context, actor Actor, reference storage.Reference, language string) ([]*logins.Story, error) {
	r, err := s.permit(ctx, actor, ShowLogin)
	if err != nil {
		return nil, err
	}
	events, err := s.logins.Events(ctx, reference)
	if err != nil {
		return nil, err
	}
	if !r.all {
		if events, err = s.seen(ctx, r, events); err != nil {
			return nil, err
		}
	}
	if len(events) == 0 {
		return nil, storage.ErrNotFound
	}
	return s.logins.Tell(ctx, events, language, func(id string) string { return s.clientName(ctx, id, language) })
}

// clientName returns what a client is called in a language, its ID when it is gone.
func (s *Service) clientName(ctx context.Context, id, language string) string {
	c, err := s.o.Store.Client(ctx, id)
	if err != nil || c.NameIn(language) == "" {
		return id
	}
	return c.NameIn(language)
}

// visibleTo reports for the ID of a client whether it is within reach; nil for all. It asks once for each.
func (s *Service) visibleTo(ctx context.Context, r reach) func(id string) bool {
	if r.all {
		return nil
	}
	known := map[string]bool{}
	return func(id string) bool {
		is, asked := known[id]
		if !asked {
			c, err := s.o.Store.Client(ctx, id)
			is = err == nil && r.has(c)
			known[id] = is
		}
		return is
	}
}

// loginsFor reports whether a login is one of a client within reach; nil for all. Who adds a client with the ID of another that was removed sees nothing of
// that one's. It asks once for each client.
func (s *Service) loginsFor(ctx context.Context, r reach) func(*logins.Login) bool {
	if r.all {
		return nil
	}
	known := map[string]*storage.Client{}
	return func(l *logins.Login) bool {
		c, asked := known[l.ClientID]
		if !asked {
			if found, err := s.o.Store.Client(ctx, l.ClientID); err == nil && r.has(found) {
				c = found
			}
			known[l.ClientID] = c
		}
		return c != nil && !c.Succeeds(l.Begun.Add(time.Minute-1)) && !c.Succeeds(l.Last)
	}
}

// SearchAudit returns the audit events that are wanted; see logins.Book.AuditEvents.
func (s *Service) SearchAudit(ctx context.Context, actor Actor, q logins.EventQuery) (logins.FoundEvents, error) {
	if _, err := s.permit(ctx, actor, ListAudit); err != nil {
		return logins.FoundEvents{}, err
	}
	return s.logins.AuditEvents(ctx, q)
}

// Figures are what is going on.
type Figures struct {
	// Hours are the hours up to now, oldest first, and Before as many a week earlier, each as counts of the logins begun in it.
	Hours, Before []logins.Hour
	// Sum are the Hours together. Clients are those with most logins since the Swedish midnight before yesterday's, Today's counts alone are in Today.
	Sum     logins.Counts
	Clients []logins.Client
	Today   logins.Counts
	// Behind is how many events are not counted yet.
	Behind int64
}

// figuredClients is how many clients Figures name.
const figuredClients = 20

// Figures returns what is going on with the clients that the actor may see, of the last so many hours, a week at most.
func (s *Service) Figures(ctx context.Context, actor Actor, hours int) (*Figures, error) {
	r, err := s.permit(ctx, actor, ShowFigures)
	if err != nil {
		return nil, err
	}
	hours = min(max(1, hours), 7*24)
	f := new(Figures)
	ids := []string{""}
	if !r.all {
		if ids, err = s.reachable(ctx, r); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		if err := s.addHours(ctx, f, id, hours); err != nil {
			return nil, err
		}
	}
	for _, h := range f.Hours {
		f.Sum.Add(h.Counts)
	}
	if f.Clients, err = s.today(ctx, s.visibleTo(ctx, r)); err != nil {
		return nil, err
	}
	for _, c := range f.Clients {
		f.Today.Add(c.Counts)
	}
	f.Clients = f.Clients[:min(figuredClients, len(f.Clients))]
	f.Behind, err = s.logins.Behind(ctx, s.o.Store)
	return f, err
}

// addHours adds the hours of a client to the figures.
func (s *Service) addHours(ctx context.Context, f *Figures, client string, hours int) error {
	const week = 7 * 24 * time.Hour
	now, err := s.logins.Hours(ctx, client, s.o.Now(), hours)
	if err != nil {
		return err
	}
	before, err := s.logins.Hours(ctx, client, s.o.Now().Add(-week), hours)
	if err != nil {
		return err
	}
	if f.Hours == nil {
		f.Hours, f.Before = now, before
		return nil
	}
	for i := range now {
		f.Hours[i].Add(now[i].Counts)
		f.Before[i].Add(before[i].Counts)
	}
	return nil
}

// today returns the counts of clients since midnight in Sweden.
func (s *Service) today(ctx context.Context, visible func(string) bool) (all []logins.Client, err error) {
	clients, err := s.logins.Day(ctx, s.o.Now(), 10_000)
	if err != nil {
		return nil, err
	}
	for _, c := range clients {
		if visible == nil || visible(c.ID) {
			all = append(all, c)
		}
	}
	return all, nil
}

// reachable returns the IDs of the clients within reach, a thousand at most.
func (s *Service) reachable(ctx context.Context, r reach) (ids []string, err error) {
	for after := ""; ; {
		page, err := s.o.Store.Clients(ctx, after, clientPage)
		if err != nil {
			return nil, fmt.Errorf("list clients: %w", err)
		}
		for _, c := range page {
			if r.has(c) && len(ids) < clientPage {
				ids = append(ids, c.ID)
			}
		}
		if len(page) < clientPage {
			return ids, nil
		}
		after = page[len(page)-1].ID
	}
}

// Statistics are the counts of clients in a month.
type Statistics struct {
	// Month is such as 2026-11, in Swedish time, and From and To are when it begins and ends.
	Month    string
	From, To time.Time
	Clients  []ClientMonth
}

// ClientMonth are the counts of a client in a month.
type ClientMonth struct {
	logins.Client
	// Name and Organisation are the client's as they are now, empty when it is gone.
	Name string
}

// Statistics returns what the clients that the actor may see did in the Swedish month of that time. They are kept for as long as the store is.
func (s *Service) Statistics(ctx context.Context, actor Actor, month time.Time) (*Statistics, error) {
	r, err := s.permit(ctx, actor, ShowStatistics)
	if err != nil {
		return nil, err
	}
	all, err := s.logins.Month(ctx, month, 1_000_000)
	if err != nil {
		return nil, err
	}
	from := logins.Month(month)
	found := &Statistics{Month: logins.MonthName(month), From: from, To: logins.Month(from.AddDate(0, 0, 32))}
	visible := s.visibleTo(ctx, r)
	for _, c := range all {
		if visible == nil || visible(c.ID) {
			found.Clients = append(found.Clients, ClientMonth{c, s.nameNow(ctx, c.ID)})
		}
	}
	return found, nil
}

// nameNow returns the client's name, empty when it is gone.
func (s *Service) nameNow(ctx context.Context, id string) string {
	if c, err := s.o.Store.Client(ctx, id); err == nil {
		return c.Name
	}
	return ""
}

// ClientUse is when something happened last with a client, as the Swedish day, zero for never in that time; and the counts of the last so many days.
func (s *Service) ClientUse(ctx context.Context, actor Actor, id string, days int) (last time.Time, sum *logins.Counts, err error) {
	r, err := s.permit(ctx, actor, ShowClient)
	if err != nil {
		return last, nil, err
	}
	if _, err := s.visible(ctx, r, id); err != nil {
		return last, nil, err
	}
	return s.logins.Last(ctx, id, min(max(1, days), 400))
}

// WriteCSV writes the statistics as comma-separated values (RFC 4180), a row for each client; the first row names the columns. A value that a spreadsheet would
// take for a formula begins with an apostrophe.
func (s *Statistics) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.Write([]string{"month", "client_id", "name", "identified", "completed", "refused", "failed", "ended", "logins", "orders", "from_session", "this_device", "other_device", "telephone", "by_program", "signatures", "payments"})
	for _, c := range s.Clients {
		row := []string{s.Month, audit.Cell(c.ID), audit.Cell(c.Name)}
		for _, n := range []int64{
			c.Identified(), c.Completed, c.Refused, c.Failed, c.Ended, c.Logins, c.Orders, c.Sessions, c.Devices[storage.DeviceThis], c.Devices[storage.DeviceOther],
			c.Devices[storage.DeviceCall], c.Devices[storage.DeviceProgram], c.Signatures, c.Payments,
		} {
			row = append(row, strconv.FormatInt(n, 10))
		}
		out.Write(row)
	}
	out.Flush()
	return out.Error()
}
