package storage

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// An event is written twice for each login and read some times behind it, so its text is made and read here, in a sixth of the time that
// package json takes. What is not written as below is left to that package.

// AuditText returns the text of an event that is hashed: a line of JSON. It is the same for the same event, whichever store it comes from,
// and the same as package json makes of it.
func AuditText(event *AuditEvent) ([]byte, error) {
	text := make([]byte, 0, 512)
	text = appendJSON(append(text, `{"id":`...), event.ID)
	text, err := appendTime(append(text, `,"time":"`...), event.Time)
	text = appendJSON(append(text, `","type":`...), event.Type)
	if event.Reference != "" {
		text = appendJSON(append(text, `,"reference":`...), string(event.Reference))
	}
	if len(event.Fields) > 0 {
		text = appendFields(append(text, `,"fields":{`...), event.Fields)
	}
	if err == nil {
		text, err = appendTime(append(text, `,"expires":"`...), event.Expires)
	}
	if err != nil {
		return nil, fmt.Errorf("encode audit event: %w", err)
	}
	return append(text, `"}`...), nil
}

// appendFields appends the fields in the order of their names, and the brace behind them.
func appendFields(text []byte, fields map[string]string) []byte {
	names := slices.AppendSeq(make([]string, 0, maxUsualFields), maps.Keys(fields))
	slices.Sort(names)
	for _, name := range names {
		text = appendJSON(append(appendJSON(text, name), ':'), fields[name])
		text = append(text, ',')
	}
	text[len(text)-1] = '}'
	return text
}

// maxUsualFields is how many fields hardly any event exceeds.
const maxUsualFields = 24

func appendTime(text []byte, t time.Time) ([]byte, error) { return t.AppendText(text) }

// appendJSON appends s as a string of JSON.
func appendJSON(text []byte, s string) []byte {
	if !isPlain(s) {
		escaped, _ := json.Marshal(s) // there is no string that it refuses
		return append(text, escaped...)
	}
	return append(append(append(text, '"'), s...), '"')
}

// isPlain reports whether package json writes s as it is.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
		if s[i] == 0xE2 { // U+2028 and U+2029 begin so
			return false
		}
	}
	return utf8.ValidString(s)
}

// ParseAuditText returns the event of which AuditText has made the text, or an earlier version something else.
func ParseAuditText(text []byte) (event AuditEvent, err error) {
	r := auditReader{bytes: text, rest: string(text)}
	if r.event(&event) {
		return event, nil
	}
	event = AuditEvent{}
	if err := json.Unmarshal(text, &event); err != nil {
		return AuditEvent{}, fmt.Errorf("decode audit event: %w", err)
	}
	return event, nil
}

// auditReader reads the text of an event, of which rest is left. Texts of the event are parts of one.
type auditReader struct {
	bytes []byte
	rest  string
}

// event reads the whole text. It reports whether that is as AuditText writes it and has nothing in it that is escaped.
func (r *auditReader) event(e *AuditEvent) bool {
	if strings.IndexByte(r.rest, '\\') >= 0 || !utf8.ValidString(r.rest) {
		return false
	}
	return r.is(`{"id":`) && r.text(&e.ID) && r.is(`,"time":`) && r.time(&e.Time) && r.is(`,"type":`) && r.text(&e.Type) &&
		(!r.is(`,"reference":`) || r.text((*string)(&e.Reference))) && (!r.is(`,"fields":{`) || r.fields(e)) &&
		r.is(`,"expires":`) && r.time(&e.Expires) && r.rest == "}"
}

// is reads what is expected, and reports whether it stands there.
func (r *auditReader) is(expected string) (found bool) {
	r.rest, found = strings.CutPrefix(r.rest, expected)
	return found
}

func (r *auditReader) text(s *string) bool {
	if !r.is(`"`) {
		return false
	}
	var ended bool
	*s, r.rest, ended = strings.Cut(r.rest, `"`)
	return ended && strings.IndexFunc(*s, func(c rune) bool { return c < ' ' }) < 0
}

func (r *auditReader) time(t *time.Time) bool {
	begin := len(r.bytes) - len(r.rest) + 1
	var s string
	return r.text(&s) && t.UnmarshalText(r.bytes[begin:begin+len(s)]) == nil
}

func (r *auditReader) fields(e *AuditEvent) bool {
	e.Fields = make(map[string]string, strings.Count(r.rest, `":"`))
	for {
		var name, value string
		if !r.text(&name) || !r.is(":") || !r.text(&value) {
			return false
		}
		e.Fields[name] = value
		if !r.is(",") {
			return r.is("}")
		}
	}
}
