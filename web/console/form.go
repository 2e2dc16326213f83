package console

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// form is what was typed into the fields of a form, and what is wrong with it. A form that is shown again has all that was typed, but for passwords
// and codes.
type form struct {
	values url.Values
	faults []fault
}

// fault is one thing wrong with a form.
type fault struct{ field, text string }

// newForm is a form whose fields have those values, name and value in turn.
func newForm(pairs ...string) *form {
	f := &form{values: url.Values{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.values.Add(pairs[i], pairs[i+1])
	}
	return f
}

// form is the form that was sent.
func (v *visit) form() *form { return &form{values: v.sent} }

// get returns what was typed into a field, without the space around it.
func (f *form) get(name string) string { return strings.TrimSpace(f.values.Get(name)) }

// lines returns the lines of a field that are not empty.
func (f *form) lines(name string) (lines []string) {
	for line := range strings.Lines(f.values.Get(name)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// has reports whether a field has the value: of check boxes, several may be set.
func (f *form) has(name, value string) bool { return slices.Contains(f.values[name], value) }

// fault adds a fault of a field. A fault of no field, whose name is empty, stands above the form alone.
func (f *form) fault(field, text string) { f.faults = append(f.faults, fault{field, text}) }

// raise has the faults of a field that is not shown stand above the form.
func (f *form) raise(field string) {
	for i := range f.faults {
		if f.faults[i].field == field {
			f.faults[i].field = ""
		}
	}
}

// faulty reports whether something is wrong.
func (f *form) faulty() bool { return len(f.faults) > 0 }

// faultOf returns what is wrong with a field, empty for nothing.
func (f *form) faultOf(field string) string {
	var texts []string
	for _, fault := range f.faults {
		if fault.field == field {
			texts = append(texts, fault.text)
		}
	}
	return strings.Join(texts, " ")
}

// forget takes away what was typed into fields that are not shown again.
func (f *form) forget(names ...string) {
	f.values = cloneValues(f.values)
	for _, name := range names {
		f.values.Del(name)
	}
}

func cloneValues(values url.Values) url.Values {
	all := make(url.Values, len(values))
	for name, list := range values {
		all[name] = slices.Clone(list)
	}
	return all
}

// sentBefore ends the name of the field that has a file as it was sent, in base64: a page cannot put a file into a form, and one that comes
// back keeps it there.
const sentBefore = "_sent"

// keepFiles writes the files of a form into such fields. A file that is empty is none: browsers send one for a field without.
func keepFiles(r *http.Request) error {
	for name, files := range r.MultipartForm.File {
		file, err := files[0].Open()
		if err != nil {
			return err
		}
		content, err := io.ReadAll(file)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
		if len(content) > 0 {
			r.PostForm.Set(name+sentBefore, base64.StdEncoding.EncodeToString(content))
		}
	}
	return nil
}

// file returns the file that came in a field, now or the time before, nil for none.
func (f *form) file(name string) []byte {
	content, err := base64.StdEncoding.DecodeString(f.get(name + sentBefore))
	if err != nil {
		return nil
	}
	return content
}

// fileInput is a field for a file.
type fileInput struct {
	name, label, hint string
	// accept are the types of files that are taken (HTML §4.10.5.1.17).
	accept   string
	optional bool
	// now is the address of the picture that there is already, empty for none, and alt says what it is.
	now, alt string
}

// input is a field of one line, or with rows one of several.
type input struct {
	name, label string
	// hint stands below the label, empty for none.
	hint string
	// kind is the type of an input element, empty for text.
	kind string
	// complete is the field's autocomplete (HTML §4.10.18.7), empty for "off".
	complete string
	// rows makes it a field of that many lines.
	rows int
	// optional says that it may be left empty.
	optional bool
	// code writes it as code is written, without a spelling check.
	code bool
	// maxLength bounds what can be typed, 0 for no bound.
	maxLength int
}

func (i input) typeOf() string {
	if i.kind == "" {
		return "text"
	}
	return i.kind
}

func (i input) completeOf() string {
	if i.complete == "" {
		return "off"
	}
	return i.complete
}

// secret reports whether what was typed is never shown again.
func (i input) secret() bool { return i.kind == "password" }

func (i input) value(f *form) string {
	if i.secret() {
		return ""
	}
	return f.values.Get(i.name)
}

// option is one of several values of a field.
type option struct{ value, label, hint string }

// choices is a field with several values of which one, or with many several, can be chosen.
type choices struct {
	name, label, hint string
	options           []option
	many              bool
}

func (c choices) kind() string {
	if c.many {
		return "checkbox"
	}
	return "radio"
}

// fieldID is the id of a field's element, faultID that of its fault and hintID that of its hint.
func fieldID(name string) string { return "field-" + name }
func faultID(name string) string { return "fault-" + name }
func hintID(name string) string  { return "hint-" + name }

// described names the elements that say more of a field, empty for none.
func described(f *form, name, hint string) string {
	var ids []string
	if f.faultOf(name) != "" {
		ids = append(ids, faultID(name))
	}
	if hint != "" {
		ids = append(ids, hintID(name))
	}
	return strings.Join(ids, " ")
}
