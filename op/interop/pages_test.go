package interop

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the programs of examples/ into the pages that show them")

var (
	root = filepath.Join("..", "..")
	// pagesDirs have a page for each product or framework, and an index.
	pagesDirs = []string{filepath.Join(root, "docs", "integrations"), filepath.Join(root, "docs", "quickstart")}
)

var (
	// command is one call of "brygga client add" on a page, with its continued lines.
	command = regexp.MustCompile(`(?m)^brygga client add (?:.*\\\n)*.*$`)
	// piped is what follows a command in a shell.
	piped = regexp.MustCompile(` \|.*`)
	// shown is a program on a page, below the name of its file.
	shown = regexp.MustCompile("(?s)<!-- (examples/[^ ]+) -->\n```([a-z]+)\n(.*?)```\n")
)

// pages calls run with each page of the directories but the indexes, which must name it.
func pages(t *testing.T, dirs []string, run func(path, text string)) {
	t.Helper()
	for _, dir := range dirs {
		found, err := filepath.Glob(filepath.Join(dir, "*.md"))
		if err != nil || len(found) < 11 {
			t.Fatalf("%d pages, %v", len(found), err)
		}
		index, err := os.ReadFile(filepath.Join(dir, "README.md"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(path)
			if name == "README.md" {
				continue
			}
			if !strings.Contains(string(index), "]("+name+")") {
				t.Errorf("the index does not name %s", path)
			}
			run(path, string(text))
		}
	}
}

// registerFromPages runs the commands of all pages, as somebody would who copies them.
func registerFromPages(t *testing.T, p *provider) {
	pages(t, pagesDirs, func(path, text string) {
		found := command.FindAllString(text, -1)
		if len(found) == 0 {
			t.Errorf("%s does not say how to register a client", path)
		}
		for _, line := range found {
			line = piped.ReplaceAllString(line, "")
			p.shell(t, line)
			if id := strings.Fields(line)[3]; strings.HasPrefix(id, "my-") { // of several pages
				p.shell(t, "brygga client remove --yes "+id)
			}
		}
	})
}

// shell runs a line that begins with brygga, on the provider's data, and returns what it prints.
func (p *provider) shell(t *testing.T, line string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line+` --data "$DATA"`)
	cmd.Env = append(os.Environ(), "DATA="+p.data, "PATH="+filepath.Dir(p.binary)+":"+os.Getenv("PATH"))
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%v\n%s\n%s", err, line, out)
	}
	return out
}

// TestPagesShowTheExamples: what a page shows is the file, to the letter; -update writes it there.
func TestPagesShowTheExamples(t *testing.T) {
	times := 0
	pages(t, pagesDirs[1:], func(path, text string) {
		current := shown.ReplaceAllStringFunc(text, func(block string) string {
			times++
			part := shown.FindStringSubmatch(block)
			program, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(part[1])))
			if err != nil {
				t.Error(err)
				return block
			}
			return "<!-- " + part[1] + " -->\n```" + part[2] + "\n" + string(program) + "```\n"
		})
		switch {
		case current == text:
		case *update:
			if err := os.WriteFile(path, []byte(current), 0o644); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("%s shows another program than its file: go test ./op/interop -run TestPagesShowTheExamples -update", path)
		}
	})
	if times < 15 {
		t.Errorf("%d programs are shown", times)
	}
}

// links are links of a page to other files of the repository.
var links = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

// TestLinksOfPages: a link to another page leads to one that is there.
func TestLinksOfPages(t *testing.T) {
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "examples/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("no page %s, %v", pattern, err)
		}
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, link := range links.FindAllStringSubmatch(string(text), -1) {
				if _, err := os.Stat(filepath.Join(filepath.Dir(path), link[1])); err != nil {
					t.Errorf("%s leads to %s, which is not there", path, link[1])
				}
			}
		}
	}
}
