package templates

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"

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

// messages is one catalogue file.
type messages struct {
	language Language
	texts    map[string]string
}

// catalogues holds every language by its tag. It is read once and never changed.
var catalogues = mustReadCatalogues()

// languages is what Languages returns.
var languages = listLanguages()

// Languages lists the languages there are, [DefaultLanguage] first, the others by tag. The list must not be changed.
func Languages() []Language { return languages }

func listLanguages() []Language {
	var all []Language
	for _, c := range catalogues {
		all = append(all, c.language)
	}
	slices.SortFunc(all, func(a, b Language) int {
		switch {
		case a.Tag == DefaultLanguage:
			return -1
		case b.Tag == DefaultLanguage:
			return 1
		}
		return strings.Compare(a.Tag, b.Tag)
	})
	return all
}

// mustReadCatalogues panics on a broken file: the files are part of the program and the tests read them first.
func mustReadCatalogues() map[string]messages {
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
		all[tag] = messages{
			language: Language{Tag: tag, Name: texts["language.name"], Dir: texts["language.dir"]},
			texts:    texts,
		}
	}
	return all
}

// catalogue returns the messages of lang, or those of the default language.
func catalogue(lang string) messages {
	if c, ok := catalogues[lang]; ok {
		return c
	}
	return catalogues[DefaultLanguage]
}

// hasMessage reports whether key is written. The catalogues hold the same keys, so one answers for all.
func hasMessage(key string) bool {
	_, ok := catalogues[DefaultLanguage].texts[key]
	return ok
}

// message returns the text of key with each {name} of the name-value pairs filled in. A key that is nowhere shows as
// itself, which no test lets through.
func message(lang, key string, pairs []string) string {
	text, ok := catalogue(lang).texts[key]
	if !ok {
		if text, ok = catalogues[DefaultLanguage].texts[key]; !ok {
			return key
		}
	}
	return fill(text, pairs)
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
