package console

import (
	"strings"

	"brygga/clients"
	"brygga/presets"
	"brygga/secret"
	"brygga/storage"
)

// readiness is what an app needs to find the provider: the settings that are ready for it, and how else the same client is registered.
type readiness struct {
	client *storage.Client
	// title is the product that the settings are for, empty for any app.
	title string
	ready []presets.Ready
	// secret stands in them; the zero value leaves a word in its place.
	secret secret.String
	// webhook is the secret of the app's webhook, the zero value when it is not to be shown.
	webhook       secret.String
	command, yaml string
}

// readyFor returns what an app needs whose client was made from a preset, nil to guess which.
func (v *visit) readyFor(c *storage.Client, from *presets.Preset, value secret.String) readiness {
	if from == nil {
		from = presets.Nearest(c)
	}
	shown := "SECRET"
	if !value.IsZero() {
		shown = value.Reveal()
	}
	r := readiness{client: c, title: from.Title, secret: value, command: clients.Command(c), yaml: "clients:\n" + clients.YAML(c)}
	r.ready = from.ReadyFor(presets.Values{Issuer: v.Issuer, ID: c.ID, Secret: shown, App: presets.AppOf(c)})
	return r
}

// endpoints are the addresses that apps without discovery ask for, name and address.
func (v *visit) endpoints(c *storage.Client) (all [][2]string) {
	paths := [][2]string{
		{"connection.discovery", "/.well-known/openid-configuration"}, {"connection.authorize", "/authorize"}, {"connection.token", "/token"},
		{"connection.userinfo", "/userinfo"}, {"connection.keys", "/jwks.json"}, {"connection.logout", "/logout"},
	}
	if presets.IsMachine(c) {
		paths = [][2]string{{"connection.metadata", "/.well-known/oauth-authorization-server"}, {"connection.token", "/token"}, {"connection.revoke", "/revoke"}}
	}
	for _, e := range paths {
		all = append(all, [2]string{v.text(e[0]), v.Issuer + e[1]})
	}
	return all
}

// codeSpans takes a text with code between backticks apart: every second one is code.
func codeSpans(text string) []string { return strings.Split(text, "`") }

// elementID is the id of what is ready in a file, which a button copies.
func elementID(file string) string { return "ready-" + strings.ReplaceAll(file, ".", "-") }
