package config_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brygga/clients"
	"brygga/cmd/brygga/config"
	"brygga/secret"
)

// TestEverySettingIsRead writes a client with every setting that the file takes, and compares what is read.
func TestEverySettingIsRead(t *testing.T) {
	given := map[string][]string{
		"name": {"The Journal"}, "local_names": {"en=Journal", "sv=Journalen"}, "home_uri": {"https://a.example/"}, "disabled": {"true"}, "disabled_reason": {"moves"}, "admin_group": {"schools"}, "profile": {"swedish"}, "auth_method": {"private_key_jwt"},
		"auth_alg": {"ES384"}, "jwks_uri": {"https://a.example/jwks"}, "native": {"true"}, "redirect_uris": {"https://a.example/cb", "https://a.example/b"},
		"post_logout_redirect_uris": {"https://a.example/out"}, "scopes": {"profile", "https://id.oidc.se/scope/naturalPersonNumber"}, "id_token_alg": {"RS256"}, "id_token_encryption_alg": {"ECDH-ES"},
		"id_token_encryption_enc": {"A128GCM"}, "userinfo_alg": {"PS256"}, "userinfo_encryption_alg": {"RSA-OAEP"}, "userinfo_encryption_enc": {"A256GCM"},
		"request_object_alg": {"ES512"}, "request_object_encryption_alg": {"ECDH-ES"}, "require_request_object": {"true"}, "unsigned_request_objects": {"false"}, "require_par": {"true"}, "access_token_format": {"jwt"},
		"refresh_rotation": {"rotate"},
		"resources":        {"https://api.example/"}, "acr_values": {"https://a.example/acr/passport"}, "default_acr_values": {"http://id.elegnamnden.se/loa/1.0/loa3"}, "default_max_age": {"30m"}, "default_locale": {"sv"},
		"session_group": {"intranet"}, "backchannel_logout_uri": {"https://a.example/bc"}, "ciba": {"ping"}, "backchannel_client_notification_endpoint": {"https://a.example/ciba"}, "methods": {"bankid"}, "origins": {"https://a.example"}, "contacts": {"it@a.example"},
		"subject_type": {"pairwise"}, "sector": {"all"}, "sector_identifier_uri": {"https://a.example/s"}, "personal_number": {"false"}, "require_pkce": {"true"},
		"custom_identifier": {"tag"}, "api_scopes": {"clients:read", "keys:read"}, "login_details": {"risk", "mrtd"}, "evidence": {"all"}, "evidence_days": {"365"}, "fetch_evidence": {"true"}, "results_as_resources": {"true"}, "webhook_uri": {"https://a.example/hook"}, "typed_identifiers": {"true"}, "claims": {"email=sub@a.example", "preferred_username=sub"}, "groups": {"staff=everybody"},
	}
	const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	text := minimal + "clients:\n  - id: app\n    webhook_secret: " + hookSecret + "\n"
	want := clients.New("app")
	want.WebhookSecret = secret.New(hookSecret)
	for _, s := range clients.Settings() {
		values, ok := given[s.Key]
		if !ok {
			if s.Key != "jwks" { // excludes jwks_uri
				t.Errorf("%s has no row", s.Key)
			}
			continue
		}
		if err := s.Set(&want, values...); err != nil {
			t.Fatal(err)
		}
		switch s.Kind() {
		case clients.List, clients.Words:
			text += fmt.Sprintf("    %s: [%s]\n", s.Key, strings.Join(values, ", "))
		case clients.Texts:
			text += fmt.Sprintf("    %s: {%s}\n", s.Key, strings.ReplaceAll(strings.Join(values, ", "), "=", ": "))
		default:
			text += fmt.Sprintf("    %s: %s\n", s.Key, values[0])
		}
	}
	c, err := config.Load(write(t, text), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := c.StaticClients(time.Time{})[0]
	got.Revision = 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWrittenClientsAreRead: what is written of a client for the file is read as that client, whatever its texts are.
func TestWrittenClientsAreRead(t *testing.T) {
	for _, name := range []string{"The Journal", "yes", "1e3", "a: b # c", `"quoted"`, "- x", "{x}", "Åsa", "null", "~", "@x", "a:b"} {
		want := clients.New("app")
		want.Name, want.LocalNames = name, map[string]string{"sv": name, "no": name}
		want.AuthMethod, want.RedirectURIs, want.Scopes = "none", []string{"https://a.example/cb?x=1&y=%20", "https://b.example/"}, []string{"profile", "offline_access"}
		want.Sector, want.RequirePKCE, want.Groups = "123", true, map[string]string{"yes": "everybody"}
		want.Policy.PinCode, want.Policy.VisibleText = "yes", map[string]string{"sv": "Rad 1\nRad 2: {client}"}
		clients.Complete(&want)
		c, err := config.Load(write(t, minimal+"clients:\n"+clients.YAML(&want)), nil)
		if err != nil {
			t.Fatalf("%s\n%v", clients.YAML(&want), err)
		}
		got := c.StaticClients(time.Time{})[0]
		got.Revision = 0
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n(-want +got):\n%s", clients.YAML(&want), diff)
		}
	}
}
