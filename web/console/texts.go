package console

import (
	"embed"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed texts/*.yaml
var textFiles embed.FS

// catalogue returns the texts by key and language, which are never changed. They are read when a page is first asked for: the commands of
// the program have no use for them.
var catalogue = sync.OnceValue(mustReadTexts)

// mustReadTexts panics on a broken file: the files are part of the program and the tests read them first.
func mustReadTexts() map[string]map[string]string {
	files, err := textFiles.ReadDir("texts")
	if err != nil {
		panic(fmt.Errorf("console: list texts: %w", err))
	}
	all := map[string]map[string]string{}
	for _, f := range files {
		b, err := textFiles.ReadFile(path.Join("texts", f.Name()))
		if err != nil {
			panic(fmt.Errorf("console: read texts: %w", err))
		}
		var texts map[string]map[string]string
		if err := yaml.Unmarshal(b, &texts); err != nil {
			panic(fmt.Errorf("console: texts/%s: %w", f.Name(), err))
		}
		for key, byLanguage := range texts {
			if all[key] != nil {
				panic(fmt.Errorf("console: texts/%s: %s is written in another file too", f.Name(), key))
			}
			all[key] = byLanguage
		}
	}
	return all
}

func hasText(key string) bool { return catalogue()[key] != nil }

// text returns the text of the key in the visit's language, with each {name} of the name-value pairs filled in. A key that is nowhere shows
// as itself, which no test lets through.
func (v *visit) text(key string, pairs ...string) string { return textIn(v.lang, key, pairs...) }

func textIn(lang, key string, pairs ...string) string {
	text, ok := catalogue()[key][lang]
	if !ok {
		return key
	}
	if len(pairs) == 0 {
		return text
	}
	names := make([]string, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		names[i], names[i+1] = "{"+pairs[i]+"}", pairs[i+1]
	}
	return strings.NewReplacer(names[:len(names)/2*2]...).Replace(text)
}

// count returns the text of the key for a number: of key.one for 1, else of key.many, in which {n} is the number.
func (v *visit) count(key string, n int) string {
	if n == 1 {
		return v.text(key + ".one")
	}
	return v.text(key+".many", "n", v.number(n))
}
