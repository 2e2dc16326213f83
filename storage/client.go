package storage

import (
	"cmp"
	"crypto/subtle"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"brygga/secret"
)

// Client is a registered OAuth client: an app that sends people here to log in. The zero value may do nothing.
type Client struct {
	// ID is the client_id: 1 to 128 of A–Z a–z 0–9 - _ and dot.
	ID string `json:"id"`
	// Name is what people read on the login page and in the BankID app.
	Name string `json:"name"`
	// LocalNames holds the name in other languages, by BCP 47 tag ("sv", "en"); Name serves the rest.
	LocalNames map[string]string `json:"local_names,omitempty"`
	// HomeURI is where a person is sent who has nowhere else to go: https, or http on loopback. Empty for none.
	HomeURI string `json:"home_uri,omitempty"`
	// Disabled says that it may do nothing for now; see Enabled. DisabledReason is why, for other administrators.
	Disabled       bool   `json:"disabled,omitempty"`
	DisabledReason string `json:"disabled_reason,omitempty"`
	// AdminGroup names the clients that an administrator may be for who is not for all; empty for none.
	AdminGroup string `json:"admin_group,omitempty"`
	// Native allows any port on a redirect URI that is registered on http://127.0.0.1, http://[::1] or http://localhost (RFC 8252 §7.3).
	Native bool `json:"native,omitempty"`
	// Profile is the set of rules that its requests and tokens follow: ProfileStandard, ProfileSwedish or
	// ProfileSwedenConnect.
	Profile string `json:"profile,omitempty"`
	// AuthMethod is how the client authenticates, exactly: client_secret (by either of the two that follow), client_secret_basic,
	// client_secret_post, private_key_jwt or none (a public client; PKCE is then demanded).
	AuthMethod string `json:"auth_method"`
	// AuthAlg is the only algorithm of its assertions; empty allows all of ours.
	AuthAlg string `json:"auth_alg,omitempty"`
	// JWKS holds the client's public keys (RFC 7517 §5); JWKSURI is where they are fetched instead, https. At most one is set.
	JWKS    json.RawMessage `json:"jwks,omitempty"`
	JWKSURI string          `json:"jwks_uri,omitempty"`
	// Secrets are those that were not seen to have ended, the newest first. Older ones work on until they expire, so that the
	// app can be changed without a break.
	Secrets []ClientSecret `json:"secrets,omitempty"`
	// RedirectURIs and PostLogoutRedirectURIs are compared as exact strings.
	RedirectURIs           []string `json:"redirect_uris"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	// Scopes are those the client may ask for, beside openid.
	Scopes []string `json:"scopes,omitempty"`
	// IDTokenAlg signs its ID tokens, and IDTokenEncryption encrypts them to the client; the zero value does not.
	IDTokenAlg        string     `json:"id_token_alg"`
	IDTokenEncryption Encryption `json:"id_token_encryption,omitzero"`
	// UserinfoAlg signs what userinfo answers; empty means plain JSON. UserinfoEncryption encrypts it.
	UserinfoAlg        string     `json:"userinfo_alg,omitempty"`
	UserinfoEncryption Encryption `json:"userinfo_encryption,omitzero"`
	// RequestObjectAlg is the only algorithm of its request objects; empty allows all of ours. RequireRequestObject refuses
	// requests without a signed one (RFC 9101 §10.5), UnsignedRequestObjects accepts those with alg none.
	RequestObjectAlg       string `json:"request_object_alg,omitempty"`
	RequireRequestObject   bool   `json:"require_request_object,omitempty"`
	UnsignedRequestObjects bool   `json:"unsigned_request_objects,omitempty"`
	// RequestObjectEncryptionAlg is how the client encrypts request objects to us, when it does; keys for it are then published.
	RequestObjectEncryptionAlg string `json:"request_object_encryption_alg,omitempty"`
	// RequirePAR refuses requests that were not pushed (RFC 9126 §6).
	RequirePAR bool `json:"require_par,omitempty"`
	// AccessTokenFormat is AccessTokenOpaque or AccessTokenJWT.
	AccessTokenFormat string `json:"access_token_format,omitempty"`
	// RefreshRotation is RefreshRotate or RefreshKeep.
	RefreshRotation string `json:"refresh_rotation,omitempty"`
	// Resources are the resource indicators that it may ask for (RFC 8707).
	Resources []string `json:"resources,omitempty"`
	// DefaultACRValues, DefaultMaxAge (seconds) and DefaultLocale (a BCP 47 tag) stand for what a request leaves out.
	DefaultACRValues []string `json:"default_acr_values,omitempty"`
	DefaultMaxAge    *int64   `json:"default_max_age,omitempty"`
	DefaultLocale    string   `json:"default_locale,omitempty"`
	// ACRValues are the acr values with demands of their own that it may ask for, beside those that need no leave.
	ACRValues []string `json:"acr_values,omitempty"`
	// Methods are the eIDs by which people log in to it, by the names that the engine of logins has for them, in the order in which they are offered.
	// Empty means the installation's first, whatever others there are.
	Methods []string `json:"methods,omitempty"`
	// SessionGroup names the clients that share the session of a browser; empty means that every request is a login.
	SessionGroup string `json:"session_group,omitempty"`
	// BackchannelLogoutURI is told when a session ends (OpenID Connect Back-Channel Logout §2.2).
	BackchannelLogoutURI string `json:"backchannel_logout_uri,omitempty"`
	// CIBA is how the client gets the logins of people whom it names, without a browser: CIBAOff, CIBAPoll or CIBAPing. Empty is CIBAOff.
	CIBA string `json:"ciba,omitempty"`
	// NotificationEndpoint is told that such a login has ended, where CIBA is CIBAPing (OpenID CIBA Core §4).
	NotificationEndpoint string `json:"backchannel_client_notification_endpoint,omitempty"`
	// WebhookURI is told when an order of its programs has ended, signed with each of WebhookKeys that has not ended, the newest first, or with
	// WebhookSecret, which stands in the configuration file: one secret of a webhook, or two.
	WebhookURI    string        `json:"webhook_uri,omitempty"`
	WebhookKeys   []WebhookKey  `json:"webhook_keys,omitempty"`
	WebhookSecret secret.String `json:"-"`
	// Origins are the web origins whose scripts may call the endpoints; see WebOrigins.
	Origins []string `json:"origins,omitempty"`
	// Contacts are e-mail addresses of those who run the client.
	Contacts []string `json:"contacts,omitempty"`
	// SubjectType is pairwise or public (OIDC Core §8).
	SubjectType string `json:"subject_type"`
	// Sector names the group of clients that see the same pairwise subject. Whoever stores the client fills it, as a host in
	// most cases (OIDC Core §8.1), and it stays when redirect URIs change; empty means this client alone.
	Sector string `json:"sector,omitempty"`
	// SectorIdentifierURI is where the redirect URIs of the whole sector stand; it was checked when the client was stored.
	SectorIdentifierURI string `json:"sector_identifier_uri,omitempty"`
	// PersonalNumber lets the client have personalNumber and the name claims.
	PersonalNumber bool `json:"personal_number"`
	// Claims are those that an operator has given the client by name, each with what it is made from: ClaimPreferredUsername from
	// SourceSubject, SourcePersonalNumber or SourceName, ClaimEmail from SourceCertificate, or from "sub@" and a domain: that is a stand-in for apps
	// that insist on an address. Nobody is known to have mail at either.
	Claims map[string]string `json:"claims,omitempty"`
	// Groups are the values of the client's claim groups, each with those who are in it: GroupOfAll, or subjects as the client sees
	// them, with spaces between.
	Groups map[string]string `json:"groups,omitempty"`
	// LoginDetails are what it gets of what the eID service says of a login beside the person: DetailRisk, DetailMRTD, DetailIssueDate.
	LoginDetails []string `json:"login_details,omitempty"`
	// Evidence says what it is kept of, EvidenceSignatures or EvidenceAll; empty is the former. EvidenceDays is how many days it is kept, 0 for as long as usual.
	Evidence     string `json:"evidence,omitempty"`
	EvidenceDays int    `json:"evidence_days,omitempty"`
	// TypedIdentifiers lets people be asked on another device whom somebody there has named, by typing.
	TypedIdentifiers bool `json:"typed_identifiers,omitempty"`
	// FetchEvidence lets the client fetch what is kept for it, with an access token of its own.
	FetchEvidence bool `json:"fetch_evidence,omitempty"`
	// ResultsAsResources has the JSON:API answer its back ends with a complete order as a resource in the older dialect too.
	ResultsAsResources bool `json:"results_as_resources,omitempty"`
	// APIScopes are those of the management API that the client may get access tokens for, as itself (RFC 6749 §4.4); none for none.
	APIScopes []string `json:"api_scopes,omitempty"`
	// RequirePKCE demands a code challenge of a confidential client too.
	RequirePKCE bool `json:"require_pkce,omitempty"`
	// CustomIdentifier tags the client's audit events (CUSTOMER_IDENTIFIER).
	CustomIdentifier string `json:"custom_identifier,omitempty"`
	// Policy is what the client demands of a login, Brand how the page looks when it asks.
	Policy Policy `json:"policy,omitzero"`
	Brand  Brand  `json:"brand,omitzero"`
	// Created and Updated are set by whoever stores the client.
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
	// Revision counts the changes, from 1; see Clients.UpdateClient.
	Revision uint64 `json:"revision"`
	// Static says that the client stands in the configuration file and not in the store.
	Static bool `json:"-"`
}

// ClientSecret is what is stored of a client secret: its hash. The secret itself has at least 128 random bits, or stands
// in the operator's own configuration.
type ClientSecret struct {
	Hash    [32]byte  `json:"hash"`
	Created time.Time `json:"created"`
	// Expires is when the secret stops working; the zero time means never.
	Expires time.Time `json:"expires,omitzero"`
}

// WebhookKey names a key that proves to a client what its webhook is sent. It is made from the seed and a secret of the installation; by itself the seed
// proves nothing.
type WebhookKey struct {
	Seed    string    `json:"seed"`
	Created time.Time `json:"created"`
	// Expires is when the key is used no more; the zero time means never.
	Expires time.Time `json:"expires,omitzero"`
}

// Succeeds reports whether what happened then with a client of that ID was another's, which was removed since. What stands in the configuration file counts as
// one client, as it is made anew at each start.
func (c *Client) Succeeds(at time.Time) bool { return !c.Static && at.Before(c.Created) }

// Public reports whether the client has no credentials of its own (RFC 6749 §2.1).
func (c *Client) Public() bool { return c.AuthMethod == AuthMethodNone }

// MayNamePeople reports whether the client may ask for logins of people whom it names, without a browser (OpenID CIBA Core §4): one that
// proves itself, and has a right to the number by which it names them.
func (c *Client) MayNamePeople() bool {
	return c.CIBA != "" && c.CIBA != CIBAOff && !c.Public() && c.MayHaveNumber()
}

// MaySign reports whether the client may have people sign, whatever it is handed of that.
func (c *Client) MaySign() bool { return c.MayAsk(ScopeSign) || c.MayAsk(ScopeSignApproval) }

// NeedsPKCE reports whether its requests must have a code challenge: those of a public client always.
func (c *Client) NeedsPKCE() bool { return c.Public() || c.RequirePKCE }

// Authenticate reports whether presented is one of the client's secrets at now. Its time does not tell how near it came.
func (c *Client) Authenticate(presented secret.String, now time.Time) bool {
	return c.SecretOf(presented, now) != nil
}

// SecretOf returns the secret of the client that presented is at now, nil for none. Its time does not tell how near it came.
func (c *Client) SecretOf(presented secret.String, now time.Time) *ClientSecret {
	hash := presented.Hash()
	found := 0 // from 1
	for i, s := range c.Secrets {
		if s.Expires.IsZero() || now.Before(s.Expires) {
			found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(s.Hash[:], hash[:]), i+1, found)
		}
	}
	if found == 0 || presented.IsZero() {
		return nil
	}
	return &c.Secrets[found-1]
}

// NameIn returns the client's name in the language of the BCP 47 tag, else its Name, else its ID.
func (c *Client) NameIn(language string) string {
	if name := c.LocalNames[language]; name != "" {
		return name
	}
	if c.Name != "" {
		return c.Name
	}
	return c.ID
}

// SectorID returns what a pairwise subject of this client is made for.
func (c *Client) SectorID() string {
	if c.Sector != "" {
		return "sector:" + c.Sector
	}
	return "client:" + c.ID
}

// Swedish reports whether the Swedish OpenID Connect Profile binds the client.
func (c *Client) Swedish() bool {
	return c.Profile == ProfileSwedish || c.Profile == ProfileSwedenConnect
}

// WebOrigins returns the origins whose scripts may call the endpoints on the client's behalf: Origins, or for a public client
// without any the origins of its web redirect URIs, as browsers write them: in small letters, without the port that the scheme has
// anyway (RFC 6454 §6.2).
func (c *Client) WebOrigins() []string {
	if len(c.Origins) > 0 || !c.Public() {
		return c.Origins
	}
	var origins []string
	for _, uri := range c.RedirectURIs {
		u, err := url.Parse(uri)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			continue
		}
		host := strings.TrimSuffix(strings.ToLower(u.Host), map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
		if origin := u.Scheme + "://" + host; !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}

// MayAsk reports whether the client may ask for the scope. ScopeEmail comes with the claim that it is for.
func (c *Client) MayAsk(scope string) bool {
	return scope == ScopeOpenID || slices.Contains(c.Scopes, scope) && scope != ScopeEmail || scope == ScopeEmail && c.Claims[ClaimEmail] != ""
}

// MayHaveNumber reports whether the client has a right to the personal number, in whatever claim: PersonalNumber, or in the Swedish
// profiles the scope for it.
func (c *Client) MayHaveNumber() bool {
	if c.Swedish() {
		return c.MayAsk(ScopeNaturalPersonNumber)
	}
	return c.PersonalNumber
}

// MayHaveName reports whether the client has a right to the person's name, in whatever claim.
func (c *Client) MayHaveName() bool {
	return c.MayAsk(ScopeProfile) || c.MayAsk(ScopeNaturalPersonInfo) || !c.Swedish() && c.PersonalNumber
}

// MayHaveWork reports whether the client has a right to what the person is at work, and is known by there.
func (c *Client) MayHaveWork() bool {
	return c.MayAsk(ScopeNaturalPersonOrgID) || !c.Swedish() && c.PersonalNumber
}

// GroupsOf returns the groups that a subject of the client is in, in order.
func (c *Client) GroupsOf(subject string) (groups []string) {
	for name, members := range c.Groups {
		if members == GroupOfAll || slices.Contains(strings.Fields(members), subject) {
			groups = append(groups, name)
		}
	}
	slices.Sort(groups)
	return groups
}

// The names in Client.Claims, and what they can be made from.
const (
	ClaimPreferredUsername = "preferred_username"
	ClaimEmail             = "email"
	SourceSubject          = "sub"
	SourcePersonalNumber   = "personalNumber"
	SourceName             = "name"
	SourceCertificate      = "certificate"
)

// The values of Client.LoginDetails: the service's judgement of the login, that a passport or identity card was read in it, and when the
// eID was issued.
const (
	DetailRisk      = "risk"
	DetailMRTD      = "mrtd"
	DetailIssueDate = "issue_date"
)

// LoginDetails returns the details that any client may be registered for.
func LoginDetails() []string { return []string{DetailRisk, DetailMRTD, DetailIssueDate} }

// The values of Client.Evidence: what proves signatures and payments is kept always, and what proves logins if the client has it so.
const (
	EvidenceSignatures = "signatures"
	EvidenceAll        = "all"
)

// How many days evidence is usually kept.
const (
	SignatureDays = 3653 // and payments: ten years, as claims for money lapse then in Sweden
	LoginDays     = 400
)

// EvidenceKept returns how long what proves a result of that kind is kept for the client, 0 for not at all.
func (c *Client) EvidenceKept(kind Kind) time.Duration {
	days := SignatureDays
	if !kind.Commits() {
		if c.Evidence != EvidenceAll {
			return 0
		}
		days = LoginDays
	}
	return time.Duration(cmp.Or(c.EvidenceDays, days)) * 24 * time.Hour
}

// GroupOfAll stands in Client.Groups for everybody who logs in to the client.
const GroupOfAll = "everybody"

// AuthenticatesBy reports whether the client may use that method of OIDC Core §9.
func (c *Client) AuthenticatesBy(method string) bool {
	return c.AuthMethod == method || c.AuthMethod == AuthMethodSecret && (method == AuthMethodBasic || method == AuthMethodPost)
}

// AuthenticatesBySecret reports whether the client proves itself by its secret, in whichever place.
func (c *Client) AuthenticatesBySecret() bool {
	return c.AuthenticatesBy(AuthMethodBasic) || c.AuthenticatesBy(AuthMethodPost)
}

// The values of Client.AuthMethod (OIDC Core §9). AuthMethodSecret is ours: the secret in the header or in the form.
const (
	AuthMethodSecret     = "client_secret"
	AuthMethodBasic      = "client_secret_basic"
	AuthMethodPost       = "client_secret_post"
	AuthMethodPrivateKey = "private_key_jwt"
	AuthMethodNone       = "none"
)

// The values of Client.Profile. The standard profile may be written as the empty text.
const (
	ProfileStandard      = "standard"
	ProfileSwedish       = "swedish"
	ProfileSwedenConnect = "swedenconnect"
)

// The scopes that there are: OpenID Connect Core §5.4 and §11, Swedish OpenID Connect Profile.
const (
	ScopeOpenID              = "openid"
	ScopeProfile             = "profile"
	ScopeOfflineAccess       = "offline_access"
	ScopeNaturalPersonInfo   = "https://id.oidc.se/scope/naturalPersonInfo"
	ScopeNaturalPersonNumber = "https://id.oidc.se/scope/naturalPersonNumber"
	ScopeNaturalPersonOrgID  = "https://id.oidc.se/scope/naturalPersonOrgId"
	// ScopeSign asks for a signature, ScopeSignApproval for one that nobody is handed (Signature Extension for OpenID Connect 1.1).
	ScopeSign         = "https://id.oidc.se/scope/sign"
	ScopeSignApproval = "https://id.oidc.se/scope/signApproval"
	// ScopeEvidence is for an access token with which a client fetches its own evidence, as itself; a login has no use for it.
	ScopeEvidence = "evidence"
	// ScopeEmail is one for clients that were given a stand-in for an address; see Client.Claims.
	ScopeEmail = "email"
)

// Scopes returns the scopes that any client may be registered for.
func Scopes() []string {
	return []string{ScopeOpenID, ScopeProfile, ScopeOfflineAccess, ScopeNaturalPersonInfo, ScopeNaturalPersonNumber, ScopeNaturalPersonOrgID, ScopeSign, ScopeSignApproval}
}

// The values of Client.CIBA, which are the ways in which tokens are delivered (OpenID CIBA Core §5).
const (
	CIBAOff  = "off"
	CIBAPoll = "poll"
	CIBAPing = "ping"
)

// The values of Client.RefreshRotation. Rotate may be written as the empty text: each use of a refresh token gives the next. Keep is for
// clients that prove themselves.
const (
	RefreshRotate = "rotate"
	RefreshKeep   = "keep"
)

// The values of Client.AccessTokenFormat. Opaque may be written as the empty text.
const (
	AccessTokenOpaque = "opaque"
	AccessTokenJWT    = "jwt"
)

// Encryption says how a token is encrypted to a client: alg wraps the key, enc is the content's (RFC 7518 §4.1, §5.1).
type Encryption struct {
	Alg string `json:"alg,omitempty"`
	Enc string `json:"enc,omitempty"`
}

// The values of Client.SubjectType (OIDC Core §8).
const (
	SubjectPairwise = "pairwise"
	SubjectPublic   = "public"
)

// The signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1).
const (
	ES256 = "ES256"
	ES384 = "ES384"
	ES512 = "ES512"
	RS256 = "RS256"
	RS384 = "RS384"
	RS512 = "RS512"
	PS256 = "PS256"
	EdDSA = "EdDSA"
)

// SigningAlgs returns the signature algorithms, the first for those who ask for none.
func SigningAlgs() []string { return []string{ES256, ES384, ES512, RS256, RS384, RS512, PS256, EdDSA} }
