package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"brygga/admin"
	"brygga/audit"
	"brygga/clients"
	"brygga/secret"
	"brygga/storage"
)

// wireClient is a client as it comes over the wire.
type wireClient struct{ storage.Client }

// UnmarshalJSON reads what view has written.
func (c *wireClient) UnmarshalJSON(text []byte) error {
	var members map[string]json.RawMessage
	var shown struct {
		ID               string
		Revision         uint64
		Static           bool
		Created, Updated time.Time
		Secrets          []storage.ClientSecret
		WebhookKeys      []storage.WebhookKey `json:"webhook_secrets"`
	}
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	if err := json.Unmarshal(text, &shown); err != nil {
		return err
	}
	set, err := setter("", members)
	if err != nil {
		return fmt.Errorf("client %.128q: %w", shown.ID, err)
	}
	c.Client = storage.Client{ID: shown.ID, Revision: shown.Revision, Static: shown.Static, Created: shown.Created, Updated: shown.Updated, Secrets: shown.Secrets, WebhookKeys: shown.WebhookKeys}
	return set(&c.Client)
}

// wireChange is a ClientChange of the document.
type wireChange struct {
	ID, Action string
	Changes    []struct{ Setting, Before, After string }
	Published  []string
	Client     *wireClient
	Secret     string `json:"client_secret"`
	Webhook    string `json:"webhook_secret"`
}

func (w *wireChange) registered() *clients.Registered {
	r := &clients.Registered{
		Client: &storage.Client{ID: w.ID}, Secret: secret.New(w.Secret), WebhookSecret: secret.New(w.Webhook), Published: w.Published, New: w.Action == actionCreated, Removed: w.Action == actionRemoved,
	}
	if w.Client != nil {
		r.Client = &w.Client.Client
	}
	for _, c := range w.Changes {
		r.Changed = append(r.Changed, c.Setting)
		r.Changes = append(r.Changes, audit.Change{Name: c.Setting, Before: c.Before, After: c.After})
	}
	return r
}

// change asks for a change of a client.
func (r *Remote) change(ctx context.Context, q request) (*clients.Registered, error) {
	var done wireChange
	if _, err := r.ask(ctx, q, &done); err != nil {
		return nil, err
	}
	return done.registered(), nil
}

// Clients returns at most limit clients whose IDs follow after, and whether there may be more.
func (r *Remote) Clients(ctx context.Context, f admin.ClientFilter, after string, limit int) (found []*storage.Client, more bool, err error) {
	query := url.Values{limited: {strconv.Itoa(min(limit, maxLimit))}}
	for name, value := range map[string]string{search: f.Text, group: f.Group, profile: f.Profile} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if f.Disabled != nil {
		query.Set(disabled, strconv.FormatBool(*f.Disabled))
	}
	if after != "" {
		query.Set(cursor, cursorAt("/clients", query, after))
	}
	var page struct {
		Items []*wireClient
		Next  string
	}
	if _, err := r.ask(ctx, request{method: "GET", path: "/clients", query: query}, &page); err != nil {
		return nil, false, err
	}
	for _, one := range page.Items {
		found = append(found, &one.Client)
	}
	return found, page.Next != "", nil
}

// Client returns a client, or storage.ErrNotFound.
func (r *Remote) Client(ctx context.Context, id string) (*storage.Client, error) {
	var found wireClient
	_, err := r.ask(ctx, request{method: "GET", path: at("clients", id)}, &found)
	return &found.Client, err
}

// CheckClient returns the rules of the client's profile as they stand with its settings.
func (r *Remote) CheckClient(ctx context.Context, id string) (*storage.Client, []clients.Rule, error) {
	c, err := r.Client(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	var check struct{ Rules []clients.Rule }
	_, err = r.ask(ctx, request{method: "GET", path: at("clients", id, "check")}, &check)
	return c, check.Rules, err
}

// precondition returns what a change is bound to: whatever is there when nothing is demanded.
func precondition(d admin.Demand) (match, none string) {
	switch {
	case d.New:
		return "", "*"
	case d.Revision != 0:
		return tagOf(d.Revision), ""
	}
	return "*", ""
}

// PutClient makes a client of that ID what change makes of what every client has. Without a demand one that is there is changed, and another made.
func (r *Remote) PutClient(ctx context.Context, id string, d admin.Demand, change func(*storage.Client) error) (*clients.Registered, error) {
	members, err := wanted(id, change)
	if err != nil {
		return nil, err
	}
	if !d.New && d.Revision == 0 {
		before, err := r.Client(ctx, id)
		switch {
		case isNotFound(err):
			d.New = true
		case err != nil:
			return nil, err
		default:
			d.Revision = before.Revision
		}
	}
	match, none := precondition(d)
	return r.change(ctx, request{method: "PUT", path: at("clients", id), query: dry(d), match: match, none: none, body: members})
}

// wanted returns the members of a client that change makes.
func wanted(id string, change func(*storage.Client) error) (map[string]any, error) {
	c := clients.New(id)
	if err := change(&c); err != nil {
		return nil, err
	}
	return clients.Members(&c), nil
}

// UpdateClient makes a change of a client as it stands.
func (r *Remote) UpdateClient(ctx context.Context, id string, d admin.Demand, change func(*storage.Client) error) (*clients.Registered, error) {
	before, err := r.Client(ctx, id)
	if err != nil {
		return nil, err
	}
	after := *before
	if err := change(&after); err != nil {
		return nil, err
	}
	members, err := clients.ChangedMembers(before, &after)
	if err != nil {
		return nil, err
	}
	if d.Revision == 0 && !before.Static { // what is left as it is was read above
		d.Revision = before.Revision
	}
	match, _ := precondition(d)
	return r.change(ctx, request{method: "PATCH", path: at("clients", id), query: dry(d), match: match, body: members})
}

// SwitchClient enables a client, or disables it for a reason.
func (r *Remote) SwitchClient(ctx context.Context, id string, d admin.Demand, off bool, reason string) (*clients.Registered, error) {
	if !off {
		return r.change(ctx, request{method: "POST", path: at("clients", id, "enable"), query: dry(d)})
	}
	return r.change(ctx, request{method: "POST", path: at("clients", id, "disable"), query: dry(d), body: map[string]string{"reason": reason}})
}

// RotateSecret gives a client a new secret; those of before go on for keep.
func (r *Remote) RotateSecret(ctx context.Context, id string, d admin.Demand, keep time.Duration) (*clients.Registered, error) {
	return r.change(ctx, request{method: "POST", path: at("clients", id, "secrets"), query: dry(d), body: keepBody(keep)})
}

// RotateWebhook gives the webhook of a client a new secret; what is sent is signed with the one before too for keep.
func (r *Remote) RotateWebhook(ctx context.Context, id string, d admin.Demand, keep time.Duration) (*clients.Registered, error) {
	return r.change(ctx, request{method: "POST", path: at("clients", id, "webhook-secrets"), query: dry(d), body: keepBody(keep)})
}

// EndSecret ends the secret of a client that was made at that time.
func (r *Remote) EndSecret(ctx context.Context, id string, d admin.Demand, made time.Time) (*clients.Registered, error) {
	return r.change(ctx, request{method: "DELETE", path: at("clients", id, "secrets", made.UTC().Format(time.RFC3339Nano)), query: dry(d)})
}

// RemoveClient removes a client and revokes what it was granted.
func (r *Remote) RemoveClient(ctx context.Context, id string, d admin.Demand) error {
	match, _ := precondition(d)
	_, err := r.ask(ctx, request{method: "DELETE", path: at("clients", id), query: dry(d), match: match}, nil)
	return err
}

// ApplyClients makes all of the changes or none.
func (r *Remote) ApplyClients(ctx context.Context, changes []clients.Change, rest, dryRuns bool) ([]*clients.Registered, error) {
	body := map[string]any{"clients": []any{}, "remove": []string{}}
	for _, change := range changes {
		if change.Set == nil {
			body["remove"] = append(body["remove"].([]string), change.ID)
			continue
		}
		members, err := wanted(change.ID, change.Set)
		if err != nil {
			return nil, &clients.ChangeError{ID: change.ID, Err: err}
		}
		members["id"] = change.ID
		body["clients"] = append(body["clients"].([]any), members)
	}
	query := url.Values{prune: {strconv.FormatBool(rest)}, dryRun: {strconv.FormatBool(dryRuns)}}
	var done struct{ Changes []wireChange }
	if _, err := r.ask(ctx, request{method: "POST", path: "/apply", query: query, body: body}, &done); err != nil {
		return nil, err
	}
	all := make([]*clients.Registered, len(done.Changes))
	for i := range done.Changes {
		all[i] = done.Changes[i].registered()
	}
	return all, nil
}
