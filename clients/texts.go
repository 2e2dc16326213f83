package clients

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

//go:embed faults.yaml
var faultsFile []byte

// code names a fault or a rule in the table of texts.
type code string

// faultTexts returns by code and language what is wrong, and what helps where that is known. It is never changed, and read when something is wrong
// for the first time.
var faultTexts = sync.OnceValue(mustReadFaults)

// mustReadFaults panics on a broken table: it is part of the program, and the tests read it first.
func mustReadFaults() map[code]map[string][]string {
	var texts map[code]map[string][]string
	if err := yaml.Unmarshal(faultsFile, &texts); err != nil {
		panic(fmt.Errorf("clients: faults.yaml: %w", err))
	}
	return texts
}

// english is the language of what the command line and the API say.
const english = "en"

// said is a text of the table with what is filled in, so that it can be said again in another language.
type said struct {
	code code
	args [3]string
}

func say(what code, args ...string) said {
	s := said{code: what}
	copy(s.args[:], args)
	return s
}

// in returns what is wrong and what helps. A code that is nowhere shows as itself, which no test lets through.
func (s said) in(lang string) (text, remedy string) {
	texts, ok := faultTexts()[s.code][lang]
	if !ok {
		return string(s.code), ""
	}
	filled := make([]string, 0, 2*len(s.args))
	for i, arg := range s.args {
		filled = append(filled, "{"+strconv.Itoa(i+1)+"}", arg)
	}
	fill := strings.NewReplacer(filled...)
	if text = fill.Replace(texts[0]); len(texts) > 1 {
		remedy = fill.Replace(texts[1])
	}
	return text, remedy
}

// Fault returns the problem of that code, in English; args are what its text has {1} and so on for. The codes are those of faults.yaml.
func Fault(key string, what code, args ...string) Problem {
	p := Problem{Key: key, what: say(what, args...)}
	p.Problem, p.Remedy = p.what.in(english)
	return p
}

// Near returns the problem with the remedy for a word that is none of known.
func (p Problem) Near(word string, known []string) Problem {
	p.helps = nearOrAll(word, known)
	p.Remedy, _ = p.helps.in(english)
	return p
}

// In returns the problem in a language, as it is where that is not known.
func (p Problem) In(lang string) Problem {
	if faultTexts()[p.what.code][lang] == nil {
		return p
	}
	p.Problem, p.Remedy = p.what.in(lang)
	if p.helps.code != "" {
		p.Remedy, _ = p.helps.in(lang)
	}
	return p
}

// In returns the rule in a language, as it is where that is not known. Where it stands is a document's own words.
func (r Rule) In(lang string) Rule {
	p := Problem{Problem: r.Rule, Remedy: r.Remedy, what: r.what, helps: r.helps}.In(lang)
	if r.Rule = p.Problem; r.Broken {
		r.Remedy = p.Remedy
	}
	return r
}

// BrokenBy is the problem as a rule that is not kept, which stands in that section.
func (p Problem) BrokenBy(section string) Rule {
	return Rule{Section: section, Key: p.Key, Rule: p.Problem, Must: true, Broken: true, Remedy: p.Remedy, what: p.what, helps: p.helps}
}
