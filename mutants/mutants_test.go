package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// gate is a package with one rule, and a test that knows the half of it.
var gate = map[string]string{
	"go.mod": "module example\n\ngo 1.24\n",
	"gate/gate.go": `package gate

var least = 18

func Open(age int, key string) (open bool) {
	if age >= least && key == "right" {
		return true
	}
	return false
}

func Count(keys ...string) {
	for range keys {
		least = least + 0
	}
}
`,
	"gate/gate_test.go": `package gate

import "testing"

func TestOpen(t *testing.T) {
	for name, age := range map[string]int{"of age": 18, "grown up": 40} {
		t.Run(name, func(t *testing.T) {
			if !Open(age, "right") {
				t.Error(age)
			}
		})
	}
	t.Run("child", func(t *testing.T) {
		if Open(17, "right") {
			t.Error(17)
		}
	})
	Count("a", "b")
}

func TestWrong(t *testing.T) { t.Error("always") }
`,
}

const noticed = `# A comment.
Open younger
- age >= least
+ true || age >= 1
Children would get in.
TestOpen/child

Open edge
-   age    >=
+ age >
Who is of age today would not.
TestOpen/of_age

least
- 18
+ 16
Children would get in.
gate TestOpen/child

Count nothing
- for range keys {
+ for panic("keys"); ; {
Nobody would.
TestOpen
`

func TestMutants(t *testing.T) {
	rows := []struct {
		name, list, want string
	}{
		{"all are noticed", noticed, ""},
		{"a blind test", "Open key\n- && key == \"right\"\n+\nAnybody.\nTestOpen\n", "gate/Open-key: no test fails"},
		{"no such place", "Open key\n- && key == \"left\"\n+\nAnybody.\nTestOpen\n", "stands 0 times"},
		{"two places", "Open\n- true\n+ false\nNobody.\nTestOpen\n\nOpen e\n- e\n+ f\nNobody.\nTestOpen\n", "gate/Open-e: what is to be replaced stands"},
		{"no such function", "Shut\n- true\n+ false\nNobody.\nTestOpen\n", "declares no Shut"},
		{"no such test", "Open\n- true\n+ false\nNobody.\nTestShut\n", "does not pass without"},
		{"a test that fails anyway", "Open\n- true\n+ false\nNobody.\nTestWrong\n", "does not pass without"},
		{"no program", "Open\n- true\n+ open +\nNobody.\nTestOpen\n", "gate.txt:4"},
		{"one name twice", "Open\n- true\n+ false\nNobody.\nTestOpen\n\nOpen\n- true\n+ false\nNobody.\nTestOpen\n", "stands at line 1, too"},
		{"no test", "Open\n- true\n+ false\nNobody.\n", "gate.txt:1: gate/Open: wants"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			enter(t, row.list)
			err := run(t.Context(), nil, t.Output())
			if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}

func TestDiscover(t *testing.T) {
	enter(t, "Open younger\n- age >= least\n+ (true || age >= least)\nChildren would get in.\nTestOpen/child\n")
	var out strings.Builder
	if err := run(t.Context(), []string{"-discover", "gate"}, &out); err != nil {
		t.Fatal(err)
	}
	edge := "- age >= least\n+ age > least\n?\nTestOpen/of_age\n"
	survivor := "- age >= least && key == \"right\"\n+ age >= least && (true || key == \"right\")\n?\n\n"
	found, survived, _ := strings.Cut(out.String(), "# Those that no test notices:\n")
	if !strings.Contains(found, edge) || !strings.Contains(survived, survivor) {
		t.Errorf("got %s", out.String())
	}
}

// enter makes the module and its list the working directory.
func enter(t *testing.T, list string) {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range gate {
		put(name, text)
	}
	put("mutants/gate.txt", list)
	t.Chdir(dir)
}
