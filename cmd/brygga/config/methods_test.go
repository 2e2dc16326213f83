package config

import (
	"slices"
	"testing"
)

// TestLevelsOfSeveral: each of several eIDs says its levels, so that none is given those of another by default. One alone need not be there.
func TestLevelsOfSeveral(t *testing.T) {
	level := []string{"https://a.example/loa"}
	for _, test := range []struct {
		name       string
		configured []string
		methods    []Method
		want       []string
	}{
		{"one", []string{"bankid"}, nil, nil},
		{"one without levels", []string{"bankid"}, []Method{{Name: "bankid"}}, nil},
		{"two", []string{"bankid", "tag"}, []Method{{Name: "tag", ACRValues: level}, {Name: "bankid", ACRValues: level}}, nil},
		{"nothing of two", []string{"bankid", "tag"}, nil, []string{"methods", "methods"}},
		{"nothing of the second", []string{"bankid", "tag"}, []Method{{Name: "bankid", ACRValues: level}}, []string{"methods"}},
		{"no level of the second", []string{"bankid", "tag"}, []Method{{Name: "bankid", ACRValues: level}, {Name: "tag"}}, []string{"methods[1].acr_values"}},
	} {
		c, r := Config{Methods: test.methods, Tokens: Tokens{ACRValues: level}}, &reader{}
		c.checkMethods(r, test.configured)
		var keys []string
		for _, f := range r.faults {
			keys = append(keys, f.Key)
		}
		if !slices.Equal(keys, test.want) {
			t.Errorf("%s: %v", test.name, r.faults)
		}
	}
}
