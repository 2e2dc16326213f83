package spelling_test

import (
	"strings"
	"testing"

	"brygga/spelling"
)

func TestNearest(t *testing.T) {
	known := []string{"post_logout_redirect_uris", "redirect_uris", "minimum_age", "root_ca_file", "issuer", "id", "listen", "jwks", "jwks_file", "jwks_uri"}
	for word, want := range map[string]string{
		"redirect_uri": "redirect_uris", "min_age": "minimum_age", "root_ca": "root_ca_file", "isuer": "issuer", "lisen": "listen", "post_logout_redirect_uri": "post_logout_redirect_uris",
		"jwks_url": "jwks_uri", "minage": "", "age": "", "zzzzzzzzzzzz": "", "": "", "logout_redirect": "post_logout_redirect_uris", strings.Repeat("issuer", 1000): "",
	} {
		if got := spelling.Nearest(word, known); got != want {
			t.Errorf("%.30q was meant to be %q, got %q", word, want, got)
		}
	}
}

// Among equals the answer is the same each time, whatever the order.
func TestNearestIsSteady(t *testing.T) {
	if a, b := spelling.Nearest("kez", []string{"key", "ken"}), spelling.Nearest("kez", []string{"ken", "key"}); a != "ken" || b != "ken" {
		t.Errorf("got %q and %q", a, b)
	}
	if got := spelling.Nearest("key", nil); got != "" {
		t.Errorf("got %q of nothing", got)
	}
}
