package clients_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"brygga/clients"
	"brygga/storage"
)

const publicKey = `{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`

// TestCheck spoils one thing of a sound client at a time: a row for each way that a check can refuse, and one at each edge.
func TestCheck(t *testing.T) {
	keys := json.RawMessage(`{"keys":[` + publicKey + `]}`)
	key := func(c *storage.Client) { c.AuthMethod, c.JWKS = storage.AuthMethodPrivateKey, keys }
	secret := func(c *storage.Client) {
		c.AuthMethod, c.Secrets = storage.AuthMethodBasic, make([]storage.ClientSecret, 1)
	}
	many := func(n int, text string) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf(text, i))
		}
		return list
	}
	tests := []struct {
		name  string
		spoil func(*storage.Client)
		want  string // the key; empty for nothing wrong
	}{
		{"nothing", func(c *storage.Client) {}, ""},
		{"evidence", func(c *storage.Client) {
			secret(c)
			c.Evidence, c.EvidenceDays, c.FetchEvidence = storage.EvidenceAll, 36525, true
		}, ""},
		{"evidence of nothing", func(c *storage.Client) { c.Evidence = "none" }, "evidence"},
		{"evidence for less than a day", func(c *storage.Client) { c.EvidenceDays = -1 }, "evidence_days"},
		{"evidence for too long", func(c *storage.Client) { c.EvidenceDays = 36526 }, "evidence_days"},
		{"evidence for who proves nothing", func(c *storage.Client) { c.AuthMethod, c.Secrets, c.FetchEvidence = storage.AuthMethodNone, nil, true }, "fetch_evidence"},
		{"ID", func(c *storage.Client) { c.ID = "A-_.9" + strings.Repeat("z", 123) }, ""},
		{"ID too long", func(c *storage.Client) { c.ID = strings.Repeat("z", 129) }, "id"},
		{"no ID", func(c *storage.Client) { c.ID = "" }, "id"},
		{"ID with a space", func(c *storage.Client) { c.ID = "a b" }, "id"},
		{"ID with a slash", func(c *storage.Client) { c.ID = "a/b" }, "id"},
		{"ID with a plus", func(c *storage.Client) { c.ID = "a+b" }, "id"},
		{"ID beyond ASCII", func(c *storage.Client) { c.ID = "å" }, "id"},
		{"ID with digits of others", func(c *storage.Client) { c.ID = "a٣" }, "id"},
		{"ID of dots", func(c *storage.Client) { c.ID = ".." }, "id"},

		{"name", func(c *storage.Client) { c.Name = strings.Repeat("å", 60) }, ""},
		{"name with emoji and accents", func(c *storage.Client) { c.Name = "Cafe\u0301 ☕️ & Åsa's “app”" }, ""},
		{"name too long", func(c *storage.Client) { c.Name = strings.Repeat("x", 61) }, "name"},
		{"name blank", func(c *storage.Client) { c.Name = " \u00a0" }, "name"},
		{"name with a line break", func(c *storage.Client) { c.Name = "a\nb" }, "name"},
		{"name with escape", func(c *storage.Client) { c.Name = "a\x1b[1mb" }, "name"},
		{"name that turns", func(c *storage.Client) { c.Name = "a\u202eb" }, "name"},
		{"name that isolates", func(c *storage.Client) { c.Name = "a\u2066b" }, "name"},
		{"name with a mark of direction", func(c *storage.Client) { c.Name = "a\u200fb" }, "name"},
		{"name with nothing in it", func(c *storage.Client) { c.Name = "a\u200bb" }, "name"},
		{"name with a joiner", func(c *storage.Client) { c.Name = "a\u200db" }, "name"},
		{"name with a soft hyphen", func(c *storage.Client) { c.Name = "a\u00adb" }, "name"},
		{"name with a byte order mark", func(c *storage.Client) { c.Name = "a\ufeffb" }, "name"},
		{"name with a line separator", func(c *storage.Client) { c.Name = "a\u2028b" }, "name"},
		{"name with a paragraph separator", func(c *storage.Client) { c.Name = "a\u2029b" }, "name"},
		{"name with a tag", func(c *storage.Client) { c.Name = "a\U000e0041b" }, "name"},
		{"name with private use", func(c *storage.Client) { c.Name = "a\ue000b" }, "name"},
		{"name with a filler", func(c *storage.Client) { c.Name = "a\u3164b" }, "name"},
		{"name with an empty pattern", func(c *storage.Client) { c.Name = "a\u2800b" }, "name"},
		{"name with a replacement", func(c *storage.Client) { c.Name = "a\ufffdb" }, "name"},
		{"name that is no text", func(c *storage.Client) { c.Name = "a\xffb" }, "name"},

		{"local names", func(c *storage.Client) { c.LocalNames = map[string]string{"sv": "Å", "en-GB": "A"} }, ""},
		{"local name of no language", func(c *storage.Client) { c.LocalNames = map[string]string{"zz-": "A"} }, "local_names"},
		{"local name that turns", func(c *storage.Client) { c.LocalNames = map[string]string{"sv": "a\u202eb"} }, "local_names"},
		{"local name too long", func(c *storage.Client) { c.LocalNames = map[string]string{"sv": strings.Repeat("x", 61)} }, "local_names"},
		{"too many local names", func(c *storage.Client) {
			c.LocalNames = map[string]string{}
			for i := range 101 {
				c.LocalNames[fmt.Sprintf("sv-x-%d", i)] = "A"
			}
		}, "local_names"},
		{"custom identifier with a line break", func(c *storage.Client) { c.CustomIdentifier = "a\nb" }, "custom_identifier"},
		{"custom identifier too long", func(c *storage.Client) { c.CustomIdentifier = strings.Repeat("x", 61) }, "custom_identifier"},
		{"sector", func(c *storage.Client) { c.Sector = strings.Repeat("x", 128) }, ""},
		{"sector too long", func(c *storage.Client) { c.Sector = strings.Repeat("x", 129) }, "sector"},

		{"unknown profile", func(c *storage.Client) { c.Profile = "danish" }, "profile"},
		{"unknown method", func(c *storage.Client) { c.AuthMethod = "tls_client_auth" }, "auth_method"},
		{"no method", func(c *storage.Client) { c.AuthMethod = "" }, "auth_method"},
		{"unknown algorithm of assertions", func(c *storage.Client) { c.AuthAlg = "HS256" }, "auth_alg"},
		{"secret", secret, ""},
		{"secret by POST", func(c *storage.Client) { secret(c); c.AuthMethod = storage.AuthMethodPost }, ""},
		{"secret is missing", func(c *storage.Client) { c.AuthMethod = storage.AuthMethodBasic }, "auth_method"},
		{"secret by POST is missing", func(c *storage.Client) { c.AuthMethod = storage.AuthMethodPost }, "auth_method"},
		{"secret of a public client", func(c *storage.Client) { secret(c); c.AuthMethod = storage.AuthMethodNone }, "auth_method"},
		{"secret beside keys", func(c *storage.Client) { secret(c); key(c) }, "auth_method"},
		{"key", key, ""},
		{"key is missing", func(c *storage.Client) { c.AuthMethod = storage.AuthMethodPrivateKey }, "auth_method"},
		{"key by address", func(c *storage.Client) {
			c.AuthMethod, c.JWKSURI = storage.AuthMethodPrivateKey, "https://a.example/jwks"
		}, ""},
		{"both kinds of keys", func(c *storage.Client) { key(c); c.JWKSURI = "https://a.example/jwks" }, "jwks_uri"},
		{"keys by http", func(c *storage.Client) {
			c.AuthMethod, c.JWKSURI = storage.AuthMethodPrivateKey, "http://a.example/jwks"
		}, "jwks_uri"},
		{"ID tokens encrypted to no key", func(c *storage.Client) { c.IDTokenEncryption.Alg = "ECDH-ES" }, "jwks"},
		{"userinfo encrypted to no key", func(c *storage.Client) { c.UserinfoEncryption.Alg = "ECDH-ES" }, "jwks"},
		{"request objects signed by no key", func(c *storage.Client) { c.RequireRequestObject = true }, "jwks"},
		{"request objects of an algorithm by no key", func(c *storage.Client) { c.RequestObjectAlg = storage.ES256 }, "jwks"},

		{"no algorithm", func(c *storage.Client) { c.IDTokenAlg = "" }, "id_token_alg"},
		{"algorithm none", func(c *storage.Client) { c.IDTokenAlg = "none" }, "id_token_alg"},
		{"algorithm of userinfo", func(c *storage.Client) { c.UserinfoAlg = "HS256" }, "userinfo_alg"},
		{"algorithm of request objects", func(c *storage.Client) { key(c); c.RequestObjectAlg = "none" }, "request_object_alg"},
		{"encryption of ID tokens", func(c *storage.Client) { key(c); c.IDTokenEncryption.Alg = "RSA1_5" }, "id_token_encryption_alg"},
		{"content encryption of ID tokens", func(c *storage.Client) { c.IDTokenEncryption.Enc = "A1" }, "id_token_encryption_enc"},
		{"encryption of userinfo", func(c *storage.Client) { key(c); c.UserinfoEncryption.Alg = "RSA1_5" }, "userinfo_encryption_alg"},
		{"content encryption of userinfo", func(c *storage.Client) { c.UserinfoEncryption.Enc = "A1" }, "userinfo_encryption_enc"},
		{"format of access tokens", func(c *storage.Client) { c.AccessTokenFormat = "saml" }, "access_token_format"},

		{"resources", func(c *storage.Client) {
			c.Resources = append(many(98, "https://api%d.example/"), "urn:api", "https://a/"+strings.Repeat("x", 1990))
		}, ""},
		{"too many resources", func(c *storage.Client) { c.Resources = many(101, "https://api%d.example/") }, "resources"},
		{"relative resource", func(c *storage.Client) { c.Resources = []string{"/api"} }, "resources"},
		{"resource without a scheme", func(c *storage.Client) { c.Resources = []string{"%41pi"} }, "resources"},
		{"resource with a fragment", func(c *storage.Client) { c.Resources = []string{"https://api.example/#"} }, "resources"},
		{"resource too long", func(c *storage.Client) { c.Resources = []string{"https://a/" + strings.Repeat("x", 1991)} }, "resources"},
		{"resource with a space", func(c *storage.Client) { c.Resources = []string{"urn:a b"} }, "resources"},

		{"unsigned request objects", func(c *storage.Client) { c.UnsignedRequestObjects = true }, ""},
		{"a kept refresh token", func(c *storage.Client) { secret(c); c.RefreshRotation = storage.RefreshKeep }, ""},
		{"a kept refresh token without a secret", func(c *storage.Client) { c.RefreshRotation = storage.RefreshKeep }, "refresh_rotation"},
		{"no rotation that there is", func(c *storage.Client) { c.RefreshRotation = "never" }, "refresh_rotation"},
		{"people named", func(c *storage.Client) { secret(c); c.CIBA, c.PersonalNumber = storage.CIBAPoll, true }, ""},
		{"people named, and no redirect URI", func(c *storage.Client) {
			secret(c)
			c.CIBA, c.PersonalNumber, c.RedirectURIs = storage.CIBAPoll, true, nil
		}, ""},
		{"people named without a secret", func(c *storage.Client) { c.CIBA, c.PersonalNumber = storage.CIBAPoll, true }, "ciba"},
		{"people named without the number", func(c *storage.Client) { secret(c); c.CIBA, c.PersonalNumber = storage.CIBAPoll, false }, "ciba"},
		{"nobody named", func(c *storage.Client) { c.CIBA = storage.CIBAOff }, ""},
		{"no way to name people that there is", func(c *storage.Client) { secret(c); c.CIBA, c.PersonalNumber = "push", true }, "ciba"},
		{"people named, and told of it", func(c *storage.Client) {
			secret(c)
			c.CIBA, c.PersonalNumber, c.NotificationEndpoint = storage.CIBAPing, true, "https://a.example/ciba"
		}, ""},
		{"people named, and told nowhere", func(c *storage.Client) { secret(c); c.CIBA, c.PersonalNumber = storage.CIBAPing, true }, "backchannel_client_notification_endpoint"},
		{"people named, and told by http", func(c *storage.Client) {
			secret(c)
			c.CIBA, c.PersonalNumber, c.NotificationEndpoint = storage.CIBAPing, true, "http://a.example/ciba"
		}, "backchannel_client_notification_endpoint"},
		{"people named, and told although it asks", func(c *storage.Client) {
			secret(c)
			c.CIBA, c.PersonalNumber, c.NotificationEndpoint = storage.CIBAPoll, true, "https://a.example/ciba"
		}, "backchannel_client_notification_endpoint"},
		{"unsigned and required", func(c *storage.Client) { key(c); c.UnsignedRequestObjects, c.RequireRequestObject = true, true }, "unsigned_request_objects"},
		{"unsigned and signed by", func(c *storage.Client) {
			key(c)
			c.UnsignedRequestObjects, c.RequestObjectAlg = true, storage.ES256
		}, "unsigned_request_objects"},
		{"acr", func(c *storage.Client) {
			c.DefaultACRValues = append(many(98, "urn:loa:%d"), "urn:~", "urn:"+strings.Repeat("x", 1996))
		}, ""},
		{"too many acr", func(c *storage.Client) { c.DefaultACRValues = many(101, "urn:loa:%d") }, "default_acr_values"},
		{"acr that is none", func(c *storage.Client) { c.DefaultACRValues = []string{"loa3"} }, "default_acr_values"},
		{"acr empty", func(c *storage.Client) { c.DefaultACRValues = []string{""} }, "default_acr_values"},
		{"acr with a space", func(c *storage.Client) { c.DefaultACRValues = []string{"urn:a b"} }, "default_acr_values"},
		{"acr with a quote", func(c *storage.Client) { c.DefaultACRValues = []string{`urn:a"b`} }, "default_acr_values"},
		{"acr with a backslash", func(c *storage.Client) { c.DefaultACRValues = []string{`urn:a\b`} }, "default_acr_values"},
		{"acr beyond ASCII", func(c *storage.Client) { c.DefaultACRValues = []string{"urn:å"} }, "default_acr_values"},
		{"acr too long", func(c *storage.Client) { c.DefaultACRValues = []string{"urn:" + strings.Repeat("x", 1997)} }, "default_acr_values"},
		{"max age", func(c *storage.Client) { zero := int64(0); c.DefaultMaxAge = &zero }, ""},
		{"negative max age", func(c *storage.Client) { age := int64(-1); c.DefaultMaxAge = &age }, "default_max_age"},
		{"locale", func(c *storage.Client) { c.DefaultLocale = "sv-SE" }, ""},
		{"no locale", func(c *storage.Client) { c.DefaultLocale = "!" }, "default_locale"},

		{"origins", func(c *storage.Client) {
			c.Origins = append(many(96, "https://a%d.example"), "http://localhost:3000", "http://[::1]:1", "https://a.example:8443", "http://127.0.0.1")
		}, ""},
		{"too many origins", func(c *storage.Client) { c.Origins = many(101, "https://a%d.example") }, "origins"},
		{"origin with a slash", func(c *storage.Client) { c.Origins = []string{"https://a.example/"} }, "origins"},
		{"origin with a query", func(c *storage.Client) { c.Origins = []string{"https://a.example?x"} }, "origins"},
		{"origin without a host", func(c *storage.Client) { c.Origins = []string{"https://"} }, "origins"},
		{"origin by http", func(c *storage.Client) { c.Origins = []string{"http://a.example"} }, "origins"},
		{"origin of another scheme", func(c *storage.Client) { c.Origins = []string{"ftp://localhost"} }, "origins"},
		{"origin null", func(c *storage.Client) { c.Origins = []string{"null"} }, "origins"},
		{"origin with a user", func(c *storage.Client) { c.Origins = []string{"https://u@a.example"} }, "origins"},
		{"origin in capitals", func(c *storage.Client) { c.Origins = []string{"https://A.example"} }, "origins"},
		{"origin with the usual port", func(c *storage.Client) { c.Origins = []string{"https://a.example:443"} }, "origins"},
		{"origin with the usual port of http", func(c *storage.Client) { c.Origins = []string{"http://localhost:80"} }, "origins"},
		{"origin with a port too high", func(c *storage.Client) { c.Origins = []string{"https://a.example:65536"} }, "origins"},
		{"origin with a wildcard", func(c *storage.Client) { c.Origins = []string{"https://*.example"} }, "origins"},

		{"no kind of subject", func(c *storage.Client) { c.SubjectType = "" }, "subject_type"},
		{"unknown kind of subject", func(c *storage.Client) { c.SubjectType = "ephemeral" }, "subject_type"},
		{"one sector of two hosts", func(c *storage.Client) {
			c.Sector, c.RedirectURIs = "", []string{"https://a.example/", "https://b.example/"}
		}, "sector"},
		{"public subjects of two hosts", func(c *storage.Client) {
			c.Sector, c.SubjectType, c.RedirectURIs = "", storage.SubjectPublic, []string{"https://a.example/", "https://b.example/"}
		}, ""},
		{"one host twice and loopback", func(c *storage.Client) {
			c.Sector, c.RedirectURIs = "", []string{"https://a.example/1", "https://a.example:8443/2", "http://127.0.0.1/", "https://localhost/"}
		}, ""},
		{"sector document by http", func(c *storage.Client) { c.SectorIdentifierURI = "http://a.example/" }, "sector_identifier_uri"},
		{"session group", func(c *storage.Client) { c.SessionGroup = "a-9" + strings.Repeat("z", 29) }, ""},
		{"session group too long", func(c *storage.Client) { c.SessionGroup = strings.Repeat("z", 33) }, "session_group"},
		{"session group in capitals", func(c *storage.Client) { c.SessionGroup = "A" }, "session_group"},
		{"session group with a line break", func(c *storage.Client) { c.SessionGroup = "a\n" }, "session_group"},
		{"logout by http", func(c *storage.Client) { c.BackchannelLogoutURI = "http://a.example/" }, "backchannel_logout_uri"},
		{"contacts", func(c *storage.Client) {
			c.Contacts = append(many(99, "it%d@a.example"), strings.Repeat("x", 249)+"@a.se")
		}, ""},
		{"too many contacts", func(c *storage.Client) { c.Contacts = many(101, "it%d@a.example") }, "contacts"},
		{"contact that is none", func(c *storage.Client) { c.Contacts = []string{"it"} }, "contacts"},
		{"contact with a name", func(c *storage.Client) { c.Contacts = []string{"IT <it@a.example>"} }, "contacts"},
		{"contact too long", func(c *storage.Client) { c.Contacts = []string{strings.Repeat("x", 250) + "@a.se"} }, "contacts"},
		{"start page by http", func(c *storage.Client) { c.HomeURI = "http://a.example/" }, "home_uri"},

		{"no redirect URI", func(c *storage.Client) { c.RedirectURIs = nil }, "redirect_uris"},
		{"redirect URIs", func(c *storage.Client) { c.RedirectURIs = many(100, "https://app.example.se/%d") }, ""},
		{"too many redirect URIs", func(c *storage.Client) { c.RedirectURIs = many(101, "https://app.example.se/%d") }, "redirect_uris"},
		{"redirect URI twice", func(c *storage.Client) {
			c.RedirectURIs = []string{"https://app.example.se/", "https://app.example.se/"}
		}, "redirect_uris"},
		{"after logout by http", func(c *storage.Client) { c.PostLogoutRedirectURIs = []string{"http://a.example/"} }, "post_logout_redirect_uris"},
		{"after logout in an app", func(c *storage.Client) { c.PostLogoutRedirectURIs = []string{"se.example.app:/"} }, "post_logout_redirect_uris"},
		{"after logout in an app of the device", func(c *storage.Client) { c.Native, c.PostLogoutRedirectURIs = true, []string{"se.example.app:/"} }, ""},
		{"scopes", func(c *storage.Client) { c.Scopes = storage.Scopes() }, ""},
		{"address with a tilde", func(c *storage.Client) { c.HomeURI = "https://a.example/~app" }, ""},
		{"unknown scope", func(c *storage.Client) { c.Scopes = []string{"email"} }, "scopes"},
		{"scope empty", func(c *storage.Client) { c.Scopes = []string{""} }, "scopes"},
		{"too many scopes", func(c *storage.Client) { c.Scopes = slices.Repeat([]string{"profile"}, 101) }, "scopes"},
		{"policy", func(c *storage.Client) { c.Policy.PinCode = "perhaps" }, "policy.pin_code"},
	}
	for _, tt := range tests {
		c := sound()
		tt.spoil(&c)
		found := clients.Check(&c)
		switch {
		case tt.want == "" && len(found) > 0:
			t.Errorf("%s: %v", tt.name, found)
		case tt.want != "" && (len(found) != 1 || found[0].Key != tt.want || found[0].Problem == "" || found[0].Remedy == ""):
			t.Errorf("%s: want one fault of %s, got %v", tt.name, tt.want, found)
		}
	}
}

func TestCheckPolicy(t *testing.T) {
	many := func(n int) map[string]string {
		texts := map[string]string{}
		for i := range n {
			texts[fmt.Sprintf("sv-x-%d", i)] = "a"
		}
		return texts
	}
	for _, tt := range []struct {
		name   string
		policy storage.Policy
		want   string
	}{
		{"nothing", storage.Policy{}, ""},
		{"all", storage.Policy{
			PinCode: "yes", MRTD: "no", CardReader: "class2", CertificatePolicies: slices.Repeat([]string{"1.2.752.78.1.*"}, 20), VisibleText: map[string]string{"sv": "a\nb {client}"},
			VisibleFormat: "simpleMarkdownV1", ModerateRisk: "accept", HighRisk: "audit", Return: "balanced", AddressCheck: "off", MinimumAge: 150, Certificate: "second",
		}, ""},
		{"pin_code", storage.Policy{PinCode: "true"}, "pin_code"},
		{"mrtd", storage.Policy{MRTD: "true"}, "mrtd"},
		{"card_reader", storage.Policy{CardReader: "class3"}, "card_reader"},
		{"format", storage.Policy{VisibleFormat: "html"}, "visible_format"},
		{"moderate risk", storage.Policy{ModerateRisk: "off"}, "moderate_risk"},
		{"high risk", storage.Policy{HighRisk: "off"}, "high_risk"},
		{"return", storage.Policy{Return: "lax"}, "return"},
		{"address check", storage.Policy{AddressCheck: "accept"}, "address_check"},
		{"negative age", storage.Policy{MinimumAge: -1}, "minimum_age"},
		{"too old", storage.Policy{MinimumAge: 151}, "minimum_age"},
		{"short OID", storage.Policy{CertificatePolicies: []string{"1.2.3.4"}}, "certificate_policies"},
		{"asterisk too early", storage.Policy{CertificatePolicies: []string{"1.2.*"}}, "certificate_policies"},
		{"asterisk inside", storage.Policy{CertificatePolicies: []string{"1.2.3.4.*.5"}}, "certificate_policies"},
		{"too many OIDs", storage.Policy{CertificatePolicies: slices.Repeat([]string{"1.2.3.4.5"}, 21)}, "certificate_policies"},
		{"text of no language", storage.Policy{VisibleText: map[string]string{"zz-": "a"}}, "visible_text"},
		{"empty text", storage.Policy{VisibleText: map[string]string{"sv": ""}}, "visible_text"},
		{"a plus without a space in Markdown", storage.Policy{VisibleText: map[string]string{"sv": "Vi får:\n+Ditt namn"}, VisibleFormat: "simpleMarkdownV1"}, "visible_text"},
		{"a plus without a space", storage.Policy{VisibleText: map[string]string{"sv": "Vi får:\n+Ditt namn"}}, ""},
		{"a list in Markdown", storage.Policy{VisibleText: map[string]string{"sv": "# Vi får:\n+ Ditt namn"}, VisibleFormat: "simpleMarkdownV1"}, ""},
		{"HTML in Markdown", storage.Policy{VisibleText: map[string]string{"sv": "<b>{client}</b>"}, VisibleFormat: "simpleMarkdownV1"}, "visible_text"},
		{"a tab", storage.Policy{VisibleText: map[string]string{"sv": "a\tb"}}, "visible_text"},
		{"longest text", storage.Policy{VisibleText: map[string]string{"sv": strings.Repeat("x", 1125)}}, ""},
		{"text too long", storage.Policy{VisibleText: map[string]string{"sv": strings.Repeat("x", 1126)}}, "visible_text"},
		{"longest text with a name", storage.Policy{VisibleText: map[string]string{"sv": strings.Repeat("x", 885) + "{client}"}}, ""},
		{"text too long with a name", storage.Policy{VisibleText: map[string]string{"sv": strings.Repeat("x", 886) + "{client}"}}, "visible_text"},
		{"text that is none", storage.Policy{VisibleText: map[string]string{"sv": "a\xff"}}, "visible_text"},
		{"text with a tabulator", storage.Policy{VisibleText: map[string]string{"sv": "a\tb"}}, "visible_text"},
		{"text that turns", storage.Policy{VisibleText: map[string]string{"sv": "a\u202eb"}}, "visible_text"},
		{"texts", storage.Policy{VisibleText: many(100)}, ""},
		{"too many texts", storage.Policy{VisibleText: many(101)}, "visible_text"},
		{"certificate with a line break", storage.Policy{Certificate: "a\nb"}, "certificate"},
		{"certificate too long", storage.Policy{Certificate: strings.Repeat("x", 61)}, "certificate"},
	} {
		found := clients.CheckPolicy(&tt.policy)
		if tt.want == "" && len(found) > 0 || tt.want != "" && (len(found) != 1 || found[0].Key != tt.want || found[0].Remedy == "") {
			t.Errorf("%s: want %q, got %v", tt.name, tt.want, found)
		}
	}
}

func TestCheckJWKS(t *testing.T) {
	set := func(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }
	named := func(i int) string { return strings.Replace(publicKey, `"a"`, fmt.Sprintf(`"%d"`, i), 1) }
	var many []string
	for i := range 33 {
		many = append(many, named(i))
	}
	nameless := strings.Replace(publicKey, `"kid":"a",`, "", 1)
	padded := set(publicKey) + strings.Repeat(" ", 64<<10-len(set(publicKey)))
	for _, tt := range []struct{ name, text, want string }{
		{"one", set(publicKey), ""}, {"one without a name", set(nameless), ""}, {"the most", set(many[:32]...), ""}, {"the longest", padded, ""},
		{"too many", set(many...), "holds 33 keys"}, {"none", set(), "holds 0 keys"}, {"too long", padded + " ", "is no JSON Web Key Set"}, {"no JSON", "x", "is no JSON Web Key Set"},
		{"several without names", set(publicKey, nameless), "key number 2 has no kid"},
		{"private", set(strings.Replace(publicKey, "}", `,"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`, 1)), `key "a" is a private key`},
		{"secret", set(`{"kty":"oct","kid":"a","k":"AAAA"}`), `key "a" is of a kind that is not used here`},
		{"short", set(`{"kty":"RSA","kid":"a","n":"` + strings.Repeat("_", 170) + `w","e":"AQAB"}`), "RSA keys have 2048 to 4096"},
		{"longest", set(`{"kty":"RSA","kid":"a","n":"` + strings.Repeat("_", 682) + `w","e":"AQAB"}`), ""},
		{"long", set(`{"kty":"RSA","kid":"a","n":"` + strings.Repeat("_", 700) + `","e":"AQAB"}`), "key number 1 is of a kind or size"},
		{"of another kind beside", set(publicKey, `{"kty":"AKP","kid":"b"}`), "key number 2 is of a kind or size"},
		{"null", set("null"), "key number 1 is of a kind or size"},
	} {
		c := sound()
		c.JWKS = json.RawMessage(tt.text)
		found := clients.Check(&c)
		if tt.want == "" && len(found) > 0 || tt.want != "" && (len(found) != 1 || found[0].Key != "jwks" || !strings.Contains(found[0].Problem, tt.want)) {
			t.Errorf("%s: want %q, got %v", tt.name, tt.want, found)
		}
	}
}
