package clients

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
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
	// brandMember is the member that has a client's looks, its logo in base64.
	brandMember = "brand"
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
	if !IsPlain(c.Brand) {
		members[brandMember] = c.Brand
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
		set, problems := member(key, members[key])
		wrong = append(wrong, problems...)
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

// unread is the problem of a member that cannot be read; of one that there is not it says which of those known may have been meant.
func unread(key string, what code, name string, known []string) Problem {
	p := Fault(key, what)
	if near := spelling.Nearest(name, known); near != "" && near != name {
		return p.Near(name, known)
	}
	return p
}

// knownMembers are the names of the settings, of the policy and of the looks.
func knownMembers() []string {
	known := []string{policyMember, brandMember}
	for _, s := range Settings() {
		known = append(known, s.Key)
	}
	return known
}

func member(key string, value json.RawMessage) (set func(*storage.Client) error, wrong Problems) {
	switch key {
	case policyMember:
		policy, wrong := recordOf[storage.Policy](key, value)
		return func(c *storage.Client) error { c.Policy = policy; return nil }, wrong
	case brandMember:
		brand, wrong := recordOf[storage.Brand](key, value)
		return func(c *storage.Client) error { c.Brand = brand; return nil }, wrong
	}
	s := SettingOf(key)
	if s == nil {
		return nil, Problems{unread(key, "member.unknown", key, knownMembers())}
	}
	given, problem := texts(s, value)
	if problem != "" {
		return nil, Problems{Fault(key, problem)}
	}
	return func(c *storage.Client) error { return s.Set(c, given...) }, nil
}

// recordOf reads a record within a client. Its members have the names that they are written under, in the same letters: encoding/json would take others for
// them.
func recordOf[R any](member string, value json.RawMessage) (record R, wrong Problems) {
	var members map[string]json.RawMessage
	if json.Unmarshal(value, &members) != nil {
		return record, Problems{Fault(member, "member.policy")}
	}
	known := membersOf[R]()
	for _, key := range slices.Sorted(maps.Keys(members)) {
		one, err := json.Marshal(map[string]json.RawMessage{key: members[key]})
		switch {
		case !slices.Contains(known, key):
			wrong = append(wrong, unread(member+"."+key, "member.unknown", key, known))
		case err != nil || json.Unmarshal(one, &record) != nil:
			wrong = append(wrong, Fault(member+"."+key, "member.type"))
		}
	}
	return record, wrong
}

// membersOf returns the names of a record's members.
func membersOf[R any]() (keys []string) {
	for field := range reflect.TypeFor[R]().Fields() {
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		keys = append(keys, key)
	}
	return keys
}

// texts returns a JSON value as the texts that the setting takes, none for null, or what is wrong with it.
func texts(s *Setting[storage.Client], value json.RawMessage) (given []string, problem code) {
	if string(value) == "null" {
		return nil, ""
	}
	switch s.Kind() {
	case Switch:
		if text := string(value); text == "true" || text == "false" {
			return []string{text}, ""
		}
		return nil, "member.switch"
	case List, Words:
		if json.Unmarshal(value, &given) != nil {
			return nil, "member.list"
		}
		return given, ""
	case Texts:
		var named map[string]string
		if json.Unmarshal(value, &named) != nil {
			return nil, "member.object"
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
		return nil, "member.text"
	}
	return []string{text}, ""
}
