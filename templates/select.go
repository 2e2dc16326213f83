package templates

import "strings"

// Select is the first view where there are several eIDs: which one? It has no order, and comes before [Choose].
type Select struct {
	following
	// Options are the eIDs in the order in which they are offered.
	Options []Option
}

// Option is an eID to choose.
type Option struct {
	// Method names it, and Name is what people call it.
	Method, Name string
	// Hint is a second line, empty for none.
	Hint string
	// LogoURL is a path on our own origin; without it our own picture stands.
	LogoURL string
	// Last says that this browser's last login was completed by it.
	Last bool
}

// Key returns "select".
func (Select) Key() string { return "select" }

func (Select) heading(p Page) string { return p.text("select.title") }

// hint is the second line of the option.
func (o Option) hint(p Page) string {
	if o.Last {
		return strings.TrimPrefix(p.text("choose.last", "hint", o.Hint), " – ")
	}
	return o.Hint
}

// ordered are the options, the one that was used last before the others.
func (v Select) ordered() []Option {
	all := make([]Option, 0, len(v.Options))
	for _, first := range []bool{true, false} {
		for _, o := range v.Options {
			if o.Last == first {
				all = append(all, o)
			}
		}
	}
	return all
}
