package clients

import (
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"brygga/storage"
)

// AuthMethods returns the ways in which clients may authenticate.
func AuthMethods() []string { return slices.Clone(authMethods) }

// authentication checks how the client authenticates: exactly one method, with what it needs and nothing else.
func (p *problems) authentication(c *storage.Client) {
	p.required("auth_method", c.AuthMethod)
	secret := UsesSecret(c)
	keys := len(c.JWKS) > 0 || c.JWKSURI != ""
	switch {
	case c.Public() && len(c.Secrets) > 0:
		p.add("auth_method", "auth.none")
	case secret && len(c.Secrets) == 0:
		p.add("auth_method", "auth.secret", c.AuthMethod)
	case c.AuthMethod == storage.AuthMethodPrivateKey && len(c.Secrets) > 0:
		p.add("auth_method", "auth.key-and-secret")
	case c.AuthMethod == storage.AuthMethodPrivateKey && !keys:
		p.add("auth_method", "auth.no-keys")
	}
	if len(c.JWKS) > 0 && c.JWKSURI != "" {
		p.add("jwks_uri", "jwks.both")
	}
	if len(c.JWKS) > 0 {
		p.jwks(c.JWKS)
	}
	if c.JWKSURI != "" {
		p.webAddress("jwks_uri", c.JWKSURI)
	}
	if !keys && (c.IDTokenEncryption.Alg != "" || c.UserinfoEncryption.Alg != "" || c.RequireRequestObject || c.RequestObjectAlg != "") {
		p.add("jwks", "jwks.needed")
	}
}

// tokens checks what the client's tokens are like.
func (p *problems) tokens(c *storage.Client) {
	p.required("id_token_alg", c.IDTokenAlg)
	if c.RefreshRotation == storage.RefreshKeep && c.Public() {
		p.add("refresh_rotation", "refresh.public")
	}
	p.each(c.Resources, func(_ int, resource string) {
		if p.characters("resources", resource) && !absolute(resource) {
			p.add("resources", "resource.invalid", quote(resource))
		}
	})
}

// requests checks what the client's requests must be like, and what stands for what they leave out.
func (p *problems) requests(c *storage.Client) {
	if c.UnsignedRequestObjects && (c.RequireRequestObject || c.RequestObjectAlg != "") {
		p.add("unsigned_request_objects", "request.unsigned")
	}
	p.each(c.ACRValues, func(_ int, acr string) { p.acr("acr_values", acr) })
	p.each(c.DefaultACRValues, func(_ int, acr string) { p.acr("default_acr_values", acr) })
	if c.DefaultMaxAge != nil && *c.DefaultMaxAge < 0 {
		p.add("default_max_age", "value.negative")
	}
	if c.DefaultLocale != "" {
		if _, err := language.Parse(c.DefaultLocale); err != nil {
			p.add("default_locale", "language.tag", quote(c.DefaultLocale))
		}
	}
	p.each(c.Origins, func(_ int, origin string) {
		if !webOrigin(origin) {
			p.add("origins", "origin.invalid", quote(origin))
		}
	})
}

const notificationEndpoint = "backchannel_client_notification_endpoint"

// ciba checks who may name people: pushing an order at somebody is not for everybody, and who may not have a number must not try any.
func (p *problems) ciba(c *storage.Client) {
	switch {
	case c.CIBA == "" || c.CIBA == storage.CIBAOff:
	case c.Public():
		p.add("ciba", "ciba.public")
	case !c.MayHaveNumber():
		p.add("ciba", "ciba.number")
	}
	switch told := c.CIBA == storage.CIBAPing; {
	case told && c.NotificationEndpoint == "":
		p.add(notificationEndpoint, "ciba.untold", examples[notificationEndpoint])
	case !told && c.NotificationEndpoint != "":
		p.add(notificationEndpoint, "ciba.asks")
	case told:
		p.webAddress(notificationEndpoint, c.NotificationEndpoint)
	}
}

// acr checks one value of the acr claim.
func (p *problems) acr(key, acr string) {
	if !absolute(acr) || len(acr) > maxAddress || strings.ContainsFunc(acr, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
		p.add(key, "acr.invalid", quote(acr))
	}
}

// subject checks what the client's subjects are made for (OIDC Core §8.1, OIDC Registration §5).
func (p *problems) subject(c *storage.Client) {
	p.required("subject_type", c.SubjectType)
	if c.SectorIdentifierURI != "" {
		p.webAddress("sector_identifier_uri", c.SectorIdentifierURI)
	}
	if c.SubjectType == storage.SubjectPairwise && c.Sector == "" && len(sectorHosts(c)) > 1 {
		p.add("sector", "sector.unclear", strings.Join(sectorHosts(c), ", "))
	}
}

// absolute reports whether address is a URI with a scheme.
func absolute(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.IsAbs()
}

// maxContact is how many bytes an e-mail address has at most (RFC 5321 §4.5.3.1.3).
const maxContact = 254

var sessionGroup = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// sessions checks single sign-on and logout, and whom to ask about the client.
func (p *problems) sessions(c *storage.Client) {
	if c.SessionGroup != "" && !sessionGroup.MatchString(c.SessionGroup) {
		p.add("session_group", "session-group.invalid", quote(c.SessionGroup))
	}
	if c.BackchannelLogoutURI != "" {
		p.webAddress("backchannel_logout_uri", c.BackchannelLogoutURI)
	}
	if c.WebhookURI != "" {
		p.webAddress("webhook_uri", c.WebhookURI)
	}
	p.each(c.Contacts, func(_ int, contact string) {
		if a, err := mail.ParseAddress(contact); err != nil || a.Address != contact || len(contact) > maxContact {
			p.add("contacts", "contact.invalid", quote(contact))
		}
	})
}
