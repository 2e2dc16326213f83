package api

import (
	"encoding/json"
	"fmt"
	"maps"

	"brygga/clients"
	"brygga/storage"
)

// readOnly are members of a client that are shown and, so that what was read can be sent back, passed over when they are sent.
var readOnly = []string{"id", "revision", "static", "created", "updated", "secrets", "webhook_secrets"}

// view is a client as JSON: all but the hashes of its secrets.
func view(c *storage.Client) map[string]any {
	v := clients.Members(c)
	v["id"], v["revision"], v["static"] = c.ID, c.Revision, c.Static
	if c.Static {
		return v
	}
	v["created"], v["updated"] = c.Created, c.Updated
	secrets := []map[string]any{}
	for _, s := range c.Secrets {
		shown := map[string]any{"created": s.Created}
		if !s.Expires.IsZero() {
			shown["expires"] = s.Expires
		}
		secrets = append(secrets, shown)
	}
	v["secrets"] = secrets
	if len(c.WebhookKeys) > 0 {
		v["webhook_secrets"] = webhookSecrets(c)
	}
	return v
}

// webhookSecrets are those of the client's webhook, without what they are made from.
func webhookSecrets(c *storage.Client) (all []map[string]any) {
	for _, k := range c.WebhookKeys {
		shown := map[string]any{"created": k.Created}
		if !k.Expires.IsZero() {
			shown["expires"] = k.Expires
		}
		all = append(all, shown)
	}
	return all
}

// etag is the tag of a client, empty for one that is not stored.
func etag(c *storage.Client) string {
	if c.Revision == 0 {
		return ""
	}
	return tagOf(c.Revision)
}

func tagOf(revision uint64) string { return fmt.Sprintf(`"%d"`, revision) }

// setter returns a function that makes the members the settings of a client, or a problem that names all that cannot be read; the body has them at
// that pointer. A null takes a setting away.
func setter(before string, members map[string]json.RawMessage) (func(*storage.Client) error, error) {
	members = maps.Clone(members)
	for _, key := range readOnly {
		delete(members, key)
	}
	set, err := clients.SetMembers(members)
	if err != nil {
		return nil, invalid(faultsOf(before, err)...)
	}
	return set, nil
}

// keySetting is the setting that is a JSON object itself.
const keySetting = "jwks"
