package conformance

import (
	"fmt"
	"slices"
)

const swedishDiscoverySection = "Swedish OIDC Profile §5.2"

// swedishDiscovery are the members that the profile demands.
var swedishDiscovery = []Check{
	{"discovery-endpoints", "token_endpoint, userinfo_endpoint and jwks_uri are there", swedishDiscoverySection, "", func(c *Case) {
		for _, member := range []string{"token_endpoint", "userinfo_endpoint", "jwks_uri"} {
			c.Want(c.meta.Text(member) != "", "%s is missing", member)
		}
	}},
	{"discovery-keys", "each published key has a kid", swedishDiscoverySection, "", func(c *Case) {
		for _, key := range c.fetchKeys() {
			c.Want(key.KeyID != "", "a key has none")
		}
	}},
	{"discovery-scopes", "scopes_supported has openid and the scopes for natural persons", swedishDiscoverySection, "", listHas("scopes_supported", "openid", scopePersonInfo, scopePersonNumber)},
	{"discovery-response-types", "response_types_supported has code", swedishDiscoverySection, "", listHas("response_types_supported", "code")},
	{"discovery-acr", "acr_values_supported is there, with addresses of the registry", swedishDiscoverySection, "", func(c *Case) { c.ACR() }},
	{"discovery-subjects", "subject_types_supported has public and pairwise", swedishDiscoverySection, "", listHas("subject_types_supported", "public", "pairwise")},
	{"discovery-auth-methods", "token_endpoint_auth_methods_supported has private_key_jwt", swedishDiscoverySection, "", listHas("token_endpoint_auth_methods_supported", "private_key_jwt")},
	{"discovery-auth-algs", "token_endpoint_auth_signing_alg_values_supported has RS256 and ES256, and not none", swedishDiscoverySection, "", func(c *Case) {
		listHas("token_endpoint_auth_signing_alg_values_supported", "RS256", "ES256")(c)
		c.Want(!contains(c.meta.List("token_endpoint_auth_signing_alg_values_supported"), "none"), "it has none")
	}},
	{"discovery-claims", "claims_supported has every claim that the offered scopes bring and BankID has", swedishDiscoverySection, "",
		listHas("claims_supported", "sub", "auth_time", "acr", "txn", "name", "given_name", "family_name", "birthdate", claimNumber, claimCoordination)},
	{"discovery-claims-parameter", "claims_parameter_supported is true", swedishDiscoverySection, "", flagged("claims_parameter_supported")},
	{"discovery-request-parameter", "request_parameter_supported is true", swedishDiscoverySection, "", flagged("request_parameter_supported")},
	{"discovery-pkce", "code_challenge_methods_supported has S256 and not plain", swedishDiscoverySection, "", func(c *Case) {
		list := c.meta.List("code_challenge_methods_supported")
		c.Want(contains(list, "S256") && !contains(list, "plain"), "it is %v", list)
	}},
	{"discovery-algs", "the required and recommended algorithms are offered for ID tokens and userinfo", "Swedish OIDC Profile §7.1", "", func(c *Case) {
		for _, member := range []string{"id_token_signing_alg_values_supported", "userinfo_signing_alg_values_supported"} {
			listHas(member, "RS256", "ES256", "RS384", "RS512", "ES384", "ES512")(c)
		}
	}},
	{"discovery-object-algs", "RS256 and ES256 are taken for request objects", "Swedish OIDC Profile §7.1", "", listHas("request_object_signing_alg_values_supported", "RS256", "ES256")},
	{"discovery-encryption", "RSA-OAEP with A128GCM and A256GCM is offered both ways", "Swedish OIDC Profile §7.1", "", func(c *Case) {
		for _, what := range []string{"id_token", "userinfo", "request_object"} {
			listHas(what+"_encryption_alg_values_supported", "RSA-OAEP")(c)
			listHas(what+"_encryption_enc_values_supported", "A128GCM", "A256GCM")(c)
		}
	}},
	{"discovery-message", "support of userMessage is announced", "Swedish OIDC Parameters §3.1.1", "", flagged("https://id.oidc.se/disco/userMessageSupported")},
	{"discovery-message-types", "the types of userMessage are announced, text/plain among them", "Swedish OIDC Parameters §3.1.2", "", func(c *Case) {
		const member = "https://id.oidc.se/disco/userMessageSupportedMimeTypes"
		c.Want(!c.meta.Has(member) || contains(c.meta.List(member), "text/plain"), "it is %v", c.meta[member])
	}},
	{"discovery-provider", "support of authnProvider is announced", "Swedish OIDC Parameters §3.2", "", flagged("https://id.oidc.se/disco/authnProviderSupported")},
	{"discovery-provider-claim", "claims_supported has the claim authnProvider where the parameter is taken", "Swedish OIDC Claims §2.3.5", "", listHas("claims_supported", claimProvider)},
	{"discovery-only-codes", "only error codes of the specifications reach the client", swedishProcessSection, "", func(c *Case) {
		known := []string{
			"invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope", "server_error", "temporarily_unavailable",
			"interaction_required", "login_required", "account_selection_required", "consent_required", "invalid_request_uri", "invalid_request_object",
			"request_not_supported", "request_uri_not_supported", "registration_not_supported", "unmet_authentication_requirements", "invalid_target",
		}
		for _, pair := range [][2]string{{"prompt", "none"}, {"response_type", "token"}, {"claims", "{"}, {"request", "x"},
			{"request_uri", "https://x.example.se/"}, {"max_age", "x"}, {"scope", "profile"}, {"registration", "{}"}, {"response_mode", "x"}} {
			r := c.Ask(c.Browser(), c.Request("swedish", pair[0], pair[1]))
			if code := r.Params.Get("error"); r.Params != nil {
				c.Want(slices.Contains(known, code), "%s gives error=%q", fmt.Sprint(pair), code)
			}
		}
	}},
}
