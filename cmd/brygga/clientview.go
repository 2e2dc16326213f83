package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"brygga/clients"
	"brygga/storage"
)

// clientFlags are the flags that describe a client.
type clientFlags struct {
	name, homeURI, authMethod, alg, subjectType, sector, customIdentifier string
	localNames                                                            map[string]string
	redirectURIs, postLogoutURIs, scopes                                  []string
	policy                                                                []string
	brand                                                                 brandFlags
	oauth                                                                 oauthFlags
	native, public, personalNumber, requirePKCE                           bool
}

func (f *clientFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "what people read (default the ID)")
	flags.StringToStringVar(&f.localNames, "local-name", nil, "name in another language, as sv=Journalen")
	flags.StringVar(&f.homeURI, "home-uri", "", "start page of the app")
	flags.StringArrayVar(&f.redirectURIs, "redirect-uri", nil, "`address` people are sent back to, exactly; may be repeated")
	flags.StringArrayVar(&f.postLogoutURIs, "post-logout-redirect-uri", nil, "`address` people may be sent to after logging out; may be repeated")
	flags.StringSliceVar(&f.scopes, "scope", nil, "scopes it may ask for beside openid")
	flags.BoolVar(&f.public, "public", false, "an app that cannot keep a secret: as --auth-method none")
	flags.BoolVar(&f.native, "native", false, "an app on the person's device: any port on loopback, and schemes such as se.example.app:")
	flags.StringVar(&f.authMethod, "auth-method", storage.AuthMethodBasic, "client_secret_basic, client_secret_post, private_key_jwt or none")
	flags.StringVar(&f.alg, "alg", storage.ES256, "how its ID tokens are signed: ES256, ES384, ES512, RS256, RS384, RS512, PS256 or EdDSA")
	flags.StringVar(&f.subjectType, "subject-type", storage.SubjectPairwise, "pairwise, or public as the Swedish profiles have it")
	flags.StringVar(&f.sector, "sector", "", "apps of the same sector see the same pairwise subject (default the host of its redirect URIs)")
	flags.BoolVar(&f.personalNumber, "personal-number", true, "whether it gets personal number and name")
	flags.BoolVar(&f.requirePKCE, "require-pkce", false, "demand PKCE although it has a secret")
	flags.StringArrayVar(&f.policy, "policy", nil, "what its logins must meet, as `key=value`; an empty value leaves it to the installation; may be repeated.\nKeys: "+
		strings.Join(clients.PolicyKeys(), ", "))
	flags.StringVar(&f.customIdentifier, "custom-identifier", "", "tag of its audit events")
	f.brand.add(cmd)
	f.oauth.add(cmd)
}

// apply returns a function that sets on a client what the flags name.
func (f *clientFlags) apply(cmd *cobra.Command, id string) func(*storage.Client) {
	return func(c *storage.Client) {
		set := func(flag string, do func()) {
			if cmd.Flags().Changed(flag) {
				do()
			}
		}
		set("name", func() { c.Name = cmp.Or(f.name, id) })
		set("local-name", func() { c.LocalNames = f.localNames })
		set("home-uri", func() { c.HomeURI = f.homeURI })
		set("redirect-uri", func() { c.RedirectURIs = withoutEmpty(f.redirectURIs) })
		set("post-logout-redirect-uri", func() { c.PostLogoutRedirectURIs = withoutEmpty(f.postLogoutURIs) })
		set("scope", func() { c.Scopes = withoutEmpty(f.scopes) })
		set("native", func() { c.Native = f.native })
		set("auth-method", func() { c.AuthMethod = f.authMethod })
		if f.public {
			c.AuthMethod = storage.AuthMethodNone
		}
		set("alg", func() { c.IDTokenAlg = f.alg })
		set("subject-type", func() { c.SubjectType = f.subjectType })
		set("sector", func() { c.Sector = f.sector })
		set("personal-number", func() { c.PersonalNumber = f.personalNumber })
		set("require-pkce", func() { c.RequirePKCE = f.requirePKCE })
		set("custom-identifier", func() { c.CustomIdentifier = f.customIdentifier })
		for _, text := range f.policy {
			clients.SetPolicy(&c.Policy, text) // checkPolicy was here before
		}
	}
}

// change returns a function that sets on a client all that the flags name, its looks included, and tells what of those was
// corrected.
func (f *clientFlags) change(cmd *cobra.Command, h *host, id string) func(*storage.Client) error {
	return func(c *storage.Client) error {
		f.apply(cmd, id)(c)
		f.oauth.apply(cmd, c)
		corrections, err := f.brand.apply(cmd, c)
		for _, correction := range corrections {
			fmt.Fprintln(h.err, "note:", correction)
		}
		return err
	}
}

// checkPolicy refuses --policy flags that cannot be read. What they say is checked with the client.
func (f *clientFlags) checkPolicy() error {
	for _, text := range f.policy {
		if !clients.SetPolicy(&storage.Policy{}, text) {
			return fail(exitUsage, "write key=value with one of: "+strings.Join(clients.PolicyKeys(), ", "), "--policy %q cannot be read", text)
		}
	}
	return nil
}

// withoutEmpty lets --scope "" empty a list.
func withoutEmpty(values []string) []string {
	var kept []string
	for _, v := range values {
		if v != "" {
			kept = append(kept, v)
		}
	}
	return kept
}

// clientView is a client as JSON: all but the hashes of its secrets.
type clientView struct {
	ID                     string            `json:"id"`
	Name                   string            `json:"name"`
	LocalNames             map[string]string `json:"local_names,omitempty"`
	HomeURI                string            `json:"home_uri,omitempty"`
	AuthMethod             string            `json:"auth_method"`
	Native                 bool              `json:"native"`
	RedirectURIs           []string          `json:"redirect_uris"`
	PostLogoutRedirectURIs []string          `json:"post_logout_redirect_uris,omitempty"`
	Scopes                 []string          `json:"scopes,omitempty"`
	IDTokenAlg             string            `json:"id_token_alg"`
	SubjectType            string            `json:"subject_type"`
	Sector                 string            `json:"sector,omitempty"`
	PersonalNumber         bool              `json:"personal_number"`
	RequirePKCE            bool              `json:"require_pkce"`
	CustomIdentifier       string            `json:"custom_identifier,omitempty"`
	oauthView
	Policy  storage.Policy `json:"policy,omitzero"`
	Brand   *brandView     `json:"brand,omitempty"`
	Secrets []secretView   `json:"secrets,omitempty"`
	Static  bool           `json:"static"`
	Created time.Time      `json:"created,omitzero"`
	Updated time.Time      `json:"updated,omitzero"`
}

// brandView is a client's looks; of the logo, only what it is.
type brandView struct {
	LogoType         string `json:"logo_type,omitempty"`
	LogoBytes        int    `json:"logo_bytes,omitempty"`
	Accent           string `json:"accent,omitempty"`
	AccentDark       string `json:"accent_dark,omitempty"`
	SupportURL       string `json:"support_url,omitempty"`
	AccessibilityURL string `json:"accessibility_url,omitempty"`
}

func viewOfBrand(b storage.Brand) *brandView {
	v := brandView{b.LogoType, len(b.Logo), b.Accent, b.AccentDark, b.SupportURL, b.AccessibilityURL}
	if v == (brandView{}) {
		return nil
	}
	return &v
}

type secretView struct {
	Created time.Time `json:"created,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
}

func viewOf(c *storage.Client) clientView {
	v := clientView{
		ID: c.ID, Name: c.Name, LocalNames: c.LocalNames, HomeURI: c.HomeURI, AuthMethod: c.AuthMethod, Native: c.Native,
		RedirectURIs: c.RedirectURIs, PostLogoutRedirectURIs: c.PostLogoutRedirectURIs, Scopes: c.Scopes, IDTokenAlg: c.IDTokenAlg,
		SubjectType: c.SubjectType, Sector: c.Sector, PersonalNumber: c.PersonalNumber, RequirePKCE: c.RequirePKCE,
		CustomIdentifier: c.CustomIdentifier, oauthView: viewOfOAuth(c), Policy: c.Policy, Brand: viewOfBrand(c.Brand), Static: c.Static, Created: c.Created, Updated: c.Updated,
	}
	if c.Static { // its times are those of this start
		v.Created, v.Updated = time.Time{}, time.Time{}
		return v
	}
	for _, s := range c.Secrets {
		v.Secrets = append(v.Secrets, secretView{s.Created, s.Expires})
	}
	return v
}

func newClientShow(h *host, where *whereFlags) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show one client", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return withOperator(cmd, h, where, func(ctx context.Context, o *operator) error {
				c, err := findClient(ctx, o, args[0])
				if err != nil {
					return err
				}
				if output == "json" {
					return writeJSON(h.out, viewOf(&c))
				}
				return showClient(h, viewOf(&c))
			})
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

func showClient(h *host, v clientView) error {
	lines := [][2]string{
		{"id", v.ID}, {"name", v.Name}, {"home_uri", v.HomeURI}, {"auth_method", v.AuthMethod}, {"native", strconv.FormatBool(v.Native)},
	}
	for tag, name := range v.LocalNames {
		lines = append(lines, [2]string{"local_names." + tag, name})
	}
	for _, uri := range v.RedirectURIs {
		lines = append(lines, [2]string{"redirect_uris", uri})
	}
	for _, uri := range v.PostLogoutRedirectURIs {
		lines = append(lines, [2]string{"post_logout_redirect_uris", uri})
	}
	lines = append(lines, [][2]string{
		{"scopes", strings.Join(v.Scopes, " ")}, {"id_token_alg", v.IDTokenAlg}, {"subject_type", v.SubjectType}, {"sector", v.Sector},
		{"personal_number", strconv.FormatBool(v.PersonalNumber)}, {"require_pkce", strconv.FormatBool(v.RequirePKCE)},
		{"custom_identifier", v.CustomIdentifier}, {"created", moment(v.Created)}, {"updated", moment(v.Updated)},
	}...)
	lines = append(lines, v.lines()...)
	for _, set := range clients.PolicyPairs(&v.Policy) {
		lines = append(lines, [2]string{"policy." + set[0], set[1]})
	}
	if b := v.Brand; b != nil {
		logo := ""
		if b.LogoBytes > 0 {
			logo = fmt.Sprintf("%s, %d bytes", b.LogoType, b.LogoBytes)
		}
		lines = append(lines, [][2]string{
			{"brand.logo", logo}, {"brand.accent", b.Accent}, {"brand.accent_dark", b.AccentDark},
			{"brand.support_url", b.SupportURL}, {"brand.accessibility_url", b.AccessibilityURL},
		}...)
	}
	for _, s := range v.Secrets {
		until := "no end"
		if !s.Expires.IsZero() {
			until = "works until " + moment(s.Expires)
		}
		lines = append(lines, [2]string{"secret", "made " + moment(s.Created) + ", " + until})
	}
	if v.Static {
		lines = append(lines, [2]string{"", "stands in the configuration file"})
	}
	return pairs(h.out, lines...)
}
