package config

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"brygga/clients"
	"brygga/duration"
	"brygga/secret"
	"brygga/spelling"
)

// parse reads one YAML document into target, a pointer to a struct or slice, and notes where each key stands. It reports whether
// the text is YAML at all, and keys where a struct wants them.
func (r *reader) parse(file, text, key string, target reflect.Value) bool {
	document, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		at := place{file: file, line: 1, column: 1}
		problem := err.Error()
		if located, ok := err.(yaml.Error); ok {
			problem = located.GetMessage()
			at = placeOf(file, located.GetToken().Position.Line, located.GetToken().Position.Column)
		}
		// The library's message may quote the line, and the line may hold a secret; the first line of it never does.
		problem, _, _ = strings.Cut(problem, "\n")
		r.faultAt(at, key, "not valid YAML: "+problem, "\"brygga config example\" shows one that is right")
		return false
	}
	switch {
	case len(document.Docs) == 0 || document.Docs[0].Body == nil:
		return true // empty: what is required is missed later
	case len(document.Docs) > 1:
		second := document.Docs[1].Start.Position
		r.faultAt(placeOf(file, second.Line, second.Column), "", "a second YAML document", "keep one document in the file")
	}
	body := document.Docs[0].Body
	r.value(file, key, body, target.Elem())
	_, keys := entries(body)
	return keys || target.Elem().Kind() != reflect.Struct || body.Type() == ast.NullType || body.Type() == ast.CommentGroupType
}

func placeOf(file string, line, column int) place { return place{file, line, column} }

func nodePlace(file string, node ast.Node) place {
	position := node.GetToken().Position
	return place{file, position.Line, position.Column}
}

// value reads node into target, which is of one of the types that a Config is made of.
func (r *reader) value(file, key string, node ast.Node, target reflect.Value) {
	if node.Type() == ast.NullType {
		return // "key:" with nothing behind means the default
	}
	switch kind := target.Kind(); {
	case isScalar(target.Type()):
		r.scalar(file, key, node, target)
	case kind == reflect.Struct:
		r.section(file, key, node, target)
	case kind == reflect.Slice:
		r.list(file, key, node, target)
	case kind == reflect.Map:
		r.names(file, key, node, target)
	default:
		panic("config: no way to read a " + target.Type().String())
	}
}

func isScalar(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64:
		return true
	}
	return t == reflect.TypeFor[secret.String]() || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func entries(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func (r *reader) section(file, key string, node ast.Node, target reflect.Value) {
	values, ok := entries(node)
	if !ok {
		r.faultAt(nodePlace(file, node), key, "not a section of keys", "write the keys below it, indented, as \"brygga config example\" shows")
		return
	}
	fields := fieldsOf(target.Type())
	for _, entry := range values {
		name := entry.Key.GetToken().Value
		at := nodePlace(file, entry.Key)
		full := join(key, name)
		member := memberOf(target, fields, name)
		if !member.IsValid() {
			r.faultAt(at, full, "no such key", suggest(name, key, keysOf(target, fields)))
			continue
		}
		r.places[full] = at
		r.value(file, full, entry.Value, member)
	}
}

// table is a section with more keys than it has fields.
type table interface {
	// place returns where the value of the key stands: a pointer, or an encoding.TextUnmarshaler that holds one. Nil means that
	// there is no such key.
	place(key string) any
	keys() []string
}

// memberOf returns where the value of a key of the section goes, the zero Value when it has no such key.
func memberOf(section reflect.Value, fields map[string]int, key string) reflect.Value {
	if field, known := fields[key]; known {
		return section.Field(field)
	}
	t, ok := section.Addr().Interface().(table)
	if !ok {
		return reflect.Value{}
	}
	at := reflect.ValueOf(t.place(key))
	if !at.IsValid() || at.Kind() == reflect.Pointer {
		return reflect.Indirect(at)
	}
	member := reflect.New(at.Type()).Elem()
	member.Set(at)
	return member
}

func keysOf(section reflect.Value, fields map[string]int) []string {
	keys := slices.Sorted(maps.Keys(fields))
	if t, ok := section.Addr().Interface().(table); ok {
		keys = append(keys, t.keys()...)
	}
	return keys
}

func suggest(name, section string, keys []string) string {
	if near := spelling.Nearest(name, keys); near != "" {
		return "did you mean " + near + "?"
	}
	where := "at the top level"
	if section != "" {
		where = "in " + section
	}
	return "\"brygga config example\" lists the keys " + where
}

// fieldsOf returns the index of each field by its key.
func fieldsOf(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" {
			fields[name] = i
		}
	}
	return fields
}

func (r *reader) list(file, key string, node ast.Node, target reflect.Value) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		r.faultAt(nodePlace(file, node), key, "not a list", "write each value on a line of its own, after a dash")
		return
	}
	target.SetZero()
	for i, item := range sequence.Values {
		full := fmt.Sprintf("%s[%d]", key, i)
		r.places[full] = nodePlace(file, item)
		element := reflect.New(target.Type().Elem())
		if d, ok := element.Interface().(interface{ setDefaults() }); ok {
			d.setDefaults()
		}
		r.value(file, full, item, element.Elem())
		target.Set(reflect.Append(target, element.Elem()))
	}
}

func (r *reader) names(file, key string, node ast.Node, target reflect.Value) {
	values, ok := entries(node)
	if !ok {
		r.faultAt(nodePlace(file, node), key, "not a section of keys", "write it as {sv: …, en: …}")
		return
	}
	target.Set(reflect.MakeMap(target.Type()))
	for _, entry := range values {
		name := entry.Key.GetToken().Value
		full := join(key, name)
		r.places[full] = nodePlace(file, entry.Key)
		element := reflect.New(target.Type().Elem()).Elem()
		r.value(file, full, entry.Value, element)
		target.SetMapIndex(reflect.ValueOf(name), element)
	}
}

func (r *reader) scalar(file, key string, node ast.Node, target reflect.Value) {
	text, ok := scalarText(node)
	if !ok {
		r.faultAt(nodePlace(file, node), key, "not a single value", "write one value behind the key")
		return
	}
	if problem, remedy := setText(target, text); problem != "" {
		r.faultAt(nodePlace(file, node), key, problem, remedy)
	}
}

// scalarText returns the text of a scalar as it was written: an ID of digits stays one.
func scalarText(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// setText sets a scalar from text, or says what is wrong with it.
func setText(target reflect.Value, text string) (problem, remedy string) {
	switch v := target.Addr().Interface().(type) {
	case *secret.String:
		*v = secret.New(text)
		return "", ""
	case *time.Duration:
		d, err := duration.Parse(text)
		if err != nil {
			return fmt.Sprintf("%q is not a duration", text), "write a number and a unit, such as 90s, 10m, 12h or 90d"
		}
		*v = d
		return "", ""
	case *bool:
		if text != "true" && text != "false" {
			return fmt.Sprintf("%q is neither true nor false", text), "write true or false"
		}
		*v = text == "true"
		return "", ""
	case encoding.TextUnmarshaler:
		err := v.UnmarshalText([]byte(text))
		if problem, ok := errors.AsType[clients.Problem](err); ok {
			return problem.Problem, problem.Remedy
		}
		if err != nil {
			return fmt.Sprintf("%q is not a network", text), "write it as 10.0.0.0/8 or 2001:db8::/32; a single address ends in /32 or /128"
		}
		return "", ""
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Sprintf("%q is not a whole number", text), "write digits only"
		}
		*v = n
		return "", ""
	}
	target.SetString(text)
	return "", ""
}

func join(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}
