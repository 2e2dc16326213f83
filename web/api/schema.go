package api

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// schemaOf returns the schema of how encoding/json writes a value of the type, of the kinds that records have.
func schemaOf[T any]() object { return schemaOfType(reflect.TypeFor[T]()) }

func schemaOfType(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return text("date-time")
	case t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) || t.Implements(reflect.TypeFor[json.Marshaler]()):
		return text()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOfType(t.Elem())
	case reflect.Struct:
		properties, required := object{}, []string{}
		addFields(t, properties, &required)
		return shape(required, properties)
	case reflect.Slice:
		return list(schemaOfType(t.Elem()))
	case reflect.Map:
		return object{"type": "object", "additionalProperties": schemaOfType(t.Elem())}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	}
	return text()
}

// addFields adds the members that a struct is written with; those that may be left out are not required.
func addFields(t reflect.Type, properties object, required *[]string) {
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			addFields(field.Type, properties, required)
			continue
		case !field.IsExported() || name == "-":
			continue
		case name == "":
			name = field.Name
		}
		properties[name] = schemaOfType(field.Type)
		if !strings.Contains(options, "omit") {
			*required = append(*required, name)
		}
	}
}
