package clients

import (
	"fmt"
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
		p.add("auth_method", "none has no secret, and one is set", "remove the secret or choose client_secret")
	case secret && len(c.Secrets) == 0:
		p.add("auth_method", c.AuthMethod+" needs a secret, and none is set", "set a secret, or auth_method none for a public client")
	case c.AuthMethod == storage.AuthMethodPrivateKey && len(c.Secrets) > 0:
		p.add("auth_method", "private_key_jwt has no secret, and one is set", "remove the secret or choose client_secret")
	case c.AuthMethod == storage.AuthMethodPrivateKey && !keys:
		p.add("auth_method", "private_key_jwt needs the app's public keys, and none are set", "set jwks, jwks_file or jwks_uri")
	}
	if len(c.JWKS) > 0 && c.JWKSURI != "" {
		p.add("jwks_uri", "set together with jwks", "keep one of the two (RFC 7591 §2)")
	}
	if len(c.JWKS) > 0 {
		p.jwks(c.JWKS)
	}
	if c.JWKSURI != "" {
		p.webAddress("jwks_uri", c.JWKSURI)
	}
	if !keys && (c.IDTokenEncryption.Alg != "" || c.UserinfoEncryption.Alg != "" || c.RequireRequestObject || c.RequestObjectAlg != "") {
		p.add("jwks", "missing: tokens are encrypted to the app's keys, and its request objects verified with them", "set jwks, jwks_file or jwks_uri")
	}
}

// tokens checks what the client's tokens are like.
func (p *problems) tokens(c *storage.Client) {
	p.required("id_token_alg", c.IDTokenAlg)
	if c.RefreshRotation == storage.RefreshKeep && c.Public() {
		p.add("refresh_rotation", "keep is for clients that prove themselves", "write rotate, or choose another auth_method than none")
	}
	p.each(c.Resources, func(_ int, resource string) {
		if p.characters("resources", resource) && !absolute(resource) {
			p.add("resources", quote(resource)+" is no resource indicator", "write an absolute address without fragment, such as https://api.example.se/")
		}
	})
	p.bounded("resources", c.Resources)
}

// requests checks what the client's requests must be like, and what stands for what they leave out.
func (p *problems) requests(c *storage.Client) {
	if c.UnsignedRequestObjects && (c.RequireRequestObject || c.RequestObjectAlg != "") {
		p.add("unsigned_request_objects", "set although signed request objects are demanded", "remove it, or require_request_object and request_object_alg")
	}
	p.each(c.DefaultACRValues, func(_ int, acr string) {
		if !absolute(acr) || len(acr) > maxAddress || strings.ContainsFunc(acr, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			p.add("default_acr_values", quote(acr)+" is no acr", "write an address such as http://id.elegnamnden.se/loa/1.0/loa3")
		}
	})
	p.bounded("default_acr_values", c.DefaultACRValues)
	if c.DefaultMaxAge != nil && *c.DefaultMaxAge < 0 {
		p.add("default_max_age", "is negative", "write a duration such as 30m")
	}
	if c.DefaultLocale != "" {
		if _, err := language.Parse(c.DefaultLocale); err != nil {
			p.add("default_locale", quote(c.DefaultLocale)+" is not a language tag", "write sv, en or the like")
		}
	}
	p.each(c.Origins, func(_ int, origin string) {
		if !webOrigin(origin) {
			p.add("origins", quote(origin)+" is no web origin", "write scheme and host alone, such as https://app.example.se, or capacitor://localhost for an app's shell")
		}
	})
	p.bounded("origins", c.Origins)
}

// subject checks what the client's subjects are made for (OIDC Core §8.1, OIDC Registration §5).
func (p *problems) subject(c *storage.Client) {
	p.required("subject_type", c.SubjectType)
	if c.SectorIdentifierURI != "" {
		p.webAddress("sector_identifier_uri", c.SectorIdentifierURI)
	}
	if c.SubjectType == storage.SubjectPairwise && c.Sector == "" && len(sectorHosts(c)) > 1 {
		p.add("sector", "is not clear: the redirect URIs are at "+strings.Join(sectorHosts(c), ", "),
			"set sector or sector_identifier_uri, or subject_type public")
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
		p.add("session_group", quote(c.SessionGroup)+" is no name of a group", "write 1 to 32 of a-z 0-9 and -")
	}
	if c.BackchannelLogoutURI != "" {
		p.webAddress("backchannel_logout_uri", c.BackchannelLogoutURI)
	}
	p.each(c.Contacts, func(_ int, contact string) {
		if a, err := mail.ParseAddress(contact); err != nil || a.Address != contact || len(contact) > maxContact {
			p.add("contacts", quote(contact)+" is no e-mail address", "write it as it@example.se")
		}
	})
	p.bounded("contacts", c.Contacts)
}

func (p *problems) bounded(key string, list []string) {
	if len(list) > maxList {
		p.add(key, "has too many values", fmt.Sprintf("name at most %d", maxList))
	}
}
