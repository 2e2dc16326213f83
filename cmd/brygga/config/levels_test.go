package config_test

import (
	"slices"
	"strings"
	"testing"

	"brygga/cmd/brygga/config"
)

// TestLevelsInVain: a client that names a level which it cannot have is told of at the start, as it would find out by refused logins.
func TestLevelsInVain(t *testing.T) {
	t.Parallel()
	c, err := config.Load(write(t, minimal+`tokens: {acr_policies: {'https://a/passport': {mrtd: yes}, 'https://a/code': {pin_code: yes}}}
clients:
  - {id: a, redirect_uris: ['https://a/cb'], secret: 0123456789012345678901234567890123456789, acr_values: ['https://a/passport', 'https://a/pasport'], default_acr_values: ['https://a/code', 'https://a/passport']}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"clients[0].acr_values: https://a/pasport is none", "clients[0].default_acr_values: https://a/code must"} {
		if !slices.ContainsFunc(c.Warnings(), func(w string) bool { return strings.HasPrefix(w, want) }) {
			t.Errorf("no warning %q in %q", want, c.Warnings())
		}
	}
	if n := len(slices.DeleteFunc(slices.Clone(c.Warnings()), func(w string) bool { return !strings.Contains(w, "acr") })); n != 2 {
		t.Errorf("warnings %q", c.Warnings())
	}
}
