package console

import (
	"net/http"
	"strings"
	"testing"

	"brygga/admin"
	"brygga/storage"
)

// TestMachineTabs: a machine is shown what it needs, and nothing of logins that nobody makes there; who may not equip it is offered no form.
func TestMachineTabs(t *testing.T) {
	s := newSite(t)
	_, err := s.admin.PutClient(t.Context(), root, "ci", admin.Demand{}, func(c *storage.Client) error {
		c.APIScopes, c.PersonalNumber = []string{"clients:read"}, false
		return nil
	})
	s.ok(err)
	b := s.as(storage.RoleOwner)
	s.says(b.get("clients/ci"), "Machine", "clients:read", "Secrets")
	s.says(b.get("clients/ci/connection"), "/.well-known/oauth-authorization-server", "grant_type=client_credentials", "/revoke")
	for path, without := range map[string][]string{"clients/ci": {"Try a login", "Last login", "Redirect URI"}, "clients/ci/connection": {"/authorize", "/userinfo"}} {
		for _, text := range without {
			if strings.Contains(b.get(path).body, text) {
				t.Errorf("%s of a machine has %q", path, text)
			}
		}
	}
	s.is(b.get("clients/ci/try"), http.StatusNotFound, "There is no such page")
	rights := b.get("clients/ci/rights")
	s.says(rights, `value="clients:read" checked`)
	s.says(b.post("clients/ci/rights", append(rights.carriedOn(), "api_scopes", "clients:read", "api_scopes", "health:read")...), "The change is saved.")
	if strings.Contains(s.as(storage.RoleAdmin).get("clients/ci/rights").body, `<button class="button">Save`) {
		t.Error("an admin is offered what is refused")
	}
}
