package clients

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"brygga/spelling"
	"brygga/storage"
)

const (
	// policyMember is the member of a client that is an object of settings of its own.
	policyMember = "policy"
	// jwksMember is the setting that is a JSON object itself.
	jwksMember = "jwks"
)

// Members returns the settings of a client as members of a JSON object. One that is not set is none of them; a switch always is.
func Members(c *storage.Client) map[string]any {
	members := map[string]any{}
	for _, s := range Settings() {
		if value := s.Value(c); value != nil {
			members[s.Key] = value
		}
	}
	if len(PolicyLines(&c.Policy)) > 0 {
		members[policyMember] = c.Policy
	}
	return members
}

// ChangedMembers returns the members in which after differs from before, null for one that is gone.
func ChangedMembers(before, after *storage.Client) (map[string]json.RawMessage, error) {
	old, err := encoded(Members(before))
	if err != nil {
		return nil, err
	}
	changed, err := encoded(Members(after))
	if err != nil {
		return nil, err
	}
	for key, value := range old {
		switch now, there := changed[key]; {
		case !there:
			changed[key] = json.RawMessage("null")
		case string(now) == string(value):
			delete(changed, key)
		}
	}
	return changed, nil
}

func encoded(members map[string]any) (map[string]json.RawMessage, error) {
	all := make(map[string]json.RawMessage, len(members))
	for key, value := range members {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		all[key] = text
	}
	return all, nil
}

// SetMembers returns a function that makes the members the settings of a client, or Problems that name all that cannot be read. A null takes a
// setting away.
func SetMembers(members map[string]json.RawMessage) (func(*storage.Client) error, error) {
	var changes []func(*storage.Client) error
	var wrong Problems
	for _, key := range slices.Sorted(maps.Keys(members)) {
		set, problem := member(key, members[key])
		if problem != "" {
			wrong = append(wrong, Problem{Key: key, Problem: problem, Remedy: nearMember(key)})
			continue
		}
		changes = append(changes, set)
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	return func(c *storage.Client) error {
		var wrong Problems
		for _, set := range changes {
			if err := set(c); err != nil {
				problem, ok := errors.AsType[Problem](err)
				if !ok {
					return err
				}
				wrong = append(wrong, problem)
			}
		}
		if len(wrong) > 0 {
			return wrong
		}
		return nil
	}, nil
}

// nearMember is the remedy for a member that there is not, empty for one that there is.
func nearMember(key string) string {
	known := []string{policyMember}
	for _, s := range Settings() {
		known = append(known, s.Key)
	}
	if near := spelling.Nearest(key, known); near != "" && near != key {
		return "did you mean " + near + "?"
	}
	return ""
}

func member(key string, value json.RawMessage) (set func(*storage.Client) error, problem string) {
	if key == policyMember {
		var policy storage.Policy
		decoder := json.NewDecoder(strings.NewReader(string(value)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&policy); err != nil {
			return nil, "cannot be read as a policy"
		}
		return func(c *storage.Client) error { c.Policy = policy; return nil }, ""
	}
	s := SettingOf(key)
	if s == nil {
		return nil, "there is no such setting"
	}
	given, problem := texts(s, value)
	return func(c *storage.Client) error { return s.Set(c, given...) }, problem
}

// texts returns a JSON value as the texts that the setting takes, none for null, or what is wrong with it.
func texts(s *Setting[storage.Client], value json.RawMessage) (given []string, problem string) {
	if string(value) == "null" {
		return nil, ""
	}
	switch s.Kind() {
	case Switch:
		if text := string(value); text == "true" || text == "false" {
			return []string{text}, ""
		}
		return nil, "is neither true nor false"
	case List, Words:
		if json.Unmarshal(value, &given) != nil {
			return nil, "is not a list of texts"
		}
		return given, ""
	case Texts:
		var named map[string]string
		if json.Unmarshal(value, &named) != nil {
			return nil, "is not an object of texts"
		}
		for _, name := range slices.Sorted(maps.Keys(named)) {
			given = append(given, name+"="+named[name])
		}
		return given, ""
	}
	if value[0] == '{' && s.Key == jwksMember {
		return []string{string(value)}, ""
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return nil, "is not a text"
	}
	return []string{text}, ""
}
