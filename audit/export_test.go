package audit

import "slices"

// LineName returns what a field is called in lines, empty when there is no such field.
func LineName(field string) string {
	if !slices.Contains(fieldNames[:], field) {
		return ""
	}
	return lineName(field)
}
