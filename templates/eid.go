package templates

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// The built-in texts are written for BankID, which they call {eid}. Another eID has texts of its own for what it says otherwise, and for the
// words by which it tells how an order goes: progress.WORD.title and .text, failed.WORD.title and .text.

// BuiltInMethod is the name of the eID that the built-in texts are written for, and whose words they know.
const BuiltInMethod = "bankid"

// ownKey is a key that the texts of an eID may have beside those of the catalogue.
var ownKey = regexp.MustCompile(`^(progress|failed)\.[A-Za-z0-9_-]+\.(title|text)(\.[a-z.]+)?$`)

// WithEID returns a catalogue with the texts of the eID of that name, by language: files of YAML like messages/sv.yaml. They stand in the
// place of c's on pages of that eID. eid.name is what people call it; [DefaultLanguage] must have it, and each key that another language has. c
// stays as it is. The error names every fault.
func (c *Catalogue) WithEID(method string, files map[string][]byte) (*Catalogue, error) {
	c = c.or()
	texts := make(map[string]map[string]string)
	var faults []error
	for _, lang := range slices.Sorted(maps.Keys(files)) {
		lines, err := readTexts(files[lang])
		if err != nil {
			return nil, fmt.Errorf("texts of %s, %s: %w", method, lang, err)
		}
		texts[lang] = map[string]string{}
		for _, l := range lines {
			if err := l.checkOwn(c.all[DefaultLanguage].texts); err != nil {
				faults = append(faults, fmt.Errorf("texts of %s, %s: line %d: %s: %w", method, lang, l.line, l.key, err))
			}
			texts[lang][l.key] = l.text
		}
	}
	for lang, of := range texts {
		for _, key := range slices.Sorted(maps.Keys(of)) {
			if texts[DefaultLanguage][key] == "" {
				faults = append(faults, fmt.Errorf("texts of %s: %s: it is in %s and not in %s", method, key, lang, DefaultLanguage))
			}
		}
	}
	if texts[DefaultLanguage]["eid.name"] == "" {
		faults = append(faults, fmt.Errorf("texts of %s: eid.name: missing", method))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	with := &Catalogue{all: c.all, list: c.list, own: maps.Clone(c.own)}
	if with.own == nil {
		with.own = make(map[string]map[string]map[string]string)
	}
	with.own[method] = texts
	return with, nil
}

// checkOwn is check for a text of an eID's own.
func (l textLine) checkOwn(reference map[string]string) error {
	switch {
	case l.fault != nil:
		return l.fault
	case reference[l.key] == "" && !ownKey.MatchString(strings.TrimPrefix(l.key, signPrefix)):
		return errors.New("there is no such text")
	case strings.TrimSpace(l.text) == "":
		return errors.New("the text is empty")
	}
	return nil
}

// HasOwn reports whether the eID of that name has a text of its own of that key.
func (c *Catalogue) HasOwn(method, key string) bool {
	if method == "" {
		return false
	}
	_, ok := c.or().own[method][DefaultLanguage][key]
	return ok
}

// HasEID reports whether the eID of that name has texts of its own.
func (c *Catalogue) HasEID(method string) bool { return c.HasOwn(method, "eid.name") }

// NameOf returns what people call the eID of that name.
func (c *Catalogue) NameOf(lang, method string) string { return c.textOf(method, lang, "eid.name") }

// HintOf returns the second line of the eID of that name where people choose one, empty for none.
func (c *Catalogue) HintOf(lang, method string) string {
	if method != BuiltInMethod && !c.HasOwn(method, "eid.hint") {
		return ""
	}
	return c.textOf(method, lang, "eid.hint")
}

// textOf returns the text of key as the eID of that name has it, else that of the catalogue. A language without a text of the eID's own shows
// that of [DefaultLanguage].
func (c *Catalogue) textOf(method, lang, key string) string {
	if c = c.or(); c.HasOwn(method, key) {
		if text := c.own[method][lang][key]; text != "" {
			return text
		}
		return c.own[method][DefaultLanguage][key]
	}
	text, ok := c.in(lang).texts[key]
	if !ok {
		return key
	}
	return text
}
