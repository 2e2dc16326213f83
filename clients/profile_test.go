package clients_test

import (
	"encoding/json"
	"slices"
	"testing"

	"brygga/clients"
	"brygga/storage"
)

// keeps returns a client that keeps every rule of its profile, recommendations included.
func keeps(profile string) storage.Client {
	c := clients.New("app")
	c.Profile, c.AuthMethod, c.JWKS = profile, storage.AuthMethodPrivateKey, json.RawMessage(`{"keys":[`+publicKey+`]}`)
	c.RedirectURIs, c.HomeURI, c.RequirePKCE, c.RequireRequestObject = []string{"https://a.example/cb"}, "https://a.example/", true, true
	c.Contacts, c.LocalNames, c.Brand.Logo = []string{"it@a.example"}, map[string]string{"sv": "Å", "en": "A"}, []byte("picture")
	c.DefaultACRValues = []string{"http://id.elegnamnden.se/loa/1.0/loa3"}
	clients.Complete(&c)
	return c
}

// TestProfiles breaks one rule of a profile at a time.
func TestProfiles(t *testing.T) {
	all := []string{"", storage.ProfileStandard, storage.ProfileSwedish, storage.ProfileSwedenConnect}
	swedish, sweden := all[2:], all[3:]
	tests := []struct {
		name     string
		spoil    func(*storage.Client)
		profiles []string // in which a rule is broken
		key      string
		must     bool
	}{
		{"nothing", func(*storage.Client) {}, nil, "", false},
		{"http", func(c *storage.Client) { c.RedirectURIs = append(c.RedirectURIs, "http://127.0.0.1/") }, all, "redirect_uris", true},
		{"http of an app of the device", func(c *storage.Client) { c.Native, c.RedirectURIs = true, []string{"http://127.0.0.1/"} }, nil, "", false},
		{"no PKCE", func(c *storage.Client) { c.RequirePKCE = false }, all, "require_pkce", false},
		{"no signed userinfo", func(c *storage.Client) { c.UserinfoAlg = "" }, swedish, "userinfo_alg", true},
		{"pairwise", func(c *storage.Client) { c.SubjectType, c.Sector = storage.SubjectPairwise, "a" }, swedish, "subject_type", false},
		{"PS256", func(c *storage.Client) { c.IDTokenAlg = storage.PS256 }, swedish, "id_token_alg", true},
		{"EdDSA of userinfo", func(c *storage.Client) { c.UserinfoAlg = storage.EdDSA }, swedish, "id_token_alg", true},
		{"EdDSA of assertions", func(c *storage.Client) { c.AuthAlg = storage.EdDSA }, swedish, "id_token_alg", true},
		{"PS256 of request objects", func(c *storage.Client) { c.RequestObjectAlg = storage.PS256 }, swedish, "id_token_alg", true},
		{"encryption", func(c *storage.Client) { c.IDTokenEncryption = storage.Encryption{Alg: "ECDH-ES", Enc: "A128GCM"} }, swedish[:1], "id_token_encryption_alg", false},
		{"content encryption", func(c *storage.Client) {
			c.UserinfoEncryption = storage.Encryption{Alg: "RSA-OAEP", Enc: "A128CBC-HS256"}
		}, swedish[:1], "id_token_encryption_alg", false},
		{"encryption as it says", func(c *storage.Client) {
			c.IDTokenEncryption, c.UserinfoEncryption = storage.Encryption{Alg: "RSA-OAEP", Enc: "A128GCM"}, storage.Encryption{Alg: "RSA-OAEP", Enc: "A256GCM"}
		}, nil, "", false},
		{"no keys", func(c *storage.Client) { c.JWKS = nil }, swedish, "jwks", true},
		{"keys by address", func(c *storage.Client) { c.JWKS, c.JWKSURI = nil, "https://a.example/jwks" }, nil, "", false},
		{"another level", func(c *storage.Client) { c.DefaultACRValues = []string{"urn:loa4"} }, swedish, "default_acr_values", false},
		{"no contact", func(c *storage.Client) { c.Contacts = nil }, sweden, "contacts", true},
		{"no Swedish name", func(c *storage.Client) { c.LocalNames = map[string]string{"en": "A"} }, sweden, "local_names", true},
		{"no English name", func(c *storage.Client) { c.LocalNames = map[string]string{"sv": "A"} }, sweden, "local_names", true},
		{"no logo", func(c *storage.Client) { c.Brand.Logo = nil }, sweden, "brand.logo_file", true},
		{"no start page", func(c *storage.Client) { c.HomeURI = "" }, sweden, "home_uri", true},
		{"start page by http", func(c *storage.Client) { c.HomeURI = "http://localhost/" }, sweden, "home_uri", true},
		{"JWT", func(c *storage.Client) { c.AccessTokenFormat = storage.AccessTokenJWT }, sweden, "access_token_format", false},
		{"unsigned requests", func(c *storage.Client) { c.RequireRequestObject = false }, sweden, "require_request_object", false},
	}
	for _, tt := range tests {
		for _, profile := range all {
			c := keeps(profile)
			if c.SubjectType == storage.SubjectPairwise {
				c.Sector = "a"
			}
			tt.spoil(&c)
			broken := slices.DeleteFunc(clients.CheckProfile(&c, clients.Installation{ACRValues: []string{"http://id.elegnamnden.se/loa/1.0/loa3"}}), func(r clients.Rule) bool {
				if !r.Broken && r.Remedy != "" || r.Broken && r.Remedy == "" || r.Section == "" || r.Rule == "" {
					t.Errorf("%s, %s: %+v", tt.name, profile, r)
				}
				return !r.Broken
			})
			switch {
			case !slices.Contains(tt.profiles, profile):
				if len(broken) > 0 {
					t.Errorf("%s breaks of %q: %v", tt.name, profile, broken)
				}
			case len(broken) != 1 || broken[0].Key != tt.key || broken[0].Must != tt.must:
				t.Errorf("%s breaks of %q: %v, want %s", tt.name, profile, broken, tt.key)
			}
		}
	}
}

// TestLocalInstallationsTakeHTTP: the apps of brygga dev have http on loopback, and nothing is wrong with that.
func TestLocalInstallationsTakeHTTP(t *testing.T) {
	for local, want := range map[bool]bool{true: false, false: true} {
		c := keeps(storage.ProfileStandard)
		c.Native, c.RedirectURIs = false, []string{"http://localhost:3000/cb"}
		for _, r := range clients.CheckProfile(&c, clients.Installation{Local: local}) {
			if r.Key == "redirect_uris" && (!r.Broken || r.Must != want) {
				t.Errorf("local %t: %+v", local, r)
			}
		}
	}
}

// The ways to prove oneself that a profile does not want.
func TestProfilesWantKeys(t *testing.T) {
	for _, profile := range []string{storage.ProfileStandard, storage.ProfileSwedenConnect} {
		for method, want := range map[string]int{storage.AuthMethodPrivateKey: 0, storage.AuthMethodBasic: 1, storage.AuthMethodNone: 0} {
			c := keeps(profile)
			c.AuthMethod = method
			if profile == storage.ProfileSwedenConnect && method != storage.AuthMethodPrivateKey {
				want++ // which demands it
			}
			broken := 0
			for _, r := range clients.CheckProfile(&c, clients.Installation{ACRValues: c.DefaultACRValues}) {
				if r.Broken && r.Key == "auth_method" {
					broken++
				}
			}
			if broken != want {
				t.Errorf("%s in %s breaks %d rules, want %d", method, profile, broken, want)
			}
		}
	}
}
