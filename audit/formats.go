package audit

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"brygga/storage"
)

// Line returns an event as text of one line, without its end.
type Line func(event *storage.AuditEvent) string

// Text returns an event for people: its time, what it means, and its fields.
func Text(e *storage.AuditEvent) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  %s", e.Time.UTC().Format(time.DateTime), e.Type, Type(e.Type).Text())
	if e.Reference != "" {
		fmt.Fprintf(&b, "  reference=%s", e.Reference)
	}
	for _, name := range orderedFields(e) {
		value := e.Fields[name]
		if strings.ContainsAny(value, " \"=") {
			value = strconv.Quote(value)
		}
		fmt.Fprintf(&b, " %s=%s", lineName(name), value)
	}
	return b.String()
}

// CEF returns how events are written in ArcSight's Common Event Format, version 0, by the program of that version.
func CEF(version string) Line {
	head := "CEF:0|Brygga|brygga|" + cefHeader(version) + "|"
	return func(e *storage.AuditEvent) string {
		kind := Type(e.Type)
		var b strings.Builder
		fmt.Fprintf(&b, "%s%s|%s|%d|rt=%d externalId=%s", head, cefHeader(e.Type), cefHeader(kind.Text()), kind.Severity(), e.Time.UnixMilli(), cefValue(e.ID))
		custom := 0
		add := func(name, value string) {
			if key := cefKeys[name]; key != "" {
				fmt.Fprintf(&b, " %s=%s", key, cefValue(value))
			} else if custom++; custom <= cefCustom {
				fmt.Fprintf(&b, " cs%dLabel=%s cs%d=%s", custom, cefValue(name), custom, cefValue(value))
			} else {
				fmt.Fprintf(&b, " ad.%s=%s", strings.ReplaceAll(name, ".", "_"), cefValue(value))
			}
		}
		if e.Reference != "" {
			add("REFERENCE", string(e.Reference))
		}
		for _, name := range orderedFields(e) {
			add(name, e.Fields[name])
		}
		return b.String()
	}
}

// cefKeys are the keys that the format has for what our fields mean; others get one of the custom strings, of which there are cefCustom.
var cefKeys = map[string]string{
	"SOURCE_ADDRESS": "src", "SOURCE_USER_NAME": "suser", "MESSAGE": "msg", "ACTOR": "duser", "OBJECT": "fname", "BROWSER": "requestClientApplication",
}

const cefCustom = 6

func cefHeader(text string) string {
	return strings.NewReplacer(`\`, `\\`, `|`, `\|`, "\n", " ", "\r", " ").Replace(text)
}

func cefValue(text string) string {
	return strings.NewReplacer(`\`, `\\`, `=`, `\=`, "\n", `\n`, "\r", `\r`).Replace(text)
}

// orderedFields returns the names of the event's fields: those of the catalogue in its order, and then the others by name.
func orderedFields(e *storage.AuditEvent) (names []string) {
	for _, name := range fieldNames {
		if e.Fields[name] != "" {
			names = append(names, name)
		}
	}
	known := len(names)
	for name := range e.Fields {
		if !slices.Contains(fieldNames[:], name) {
			names = append(names, name)
		}
	}
	slices.Sort(names[known:])
	return names
}

// Table writes events as comma-separated values (RFC 4180), with a column for each field of the catalogue and one for all others.
type Table struct{ out *csv.Writer }

// NewTable returns a Table that writes to w, and has written the names of the columns.
func NewTable(w io.Writer) *Table {
	t := &Table{csv.NewWriter(w)}
	t.out.Write(slices.Concat([]string{"time", "event", "text", "reference"}, columnNames(), []string{"other", "id"}))
	return t
}

func columnNames() (names []string) {
	for _, name := range fieldNames {
		names = append(names, strings.ToLower(name))
	}
	return names
}

// Write writes events, a row each. A value that a spreadsheet would take for a formula begins with an apostrophe.
func (t *Table) Write(events ...storage.AuditEvent) error {
	for i := range events {
		e := &events[i]
		row := []string{e.Time.UTC().Format(time.RFC3339Nano), e.Type, Type(e.Type).Text(), string(e.Reference)}
		for _, name := range fieldNames {
			row = append(row, Cell(e.Fields[name]))
		}
		var others []string
		for _, name := range orderedFields(e) {
			if !slices.Contains(fieldNames[:], name) {
				others = append(others, name+"="+e.Fields[name])
			}
		}
		t.out.Write(append(row, Cell(strings.Join(others, "; ")), e.ID))
	}
	t.out.Flush()
	return t.out.Error()
}

// Writer writes events one after the other.
type Writer interface {
	Write(events ...storage.AuditEvent) error
}

// NewWriter returns a writer of events in a form: json for lines that each are what the audit tree hashes, csv for a [Table], cef for [CEF] by the program of
// that version.
func NewWriter(form, version string, w io.Writer) Writer {
	switch form {
	case "csv":
		return NewTable(w)
	case "cef":
		return lines{w, func(e *storage.AuditEvent) ([]byte, error) { return []byte(CEF(version)(e)), nil }}
	}
	return lines{w, storage.AuditText}
}

type lines struct {
	w    io.Writer
	line func(*storage.AuditEvent) ([]byte, error)
}

func (l lines) Write(events ...storage.AuditEvent) error {
	for i := range events {
		text, err := l.line(&events[i])
		if err != nil {
			return err
		}
		if _, err := l.w.Write(append(text, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// Cell returns a value for a table that people open in a spreadsheet: one that would be taken for a formula begins with an apostrophe.
func Cell(value string) string {
	if value != "" && strings.ContainsRune("=+-@\t", rune(value[0])) {
		return "'" + value
	}
	return value
}

// FieldsOf returns the names of the event's fields: those of the catalogue in its order, and then the others by name.
func FieldsOf(e *storage.AuditEvent) []string { return orderedFields(e) }
