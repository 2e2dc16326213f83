package audit

import "slices"

// FieldNames returns the names of all fields, in the order of the log's lines.
func FieldNames() []string { return fieldNames[:] }

// LineName returns what a field is called in lines, empty when there is no such field.
func LineName(field string) string {
	if !slices.Contains(fieldNames[:], field) {
		return ""
	}
	return lineName(field)
}
