package console

import (
	"strconv"

	"github.com/a-h/templ"
)

// attributes are those of a field's element that both kinds have.
func attributes(f *form, i input) templ.OrderedAttributes {
	var all templ.OrderedAttributes
	add := func(name string, value any) { all = append(all, templ.KeyValue[string, any]{Key: name, Value: value}) }
	add("autocomplete", i.completeOf())
	if ids := described(f, i.name, i.hint); ids != "" {
		add("aria-describedby", ids)
	}
	if f.faultOf(i.name) != "" {
		add("aria-invalid", "true")
	}
	if i.code || i.secret() {
		add("autocapitalize", "none")
		add("spellcheck", "false")
	}
	if i.code {
		add("class", "code")
	}
	if i.maxLength > 0 {
		add("maxlength", strconv.Itoa(i.maxLength))
	}
	return all
}
