package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"brygga/duration"
)

// Setting is a key with its value, as people may read it, and where it comes from.
type Setting struct {
	Key, Value string
	// File and Line are where it was written, or File the environment variable; empty for a default.
	File string
	Line int
}

// Settings returns every key outside of lists of sections, in the order of Config; of such a list how many it has. Of a secret it tells that there is one.
func (c *Config) Settings() (all []Setting) {
	root := reflect.ValueOf(c).Elem()
	collect("", root.Type(), func(key string, _ reflect.Type) {
		s := Setting{Key: key, Value: readable(valueOf(root, key))}
		if at, set := c.places[key]; set {
			s.File, s.Line = at.file, at.line
		}
		all = append(all, s)
	})
	return all
}

// readable returns a value as text, "" for none.
func readable(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	if isSecret(v) {
		return "•••"
	}
	switch of := v.Interface().(type) {
	case time.Duration:
		return duration.Format(of)
	case encoding.TextMarshaler:
		text, err := of.MarshalText()
		if err != nil {
			return ""
		}
		return string(text)
	}
	switch {
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct && !isScalar(v.Type().Elem()), v.Kind() == reflect.Map:
		return fmt.Sprintf("(%d)", v.Len())
	case v.Kind() == reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = readable(v.Index(i))
		}
		return strings.Join(parts, ", ")
	case v.Kind() == reflect.Pointer:
		return readable(v.Elem())
	}
	return fmt.Sprint(v.Interface())
}
