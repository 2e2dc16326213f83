package api

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"brygga/account"
	"brygga/admin"
	"brygga/audit/tree"
	"brygga/duration"
	"brygga/keys"
	"brygga/secret"
	"brygga/storage"
)

func isNotFound(err error) bool { return errors.Is(err, storage.ErrNotFound) }

func keepBody(keep time.Duration) map[string]string {
	return map[string]string{"keep": duration.Format(keep)}
}

// wireKeys are the Keys of the document.
type wireKeys struct{ Items []keys.Info }

// Keys returns the signing and encryption keys, oldest first.
func (r *Remote) Keys(ctx context.Context) ([]keys.Info, error) {
	var all wireKeys
	_, err := r.ask(ctx, request{method: "GET", path: "/keys"}, &all)
	return all.Items, err
}

// RotateKeys uses other keys from now on; with now it replaces every key at once.
func (r *Remote) RotateKeys(ctx context.Context, now bool) ([]keys.Info, error) {
	var all wireKeys
	_, err := r.ask(ctx, request{method: "POST", path: "/keys/rotate", body: map[string]bool{"now": now}}, &all)
	return all.Items, err
}

func span(from, to time.Time) url.Values {
	query := url.Values{}
	for name, at := range map[string]time.Time{fromTime: from, toTime: to} {
		if !at.IsZero() {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	return query
}

// AuditEvents returns at most limit events in the order of their time, from inclusive, to exclusive.
func (r *Remote) AuditEvents(ctx context.Context, from, to time.Time, limit int) (all []storage.AuditEvent, err error) {
	query := span(from, to)
	query.Set(limited, strconv.Itoa(min(limit, maxLimit)))
	err = pages(ctx, r, "/audit/events", query, func(page []storage.AuditEvent) bool {
		all = append(all, page...)
		return len(all) < limit
	})
	return all[:min(len(all), limit)], err
}

// ShowLog returns the signed state of the audit log.
func (r *Remote) ShowLog(ctx context.Context) (*admin.Log, error) {
	var log struct {
		PublicKey  string `json:"public_key"`
		Checkpoint string
		Events     int64
	}
	_, err := r.ask(ctx, request{method: "GET", path: "/audit/checkpoint"}, &log)
	return &admin.Log{PublicKey: log.PublicKey, Checkpoint: []byte(log.Checkpoint), Events: log.Events}, err
}

// Prove proves that the audit log has the events of that reference and time.
func (r *Remote) Prove(ctx context.Context, reference storage.Reference, from, to time.Time) (*tree.Proof, error) {
	proof := new(tree.Proof)
	_, err := r.ask(ctx, request{method: "GET", path: at("logins", string(reference), "proof"), query: span(from, to)}, proof)
	return proof, err
}

// Operators returns all operators, ordered by ID.
func (r *Remote) Operators(ctx context.Context) ([]admin.OperatorView, error) {
	var all struct{ Items []admin.OperatorView }
	_, err := r.ask(ctx, request{method: "GET", path: "/operators"}, &all)
	return all.Items, err
}

// Operator returns the operator with that ID, user name or e-mail address.
func (r *Remote) Operator(ctx context.Context, idOrName string) (admin.OperatorView, error) {
	return r.operator(ctx, request{method: "GET", path: at("operators", idOrName)})
}

func (r *Remote) operator(ctx context.Context, q request) (found admin.OperatorView, err error) {
	_, err = r.ask(ctx, q, &found)
	return found, err
}

// OperatorSessions returns where the operator is logged in.
func (r *Remote) OperatorSessions(ctx context.Context, id string) ([]admin.SessionView, error) {
	var all struct{ Items []admin.SessionView }
	_, err := r.ask(ctx, request{method: "GET", path: at("operators", id, "sessions")}, &all)
	return all.Items, err
}

// Invite invites somebody to be an operator.
func (r *Remote) Invite(ctx context.Context, i account.Invitation) (admin.OperatorView, error) {
	return r.operator(ctx, request{method: "POST", path: "/operators", body: map[string]any{
		"user_name": i.UserName.Reveal(), "email": i.Email.Reveal(), "name": i.Name.Reveal(), "language": i.Language, "roles": i.Roles, "groups": append([]string{}, i.Groups...),
		"all_clients": i.AllClients,
	}})
}

// InviteAgain sends another link to somebody who is invited.
func (r *Remote) InviteAgain(ctx context.Context, id string) error {
	return r.act(ctx, "POST", "operators", id, "invite")
}

func (r *Remote) act(ctx context.Context, method string, parts ...string) error {
	_, err := r.ask(ctx, request{method: method, path: at(parts...)}, nil)
	return err
}

// EditOperator changes of an operator what c names.
func (r *Remote) EditOperator(ctx context.Context, id string, c admin.OperatorChange) (admin.OperatorView, error) {
	body := map[string]any{}
	if c.PersonalNumber != nil {
		body["personal_number"] = c.PersonalNumber.Reveal()
	}
	put(body, "name", c.Name)
	put(body, "language", c.Language)
	put(body, "roles", c.Roles)
	put(body, "groups", c.Groups)
	put(body, "all_clients", c.AllClients)
	put(body, "disabled", c.Disabled)
	match := ""
	if c.Revision != 0 {
		match = tagOf(c.Revision)
	}
	return r.operator(ctx, request{method: "PATCH", path: at("operators", id), match: match, body: body})
}

func put[T any](body map[string]any, name string, value *T) {
	if value != nil {
		body[name] = *value
	}
}

// EndSessions ends the session of an operator that has that ID, empty for all of them.
func (r *Remote) EndSessions(ctx context.Context, id, session string) error {
	parts := []string{"operators", id, "sessions"}
	if session != "" {
		parts = append(parts, session)
	}
	return r.act(ctx, "DELETE", parts...)
}

// Unlock lets an operator's next attempt to log in through.
func (r *Remote) Unlock(ctx context.Context, id string) error {
	return r.act(ctx, "POST", "operators", id, "unlock")
}

// RemoveOperator removes an operator.
func (r *Remote) RemoveOperator(ctx context.Context, id string) error {
	return r.act(ctx, "DELETE", "operators", id)
}

// APIKeys returns all keys for the API, ordered by ID.
func (r *Remote) APIKeys(ctx context.Context) ([]*storage.APIKey, error) {
	var all struct{ Items []*storage.APIKey }
	_, err := r.ask(ctx, request{method: "GET", path: "/api-keys"}, &all)
	return all.Items, err
}

func (r *Remote) apiKey(ctx context.Context, q request) (*storage.APIKey, secret.String, error) {
	var made struct {
		APIKey *storage.APIKey `json:"api_key"`
		Key    string
	}
	_, err := r.ask(ctx, q, &made)
	return made.APIKey, secret.New(made.Key), err
}

// CreateAPIKey makes a key and returns it as it is handed over, once.
func (r *Remote) CreateAPIKey(ctx context.Context, n admin.NewAPIKey) (*storage.APIKey, secret.String, error) {
	body := map[string]any{"name": n.Name, "scopes": append([]string{}, n.Scopes...), "groups": append([]string{}, n.Groups...), "networks": append([]string{}, n.Networks...)}
	if n.ClientID != "" {
		body["client"] = n.ClientID
	}
	if !n.Expires.IsZero() {
		body["expires"] = n.Expires.UTC().Format(time.RFC3339)
	}
	return r.apiKey(ctx, request{method: "POST", path: "/api-keys", body: body})
}

// RotateAPIKey gives a key a new secret and returns it as it is handed over, once.
func (r *Remote) RotateAPIKey(ctx context.Context, id string, keep time.Duration) (*storage.APIKey, secret.String, error) {
	return r.apiKey(ctx, request{method: "POST", path: at("api-keys", id, "rotate"), body: keepBody(keep)})
}

// RemoveAPIKey removes a key.
func (r *Remote) RemoveAPIKey(ctx context.Context, id string) error {
	return r.act(ctx, "DELETE", "api-keys", id)
}

// Health returns the installation's health, its details in no order.
func (r *Remote) Health(ctx context.Context) (admin.Health, error) {
	var h struct {
		Problem string
		Details map[string]string
	}
	_, err := r.ask(ctx, request{method: "GET", path: "/health"}, &h)
	health := admin.Health{Problem: h.Problem}
	for name, text := range h.Details {
		health.Details = append(health.Details, admin.Detail{Name: name, Text: text})
	}
	return health, err
}
