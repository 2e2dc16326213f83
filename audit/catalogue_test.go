package audit_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"brygga/audit"
)

var update = flag.Bool("update", false, "rewrite docs/events.md")

// families are the headings of the page, by how the numbers below them begin.
var families = [][3]string{
	{"WEB_", "Logins and sessions", ""},
	{"SEC_", "Security", "Each of these deserves a look when it comes often. Some are bounded in number, as anyone could cause them."},
	{"ADM_", "Administration", ""},
	{"KEY_", "Keys", ""},
	{"OPR_", "Operators", "`actor` is the operator's ID, or who gave a command; `object` the account. `brygga operator list` says whose they are."},
	{"ALM_", "Alarms", ""},
}

const eventsHead = `# Audit events

Every event of the [audit log](audit.md), which says what the fields mean. A number never changes its meaning: filter on it. The severity counts as CEF does, from
0 to 10; what reaches 6 deserves a look when it comes often. A field stands only where it has a value, and events of a login have its reference as well.

Made from the catalogue in the code; "go test ./audit -update" writes it anew.
`

// eventsPage returns what docs/events.md has to be.
func eventsPage() string {
	var b strings.Builder
	b.WriteString(eventsHead)
	for _, family := range families {
		fmt.Fprintf(&b, "\n## %s\n\n", family[1])
		if family[2] != "" {
			fmt.Fprintf(&b, "%s\n\n", family[2])
		}
		b.WriteString("| event | severity | what | what to do | fields |\n|---|---|---|---|---|\n")
		for _, e := range audit.Catalogue() {
			if strings.HasPrefix(string(e.Type), family[0]) {
				fmt.Fprintf(&b, "| `%s` | %d | **%s**. %s | %s | %s |\n", e.Type, e.Severity, e.Text, e.When, e.Do, fieldsOf(e))
			}
		}
	}
	b.WriteString(hooksHead)
	for _, h := range audit.Hooks() {
		fmt.Fprintf(&b, "| `%s` | %s |", h.Name, h.When)
		for _, t := range h.Types {
			fmt.Fprintf(&b, " `%s`", t)
		}
		b.WriteString(" |\n")
	}
	return b.String()
}

const hooksHead = `
## Hooks

By these names a [sink](audit.md#hooks) posts events to programs of others, as they happen and with nothing of a person.

| hook | when | events |
|---|---|---|
`

// fieldsOf returns the fields of an event as its lines have them, in the order of the log's.
func fieldsOf(e audit.Entry) string {
	var names []string
	for _, name := range audit.FieldNames() {
		if e.Has(name) {
			names = append(names, "`"+audit.LineName(name)+"`")
		}
	}
	return strings.Join(names, " ")
}

// TestPageListsTheCatalogue holds docs/events.md true: every event with all that the catalogue says of it, and no other.
func TestPageListsTheCatalogue(t *testing.T) {
	want := eventsPage()
	const path = "../docs/events.md"
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if page, err := os.ReadFile(path); err != nil || string(page) != want {
		t.Errorf("docs/events.md is not what the catalogue says (%v): run go test ./audit -update", err)
	}
	if rows := strings.Count(want, "\n| `"); rows != len(audit.Types())+len(audit.Hooks()) {
		t.Errorf("the page has %d events, the catalogue %d: a family is missing", rows, len(audit.Types()))
	}
}

// TestCatalogueIsWhole: each event has all that the page needs, and its place by its number; fields are those that the log has.
func TestCatalogueIsWhole(t *testing.T) {
	before := map[string]audit.Type{}
	for _, e := range audit.Catalogue() {
		family, _, _ := strings.Cut(string(e.Type), "_")
		if e.Type <= before[family] {
			t.Errorf("%s stands behind %s", e.Type, before[family])
		}
		before[family] = e.Type
		if e.Text == "" || e.When == "" || e.Severity < 1 || e.Severity > 10 || e.Fields == "" || strings.Contains(e.When+e.Do, "|") {
			t.Errorf("%s: the entry %+v lacks something", e.Type, e)
		}
		if e.Severity >= 4 && e.Do == "" {
			t.Errorf("%s deserves a look, and nothing says what to do", e.Type)
		}
		for _, name := range strings.Fields(e.Fields) {
			if audit.LineName(name) == "" {
				t.Errorf("%s has a field %s, which the log has not", e.Type, name)
			}
		}
	}
	if audit.LoginFailed.Severity() != 4 || audit.Type("NEW_1").Severity() != 1 || audit.Type("NEW_1").Text() != "NEW_1" {
		t.Error("severity or text is not that of the catalogue")
	}
}
