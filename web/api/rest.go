package api

import (
	"net/http"
	"strings"
	"time"

	"brygga/admin"
	"brygga/keys"
	"brygga/secret"
	"brygga/storage"
)

func keyViews(all []keys.Info) map[string]any {
	views := make([]map[string]any, len(all))
	for i, k := range all {
		v := map[string]any{"id": k.ID, "algorithm": k.Algorithm, "use": string(k.Use), "state": string(k.State)}
		for name, at := range map[string]time.Time{"published": k.Published, "activated": k.Activated, "retired": k.Retired, "removed": k.Removed} {
			if !at.IsZero() {
				v[name] = at
			}
		}
		views[i] = v
	}
	return map[string]any{"items": views}
}

func listKeys(c *call) (*answer, error) {
	all, err := c.Admin.Keys(c, c.actor)
	if err != nil {
		return nil, err
	}
	return ok(keyViews(all))
}

func rotateKeys(c *call) (*answer, error) {
	now := false
	if err := c.members(map[string]any{"now": &now}); err != nil {
		return nil, err
	}
	all, err := c.Admin.RotateKeys(c, c.actor, now)
	if err != nil {
		return nil, err
	}
	return ok(keyViews(all))
}

func showLog(c *call) (*answer, error) {
	log, err := c.Admin.ShowLog(c, c.actor)
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{"public_key": log.PublicKey, "checkpoint": string(log.Checkpoint), "events": log.Events})
}

func showLogin(c *call) (*answer, error) {
	reference, err := c.reference()
	if err != nil {
		return nil, err
	}
	from, to, err := c.times()
	if err != nil {
		return nil, err
	}
	events, err := c.Admin.LoginEvents(c, c.actor, reference, from, to)
	if err != nil {
		return nil, err
	}
	return ok(map[string]any{"items": events})
}

func prove(c *call) (*answer, error) {
	reference, err := c.reference()
	if err != nil {
		return nil, err
	}
	from, to, err := c.times()
	if err != nil {
		return nil, err
	}
	proof, err := c.Admin.Prove(c, c.actor, reference, from, to)
	if err != nil {
		return nil, err
	}
	return ok(proof)
}

func apiKeyView(k *storage.APIKey) map[string]any {
	secrets := make([]map[string]any, len(k.Secrets))
	for i, s := range k.Secrets {
		if secrets[i] = map[string]any{"created": s.Created}; !s.Expires.IsZero() {
			secrets[i]["expires"] = s.Expires
		}
	}
	v := map[string]any{
		"id": k.ID, "name": k.Name, "scopes": k.Scopes, "groups": append([]string{}, k.Groups...), "networks": append([]string{}, k.Networks...),
		"secrets": secrets, "created": k.Created, "creator": k.Creator,
	}
	if k.ClientID != "" {
		v["client"] = k.ClientID
	}
	if !k.Expires.IsZero() {
		v["expires"] = k.Expires
	}
	if !k.Used.IsZero() {
		v["used"], v["address"] = k.Used, k.Address
	}
	return v
}

func listAPIKeys(c *call) (*answer, error) {
	all, err := c.Admin.APIKeys(c, c.actor)
	if err != nil {
		return nil, err
	}
	views := make([]any, len(all))
	for i, k := range all {
		views[i] = apiKeyView(k)
	}
	return ok(map[string]any{"items": views})
}

func withKey(k *storage.APIKey, value secret.String) map[string]any {
	return map[string]any{"api_key": apiKeyView(k), "key": value.Reveal()}
}

func createAPIKey(c *call) (*answer, error) {
	var n admin.NewAPIKey
	expires := ""
	if err := c.members(map[string]any{"name": &n.Name, "client": &n.ClientID, "scopes": &n.Scopes, "groups": &n.Groups, "networks": &n.Networks, "expires": &expires}); err != nil {
		return nil, err
	}
	if expires != "" {
		at, err := time.Parse(time.RFC3339, expires)
		if err != nil {
			return nil, invalid(fault{Pointer: "/expires", Detail: "is no time such as 2026-03-01T14:30:00Z"})
		}
		n.Expires = at.UTC()
	}
	key, value, err := c.Admin.CreateAPIKey(c, c.actor, n)
	if err != nil {
		return nil, err
	}
	return made(withKey(key, value))
}

func rotateAPIKey(c *call) (*answer, error) {
	keep, err := c.keep()
	if err != nil {
		return nil, err
	}
	key, value, err := c.Admin.RotateAPIKey(c, c.actor, c.id(), keep)
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, body: withKey(key, value)}, nil
}

func deleteAPIKey(c *call) (*answer, error) {
	return &answer{}, c.Admin.RemoveAPIKey(c, c.actor, c.id())
}

func showHealth(c *call) (*answer, error) {
	h, err := c.Admin.Health(c, c.actor)
	if err != nil {
		return nil, err
	}
	details := map[string]string{}
	for _, d := range h.Details {
		details[strings.TrimSpace(d.Name)] = d.Text
	}
	return ok(map[string]any{"ready": h.Problem == "", "problem": h.Problem, "details": details})
}
