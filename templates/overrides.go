package templates

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxText bounds one text of a catalogue file, in characters.
const maxText = 1000

var (
	languageTag = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
	placeholder = regexp.MustCompile(`\{[a-z]+\}`)
)

// With returns a catalogue in which the texts of an operator's file stand in place of c's. The file is YAML with the keys of
// messages/sv.yaml. For a language that c has, it holds the texts to replace; for a new one it must hold them all, with
// language.name and language.dir. c stays as it is.
//
// The error names every fault with its line: a key that does not exist, a text that is empty, too long or no text, one whose
// placeholders are not those of c's default language ({client}, {service} and {eid} may be added on pages, and the last left out), a key of a new language
// that is missing.
func (c *Catalogue) With(lang string, file []byte) (*Catalogue, error) {
	with, missing, err := c.WithDraft(lang, file)
	var faults []error
	for _, key := range missing {
		faults = append(faults, fmt.Errorf("%s: missing: a new language needs every text", key))
	}
	switch all, several := err.(interface{ Unwrap() []error }); {
	case several:
		faults = append(all.Unwrap(), faults...)
	case err != nil:
		return nil, err
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return with, nil
}

// WithDraft is [Catalogue.With] for a new language that is not finished: what is missing is shown in c's default language, and its
// keys are returned in their order.
func (c *Catalogue) WithDraft(lang string, file []byte) (with *Catalogue, missing []string, err error) {
	c = c.or()
	if !languageTag.MatchString(lang) {
		return nil, nil, fmt.Errorf("language %q: a BCP 47 tag is wanted, such as fi or zh-Hans", lang)
	}
	lines, err := readTexts(file)
	if err != nil {
		return nil, nil, err
	}
	reference := c.all[DefaultLanguage].texts
	texts := maps.Clone(c.all[lang].texts)
	if texts == nil {
		texts = map[string]string{}
	}
	var faults []error
	for _, l := range lines {
		if err := l.check(reference); err != nil {
			faults = append(faults, fmt.Errorf("line %d: %s: %w", l.line, l.key, err))
		}
		texts[l.key] = l.text
	}
	for _, key := range slices.Sorted(maps.Keys(reference)) {
		if _, ok := texts[key]; !ok {
			missing = append(missing, key)
			texts[key] = reference[key]
		}
	}
	if slices.Contains(missing, "language.name") {
		texts["language.name"] = lang // not that of another language
	}
	if len(faults) > 0 {
		return nil, missing, errors.Join(faults...)
	}
	all := maps.Clone(c.all)
	all[lang] = newMessages(lang, texts)
	with = newCatalogue(all)
	with.own = c.own
	return with, missing, nil
}

// textLine is one text of a file.
type textLine struct {
	line      int
	key, text string
	fault     error // why it is no text
}

// readTexts reads a file of texts with their lines; a key that stands twice is a fault of the second.
func readTexts(file []byte) ([]textLine, error) {
	if !utf8.Valid(file) {
		return nil, errors.New("the file is not UTF-8 text")
	}
	parsed, err := parser.ParseBytes(file, 0)
	if err != nil {
		return nil, fmt.Errorf("not YAML: %w", err)
	}
	var values []*ast.MappingValueNode
	for _, document := range parsed.Docs {
		switch body := document.Body.(type) {
		case nil, *ast.NullNode, *ast.CommentGroupNode:
		case *ast.MappingNode:
			values = append(values, body.Values...)
		case *ast.MappingValueNode:
			values = append(values, body)
		default:
			return nil, fmt.Errorf("line %d: a file of texts has lines such as \"action.cancel: Cancel\"", body.GetToken().Position.Line)
		}
	}
	var lines []textLine
	seen := map[string]bool{}
	for _, value := range values {
		at := value.Key.GetToken()
		l := textLine{line: at.Position.Line, key: at.Value}
		switch v := value.Value.(type) {
		case *ast.StringNode:
			l.text = v.Value
		case *ast.LiteralNode:
			l.text = strings.TrimSuffix(v.Value.Value, "\n")
		default:
			l.fault = errors.New("the value is no text: put it in quotes")
		}
		if seen[l.key] {
			l.fault = errors.New("the key stands twice")
		}
		seen[l.key] = true
		lines = append(lines, l)
	}
	return lines, nil
}

// check holds a text against that of the default language.
func (l textLine) check(reference map[string]string) error {
	original, ok := reference[l.key]
	switch {
	case !ok:
		return errors.New("there is no such text")
	case l.fault != nil:
		return l.fault
	case strings.TrimSpace(l.text) == "":
		return errors.New("the text is empty")
	case utf8.RuneCountInString(l.text) > maxText:
		return fmt.Errorf("the text has more than %d characters", maxText)
	case l.key == "language.dir" && l.text != "ltr" && l.text != "rtl":
		return errors.New("must be ltr or rtl")
	}
	want, got := placeholders(original), placeholders(l.text)
	for _, name := range want {
		if !slices.Contains(got, name) && name != "{eid}" { // which may be written out
			return fmt.Errorf("%s is missing from the text", name)
		}
	}
	for _, name := range got {
		everywhere := l.key != "app.text" && (name == "{client}" || name == "{service}" || name == "{eid}")
		if !slices.Contains(want, name) && !everywhere {
			return fmt.Errorf("%s is not filled in here", name)
		}
	}
	return nil
}

// placeholders lists the placeholders of a text, each once.
func placeholders(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}
