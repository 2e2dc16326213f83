// Package presets holds what is ready for kinds of apps and for products: the settings of their registration, and what is written into them
// so that they find the provider.
//
// The pages of docs/integrations and docs/quickstart say the same to people; the tests hold both against each other. It must not know who shows
// what it has.
package presets

import (
	"slices"
	"strings"

	"brygga/clients"
	"brygga/storage"
)

// Kind is what an app is.
type Kind string

// The kinds.
const (
	Web     Kind = "web"     // a server that can keep a secret
	Page    Kind = "page"    // a single-page application: scripts in a browser, and no server
	Native  Kind = "native"  // on the person's own device
	Machine Kind = "machine" // logs nobody in: asks the management API as itself
	Broker  Kind = "broker"  // passes logins on to other apps
)

// Kinds returns the kinds in the order in which they are offered.
func Kinds() []Kind { return []Kind{Web, Page, Native, Machine, Broker} }

// Preset is what is usually right for an app.
type Preset struct {
	// Name is unique. That of what is usual for a kind is the kind's.
	Name string
	Kind Kind
	// Title is what its makers call the product, empty for a kind.
	Title string
	// Doc is the page about it below docs/, without .md.
	Doc string

	set   []clients.Line
	ready []Ready
	// id and app are the client ID and the address that the page has.
	id, app string
}

// Ready is what is written into an app.
type Ready struct {
	// File is what it is called, and of what form it is: .fields is a table of the fields of a form.
	File string
	Text string
}

// Fields returns the rows of a table of fields, and whether it is one. What stands between backticks is written as it is.
func (r Ready) Fields() (rows [][2]string, is bool) {
	if !strings.HasSuffix(r.File, ".fields") {
		return nil, false
	}
	for line := range strings.Lines(r.Text) {
		name, value, _ := strings.Cut(strings.Trim(line, "|\n "), "|")
		rows = append(rows, [2]string{strings.TrimSpace(name), strings.TrimSpace(value)})
	}
	return rows, true
}

// All returns the presets: first those of the kinds, then the products by title.
func All() []Preset {
	all := slices.Clone(presets)
	slices.SortStableFunc(all, func(a, b Preset) int {
		if a.Title == "" || b.Title == "" {
			return len(a.Title) - len(b.Title)
		}
		return strings.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title))
	})
	return all
}

// Of returns the preset of that name, nil for none.
func Of(name string) *Preset {
	i := slices.IndexFunc(presets, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	p := presets[i]
	return &p
}

// Apply sets on c what is usual for an app at that address, such as https://app.example.se. What nobody can know stays in braces, such as {realm},
// which no address may hold.
func (p *Preset) Apply(c *storage.Client, app string) error {
	values := map[string][]string{}
	var keys []string
	for _, l := range p.set {
		if values[l.Key] == nil {
			keys = append(keys, l.Key)
		}
		values[l.Key] = append(values[l.Key], strings.ReplaceAll(l.Value, "{app}", strings.TrimSuffix(app, "/")))
	}
	for _, key := range keys {
		if err := clients.SettingOf(key).Set(c, values[key]...); err != nil {
			return err
		}
	}
	return nil
}

// HasAddress reports whether it matters where the app is.
func (p *Preset) HasAddress() bool {
	return slices.ContainsFunc(p.set, func(l clients.Line) bool { return strings.Contains(l.Value, "{app}") })
}

// Values is what fills the blanks of what is ready.
type Values struct {
	Issuer, ID, Secret string
	// App is the address of the app.
	App string
}

// ReadyFor returns what is written into the app, with the values.
func (p *Preset) ReadyFor(v Values) []Ready {
	_, host, _ := strings.Cut(v.Issuer, "://")
	fill := strings.NewReplacer("⟪issuer⟫", v.Issuer, "⟪issuer-host⟫", host, "⟪id⟫", v.ID, "⟪secret⟫", v.Secret, "⟪app⟫", strings.TrimSuffix(v.App, "/"))
	all := make([]Ready, len(p.ready))
	for i, r := range p.ready {
		all[i] = Ready{r.File, fill.Replace(r.Text)}
	}
	return all
}

// Nearest returns the preset whose settings a client has most of, such as to find what is ready for it: one that has all its redirect URIs, else
// that of its kind.
func Nearest(c *storage.Client) *Preset {
	app := AppOf(c)
	for _, p := range presets {
		var usual storage.Client
		if p.Title == "" || p.Apply(&usual, app) != nil || len(usual.RedirectURIs) == 0 {
			continue
		}
		if slices.Equal(usual.RedirectURIs, c.RedirectURIs) && usual.Native == c.Native && usual.Public() == c.Public() && strings.EqualFold(p.id, c.ID) {
			return &p
		}
	}
	switch {
	case IsMachine(c):
		return Of(string(Machine))
	case c.Native:
		return Of(string(Native))
	case c.Public():
		return Of(string(Page))
	}
	return Of(string(Web))
}

// IsMachine reports whether a client logs nobody in and gets access tokens for the management API as itself (RFC 6749 §4.4).
func IsMachine(c *storage.Client) bool { return len(c.RedirectURIs) == 0 && len(c.APIScopes) > 0 }

// AppOf returns the address of the app that a client's redirect URIs are at: scheme and host of the first.
func AppOf(c *storage.Client) string {
	for _, uri := range c.RedirectURIs {
		scheme, rest, ok := strings.Cut(uri, "://")
		if host, _, _ := strings.Cut(rest, "/"); ok && host != "" {
			return scheme + "://" + host
		}
	}
	return ""
}
