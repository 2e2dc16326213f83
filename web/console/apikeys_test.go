package console

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"brygga/account"
	"brygga/secret"
	"brygga/storage"
)

var shownKey = regexp.MustCompile(`id="key">([^<]+)</pre>`)

// TestAPIKeys: a key is shown once and works, two do while one is rotated, and none after it is removed.
func TestAPIKeys(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	p := b.post("apikeys/new", "name", "", "networks", "nowhere", "days", "365")
	s.is(p, http.StatusUnprocessableEntity, "New API key")
	for _, want := range []string{"3 things", "nowhere</textarea>", `id="fault-scopes"`} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the form that was refused has no %s", want)
		}
	}
	s.is(b.post("apikeys/new", "name", "ci", "scopes", "clients:read", "days", "many"), http.StatusUnprocessableEntity, "New API key")
	p = b.post("apikeys/new", "name", "ci", "scopes", "clients:read", "days", "30")
	s.is(p, http.StatusOK, "The key")
	works := func(key string) bool {
		_, err := s.admin.Authenticate(t.Context(), secret.New(key), account.From{})
		return err == nil
	}
	first := shownKey.FindStringSubmatch(p.body)[1]
	all, err := s.admin.APIKeys(t.Context(), root)
	s.ok(err)
	if len(all) != 1 || !works(first) || strings.Contains(b.get("apikeys").body+b.get("apikeys/"+all[0].ID).body, first) {
		t.Fatal("the key does not work, or is shown again")
	}
	second := shownKey.FindStringSubmatch(b.post("apikeys/"+all[0].ID+"/rotate", "hours", "24").body)[1]
	if second == first || !works(first) || !works(second) {
		t.Error("not both of the keys work")
	}
	third := shownKey.FindStringSubmatch(b.post("apikeys/"+all[0].ID+"/rotate", "hours", "0").body)[1]
	if works(second) || !works(third) {
		t.Error("a key that was replaced at once works on")
	}
	s.is(b.post("apikeys/"+all[0].ID+"/remove"), http.StatusOK, "API keys")
	if works(third) {
		t.Error("a key that was removed works on")
	}
}
