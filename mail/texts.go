// Package mail hands over the messages that wait in the store: what they say, in which words, and to which server.
//
// It must not know why a message is sent, nor what an account is. A server that is down loses none: a message stays in the store until it was
// taken, was refused for good, or is too old to be of use. Several processes may run on one store; each message is sent by one of them.
package mail

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"brygga/storage"
)

//go:embed texts/*.txt
var embedded embed.FS

// Languages are those that there are texts in; the first stands in for any other.
var Languages = []string{"sv", "en"}

// kinds are the kinds of messages with the placeholders that their texts must have. What else they may have is in common.
var kinds = map[string][]string{
	"invite": {"{link}"}, "confirm": {"{link}"}, "email-change": {"{link}"}, "reset": {"{link}"}, "user-name": {"{user}"}, "changed": {"{what}"},
	"locked": {"{time}"}, "new-login": {"{time}"}, "alarm": {"{what}", "{time}"}, "alarm-over": {"{what}"}, "alarm-test": {"{time}"},
}

var (
	common      = []string{"{name}", "{user}", "{service}", "{link}", "{expires}", "{what}", "{time}", "{address}", "{agent}"}
	placeholder = regexp.MustCompile(`\{[a-z]+\}`)
)

// maxText bounds a text, in bytes.
const maxText = 10_000

// text is one message in one language.
type text struct {
	subject    string
	paragraphs []string
}

// Texts are what messages say, in all languages.
type Texts struct {
	all   map[string]text // by kind and language
	words map[string]map[string]string
}

// ReadTexts returns the texts, with those in files of own in the place of ours: kind.language.txt, whose first line is the subject and whose paragraphs
// are parted by empty lines. Own may be nil. The error names every fault: a file that belongs to nothing, a placeholder that there is not, or one
// that is missing.
func ReadTexts(own fs.FS) (*Texts, error) {
	ours, err := fs.Sub(embedded, "texts")
	if err != nil {
		return nil, err
	}
	t := &Texts{all: map[string]text{}, words: map[string]map[string]string{}}
	if err := t.read(ours); err != nil || own == nil {
		return t, err
	}
	return t, t.read(own)
}

func (t *Texts) read(files fs.FS) error {
	names, err := fs.Glob(files, "*.txt")
	if err != nil {
		return err
	}
	var faults []error
	for _, name := range names {
		content, err := fs.ReadFile(files, name)
		if err == nil {
			err = t.add(name, string(content))
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(faults...)
}

// add adds the text of a file.
func (t *Texts) add(name, content string) error {
	kind, language, _ := strings.Cut(strings.TrimSuffix(name, ".txt"), ".")
	required, known := kinds[kind]
	switch {
	case !slices.Contains(Languages, language) || !known && kind != "words":
		return errors.New("is none of ours: write kind.language.txt, such as invite.sv.txt")
	case len(content) > maxText:
		return fmt.Errorf("is longer than %d bytes", maxText)
	case kind == "words":
		return t.addWords(language, content)
	}
	for _, p := range placeholder.FindAllString(content, -1) {
		if !slices.Contains(common, p) {
			return fmt.Errorf("there is no placeholder %s", p)
		}
	}
	for _, p := range required {
		if !strings.Contains(content, p) {
			return fmt.Errorf("lacks %s", p)
		}
	}
	subject, body, _ := strings.Cut(strings.ReplaceAll(strings.TrimSpace(content), "\r\n", "\n"), "\n")
	if strings.TrimSpace(body) == "" || strings.Contains(subject, "{link}") {
		return errors.New("wants a subject in its first line, without {link}, and a text after it")
	}
	made := text{subject: strings.TrimSpace(subject)}
	for p := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		made.paragraphs = append(made.paragraphs, strings.Join(strings.Fields(p), " "))
	}
	t.all[kind+"."+language] = made
	return nil
}

func (t *Texts) addWords(language, content string) error {
	words := t.words[language]
	if words == nil {
		words = map[string]string{}
		t.words[language] = words
	}
	for line := range strings.Lines(content) {
		if key, word, found := strings.Cut(strings.TrimSpace(line), "="); found {
			words[key] = word
		}
	}
	return nil
}

// Message is a message as it is handed over.
type Message struct {
	// ID is the same however often it is tried.
	ID, To, Subject, Text, HTML string
}

// page is the message as a page: no picture, no script, nothing that is fetched.
var page = template.Must(template.New("mail").Parse(`<!doctype html><html lang="{{.Language}}"><head><meta charset="utf-8"><title>{{.Subject}}</title></head>` +
	`<body style="margin:0;padding:24px;background:#f4f5f7;color:#1b1f24;font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif">` +
	`<div style="max-width:560px;margin:0 auto;padding:32px;background:#fff;border-radius:12px"><h1 style="margin:0 0 16px;font-size:22px">{{.Subject}}</h1>` +
	`{{range .Parts}}{{if .Link}}<p style="margin:24px 0"><a href="{{.Link}}" style="display:inline-block;padding:12px 20px;background:#193e4f;color:#fff;border-radius:8px;text-decoration:none">{{$.Button}}</a></p>` +
	`<p style="font-size:13px;color:#57606a;word-break:break-all">{{.Link}}</p>{{else}}<p>{{.Text}}</p>{{end}}{{end}}</div></body></html>`))

type part struct{ Text, Link string }

// Render returns what the message says, for the service of that name.
func (t *Texts) Render(m *storage.Mail, service string) (*Message, error) {
	language := m.Language
	if !slices.Contains(Languages, language) {
		language = Languages[0]
	}
	text, known := t.all[m.Kind+"."+language]
	if !known {
		return nil, fmt.Errorf("there is no text %s", m.Kind)
	}
	words := t.words[language]
	values := map[string]string{"service": line(service)}
	for name, value := range m.Values {
		values[name] = line(value.Reveal())
	}
	if word := words[values["what"]]; word != "" {
		values["what"] = word
	}
	if values["name"] == "" {
		values["name"] = values["user"]
	}
	fill := func(text string) string {
		return placeholder.ReplaceAllStringFunc(text, func(p string) string { return values[p[1:len(p)-1]] })
	}
	rendered := &Message{ID: m.ID, To: m.To.Reveal(), Subject: fill(text.subject)}
	var parts []part
	var plain []string
	for _, p := range text.paragraphs {
		filled := part{Text: fill(p)}
		if p == "{link}" {
			filled.Link = values["link"]
		}
		parts, plain = append(parts, filled), append(plain, filled.Text)
	}
	rendered.Text = strings.Join(plain, "\n\n") + "\n"
	var html strings.Builder
	err := page.Execute(&html, map[string]any{"Language": language, "Subject": rendered.Subject, "Parts": parts, "Button": words["button"]})
	rendered.HTML = html.String()
	return rendered, err
}

// line returns the value on one line: what is typed into an account or sent by a browser begins no header and no paragraph.
func line(value string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(value, "")))
}
