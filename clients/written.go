package clients

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"brygga/storage"
)

// own returns the settings of c that say more than what every client has which is at its addresses and of its profile.
func own(c *storage.Client) (settings []Setting[storage.Client]) {
	usual := New(c.ID)
	usual.Profile, usual.RedirectURIs, usual.SectorIdentifierURI, usual.SubjectType = c.Profile, c.RedirectURIs, c.SectorIdentifierURI, c.SubjectType
	Complete(&usual)
	subjects := New(c.ID)
	subjects.Profile = c.Profile
	Complete(&subjects)
	for _, s := range Settings() {
		as := &usual
		switch s.Key {
		case redirectURIs, "sector_identifier_uri":
			as = &storage.Client{}
		case "profile", "subject_type":
			as = &subjects
		}
		if s.Key == "profile" {
			as = &storage.Client{}
		}
		if !slices.Equal(s.Lines(c), s.Lines(as)) {
			settings = append(settings, s)
		}
	}
	return settings
}

// Command returns the command that registers a client like c, with a backslash before each new line. Looks and secrets are none of it.
func Command(c *storage.Client) string {
	lines := []string{"brygga client add " + c.ID}
	for _, s := range own(c) {
		for _, value := range flagValues(&s, c) {
			lines = append(lines, "--"+s.Flag+value)
		}
	}
	for _, l := range PolicyLines(&c.Policy) {
		lines = append(lines, "--policy "+shellWord(l.Key+"="+l.Value))
	}
	return strings.Join(lines, " \\\n  ")
}

func flagValues(s *Setting[storage.Client], c *storage.Client) (values []string) {
	for _, value := range s.Lines(c) {
		switch {
		case s.Kind() != Switch:
			values = append(values, " "+shellWord(value))
		case value == "true":
			values = append(values, "")
		default:
			values = append(values, "=false")
		}
	}
	return values
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellWord returns the text as one word of a POSIX shell.
func shellWord(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// YAML returns an entry for the list of clients in the configuration file that registers a client like c. Looks and secrets are none of it.
func YAML(c *storage.Client) string {
	var b strings.Builder
	fmt.Fprintf(&b, "- id: %s\n", yamlValue(c.ID))
	for _, s := range own(c) {
		value := s.Value(c)
		switch value := value.(type) {
		case nil:
			continue
		case []string:
			fmt.Fprintf(&b, "  %s:\n", s.Key)
			for _, one := range value {
				fmt.Fprintf(&b, "  - %s\n", yamlValue(one))
			}
		default:
			fmt.Fprintf(&b, "  %s: %s\n", s.Key, yamlValue(value))
		}
	}
	lines := PolicyLines(&c.Policy)
	if len(lines) > 0 {
		fmt.Fprintf(&b, "  policy: %s\n", yamlValue(c.Policy))
	}
	return b.String()
}

// plainScalar is text that means itself in YAML: no number, no word such as yes or null, and nothing with a meaning.
var (
	plainScalar = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./:-]*[A-Za-z0-9_/-]$`)
	yamlWord    = regexp.MustCompile(`(?i)^(true|false|yes|no|on|off|null|nan|inf)$`)
)

// yamlValue writes a value as YAML: as JSON, which it includes, where it is no plain text.
func yamlValue(value any) string {
	if text, ok := value.(string); ok && plainScalar.MatchString(text) && !yamlWord.MatchString(text) && !strings.Contains(text, ": ") {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		return `""`
	}
	return string(text)
}
