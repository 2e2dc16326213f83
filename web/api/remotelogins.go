package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"brygga/admin"
	"brygga/logins"
	"brygga/notice"
	"brygga/secret"
	"brygga/storage"
)

// putAll sets what is not empty.
func putAll(query url.Values, all map[string]string) {
	for name, value := range all {
		if value != "" {
			query.Set(name, value)
		}
	}
}

// SearchLogins finds logins, the last begun first, at most Limit of them; there is no Next.
func (r *Remote) SearchLogins(ctx context.Context, q logins.Query) (found logins.Found, err error) {
	query := span(q.From, q.To)
	putAll(query, map[string]string{
		clientID: q.ClientID, outcome: string(q.Outcome), cause: q.Cause, device: q.Device, orderKind: string(q.Kind), ofEID: q.EID, browser: q.Browser, person: q.Person, subject: q.Subject,
		limited: strconv.Itoa(max(1, min(q.Limit, maxLimit))),
	})
	if q.Network.IsValid() {
		query.Set(network, q.Network.String())
	}
	err = pages(ctx, r, "/logins", query, func(page []logins.Login) bool {
		found.Logins = append(found.Logins, page...)
		return len(found.Logins) < q.Limit
	})
	found.Logins = found.Logins[:min(len(found.Logins), q.Limit)]
	return found, err
}

// FindPerson turns a personal number into its pseudonym. It returns admin.ErrPersonalNumber for what is none.
func (r *Remote) FindPerson(ctx context.Context, number secret.String) (string, error) {
	var found struct{ Person string }
	_, err := r.ask(ctx, request{method: http.MethodPost, path: "/find-person", body: map[string]string{"personal_number": number.Reveal()}}, &found)
	if e, is := errors.AsType[*RemoteError](err); is && e.Status == http.StatusUnprocessableEntity {
		err = admin.ErrPersonalNumber
	}
	return found.Person, err
}

// Stories tells what happened in the logins of that reference, or storage.ErrNotFound.
func (r *Remote) Stories(ctx context.Context, reference storage.Reference, in string) ([]*logins.Story, error) {
	var all struct{ Items []*logins.Story }
	_, err := r.ask(ctx, request{method: http.MethodGet, path: at("logins", string(reference), "story"), query: url.Values{language: {in}}}, &all)
	return all.Items, err
}

// LoginEvents returns the audit events of logins of that reference and time, or storage.ErrNotFound.
func (r *Remote) LoginEvents(ctx context.Context, reference storage.Reference, from, to time.Time) ([]storage.AuditEvent, error) {
	var all struct{ Items []storage.AuditEvent }
	_, err := r.ask(ctx, request{method: http.MethodGet, path: at("logins", string(reference)), query: span(from, to)}, &all)
	return all.Items, err
}

// SearchAudit returns a page of the audit events that are wanted.
func (r *Remote) SearchAudit(ctx context.Context, q logins.EventQuery) (logins.FoundEvents, error) {
	query := span(q.From, q.To)
	putAll(query, map[string]string{kind: q.Kind, byActor: q.Actor, clientID: q.ClientID, byObject: q.Object, person: q.Person, cursor: q.After, limited: strconv.Itoa(max(1, min(q.Limit, maxLimit)))})
	if q.Backwards {
		query.Set(backwards, "true")
	}
	var page struct {
		Items []storage.AuditEvent
		Next  string
	}
	_, err := r.ask(ctx, request{method: http.MethodGet, path: "/audit/events", query: query}, &page)
	return logins.FoundEvents{Events: page.Items, Next: page.Next}, err
}

// Statistics counts the logins of the Swedish month of that time, by client.
func (r *Remote) Statistics(ctx context.Context, month time.Time) (*admin.Statistics, error) {
	var found struct {
		Month    string
		From, To time.Time
		Clients  []struct {
			ID     string `json:"client_id"`
			Name   string
			Counts *logins.Counts
		}
	}
	if _, err := r.ask(ctx, request{method: http.MethodGet, path: "/statistics", query: url.Values{ofMonth: {logins.MonthName(month)}}}, &found); err != nil {
		return nil, err
	}
	s := &admin.Statistics{Month: found.Month, From: found.From, To: found.To}
	for _, c := range found.Clients {
		s.Clients = append(s.Clients, admin.ClientMonth{Client: logins.Client{ID: c.ID, Counts: c.Counts}, Name: c.Name})
	}
	return s, nil
}

// Banner returns the message on the login page as it is set, without who did.
func (r *Remote) Banner(ctx context.Context) (notice.Banner, error) {
	var b struct {
		SV, EN   string
		From, To time.Time
	}
	_, err := r.ask(ctx, request{method: http.MethodGet, path: "/banner"}, &b)
	return notice.Banner{Texts: map[string]string{"sv": b.SV, "en": b.EN}, From: b.From, To: b.To}, err
}

// SetBanner puts a message on the login page, or takes it away when there is no text.
func (r *Remote) SetBanner(ctx context.Context, b notice.Banner) error {
	body := map[string]any{}
	for name, text := range b.Texts {
		body[name] = text
	}
	if len(body) == 0 {
		return r.act(ctx, http.MethodDelete, "banner")
	}
	for name, at := range map[string]time.Time{"from": b.From, "to": b.To} {
		if !at.IsZero() {
			body[name] = at
		}
	}
	_, err := r.ask(ctx, request{method: http.MethodPut, path: "/banner", body: body}, nil)
	return err
}
