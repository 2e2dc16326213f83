package conformance

// Role is a client that the suite needs, and what it must be registered as.
type Role struct{ Name, What string }

// Roles are all clients. Their redirect URIs are exact; the first two of basic differ in path, and the third has a query.
var Roles = []Role{
	{"basic", "client_secret_basic, every scope, offline_access, single sign-on with post, a back-channel logout URI at /logout/basic of the suite"},
	{"post", "client_secret_post, RS256 ID tokens, offline_access, single sign-on with basic, a back-channel logout URI at /logout/post"},
	{"alone", "client_secret_basic without single sign-on and without offline_access"},
	{"public", "no authentication, PKCE, an origin for CORS, offline_access"},
	{"key", "private_key_jwt with the public halves of its keys, offline_access"},
	{"key-es256", "private_key_jwt with assertions of ES256 alone"},
	{"key-uri", "private_key_jwt with jwks_uri at /keys/key-uri of the suite"},
	{"pushed", "client_secret_basic, must use PAR, request objects allowed"},
	{"object", "private_key_jwt, must send signed request objects"},
	{"unsigned", "client_secret_basic, may send unsigned request objects"},
	{"jwt", "client_secret_basic, RFC 9068 access tokens, two resources, offline_access"},
	{"signed", "client_secret_basic, userinfo signed with ES256"},
	{"sealed", "client_secret_basic, ID token and userinfo signed with ES256 and encrypted with RSA-OAEP and A256GCM"},
	{"sealed-ec", "client_secret_basic, ID token encrypted with ECDH-ES and A128CBC-HS256"},
	{"es384", "client_secret_basic, ID tokens ES384"},
	{"es512", "client_secret_basic, ID tokens ES512"},
	{"rs256", "client_secret_basic, ID tokens RS256"},
	{"rs384", "client_secret_basic, ID tokens RS384"},
	{"rs512", "client_secret_basic, ID tokens RS512"},
	{"ps256", "client_secret_basic, ID tokens PS256"},
	{"eddsa", "client_secret_basic, ID tokens EdDSA"},
	{"sector-one", "client_secret_basic, pairwise, sector_identifier_uri at /sector.json of the suite, single sign-on with the next two"},
	{"sector-two", "client_secret_basic, pairwise, the same sector_identifier_uri"},
	{"sector-other", "client_secret_basic, pairwise, no sector_identifier_uri, redirect URIs at another host"},
	{"defaults", "client_secret_basic, default_max_age 1, default_acr_values of the provider's, require_auth_time, single sign-on with basic"},
	{"stepped", "client_secret_basic, may ask for the last of acr_values_supported, which a login has only when it is asked for; single sign-on"},
	{"swedish", "the Swedish profile: private_key_jwt, public subject, signed userinfo, naturalPersonInfo and naturalPersonNumber, single sign-on"},
	{"swedish-pairwise", "the Swedish profile, pairwise subject"},
	{"swedish-secret", "the Swedish profile, client_secret_basic by local policy, userinfo signed"},
	{"sign", "the Swedish profile: private_key_jwt, the scopes sign and signApproval, naturalPersonNumber, offline_access, single sign-on"},
	{"ciba", "private_key_jwt, backchannel authentication in poll mode, the right to personal numbers"},
	{"ciba-other", "the same, with keys of its own"},
	{roleCards, "private_key_jwt, the scope sign, BankID and Net iD Access, no security code for signatures; only for the suite cards"},
	{"connect", "Sweden Connect: private_key_jwt, single sign-on with connect-group"},
	{"connect-group", "Sweden Connect: private_key_jwt, single sign-on with connect"},
	{"connect-other", "Sweden Connect: private_key_jwt, single sign-on, but in a group of its own"},
}
