package clients

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"brygga/storage"
)

// Rule is one rule of a profile as it stands with a client's settings.
type Rule struct {
	// Section is where the rule stands: the document, and its section or subject.
	Section string `json:"section"`
	// Key is the setting that it is about, and Rule what it demands of it.
	Key  string `json:"key"`
	Rule string `json:"rule"`
	// Must says that the profile demands it; else it recommends it.
	Must bool `json:"must"`
	// Broken says that the settings do not keep it, and Remedy what would.
	Broken bool   `json:"broken"`
	Remedy string `json:"remedy,omitempty"`

	what, helps said
}

// OwnRules is the section of what Check says of a client.
const OwnRules = "settings"

// The documents that rules stand in.
const (
	docProfile = "Swedish OpenID Connect Profile"
	docSweden  = "OpenID Connect Profile for Sweden Connect"
	docBCP     = "RFC 9700"
	docCore    = "OpenID Connect Core"
)

// rule is a Rule before it is known whether a client keeps it.
type rule struct {
	section, key string
	must         bool
	text         code
	profiles     []string // those it belongs to; empty means all
	kept         func(c *storage.Client, in Installation) bool
}

// Installation is what the rules ask of the installation that a client is registered with.
type Installation struct {
	// ACRValues are the levels that it may assert.
	ACRValues []string
	// Methods are its eIDs, the first being that of clients which name none; none where they are not known. Policy is what it demands of every login.
	Methods []Method
	Policy  storage.Policy
	// Local says that its issuer is on loopback, as that of brygga dev: apps are there too, and http on loopback is what they have.
	Local bool
}

// CheckProfile returns every rule that the client's profile has for its settings, kept or not. Rules about single requests are kept by
// the endpoints and do not stand here.
func CheckProfile(c *storage.Client, in Installation) []Rule {
	var found []Rule
	for _, r := range slices.Concat(profileRules, keyRules) {
		if len(r.profiles) > 0 && !slices.Contains(r.profiles, c.Profile) {
			continue
		}
		result := Fault(r.key, r.text).BrokenBy(r.section)
		result.Must = r.must && !(in.Local && r.key == redirectURIs)
		if result.Broken = !r.kept(c, in); !result.Broken {
			result.Remedy = ""
		}
		found = append(found, result)
	}
	return found
}

var (
	swedish       = []string{storage.ProfileSwedish, storage.ProfileSwedenConnect}
	swedenConnect = []string{storage.ProfileSwedenConnect}
)

var profileRules = []rule{
	{
		docCore + " §3.1.2.1", "redirect_uris", true, "rule.https",
		nil, func(c *storage.Client, _ Installation) bool {
			return c.Native || !slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return strings.HasPrefix(uri, "http:") })
		},
	},
	{
		docCore + " §8.1", "sector", true, "rule.sector",
		nil, func(c *storage.Client, _ Installation) bool {
			return c.SubjectType != storage.SubjectPairwise || c.Sector != "" || len(sectorHosts(c)) < 2
		},
	},
	{
		docBCP + " §2.1.1", "require_pkce", false, "rule.pkce",
		nil, func(c *storage.Client, _ Installation) bool { return c.NeedsPKCE() },
	},
	{
		docBCP + " §2.5", "auth_method", false, "rule.key",
		nil, func(c *storage.Client, _ Installation) bool {
			return c.Public() || c.AuthMethod == storage.AuthMethodPrivateKey
		},
	},
	{
		docProfile + ": UserInfo", "userinfo_alg", true, "rule.userinfo",
		swedish, func(c *storage.Client, _ Installation) bool { return c.UserinfoAlg != "" },
	},
	{
		docProfile + ": subjects", "subject_type", false, "rule.public",
		swedish, func(c *storage.Client, _ Installation) bool { return c.SubjectType == storage.SubjectPublic },
	},
	{
		docProfile + " §7", "id_token_alg", true, "rule.signatures",
		swedish, func(c *storage.Client, _ Installation) bool {
			return !slices.ContainsFunc([]string{c.IDTokenAlg, c.UserinfoAlg, c.AuthAlg, c.RequestObjectAlg}, func(alg string) bool {
				return alg == storage.PS256 || alg == storage.EdDSA
			})
		},
	},
	{
		docProfile + " §7", "id_token_encryption_alg", false, "rule.encryption",
		[]string{storage.ProfileSwedish}, func(c *storage.Client, _ Installation) bool {
			for _, e := range []storage.Encryption{c.IDTokenEncryption, c.UserinfoEncryption} {
				if e.Alg != "" && (e.Alg != "RSA-OAEP" || e.Enc != "A128GCM" && e.Enc != "A256GCM") {
					return false
				}
			}
			return true
		},
	},
	{
		docProfile + ": client registration", "jwks", true, "rule.jwks",
		swedish, func(c *storage.Client, _ Installation) bool {
			return len(c.JWKS) > 0 || c.JWKSURI != "" || c.AuthMethod != storage.AuthMethodPrivateKey
		},
	},
	{
		docProfile + ": acr", "default_acr_values", false, "rule.acr",
		swedish, func(c *storage.Client, in Installation) bool {
			return !slices.ContainsFunc(c.DefaultACRValues, func(acr string) bool { return !slices.Contains(in.ACRValues, acr) })
		},
	},
	{
		docSweden + ": client authentication", "auth_method", true, "rule.private-key",
		swedenConnect, func(c *storage.Client, _ Installation) bool { return c.AuthMethod == storage.AuthMethodPrivateKey },
	},
	{
		docSweden + ": client metadata", "contacts", true, "rule.contacts",
		swedenConnect, func(c *storage.Client, _ Installation) bool { return len(c.Contacts) > 0 },
	},
	{
		docSweden + ": client metadata", "local_names", true, "rule.names",
		swedenConnect, func(c *storage.Client, _ Installation) bool {
			return c.LocalNames["sv"] != "" && c.LocalNames["en"] != ""
		},
	},
	{
		docSweden + ": client metadata", "brand.logo_file", true, "rule.logo",
		swedenConnect, func(c *storage.Client, _ Installation) bool { return len(c.Brand.Logo) > 0 },
	},
	{
		docSweden + ": client metadata", "home_uri", true, "rule.home",
		swedenConnect, func(c *storage.Client, _ Installation) bool {
			u, err := url.Parse(c.HomeURI)
			return err == nil && u.Scheme == "https"
		},
	},
	{
		docSweden + ": access tokens", "access_token_format", false, "rule.opaque",
		swedenConnect, func(c *storage.Client, _ Installation) bool { return c.AccessTokenFormat != storage.AccessTokenJWT },
	},
	{
		docSweden + ": requests", "require_request_object", false, "rule.signed",
		swedenConnect, func(c *storage.Client, _ Installation) bool { return c.RequireRequestObject },
	},
}

// String returns the rule as one line.
func (r Rule) String() string { return fmt.Sprintf("%s: %s: %s", r.Section, r.Key, r.Rule) }
