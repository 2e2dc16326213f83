package presets

import (
	"embed"
	"fmt"
	"strings"

	"brygga/clients"
	"brygga/storage"
)

//go:embed ready
var readyFiles embed.FS

// ready returns the files of those names. It panics on one that is not there: they are part of the program.
func ready(names ...string) (all []Ready) {
	for _, name := range names {
		text, err := readyFiles.ReadFile("ready/" + name)
		if err != nil {
			panic(fmt.Errorf("presets: %w", err))
		}
		all = append(all, Ready{name, string(text)})
	}
	return all
}

// set reads settings from words such as redirect_uris={app}/callback.
func set(words ...string) (lines []clients.Line) {
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		lines = append(lines, clients.Line{Key: key, Value: value})
	}
	return lines
}

// Settings that several presets have.
const (
	profile = "scopes=" + storage.ScopeProfile
	offline = "scopes=" + storage.ScopeOfflineAccess
	pkce    = "require_pkce=true"
	swedish = "default_locale=sv"
	rs256   = "id_token_alg=" + storage.RS256
	post    = "auth_method=" + storage.AuthMethodPost
	none    = "auth_method=" + storage.AuthMethodNone
	native  = "native=true"
	back    = "redirect_uris={app}/callback"
	home    = "post_logout_redirect_uris={app}/"
	goodbye = "post_logout_redirect_uris={app}/goodbye"
)

// The addresses of the pages' examples.
const (
	exampleApp = "https://app.example.se"
	exampleSSO = "https://sso.example.se"
	localApp   = "http://localhost:3000"
)

var presets = []Preset{
	{string(Web), Web, "", "integrations/libraries", set(back, home, profile, pkce), ready("app.env"), "my-app", exampleApp},
	{string(Page), Page, "", "integrations/libraries", set(none, back, goodbye, profile, offline, "origins={app}"), ready("page.env"), "my-page", exampleApp},
	{string(Native), Native, "", "quickstart/native", set(none, native, back, profile), ready("page.env"), "my-ios-app", exampleApp},
	{string(Machine), Machine, "", "", set("personal_number=false", "api_scopes=health:read"), ready("token.sh"), "", ""},
	{string(Broker), Broker, "", "", set(back, profile, pkce, swedish), ready("app.env"), "", ""},

	{"keycloak", Broker, "Keycloak", "integrations/keycloak", set(
		"redirect_uris={app}/realms/{realm}/broker/bankid/endpoint", "post_logout_redirect_uris={app}/realms/{realm}/broker/bankid/endpoint/logout_response",
		"backchannel_logout_uri={app}/realms/{realm}/protocol/openid-connect/logout/backchannel-logout",
		"auth_method="+storage.AuthMethodPrivateKey, "jwks_uri={app}/realms/{realm}/protocol/openid-connect/certs", profile, pkce, swedish,
	), ready("keycloak.fields"), "keycloak", exampleSSO},
	{"b2c", Broker, "Azure AD B2C", "integrations/entra", set(
		"redirect_uris={app}/{tenant}.onmicrosoft.com/oauth2/authresp", rs256, post, profile, swedish,
	), ready("b2c.fields"), "b2c", "https://example.b2clogin.com"},
	{"entra", Broker, "Microsoft Entra External ID", "integrations/entra", set(
		"redirect_uris={app}/{tenant-id}/federation/oauth2", "redirect_uris={app}/{tenant}.onmicrosoft.com/federation/oauth2", rs256, post, profile, swedish,
	), nil, "entra", "https://example.ciamlogin.com"},
	{"auth0", Broker, "Auth0", "integrations/auth0", set("redirect_uris={app}/login/callback", rs256, post, profile, pkce, swedish), ready("auth0.fields"), "auth0", "https://example.eu.auth0.com"},
	{"zitadel", Broker, "Zitadel", "integrations/zitadel", set(
		"redirect_uris={app}/idps/callback", "redirect_uris={app}/ui/login/login/externalidp/callback", rs256, profile, swedish,
	), ready("zitadel.fields"), "zitadel", exampleSSO},
	{"authentik", Broker, "Authentik", "integrations/authentik", set("redirect_uris={app}/source/oauth/callback/bankid/", rs256, profile, swedish), ready("authentik.fields"), "authentik", exampleSSO},
	{"dex", Broker, "Dex", "integrations/dex", set(
		back, "post_logout_redirect_uris={app}/logout/callback", profile, offline, pkce, swedish, "claims=email=sub@app.invalid",
	), ready("dex.yaml"), "dex", "https://dex.example.se"},
	{"lemonldap", Broker, "LemonLDAP::NG", "integrations/lemonldap-ng", set(
		"redirect_uris={app}/?openidconnectcallback=1", "post_logout_redirect_uris={app}/?logout=1", profile, swedish,
	), ready("lemonldap.fields"), "lemonldap", "https://auth.example.se"},
	{"logto", Broker, "Logto", "integrations/logto", set("redirect_uris={app}/callback/{connector}", profile, swedish), ready("logto.fields"), "logto", "https://id.example.se"},

	{"nextcloud", Web, "Nextcloud", "integrations/nextcloud", set(
		"redirect_uris={app}/apps/user_oidc/code", "redirect_uris={app}/index.php/apps/user_oidc/code", home,
		"backchannel_logout_uri={app}/apps/user_oidc/backchannel-logout/BankID", post, profile,
	), ready("nextcloud.sh"), "nextcloud", "https://cloud.example.se"},
	{"gitlab", Web, "GitLab", "integrations/gitlab", set("redirect_uris={app}/users/auth/openid_connect/callback", profile), ready("gitlab.rb"), "gitlab", "https://git.example.se"},
	{"netbox", Web, "NetBox, Weblate, Zulip (python-social-auth)", "integrations/python-social-auth", set("redirect_uris={app}/complete/oidc/", home, profile), ready("django.py"), "netbox", exampleApp},
	{"vault", Web, "Vault", "integrations/vault", set(
		"redirect_uris={app}/ui/vault/auth/oidc/oidc/callback", "redirect_uris=http://localhost:8250/oidc/callback", profile, "groups=people=everybody",
	), ready("vault.sh"), "vault", "https://vault.example.se"},
	{"oauth2-proxy", Web, "oauth2-proxy", "integrations/oauth2-proxy", set("redirect_uris={app}/oauth2/callback", goodbye, profile, pkce), ready("oauth2-proxy.cfg"), "oauth2-proxy", exampleApp},
	{"apache", Web, "Apache (mod_auth_openidc)", "integrations/apache", set("redirect_uris={app}/oidc", goodbye, profile, pkce), ready("apache.conf"), "apache", exampleApp},
	{"nginx", Web, "nginx (lua-resty-openidc)", "integrations/nginx", set(back, goodbye, profile, offline, pkce), ready("nginx.conf"), "nginx", exampleApp},
	{"traefik", Web, "Traefik (traefik-oidc-auth)", "integrations/traefik", set(
		"redirect_uris={app}/oidc/callback", "post_logout_redirect_uris={app}/oidc/callback", profile, pkce,
	), ready("traefik.yaml"), "traefik", exampleApp},
	{"kubernetes", Native, "kubectl (kubelogin)", "integrations/kubectl", set(
		none, native, "redirect_uris=http://localhost:8000", profile, offline, "claims=preferred_username=sub", "groups=people=everybody",
	), ready("kubernetes.yaml"), "kubernetes", ""},
	{"oidc-agent", Native, "oidc-agent", "integrations/oidc-agent", set(none, native, "redirect_uris=http://localhost:8400", profile, offline), nil, "oidc-agent", ""},

	{"authjs", Web, "Auth.js, NextAuth", "integrations/authjs", set("redirect_uris={app}/api/auth/callback/bankid", home, profile, pkce), ready("authjs.js", "next-auth-4.js"), "authjs", exampleApp},
	{"better-auth", Web, "better-auth", "integrations/better-auth", set(
		"redirect_uris={app}/api/auth/callback/bankid", home, profile, pkce, "claims=email=sub@app.invalid",
	), ready("better-auth.js"), "better-auth", exampleApp},
	{"aspnet", Web, "ASP.NET Core", "integrations/aspnet-core", set("redirect_uris={app}/signin-oidc", "post_logout_redirect_uris={app}/signout-callback-oidc", profile, pkce), ready("aspnet.cs"), "aspnet", exampleApp},
	{"spring", Web, "Spring Boot", "integrations/spring-security", set(
		"redirect_uris={app}/login/oauth2/code/bankid", home, "backchannel_logout_uri={app}/logout/connect/back-channel/bankid", profile, pkce,
	), ready("spring.yaml"), "spring", exampleApp},
	{"express", Web, "Node.js, Express", "quickstart/express", set(back, home, profile, pkce), ready("app.env"), "my-app", localApp},
	{"flask", Web, "Python, Flask", "quickstart/flask", set(back, home, profile, pkce), ready("app.env"), "my-app", localApp},
	{"php", Web, "PHP", "quickstart/php", set(back, home, profile, pkce), ready("app.env"), "my-app", localApp},
	{"go", Web, "Go", "quickstart/go", set(back, home, profile, pkce), ready("app.env"), "my-app", localApp},
	{"react", Page, "React", "quickstart/react", set(none, "redirect_uris={app}/", home, profile, offline), ready("page.env"), "my-page", localApp},
}
