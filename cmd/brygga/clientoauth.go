package main

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brygga/clients"
	"brygga/cmd/brygga/config"
	"brygga/storage"
)

// The flags that bring a client's keys.
const (
	jwksFlag     = "jwks"
	jwksFileFlag = "jwks-file"
)

// oauthFlags are the flags that say what a client's requests and tokens are like.
type oauthFlags struct {
	profile, authAlg, jwksFile, jwksURI                                        string
	idTokenEncAlg, idTokenEnc, userinfoAlg, userinfoEncAlg, userinfoEnc        string
	requestObjectAlg, accessTokenFormat, locale, group, backchannel, sectorURI string
	requireRequestObject, unsignedRequestObjects, requirePAR                   bool
	resources, acrValues, origins, contacts                                    []string
	maxAge                                                                     time.Duration
	jwks                                                                       string
}

func (f *oauthFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.profile, "profile", storage.ProfileStandard, "standard, swedish or swedenconnect: the rules for its requests and tokens")
	flags.StringVar(&f.authAlg, "auth-alg", "", "the only `algorithm` of its assertions")
	flags.StringVar(&f.jwks, jwksFlag, "", "its public keys as a JSON Web Key Set; an empty value removes them")
	flags.StringVar(&f.jwksFile, jwksFileFlag, "", "`file` with its public keys, in place of --jwks")
	flags.StringVar(&f.jwksURI, "jwks-uri", "", "`address` where its public keys are fetched")
	flags.StringVar(&f.idTokenEncAlg, "id-token-encryption-alg", "", "how ID tokens are encrypted to its key, such as ECDH-ES")
	flags.StringVar(&f.idTokenEnc, "id-token-encryption-enc", "", "and with what, such as A128GCM")
	flags.StringVar(&f.userinfoAlg, "userinfo-alg", "", "how userinfo is signed; plain JSON when empty")
	flags.StringVar(&f.userinfoEncAlg, "userinfo-encryption-alg", "", "how userinfo is encrypted to its key")
	flags.StringVar(&f.userinfoEnc, "userinfo-encryption-enc", "", "and with what")
	flags.StringVar(&f.requestObjectAlg, "request-object-alg", "", "the only `algorithm` of its request objects")
	flags.BoolVar(&f.requireRequestObject, "require-request-object", false, "refuse requests without a signed request object")
	flags.BoolVar(&f.unsignedRequestObjects, "unsigned-request-objects", false, "take request objects that nobody has signed")
	flags.BoolVar(&f.requirePAR, "require-par", false, "refuse requests that were not pushed ahead")
	flags.StringVar(&f.accessTokenFormat, "access-token-format", storage.AccessTokenOpaque, "opaque or jwt")
	flags.StringArrayVar(&f.resources, "resource", nil, "`address` of an API that it may ask access tokens for; may be repeated")
	flags.StringArrayVar(&f.acrValues, "default-acr-value", nil, "`acr` for requests that name none; may be repeated")
	flags.DurationVar(&f.maxAge, "default-max-age", 0, "how long ago a login may be for requests that do not say")
	flags.StringVar(&f.locale, "default-locale", "", "language for requests that name none, such as sv")
	flags.StringVar(&f.group, "session-group", "", "apps of the same group share a browser's session; none when empty")
	flags.StringVar(&f.backchannel, "backchannel-logout-uri", "", "`address` that is told when a session ends")
	flags.StringVar(&f.sectorURI, "sector-identifier-uri", "", "`address` with a list of the sector's redirect URIs")
	flags.StringArrayVar(&f.origins, "origin", nil, "web `origin` whose scripts may call the endpoints; may be repeated")
	flags.StringArrayVar(&f.contacts, "contact", nil, "e-mail `address` of those who run it; may be repeated")
}

// read reads the file that the flags name and puts its content into the arguments that a running server may get.
func (f *oauthFlags) read(cmd *cobra.Command, h *host) error {
	if !cmd.Flags().Changed(jwksFileFlag) {
		return nil
	}
	if h.operator != nil {
		return fail(exitUsage, "use the same brygga as the server", "--jwks-file names a file that is not the server's to read")
	}
	if cmd.Flags().Changed(jwksFlag) {
		return fail(exitUsage, "keep one of the two", "--jwks-file and --jwks are both given")
	}
	text, err := config.ReadJWKS(f.jwksFile)
	if err != nil {
		return fail(exitUsage, "name a file with a JSON Web Key Set of public keys", "--jwks-file: %w", err)
	}
	if err := cmd.Flags().Set(jwksFlag, text); err != nil {
		return err
	}
	h.args = replaceFlag(h.args, jwksFileFlag, jwksFlag+"="+text)
	return nil
}

// apply sets on a client what the flags name.
func (f *oauthFlags) apply(cmd *cobra.Command, c *storage.Client) {
	set := func(flag string, do func()) {
		if cmd.Flags().Changed(flag) {
			do()
		}
	}
	set("profile", func() { c.Profile = f.profile })
	set("auth-alg", func() { c.AuthAlg = f.authAlg })
	set(jwksFlag, func() { c.JWKS = json.RawMessage(f.jwks) })
	set("jwks-uri", func() { c.JWKSURI = f.jwksURI })
	set("id-token-encryption-alg", func() { c.IDTokenEncryption.Alg = f.idTokenEncAlg })
	set("id-token-encryption-enc", func() { c.IDTokenEncryption.Enc = f.idTokenEnc })
	set("userinfo-alg", func() { c.UserinfoAlg = f.userinfoAlg })
	set("userinfo-encryption-alg", func() { c.UserinfoEncryption.Alg = f.userinfoEncAlg })
	set("userinfo-encryption-enc", func() { c.UserinfoEncryption.Enc = f.userinfoEnc })
	set("request-object-alg", func() { c.RequestObjectAlg = f.requestObjectAlg })
	set("require-request-object", func() { c.RequireRequestObject = f.requireRequestObject })
	set("unsigned-request-objects", func() { c.UnsignedRequestObjects = f.unsignedRequestObjects })
	set("require-par", func() { c.RequirePAR = f.requirePAR })
	set("access-token-format", func() { c.AccessTokenFormat = f.accessTokenFormat })
	set("resource", func() { c.Resources = withoutEmpty(f.resources) })
	set("default-acr-value", func() { c.DefaultACRValues = withoutEmpty(f.acrValues) })
	set("default-max-age", func() { c.DefaultMaxAge = clients.MaxAge(f.maxAge) })
	set("default-locale", func() { c.DefaultLocale = f.locale })
	set("session-group", func() { c.SessionGroup = f.group })
	set("backchannel-logout-uri", func() { c.BackchannelLogoutURI = f.backchannel })
	set("sector-identifier-uri", func() {
		c.SectorIdentifierURI = f.sectorURI
		if !cmd.Flags().Changed("sector") {
			c.Sector = "" // made anew from the address
		}
	})
	set("origin", func() { c.Origins = withoutEmpty(f.origins) })
	set("contact", func() { c.Contacts = withoutEmpty(f.contacts) })
}

// oauthView is what a client's requests and tokens are like, as JSON.
type oauthView struct {
	Profile                string             `json:"profile,omitempty"`
	AuthAlg                string             `json:"auth_alg,omitempty"`
	JWKS                   json.RawMessage    `json:"jwks,omitempty"`
	JWKSURI                string             `json:"jwks_uri,omitempty"`
	IDTokenEncryption      storage.Encryption `json:"id_token_encryption,omitzero"`
	UserinfoAlg            string             `json:"userinfo_alg,omitempty"`
	UserinfoEncryption     storage.Encryption `json:"userinfo_encryption,omitzero"`
	RequestObjectAlg       string             `json:"request_object_alg,omitempty"`
	RequireRequestObject   bool               `json:"require_request_object,omitempty"`
	UnsignedRequestObjects bool               `json:"unsigned_request_objects,omitempty"`
	RequirePAR             bool               `json:"require_par,omitempty"`
	AccessTokenFormat      string             `json:"access_token_format,omitempty"`
	Resources              []string           `json:"resources,omitempty"`
	DefaultACRValues       []string           `json:"default_acr_values,omitempty"`
	DefaultMaxAge          string             `json:"default_max_age,omitempty"`
	DefaultLocale          string             `json:"default_locale,omitempty"`
	SessionGroup           string             `json:"session_group,omitempty"`
	BackchannelLogoutURI   string             `json:"backchannel_logout_uri,omitempty"`
	SectorIdentifierURI    string             `json:"sector_identifier_uri,omitempty"`
	Origins                []string           `json:"origins,omitempty"`
	Contacts               []string           `json:"contacts,omitempty"`
}

func viewOfOAuth(c *storage.Client) oauthView {
	v := oauthView{
		Profile: c.Profile, AuthAlg: c.AuthAlg, JWKS: c.JWKS, JWKSURI: c.JWKSURI, IDTokenEncryption: c.IDTokenEncryption,
		UserinfoAlg: c.UserinfoAlg, UserinfoEncryption: c.UserinfoEncryption, RequestObjectAlg: c.RequestObjectAlg,
		RequireRequestObject: c.RequireRequestObject, UnsignedRequestObjects: c.UnsignedRequestObjects, RequirePAR: c.RequirePAR,
		AccessTokenFormat: c.AccessTokenFormat, Resources: c.Resources, DefaultACRValues: c.DefaultACRValues, DefaultLocale: c.DefaultLocale,
		SessionGroup: c.SessionGroup, BackchannelLogoutURI: c.BackchannelLogoutURI, SectorIdentifierURI: c.SectorIdentifierURI,
		Origins: c.Origins, Contacts: c.Contacts,
	}
	if c.DefaultMaxAge != nil {
		v.DefaultMaxAge = (time.Duration(*c.DefaultMaxAge) * time.Second).String()
	}
	return v
}

// lines returns what is set, as pairs of key and value.
func (v *oauthView) lines() (lines [][2]string) {
	add := func(key, value string) {
		if value != "" {
			lines = append(lines, [2]string{key, value})
		}
	}
	yes := func(key string, on bool) {
		if on {
			add(key, "true")
		}
	}
	list := func(key string, values []string) { add(key, strings.Join(values, " ")) }
	add("profile", v.Profile)
	add("auth_alg", v.AuthAlg)
	if len(v.JWKS) > 0 {
		add("jwks", string(v.JWKS))
	}
	add("jwks_uri", v.JWKSURI)
	list("id_token_encryption", withoutEmpty([]string{v.IDTokenEncryption.Alg, v.IDTokenEncryption.Enc}))
	add("userinfo_alg", v.UserinfoAlg)
	list("userinfo_encryption", withoutEmpty([]string{v.UserinfoEncryption.Alg, v.UserinfoEncryption.Enc}))
	add("request_object_alg", v.RequestObjectAlg)
	yes("require_request_object", v.RequireRequestObject)
	yes("unsigned_request_objects", v.UnsignedRequestObjects)
	yes("require_par", v.RequirePAR)
	add("access_token_format", v.AccessTokenFormat)
	list("resources", v.Resources)
	list("default_acr_values", v.DefaultACRValues)
	add("default_max_age", v.DefaultMaxAge)
	add("default_locale", v.DefaultLocale)
	add("session_group", v.SessionGroup)
	add("backchannel_logout_uri", v.BackchannelLogoutURI)
	add("sector_identifier_uri", v.SectorIdentifierURI)
	list("origins", v.Origins)
	list("contacts", v.Contacts)
	return lines
}
