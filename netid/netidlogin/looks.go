package netidlogin

import _ "embed" // for the files

var (
	//go:embed messages/sv.yaml
	swedish string
	//go:embed messages/en.yaml
	english string
	//go:embed logo.svg
	logo string
)

// Texts returns what pages say of the eID in place of the built-in texts, by language, each a file as package templates takes them.
func Texts() map[string][]byte {
	return map[string][]byte{"sv": []byte(swedish), "en": []byte(english)}
}

// Logo returns a picture of a card as SVG, for installations without one of the vendor's. It is a drawing of our own.
func Logo() []byte { return []byte(logo) }
