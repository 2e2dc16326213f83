package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"brygga/clients"
	"brygga/spelling"
	"brygga/storage"
)

// readOnly are members of a client that are shown and, so that what was read can be sent back, passed over when they are sent.
var readOnly = []string{"id", "revision", "static", "created", "updated", "secrets", "brand"}

// view is a client as JSON: all but the hashes of its secrets.
func view(c *storage.Client) map[string]any {
	v := map[string]any{"id": c.ID, "revision": c.Revision, "static": c.Static}
	for _, s := range clients.Settings() {
		if value := s.Value(c); value != nil {
			v[s.Key] = value
		}
	}
	if len(clients.PolicyLines(&c.Policy)) > 0 {
		v["policy"] = c.Policy
	}
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
	return v
}

func etag(c *storage.Client) string { return tagOf(c.Revision) }

func tagOf(revision uint64) string { return fmt.Sprintf(`"%d"`, revision) }

// setter returns a function that makes the members the settings of a client, or a problem that names all that cannot be read. A null takes
// a setting away.
func setter(before string, members map[string]json.RawMessage) (func(*storage.Client) error, error) {
	var changes []func(*storage.Client) error
	var faults []fault
	for _, key := range slices.Sorted(maps.Keys(members)) {
		set, err := member(key, members[key])
		if err != nil {
			faults = append(faults, fault{Pointer: pointer(before, key), Detail: err.Error(), Remedy: nearKey(key)})
			continue
		}
		changes = append(changes, set)
	}
	if len(faults) > 0 {
		return nil, invalid(faults...)
	}
	return func(c *storage.Client) error {
		var all clients.Problems
		for _, set := range changes {
			if err := set(c); err != nil {
				problem, ok := err.(clients.Problem)
				if !ok {
					return err
				}
				all = append(all, problem)
			}
		}
		if len(all) > 0 {
			return all
		}
		return nil
	}, nil
}

// nearKey is the remedy for a member that there is not, empty for one that there is.
func nearKey(key string) string {
	known := []string{"policy"}
	for _, s := range clients.Settings() {
		known = append(known, s.Key)
	}
	if near := spelling.Nearest(key, known); near != "" && near != key {
		return "did you mean " + near + "?"
	}
	return ""
}

func member(key string, value json.RawMessage) (func(*storage.Client) error, error) {
	if slices.Contains(readOnly, key) {
		return func(*storage.Client) error { return nil }, nil
	}
	if key == "policy" {
		var policy storage.Policy
		decoder := json.NewDecoder(strings.NewReader(string(value)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&policy); err != nil {
			return nil, fmt.Errorf("cannot be read as a policy")
		}
		return func(c *storage.Client) error { c.Policy = policy; return nil }, nil
	}
	s := clients.SettingOf(key)
	if s == nil {
		return nil, fmt.Errorf("there is no such setting")
	}
	given, err := texts(s, value)
	if err != nil {
		return nil, err
	}
	return func(c *storage.Client) error { return s.Set(c, given...) }, nil
}

// texts returns a JSON value as the texts that the setting takes, none for null.
func texts(s *clients.Setting[storage.Client], value json.RawMessage) (given []string, err error) {
	if string(value) == "null" {
		return nil, nil
	}
	switch s.Kind() {
	case clients.Switch:
		var on bool
		if json.Unmarshal(value, &on) != nil {
			return nil, fmt.Errorf("is neither true nor false")
		}
		return []string{fmt.Sprint(on)}, nil
	case clients.List, clients.Words:
		if json.Unmarshal(value, &given) != nil {
			return nil, fmt.Errorf("is not a list of texts")
		}
		return given, nil
	case clients.Texts:
		var named map[string]string
		if json.Unmarshal(value, &named) != nil {
			return nil, fmt.Errorf("is not an object of texts")
		}
		for _, name := range slices.Sorted(maps.Keys(named)) {
			given = append(given, name+"="+named[name])
		}
		return given, nil
	}
	if value[0] == '{' && s.Key == keySetting {
		return []string{string(value)}, nil
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return nil, fmt.Errorf("is not a text")
	}
	return []string{text}, nil
}

// keySetting is the setting that is a JSON object itself.
const keySetting = "jwks"
