package templates

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

// DefaultLanguage is shown to those who ask for a language we do not have.
const DefaultLanguage = "sv"

// Language is one language the pages are written in.
type Language struct {
	Tag  string // BCP 47: "sv"
	Name string // in the language itself: "Svenska"
	Dir  string // "ltr" or "rtl"
}

//go:embed messages/*.yaml
var messageFiles embed.FS

// Catalogue holds the texts of all languages. It never changes once it is made. A nil Catalogue is the built-in one.
type Catalogue struct {
	all  map[string]messages // by tag
	list []Language
	own  map[string]map[string]map[string]string // by eID, tag and key
}

// messages is one language's texts.
type messages struct {
	language Language
	texts    map[string]string
}

// builtIn returns what is read once, when it is first asked for, and never changed.
var builtIn = sync.OnceValue(mustReadCatalogue)

// BuiltIn returns the catalogue of our own texts. [Catalogue.With] puts an operator's in their place.
func BuiltIn() *Catalogue { return builtIn() }

// Languages lists the built-in languages; see [Catalogue.Languages].
func Languages() []Language { return builtIn().list }

// Languages lists the languages there are, [DefaultLanguage] first, the others by tag. The list must not be changed.
func (c *Catalogue) Languages() []Language { return c.or().list }

func (c *Catalogue) or() *Catalogue {
	if c == nil {
		return builtIn()
	}
	return c
}

func newCatalogue(all map[string]messages) *Catalogue {
	c := &Catalogue{all: all}
	for _, m := range all {
		c.list = append(c.list, m.language)
	}
	slices.SortFunc(c.list, func(a, b Language) int {
		switch {
		case a.Tag == DefaultLanguage:
			return -1
		case b.Tag == DefaultLanguage:
			return 1
		}
		return strings.Compare(a.Tag, b.Tag)
	})
	return c
}

// mustReadCatalogue panics on a broken file: the files are part of the program and the tests read them first.
func mustReadCatalogue() *Catalogue {
	files, err := messageFiles.ReadDir("messages")
	if err != nil {
		panic(fmt.Errorf("templates: list messages: %w", err))
	}
	all := make(map[string]messages, len(files))
	for _, f := range files {
		b, err := messageFiles.ReadFile("messages/" + f.Name())
		if err != nil {
			panic(fmt.Errorf("templates: read messages: %w", err))
		}
		var texts map[string]string
		if err := yaml.Unmarshal(b, &texts); err != nil {
			panic(fmt.Errorf("templates: messages/%s: %w", f.Name(), err))
		}
		tag := strings.TrimSuffix(f.Name(), path.Ext(f.Name()))
		all[tag] = newMessages(tag, texts)
	}
	return newCatalogue(all)
}

func newMessages(tag string, texts map[string]string) messages {
	return messages{Language{Tag: tag, Name: texts["language.name"], Dir: texts["language.dir"]}, texts}
}

// in returns the messages of lang, or those of the default language.
func (c *Catalogue) in(lang string) messages {
	c = c.or()
	if m, ok := c.all[lang]; ok {
		return m
	}
	return c.all[DefaultLanguage]
}

// hasMessage reports whether key is written. All languages of all catalogues hold the same keys, so one answers for all.
func hasMessage(key string) bool {
	_, ok := builtIn().all[DefaultLanguage].texts[key]
	return ok
}

// message returns the text of key with each {name} of the name-value pairs filled in. A key that is nowhere shows as
// itself, which no test lets through.
func (c *Catalogue) message(lang, key string, pairs []string) string {
	return fill(c.textOf("", lang, key), pairs)
}

// AppText returns what the BankID app shows before a person logs in: for which app they identify themselves. It is the
// person's own guard against being tricked into somebody else's login. lang is a BCP 47 tag, of which the language counts
// where the whole is not known; client is the client's name in that language.
func (c *Catalogue) AppText(lang, client string) string {
	if _, known := c.or().all[lang]; !known {
		lang, _, _ = strings.Cut(lang, "-")
	}
	return c.message(lang, "app.text", []string{"client", client})
}

// fill returns text with the {name}s filled in that pairs have; what is filled in is not looked at again.
func fill(text string, pairs []string) string {
	before, rest, found := strings.Cut(text, "{")
	if !found {
		return text
	}
	var b strings.Builder
	for ; found; before, rest, found = strings.Cut(rest, "{") {
		b.WriteString(before)
		name, after, closed := strings.Cut(rest, "}")
		i := 0
		for i+1 < len(pairs) && pairs[i] != name {
			i += 2
		}
		if closed && i+1 < len(pairs) {
			b.WriteString(pairs[i+1])
			rest = after
		} else {
			b.WriteByte('{')
		}
	}
	b.WriteString(before)
	return b.String()
}
