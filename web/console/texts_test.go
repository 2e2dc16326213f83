package console

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"brygga/audit"
	"brygga/notice"
	"brygga/storage"
)

var placeholder = regexp.MustCompile(`\{\w+\}`)

// sources is all code of the package, without tests and what is generated.
func sources(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, pattern := range []string{"*.go", "*.templ"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_templ.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(text)
		}
	}
	return b.String()
}

// TestTextsInAllLanguages: each text is there in each language, with the same values to fill in.
func TestTextsInAllLanguages(t *testing.T) {
	for key, texts := range catalogue() {
		if got := slices.Sorted(maps.Keys(texts)); !slices.Equal(got, slices.Sorted(slices.Values(languages))) {
			t.Errorf("%s is there in %v", key, got)
		}
		want := placeholder.FindAllString(texts[languages[0]], -1)
		slices.Sort(want)
		for _, tag := range languages {
			got := placeholder.FindAllString(texts[tag], -1)
			slices.Sort(got)
			if strings.TrimSpace(texts[tag]) == "" || !slices.Equal(slices.Compact(got), slices.Compact(slices.Clone(want))) {
				t.Errorf("%s in %s is %q", key, tag, texts[tag])
			}
		}
	}
}

var (
	asked   = regexp.MustCompile(`\.text\("([^"]+)"[,)]`)
	counted = regexp.MustCompile(`\.count\("([^"]+)"`)
	written = regexp.MustCompile(`"([a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)*\.?)"`)
)

// TestTextsAreUsed: every key that the code asks for is there, and no other.
func TestTextsAreUsed(t *testing.T) {
	code := sources(t)
	for _, found := range asked.FindAllStringSubmatch(code, -1) {
		if !hasText(found[1]) {
			t.Errorf("the code asks for %q, which is not written", found[1])
		}
	}
	for _, found := range counted.FindAllStringSubmatch(code, -1) {
		if !hasText(found[1]+".one") || !hasText(found[1]+".many") {
			t.Errorf("the code counts by %q, which is not written", found[1])
		}
	}
	used := map[string]bool{}
	for _, found := range written.FindAllStringSubmatch(code, -1) {
		used[strings.TrimSuffix(found[1], ".")] = true
	}
	for key := range catalogue() {
		// A key may be put together from its beginning and a word.
		beginning := key
		for beginning != "" && !used[beginning] {
			beginning = beginning[:max(0, strings.LastIndexByte(beginning, '.'))]
		}
		if beginning == "" {
			t.Errorf("%s is written, and nothing asks for it", key)
		}
	}
}

// TestEventsHaveNames: each event of the catalogue is called something in every language.
func TestEventsHaveNames(t *testing.T) {
	for _, kind := range audit.Types() {
		for _, lang := range languages {
			v := &visit{lang: lang}
			name := v.eventText(&storage.AuditEvent{Type: string(kind)})
			if name == "" || lang == "sv" && name == kind.Text() {
				t.Errorf("%s is called %q in %s", kind, name, lang)
			}
		}
	}
}

// TestFieldsOfEventsHaveNames: each field of the audit log is called something in every language, and a setting what its page calls it.
func TestFieldsOfEventsHaveNames(t *testing.T) {
	for _, lang := range languages {
		v := &visit{lang: lang}
		for _, name := range append(audit.FieldNames(), "PREVIOUS") {
			if label := v.fieldLabel(name); label == name || label == "" {
				t.Errorf("%s is called nothing in %s", name, lang)
			}
		}
		if label := v.fieldLabel("BEFORE.redirect_uris"); !strings.HasSuffix(label, ": "+v.settingLabel("redirect_uris")) {
			t.Errorf("a setting is called %q", label)
		}
	}
	if label := (&visit{lang: "sv"}).fieldLabel("UNHEARD_OF"); label != "UNHEARD_OF" {
		t.Errorf("a field that nobody knows is called %q", label)
	}
}

var (
	partSaid      = regexp.MustCompile(`\bof\("([a-z-]+)"`)
	conditionSaid = regexp.MustCompile(`State: "([a-z-]+)"`)
)

// TestHealthHasWords: each part that the program tells the health of, and each state of one, is called something here.
func TestHealthHasWords(t *testing.T) {
	code := ""
	files, err := filepath.Glob("../../cmd/brygga/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") && strings.Contains(string(text), "admin.Detail") {
			code += string(text)
		}
	}
	parts, states := partSaid.FindAllStringSubmatch(code, -1), conditionSaid.FindAllStringSubmatch(code, -1)
	if len(parts) < 8 || len(states) < 10 {
		t.Fatalf("finds only %v and %v", parts, states)
	}
	for _, part := range parts {
		if !hasText("health." + part[1]) {
			t.Errorf("the part %s is called nothing", part[1])
		}
	}
	for _, state := range states {
		if !hasText("condition."+state[1]) && !hasText("condition."+state[1]+".many") {
			t.Errorf("the state %s is called nothing", state[1])
		}
	}
	for _, kind := range notice.Kinds() {
		if !hasText("alarms.kind." + string(kind)) {
			t.Errorf("the alarm %s is called nothing", kind)
		}
	}
}
