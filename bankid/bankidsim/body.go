package bankidsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// object reads a JSON object member by member, with exact names, and remembers the first fault. Unlike encoding/json it
// tells an absent member from a null one and a known name from one in another case.
type object struct {
	path    string
	members map[string]json.RawMessage
	lenient bool
	fault   **apiError
}

// parseObject reads a request body. The fault is collected in the object; callers ask finish for it.
func parseObject(body []byte, lenient bool) (*object, *apiError) {
	o := &object{lenient: lenient, fault: new(*apiError)}
	if !utf8.Valid(body) {
		return nil, invalid("The body is not UTF-8")
	}
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return nil, invalid("The body is not a JSON object")
	}
	if err := json.Unmarshal(body, &o.members); err != nil {
		return nil, invalid("The body is not JSON")
	}
	return o, nil
}

func (o *object) fail(name, rule string) {
	if *o.fault == nil {
		*o.fault = invalid(fmt.Sprintf("%s%s %s", o.path, name, rule))
	}
}

// take removes a member and says whether it was there with a value.
func (o *object) take(name string) (json.RawMessage, bool) {
	raw, ok := o.members[name]
	delete(o.members, name)
	if !ok {
		return nil, false
	}
	if string(raw) == "null" {
		if !o.lenient {
			o.fail(name, "must not be null")
		}
		return nil, false
	}
	return raw, true
}

// text returns a string member and whether it was there; min and max bound its length in characters.
func (o *object) text(name string, min, max int) (string, bool) {
	raw, ok := o.take(name)
	if !ok {
		return "", false
	}
	var value string
	if err := json.Unmarshal(raw, &value); err != nil {
		o.fail(name, "must be a string")
		return "", false
	}
	if n := utf8.RuneCountInString(value); n < min || n > max {
		o.fail(name, fmt.Sprintf("must have %d to %d characters", min, max))
		return "", false
	}
	return value, true
}

func (o *object) required(name string, min, max int) string {
	if _, ok := o.members[name]; !ok {
		o.fail(name, "is required")
		return ""
	}
	value, _ := o.text(name, min, max)
	return value
}

func (o *object) flag(name string) bool {
	raw, ok := o.take(name)
	if !ok {
		return false
	}
	var value bool
	if err := json.Unmarshal(raw, &value); err != nil {
		o.fail(name, "must be true or false")
	}
	return value
}

func (o *object) texts(name string) []string {
	raw, ok := o.take(name)
	if !ok {
		return nil
	}
	var values []string
	if err := json.Unmarshal(raw, &values); err != nil {
		o.fail(name, "must be an array of strings")
	}
	return values
}

// child returns a nested object, or nil if it is absent.
func (o *object) child(name string) *object {
	raw, ok := o.take(name)
	if !ok {
		return nil
	}
	c := &object{path: o.path + name + ".", lenient: o.lenient, fault: o.fault}
	if err := json.Unmarshal(raw, &c.members); err != nil {
		o.fail(name, "must be an object")
		return nil
	}
	return c
}

// finish refuses members that nobody took.
func (o *object) finish() {
	if o == nil || o.lenient || len(o.members) == 0 {
		return
	}
	var names []string
	for name := range o.members {
		names = append(names, fmt.Sprintf("%q", name))
	}
	sort.Strings(names)
	o.fail(strings.Join(names, ", "), "is not known")
}
