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
}

// The documents that rules stand in.
const (
	docProfile = "Swedish OpenID Connect Profile"
	docSweden  = "OpenID Connect Profile for Sweden Connect"
	docBCP     = "RFC 9700"
	docCore    = "OpenID Connect Core"
)

// rule is a Rule and the question whether a client keeps it.
type rule struct {
	Rule
	profiles []string // those it belongs to; empty means all
	kept     func(c *storage.Client, acrValues []string) bool
}

// Installation is what the rules ask of the installation that a client is registered with.
type Installation struct {
	// ACRValues are the levels that it may assert.
	ACRValues []string
	// Local says that its issuer is on loopback, as that of brygga dev: apps are there too, and http on loopback is what they have.
	Local bool
}

// CheckProfile returns every rule that the client's profile has for its settings, kept or not. Rules about single requests are kept by
// the endpoints and do not stand here.
func CheckProfile(c *storage.Client, in Installation) []Rule {
	var found []Rule
	for _, r := range profileRules {
		if len(r.profiles) > 0 && !slices.Contains(r.profiles, c.Profile) {
			continue
		}
		result := r.Rule
		if result.Broken = !r.kept(c, in.ACRValues); !result.Broken {
			result.Remedy = ""
		}
		if in.Local && r.Key == "redirect_uris" {
			result.Must = false
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
		Rule{docCore + " §3.1.2.1", "redirect_uris", "https, or an app on the person's own device", true, false, "write https addresses, or set native for an app of the device"},
		nil, func(c *storage.Client, _ []string) bool {
			return c.Native || !slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return strings.HasPrefix(uri, "http:") })
		},
	},
	{
		Rule{docCore + " §8.1", "sector", "pairwise subjects of several hosts have one sector", true, false, "set sector or sector_identifier_uri"},
		nil, func(c *storage.Client, _ []string) bool {
			return c.SubjectType != storage.SubjectPairwise || c.Sector != "" || len(sectorHosts(c)) < 2
		},
	},
	{
		Rule{docBCP + " §2.1.1", "require_pkce", "PKCE is demanded of apps with a secret or key too", false, false, "set require_pkce if the app can"},
		nil, func(c *storage.Client, _ []string) bool { return c.NeedsPKCE() },
	},
	{
		Rule{docBCP + " §2.5", "auth_method", "the app proves itself by a key rather than a secret", false, false, "set auth_method private_key_jwt if the app can"},
		nil, func(c *storage.Client, _ []string) bool {
			return c.Public() || c.AuthMethod == storage.AuthMethodPrivateKey
		},
	},
	{
		Rule{docProfile + ": UserInfo", "userinfo_alg", "userinfo is signed", true, false, "set userinfo_alg, such as RS256 or ES256"},
		swedish, func(c *storage.Client, _ []string) bool { return c.UserinfoAlg != "" },
	},
	{
		Rule{docProfile + ": subjects", "subject_type", "subjects are public unless the app wants them pairwise", false, false, "set subject_type public"},
		swedish, func(c *storage.Client, _ []string) bool { return c.SubjectType == storage.SubjectPublic },
	},
	{
		Rule{docProfile + " §7", "id_token_alg", "signatures are RS256, RS384, RS512, ES256, ES384 or ES512", true, false, "set id_token_alg and userinfo_alg to one of them, as the app's metadata would have to declare another"},
		swedish, func(c *storage.Client, _ []string) bool {
			return !slices.ContainsFunc([]string{c.IDTokenAlg, c.UserinfoAlg, c.AuthAlg, c.RequestObjectAlg}, func(alg string) bool {
				return alg == storage.PS256 || alg == storage.EdDSA
			})
		},
	},
	{
		Rule{docProfile + " §7", "id_token_encryption_alg", "encryption is RSA-OAEP with A128GCM or A256GCM", false, false, "set them, unless the app declares others"},
		[]string{storage.ProfileSwedish}, func(c *storage.Client, _ []string) bool {
			for _, e := range []storage.Encryption{c.IDTokenEncryption, c.UserinfoEncryption} {
				if e.Alg != "" && (e.Alg != "RSA-OAEP" || e.Enc != "A128GCM" && e.Enc != "A256GCM") {
					return false
				}
			}
			return true
		},
	},
	{
		Rule{docProfile + ": client registration", "jwks", "the app has registered keys unless it has a secret", true, false, "set jwks, jwks_file or jwks_uri"},
		swedish, func(c *storage.Client, _ []string) bool {
			return len(c.JWKS) > 0 || c.JWKSURI != "" || c.AuthMethod != storage.AuthMethodPrivateKey
		},
	},
	{
		Rule{docProfile + ": acr", "default_acr_values", "every acr it asks for by default can be asserted here", false, false, "set default_acr_values to some of tokens.acr_values"},
		swedish, func(c *storage.Client, acrValues []string) bool {
			return !slices.ContainsFunc(c.DefaultACRValues, func(acr string) bool { return !slices.Contains(acrValues, acr) })
		},
	},
	{
		Rule{docSweden + ": client authentication", "auth_method", "the app authenticates by private_key_jwt", true, false, "set auth_method private_key_jwt"},
		swedenConnect, func(c *storage.Client, _ []string) bool { return c.AuthMethod == storage.AuthMethodPrivateKey },
	},
	{
		Rule{docSweden + ": client metadata", "contacts", "at least one e-mail address", true, false, "set contacts"},
		swedenConnect, func(c *storage.Client, _ []string) bool { return len(c.Contacts) > 0 },
	},
	{
		Rule{docSweden + ": client metadata", "local_names", "a name in Swedish and one in English", true, false, "set local_names for sv and en"},
		swedenConnect, func(c *storage.Client, _ []string) bool { return c.LocalNames["sv"] != "" && c.LocalNames["en"] != "" },
	},
	{
		Rule{docSweden + ": client metadata", "brand.logo_file", "a logo", true, false, "set brand.logo_file, or --logo"},
		swedenConnect, func(c *storage.Client, _ []string) bool { return len(c.Brand.Logo) > 0 },
	},
	{
		Rule{docSweden + ": client metadata", "home_uri", "the app's start page, https", true, false, "set home_uri"},
		swedenConnect, func(c *storage.Client, _ []string) bool {
			u, err := url.Parse(c.HomeURI)
			return err == nil && u.Scheme == "https"
		},
	},
	{
		Rule{docSweden + ": access tokens", "access_token_format", "access tokens say nothing about the person: opaque", false, false, "set access_token_format opaque"},
		swedenConnect, func(c *storage.Client, _ []string) bool { return c.AccessTokenFormat != storage.AccessTokenJWT },
	},
	{
		Rule{docSweden + ": requests", "require_request_object", "requests are signed", false, false, "set require_request_object if the app can"},
		swedenConnect, func(c *storage.Client, _ []string) bool { return c.RequireRequestObject },
	},
}

// String returns the rule as one line.
func (r Rule) String() string { return fmt.Sprintf("%s: %s: %s", r.Section, r.Key, r.Rule) }
