package conformance

import (
	"crypto"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	jose "github.com/go-jose/go-jose/v4"
)

// configKeys are checks of the published keys.
var configKeys = []Check{
	{"jwks", "jwks_uri is a set of public keys", "OIDC Discovery §3", "", func(c *Case) {
		a := c.Get(c.Endpoint("jwks_uri"))
		c.Want(a.Status == http.StatusOK && len(c.fetchKeys()) > 0, "answered %s", a)
		c.Want(a.MediaType() == "application/json" || a.MediaType() == "application/jwk-set+json", "Content-Type is %q", a.Header.Get("Content-Type"))
	}},
	{"jwks-public", "no key has a private member", "OIDC Core §10.1", "", func(c *Case) {
		var set struct{ Keys []map[string]any }
		c.Want(json.Unmarshal(c.Get(c.Endpoint("jwks_uri")).Body, &set) == nil, "it is no JSON")
		for _, key := range set.Keys {
			for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "k", "oth", "priv"} {
				c.Want(key[member] == nil, "a key has the member %s", member)
			}
		}
		for _, key := range c.fetchKeys() {
			c.Want(key.Valid() && key.IsPublic(), "key %s is not a valid public key", key.KeyID)
		}
	}},
	{"jwks-kid", "every key has a kid, and no two the same", "OIDC Core §10.1", "", func(c *Case) {
		var seen []string
		for _, key := range c.fetchKeys() {
			c.Want(key.KeyID != "" && !slices.Contains(seen, key.KeyID), "kid %q is missing or stands twice", key.KeyID)
			seen = append(seen, key.KeyID)
		}
	}},
	{"jwks-use", "where keys for encryption stand too, every key says its use", "OIDC Discovery §3", "", func(c *Case) {
		for _, key := range c.fetchKeys() {
			c.Want(key.Use == "sig" || key.Use == "enc", "key %s has use %q", key.KeyID, key.Use)
		}
	}},
	{"jwks-strength", "RSA keys have 2048 bits or more, and no key serves two uses", "RFC 7518 §3.3", "", func(c *Case) {
		uses := make(map[string]string)
		for _, key := range c.fetchKeys() {
			c.Want(strongEnough(key.Key), "key %s is too weak", key.KeyID)
			print, err := key.Thumbprint(crypto.SHA256)
			c.Want(err == nil && (uses[string(print)] == "" || uses[string(print)] == key.Use), "key %s is published for two uses", key.KeyID)
			uses[string(print)] = key.Use
		}
	}},
	{"jwks-signing", "there is a signing key for RS256, which is what a client gets by default", "OIDC Core §15.1", "", func(c *Case) {
		c.SignIn("rs256")
		c.Want(slices.ContainsFunc(c.fetchKeys(), func(k jose.JSONWebKey) bool { return k.Use == "sig" && (k.Algorithm == "RS256" || k.Algorithm == "") }), "there is none")
	}},
	{"jwks-encryption", "where request objects may be encrypted there are keys for it", "OIDC Core §10.2", "", func(c *Case) {
		c.Offered("request_object_encryption_alg_values_supported")
		for _, alg := range c.meta.List("request_object_encryption_alg_values_supported") {
			c.encryptionKey(jose.KeyAlgorithm(alg))
		}
	}},
}

// configHTTP are checks of how documents are served.
var configHTTP = []Check{
	{"document-cors", "scripts of any origin may read the metadata and the keys", "OIDC Discovery §4", "", func(c *Case) {
		for _, address := range []string{c.cfg.Issuer + "/.well-known/openid-configuration", c.Endpoint("jwks_uri")} {
			a := c.Get(address, header("Origin", "https://anywhere.example.se"))
			allowed := a.Header.Get("Access-Control-Allow-Origin")
			c.Want(allowed == "*" || allowed == "https://anywhere.example.se", "Access-Control-Allow-Origin is %q", allowed)
			c.Want(a.Header.Get("Access-Control-Allow-Credentials") == "", "credentials are allowed")
		}
	}},
	{"document-cache", "the metadata and the keys may be kept for a while", "RFC 9111 §5.2", "", func(c *Case) {
		for _, address := range []string{c.cfg.Issuer + "/.well-known/openid-configuration", c.Endpoint("jwks_uri")} {
			control := c.Get(address).Header.Get("Cache-Control")
			c.Want(strings.Contains(control, "max-age=") && !strings.Contains(control, "no-store"), "Cache-Control is %q", control)
		}
	}},
	{"document-etag", "a document that has not changed is 304", "RFC 9110 §13.1.2", "", func(c *Case) {
		address := c.cfg.Issuer + "/.well-known/openid-configuration"
		tag := c.Get(address).Header.Get("ETag")
		c.Want(tag != "", "there is no ETag")
		a := c.Get(address, header("If-None-Match", tag))
		c.Want(a.Status == http.StatusNotModified && len(a.Body) == 0, "answered %s with %d bytes", a, len(a.Body))
	}},
	{"document-head", "HEAD works where GET does", "RFC 9110 §9.3.2", "", func(c *Case) {
		a := c.Do(http.MethodHead, c.Endpoint("jwks_uri"), nil)
		c.Want(a.Status == http.StatusOK && len(a.Body) == 0, "answered %s", a)
	}},
	{"document-methods", "documents cannot be posted to or deleted", "RFC 9110 §15.5.6", "", func(c *Case) {
		for _, address := range []string{c.cfg.Issuer + "/.well-known/openid-configuration", c.Endpoint("jwks_uri")} {
			for _, method := range []string{http.MethodPost, http.MethodDelete, http.MethodPut} {
				a := c.Do(method, address, nil)
				c.Want(a.Status == http.StatusMethodNotAllowed && a.Header.Get("Allow") != "", "%s answered %s, want 405 with Allow", method, a)
			}
		}
	}},
	{"document-nosniff", "browsers must not guess what a document is", "RFC 9700 §4.16", "", func(c *Case) {
		c.Want(c.Get(c.Endpoint("jwks_uri")).Header.Get("X-Content-Type-Options") == "nosniff", "X-Content-Type-Options is missing")
	}},
}
