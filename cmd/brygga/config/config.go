// Package config owns the configuration of a brygga server: the one YAML file, the environment variables that override it,
// and the checks of both.
//
// Load reports every fault at once, each with file, line, key and remedy. The package must not know what the parts of
// brygga do with their settings. It reads the files that hold secrets and looks at BankID's root certificate; whether
// certificates, keys, logos and texts can be used is found by the inspections that its caller brings along.
package config

import (
	"net/netip"
	"time"

	"brygga/clients"
	"brygga/login"
	"brygga/secret"
	"brygga/storage"
)

// Config is everything that can be set. Durations are written as 90s, 10m, 12h or 90d. Relative paths start at the
// directory of the file. Every key is overridden by an environment variable: BRYGGA_ and the key in capitals with its
// section, such as BRYGGA_BANKID_ROOT_CA_FILE; lists are separated by commas or written
// as YAML. An empty variable counts as not set. Another variable of that prefix is a fault, but for those that Kubernetes sets
// for a Service of our name.
type Config struct {
	// Issuer is the address of this server as apps and browsers see it: https, without query, fragment and closing slash.
	// Required. Apps store it; changing it breaks them.
	Issuer string `yaml:"issuer"`
	// InsecureHTTPIssuer allows an http issuer that is not on loopback. Default false.
	InsecureHTTPIssuer bool `yaml:"insecure_http_issuer"`
	// Listen is the address of the public listener. Default 127.0.0.1:8080.
	Listen string `yaml:"listen"`
	// TLS makes the public listener speak HTTPS; without it a proxy in front must.
	TLS TLS `yaml:"tls"`
	// TrustedProxies are the networks whose X-Forwarded-For is believed. Default none.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
	// AdminListen is the address for operators: health and metrics, and profiles for this machine alone. Default 127.0.0.1:9090.
	AdminListen string `yaml:"admin_listen"`
	// AdminHosts are names under which metrics may be asked for, beside addresses and names of loopback. Default none.
	AdminHosts []string `yaml:"admin_hosts"`
	// InsecureAdminListen allows an AdminListen that is not on loopback. Default false.
	InsecureAdminListen bool `yaml:"insecure_admin_listen"`
	// Console are the pages on which operators work.
	Console Console `yaml:"console"`
	// Data is the directory of the store, where that is a file, and of the control socket. Default brygga-data.
	Data string `yaml:"data" kind:"path"`
	// MasterKey seals what is stored: 32 random bytes in base64 or hex. This or MasterKeyFile is required.
	MasterKey secret.String `yaml:"master_key"`
	// MasterKeyFile is a file with the master key. Excludes MasterKey.
	MasterKeyFile string `yaml:"master_key_file" kind:"path"`
	// OtherMasterKey opens what is stored, and seals nothing: the key of before until "brygga key reseal" is done. Default none.
	OtherMasterKey secret.String `yaml:"other_master_key"`
	// OtherMasterKeyFile is a file with it. Excludes OtherMasterKey.
	OtherMasterKeyFile string `yaml:"other_master_key_file" kind:"path"`

	// Postgres keeps the store in a database. Default: a file in Data.
	Postgres Postgres `yaml:"postgres"`

	// ServiceDocumentation is an https address that developers of apps find in the metadata. Default none.
	ServiceDocumentation string `yaml:"service_documentation"`

	// Methods say for which logins each eID is offered, and how pages and apps are told of it. The first is that of apps that name none. Default:
	// those that have a section of their own, BankID first, for all logins.
	Methods []Method `yaml:"methods"`

	Log    Log    `yaml:"log"`
	BankID BankID `yaml:"bankid"`
	NetID  NetID  `yaml:"netid"`
	// HTTPClients are ways of calling internal services, which name them. Default none.
	HTTPClients []HTTPClient `yaml:"http_clients"`

	Login    Login    `yaml:"login"`
	Tokens   Tokens   `yaml:"tokens"`
	Sessions Sessions `yaml:"sessions"`
	Limits   Limits   `yaml:"limits"`
	Outbound Outbound `yaml:"outbound"`
	Keys     Keys     `yaml:"keys"`
	Audit    Audit    `yaml:"audit"`
	Evidence Evidence `yaml:"evidence"`
	Tracing  Tracing  `yaml:"tracing"`
	Mail     Mail     `yaml:"mail"`
	Page     Page     `yaml:"page"`
	// Clients are registered as long as they stand here. Others are added by "brygga client add".
	Clients []Client `yaml:"clients"`

	// development leaves out the checks of what a development installation decides by itself.
	development bool
	warnings    []string
	// places are where keys were set.
	places places
}

// TLS is the certificate of the public listener. Both files are read again when they change.
type TLS struct {
	// CertificateFile holds the certificate and its chain in PEM. Needs KeyFile.
	CertificateFile string `yaml:"certificate_file" kind:"path"`
	// KeyFile holds the private key in PEM. Needs CertificateFile.
	KeyFile string `yaml:"key_file" kind:"path"`
}

// Log is what is written to standard error.
type Log struct {
	// Level is debug, info, warn or error. Default info.
	Level string `yaml:"level"`
	// Format is json or text. Default json.
	Format string `yaml:"format"`
}

// The values of BankID.Environment.
const (
	Production = "production"
	Test       = "test"
	Custom     = "custom"
)

// BankID is which BankID to ask, and as whom.
type BankID struct {
	// Environment is production, test (BankID's own test environment) or custom (a simulator). Required.
	Environment string `yaml:"environment"`
	// InsecureTestEnvironment allows test and custom for an issuer that is not on loopback. Anyone can get a BankID there
	// and be anybody, so all pages are marked. Default false.
	InsecureTestEnvironment bool `yaml:"insecure_test_environment"`
	// URL is the address of BankID's API. Required for custom, excluded otherwise.
	URL string `yaml:"url"`
	// PKCS12File holds our BankID certificate with its key as the bank delivers them. Excludes CertificateFile and KeyFile.
	PKCS12File string `yaml:"pkcs12_file" kind:"path"`
	// Passphrase opens PKCS12File.
	Passphrase secret.String `yaml:"passphrase"`
	// PassphraseFile is a file with the passphrase. Excludes Passphrase.
	PassphraseFile string `yaml:"passphrase_file" kind:"path"`
	// CertificateFile holds our BankID certificate in PEM. Excludes PKCS12File.
	CertificateFile string `yaml:"certificate_file" kind:"path"`
	// KeyFile holds its private key in PEM. Needs CertificateFile, which may hold the key itself instead.
	KeyFile string `yaml:"key_file" kind:"path"`
	// RootCAFile holds the root of BankID's server certificate in PEM; no other is trusted. Required.
	RootCAFile string `yaml:"root_ca_file" kind:"path"`
	// Verify says what becomes of a login whose result its signature and OCSP answer do not prove: require (the login fails), log
	// (it goes on, with an audit event) or off (nobody looks). Default require.
	Verify string `yaml:"verify"`
	// VerifyExcept are checks of a result that are logged and refuse no login, for the day when BankID changes something that no
	// identity rests on: ocsp_structure, ocsp_responder, ocsp_signature, ocsp_certificate, nonce, key_usage, relying_party,
	// visible_data or name. Default none.
	VerifyExcept []string `yaml:"verify_except"`
	// SignatureRootFile holds the root of people's signatures in PEM: the member banks' root of the environment, which BankID
	// hands out on request. It is not the root of the server. Required unless Verify is off.
	SignatureRootFile string `yaml:"signature_root_file" kind:"path"`
	// Certificates are further BankID certificates of ours, for clients whose policy names one: the app shows each one's own
	// name. Default none.
	Certificates []Certificate `yaml:"certificates"`
	// Policy is what every login must meet; a client's own policy goes over it, key by key.
	Policy storage.Policy `yaml:"policy"`
	// ReferringDomain is the domain that BankID is told the app is started from: the issuer's host or one above it, in small
	// letters and punycode. Default the registrable domain of the issuer's host, or none where it has none.
	ReferringDomain string `yaml:"referring_domain"`
	// PhoneURL is where launch links lead instead of to the BankID app: the virtual phone of a simulator. For custom only.
	PhoneURL string `yaml:"phone_url"`
	// Timeout bounds one call to BankID, at most 15s. Default 15s.
	Timeout time.Duration `yaml:"timeout"`
	// MaxConnections bounds the connections to BankID. Default 512.
	MaxConnections int `yaml:"max_connections"`
}

// Certificate is a BankID certificate with its key.
type Certificate struct {
	// Name is what policies call it. Required.
	Name string `yaml:"name"`
	// PKCS12File, Passphrase, PassphraseFile, CertificateFile and KeyFile are those of the section bankid.
	PKCS12File      string        `yaml:"pkcs12_file" kind:"path"`
	Passphrase      secret.String `yaml:"passphrase"`
	PassphraseFile  string        `yaml:"passphrase_file" kind:"path"`
	CertificateFile string        `yaml:"certificate_file" kind:"path"`
	KeyFile         string        `yaml:"key_file" kind:"path"`
}

// Login bounds one login, and how many there may be.
type Login struct {
	// Life is how long a login may take in all. Default 30m.
	Life time.Duration `yaml:"life"`
	// Window is how long orders are renewed for somebody who does not open the app. Default 5m, at most Life.
	Window time.Duration `yaml:"window"`
	// APIResultsKept is how long back ends are told over BankID's JSON:API how an order ended. Default 5m, at most 10m.
	APIResultsKept time.Duration `yaml:"api_results_kept"`
	// LoginsPerAddress is how many logins one network address may begin in a minute. Default 600.
	LoginsPerAddress int `yaml:"logins_per_address"`
	// OrdersPerAddress is how many BankID orders one network address may begin in a minute, renewals included. Default 300.
	OrdersPerAddress int `yaml:"orders_per_address"`
	// OrdersPerClient is how many BankID orders one client may cause in a minute, renewals included. A network may have had as
	// many of them as are left. Default 6000.
	OrdersPerClient int `yaml:"orders_per_client"`
	// CallsPerPerson is how many orders by telephone may be sent to one person in ten minutes, whichever apps ask for them. Default 5.
	CallsPerPerson int `yaml:"calls_per_person"`
	// AsksPerPerson is how many orders may be sent in ten minutes to one person whom somebody has named by typing, and AsksPerAddress how many
	// people may be named from one network address in that time. Defaults 5 and 100.
	AsksPerPerson  int `yaml:"asks_per_person"`
	AsksPerAddress int `yaml:"asks_per_address"`
	// PendingOrders is how many BankID orders may be pending at once; those of one network as many as are left. Default 50000.
	PendingOrders int `yaml:"pending_orders"`
	// StoredPerAddress is how many MiB in the store the logins and pushed requests that one network address has begun may take
	// until they are over, Stored those of all strangers, of which a network may have as much as is left. Defaults 64 and 2048.
	StoredPerAddress int `yaml:"stored_mib_per_address"`
	Stored           int `yaml:"stored_mib"`
}

// Tokens are the lives of what apps get. An authorization code lives 60 seconds.
type Tokens struct {
	// IDTokenLife is how long an ID token may be used. Default 5m, at most 12h.
	IDTokenLife time.Duration `yaml:"id_token_life"`
	// AccessTokenLife is how long an access token works. Default 10m, at most 12h.
	AccessTokenLife time.Duration `yaml:"access_token_life"`
	// ACR is the acr claim: the level of assurance, an address that the authority gave you. Excludes ACRValues.
	// Default http://id.swedenconnect.se/loa/1.0/uncertified-loa3.
	ACR string `yaml:"acr"`
	// ACRValues are all levels that may be asserted, the first where an app asks for none of them.
	ACRValues []string `yaml:"acr_values"`
	// ACRPolicies are more levels, each with what a login must meet for it over the policy of its app: an app that has one in its
	// acr_values may ask for it. Keys are addresses, values as in bankid.policy without what the app shows.
	ACRPolicies map[string]storage.Policy `yaml:"acr_policies"`
	// RefreshTokenIdle is how long a refresh token works that is not used, RefreshTokenLife how long all those of one login do.
	// Defaults 2h and 24h, at most 90d: BankID does not allow to keep somebody identified for long.
	RefreshTokenIdle time.Duration `yaml:"refresh_token_idle"`
	RefreshTokenLife time.Duration `yaml:"refresh_token_life"`
	// RefreshTokenGrace is how long a refresh token that was just used is answered once more, for apps that prove themselves and while the
	// token that followed is unused. Default 30s, at most 5m; 0s for not at all, which is negative here.
	RefreshTokenGrace time.Duration `yaml:"refresh_token_grace"`
}

// Sessions bounds single sign-on between the apps of one session group.
type Sessions struct {
	// Life is how long after the login a browser stays signed in, Idle how long when no app asks. Defaults 60m, which is the
	// most, and 30m.
	Life time.Duration `yaml:"life"`
	Idle time.Duration `yaml:"idle"`
}

// Limits bound how often apps and browsers may call the endpoints, in requests per minute.
type Limits struct {
	// RequestsPerAddress is for one network address, without what clients have proven to be their own. Default 6000.
	RequestsPerAddress int `yaml:"requests_per_address"`
	// RequestsPerClient is for what one client proves to be its own, and once more for what strangers ask in its name, of which a
	// network may have had as many as are left. Default 60000.
	RequestsPerClient int `yaml:"requests_per_client"`
}

// Outbound is how addresses are called that clients have registered: jwks_uri, sector_identifier_uri and
// backchannel_logout_uri.
type Outbound struct {
	// Allow are networks that such an address may be in although they are not public. Default none.
	Allow []netip.Prefix `yaml:"allow"`
	// RootCAFile holds further roots in PEM that their certificates may be issued under.
	RootCAFile string `yaml:"root_ca_file" kind:"path"`
}

// Keys is the rotation of the token-signing keys.
type Keys struct {
	// RotateEvery is how long a key signs. Default 90d, at least 1h.
	RotateEvery time.Duration `yaml:"rotate_every"`
	// PublishAhead is how long a key can be fetched before it signs. Default 24h, at least 10m.
	PublishAhead time.Duration `yaml:"publish_ahead"`
}

// Audit is the audit log.
type Audit struct {
	// Retention is how long events are kept. Default 400d.
	Retention time.Duration `yaml:"retention"`
	// Sinks are where events are handed over to as well. Default none.
	Sinks []Sink `yaml:"sinks"`
}

// Page is what the hosted page says of this service.
type Page struct {
	// ServiceName is the name of the login service. Default: the host of Issuer.
	ServiceName string `yaml:"service_name"`
	// HelpURL is where people get help: https or mailto. Default none.
	HelpURL string `yaml:"help_url"`
	// AccessibilityURL is the accessibility statement: https. Default none.
	AccessibilityURL string `yaml:"accessibility_url"`
	// Brand is how pages look when a client has no brand of its own. Default: our own looks.
	Brand Brand `yaml:"brand"`
	// StyleSheetFile is a style sheet for all pages, which counts last. Default none.
	StyleSheetFile string `yaml:"style_sheet_file" kind:"path"`
	// BankIDLogoFile is BankID's logo, for operators who are licensed to show it. Default: neutral pictures.
	BankIDLogoFile string `yaml:"bankid_logo_file" kind:"path"`
	// MessagesDirectory holds texts of the operator's own, in a file for each language such as sv.yaml. Default none.
	MessagesDirectory string `yaml:"messages_directory" kind:"path"`
}

// Brand is what the pages take over of an organisation's looks; docs/looks.md says what is taken.
type Brand struct {
	// LogoFile is a PNG, JPEG, GIF or SVG file.
	LogoFile string `yaml:"logo_file" kind:"path"`
	// Accent is the colour of buttons and links, as #rrggbb; AccentDark that of the dark theme, made from Accent when missing.
	Accent     string `yaml:"accent"`
	AccentDark string `yaml:"accent_dark"`
	// SupportURL is where people get help and AccessibilityURL the accessibility statement: https or mailto.
	SupportURL       string `yaml:"support_url"`
	AccessibilityURL string `yaml:"accessibility_url"`
}

// Client is an app that sends people here to log in. Beside the keys here it has those of [clients.Settings].
type Client struct {
	// ID is the client_id. Required.
	ID string `yaml:"id"`
	// JWKSFile is a file with its public keys. Excludes jwks and jwks_uri.
	JWKSFile string `yaml:"jwks_file" kind:"path"`
	// Secret is the client secret, at least 32 characters. Excludes SecretFile and SecretHash.
	Secret secret.String `yaml:"secret"`
	// SecretFile is a file with the client secret. Excludes Secret and SecretHash.
	SecretFile string `yaml:"secret_file" kind:"path"`
	// SecretHash is the SHA-256 of the client secret in hex. Excludes Secret and SecretFile.
	SecretHash string `yaml:"secret_hash"`
	// WebhookSecret signs what is sent to webhook_uri: whsec_ and 24 to 64 random bytes in base64. While it is being replaced two, the new one first, with a
	// space or a line's end between. This or WebhookSecretFile is required with webhook_uri.
	WebhookSecret secret.String `yaml:"webhook_secret"`
	// WebhookSecretFile is a file with that secret. Excludes WebhookSecret.
	WebhookSecretFile string `yaml:"webhook_secret_file" kind:"path"`
	// Policy is what this app's logins must meet; what it leaves out stands in bankid.policy.
	Policy storage.Policy `yaml:"policy"`
	// Brand is how the pages look for this app; what it leaves out stands in page.brand.
	Brand Brand `yaml:"brand"`

	settings storage.Client
}

func (c *Config) setDefaults() {
	c.Listen, c.AdminListen, c.Data = "127.0.0.1:8080", "127.0.0.1:9090", "brygga-data"
	c.Log = Log{Level: "info", Format: "json"}
	c.BankID.Verify = string(login.VerifyRequire)
}

func (c *Client) setDefaults() { c.settings = clients.New("") }

// Warnings returns what is allowed and yet worth a look, for the operator to read.
func (c *Config) Warnings() []string { return c.warnings }
