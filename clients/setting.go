package clients

import (
	"encoding"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Setting is one setting of a record R, which is a client or a policy. Whoever reads, writes, shows or explains settings goes
// through them and knows none by name.
type Setting[R any] struct {
	// Key is its name in the configuration file, in what is shown, and in the audit log.
	Key string
	// Flag is its name on the command line; empty where there is none.
	Flag string
	// Usage says what it means, in a line that begins in small letters.
	Usage string
	// Default is what stands for a value that is not given; empty where that says itself.
	Default string
	// Values are the values that there are; nil where there are too many to list.
	Values []string

	// at returns where the value stands in the record: a *string, *bool, *int, *[]string, *words or *map[string]string, or
	// else a text.
	at func(*R) any
}

// text is a value that reads and writes itself. One that is not set writes nothing.
type text interface {
	encoding.TextMarshaler
	encoding.TextUnmarshaler
}

// words is a list of which no member has a comma or a space.
type words []string

// Kind is the form of a setting's value.
type Kind int

// The kinds.
const (
	Text   Kind = iota // one text
	Switch             // true or false
	List               // several texts, each given by itself
	Words              // several texts, which may be given in one, with commas between
	Texts              // a text for each of several names
)

// Kind returns the form of the setting's value.
func (s *Setting[R]) Kind() Kind {
	var r R
	switch s.at(&r).(type) {
	case *bool:
		return Switch
	case *[]string:
		return List
	case *words:
		return Words
	case *map[string]string:
		return Texts
	}
	return Text
}

// Place returns where the value stands in the record: a *bool, *int, *string, *[]string or *map[string]string, or else an
// [encoding.TextUnmarshaler] that is no pointer.
func (s *Setting[R]) Place(r *R) any {
	if list, ok := s.at(r).(*words); ok {
		return (*[]string)(list)
	}
	return s.at(r)
}

// Set sets the setting from texts: the last one, all of a list, and for Texts all of the form name=text. None, or an empty one,
// takes the value away. What the record held before is not written to. The error is a [Problem].
func (s *Setting[R]) Set(r *R, given ...string) error {
	last := ""
	if len(given) > 0 {
		last = given[len(given)-1]
	}
	switch at := s.at(r).(type) {
	case *string:
		*at = last
	case *bool:
		return s.problem(setBool(at, last), last)
	case *int:
		return s.problem(setInt(at, last), last)
	case *[]string:
		*at = someOf(slices.DeleteFunc(slices.Clone(given), func(v string) bool { return v == "" }))
	case *words:
		*at = someOf(strings.FieldsFunc(strings.Join(given, ","), func(r rune) bool { return r == ',' || r == ' ' }))
	case *map[string]string:
		return s.problem(setTexts(at, given), last)
	case text:
		err := at.UnmarshalText([]byte(last))
		if problem, ok := err.(Problem); ok {
			problem.Key = s.Key
			return problem
		}
		return err
	}
	return nil
}

// problem returns what is wrong with a value of this setting as an error, nil for nothing.
func (s *Setting[R]) problem(what code, given string) error {
	if what == "" {
		return nil
	}
	return Fault(s.Key, what, quote(given), textExamples[s.Key])
}

// someOf returns list, nil for an empty one.
func someOf(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

func setBool(at *bool, given string) code {
	if *at = false; given != "" {
		var err error
		if *at, err = strconv.ParseBool(given); err != nil {
			return "value.switch"
		}
	}
	return ""
}

func setInt(at *int, given string) code {
	if *at = 0; given != "" {
		var err error
		if *at, err = strconv.Atoi(given); err != nil {
			return "value.number"
		}
	}
	return ""
}

// textExamples are right values of the settings that are texts by name.
var textExamples = map[string]string{
	"local_names": "sv=Journalen", "claims": "preferred_username=sub", "groups": "staff=everybody", visibleText: "sv=Logga in",
}

func setTexts(at *map[string]string, given []string) code {
	var texts map[string]string
	for _, pair := range given {
		name, text, ok := strings.Cut(pair, "=")
		switch {
		case pair == "":
			continue
		case !ok:
			return "value.pair"
		case texts == nil:
			texts = make(map[string]string)
		}
		texts[name] = text
	}
	*at = texts
	return ""
}

// Value returns the value as JSON may show it: a string, bool, int, list, map or json.RawMessage. It is nil when the value is
// not set; a switch always is.
func (s *Setting[R]) Value(r *R) any {
	switch at := s.Place(r).(type) {
	case *bool:
		return *at
	case *[]string:
		return orNil(*at, len(*at) > 0)
	case *map[string]string:
		return orNil(*at, len(*at) > 0)
	case *int:
		return orNil(*at, *at != 0)
	case json.Marshaler:
		text, err := at.MarshalJSON()
		return orNil(json.RawMessage(text), err == nil && len(text) > 0)
	}
	lines := s.Lines(r)
	return orNil(strings.Join(lines, ""), len(lines) > 0)
}

func orNil(v any, set bool) any {
	if !set {
		return nil
	}
	return v
}

// Lines returns the value as texts that Set takes, none when it is not set. A switch is always set.
func (s *Setting[R]) Lines(r *R) []string {
	one := func(text string) []string {
		if text == "" {
			return nil
		}
		return []string{text}
	}
	switch at := s.at(r).(type) {
	case *string:
		return one(*at)
	case *bool:
		return one(strconv.FormatBool(*at))
	case *int:
		if *at == 0 {
			return nil
		}
		return one(strconv.Itoa(*at))
	case *[]string:
		return slices.Clone(*at)
	case *words:
		return one(strings.Join(*at, " "))
	case *map[string]string:
		var pairs []string
		for _, name := range slices.Sorted(maps.Keys(*at)) {
			pairs = append(pairs, name+"="+(*at)[name])
		}
		return pairs
	case text:
		written, err := at.MarshalText()
		if err == nil {
			return one(string(written))
		}
	}
	return nil
}
