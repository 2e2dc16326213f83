package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"

	jose "github.com/go-jose/go-jose/v4"
)

// The scopes and claims of the Swedish OpenID Connect Profile.
const (
	scopePersonInfo   = "https://id.oidc.se/scope/naturalPersonInfo"
	scopePersonNumber = "https://id.oidc.se/scope/naturalPersonNumber"
	claimNumber       = "https://id.oidc.se/claim/personalIdentityNumber"
	claimCoordination = "https://id.oidc.se/claim/coordinationNumber"
	claimProvider     = "https://id.oidc.se/claim/authnProvider"
	paramMessage      = "https://id.oidc.se/param/userMessage"
	paramProvider     = "https://id.oidc.se/param/authnProvider"
	acrStep           = "https://www.example.se/acr/security-code"
	acrUncertified    = "http://id.swedenconnect.se/loa/1.0/uncertified-loa3"
)

// settings are keys of brygga's configuration. JSON is YAML too.
type settings map[string]any

// bryggaScopes is all that a client may ask for.
var bryggaScopes = []string{"profile", "offline_access", scopePersonInfo, scopePersonNumber}

// bryggaClients are the settings of each role that go over the common ones.
func bryggaClients(base string) map[string]settings {
	group := func(name string, more settings) settings {
		more["session_group"] = name
		return more
	}
	algorithm := func(alg string) settings { return group("algorithms", settings{"id_token_alg": alg}) }
	swedish := func(more settings) settings {
		more["profile"] = "swedish"
		return group("swedish", more)
	}
	connect := func(name string) settings {
		return group(name, settings{
			"profile": "swedenconnect", "contacts": []string{"support@example.se"}, "name": "Prov", "local_names": settings{"sv": "Prov", "en": "Trial"},
			"brand": settings{"logo_file": "logo.svg"}, "home_uri": "https://www.example.se/",
		})
	}
	return map[string]settings{
		"basic":     group("house", settings{"backchannel_logout_uri": base + "/logout/basic"}),
		"post":      group("house", settings{"auth_method": "client_secret_post", "id_token_alg": "RS256", "backchannel_logout_uri": base + "/logout/post"}),
		"alone":     {"scopes": []string{"profile"}},
		"public":    {"auth_method": "none", "origins": []string{"https://spa.example.se"}},
		"key":       {"auth_method": "private_key_jwt"},
		"key-es256": {"auth_method": "private_key_jwt", "auth_alg": "ES256", "request_object_encryption_alg": "ECDH-ES+A256KW"},
		"key-uri":   {"auth_method": "private_key_jwt", "jwks_uri": base + "/keys/key-uri"},
		"pushed":    {"require_par": true, "jwks": true, "request_object_encryption_alg": "ECDH-ES+A128KW"},
		"object":    {"auth_method": "private_key_jwt", "require_request_object": true},
		"unsigned":  {"unsigned_request_objects": true, "jwks": true},
		"jwt":       {"access_token_format": "jwt", "resources": []string{"https://api.example.se/", "https://other.example.se/"}},
		"signed":    {"userinfo_alg": "ES256"},
		"sealed": {"jwks": true, "userinfo_alg": "ES256", "id_token_encryption_alg": "RSA-OAEP", "id_token_encryption_enc": "A256GCM",
			"userinfo_encryption_alg": "RSA-OAEP", "userinfo_encryption_enc": "A256GCM"},
		"sealed-ec":        {"jwks": true, "id_token_encryption_alg": "ECDH-ES", "id_token_encryption_enc": "A128CBC-HS256"},
		"es384":            algorithm("ES384"),
		"es512":            algorithm("ES512"),
		"rs256":            algorithm("RS256"),
		"rs384":            algorithm("RS384"),
		"rs512":            algorithm("RS512"),
		"ps256":            algorithm("PS256"),
		"eddsa":            algorithm("EdDSA"),
		"sector-one":       group("sectors", settings{"sector_identifier_uri": base + "/sector.json"}),
		"sector-two":       group("sectors", settings{"sector_identifier_uri": base + "/sector.json"}),
		"sector-other":     group("sectors", settings{}),
		"defaults":         group("house", settings{"default_max_age": "1s", "default_acr_values": []string{acrUncertified}}),
		"stepped":          group("stepped", settings{"acr_values": []string{acrStep}}),
		"swedish":          swedish(settings{"auth_method": "private_key_jwt"}),
		"swedish-pairwise": swedish(settings{"auth_method": "private_key_jwt", "subject_type": "pairwise"}),
		"swedish-secret":   swedish(settings{"auth_method": "client_secret_basic"}),
		"sign":             swedish(settings{"auth_method": "private_key_jwt", "scopes": append([]string{scopeSign, scopeApproval}, bryggaScopes...)}),
		"ciba":             {"auth_method": "private_key_jwt", "ciba": "poll"},
		"ciba-other":       {"auth_method": "private_key_jwt", "ciba": "poll"},
		roleCards: {
			"methods": []string{"bankid", "netid"}, "auth_method": "private_key_jwt", "scopes": append([]string{scopeSign}, bryggaScopes...),
			"policy": settings{"sign_pin_code": "no"},
		},
		"connect":       connect("connect"),
		"connect-group": connect("connect"),
		"connect-other": connect("connect-other"),
	}
}

// newClients makes the clients of all roles, and what brygga's configuration says of them.
func newClients(base string) (map[string]*Client, []settings, error) {
	common, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, nil, err
	}
	clients := make(map[string]*Client)
	var registered []settings
	special := bryggaClients(base)
	for _, role := range Roles {
		mine := special[role.Name]
		if mine == nil {
			return nil, nil, fmt.Errorf("brygga has no settings for role %s", role.Name)
		}
		client, section, err := newClient(role.Name, mine, common)
		if err != nil {
			return nil, nil, err
		}
		clients[role.Name] = client
		registered = append(registered, section)
	}
	return clients, registered, nil
}

func newClient(role string, mine settings, common *rsa.PrivateKey) (*Client, settings, error) {
	host := "https://" + role + ".example.se"
	client := &Client{
		ID: "conformance-" + role, AuthMethod: "client_secret_basic", IDTokenAlg: "ES256", Scopes: bryggaScopes,
		RedirectURIs:           []string{host + "/callback", host + "/other/callback", host + "/callback?app=1%2B1&x=y"},
		PostLogoutRedirectURIs: []string{host + "/goodbye", host + "/goodbye?from=op"},
	}
	if role == "sector-two" {
		client.RedirectURIs[0] = "https://sector-two-elsewhere.example.se/callback"
	}
	keyed := mine["auth_method"] == "private_key_jwt" || mine["jwks"] == true || mine["profile"] == "swedenconnect"
	switch {
	case mine["profile"] == "swedenconnect":
		client.AuthMethod = "private_key_jwt"
	case mine["auth_method"] != nil:
		client.AuthMethod = mine["auth_method"].(string)
	}
	if alg, ok := mine["id_token_alg"].(string); ok {
		client.IDTokenAlg = alg
	}
	if scopes, ok := mine["scopes"].([]string); ok {
		client.Scopes = scopes
	}
	client.Resources, _ = mine["resources"].([]string)
	if origins, ok := mine["origins"].([]string); ok {
		client.Origin = origins[0]
	}
	section := settings{
		"id": client.ID, "auth_method": client.AuthMethod, "redirect_uris": client.RedirectURIs,
		"post_logout_redirect_uris": client.PostLogoutRedirectURIs, "scopes": client.Scopes, "id_token_alg": client.IDTokenAlg,
	}
	for key, value := range mine {
		if key != "jwks" {
			section[key] = value
		}
	}
	if client.AuthMethod == "client_secret_basic" || client.AuthMethod == "client_secret_post" {
		client.Secret = random()
		section["secret"] = client.Secret
	}
	if !keyed {
		return client, section, nil
	}
	if err := client.addKeys(common); err != nil {
		return nil, nil, err
	}
	if mine["jwks_uri"] == nil {
		text, err := json.Marshal(client.publicKeys())
		if err != nil {
			return nil, nil, err
		}
		section["jwks"] = string(text)
	}
	return client, section, nil
}

// addKeys makes a client's keys: one for ES256 of its own, and RSA keys that all clients share, as they take long to make.
func (c *Client) addKeys(common *rsa.PrivateKey) error {
	sign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	open, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	c.Keys = []jose.JSONWebKey{
		{Key: sign, KeyID: c.ID + "-es256", Algorithm: "ES256", Use: "sig"},
		{Key: common, KeyID: c.ID + "-rs256", Algorithm: "RS256", Use: "sig"},
		{Key: common, KeyID: c.ID + "-rsa-oaep", Algorithm: "RSA-OAEP", Use: "enc"},
		{Key: open, KeyID: c.ID + "-ecdh-es", Algorithm: "ECDH-ES", Use: "enc"},
	}
	return nil
}

// installation returns the configuration of a brygga with the clients.
func (s *site) installation(issuer, listen, admin, data string, clients []settings, more settings) settings {
	at := func(name string) string { return filepath.Join(s.dir, name) }
	all := settings{
		"issuer": issuer, "listen": listen, "admin_listen": admin, "data": at(data),
		"master_key": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "log": settings{"level": "error", "format": "text"},
		"bankid": settings{
			"environment": "custom", "url": s.bankID, "phone_url": s.phone + "/", "certificate_file": at("sim/client.pem"),
			"key_file": at("sim/client-key.pem"), "root_ca_file": at("sim/ca.pem"), "signature_root_file": at("sim/signature-root.pem"),
		},
		"http_clients": []settings{{
			"name": "cards", "root_ca_file": at("sim/netid-ca.pem"), "certificate_file": at("sim/netid-client.pem"), "key_file": at("sim/netid-client-key.pem"),
		}},
		"netid": settings{
			"url": s.netID, "http_client": "cards", "issuers": []settings{{"name": "simulator", "certificate_file": at("sim/netid-issuer.pem")}}, "app_url": s.cards + "/",
		},
		"methods":               []settings{{"name": "bankid", "acr_values": []string{acrUncertified, acrStep}}, {"name": "netid", "acr_values": []string{acrUncertified}}},
		"login":                 settings{"logins_per_address": 1000000, "orders_per_address": 1000000, "orders_per_client": 1000000},
		"limits":                settings{"requests_per_address": 1000000, "requests_per_client": 1000000},
		"outbound":              settings{"allow": []string{"127.0.0.0/8"}, "root_ca_file": at("own.pem")},
		"tokens":                settings{"acr": acrUncertified, "acr_policies": settings{acrStep: settings{"pin_code": "yes", "moderate_risk": "refuse"}}},
		"service_documentation": "https://www.example.se/documentation",
		"clients":               clients,
	}
	for key, value := range more {
		if section, ok := value.(settings); ok && key == "tokens" {
			maps.Copy(all[key].(settings), section)
			continue
		}
		all[key] = value
	}
	return all
}
