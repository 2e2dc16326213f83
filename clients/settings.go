package clients

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"brygga/duration"
	"brygga/storage"
)

type client = storage.Client

// settings are all settings of a client but its ID, secrets, policy and looks, in the order in which they are shown. Another one is
// an entry here and a field of the record: the configuration file, the flags, the views and the audit log follow.
var settings = []Setting[client]{
	{"name", "name", "what people read", "the ID", nil,
		func(c *client) any { return &c.Name }},
	{"local_names", "local-name", "`name` in another language, as sv=Journalen", "", nil,
		func(c *client) any { return &c.LocalNames }},
	{"home_uri", "home-uri", "`address` of the app's start page", "", nil,
		func(c *client) any { return &c.HomeURI }},
	{"disabled", "disabled", "treat it as one that is not registered, until this is taken back", "", nil,
		func(c *client) any { return &c.Disabled }},
	{"disabled_reason", "disabled-reason", "why it is disabled, for other administrators", "", nil,
		func(c *client) any { return &c.DisabledReason }},
	{"admin_group", "admin-group", "`name` of a group of apps that an administrator may be for who is not for all", "", nil,
		func(c *client) any { return &c.AdminGroup }},
	{"profile", "profile", "the rules for its requests and tokens", storage.ProfileStandard, profiles,
		func(c *client) any { return &c.Profile }},
	{"auth_method", "auth-method", "how it proves itself; client_secret takes the secret in the header or in the form", "client_secret, and private_key_jwt in the Swedish profiles", authMethods,
		func(c *client) any { return &c.AuthMethod }},
	{"auth_alg", "auth-alg", "the only `algorithm` of its assertions", "any of them", signingAlgs,
		func(c *client) any { return &c.AuthAlg }},
	{"jwks", "jwks", "its public keys as a JSON Web Key Set", "", nil,
		func(c *client) any { return jwksText{&c.JWKS} }},
	{"jwks_uri", "jwks-uri", "`address` where its public keys are fetched", "", nil,
		func(c *client) any { return &c.JWKSURI }},
	{"native", "native", "an app on the person's device: any port on 127.0.0.1, [::1] and localhost, and schemes such as se.example.app:", "", nil,
		func(c *client) any { return &c.Native }},
	{"redirect_uris", "redirect-uri", "`address` people are sent back to, exactly", "", nil,
		func(c *client) any { return &c.RedirectURIs }},
	{"post_logout_redirect_uris", "post-logout-redirect-uri", "`address` people may be sent to after logging out", "", nil,
		func(c *client) any { return &c.PostLogoutRedirectURIs }},
	{"scopes", "scope", "`scopes` it may ask for beside openid", "", storage.Scopes()[1:],
		func(c *client) any { return (*words)(&c.Scopes) }},
	{"id_token_alg", "alg", "how its ID tokens are signed", DefaultIDTokenAlg, signingAlgs,
		func(c *client) any { return &c.IDTokenAlg }},
	{"id_token_encryption_alg", "id-token-encryption-alg", "how ID tokens are encrypted to its key", "not at all", encryptionAlgs,
		func(c *client) any { return &c.IDTokenEncryption.Alg }},
	{"id_token_encryption_enc", "id-token-encryption-enc", "and with what", encryptionEncs[0], encryptionEncs,
		func(c *client) any { return &c.IDTokenEncryption.Enc }},
	{"userinfo_alg", "userinfo-alg", "how userinfo is signed", "not at all, and as ID tokens in the Swedish profiles", signingAlgs,
		func(c *client) any { return &c.UserinfoAlg }},
	{"userinfo_encryption_alg", "userinfo-encryption-alg", "how userinfo is encrypted to its key", "not at all", encryptionAlgs,
		func(c *client) any { return &c.UserinfoEncryption.Alg }},
	{"userinfo_encryption_enc", "userinfo-encryption-enc", "and with what", encryptionEncs[0], encryptionEncs,
		func(c *client) any { return &c.UserinfoEncryption.Enc }},
	{"request_object_alg", "request-object-alg", "the only `algorithm` of its request objects", "any of them", signingAlgs,
		func(c *client) any { return &c.RequestObjectAlg }},
	{"request_object_encryption_alg", "request-object-encryption-alg", "how it encrypts request objects to the provider; a key for that is then published",
		"not at all, and as its profile has it in the Swedish profiles", encryptionAlgs,
		func(c *client) any { return &c.RequestObjectEncryptionAlg }},
	{"require_request_object", "require-request-object", "refuse requests without a signed request object", "", nil,
		func(c *client) any { return &c.RequireRequestObject }},
	{"unsigned_request_objects", "unsigned-request-objects", "take request objects that nobody has signed", "", nil,
		func(c *client) any { return &c.UnsignedRequestObjects }},
	{"require_par", "require-par", "refuse requests that were not pushed ahead", "", nil,
		func(c *client) any { return &c.RequirePAR }},
	{"access_token_format", "access-token-format", "what its access tokens are", storage.AccessTokenOpaque, accessTokenFormats,
		func(c *client) any { return &c.AccessTokenFormat }},
	{"refresh_rotation", "refresh-rotation", "whether each use of a refresh token gives the next, or one is kept; that is for clients that prove themselves", storage.RefreshRotate, refreshRotations,
		func(c *client) any { return &c.RefreshRotation }},
	{"resources", "resource", "`address` of an API that it may ask access tokens for", "", nil,
		func(c *client) any { return &c.Resources }},
	{"acr_values", "acr-value", "`acr` out of tokens.acr_policies that it may ask for", "", nil,
		func(c *client) any { return &c.ACRValues }},
	{"default_acr_values", "default-acr-value", "`acr` for requests that name none", "", nil,
		func(c *client) any { return &c.DefaultACRValues }},
	{"default_max_age", "default-max-age", "how long ago a login may be for requests that do not say, as a `duration` such as 30m", "", nil,
		func(c *client) any { return maxAgeText{&c.DefaultMaxAge} }},
	{"default_locale", "default-locale", "`language` for requests that name none, such as sv", "", nil,
		func(c *client) any { return &c.DefaultLocale }},
	{"methods", "method", "`eID` that people log in with, in the order in which they are offered", "the installation's first", nil,
		func(c *client) any { return (*words)(&c.Methods) }},
	{"typed_identifiers", "typed-identifiers", "whether people may be asked on another device whom somebody names by typing, such as by an HSA-ID: anybody can have anybody asked", "", nil,
		func(c *client) any { return &c.TypedIdentifiers }},
	{"session_group", "session-group", "apps of the same `group` share a browser's session", "none: each login is asked for", nil,
		func(c *client) any { return &c.SessionGroup }},
	{"backchannel_logout_uri", "backchannel-logout-uri", "`address` that is told when a session ends", "", nil,
		func(c *client) any { return &c.BackchannelLogoutURI }},
	{"ciba", "ciba", "whether it may ask for logins of people whom it names, on the telephone and without a browser, and how it gets them", storage.CIBAOff, cibaModes,
		func(c *client) any { return &c.CIBA }},
	{"backchannel_client_notification_endpoint", "notification-endpoint", "`address` that is told when such a login has ended", "", nil,
		func(c *client) any { return &c.NotificationEndpoint }},
	{"webhook_uri", "webhook-uri", "`address` that is told, signed, when an order of its back ends has ended", "", nil,
		func(c *client) any { return &c.WebhookURI }},
	{"origins", "origin", "web `origin` whose scripts may call the endpoints", "", nil,
		func(c *client) any { return &c.Origins }},
	{"contacts", "contact", "e-mail `address` of those who run it", "", nil,
		func(c *client) any { return &c.Contacts }},
	{"subject_type", "subject-type", "what sub is made for", "pairwise, and public in the Swedish profiles", subjectTypes,
		func(c *client) any { return &c.SubjectType }},
	{"sector", "sector", "apps of the same `sector` see the same pairwise sub", "the host of its redirect URIs", nil,
		func(c *client) any { return &c.Sector }},
	{"sector_identifier_uri", "sector-identifier-uri", "`address` with a list of the sector's redirect URIs", "", nil,
		func(c *client) any { return &c.SectorIdentifierURI }},
	{"personal_number", "personal-number", "whether it gets personal number and name", "true", nil,
		func(c *client) any { return &c.PersonalNumber }},
	{"claims", "claim", "what it is given beside, as `claim=source`: preferred_username=sub, personalNumber or name, email=certificate or sub@DOMAIN", "", nil,
		func(c *client) any { return &c.Claims }},
	{"groups", "group", "a value of its claim groups, as `name=members`: everybody, or the sub of each", "", nil,
		func(c *client) any { return &c.Groups }},
	{"login_details", "login-detail", "what it gets as claims of what BankID says of a `login` beside the person", "none", storage.LoginDetails(),
		func(c *client) any { return (*words)(&c.LoginDetails) }},
	{"evidence", "evidence", "what of its people is kept as evidence: what proves their signatures and payments, or their logins too", storage.EvidenceSignatures, evidenceKinds,
		func(c *client) any { return &c.Evidence }},
	{"evidence_days", "evidence-days", "for how many `days` that is kept", "3653, ten years, of signatures and payments, and 400 of logins", nil,
		func(c *client) any { return &c.EvidenceDays }},
	{"fetch_evidence", "fetch-evidence", "whether it may fetch its own evidence, with an access token for itself", "", nil,
		func(c *client) any { return &c.FetchEvidence }},
	{"results_as_resources", "results-as-resources", "whether its back ends get a complete order as a resource in the older dialect of the JSON:API too", "", nil,
		func(c *client) any { return &c.ResultsAsResources }},
	{"api_scopes", "api-scope", "`scopes` of the management API that it may get access tokens for, as itself", "", storage.APIScopes,
		func(c *client) any { return (*words)(&c.APIScopes) }},
	{"require_pkce", "require-pkce", "demand PKCE although it has a secret", "", nil,
		func(c *client) any { return &c.RequirePKCE }},
	{"custom_identifier", "custom-identifier", "`tag` of its audit events", "", nil,
		func(c *client) any { return &c.CustomIdentifier }},
}

// The words that clients may choose from.
var (
	profiles           = []string{storage.ProfileStandard, storage.ProfileSwedish, storage.ProfileSwedenConnect}
	authMethods        = []string{storage.AuthMethodSecret, storage.AuthMethodBasic, storage.AuthMethodPost, storage.AuthMethodPrivateKey, storage.AuthMethodNone}
	signingAlgs        = storage.SigningAlgs()
	encryptionAlgs     = []string{"RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"}
	encryptionEncs     = []string{"A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"}
	accessTokenFormats = []string{storage.AccessTokenOpaque, storage.AccessTokenJWT}
	refreshRotations   = []string{storage.RefreshRotate, storage.RefreshKeep}
	cibaModes          = []string{storage.CIBAOff, storage.CIBAPoll, storage.CIBAPing}
	evidenceKinds      = []string{storage.EvidenceSignatures, storage.EvidenceAll}
	subjectTypes       = []string{storage.SubjectPairwise, storage.SubjectPublic}
)

// Settings returns all settings of a client but its ID, secrets, policy and looks, in the order in which they are shown.
func Settings() []Setting[storage.Client] { return slices.Clone(settings) }

// SettingOf returns the setting with that key, nil when there is none.
func SettingOf(key string) *Setting[storage.Client] {
	i := slices.IndexFunc(settings, func(s Setting[client]) bool { return s.Key == key })
	if i < 0 {
		return nil
	}
	s := settings[i]
	return &s
}

// New returns a client that has what every client has unless it is told otherwise, and that Complete does not fill.
func New(id string) storage.Client { return storage.Client{ID: id, PersonalNumber: true} }

// jwksText is a set of keys as JSON text.
type jwksText struct{ at *json.RawMessage }

func (j jwksText) UnmarshalText(text []byte) error {
	if *j.at = nil; len(text) > 0 {
		*j.at = slices.Clone(text)
	}
	return nil
}

func (j jwksText) MarshalText() ([]byte, error) { return *j.at, nil }

// MarshalJSON returns the keys as they are, or null for text that is none.
func (j jwksText) MarshalJSON() ([]byte, error) {
	if len(*j.at) == 0 || !json.Valid(*j.at) {
		return nil, nil
	}
	return *j.at, nil
}

// maxAgeText is a number of seconds as a duration. The duration 0s is one: every request is a login.
type maxAgeText struct{ at **int64 }

func (m maxAgeText) UnmarshalText(text []byte) error {
	if *m.at = nil; len(text) == 0 {
		return nil
	}
	d, err := duration.Parse(string(text))
	if err != nil || d%time.Second != 0 {
		return Fault("", "value.duration", quote(string(text)))
	}
	seconds := int64(d / time.Second)
	*m.at = &seconds
	return nil
}

func (m maxAgeText) MarshalText() ([]byte, error) {
	if *m.at == nil {
		return nil, nil
	}
	return []byte(duration.Format(time.Duration(**m.at) * time.Second)), nil
}

// Line is a setting and one of its values, as texts.
type Line struct{ Key, Value string }

// Lines returns what is set of a client: settings, policy and looks, lists a line for each value. There are no secrets.
func Lines(c *storage.Client) (lines []Line) {
	for _, s := range settings {
		for _, value := range s.Lines(c) {
			lines = append(lines, line(s.Key, value, s.Kind()))
		}
	}
	for _, l := range PolicyLines(&c.Policy) {
		lines = append(lines, Line{"policy." + l.Key, l.Value})
	}
	b := &c.Brand
	if len(b.Logo) > 0 {
		digest := sha256.Sum256(b.Logo)
		lines = append(lines, Line{"brand.logo", fmt.Sprintf("%s, %d bytes, SHA-256 %x…", b.LogoType, len(b.Logo), digest[:6])})
	}
	for _, s := range brandSettings {
		for _, value := range s.Lines(b) {
			lines = append(lines, Line{"brand." + s.Key, value})
		}
	}
	return lines
}

// line writes one of several texts as a setting of its own: local_names.sv.
func line(key, value string, kind Kind) Line {
	if kind == Texts {
		name, text, _ := strings.Cut(value, "=")
		return Line{key + "." + name, text}
	}
	return Line{key, value}
}

// settingPairs returns what is set of a client, each setting once, for comparing. Of its secrets there is only when they were made
// and when they end.
func settingPairs(c *storage.Client) (pairs [][2]string) {
	lines := Lines(c)
	for _, s := range c.Secrets {
		lines = append(lines, Line{"secrets", secretTimes(s)})
	}
	for _, k := range c.WebhookKeys {
		lines = append(lines, Line{"webhook_secrets", secretTimes(storage.ClientSecret{Created: k.Created, Expires: k.Expires})})
	}
	for _, l := range lines {
		if last := len(pairs) - 1; last >= 0 && pairs[last][0] == l.Key {
			pairs[last][1] += " " + l.Value
			continue
		}
		pairs = append(pairs, [2]string{l.Key, l.Value})
	}
	return pairs
}

func secretTimes(s storage.ClientSecret) string {
	times := "made " + s.Created.UTC().Format(time.RFC3339)
	if !s.Expires.IsZero() {
		times += " until " + s.Expires.UTC().Format(time.RFC3339)
	}
	return times
}
