package conformance

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
)

// configDocument are checks of the discovery document.
var configDocument = []Check{
	{"document", "the discovery document is JSON at the well-known address", "OIDC Discovery §4.2", "oidcc-discovery-endpoint-verification", func(c *Case) {
		a := c.Get(c.cfg.Issuer + "/.well-known/openid-configuration")
		c.Want(a.Status == http.StatusOK && a.JSON != nil && a.MediaType() == "application/json", "answered %s with Content-Type %q", a, a.Header.Get("Content-Type"))
	}},
	{"issuer", "issuer is the address that the document was fetched from", "OIDC Discovery §4.3", "", func(c *Case) {
		c.Want(c.meta.Text("issuer") == c.cfg.Issuer, "issuer is %q, want %q", c.meta.Text("issuer"), c.cfg.Issuer)
		u, err := url.Parse(c.cfg.Issuer)
		c.Want(err == nil && u.RawQuery == "" && u.Fragment == "", "issuer has a query or a fragment")
	}},
	{"https", "every address is https, or on this machine", "OIDC Discovery §3", "", func(c *Case) {
		for member := range c.meta {
			if !strings.HasSuffix(member, "_endpoint") && member != "jwks_uri" && member != "issuer" {
				continue
			}
			u, err := url.Parse(c.meta.Text(member))
			c.Want(err == nil && (u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())), "%s is %q", member, c.meta.Text(member))
		}
	}},
	{"required", "the required members are there", "OIDC Discovery §3", "", func(c *Case) {
		for _, member := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri"} {
			c.Want(c.meta.Text(member) != "", "%s is missing", member)
		}
		for _, member := range []string{"response_types_supported", "subject_types_supported", "id_token_signing_alg_values_supported"} {
			c.Want(len(c.meta.List(member)) > 0, "%s is missing or empty", member)
		}
	}},
	{"recommended", "userinfo_endpoint, scopes_supported and claims_supported are there", "OIDC Discovery §3", "", func(c *Case) {
		c.Want(c.meta.Text("userinfo_endpoint") != "" && len(c.meta.List("scopes_supported")) > 0 && len(c.meta.List("claims_supported")) > 0, "one is missing")
	}},
	{"types", "every member has the type that its definition says", "OIDC Discovery §3", "", func(c *Case) {
		for member, value := range c.meta {
			_, isList := value.([]any)
			_, isBool := value.(bool)
			_, isText := value.(string)
			switch {
			case strings.HasSuffix(member, "_values_supported"), strings.HasSuffix(member, "_types_supported"), strings.HasSuffix(member, "_methods_supported"), strings.HasSuffix(member, "_modes_supported"):
				c.Want(isList && len(c.meta.List(member)) == len(value.([]any)), "%s is no array of strings", member)
			case strings.HasSuffix(member, "_parameter_supported"), strings.HasPrefix(member, "require_"):
				c.Want(isBool, "%s is no boolean", member)
			case strings.HasSuffix(member, "_endpoint"), strings.HasSuffix(member, "_uri"):
				c.Want(isText, "%s is no string", member)
			}
			c.Want(value != nil, "%s is null", member)
		}
	}},
	{"no-empty-lists", "a member without values is left out", "RFC 8414 §3.2", "", func(c *Case) {
		for member, value := range c.meta {
			if list, ok := value.([]any); ok {
				c.Want(len(list) > 0, "%s is empty", member)
			}
		}
	}},
	{"response-types", "response_types_supported has code", "OIDC Discovery §3", "", listHas("response_types_supported", "code")},
	{"scopes", "scopes_supported has openid", "OIDC Discovery §3", "", listHas("scopes_supported", "openid")},
	{"subject-types", "subject_types_supported has pairwise and public, and nothing else", "OIDC Discovery §3", "", func(c *Case) {
		for _, kind := range c.meta.List("subject_types_supported") {
			c.Want(kind == "pairwise" || kind == "public", "subject_types_supported has %q", kind)
		}
	}},
	{"rs256", "id_token_signing_alg_values_supported has RS256", "OIDC Discovery §3", "", listHas("id_token_signing_alg_values_supported", "RS256")},
	{"no-none", "no list but that of request objects has alg none", "RFC 8725 §3.2", "", func(c *Case) {
		for member := range c.meta {
			if strings.Contains(member, "_signing_alg_values_supported") && member != "request_object_signing_alg_values_supported" {
				c.Want(!contains(c.meta.List(member), "none"), "%s has none", member)
			}
		}
	}},
	{"no-weak-encryption", "no list has RSA1_5", "RFC 8725 §3.2", "", func(c *Case) {
		for member := range c.meta {
			c.Want(!strings.Contains(member, "_encryption_alg_") || !contains(c.meta.List(member), "RSA1_5"), "%s has RSA1_5", member)
		}
	}},
	{"auth-methods", "token_endpoint_auth_methods_supported names what works", "OIDC Discovery §3", "", func(c *Case) {
		for _, role := range Roles {
			method := c.Client(role.Name).AuthMethod
			c.Want(contains(c.meta.List("token_endpoint_auth_methods_supported"), method), "a client is registered with %s, and the list lacks it", method)
		}
	}},
	{"auth-algs", "where private_key_jwt is offered, its algorithms are named", "RFC 8414 §2", "", func(c *Case) {
		for _, endpoint := range []string{"token", "introspection", "revocation"} {
			if contains(c.meta.List(endpoint+"_endpoint_auth_methods_supported"), "private_key_jwt") {
				member := endpoint + "_endpoint_auth_signing_alg_values_supported"
				c.Want(len(c.meta.List(member)) > 0, "%s is missing", member)
			}
		}
	}},
	{"grant-types", "grant_types_supported, without which implicit would be offered, has authorization_code", "OIDC Discovery §3", "", func(c *Case) {
		list := c.meta.List("grant_types_supported")
		c.Want(contains(list, "authorization_code") && !contains(list, "implicit") && !contains(list, "password"), "grant_types_supported is %v", list)
	}},
	{"request-uri", "request_uri_parameter_supported, which is true when it is missing, says the truth", "OIDC Discovery §3", "", func(c *Case) {
		if c.meta["request_uri_parameter_supported"] == false {
			return
		}
		q := c.Request("basic")
		q.Front = url.Values{"client_id": {q.ID}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {q.Get("redirect_uri")}, "request_uri": {c.ClientSide("/request-object")}}
		r := c.Ask(c.Browser(), q)
		c.Want(r.Params.Get("error") != "request_uri_not_supported", "the metadata says or implies that request_uri works, and it is refused as not supported")
	}},
	{"pkce", "code_challenge_methods_supported has S256 and not plain", "RFC 9700 §2.1.1", "", func(c *Case) {
		list := c.meta.List("code_challenge_methods_supported")
		c.Want(contains(list, "S256") && !contains(list, "plain"), "code_challenge_methods_supported is %v", list)
	}},
	{"iss-parameter", "authorization_response_iss_parameter_supported is true", "RFC 9207 §3", "", flagged("authorization_response_iss_parameter_supported")},
	{"claims-parameter", "claims_parameter_supported is true where the parameter works", "OIDC Discovery §3", "", flagged("claims_parameter_supported")},
	{"request-parameter", "request_parameter_supported is true where the parameter works", "OIDC Discovery §3", "", flagged("request_parameter_supported")},
	{"response-modes", "response_modes_supported has query and form_post", "OAuth Form Post §1", "", listHas("response_modes_supported", "query", "form_post")},
	{"par", "pushed_authorization_request_endpoint is named", "RFC 9126 §5", "", func(c *Case) {
		c.Want(c.meta.Text("pushed_authorization_request_endpoint") != "", "it is missing")
	}},
	{"introspection-revocation", "introspection_endpoint and revocation_endpoint are named with their methods", "RFC 8414 §2", "", func(c *Case) {
		for _, name := range []string{"introspection", "revocation"} {
			c.Want(c.meta.Text(name+"_endpoint") != "" && len(c.meta.List(name+"_endpoint_auth_methods_supported")) > 0, "%s_endpoint or its methods are missing", name)
		}
	}},
	{"prompt-values", "prompt_values_supported, where it is, has none and login", "OIDC Discovery §3", "", func(c *Case) {
		c.Offered("prompt_values_supported")
		listHas("prompt_values_supported", "none", "login")(c)
	}},
	{"oauth-metadata", "the OAuth metadata says the same", "RFC 8414 §3", "", func(c *Case) {
		a := c.Get(c.cfg.Issuer + "/.well-known/oauth-authorization-server")
		c.Want(a.Status == http.StatusOK && a.MediaType() == "application/json", "answered %s", a)
		var other Metadata
		c.Want(json.Unmarshal(a.Body, &other) == nil, "it is no JSON object")
		for member, value := range c.meta {
			c.Want(reflect.DeepEqual(other[member], value), "%s differs", member)
		}
	}},
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func listHas(member string, values ...string) func(*Case) {
	return func(c *Case) {
		for _, value := range values {
			c.Want(contains(c.meta.List(member), value), "%s lacks %s", member, value)
		}
	}
}

func flagged(member string) func(*Case) {
	return func(c *Case) { c.Want(c.meta[member] == true, "%s is %v", member, c.meta[member]) }
}
