package console

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"brygga/storage"
)

// sentForm is a form that a page has, with its fields as they stand there.
type sentForm struct {
	action string
	values url.Values
	// typed are the fields that somebody types into, chosen those with a choice, and secret those that are never shown again.
	typed, chosen, secret []string
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// formsIn returns the forms of a page that are sent by POST and have a field to fill in.
func formsIn(page string) (all []sentForm) {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return nil
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" || attribute(n, "method") != "post" || !strings.HasPrefix(attribute(n, "action"), Path) || attribute(n, "role") == "search" {
			continue
		}
		f := sentForm{action: strings.TrimPrefix(attribute(n, "action"), Path), values: url.Values{}}
		for field := range n.Descendants() {
			f.take(field)
		}
		if len(f.typed)+len(f.chosen) > 0 {
			all = append(all, f)
		}
	}
	return all
}

func (f *sentForm) take(n *html.Node) {
	name := attribute(n, "name")
	if n.Type != html.ElementNode || name == "" {
		return
	}
	switch kind := attribute(n, "type"); {
	case n.Data == "select", n.Data == "input" && (kind == "radio" || kind == "checkbox"):
		f.chosen = append(f.chosen, name)
	case n.Data == "input" && kind == "hidden":
		f.values.Add(name, attribute(n, "value"))
	case kind == "password", slices.Contains(unkept, name):
		f.secret, f.typed = append(f.secret, name), append(f.typed, name)
	case kind == "file":
	case n.Data == "input" || n.Data == "textarea":
		f.typed = append(f.typed, name)
		f.values.Add(name, attribute(n, "value"))
	}
}

// formTexts are what is typed into every field at once.
var formTexts = map[string]string{
	"nothing": "", "garbage": `<b>"'& ☃ %zz 1;--`, "too much": strings.Repeat("å", 5000), "what is not seen": "a\u202eb\u200b\x01c",
}

// TestForms walks all forms of all pages: whatever is typed, the form comes back with each fault beside its field, says how many there are, takes the
// focus there, and has all that was typed but for secrets; or it takes what was typed. It never fails and never loses anything.
func TestForms(t *testing.T) {
	s := newSite(t)
	s.operator(storage.RoleOwner)
	b := s.browser()
	b.post("login", "user", "owner", "password", password)
	forms := map[string]sentForm{}
	for _, l := range looked() {
		for _, f := range formsIn(l.see(b, "en").body) {
			if l.out {
				continue
			}
			key := f.action + fmt.Sprint(slices.Sorted(slices.Values(slices.Concat(f.typed, f.chosen))))
			forms[key] = f
		}
	}
	if len(forms) < 15 {
		t.Fatalf("finds only %d forms", len(forms))
	}
	for _, key := range slices.Sorted(maps.Keys(forms)) {
		for name, text := range formTexts {
			b = s.logIn(storage.RoleOwner) // for what the form before has ended
			f := forms[key]
			values := url.Values{}
			maps.Copy(values, f.values)
			for _, field := range slices.Concat(f.typed, f.chosen) {
				values[field] = []string{text}
			}
			judgeForm(t, f, name, text, b.do(http.MethodPost, f.action, values))
		}
	}
}

// rawKey is a key of the catalogue where its text should stand.
var rawKey = regexp.MustCompile(`^[a-z-]+(\.[a-z_-]+)+$`)

// judgeForm looks at what came of a form.
func judgeForm(t *testing.T, f sentForm, what, text string, p shown) {
	t.Helper()
	name := f.action + " with " + what
	if p.StatusCode != http.StatusOK && p.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%s: status %d, %q", name, p.StatusCode, p.heading())
		return
	}
	if p.StatusCode == http.StatusOK {
		return
	}
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	ids, links, faults, said, fields := map[string]*html.Node{}, []string{}, 0, "", map[string]string{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		ids[attribute(n, "id")] = n
		switch {
		case n.Data == "div" && attribute(n, "class") == "faults":
			if attribute(n, "role") != "alert" || attribute(n, "tabindex") != "-1" || !strings.Contains(p.body, "autofocus") {
				t.Errorf("%s: the faults do not take the focus", name)
			}
			for inner := range n.Descendants() {
				switch inner.Data {
				case "li":
					faults++
					if text := strings.TrimSpace(strings.Join(shownTo(inner), " ")); rawKey.MatchString(text) {
						t.Errorf("%s: a fault is called %q", name, text)
					}
				case "h2":
					said = inner.FirstChild.Data
				case "a":
					links = append(links, strings.TrimPrefix(attribute(inner, "href"), "#"))
				}
			}
		case n.Data == "input" && attribute(n, "type") != "hidden" && attribute(n, "role") != "search":
			fields[attribute(n, "name")] = attribute(n, "value")
		case n.Data == "textarea":
			fields[attribute(n, "name")] = ""
			if n.FirstChild != nil {
				fields[attribute(n, "name")] = n.FirstChild.Data
			}
		}
	}
	if faults == 0 || !strings.HasPrefix(said, fmt.Sprint(faults)) && !(faults == 1 && strings.HasPrefix(said, "One")) {
		t.Errorf("%s: %d faults, and the page says %q", name, faults, said)
	}
	for _, id := range links {
		if at := ids[id]; at == nil {
			t.Errorf("%s: a fault leads to %s, which is not there", name, id)
		} else if ids[strings.Replace(id, "field-", "fault-", 1)] == nil {
			t.Errorf("%s: no fault stands beside %s", name, id)
		}
	}
	for _, field := range f.typed {
		got, there := fields[field]
		if secret := slices.Contains(f.secret, field); secret && got != "" || !secret && there && !sameText(got, text) {
			t.Errorf("%s: %s came back as %.60q", name, field, got)
		}
	}
}

// TestBannerKeepsSwedishTime: the times of the message are those of clocks in Sweden, wherever the server is, and come back as they were typed.
func TestBannerKeepsSwedishTime(t *testing.T) {
	s := newSite(t)
	b := s.as(storage.RoleOwner)
	s.is(b.post("banner", "sv", "Underhåll", "from", "2031-06-01T22:00", "to", "2031-06-01T23:00"), http.StatusOK, "Message on the login page")
	set, err := s.admin.Banner(s.Context(), root)
	s.ok(err)
	if got := set.From.Format("15:04"); got != "20:00" || !strings.Contains(b.get("banner").body, `value="2031-06-01T22:00"`) {
		t.Errorf("ten in the evening is %s in UTC, and not what was typed comes back", got)
	}
}

// sameText compares what was typed as browsers show it: fields drop the space around, and a NUL is none of HTML.
func sameText(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }
